"""How requests are put to a local language model: the prompt, its length, and what room an answer needs.

No weights are needed for it, only tokenizer and configuration.
"""

from __future__ import annotations

from contextlib import suppress

from iepile.errors import InputError
from iepile.extraction.engines.engine import Request
from iepile.instruction import text_first
from iepile.models.chat import Chat
from iepile.models.load import LoadOptions, load_without_weights

ANSWER_SHARE = 4
"""An answer is kept at most so many parts of the context free for: a quarter."""


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
        try:
            return self.chat.prompt_ids(self.question(request), request.input)
        except (TypeError, UnicodeEncodeError):
            raise InputError("text or labels hold half a character (a lone surrogate)",
                             fix="mend the encoding of the data") from None

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
