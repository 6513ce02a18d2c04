"""A predictor as one ONNX graph: all members, their average, and the way back to the user's unit.

Inputs are what the preparation makes of a table (numbers, flags, codes) and the grid of images or signals as it is
stored; the preparation's record stands beside the graph as JSON.
"""

from typing import Any

import numpy as np

from rounds.data.dataset import Inputs, InputShape
from rounds.data.preparation.preparation import pad
from rounds.data.preparation.target_scale import TargetScale
from rounds.errors import PlanError, must_be
from rounds.export.onnx.activations import add_activation
from rounds.export.onnx.encoder import add_array_units, of_encoder
from rounds.export.onnx.graph import Graph
from rounds.export.onnx.normalization import add_norm
from rounds.metrics.columns import RESOLUTION
from rounds.networks.network import ARRAY, NUMBER_LAYER, OUTPUT, SKIP, Network
from rounds.prediction.numpy_layers.network import Weights
from rounds.prediction.predictor import Part, Predictor

KINDS = ("linear", "dense", "convolutional")
OUTPUT_NAME = "prediction"


def onnx_model(predictor: Predictor) -> Any:
    """The ONNX model: numbers [N, F] float32, flags [N, D] float32, codes [N, C] int64, grid [N, *space, channels]
    float32 -> prediction [N, T] float32.

    Inputs of width 0 are left out. Raises PlanError for what ONNX cannot say (by name), ImportError without onnx.
    """
    from onnx import TensorProto, helper

    refuse_other_kinds(predictor)
    shape, graph = read_shape(predictor), Graph()
    types = dict.fromkeys(("numbers", "flags", ARRAY), TensorProto.FLOAT) | {"codes": TensorProto.INT64}
    inputs = [helper.make_tensor_value_info(n, types[n], ["rows", *s]) for n, s in input_shapes(shape).items()]
    total = ""
    for number, part in enumerate(predictor.parts):
        made = _add_part(graph, part, shape, f"part_{number}")
        total = graph.add("Add", total, made) if total else made
    back = _add_inverse_transform(graph, predictor.target_scale, total)
    graph.nodes.append(helper.make_node("Cast", [back], [OUTPUT_NAME], name=OUTPUT_NAME, to=TensorProto.FLOAT))
    output = helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, ["rows", predictor.task.outputs])
    return graph.model(inputs, [output], "rounds")


def refuse_other_kinds(predictor: Predictor) -> None:
    """Raises PlanError for networks that are not exported, by name."""
    for part in predictor.parts:
        if part.network.kind not in KINDS:
            advice = "Predict with Rounds: rounds predict RUN DATA"
            wanted = f"of a {', '.join(KINDS[:-1])} or {KINDS[-1]} network"
            raise PlanError(must_be("Export", wanted, "network", part.network.kind, advice))
        own = predictor.preparation.shape
        if len(part.shape.levels) > len(own.levels) and not own.levels:
            advice = "Train again with the codes that all folds have"
            raise PlanError(must_be("Export", "of networks that read codes of the table", "codes", 0, advice))


def read_shape(predictor: Predictor) -> InputShape:
    """What the networks read of the prepared table: columns made by hand from images are often for the baselines."""
    own, parts = predictor.preparation.shape, [part.shape for part in predictor.parts]
    numbers, flags = (max(getattr(shape, name) for shape in parts) for name in ("numbers", "flags"))
    codes = max(len(shape.levels) for shape in parts)
    return InputShape(min(own.numbers, numbers), min(own.flags, flags), own.levels[:codes], parts[0].array)


def input_shapes(shape: InputShape) -> dict[str, tuple[int, ...]]:
    """Shape of one row of every input that is not empty, by name.

    >>> input_shapes(InputShape(3, 0, (), (28, 28, 1)))
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


def _add_part(graph: Graph, part: Part, shape: InputShape, prefix: str) -> str:
    """Weighted sum over members, [N, T] double."""
    weights = {name: graph.constant(array, f"{prefix}/{name}") for name, array in _shaped(part).items()}
    if part.network.array:
        weights[ARRAY] = add_array_units(graph, part.network, part.weights, prefix)
    features = _add_features(graph, part, shape, weights)
    units = features
    for index in range(len(part.network.hidden)):
        units = _add_hidden(graph, part.network, weights, index, units)
    output = graph.add("Add", graph.add("MatMul", units, weights[f"{OUTPUT}/kernel"]), weights[f"{OUTPUT}/bias"])
    if part.network.skip_to_output:
        output = graph.add("Add", output, graph.add("MatMul", features, weights[f"{SKIP}/kernel"]))
    output = _to_double(graph, add_activation(graph, part.network.output_activation, output))  # [K, N, T]
    shares = graph.constant(np.asarray(part.member_weights, np.float64)[:, None, None])
    return graph.add("ReduceSum", graph.add("Mul", output, shares), graph.whole(0), keepdims=0)


def _shaped(part: Part) -> Weights:
    """Weights so that they broadcast over rows: vectors [K, U] become [K, 1, U], those per number [K, F, 1, W]."""
    made = {}
    for name, array in part.weights.items():
        if of_encoder(name):
            continue
        vector = name.split("/")[1] in ("bias", "gamma", "beta", "moving_mean", "moving_variance")
        per_number = name in (f"{NUMBER_LAYER}/bias", f"{NUMBER_LAYER}/frequencies", f"{NUMBER_LAYER}/edges")
        made[name] = array[:, :, None, :] if per_number else (array[:, None, :] if vector else array)
    if f"{NUMBER_LAYER}/edges" in made:
        edges = made.pop(f"{NUMBER_LAYER}/edges")  # [K, F, 1, P + 1]
        made["low"], made["width"] = edges[..., :-1], np.diff(edges)
    return {name.replace("\\", "/"): np.asarray(array, np.float32) for name, array in made.items()}


def _to_double(graph: Graph, x: str) -> str:
    from onnx import TensorProto

    return graph.add("Cast", x, to=TensorProto.DOUBLE)


def _add_features(graph: Graph, part: Part, shape: InputShape, weights: dict[str, str]) -> str:
    """[K, N, features]: numbers, spread-out numbers, flags, embedded codes, units of the grid."""
    network, parts = part.network, []
    if network.numbers:
        numbers = _widened(graph, "numbers", shape.numbers, network.numbers)
        parts.append(_for_members(graph, numbers, part.members))
        if network.number_embedding != "none":
            parts.append(_add_spread(graph, network, weights, numbers, part.members))
    if network.flags:
        parts.append(_for_members(graph, _widened(graph, "flags", shape.flags, network.flags), part.members))
    parts += [_add_code(graph, weights, i, len(shape.levels)) for i in range(len(network.levels))]
    parts += [weights[ARRAY]] if network.array else []
    return graph.add("Concat", *parts, axis=2) if len(parts) > 1 else parts[0]


def _widened(graph: Graph, name: str, own: int, wanted: int) -> str:
    """Zero columns appended, by a matrix of ones and zeros: exact; from no columns at all, zeros by number of rows."""
    if own == wanted:
        return name
    if own == 0:
        other = "numbers" if name == "flags" else "flags"
        one = graph.add("Slice", other, graph.whole(0), graph.whole(1), graph.whole(1))
        zero = graph.add("Mul", one, graph.number(0.0))
        return graph.add("MatMul", zero, graph.constant(np.zeros((1, wanted), np.float32)))
    return graph.add("MatMul", name, graph.constant(np.eye(own, wanted, dtype=np.float32)))


def _for_members(graph: Graph, x: str, members: int) -> str:
    """[N, W] -> [K, N, W]"""
    ones = graph.constant(np.ones((members, 1, 1), np.float32))
    return graph.add("Mul", x, ones)


def _add_spread(graph: Graph, network: Network, weights: dict[str, str], numbers: str, members: int) -> str:
    """Each number [N, F] as `width` units of its own: [K, N, F * width]."""
    column = graph.add("Unsqueeze", graph.add("Transpose", numbers, perm=[1, 0]), graph.whole(2))  # [F, N, 1]
    if network.number_embedding == "periodic":
        turned = graph.add("Mul", weights[f"{NUMBER_LAYER}/frequencies"], graph.number(float(np.float32(2 * np.pi))))
        angle = graph.add("Mul", column, turned)  # [K, F, N, P]
        place = graph.add("Concat", graph.add("Sin", angle), graph.add("Cos", angle), axis=3)
    else:
        share = graph.add("Div", graph.add("Sub", column, weights["low"]), weights["width"])
        place = graph.add("Clip", share, graph.number(0.0), graph.number(1.0))
    units = graph.add("MatMul", place, weights[f"{NUMBER_LAYER}/kernel"])  # [K, F, N, W]
    units = graph.add("Add", units, weights[f"{NUMBER_LAYER}/bias"])
    units = graph.add("Relu", units) if network.number_embedding == "periodic" else units
    ordered = graph.add("Transpose", units, perm=[0, 2, 1, 3])  # [K, N, F, W]
    wide = graph.whole(members, -1, network.numbers * network.embedding_width)
    return graph.add("Reshape", ordered, wide)


def _add_code(graph: Graph, weights: dict[str, str], index: int, own: int) -> str:
    """Rows of an embedding, [K, N, width]; a code that the preparation does not make is 0 in every row."""
    code = graph.add("Gather", "codes", graph.constant(np.array(min(index, own - 1))), axis=1)  # [N]
    if index >= own:
        code = graph.add("Mul", code, graph.constant(np.array(0)))
    return graph.add("Gather", weights[f"code_{index}/embeddings"], code, axis=1)


def _add_hidden(graph: Graph, network: Network, weights: dict[str, str], index: int, before: str) -> str:
    units = graph.add("MatMul", before, weights[f"hidden_{index}/kernel"])
    if network.normalization != "batch":
        units = graph.add("Add", units, weights[f"hidden_{index}/bias"])
    if network.normalization != "none":
        units = add_norm(graph, network.normalization, weights, f"norm_{index}", units)
    units = add_activation(graph, network.activation, units)
    width = network.hidden[index - 1] if index else network.features
    return graph.add("Add", before, units) if network.residual and width == network.hidden[index] else units


def _add_inverse_transform(graph: Graph, scale: TargetScale, z: str) -> str:
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


def _add_softening(graph: Graph, temperature: float, p: str) -> str:
    z = graph.add("Log", graph.add("Max", p, graph.constant(np.array(RESOLUTION))))
    return graph.add("Softmax", graph.add("Div", z, graph.constant(np.array(temperature))), axis=1)


def _add_interpolation(graph: Graph, array: np.ndarray, table: np.ndarray, z: str) -> str:
    """table[0] + sum over pieces of slope * clip(z - start, 0, width); grid, table: [T, G]."""
    widths, rises = np.diff(array), np.diff(table)
    slopes = np.divide(rises, widths, out=np.zeros_like(rises), where=widths > 0)
    column = graph.add("Unsqueeze", z, graph.whole(2))  # [N, T, 1]
    past = graph.add("Sub", column, graph.constant(array[:, :-1]))
    inside = graph.add("Min", graph.add("Max", past, graph.constant(np.array(0.0))), graph.constant(widths))
    climbed = graph.add("ReduceSum", graph.add("Mul", inside, graph.constant(slopes)), graph.whole(2), keepdims=0)
    return graph.add("Add", climbed, graph.constant(table[:, 0]))
