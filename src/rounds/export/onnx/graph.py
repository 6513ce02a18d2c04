"""A list of ONNX operators in the making: nodes, constants, and a fresh name for every tensor."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Operator set and file format that graphs are written for: every operator used is in it, and ONNX Runtime reads it
# from version 1.15 (2023) on.
OPERATOR_SET, FORMAT = 18, 9


@dataclass
class OnnxGraph:
    """nodes and constants in order; it grows while it is written, then `model` or `finished` closes it. label: what its
    own names begin with, where it is a part of another graph, whose names it sees."""

    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    prefix: str = ""
    label: str = ""

    def add(self, operator: str, *inputs: str, name: str = "", **options: Any) -> str:
        """Adds an operator on tensors by name; returns the name of its result."""
        return self.add_all(operator, list(inputs), 1, name, **options)[0]

    def add_all(self, operator: str, inputs: list[str], results: int, name: str = "", **options: Any) -> list[str]:
        """As `add`, of an operator with several results."""
        from onnx import helper

        name = name or f"{self.label}{operator.lower()}_{len(self.nodes)}"
        made = [name] if results == 1 else [f"{name}_{i}" for i in range(results)]
        self.nodes.append(helper.make_node(operator, inputs, made, name=name, **options))
        return made

    def split(self, x: str, parts: int) -> list[str]:
        """Equal parts along the last axis."""
        return self.add_all("Split", [x], parts, axis=-1, num_outputs=parts)

    def as_double(self, x: str) -> str:
        """A tensor in float64."""
        from onnx import TensorProto

        return self.add("Cast", x, to=TensorProto.DOUBLE)

    @contextmanager
    def within(self, prefix: str) -> Iterator[None]:
        """While open, named constants are named below this prefix."""
        before, self.prefix = self.prefix, f"{self.prefix}{prefix}/"
        yield
        self.prefix = before

    def constant(self, array: np.ndarray, name: str = "") -> str:
        """Adds an array; returns its name."""
        name = f"{self.prefix}{name}" if name else f"{self.label}constant_{len(self.constants)}"
        self.constants[name] = np.asarray(array, order="C")
        return name

    def number(self, value: float) -> str:
        """A float32 scalar, kept once."""
        name = f"{self.label}number_{value!r}"
        self.constants[name] = np.array(value, np.float32)
        return name

    def whole(self, *values: int) -> str:
        """An int64 vector, kept once."""
        name = f"{self.label}whole_{'_'.join(map(str, values))}"
        self.constants[name] = np.array(values, np.int64)
        return name

    @staticmethod
    def value(name: str, kind: int, *shape: int) -> Any:
        """The description of a tensor [rows, *shape]."""
        from onnx import helper

        return helper.make_tensor_value_info(name, kind, ["rows", *shape])

    def finished(self, name: str, inputs: list[Any], outputs: list[Any]) -> Any:
        """The graph alone, as a part of another."""
        from onnx import helper, numpy_helper

        kept = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        return helper.make_graph(self.nodes, name, inputs, outputs, kept)

    def model(self, inputs: list[Any], outputs: list[Any], producer: str) -> Any:
        """The finished ONNX model, checked."""
        import onnx
        from onnx import helper

        graph = self.finished("rounds", inputs, outputs)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPERATOR_SET)], producer_name=producer)
        made.ir_version = FORMAT
        onnx.checker.check_model(made, full_check=True)
        return made
