"""A trained compact model as ONNX graphs, to be served by ONNX Runtime without torch.

>>> export_onnx("runs/resume/model", "runs/resume/onnx")  # doctest: +SKIP

The folder it writes is a model folder like any other: `iepile predict --model runs/resume/onnx`. One graph for each
thing that decoding asks for (`Scorer`), in a folder for each member; a pretrained encoder becomes one more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from iepile.errors import InputError
from iepile.models.compact.ensemble import CompactEnsemble
from iepile.models.compact.features import FEATURES
from iepile.models.compact.folder import ONNX, Description, new_folder, replace_folder
from iepile.models.compact.geometry import DISTANCES, log_table
from iepile.models.compact.model import CompactModel
from iepile.models.compact.network import SIDE, WIDTH_BUCKETS, CompactNetwork
from iepile.models.compact.onnx_encoder import save_encoder
from iepile.models.compact.onnx_graph import Graph


def export_onnx(model_folder: Path | str, out_folder: Path | str) -> Path:
    """Write the compact model in `model_folder` as an ONNX model folder; returns that folder.

    Raises:
        InputError: `model_folder` is not that of a compact model, or is `out_folder`.
        MissingDependency: onnx (for a pretrained encoder onnxscript, too) is not installed.
    """
    source, target = Path(model_folder), Path(out_folder)
    if source.resolve() == target.resolve():
        raise InputError("the export would replace the model", file=target, fix="choose another folder")
    Graph("check")  # whether onnx is there, before any work
    model = CompactModel.load(source)
    network: Any = model.network
    members = list(network.members) if isinstance(network, CompactEnsemble) else [network]
    temporary = new_folder(target)
    Description(model.config, model.labels, model.calibration, ONNX).save(temporary)
    for k, member in enumerate(members):
        folder = temporary / f"member-{k}"
        folder.mkdir()
        for make in (_encode, _labels, _grid, _spans, _link, _pairs):
            graph = make(member)
            graph.save(folder / f"{graph.name}.onnx")
    if network.pretrained is not None:
        save_encoder(network.pretrained, temporary / "encoder")
    replace_folder(temporary, target)
    return target


def _encode(network: CompactNetwork) -> Graph:
    c, g = network.config, Graph("encode")
    s = c.span_size
    lengths = g.input("lengths", ["B"], whole=True)
    if network.pretrained is None:
        features = g.input("features", ["B", "L", FEATURES], whole=True)
        x = _lstm(network, g, features, lengths)
        size = g.op("Gather", g.op("Shape", features), g.constant(np.array(1)))
    else:
        x = g.input("states", ["B", "L", network.pretrained.width])
        size = g.op("Gather", g.op("Shape", x), g.constant(np.array(1)))
    places = g.op("Range", g.constant(np.array(0)), size, g.constant(np.array(1)))
    real = g.op("Less", g.wide(places, 0), g.wide(lengths, 1))
    mask = g.wide(g.op("Cast", real, to=1), 2)
    x = g.op("Mul", x, mask)
    borders = g.shaped(g.linear(x, network.borders), [0, 0, 6, c.query_size])
    parts = g.op("Mul", g.linear(x, network.parts), mask)
    sums = g.op("CumSum", g.cut(parts, 4 * s, 6 * s), g.constant(np.array(1)))
    flat = g.op("Concat", g.cut(parts, 0, 4 * s), g.cut(sums, 0, s), axis=-1)
    g.output("borders", g.cut(borders, 0, 3, 2), ["B", "L", 3, c.query_size])
    g.output("linked", g.cut(borders, 3, 6, 2), ["B", "L", 3, c.query_size])
    g.output("parts", g.shaped(flat, [-1, 5 * s]), ["C", 5 * s])
    g.output("between", g.shaped(g.cut(sums, s, 2 * s), [-1, s]), ["C", s])
    return g


def _lstm(network: CompactNetwork, g: Graph, features: str, lengths: str) -> str:
    table = network.features.weight.detach().clone()
    table[0] = 0  # means "no feature"
    embedded = g.op("ReduceSum", g.op("Gather", g.constant(table), features), g.constant(np.array([2])), keepdims=0)
    until = g.op("Cast", lengths, to=6)
    x = g.op("Transpose", embedded, perm=[1, 0, 2])
    for ahead, behind in zip(network.forward_lstm, network.backward_lstm, strict=True):
        weights = [_gates([getattr(m, f"{name}_l0") for m in (ahead, behind)]) for name in ("weight_ih", "weight_hh")]
        biases = [_gates([getattr(m, f"{name}_l0") for m in (ahead, behind)]) for name in ("bias_ih", "bias_hh")]
        y = g.op(
            "LSTM", x, *(g.constant(w) for w in weights), g.constant(torch.cat(biases, 1)), until,
            direction="bidirectional", hidden_size=network.config.hidden_size,
        )
        # [L, 2, B, h] to [L, B, 2 h]
        x = g.shaped(g.op("Transpose", y, perm=[0, 2, 1, 3]), [0, 0, -1])
    out = g.norm(g.op("Transpose", x, perm=[1, 0, 2]), network.state_norm)
    if not network.config.skip:
        return out
    return g.op("Concat", out, g.norm(embedded, network.embedding_norm), axis=-1)


def _gates(directions: list[Tensor]) -> Tensor:
    """Of both directions, with the gates in the order of ONNX (in, out, forget, cell) for torch's (in, forget, cell,
    out)."""
    out = []
    for w in directions:
        i, f, c, o = w.detach().chunk(4)
        out.append(torch.cat([i, o, f, c]))
    return torch.stack(out)


def _labels(network: CompactNetwork) -> Graph:
    g = Graph("labels")
    pieces = g.input("pieces", ["T", "P"], whole=True)
    weights = g.input("weights", ["T", "P"])
    rows = g.op("Mul", g.op("Gather", g.constant(network.labels.weight), pieces), g.wide(weights, 2))
    x = g.op("ReduceSum", rows, g.constant(np.array([1])), keepdims=0)
    if network.pretrained is not None:
        x = g.add(x, g.linear(g.input("states", ["T", network.pretrained.width]), network.label_states))
    g.output("vectors", g.norm(x, network.label_norm), ["T", network.config.embedding_size])
    return g


def _grid(network: CompactNetwork) -> Graph:
    c, g = network.config, Graph("grid")
    d, s = c.query_size, c.span_size
    borders = g.input("borders", ["B", "L", 3, d])
    vectors = g.input("vectors", ["T", c.embedding_size])
    match = g.input("match", ["B", "T", "L"])
    first, last = network.query[0], network.query[2]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    q = g.linear(g.gelu(g.linear(vectors, first)), last)
    wanted = g.shaped(g.cut(q, 0, 3 * d), [-1, 3, d])
    scores = g.op("Mul", g.op("Einsum", borders, wanted, equation="blkd,tkd->btlk"), g.constant(d**-0.5 * 2))
    scores = g.add(
        scores,
        g.wide(g.cut(q, 3 * d, 3 * d + 3), 1),
        g.op("Mul", g.wide(match, 3), g.constant(network.match_weight.detach()[:3])),
    )
    g.output("scores", scores, ["B", "T", "L", 3])
    g.output("queries", g.cut(q, 3 * d + 3, 3 * d + 4 + s), ["T", s + 1])
    return g


def _spans(network: CompactNetwork) -> Graph:
    s, g = network.config.span_size, Graph("spans")
    hidden, _ = _span_parts(network, g)
    query = g.input("query", ["N", s + 1])
    share = g.input("share", ["N"])
    scores = _compare(network, g, g.linear(g.gelu(hidden), network.span_out), query)
    lexical = g.op("Mul", share, g.constant(network.match_weight.detach()[3]))
    g.output("scores", g.add(scores, lexical), ["N"])
    return g


def _link(network: CompactNetwork) -> Graph:
    c, g = network.config, Graph("link")
    d, s = c.query_size, c.span_size
    hidden, (row, first, last) = _span_parts(network, g)
    linked = g.input("linked", ["B", "L", 3, d])
    vectors = g.input("vectors", ["T", c.embedding_size])
    label = g.input("label", ["N"], whole=True)
    at = g.gelu(hidden)
    of_label = g.op("Gather", g.linear(vectors, network.linked_label), label)
    q = g.linear(g.gelu(g.add(of_label, g.linear(at, network.linked_anchor))), network.linked_query)
    wanted = g.shaped(g.cut(q, 0, 3 * d), [-1, 3, d])
    scores = g.op("Einsum", g.op("Gather", linked, row), wanted, equation="qlkd,qkd->qlk")
    scores = g.op("Mul", scores, g.constant(d**-0.5 * 2))
    places = g.op(
        "Range", g.constant(np.array(0)), g.op("Gather", g.op("Shape", linked), g.constant(np.array(1))),
        g.constant(np.array(1)),
    )
    places = g.wide(places, 0)
    far = _bucket(g, _distance(g, g.wide(first, 1), g.wide(last, 1), places, places))
    pull = g.shaped(g.cut(q, 3 * d + 4 + s, 3 * d + 4 + s + 3 * SIDE), [-1, 3, SIDE])
    lean = g.op("Einsum", g.constant(network.side.weight), pull, equation="nd,qkd->qnk")
    scores = g.add(
        scores, g.wide(g.cut(q, 3 * d, 3 * d + 3), 1), g.op("GatherND", lean, g.wide(far, 2), batch_dims=1)
    )
    g.output("scores", scores, ["N", "L", 3])
    g.output("queries", g.cut(q, 3 * d + 3, 3 * d + 4 + s), ["N", s + 1])
    g.output("anchor_states", at, ["N", s])
    return g


def _pairs(network: CompactNetwork) -> Graph:
    s, g = network.config.span_size, Graph("pairs")
    hidden, (row, first, last) = _span_parts(network, g)
    between = g.input("between", ["C", s])
    anchor = g.input("anchor", ["N", 2], whole=True)
    query = g.input("query", ["N", s + 1])
    states = g.input("anchor_states", ["N", s])
    anchor_first, anchor_last = g.column(anchor, 0), g.column(anchor, 1)
    steps = _distance(g, anchor_first, anchor_last, first, last)
    low = g.op("Min", anchor_last, last)
    high = g.op("Max", g.op("Sub", g.op("Max", anchor_first, first), g.constant(np.array(1))), low)
    base = g.op("Mul", row, "size")
    sums = [g.op("Gather", between, g.add(base, place)) for place in (high, low)]
    width = g.op("Max", g.op("Sub", high, low), g.constant(np.array(1)))
    gap = g.op("Div", g.op("Sub", *sums), g.wide(g.op("Cast", width, to=1), 1))
    far = g.op("Gather", g.constant(network.distances.weight), _bucket(g, steps))
    hidden = g.add(hidden, gap, far, g.linear(states, network.pair_anchor))
    g.output("scores", _compare(network, g, g.linear(g.gelu(hidden), network.pair_out), query), ["N"])
    return g


def _span_parts(network: CompactNetwork, g: Graph) -> tuple[str, tuple[str, str, str]]:
    """`CompactNetwork._span_parts` over the inputs parts, size, row, first, last; and the last three of these."""
    s = network.config.span_size
    one, zero = g.constant(np.array(1)), g.constant(np.array(0))
    parts = g.input("parts", ["C", 5 * s])
    size = g.input("size", [], whole=True)
    row, first, last = (g.input(name, ["N"], whole=True) for name in ("row", "first", "last"))
    base = g.op("Mul", row, size)
    before = g.op("Max", g.op("Sub", first, one), zero)
    after = g.op("Min", g.op("Add", last, one), g.op("Sub", size, one))
    columns = [g.cut(parts, k * s, (k + 1) * s) for k in range(5)]

    def at(column: int, place: str) -> str:
        return g.op("Gather", columns[column], g.add(base, place))

    some = g.wide(g.op("Cast", g.op("Greater", first, zero), to=1), 1)
    width = g.op("Add", g.op("Sub", last, first), one)
    inside = g.op("Sub", at(4, last), g.op("Mul", at(4, before), some))
    inside = g.op("Div", inside, g.wide(g.op("Cast", width, to=1), 1))
    widths = g.op("Min", _log_bucket(g, width), g.constant(np.array(WIDTH_BUCKETS - 1)))
    wide = g.op("Gather", g.constant(network.widths.weight), widths)
    return g.add(at(0, first), at(1, last), at(2, before), at(3, after), inside, wide), (row, first, last)


def _compare(network: CompactNetwork, g: Graph, spans: str, query: str) -> str:
    s = network.config.span_size
    products = g.op("Mul", spans, g.cut(query, 0, s))
    dot = g.op("ReduceSum", products, g.constant(np.array([-1])), keepdims=0)
    return g.add(g.op("Mul", dot, g.constant(s**-0.5 * 2)), g.column(query, s))


def _distance(g: Graph, first: str, last: str, other_first: str, other_last: str) -> str:
    zero = g.constant(np.array(0))
    return g.op(
        "Sub",
        g.op("Max", g.op("Sub", other_first, last), zero),
        g.op("Max", g.op("Sub", first, other_last), zero),
    )


def _log_bucket(g: Graph, n: str) -> str:
    table = np.array(log_table())
    return g.op("Gather", g.constant(table), g.op("Min", n, g.constant(np.array(len(table) - 1))))


def _bucket(g: Graph, steps: str) -> str:
    level = g.op("Min", _log_bucket(g, g.op("Abs", steps)), g.constant(np.array(DISTANCES)))
    return g.add(g.op("Mul", g.op("Sign", steps), level), g.constant(np.array(DISTANCES)))
