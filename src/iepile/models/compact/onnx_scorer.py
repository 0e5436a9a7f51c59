"""Decoding with ONNX Runtime: serves an exported compact model on a processor, without torch.

>>> model = load_onnx("runs/resume/onnx")  # doctest: +SKIP
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from iepile.errors import InputError, MissingDependency
from iepile.models.compact.batch import Prepared, prepare
from iepile.models.compact.config import CompactConfig
from iepile.models.compact.example import Label
from iepile.models.compact.features import label_pieces, tokenize
from iepile.models.compact.folder import ONNX, read_description, unreadable
from iepile.models.compact.predictor import Predictor
from iepile.models.compact.scorer import VECTORS_KEPT, Array, Name
from iepile.models.compact.subwords import SubwordReader, Subwords, cut, label_text

GRAPHS = ("encode", "labels", "grid", "spans", "link", "pairs")
_ENCODED_AT_ONCE = 256
"""Labels that a pretrained encoder reads at a time."""

Run = Callable[[dict[str, Any]], list[Array]]
"""A graph: arguments by name to results in their order."""


@dataclass(frozen=True)
class _Batch:
    """What `encode` gave, for each member: borders, linked, parts, between."""

    size: Array
    """Tokens of a row, padding included."""
    parts: list[list[Array]]


@dataclass(frozen=True)
class _Queries:
    """What `link` gave, for each member: queries and anchor states; and the index it was asked with."""

    row: Array
    anchor: Array
    parts: list[list[Array]]


@dataclass
class OnnxScorer:
    """See `Scorer`; with several members every score is the mean of theirs."""

    config: CompactConfig
    members: list[dict[str, Run]]
    """The graphs of each member by name."""
    encoder: Run | None = None
    reader: SubwordReader | None = None
    """Of the pretrained encoder, where there is one."""
    states: dict[Label, Array] = field(default_factory=dict)
    """Of the labels that the pretrained encoder has read."""

    def read(self, text: str) -> Prepared:
        """See `Scorer.read`."""
        return prepare(text, self.config.buckets, self.reader)

    def encode(self, texts: Sequence[Prepared], lengths: Array, features: Array) -> Any:
        """See `Scorer.encode`."""
        inputs: dict[str, Any] = {"lengths": lengths, "features": features}
        if self.encoder is not None:
            subwords = [t.subwords for t in texts if t.subwords is not None]
            inputs = {"lengths": lengths, "states": self._token_states(subwords, features.shape[1])}
        return _Batch(np.array(features.shape[1]), [m["encode"](inputs) for m in self.members])

    def grid(self, batch: Any, names: Sequence[Name], match: Array) -> tuple[Array, Any]:
        """See `Scorer.grid`."""
        vectors = self._vectors(names)
        found = [
            m["grid"]({"borders": p[0], "vectors": v, "match": match})
            for m, p, v in zip(self.members, batch.parts, vectors, strict=True)
        ]
        return _mean([scores for scores, _ in found]), [queries for _, queries in found]

    def spans(self, batch: Any, names: Any, share: Array, index: tuple[Array, Array, Array, Array]) -> Array:
        """See `Scorer.spans`."""
        row, name, first, last = index
        where = {"size": batch.size, "row": row, "first": first, "last": last, "share": share}
        return _mean([
            m["spans"]({**where, "parts": p[2], "query": queries[name]})[0]
            for m, p, queries in zip(self.members, batch.parts, names, strict=True)
        ])

    def link(self, batch: Any, names: Sequence[Name], index: tuple[Array, Array, Array]) -> tuple[Array, Any]:
        """See `Scorer.link`."""
        row, name, anchor = index
        where = {"size": batch.size, "row": row, "label": name, "first": anchor[:, 0], "last": anchor[:, 1]}
        found = [
            m["link"]({**where, "parts": p[2], "linked": p[1], "vectors": v})
            for m, p, v in zip(self.members, batch.parts, self._vectors(names), strict=True)
        ]
        return _mean([f[0] for f in found]), _Queries(row, anchor, [f[1:] for f in found])

    def pairs(self, batch: Any, queries: Any, index: tuple[Array, Array, Array]) -> Array:
        """See `Scorer.pairs`."""
        which, first, last = index
        where = {
            "size": batch.size, "row": queries.row[which], "anchor": queries.anchor[which], "first": first,
            "last": last,
        }
        return _mean([
            m["pairs"]({**where, "parts": p[2], "between": p[3], "query": q[which], "anchor_states": at[which]})[0]
            for m, p, (q, at) in zip(self.members, batch.parts, queries.parts, strict=True)
        ])

    def _vectors(self, names: Sequence[Name]) -> list[Array]:
        found = [label_pieces(label, use, self.config.label_buckets) for label, use in names]
        if self.encoder is not None:
            found = [p[:1] for p in found]
        longest = max(len(p) for p in found)
        pieces = np.zeros((len(found), longest), np.int64)
        weights = np.zeros((len(found), longest), np.float32)
        for k, p in enumerate(found):
            pieces[k, : len(p)] = p
            weights[k, : len(p)] = 1 / len(p)
        inputs = {"pieces": pieces, "weights": weights}
        if self.encoder is not None:
            inputs["states"] = self._label_states([label for label, _ in names])
        return [m["labels"](inputs)[0] for m in self.members]

    def _label_states(self, labels: Sequence[Label]) -> Array:
        assert self.reader is not None
        if len(self.states) > VECTORS_KEPT:
            self.states.clear()
        missing = [x for x in dict.fromkeys(labels) if x not in self.states]
        for at in range(0, len(missing), _ENCODED_AT_ONCE):
            part = missing[at : at + _ENCODED_AT_ONCE]
            tokens = [tokenize(label_text(x)) for x in part]
            states = self._token_states([self.reader.read(t) for t in tokens], max(len(t) for t in tokens))
            for label, t, row in zip(part, tokens, states, strict=True):
                self.states[label] = row[: len(t)].sum(0) / np.float32(len(t))
        return np.stack([self.states[x] for x in labels])

    def _token_states(self, texts: Sequence[Subwords], size: int) -> Array:
        assert self.encoder is not None
        assert self.reader is not None
        pieces = cut(texts, size, self.reader)
        states = self.encoder({"input_ids": pieces.ids, "attention_mask": pieces.mask})[0]
        total = np.zeros((len(texts) * size, states.shape[2]), np.float32)
        np.add.at(total, pieces.target, states.reshape(-1, states.shape[2])[pieces.source])
        mean = total / np.maximum(pieces.count, 1)[:, None].astype(np.float32)
        out: Array = mean[pieces.have].reshape(len(texts), size, -1)
        return out


def load_onnx(folder: Path | str, threads: int = 0) -> Predictor:
    """Open a folder that `export_onnx` wrote.

    Args:
        threads: threads of ONNX Runtime; 0: its own choice.

    Raises:
        InputError: not such a folder, or a damaged one.
        MissingDependency: onnxruntime is not installed.
    """
    folder = Path(folder)
    about = read_description(folder, ONNX)
    open_graph = _opener(threads)
    members = [
        {name: open_graph(folder / f"member-{k}" / f"{name}.onnx") for name in GRAPHS}
        for k in range(about.config.members)
    ]
    scorer = OnnxScorer(about.config, members)
    if about.config.encoder:
        scorer.encoder = open_graph(folder / "encoder" / "encoder.onnx")
        scorer.reader = _reader(folder / "encoder")
    return Predictor(scorer, about.config, about.labels, about.calibration)


def _opener(threads: int) -> Callable[[Path], Run]:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency("onnxruntime", "onnx", "an exported compact model") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1

    def opened(file: Path) -> Run:
        try:
            session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the errors of ONNX Runtime have no common base of their own
            raise unreadable(file, error) from error
        return lambda inputs: session.run(None, inputs)

    return opened


def _reader(folder: Path) -> SubwordReader:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingDependency("tokenizers", "onnx", "a model with a pretrained encoder") from error
    try:
        about = json.loads((folder / "reader.json").read_text("utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return SubwordReader(tokenizer, **{k: int(about[k]) for k in ("first", "last", "padding", "limit")})
    except InputError:
        raise
    except Exception as error:  # tokenizers raises plain Exception for a file it cannot read
        raise unreadable(folder, error) from error


def _mean(scores: Sequence[Array]) -> Array:
    if len(scores) == 1:
        return scores[0]
    out: Array = np.stack(list(scores)).mean(0)
    return out
