"""How requests are put to a local language model: the prompt, its length, and what room an answer needs.

No weights are needed for it, only tokenizer and configuration.
"""

from __future__ import annotations

from contextlib import suppress

from iepile.errors import InputError
from iepile.extraction.engines.engine import Request
from iepile.instruction import read_instruction, text_first
from iepile.models.chat import Chat
from iepile.models.load import LoadOptions, load_without_weights
from iepile.tasks import get_task
from iepile.tasks.shape import Shape
from iepile.tasks.triple_shape import triple_shape

ANSWER_SHARE = 4
"""An answer is kept at most so many parts of the context free for: a quarter."""


class PromptTooLong(InputError):
    """A prompt leaves no room for an answer; it is never cut."""


class Prompts:
    """Prompts of requests, and how long they are."""

    def __init__(self, chat: Chat, context: int | None, max_new_tokens: int, text_first: bool = False) -> None:
        """`context`: most tokens of prompt and answer; with an encoder of its own for the prompt: of each."""
        self.chat, self.context = chat, context
        self._most, self._text_first = max_new_tokens, text_first

    def question(self, request: Request) -> str:
        """What is asked: the text before the schema where the model was trained so."""
        if self._text_first:
            with suppress(InputError):  # a question in plain words has no schema to move
                return text_first(request.instruction).text
        return request.instruction

    def ids(self, request: Request) -> list[int]:
        """Token ids of the prompt.

        Raises:
            InputError: the request is no Unicode text, or names a control token that cannot be read as text.
        """
        manner = request.manner
        try:
            if manner is None:
                return self.chat.prompt_ids(self.question(request), request.input)
            if manner.raw:
                return self.chat.raw_ids(request.instruction)
            chat = self.chat if manner.system is None else self.chat.with_system(manner.system)
            said = [turn.content for turn in manner.turns]
            return chat.conversation_ids([*said, self.question(request)])
        except (TypeError, UnicodeEncodeError):
            raise InputError("text or labels hold half a character (a lone surrogate)",
                             fix="mend the encoding of the data") from None

    def budget(self, prompt: int, least: int, wanted: int) -> int:
        """Tokens that an answer may have.

        Args:
            prompt: tokens of the prompt.
            least: tokens of the shortest answer.
            wanted: most tokens that are wanted.

        Raises:
            PromptTooLong: there is no room for the shortest.
        """
        if self.context is None:
            return wanted
        # An encoder-decoder holds so many of the prompt, and as many of the answer.
        apart = self.chat.encoder_decoder
        room = self.context - (0 if apart else prompt)
        if room < least or prompt > self.context:
            raise PromptTooLong(
                f"the prompt has {prompt} tokens{'' if apart else ' and'} the shortest answer {least}, more than "
                f"the {self.context} the model can hold",
                fix="use smaller windows, or ask fewer labels at a time",
            )
        return min(wanted, room)

    def prompt_tokens(self, request: Request) -> int:
        """Tokens of the prompt of a request, template included."""
        return len(self.ids(request))

    def answer_room(self, request: Request) -> int:
        """Tokens to keep free for the answer: `max_new_tokens`, but at most a quarter of the context.

        So a model of a small context still takes windows; an answer may use whatever the prompt leaves. An
        encoder-decoder keeps no room: the answer takes none from the prompt.
        """
        if self.context is None or self.chat.encoder_decoder:
            return 0
        return min(self._most, max(1, self.context // ANSWER_SHARE))


def read_prompts(model: str, load: LoadOptions, template: str, context: int, max_new_tokens: int) -> Prompts:
    """Prompts for a model, of which only tokenizer and configuration are read.

    Args:
        context: most tokens of prompt and answer; 0: as the model's configuration says.

    Raises:
        InputError: there is no such model, or the template does not fit it.
    """
    loaded = load_without_weights(model, load)
    return Prompts(loaded.chat(template), context or loaded.context, max_new_tokens,
                   loaded.card is not None and loaded.card.text_first)


def shape_and_text(request: Request) -> tuple[Shape | None, str]:
    """The shape of the answers to a request, and what their mentions are pieces of; no shape: any words may follow."""
    if not request.task:
        return triple_shape(request.instruction), request.input or request.instruction
    instruction, task = read_instruction(request.instruction), get_task(request.task)
    return task.shape(map(task.item, instruction.schema), request.values), instruction.input
