"""A list of ONNX operators in the making: nodes, constants, and a fresh name for every tensor."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Operator set and file format that graphs are written for: every operator used is in it, and ONNX Runtime reads it
# from version 1.15 (2023) on.
OPERATOR_SET, FORMAT = 18, 9


@dataclass
class Graph:
    """nodes and constants in order; it grows while it is written, then `model` closes it."""

    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, operator: str, *inputs: str, **options: Any) -> str:
        """Adds an operator on tensors by name; returns the name of its result."""
        from onnx import helper

        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **options))
        return name

    def constant(self, array: np.ndarray, name: str = "") -> str:
        """Adds an array; returns its name."""
        name = name or f"constant_{len(self.constants)}"
        self.constants[name] = np.asarray(array, order="C")
        return name

    def number(self, value: float) -> str:
        """A float32 scalar, kept once."""
        name = f"number_{value!r}"
        return self.constant(np.array(value, np.float32), name)

    def whole(self, *values: int) -> str:
        """An int64 vector, kept once."""
        return self.constant(np.array(values, np.int64), f"whole_{'_'.join(map(str, values))}")

    def model(self, inputs: list[Any], outputs: list[Any], producer: str) -> Any:
        """The finished ONNX model, checked."""
        import onnx
        from onnx import helper, numpy_helper

        kept = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, "rounds", inputs, outputs, kept)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPERATOR_SET)], producer_name=producer)
        made.ir_version = FORMAT
        onnx.checker.check_model(made, full_check=True)
        return made
