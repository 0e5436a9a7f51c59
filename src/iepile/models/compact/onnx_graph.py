"""A small writer of ONNX graphs: nodes in order, weights from torch layers, the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from iepile.errors import MissingDependency

OPSET = 20
"""The first with Gelu; read by ONNX Runtime from 1.17 on."""
_IR = 9


class Graph:
    """One graph; every method that adds a node returns the name of its result."""

    def __init__(self, name: str) -> None:
        """
        Raises:
            MissingDependency: onnx is not installed.
        """
        try:
            import onnx
        except ImportError as error:
            raise MissingDependency("onnx", "onnx", "the ONNX export") from error
        self._onnx = onnx
        self.name = name
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def input(self, name: str, shape: Sequence[str | int], *, whole: bool = False) -> str:
        """An argument; float32, or int64 with `whole`. Names in `shape` are free sizes."""
        kind = self._onnx.TensorProto.INT64 if whole else self._onnx.TensorProto.FLOAT
        self._inputs.append(self._onnx.helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def output(self, name: str, value: str, shape: Sequence[str | int]) -> None:
        """Give a float32 result a name from outside."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))
        kind = self._onnx.TensorProto.FLOAT
        self._outputs.append(self._onnx.helper.make_tensor_value_info(name, kind, list(shape)))

    def constant(self, value: Any) -> str:
        """Numbers, whole ones as int64 and others as float32; equal ones are kept once."""
        array = np.asarray(value.detach().numpy() if isinstance(value, Tensor) else value)
        array = np.asarray(array, np.int64 if array.dtype.kind == "i" else np.float32, order="C")
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = f"w{len(self._weights)}"
            self._weights.append(self._onnx.numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node with one result."""
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, results: int, *inputs: str, **attributes: Any) -> list[str]:
        """A node with several results."""
        names = [f"n{len(self._nodes)}.{k}" for k in range(results)]
        self._nodes.append(self._onnx.helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def linear(self, x: str, layer: nn.Linear) -> str:
        """`layer` of the last axis."""
        out = self.op("MatMul", x, self.constant(layer.weight.detach().T))
        return self.op("Add", out, self.constant(layer.bias))

    def norm(self, x: str, layer: nn.LayerNorm) -> str:
        """`layer` of the last axis."""
        weights = self.constant(layer.weight), self.constant(layer.bias)
        return self.op("LayerNormalization", x, *weights, axis=-1, epsilon=layer.eps)

    def gelu(self, x: str) -> str:
        """Exact GELU."""
        return self.op("Gelu", x)

    def cut(self, x: str, first: int, last: int, axis: int = -1) -> str:
        """`x[first:last]` along an axis."""
        bounds = [self.constant(np.array([n])) for n in (first, last, axis)]
        return self.op("Slice", x, *bounds)

    def column(self, x: str, k: int) -> str:
        """`x[:, k]`."""
        return self.op("Gather", x, self.constant(np.array(k)), axis=1)

    def shaped(self, x: str, shape: Sequence[int]) -> str:
        """Reshape; 0 keeps a size, -1 takes what is left."""
        return self.op("Reshape", x, self.constant(np.array(shape)))

    def wide(self, x: str, axis: int) -> str:
        """One more axis, of size 1."""
        return self.op("Unsqueeze", x, self.constant(np.array([axis])))

    def add(self, *values: str) -> str:
        """Sum of all."""
        out = values[0]
        for v in values[1:]:
            out = self.op("Add", out, v)
        return out

    def save(self, file: Path) -> None:
        """Check the graph and write it."""
        helper = self._onnx.helper
        graph = helper.make_graph(self._nodes, self.name, self._inputs, self._outputs, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="iepile")
        model.ir_version = _IR
        self._onnx.checker.check_model(model, full_check=True)
        self._onnx.save(model, file)
