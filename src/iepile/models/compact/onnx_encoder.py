"""A pretrained encoder as an ONNX graph, by torch's exporter; and its tokenizer, to be read without transformers."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from iepile.errors import MissingDependency
from iepile.models.compact.folder import write_json
from iepile.models.compact.onnx_graph import OPSET
from iepile.models.compact.pretrained import PretrainedEncoder


class _States(nn.Module):
    """An encoder that gives its states and nothing else."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        out: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return out


def save_encoder(encoder: PretrainedEncoder, folder: Path) -> None:
    """Write `encoder.onnx`, `tokenizer.json` and `reader.json` into a new folder.

    Raises:
        MissingDependency: onnxscript is not installed.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingDependency("onnxscript", "onnx", "the ONNX export of a pretrained encoder") from error
    ids = torch.full((3, 7), encoder.reader.first)
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    free: Any = torch.export.Dim.DYNAMIC
    shapes = {"input_ids": {0: free, 1: free}, "attention_mask": {0: free, 1: free}}
    with warnings.catch_warnings():
        # The exporter warns of its own future, which is nothing to its user.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _States(encoder.model).eval(), (ids, mask), dynamo=True, dynamic_shapes=shapes, opset_version=OPSET,
            input_names=["input_ids", "attention_mask"], output_names=["states"], verbose=False,
        )
    assert program is not None
    folder.mkdir()
    program.save(folder / "encoder.onnx")
    encoder.reader.tokenizer.save(str(folder / "tokenizer.json"))
    reader = encoder.reader
    about = {"first": reader.first, "last": reader.last, "padding": reader.padding, "limit": reader.limit}
    write_json(folder / "reader.json", about)
