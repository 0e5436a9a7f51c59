"""How a Hugging Face encoder reads a text: subwords, each with the token it begins in, in pieces it can hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iepile.models.compact.example import Label
from iepile.models.compact.features import Tokens

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Subwords:
    """One text as subwords."""

    ids: list[int]
    """Subword ids without special tokens."""
    owner: list[int]
    """Token index of each subword, in the tokens of `features.tokenize`."""


@dataclass(frozen=True)
class SubwordReader:
    """The tokenizer of an encoder, and what the encoder wants around its ids."""

    tokenizer: Any
    """A `tokenizers.Tokenizer`, or anything with its `encode`."""
    first: int
    """Id of the start token."""
    last: int
    """Id of the end token."""
    padding: int
    limit: int
    """Most subwords of a piece, start and end token not counted."""

    def read(self, tokens: Tokens) -> Subwords:
        """Subwords of a text, each with the token it begins in."""
        # Without special tokens: those are added to each piece. Half a surrogate pair is no character to it.
        out = self.tokenizer.encode(_SURROGATE.sub("\ufffd", tokens.text), add_special_tokens=False)
        ids: list[int] = []
        owner: list[int] = []
        token = 1
        for piece, (start, end) in zip(out.ids, out.offsets, strict=True):
            # A subword may open with the blank before its word.
            while start < end and tokens.text[start].isspace():
                start += 1
            if start == end:
                continue
            while token < len(tokens) - 1 and tokens.offsets[token][1] <= start:
                token += 1
            ids.append(piece)
            owner.append(token)
        return Subwords(ids, owner)


@dataclass(frozen=True)
class Pieces:
    """Texts as rows that the encoder reads, and where their states go."""

    ids: np.ndarray[Any, Any]
    """[pieces, width] with start and end token."""
    mask: np.ndarray[Any, Any]
    """[pieces, width], 1 on what is no padding."""
    source: np.ndarray[Any, Any]
    """Cells of `ids`, flattened, whose states are used."""
    target: np.ndarray[Any, Any]
    """The token of each of them: text * size + token. The start state goes to token 0."""
    count: np.ndarray[Any, Any]
    """[texts * size] states of each token."""
    have: np.ndarray[Any, Any]
    """[texts * size] the token whose state each token takes: itself, or the last one before it that has any (a token
    that no subword begins in lies inside the subword of that one)."""


def cut(texts: Sequence[Subwords], size: int, reader: SubwordReader) -> Pieces:
    """Lay texts of at most `size` tokens out; one longer than the encoder's limit becomes several pieces."""
    pieces = [
        (row, at, text.ids[at : at + reader.limit])
        for row, text in enumerate(texts)
        for at in range(0, max(1, len(text.ids)), reader.limit)
    ]
    width = max(len(p) for _, _, p in pieces) + 2
    ids = np.full((len(pieces), width), reader.padding, np.int64)
    mask = np.zeros((len(pieces), width), np.int64)
    source: list[int] = []
    target: list[int] = []
    for k, (row, at, piece) in enumerate(pieces):
        ids[k, : len(piece) + 2] = [reader.first, *piece, reader.last]
        mask[k, : len(piece) + 2] = 1
        if at == 0:
            source.append(k * width)
            target.append(row * size)
        source += range(k * width + 1, k * width + 1 + len(piece))
        target += [row * size + t for t in texts[row].owner[at : at + len(piece)]]
    into = np.array(target, np.int64)
    count = np.bincount(into, minlength=len(texts) * size)
    places = np.where(count > 0, np.arange(len(count)), 0).reshape(-1, size)
    have = np.maximum.accumulate(places, 1).ravel()
    return Pieces(ids, mask, np.array(source, np.int64), into, count, have)


def label_text(label: Label) -> str:
    """What the encoder reads of a label; how it is used is told the network apart from it."""
    return f"{label.of}: {label.text}" if label.of else label.text
