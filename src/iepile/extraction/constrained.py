"""Constrained decoding: which tokens may come next, so that an answer is valid and its mentions are in the text.

grammar.py writes the grammar of an answer; here it meets the tokens of one tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from iepile.errors import InputError, MissingDependency
from iepile.extraction.free_grammar import as_spoken, compiled
from iepile.extraction.grammar import lark, limits
from iepile.models.chat import Chat
from iepile.models.load import Loaded
from iepile.models.plain import control_text
from iepile.tasks.shape import Shape


class TokenGrammar:
    """The grammar machine (llguidance) with one tokenizer."""

    def __init__(self, loaded: Loaded, chat: Chat, most: int | None = None) -> None:
        """`most`: most elements of one list in an answer.

        Raises:
            InputError: the machine cannot be used with this tokenizer.
            MissingDependency: llguidance is not installed.
        """
        try:
            import llguidance
            from llguidance.hf import from_tokenizer
        except ImportError:
            raise MissingDependency("llguidance", "train", "the grammar") from None
        self._lib = llguidance
        self._tokenizer = loaded.tokenizer
        self.vocabulary = _vocabulary(loaded.model)
        try:
            self.ll = from_tokenizer(loaded.tokenizer, n_vocab=self.vocabulary, eos_token=chat.end_id)
        except ValueError as e:
            raise InputError(f"the grammar cannot be used with this tokenizer: {e}", field="grammar",
                             fix="turn the grammar off; answers are then checked, but not held to the text") from e
        begin = chat.answer_ids('{"')[:-1]
        self.leading_space = self.ll.decode_bytes(begin).startswith(b" ")
        self._limits, self._most = limits(), most
        self._executor = llguidance.LLExecutor()

    def write(self, shape: Shape, instruction: str, text: str, most: int = 0) -> str:
        """The grammar of one request.

        Args:
            most: most elements of one list; 0: as was said for all.
        """
        hostile = control_text(self._tokenizer, [instruction])
        return lark(shape, text, most=most or self._most, leading_space=self.leading_space, no_forcing=hostile)

    def free(self, grammar: str) -> Any:
        """A matcher of somebody's own grammar, to be copied for each answer.

        Raises:
            InputError: it cannot be used, or costs too much.
        """
        hostile = control_text(self._tokenizer, [grammar])
        return compiled(self._lib, self.ll, as_spoken(grammar, self.leading_space, hostile))

    def matcher(self, grammar: str) -> Any:
        """A fresh matcher of an answer; a grammar that cannot be used shows in its `is_error`."""
        matcher = self._lib.LLMatcher
        return matcher(self.ll, matcher.grammar_from_lark(grammar), limits=self._limits, log_level=0)

    def masks(self, matchers: Sequence[Any | None]) -> Any:
        """Allowed tokens of each matcher as packed bits, int32 of shape (matchers, vocabulary / 32); None may do
        anything."""
        bits = np.full((len(matchers), (self.vocabulary + 31) // 32), -1, dtype=np.int32)
        live = [(m, i) for i, m in enumerate(matchers) if m is not None]
        if len(live) == 1:
            live[0][0].unsafe_compute_mask_ptr(bits[live[0][1]].ctypes.data, bits.shape[1] * 4)
        elif live:
            self._executor.unsafe_compute_mask_ptr(live, bits.ctypes.data, bits.shape[1] * 4, len(matchers))
        return bits

    def text(self, tokens: list[int]) -> str:
        """The text of an answer; a half character at its end is left out."""
        text: str = self.ll.decode_bytes(tokens).decode("utf-8", "ignore")
        return text.removeprefix(" ") if self.leading_space else text

    def ends(self, tokens: Sequence[int]) -> list[int]:
        """Characters of `text(tokens)` that are whole after each token."""
        if not tokens:
            return []
        data: bytes = self.ll.decode_bytes(list(tokens))
        sizes = [len(self.ll.decode_bytes([t])) for t in tokens]
        begins = (np.frombuffer(data + b" ", dtype=np.uint8) & 0xC0) != 0x80
        before = np.concatenate(([0], begins.cumsum()))
        places = np.minimum(np.cumsum(sizes), len(data))
        # A character is whole where the next one begins.
        whole = before[places] - ~begins[places]
        blank = self.leading_space and data.startswith(b" ")
        return [max(0, int(n) - blank) for n in whole]


def allowed_ids(bits: Any, vocabulary: int) -> Any:
    """Token ids of one packed mask, ascending; looks only at the words of 32 tokens that hold any."""
    words = np.flatnonzero(bits)
    spread = np.unpackbits(bits[words].view(np.uint8), bitorder="little")
    found = np.flatnonzero(spread)
    ids = words[found >> 5] * 32 + (found & 31)
    return ids if not len(ids) or ids[-1] < vocabulary else ids[ids < vocabulary]


def _vocabulary(model: Any) -> int:
    """Scores that the model gives a token: one for each row of its head."""
    head = model.get_output_embeddings()
    if head is not None:
        return int(head.weight.shape[0])
    config = getattr(model.config, "text_config", None) or model.config
    return int(config.vocab_size)
