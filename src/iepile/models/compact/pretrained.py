"""A Hugging Face encoder in the place of the BiLSTM: token states pooled from subword states by offsets.

It reads the labels too: a label's vector comes from its words as the encoder knows them, which is what lets a model
answer to labels that its training data never asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from iepile.errors import InputError, MissingDependency
from iepile.models.compact.example import Label
from iepile.models.compact.features import tokenize
from iepile.models.compact.subwords import SubwordReader, Subwords, cut, label_text

_POSITIONS_FROM_PADDING = ("roberta", "camembert", "mpnet", "longformer", "data2vec", "esm")
"""Model types that count positions from the padding index on, so that two of them are never used."""


class PretrainedEncoder(nn.Module):
    """Any encoder of transformers that has a fast tokenizer.

    A text longer than the encoder's limit is read in pieces of that length; nothing is cut off.
    """

    def __init__(self, tokenizer: Any, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        # A tokenizer is no module: it must not show up among the weights.
        self.tokenizer = tokenizer
        config: Any = model.config
        self.width = int(config.hidden_size)
        self.reader = _reader(tokenizer, config)

    @classmethod
    def from_source(cls, source: str | Path, *, weights: bool = True) -> PretrainedEncoder:
        """Load tokenizer and model; `weights=False` builds the model from its config alone.

        Raises:
            MissingDependency: transformers is not installed.
            InputError: the folder or name cannot be loaded, has no fast tokenizer, or is no encoder.
        """
        try:
            from transformers import AutoConfig, AutoModel, AutoTokenizer
        except ImportError as error:
            raise MissingDependency("transformers", "train", "a pretrained encoder") from error
        try:
            settings: Any = AutoConfig.from_pretrained(str(source))
            tokenizer: Any = AutoTokenizer.from_pretrained(str(source), use_fast=True)
            if getattr(settings, "is_encoder_decoder", False):
                raise InputError(
                    f"{str(source)!r} is an encoder with a decoder ({settings.model_type})",
                    field="encoder",
                    expected="an encoder alone (BERT, RoBERTa, ELECTRA, DeBERTa, ERNIE, ...)",
                )
            if weights:
                model: Any = AutoModel.from_pretrained(str(source), dtype=torch.float32, use_safetensors=True)
            else:
                model = AutoModel.from_config(settings, dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise InputError(
                f"cannot load the encoder {str(source)!r}: {error}",
                field="encoder",
                fix="give the folder or hub name of a Hugging Face encoder with config, tokenizer and safetensors",
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

    def forward(self, texts: Sequence[Subwords], size: int) -> Tensor:
        """Token states [texts, size, width]: mean of the token's subwords; the virtual token gets the start state.

        A token inside a subword that began earlier shares the state of that subword's token.
        """
        pieces = cut(texts, size, self.reader)
        states = self.model(
            input_ids=torch.from_numpy(pieces.ids), attention_mask=torch.from_numpy(pieces.mask)
        ).last_hidden_state.float()
        flat = states.flatten(0, 1).index_select(0, torch.from_numpy(pieces.source))
        total = torch.zeros(len(texts) * size, self.width).index_add(0, torch.from_numpy(pieces.target), flat)
        mean = total / torch.from_numpy(pieces.count).clamp(min=1)[:, None].float()
        return mean.index_select(0, torch.from_numpy(pieces.have)).view(len(texts), size, self.width)

    def labels(self, labels: Sequence[Label]) -> Tensor:
        """[labels, width]: mean of the states of each label's words, the start state among them."""
        tokens = [tokenize(label_text(label)) for label in labels]
        size = max(len(t) for t in tokens)
        states = self([self.reader.read(t) for t in tokens], size)
        lengths = torch.tensor([len(t) for t in tokens])
        mask = (torch.arange(size)[None] < lengths[:, None])[..., None]
        return (states * mask).sum(1) / lengths[:, None]


def _reader(tokenizer: Any, config: Any) -> SubwordReader:
    limits = [getattr(config, "max_position_embeddings", None) or 512, tokenizer.model_max_length or 512]
    kind = str(config.model_type)
    lost = 2 if any(name in kind for name in _POSITIONS_FROM_PADDING) else 0
    first = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
    last = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    if first is None or last is None:
        raise InputError(
            "the tokenizer of this encoder has no start or end token",
            field="encoder",
            expected="a BERT-like encoder (BERT, RoBERTa, ELECTRA, DeBERTa, ERNIE, ...)",
        )
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else last
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    # Start and end token take two places of each piece.
    return SubwordReader(backend, first, last, padding, min(int(n) for n in limits) - 2 - lost)
