"""One network, four tables: JAX, NumPy, ONNX and Keras give the same outputs for every kind of network."""

from collections.abc import Callable, Mapping

import jax
import numpy as np
import pytest

from rounds.data.dataset import Inputs
from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.networks.functional import make_functional
from rounds.networks.network import Network
from rounds.networks.operations import entering, operations, run_operations
from rounds.plan import Plan
from rounds.prediction.numpy_layers.forward import forward
from rounds.task import Task

ROWS = 9
IMAGE, RECORDING = (9, 8, 3), (7, 4)
TASK = Task(kind="multiclass", targets=("stage",), classes=("I", "II", "III"))  # several outputs
CONVOLUTIONAL = {"network": "convolutional", "filters": (4, 5), "hidden": (6,)}
RECURRENT = {"network": "recurrent", "hidden": (6,)}
ZOO: dict[str, tuple[dict[str, object], tuple[int, ...]]] = {
    "linear": ({"network": "linear"}, ()),
    "dense": ({"hidden": (6, 5)}, ()),
    "periodic, residual, skip, batch": (
        {
            "hidden": (8, 8, 6),
            "number_embedding": "periodic",
            "residual": True,
            "skip_to_output": True,
            "normalization": "batch",
        },
        (),
    ),
    "piecewise, layer": ({"hidden": (6,), "number_embedding": "piecewise", "normalization": "layer"}, ()),
    "skip alone": ({"hidden": (), "skip_to_output": True, "activation": "gelu"}, ()),
    "linear on images": ({"network": "linear"}, IMAGE),
    "plain": ({**CONVOLUTIONAL, "stride": 3}, IMAGE),
    "plain, batch": ({**CONVOLUTIONAL, "normalization": "batch", "block_depth": 2}, IMAGE),
    "residual, batch": ({**CONVOLUTIONAL, "block": "residual", "normalization": "batch", "block_depth": 2}, IMAGE),
    "dense blocks, layer": ({**CONVOLUTIONAL, "block": "dense", "normalization": "layer", "block_depth": 3}, IMAGE),
    "residual on recordings": ({**CONVOLUTIONAL, "block": "residual", "filter_size": 4}, RECORDING),
    "simple": ({**RECURRENT, "cell": "simple", "recurrent": (6,)}, RECORDING),
    "lstm": ({**RECURRENT, "cell": "lstm", "recurrent": (6, 4), "normalization": "batch"}, RECORDING),
    "gru": ({**RECURRENT, "cell": "gru", "recurrent": (6,), "number_embedding": "periodic"}, RECORDING),
    "gru both ways": ({**RECURRENT, "cell": "gru", "recurrent": (4, 3), "bidirectional": True}, RECORDING),
    "lstm both ways": ({**RECURRENT, "cell": "lstm", "recurrent": (4,), "bidirectional": True}, RECORDING),
}

Weights = Mapping[str, np.ndarray]


def made_up(network: Network) -> Inputs:
    """Rows with missing values; recordings of different lengths, which the first channel says."""
    random = np.random.default_rng(1)
    array = random.normal(size=(ROWS, *network.array)).astype("f4") if network.array else None
    if array is not None:
        array[random.random(array.shape) < 0.05] = np.nan
    if array is not None and network.recurrent:
        array[:, :, 0] = np.arange(network.array[0]) < np.linspace(0, network.array[0], ROWS).astype(int)[:, None]
    codes = [random.integers(0, n, ROWS) for n in network.levels]
    return Inputs(
        random.normal(size=(ROWS, network.numbers)).astype("f4"),
        random.integers(0, 2, (ROWS, network.flags)).astype("f4"),
        np.stack(codes, axis=1).astype("i4"),
        array,
    )


def by_numpy(network: Network, weights: Weights, inputs: Inputs) -> np.ndarray:
    return forward(network, {name: array[None] for name, array in weights.items()}, inputs)[0]


def by_onnx(network: Network, weights: Weights, inputs: Inputs) -> np.ndarray:
    onnx = pytest.importorskip("onnx", reason="needs rounds[onnx]")
    from onnx.reference import ReferenceEvaluator

    from rounds.export.onnx.graph import OnnxGraph
    from rounds.export.onnx.table import onnx_table

    graph, steps = OnnxGraph(), operations(network)
    made = run_operations(
        steps, onnx_table(graph), weights, {entering(name): name for name in inputs.arrays}, graph.within
    )
    output = graph.add("Identity", made[steps[-1].name], name="y")
    kinds = {"f": onnx.TensorProto.FLOAT, "i": onnx.TensorProto.INT32}
    given = [graph.value(name, kinds[a.dtype.kind], *a.shape[1:]) for name, a in inputs.arrays.items()]
    model = graph.model(given, [graph.value(output, onnx.TensorProto.FLOAT, network.outputs)], "test")
    return np.asarray(ReferenceEvaluator(model).run(None, dict(inputs.arrays))[0])


def by_keras(network: Network, weights: Weights, inputs: Inputs) -> np.ndarray:
    from rounds.networks.keras.backend import keras, recorded_initializers
    from rounds.networks.keras.table import keras_table

    steps = operations(network)
    given = {name: keras.Input(a.shape[1:], dtype=a.dtype.name, name=name) for name, a in inputs.arrays.items()}
    with recorded_initializers():
        made = run_operations(steps, keras_table("member_"), weights, {entering(name): x for name, x in given.items()})
    model = keras.Model(given, made[steps[-1].name])
    state = [[v.value for v in some] for some in (model.trainable_variables, model.non_trainable_variables)]
    return np.asarray(jax.jit(model.stateless_call)(*state, dict(inputs.arrays))[0])


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("table", [by_numpy, by_onnx, by_keras])
def test_every_table_gives_what_jax_gives(name: str, table: Callable[[Network, Weights, Inputs], np.ndarray]) -> None:
    network, weights, inputs, expected = in_jax(name)
    np.testing.assert_allclose(table(network, weights, inputs), expected, rtol=1e-5, atol=1e-5)


_FOUND: dict[str, tuple[Network, Weights, Inputs, np.ndarray]] = {}


def in_jax(name: str) -> tuple[Network, Weights, Inputs, np.ndarray]:
    """Network, weights of which none is zero, inputs, and JAX's outputs; computed once."""
    if name not in _FOUND:
        changes, shape = ZOO[name]
        network = describe_network(Plan().change(**changes), TASK, InputShape(3, 2, (7, 5), shape), True)
        functional = make_functional(network)
        random = np.random.default_rng(0)
        trainable, state = functional.draw(0)
        trainable = [a + random.normal(0, 0.1, a.shape).astype("f4") for a in trainable]
        state = [
            random.uniform(0.5, 1.5, a.shape).astype("f4") if n.endswith(("mean", "spread", "variance")) else a
            for n, a in zip(functional.state_names, state, strict=True)
        ]
        inputs = made_up(network)
        outputs, _ = jax.jit(functional.apply, static_argnums=3)(trainable, state, list(inputs.arrays.values()), False)
        named = zip((*functional.names, *functional.state_names), (*trainable, *state), strict=True)
        weights = {n: a for n, a in named if not n.startswith("dropout")}  # what a model folder keeps
        _FOUND[name] = network, weights, inputs, np.asarray(outputs)
    return _FOUND[name]


@pytest.mark.parametrize("name", ZOO)
def test_widths_of_the_record_are_those_of_the_operations(name: str) -> None:
    network, weights, _, _ = in_jax(name)
    shapes = {one.name: one.shape for one in operations(network)}
    assert shapes["features"] == (network.features,)
    arrays = {array.name: array.shape for one in operations(network) for array in one.arrays}
    assert {name: array.shape for name, array in weights.items()}.items() <= arrays.items()


def test_every_activation_is_in_every_table() -> None:
    from rounds.networks.jax.activations import ACTIVATIONS as COMPILED
    from rounds.prediction.numpy_layers.activations import ACTIVATIONS

    assert set(COMPILED) == set(ACTIVATIONS)


def test_every_operation_is_in_every_table() -> None:
    from rounds.export.onnx.graph import OnnxGraph
    from rounds.export.onnx.table import onnx_table
    from rounds.networks.jax.table import TABLE as COMPILED
    from rounds.networks.jax.table import training_table
    from rounds.networks.keras.table import keras_table
    from rounds.networks.operations import Operation
    from rounds.prediction.numpy_layers.table import TABLE

    kinds = set(Operation.__subclasses__())
    assert all(
        set(table) == kinds for table in (COMPILED, training_table({}), TABLE, onnx_table(OnnxGraph()), keras_table(""))
    )
