"""A Hugging Face encoder in the place of the BiLSTM: token states pooled from subword states by offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from iepile.errors import InputError, MissingDependency
from iepile.models.compact.features import Tokens


@dataclass(frozen=True, slots=True)
class PretrainedText:
    """One text as subwords."""

    ids: list[int]
    """Subword ids without special tokens."""
    owner: list[int]
    """Token index of each subword, in the tokens of `features.tokenize`."""


class PretrainedEncoder(nn.Module):
    """Any fast-tokenizer encoder of transformers.

    A text longer than the encoder's limit is read in pieces of that length; nothing is cut off.
    """

    def __init__(self, tokenizer: Any, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        # A tokenizer is no module: it must not show up among the weights.
        self.tokenizer = tokenizer
        config: Any = model.config
        self.width = int(config.hidden_size)
        limits = [getattr(config, "max_position_embeddings", None) or 512, tokenizer.model_max_length or 512]
        # RoBERTa-like models count positions from the padding index on.
        self.limit = min(int(n) for n in limits) - 2 - (2 if "roberta" in str(config.model_type) else 0)
        self.first = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        self.last = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        if self.first is None or self.last is None:
            raise InputError(
                "the tokenizer of this encoder has no start or end token",
                field="encoder",
                expected="a BERT-like encoder (BERT, RoBERTa, ELECTRA, DeBERTa, ERNIE, ...)",
            )
        self.pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else self.last

    @classmethod
    def from_source(cls, source: str | Path, *, weights: bool = True) -> PretrainedEncoder:
        """Load tokenizer and model; `weights=False` builds the model from its config alone.

        Raises:
            MissingDependency: transformers is not installed.
            InputError: the folder or name cannot be loaded, or has no fast tokenizer.
        """
        try:
            from transformers import AutoConfig, AutoModel, AutoTokenizer
        except ImportError as error:
            raise MissingDependency("transformers", "train", "a pretrained encoder") from error
        try:
            tokenizer: Any = AutoTokenizer.from_pretrained(str(source), use_fast=True)
            if weights:
                model: Any = AutoModel.from_pretrained(str(source), dtype=torch.float32)
            else:
                model = AutoModel.from_config(AutoConfig.from_pretrained(str(source)), dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise InputError(
                f"cannot load the encoder {str(source)!r}: {error}",
                field="encoder",
                fix="give the folder or hub name of a Hugging Face encoder with config, tokenizer and weights",
            ) from error
        if not tokenizer.is_fast:
            raise InputError(
                f"the encoder {str(source)!r} has no fast tokenizer, which is needed for offsets", field="encoder"
            )
        return cls(tokenizer, model)

    def save_description(self, folder: Path) -> None:
        """Write config and tokenizer (the weights are saved with the network's)."""
        config: Any = self.model.config
        config.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)

    def read(self, tokens: Tokens) -> PretrainedText:
        """Subwords of a text, each with the token it begins in."""
        # Plain subword offsets, without special tokens: those are added to each piece.
        out = self.tokenizer(tokens.text, add_special_tokens=False, return_offsets_mapping=True, truncation=False)
        ids: list[int] = []
        owner: list[int] = []
        token = 1
        for piece, (start, end) in zip(out["input_ids"], out["offset_mapping"], strict=True):
            # A subword may open with the blank before its word.
            while start < end and tokens.text[start].isspace():
                start += 1
            if start == end:
                continue
            while token < len(tokens) - 1 and tokens.offsets[token][1] <= start:
                token += 1
            ids.append(piece)
            owner.append(token)
        return PretrainedText(ids, owner)

    def forward(self, texts: Sequence[PretrainedText], size: int) -> Tensor:
        """Token states [texts, size, width]: mean of the token's subwords; the virtual token gets the start state.

        A token inside a subword that began earlier shares the state of that subword's token.
        """
        pieces = [
            (row, at, text.ids[at : at + self.limit])
            for row, text in enumerate(texts)
            for at in range(0, max(1, len(text.ids)), self.limit)
        ]
        longest = max(len(p) for _, _, p in pieces) + 2
        ids = torch.full((len(pieces), longest), self.pad)
        mask = torch.zeros(len(pieces), longest, dtype=torch.long)
        for k, (_, _, piece) in enumerate(pieces):
            ids[k, : len(piece) + 2] = torch.tensor([self.first, *piece, self.last])
            mask[k, : len(piece) + 2] = 1
        states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        source: list[int] = []
        target: list[int] = []
        for k, (row, at, piece) in enumerate(pieces):
            if at == 0:
                source.append(k * longest)
                target.append(row * size)
            source += range(k * longest + 1, k * longest + 1 + len(piece))
            target += [row * size + t for t in texts[row].owner[at : at + len(piece)]]
        into = torch.tensor(target)
        flat = states.flatten(0, 1).index_select(0, torch.tensor(source))
        out = torch.zeros(len(texts) * size, self.width).index_add(0, into, flat)
        count = torch.zeros(len(texts) * size).index_add(0, into, torch.ones(len(target)))
        filled = out / count.clamp(min=1)[:, None]
        # A token that no subword begins in takes the state of the last token before it that has one.
        have = torch.where(count > 0, torch.arange(len(count)), 0).view(-1, size).cummax(1).values.flatten()
        return filled.index_select(0, have).view(len(texts), size, self.width)
