"""The ONNX graph says what the native predictor says, for every kind of task, network and activation it takes."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

onnx = pytest.importorskip("onnx", reason="needs rounds[onnx]")

from onnx.reference import ReferenceEvaluator  # noqa: E402

from rounds.data.dataset import Column  # noqa: E402
from rounds.data.preparation.preparation import Preparation  # noqa: E402
from rounds.errors import PlanError  # noqa: E402
from rounds.export.onnx.model import feed, onnx_model  # noqa: E402
from rounds.prediction.numpy_layers.activations import ACTIVATIONS, activate  # noqa: E402
from rounds.prediction.predictor import Predictor  # noqa: E402
from rounds.target_scale import TargetScale  # noqa: E402


@pytest.fixture
def assert_same(made_up, native):
    def compare(predictor: Predictor) -> None:
        inputs = made_up(predictor.preparation.shape)
        found = ReferenceEvaluator(onnx_model(predictor)).run(None, feed(predictor, inputs))[0]
        np.testing.assert_allclose(found, native(predictor, inputs), rtol=1e-5, atol=1e-5)

    return compare


@pytest.mark.parametrize("kind", ["binary", "regression", "multiclass", "multilabel"])
def test_trained_lines_of_every_kind(runs, assert_same, kind) -> None:
    assert_same(runs(kind).predictor)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"number_embedding": "periodic"},
        {"number_embedding": "piecewise", "frequencies": 5},
        {"normalization": "batch", "activation": "silu"},
        {"normalization": "layer", "residual": True},
        {"skip_to_output": True, "number_embedding": "periodic", "activation": "gelu"},
        {"hidden": ()},
    ],
)
def test_networks_of_every_build(random_predictor, assert_same, options) -> None:
    assert_same(random_predictor(**options))


def test_images_and_signals(image_predictor, assert_same, array_build) -> None:
    array, options = array_build
    assert_same(image_predictor(array, **options))


def test_wider_networks(random_predictor, assert_same) -> None:
    base = random_predictor()
    shape = base.preparation.shape
    wide = random_predictor(numbers=shape.numbers + 2, flags=shape.flags + 1, number_embedding="periodic")
    assert_same(wide)


def test_codes_and_a_code_that_only_networks_know(random_predictor, assert_same) -> None:
    table = pl.DataFrame({"icd": [f"c{i % 30}" for i in range(600)], "ward": [f"w{i % 25}" for i in range(600)]})
    columns = tuple(Column(name=name, role="categorical") for name in table.columns)
    preparation = Preparation.fit(columns, table, np.arange(600))
    assert preparation.shape.levels == (31, 26)
    for levels in ((31, 26), (33, 26, 20)):
        predictor = random_predictor(numbers=0, flags=0, levels=levels, code_widths=(4, 3, 2)[: len(levels)])
        assert_same(replace(predictor, preparation=preparation))


@pytest.mark.parametrize("kind", ["log1p", "smeared", "recalibrated", "softened"])
def test_every_way_back(random_predictor, assert_same, kind) -> None:
    base = random_predictor("regression")
    y = np.random.default_rng(3).lognormal(1, 1, (500, 1))
    scale = TargetScale.fit(base.task, y)
    assert scale.kind == "log1p"
    if kind == "smeared":
        scale = scale.with_smearing(scale.forward(y) * 0.5, y)
    if kind == "recalibrated":
        base = random_predictor("binary")
        array = tuple(np.linspace(0, 1, 50).tolist())
        scale = TargetScale(kind="identity", knots=(array,), table=(tuple(np.sqrt(array).tolist()),))
    if kind == "softened":
        base = random_predictor("multiclass")
        scale = TargetScale(kind="identity", temperature=2.5)
    assert_same(replace(base, target_scale=scale))


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"glu", "sparsemax"}))
def test_every_activation(name) -> None:
    from rounds.export.onnx.activations import add_activation
    from rounds.export.onnx.graph import OnnxGraph

    graph = OnnxGraph()
    add_activation(graph, name, "x")
    value = onnx.helper.make_tensor_value_info
    last = onnx.helper.make_node("Identity", [graph.nodes[-1].output[0]], ["y"])
    graph.nodes.append(last)
    model = graph.model([value("x", 1, ["n", 4])], [value("y", 1, ["n", 4])], "rounds")
    x = np.random.default_rng(0).normal(0, 3, (50, 4)).astype("f4")
    found = ReferenceEvaluator(model).run(None, {"x": x})[0]
    np.testing.assert_allclose(found, activate(name, x), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["glu", "sparsemax"])
def test_what_onnx_cannot_say_is_refused_by_name(random_predictor, name) -> None:
    with pytest.raises(PlanError, match=f"activation must be one that ONNX can say, got activation='{name}'"):
        onnx_model(random_predictor(activation=name))


def test_layers_of_the_user_are_refused_by_name(random_predictor) -> None:
    predictor = random_predictor(hidden=(4,))
    first, *others = predictor.parts
    network = first.network.model_copy(update={"activation": "ward:bend"})
    predictor = replace(predictor, parts=(replace(first, network=network), *others))
    with pytest.raises(PlanError, match=r"Export must be of a network of Rounds's own layers, got network=.*ward:bend"):
        onnx_model(predictor)
