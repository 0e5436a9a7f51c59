"""A tokenizer in the terms of llama.cpp: its tokens with their kinds, and how text is put together from them.

llama.cpp knows two ways that concern us: byte pairs (`gpt2`), with one of the expressions of gguf.toml to cut text
first; and SentencePiece (`llama`), which merges neighbours by the score of what they make. A tokenizer that does
neither is refused, because tokens that differ from those of training make a model worse without a word.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from iepile.errors import InputError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""Kinds of tokens, as GGUF numbers them."""
_BLANK = "▁"
_ELSEWHERE = "convert the merged model (format merged) with llama.cpp's own converter, convert_hf_to_gguf.py"


class Architecture(msgspec.Struct, frozen=True):
    """What GGUF calls a `model_type`."""

    gguf: str
    permute: bool = False
    """Rows of queries and keys stand in another order there."""


class PreTokenizer(msgspec.Struct, frozen=True):
    """How text is cut before byte pairs are merged."""

    splits: tuple[str, ...]
    byte_regex: bool = False
    whole_words: bool = False


class Facts(msgspec.Struct, frozen=True):
    """gguf.toml."""

    architectures: dict[str, Architecture]
    pre_tokenizers: dict[str, PreTokenizer]


class Vocabulary(msgspec.Struct, frozen=True):
    """What GGUF needs to know of a tokenizer."""

    model: str
    """`gpt2` (byte pairs) or `llama` (SentencePiece)."""
    pre: str
    """Name of the way text is cut first."""
    tokens: list[str]
    kinds: list[int]
    """Kind of each token."""
    merges: list[str] | None = None
    """Byte pairs in order, the two separated by a blank."""
    scores: list[float] | None = None
    """Of SentencePiece: the highest is merged first."""
    begins_with_blank: bool = False


@cache
def facts() -> Facts:
    """What is known of llama.cpp."""
    data = tomllib.loads(files("iepile.training.export").joinpath("gguf.toml").read_text("utf-8"))
    return msgspec.convert(data, Facts)


def read_vocabulary(tokenizer: Any, size: int) -> Vocabulary:
    """The vocabulary of a tokenizer.

    Args:
        size: rows of the model's embedding; those beyond the tokenizer's tokens become unused ones.

    Raises:
        InputError: llama.cpp would make other tokens of the same text.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise _refused("the tokenizer is written in Python and has no tokenizer.json")
    state = json.loads(backend.to_str())
    model = state["model"]
    if model.get("type") != "BPE":
        raise _refused(f"the tokenizer is of type {model.get('type')}, and only byte pairs are written")
    tokens, kinds = _tokens(tokenizer, state, size)
    pairs = [tuple(m) if isinstance(m, list) else tuple(m.split(" ", 1)) for m in model["merges"]]
    steps = _flat(state.get("pre_tokenizer"), "pretokenizers")
    if any(s["type"] == "ByteLevel" for s in steps):
        return Vocabulary("gpt2", _cut(state, steps), tokens, kinds, [" ".join(p) for p in pairs])
    if not model.get("byte_fallback"):
        raise _refused("the tokenizer has neither byte-level pairs nor bytes for unknown characters")
    special = {a["content"] for a in state["added_tokens"]}
    scores = spm_scores((t for t in model["vocab"] if t not in special), pairs)
    return Vocabulary("llama", "default", tokens, kinds, None,
                      [scores.get(t, 0.0) for t in tokens], _prefix(state, steps))


def spm_scores(vocab: Iterable[str], merges: Sequence[tuple[str, ...]]) -> dict[str, float]:
    """A score for each token, so that merging the neighbours that score highest is what the merges say.

    Ties apart: of two equal tokens that overlap in a text, llama.cpp makes the left one.

    Args:
        vocab: tokens that may come of text: no special ones.

    Raises:
        InputError: there are no such scores, because llama.cpp joins all neighbours that make a token.
    """
    rank: dict[str, int] = {}
    before = ""
    for n, pair in enumerate(merges):
        made = "".join(pair)
        if made in rank and made != before:
            raise _refused(f"the merges that make {made!r} do not stand together, as SentencePiece's do")
        rank.setdefault(made, n)
        before = made
    known = set(merges)
    for token in vocab:
        for pair in ((token[:i], token[i:]) for i in range(1, len(token))):
            if pair not in known and all(len(side) == 1 or side in rank for side in pair):
                raise _refused(f"llama.cpp would join {pair[0]!r} and {pair[1]!r}, which this tokenizer never does")
    return {token: -float(n) for token, n in rank.items()}


def _tokens(tokenizer: Any, state: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    tokens = [f"[PAD{i}]" for i in range(size)]
    kinds = [UNUSED] * size
    fallback = bool(state["model"].get("byte_fallback"))
    for token, i in state["model"]["vocab"].items():
        byte = fallback and len(token) == 6 and token.startswith("<0x") and token.endswith(">")
        tokens[i], kinds[i] = token, BYTE if byte else NORMAL
    for added in state["added_tokens"]:
        i = added["id"]
        tokens[i], kinds[i] = added["content"], CONTROL if added["special"] else USER_DEFINED
    unknown = tokenizer.unk_token_id
    if fallback and unknown is not None:
        kinds[unknown] = UNKNOWN
    return tokens, kinds


def _flat(step: dict[str, Any] | None, inner: str) -> list[dict[str, Any]]:
    if step is None:
        return []
    return [s for each in step[inner] for s in _flat(each, inner)] if step["type"] == "Sequence" else [step]


def _cut(state: dict[str, Any], steps: list[dict[str, Any]]) -> str:
    """Name of the way that a byte-level tokenizer cuts text first."""
    splits: list[str] = []
    byte_regex = False
    for step in steps:
        kind = step["type"]
        if kind == "Split" and step["behavior"] == "Isolated" and not step.get("invert"):
            splits.append(step["pattern"].get("Regex", ""))
        elif kind == "Digits" and step["individual_digits"]:
            splits.append("digits")
        elif kind == "ByteLevel" and not step["add_prefix_space"]:
            byte_regex = byte_regex or step.get("use_regex", True)
        else:
            raise _refused(f"the tokenizer cuts text by a step of type {kind} that is not known")
    normal = [s["type"] for s in _flat(state.get("normalizer"), "normalizers")]
    if any(n != "NFC" for n in normal):
        raise _refused(f"the tokenizer changes text first ({', '.join(normal)})")
    whole = bool(state["model"].get("ignore_merges"))
    for name, known in facts().pre_tokenizers.items():
        if known == PreTokenizer(tuple(splits), byte_regex, whole):
            return name
    raise _refused("the tokenizer cuts text in a way that is not known: " + (" then ".join(splits)[:200] or "bytes"))


def _prefix(state: dict[str, Any], steps: list[dict[str, Any]]) -> bool:
    """Whether a text begins with a blank of the tokenizer's own."""
    first = False
    for step in _flat(state.get("normalizer"), "normalizers"):
        if step["type"] == "Prepend" and step["prepend"] == _BLANK:
            first = True
        elif step["type"] != "Replace" or step["pattern"] != {"String": " "} or step["content"] != _BLANK:
            raise _refused(f"the tokenizer changes text first by a step of type {step['type']}")
    for step in steps:
        if step["type"] != "Metaspace" or step["replacement"] != _BLANK or step.get("split", True):
            raise _refused(f"the tokenizer cuts text by a step of type {step['type']} that is not known")
        first = first or step.get("prepend_scheme", "always") != "never"
    return first


def _refused(problem: str) -> InputError:
    return InputError(problem, field="format", expected="a tokenizer like that of Llama, Mistral, Qwen2 or Qwen3",
                      fix=_ELSEWHERE)
