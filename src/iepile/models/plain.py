"""Plain encoding: text becomes token ids of text, never a special token, whatever the text says.

>>> encode = PlainEncoder(tokenizer)  # doctest: +SKIP
>>> tokenizer.eos_token_id in encode("</s>")  # doctest: +SKIP
False
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from iepile.errors import InputError

BORDER = "\uf5c7"
"""A character of private use at which the tokenizers of serving.py split; in plain text it is like any other."""


class PlainEncoder:
    """Encodes text so that no special token comes of it, whatever the text says."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        control = control_tokens(tokenizer)
        self._forbidden = {tokenizer.convert_tokens_to_ids(t) for t in sorted(control)} - {tokenizer.unk_token_id}
        self._backend = _without_control_tokens(tokenizer, control)

    def __call__(self, text: str) -> list[int]:
        """Token ids of `text`, nothing added.

        Raises:
            InputError: this tokenizer makes a special token of the text even when told not to.
        """
        if self._backend is not None:
            ids: list[int] = self._backend.encode(text, add_special_tokens=False).ids
        else:
            ids = self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        if not self._forbidden.isdisjoint(ids):
            bad = next(i for i in ids if i in self._forbidden)
            raise InputError(
                f"the text holds {self._tokenizer.convert_ids_to_tokens(bad)!r}, a control token of this tokenizer",
                fix="remove it from the text",
            )
        return ids


def control_tokens(tokenizer: Any) -> frozenset[str]:
    """Tokens that steer a model. Words and blanks which users or vendors added as tokens are none."""
    added = getattr(tokenizer, "added_tokens_decoder", {}) or {}
    found = {str(t) for t in added.values() if (getattr(t, "special", True) or str(t)[:1] in "<[{|") and str(t).strip()}
    return frozenset(found | set(getattr(tokenizer, "all_special_tokens", ())))


def control_text(tokenizer: Any, texts: Iterable[str]) -> bool:
    """Whether any of the texts contains a control token of the tokenizer, spelled out."""
    names = sorted(control_tokens(tokenizer))
    return any(n in text for text in texts for n in names)


def _without_control_tokens(tokenizer: Any, control: frozenset[str]) -> Any | None:
    """A copy of a fast tokenizer that reads control tokens as text; None for one written in Python."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    from tokenizers import Tokenizer

    state = json.loads(backend.to_str())
    for token in state["added_tokens"]:
        token["special"] = token["special"] or token["content"] in control
    state["padding"] = state["truncation"] = None
    for stage, steps in (("pre_tokenizer", "pretokenizers"), ("normalizer", "normalizers")):
        found = state[stage]
        if found and found["type"] == "Sequence":
            found[steps] = [s for s in found[steps] if not _splits_at_borders(s)]
        elif found and _splits_at_borders(found):
            state[stage] = None
    copy = Tokenizer.from_str(json.dumps(state))
    copy.encode_special_tokens = True
    return copy


def _splits_at_borders(step: dict[str, Any]) -> bool:
    return step["type"] in ("Split", "Replace") and any(p.startswith(BORDER) for p in step["pattern"].values())
