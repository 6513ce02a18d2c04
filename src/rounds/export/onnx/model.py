"""A predictor as one ONNX graph: all members, their average, and the way back to the user's unit.

Inputs are what the preparation makes of a table (numbers, flags, codes) and the array of images or signals as it is
stored; the preparation's record stands beside the graph as JSON.
"""

from typing import Any

import numpy as np

from rounds.data.dataset import Inputs
from rounds.data.preparation.preparation import pad
from rounds.errors import PlanError
from rounds.export.onnx.graph import OnnxGraph
from rounds.export.onnx.table import onnx_table
from rounds.input_shape import InputShape
from rounds.metrics.columns import RESOLUTION
from rounds.networks.network import ARRAY, OWN
from rounds.networks.operations import entering, operations, run_operations
from rounds.prediction.predictor import NetworkPart, Predictor
from rounds.target_scale import TargetScale

OUTPUT_NAME = "prediction"


def onnx_model(predictor: Predictor) -> Any:
    """The ONNX model: numbers [N, F] float32, flags [N, D] float32, codes [N, C] int64, grid [N, *space, channels]
    float32 -> prediction [N, T] float32.

    Inputs of width 0 are left out. Raises PlanError for what ONNX cannot say (by name), ImportError without onnx.
    """
    from onnx import TensorProto, helper

    refuse_other_kinds(predictor)
    shape, graph = read_shape(predictor), OnnxGraph()
    types = dict.fromkeys(("numbers", "flags", ARRAY), TensorProto.FLOAT) | {"codes": TensorProto.INT64}
    inputs = [helper.make_tensor_value_info(n, types[n], ["rows", *s]) for n, s in onnx_input_shapes(shape).items()]
    total = ""
    for number, part in enumerate(predictor.parts):
        with graph.within(f"part_{number}"):
            made = _add_part(graph, part, shape)
        total = graph.add("Add", total, made) if total else made
    back = _add_inverse_transform(graph, predictor.target_scale, total)
    graph.nodes.append(helper.make_node("Cast", [back], [OUTPUT_NAME], name=OUTPUT_NAME, to=TensorProto.FLOAT))
    output = helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["rows", predictor.task.outputs])
    return graph.model(inputs, [output], "rounds")


def refuse_other_kinds(predictor: Predictor) -> None:
    """Raises PlanError for networks that are not exported, by name."""
    for part in predictor.parts:
        if part.network.needs_keras or part.network.user_code:
            advice = "Predict with Rounds: rounds predict RUN DATA"
            found = part.network.kind if part.network.kind == OWN else part.network.user_code
            raise PlanError("Export", "of a network of Rounds's own layers", name="network", got=found, advice=advice)
        own = predictor.preparation.shape
        if len(part.network.shape.levels) > len(own.levels) and not own.levels:
            advice = "Train again with the codes that all folds have"
            raise PlanError("Export", "of networks that read codes of the table", name="codes", got=0, advice=advice)


def read_shape(predictor: Predictor) -> InputShape:
    """What the networks read of the prepared table: columns engineered from images are often for the baselines."""
    own, parts = predictor.preparation.shape, [part.network.shape for part in predictor.parts]
    numbers, flags = (max(getattr(shape, name) for shape in parts) for name in ("numbers", "flags"))
    codes = max(len(shape.levels) for shape in parts)
    return InputShape(min(own.numbers, numbers), min(own.flags, flags), own.levels[:codes], parts[0].array)


def onnx_input_shapes(shape: InputShape) -> dict[str, tuple[int, ...]]:
    """Shape of one row of every input that is not empty, by name.

    >>> onnx_input_shapes(InputShape(3, 0, (), (28, 28, 1)))
    {'numbers': (3,), 'grid': (28, 28, 1)}
    """
    table = {"numbers": shape.numbers, "flags": shape.flags, "codes": len(shape.levels)}
    made: dict[str, tuple[int, ...]] = {name: (width,) for name, width in table.items() if width}
    return made | ({ARRAY: shape.array} if shape.array else {})


def feed(predictor: Predictor, inputs: Inputs) -> dict[str, np.ndarray]:
    """Prepared inputs under the names and types that the graph reads."""
    read = pad(inputs, read_shape(predictor)).arrays
    types = {"codes": np.int64, ARRAY: np.float32}
    return {name: np.asarray(array).astype(types.get(name, array.dtype)) for name, array in read.items()}


def _add_part(graph: OnnxGraph, part: NetworkPart, shape: InputShape) -> str:
    """Weighted sum over members, [N, T] double."""
    steps, table = operations(part.network), onnx_table(graph)
    given = {
        entering(name): _fitted(graph, name, shape, wide)
        for name, wide in onnx_input_shapes(part.network.shape).items()
    }
    shared = []
    for member, share in enumerate(part.member_weights):
        own = {name: np.asarray(array[member], np.float32) for name, array in part.weights.items()}
        with graph.within(str(member)):
            output = run_operations(steps, table, own, given, graph.within)[steps[-1].name]
        shared.append(graph.add("Mul", graph.as_double(output), graph.constant(np.array(share, np.float64))))
    return graph.add("Sum", *shared)


def _fitted(graph: OnnxGraph, name: str, shape: InputShape, wanted: tuple[int, ...]) -> str:
    """An input, with zeros for columns that the network reads and the preparation does not make."""
    given = onnx_input_shapes(shape)
    if given.get(name) == wanted:
        return name
    own = given[name][0] if name in given else 0
    if own > wanted[0]:
        return graph.add("Slice", name, graph.whole(0), graph.whole(wanted[0]), graph.whole(1))
    if own == 0:
        other = next(n for n in ("numbers", "flags") if n in given)
        first = graph.add("Slice", other, graph.whole(0), graph.whole(1), graph.whole(1))
        name, own = graph.add("Mul", first, graph.number(0.0)), 1
    return graph.add("Pad", name, graph.whole(0, 0, 0, wanted[0] - own))


def _add_inverse_transform(graph: OnnxGraph, scale: TargetScale, z: str) -> str:
    """[N, T] double outputs on the learned scale -> the user's unit, as `TargetScale.backward` does it."""
    if scale.table:
        return _add_interpolation(graph, np.array(scale.knots), np.array(scale.table), z)
    if scale.temperature != 1.0:
        return _add_softening(graph, scale.temperature, z)
    if scale.kind == "identity":
        return z
    spread, mean = (graph.constant(np.array(values, np.float64)) for values in (scale.spread, scale.offset))
    g = graph.add("Add", graph.add("Mul", z, spread), mean)
    if scale.kind == "standard":
        return g
    return graph.add("Sub", graph.add("Exp", g), graph.constant(np.array(1.0)))


def _add_softening(graph: OnnxGraph, temperature: float, p: str) -> str:
    z = graph.add("Log", graph.add("Max", p, graph.constant(np.array(RESOLUTION))))
    return graph.add("Softmax", graph.add("Div", z, graph.constant(np.array(temperature))), axis=1)


def _add_interpolation(graph: OnnxGraph, array: np.ndarray, table: np.ndarray, z: str) -> str:
    """table[0] + sum over pieces of slope * clip(z - start, 0, width); grid, table: [T, G]."""
    widths, rises = np.diff(array), np.diff(table)
    slopes = np.divide(rises, widths, out=np.zeros_like(rises), where=widths > 0)
    column = graph.add("Unsqueeze", z, graph.whole(2))  # [N, T, 1]
    past = graph.add("Sub", column, graph.constant(array[:, :-1]))
    inside = graph.add("Min", graph.add("Max", past, graph.constant(np.array(0.0))), graph.constant(widths))
    climbed = graph.add("ReduceSum", graph.add("Mul", inside, graph.constant(slopes)), graph.whole(2), keepdims=0)
    return graph.add("Add", climbed, graph.constant(table[:, 0]))
