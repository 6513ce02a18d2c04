"""What a graph is shown as: steps, layers and operations; values and the chain rule; text, records, and the drawing."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rounds.data.dataset import Inputs
from rounds.graph.subjects.keras_model import UserModel, graph_of_model
from rounds.graph.subjects.network_loss import LossBatch, network_loss, synthetic_batch
from rounds.graph.subjects.python_file import UserFunction, read_function, read_model_function
from rounds.graph.subjects.user_graph import graph_of_user
from rounds.graph.tape.backward import Graph, graph_of
from rounds.graph.tape.function import FunctionError
from rounds.graph.view.blocks import Block, blocks_of
from rounds.graph.view.drawing import MOST_CHILDREN, drawing_of, grouped
from rounds.graph.view.flow import Flows
from rounds.graph.view.page import page_of
from rounds.graph.view.summary import record_of, view_of
from rounds.graph.view.text import text_of
from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.networks.network import Network
from rounds.plan import Plan
from rounds.task import Task

M, X, Y = 4, np.random.default_rng(0).standard_normal((4, 3)), np.random.default_rng(1).standard_normal(4)


def linear(p: dict[str, Any]) -> Any:
    """Row by row w.x + b, and the mean of its squared errors."""
    y = X @ p["w"] + p["b"]
    return np.mean((y - Y) ** 2)


def two_layers(p: dict[str, Any]) -> Any:
    z = X.dot(p["W1"]) + p["b1"]
    h = 1 / (1 + np.exp(-z))
    y = h @ p["W2"]
    return np.mean((y[:, 0] - Y) ** 2)


def weights() -> dict[str, Any]:
    random = np.random.default_rng(2)
    return {"W1": random.standard_normal((3, 5)), "b1": np.zeros(5), "W2": random.standard_normal((5, 1))}


def graph_of_lecture() -> Graph:
    return graph_of_user(UserFunction("two_layers", two_layers, weights(), None))


def test_gradient_of_the_linear_network_is_the_lecture_formula() -> None:
    """dL/dw_k = 1/M sum 2 (y^ - y) x_k."""
    inputs = {"w": np.array([0.5, -1.0, 2.0]), "b": np.array(0.3)}
    graph = graph_of_user(UserFunction("linear", linear, inputs, None))
    error = X @ inputs["w"] + inputs["b"] - Y
    np.testing.assert_allclose(graph.input_gradients["w"], 1 / M * np.sum(2 * error[:, None] * X, axis=0), rtol=1e-12)
    np.testing.assert_allclose(graph.input_gradients["b"], 1 / M * np.sum(2 * error), rtol=1e-12)


def test_steps_carry_the_names_of_the_code() -> None:
    graph = graph_of_lecture()
    assert [block.name for block in blocks_of(graph.tape)] == ["z", "h", "y", "L"]
    record = record_of(view_of(graph))
    assert [block["takes"] for block in record["blocks"]] == [["X", "W1", "b1"], ["z"], ["h", "W2"], ["y", "Y"]]
    assert all(block["line"].startswith("test_view.py:") for block in record["blocks"])
    assert record["loss"] == pytest.approx(float(two_layers(weights())))


def test_local_gradient_of_a_step_of_several_operations() -> None:
    """That of the sigmoid is h (1 - h), whatever it is written with."""
    graph = graph_of_lecture()
    step = next(block for block in blocks_of(graph.tape) if block.name == "h")
    (flow,) = Flows(graph).back(step)
    h = 1 / (1 + np.exp(-(X @ weights()["W1"])))
    assert flow.local is not None
    np.testing.assert_allclose(flow.local, h * (1 - h), rtol=1e-10)
    np.testing.assert_allclose(flow.product, graph.gradients[flow.incoming[0]] * flow.local, rtol=1e-10)


def test_local_gradients_of_affine_steps_are_said_in_words() -> None:
    record = record_of(view_of(graph_of_lecture()))
    said = {flow["to"]: flow["local"] for block in record["blocks"] if block["name"] == "z" for flow in block["back"]}
    assert said == {"X": "the other factor, W1", "W1": "the other factor, X", "b1": "1 for every copy"}


def test_flows_into_a_value_add_up_to_its_gradient() -> None:
    def loss(p: dict[str, Any]) -> Any:
        h = jnp.tanh(p["w"] * 2)
        g = h * p["w"]
        return jnp.sum(g + h)

    graph = graph_of(loss, {"w": jnp.asarray([0.5, -1.0])})
    flows = Flows(graph)
    for granularity in ("operations", "steps"):
        into = [f.product for block in blocks_of(graph.tape, granularity) for f in flows.back(block) if f.value == 0]
        np.testing.assert_allclose(sum(into), graph.input_gradients["w"], rtol=1e-6)


def layered(p: dict[str, Any]) -> Any:
    units = p["x"]
    for _ in range(2):
        with jax.named_scope("dense"):
            with jax.named_scope("affine"):
                units = units @ p["w"]
            units = jnp.tanh(units)
    return units.sum()


def test_layers_nest_and_a_layer_used_again_is_counted() -> None:
    tape = graph_of(layered, {"x": jnp.ones((2, 2)), "w": jnp.ones((2, 2))}).tape
    blocks = blocks_of(tape, "layers")
    assert [block.name for block in blocks] == ["dense", "L"]
    assert [inner.name for inner in blocks[0].blocks] == ["affine", "units", "affine_2", "units_2"]
    assert [number for block in blocks for number in block.nodes] == [node.number for node in tape.nodes]


def test_every_turn_of_an_opened_scan_is_a_step() -> None:
    def loss(p: dict[str, Any]) -> Any:
        def turn(h: Any, _: Any) -> tuple[Any, None]:
            h = jnp.tanh(h * p["w"])
            return h, None

        last, _ = jax.lax.scan(turn, jnp.ones(2), None, length=3)
        return last.sum()

    graph = graph_of(loss, {"w": jnp.asarray([0.5, -1.0])}, open_scans=True)
    named = [block.name for block in blocks_of(graph.tape, "steps")]
    assert [name for name in named if name.startswith("h")] == ["h", "h_2", "h_3"]
    assert "h_3 " in text_of(view_of(graph))


@pytest.mark.parametrize("granularity", ["operations", "layers", "steps"])
def test_every_granularity_holds_every_operation_in_order(granularity: str) -> None:
    tape = graph_of_lecture().tape
    held = [number for block in blocks_of(tape, granularity) for number in block.nodes]
    assert held == [node.number for node in tape.nodes]


def test_an_unknown_granularity_is_refused() -> None:
    with pytest.raises(FunctionError, match="granularity must be a way to look at a graph, got granularity='layer'"):
        blocks_of(graph_of_lecture().tape, "layer")


def test_text_goes_forward_and_back() -> None:
    text = text_of(view_of(graph_of_lecture()))
    forward, backward = text.split("Backward pass")
    assert [line.split()[0] for line in forward.splitlines()[2:-1]] == ["W1", "W2", "b1", "z", "h", "y", "L"]
    assert [line.split()[:2] for line in backward.splitlines()[2:-2]] == [
        ["L", "y"],
        ["L", "Y"],
        ["y", "h"],
        ["y", "W2"],
        ["h", "z"],
        ["z", "X"],
        ["z", "W1"],
        ["z", "b1"],
    ]


def test_without_numbers_no_single_value_is_shown() -> None:
    record = json.dumps(record_of(view_of(graph_of_lecture(), numbers=False)))
    assert "first" not in record
    assert "smallest" not in record
    page = page_of(view_of(graph_of_lecture(), numbers=False), "lecture")
    assert "entries" not in page.split('id="graph">')[1].split("</script>")[0]


def test_not_finite_numbers_stay_valid_json() -> None:
    graph = graph_of(lambda p: jnp.log(p["x"]).sum(), {"x": jnp.asarray([0.0, 1.0])})
    record = json.dumps(record_of(view_of(graph)), allow_nan=False)
    assert json.loads(record)["loss"] is None
    assert "not finite" in text_of(view_of(graph))
    page_of(view_of(graph), "log")


def test_drawing_holds_every_operation_and_arrow_once() -> None:
    graph = graph_of_lecture()
    drawing = drawing_of(view_of(graph))
    kinds = [box["kind"] for box in drawing.boxes]
    assert kinds.count("operation") == len(graph.tape.nodes)
    assert {box["name"] for box in drawing.boxes if box["kind"] == "input"} == {"W1", "b1", "W2"}
    assert {box["name"] for box in drawing.boxes if box["kind"] == "constant"} == {"X", "Y"}
    assert len(set(drawing.arrows)) == len(drawing.arrows)
    assert all(drawing.boxes[a]["kind"] != "group" != drawing.boxes[b]["kind"] for a, b in drawing.arrows)


def test_many_operations_are_grouped_at_every_level() -> None:
    def widest(blocks: tuple[Block, ...]) -> int:
        return max(len(blocks), *(widest(block.blocks) for block in blocks)) if blocks else 0

    blocks = grouped([Block("add", (number,)) for number in range(5000)])
    assert widest(blocks) <= MOST_CHILDREN * 2
    assert [number for block in blocks for number in block.nodes] == list(range(5000))


REGRESSION = Task(kind="regression", targets=("los",))
MULTICLASS = Task(kind="multiclass", targets=("stage",), classes=("a", "b", "c"))


def drawn(network: Network, plan: Plan, logits: bool) -> dict[str, np.ndarray]:
    """Weights as a model folder holds them, by name and without a member axis."""
    from rounds.networks.functional import make_functional

    functional = make_functional(network, logits)
    trainable, state = functional.draw(0)
    return dict(zip((*functional.names, *functional.state_names), (*trainable, *state), strict=True))


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        (REGRESSION, {"network": "linear"}),
        (REGRESSION, {"hidden": (6, 6), "normalization": "batch", "activation": "relu", "residual": True}),
        (MULTICLASS, {"hidden": (6,), "number_embedding": "periodic", "dropout": 0.3}),
    ],
    ids=["linear", "batch-norm", "multiclass with codes and dropout"],
)
def test_a_network_of_rounds_has_a_graph(task: Task, changes: dict[str, Any]) -> None:
    plan = Plan(**changes)
    network = describe_network(plan, task, InputShape(3, 2, (5,)), dropout="dropout" in changes)
    batch = synthetic_batch(network, task, rows=12)
    loss = network_loss(plan, task, network, drawn(network, plan, task.kind == "multiclass"), batch)
    graph = graph_of(loss.function, loss.weights, names=loss.names)
    expected = jax.grad(loss.function)(loss.weights)
    whole = np.sqrt(sum(float(jnp.sum(one**2)) for one in expected.values()))
    assert whole > 1e-3
    for name, gradient in graph.input_gradients.items():
        assert np.linalg.norm(gradient - np.asarray(expected[name])) < 2e-6 * whole
    steps = [block.name for block in blocks_of(graph.tape, "steps")]
    assert steps[-1] == "L"
    assert steps[-2] == ("z2" if task.kind == "multiclass" else "y^")


def test_the_loss_of_a_linear_network_is_that_of_numpy() -> None:
    plan = Plan(network="linear")
    network = describe_network(plan, REGRESSION, InputShape(3, 0), dropout=False)
    kernel = np.array([[1.0], [2.0], [-1.0]], np.float32)
    inputs = Inputs(X.astype(np.float32), np.zeros((M, 0), np.float32), np.zeros((M, 0), np.int32))
    batch = LossBatch(inputs, Y[:, None].astype(np.float32))
    loss = network_loss(plan, REGRESSION, network, {"output/kernel": kernel, "output/bias": np.ones(1, "f4")}, batch)
    graph = graph_of(loss.function, loss.weights, names=loss.names)
    assert graph.loss == pytest.approx(float(np.mean((X @ kernel[:, 0] + 1 - Y) ** 2)), rel=1e-5)


MODEL = """
import keras, numpy as np
keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
batch = (random.standard_normal((8, 6, 3)), random.integers(0, 2, (8, 1)).astype("float32"))
loss = keras.losses.BinaryCrossentropy()
layers = keras.layers
model = keras.Sequential([keras.Input((6, 3)), layers.GRU(5), layers.Dropout(0.3), layers.BatchNormalization(),
                          layers.Dense(1, activation="sigmoid", name="last")])
unbuilt = keras.Sequential([layers.Dense(1)])
wide = keras.Sequential([keras.Input((7,)), layers.Dense(1)])
unpaired_batch = 3
unpaired = wide
"""


@pytest.fixture
def models(tmp_path: Path) -> str:
    path = tmp_path / "models.py"
    path.write_text(MODEL, encoding="utf-8")
    return str(path)


def test_a_keras_model_of_the_user_has_a_graph(models: str) -> None:
    user = read_model_function(f"{models}:model")
    assert isinstance(user, UserModel)
    graph = graph_of_model(user)
    state = [variable.value for variable in user.model.non_trainable_variables]

    def loss(weights: list[Any]) -> Any:
        outputs, _ = user.model.stateless_call(weights, state, jnp.asarray(user.batch[0]), training=True)
        assert user.loss is not None
        return user.loss(user.batch[1], outputs)

    expected = jax.grad(loss)([variable.value for variable in user.model.trainable_variables])
    whole = np.sqrt(sum(float(jnp.sum(one**2)) for one in expected))
    for variable, gradient in zip(user.model.trainable_variables, expected, strict=True):
        assert np.linalg.norm(graph.input_gradients[variable.path] - np.asarray(gradient)) < 2e-6 * whole
    assert [block.name for block in blocks_of(graph.tape)] == ["gru", "dropout", "batch_normalization", "last", "L"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unbuilt", "model unbuilt must be built and with weights, got weights=0"),
        ("wide", "model must be callable on its batch, got wide="),
        ("unpaired", "batch of unpaired must be a pair, got batch='int'"),
    ],
)
def test_a_model_without_a_graph_is_refused(models: str, name: str, text: str) -> None:
    user = read_model_function(f"{models}:{name}")
    assert isinstance(user, UserModel)
    with pytest.raises(FunctionError, match=re.escape(text)):
        graph_of_model(user)


def test_a_gradient_check_of_a_model_says_what_to_do(models: str) -> None:
    with pytest.raises(FunctionError, match="function must be a function, got model='a Keras model'"):
        read_function(f"{models}:model")


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rounds.cli", "graph", *words], capture_output=True, text=True, check=False
    )


FILE = """
import numpy as np
inputs = {"w": np.array([1.0, 2.0])}
def loss(p):
    z = p["w"] * 3
    return (z ** 2).sum()
def filled(p):
    out = np.zeros(2)
    out[:] = p["w"]
    return out.sum()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "listing.py"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_command_line_shows_and_draws(file: Path, tmp_path: Path) -> None:
    shown = command(f"{file}:loss", "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    record = json.loads(shown.stdout)
    assert [block["name"] for block in record["blocks"]] == ["z", "L"]
    assert record["inputs"][0]["gradient"]["first"] == [18.0, 36.0]
    page = tmp_path / "graph.html"
    drawn = command(f"{file}:loss", "--out", str(page))
    assert drawn.stdout == f"Graph written to {page}.\n"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (lambda file: [f"{file}:filled"], "function must be one that JAX can follow, got function='filled'"),
        (lambda file: [f"{file}:loss", "--granularity", "fine"], "granularity must be a way to look at a graph"),
        (lambda file: [str(file.parent / "no-run")], "must be"),
        (lambda file: [f"{file}:loss", "--out", str(file)], "out must be a file that ends in .html, got out="),
    ],
    ids=["not followed", "granularity", "no run", "over the code"],
)
def test_command_line_refuses_in_one_line(file: Path, words: Callable[[Path], list[str]], text: str) -> None:
    refused = command(*words(file))
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert re.search(re.escape(text), refused.stderr)
    assert refused.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one network and one epoch."""
    folder = tmp_path_factory.mktemp("graph") / "run"
    words = ("train", "diabetes", "--members", "1", "--set", "epochs=1", "--out", str(folder), "--quiet")
    done = subprocess.run([sys.executable, "-m", "rounds.cli", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_is_looked_at_without_patients_or_without_single_values(run: Path) -> None:
    synthetic = command(str(run))
    assert synthetic.returncode == 0, synthetic.stderr
    assert "y^" in synthetic.stdout
    on_patients = command(str(run), "--data", "diabetes", "--rows", "20", "--json")
    assert on_patients.returncode == 0, on_patients.stderr
    record = json.loads(on_patients.stdout)
    assert [block["name"] for block in record["blocks"]][-2:] == ["y^", "L"]
    assert "first" not in on_patients.stdout
    assert "smallest" not in on_patients.stdout
    few = command(str(run), "--data", "diabetes", "--rows", "3")
    assert few.returncode == 2


def test_a_member_that_is_not_there_is_refused(run: Path) -> None:
    refused = command(str(run), "--member", "99")
    assert refused.returncode == 2
    assert "member must be one of" in refused.stderr
