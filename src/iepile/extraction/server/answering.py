"""One request down the ladder: asked in the strictest way that the server keeps to, checked, asked in the next."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.grammar import complete
from iepile.extraction.server import measure
from iepile.extraction.server.body import body_of
from iepile.extraction.server.calls import Calls
from iepile.extraction.server.check import Checked, check, logprobs_of
from iepile.extraction.server.dialects import Step, filled
from iepile.extraction.server.failures import Failed
from iepile.extraction.server.forms import grammar_of, verbatim_of
from iepile.extraction.server.found import Found
from iepile.extraction.server.pace import wait_before
from iepile.extraction.server.question import Question, read_question
from iepile.extraction.server.reply import Reply
from iepile.tasks.triple_shape import triple_shape

if TYPE_CHECKING:
    from iepile.extraction.engines.openai import OpenAIOptions

logger = logging.getLogger(__name__)

_TOO_LONG = ("the prompt has {} tokens, which leaves no room for an answer in the {} that the server holds\n"
             "  do:       use smaller windows, ask fewer labels at a time, or start the server with a longer context")


class Answering:
    """How requests to one server are answered."""

    def __init__(self, options: OpenAIOptions, found: Found, calls: Calls) -> None:
        self.options, self.found, self.calls = options, found, calls
        self.context = options.context or found.context
        """Most tokens of prompt and answer; None: nobody says."""

    async def count(self, question: Question) -> int | None:
        """Tokens of a prompt as the server counts them; None where it does not, or not any more."""
        for attempt in range(self.options.retries + 1 if self.found.counts else 0):
            counted = await measure.count_prompt(self.calls.client, self.found, self.options, question)
            if counted is not None:
                return counted
            await asyncio.sleep(wait_before(attempt + 1, question.query, self.options.seed))
        return None

    async def answer(self, request: Request) -> Completion:
        """The answer to one request; what went wrong with it alone is in its `error`.

        Raises:
            IepileError: no request will be answered any more.
        """
        try:
            question = read_question(request, self.options.text_first)
            room = await self._room(question)
        except InputError as e:
            return Completion(request.key, "", "error", error=str(e), lasting=True)
        paid, failure, lasting = 0.0, "", True
        cut: tuple[Reply, Checked] | None = None
        for step, form in self._ways(question):
            if step == "none" and cut is not None:
                break
            body = body_of(question, self.found, self.options, room)
            try:
                body |= filled(form, self._grammar(question, step)) if step != "none" else {}
            except InputError as e:  # too much for this notation
                failure = str(e)
                continue
            try:
                reply = await self.calls.ask(self.options.endpoint, body, measure.guess(question.query))
            except Failed as e:
                failure, lasting = self._explained(e), not e.again
                if step != "none" and e.kind == "refused":
                    logger.debug("%s: no answer under %s (%s)", request.key, step, failure)
                    continue  # this grammar is too much for the server: the next way asks for less
                break
            paid += self.calls.usage.add(reply)
            if self.context is not None and reply.prompt_tokens >= self.context:
                failure = _TOO_LONG.format(reply.prompt_tokens, self.context)
                break
            if reply.finish == "content_filter":
                failure = "the server's content filter withheld the answer"
                break
            # A JSON schema cannot keep mentions to the text: grounding tells which are not in it.
            done = Checked(reply.text.strip(), True) if step == "none" or question.shape is None \
                else check(question, reply.text, verbatim=step != "json_schema")
            if done.whole or (done.closed and reply.finish == "length"):
                return _completion(request, reply, done, paid)
            self.calls.usage.unbound += 1
            failure = f"the server did not keep to the grammar ({step}): {reply.text[:80]!r}"
            logger.debug("%s: %s", request.key, failure)
            if done.closed and cut is None:
                cut = reply, done
        if cut is not None:
            # The server gave up in the middle (a grammar too long for it, a special token spelled out in a label): what
            # it wrote is valid as far as it goes.
            return _completion(request, cut[0], cut[1], paid)
        return Completion(request.key, "", "error", cost=paid, error=failure, lasting=lasting)

    def _ways(self, question: Question) -> tuple[tuple[Step, dict[str, Any]], ...]:
        if question.shape is None:
            # A server of ours knows the form of questions in words that ask for triples.
            own = tuple(way for way in self.found.forms if way[0] == "verbatim" and triple_shape(question.query))
            return (*own, ("none", {}))
        forced = self.options.constraint not in ("auto", "none")
        return self.found.forms if forced else (*self.found.forms, ("none", {}))

    def _grammar(self, question: Question, step: Step) -> Any:
        if step == "verbatim":
            return verbatim_of(question.request, self.options.max_items or None)
        assert question.shape is not None
        grammar = grammar_of(step, question.shape, question.source, self.options.max_items or None,
                             self.found.dialect)
        if grammar is None:
            raise InputError("a JSON schema cannot say this form")
        return grammar

    async def _room(self, question: Question) -> int:
        """Tokens for the answer.

        Raises:
            InputError: there is no room.
        """
        want = self.options.max_new_tokens
        if self.context is None or measure.most(question.query + question.request.input) + want <= self.context:
            return want  # it fits whatever the tokenizer
        tokens = await self.count(question)
        if tokens is None:
            return want
        closed = complete(question.shape, "") if question.shape is not None else None
        room = self.context - tokens
        if room < (len(closed or "") + 3) // 4 + 1:
            raise InputError(_TOO_LONG.format(tokens, self.context))
        return min(want, room)

    def _explained(self, error: Failed) -> str:
        if error.kind == "context":
            told = self.context or "?"
            return f"{error.message}\n  do:       give the option context (now {told}), or lower max_new_tokens (now " \
                   f"{self.options.max_new_tokens}), so that texts are cut into windows that fit"
        return error.message


def _completion(request: Request, reply: Reply, done: Checked, paid: float) -> Completion:
    logprob, strings = logprobs_of(done, reply)
    return Completion(request.key, done.text, "length" if done.closed or reply.finish == "length" else "stop",
                      tokens=reply.tokens, logprob=logprob, string_logprobs=strings,
                      prompt_tokens=reply.prompt_tokens, cost=paid)
