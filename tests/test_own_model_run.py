"""A model of the user's own from end to end: trained by the command line, judged, saved as .keras, predicted with."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.errors import PlanError, RunFolderError
from rounds.job.request import Request
from rounds.job.train import train
from rounds.networks.user_model.runner import read_model, read_runner
from rounds.plan import Plan
from rounds.prediction.model_folder import load_predictor
from rounds.prescription.remedies.prescribe import doses_against
from rounds.prescription.remedies.remedy import FIXED_BY_MODEL
from rounds.user_code import code_allowed, import_named, refuse_code

CODE = '''
import keras
import jax.numpy as jnp


class Bend(keras.layers.Layer):
    """x + strength * x^2, of which the strength is learned."""

    def build(self, shape):
        self.strength = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="strength")

    def call(self, x):
        return x + self.strength * x * x


class Wide(keras.layers.Dense):
    """A layer that takes its width."""


def pull(x):
    return x * jnp.tanh(x)


def quartic(targets, outputs):
    return ((targets - outputs) ** 4).mean(-1)


def days_off(observed, predicted):
    return jnp.abs(observed - predicted).mean(-1)


def averaged(targets, outputs):
    return ((targets - outputs) ** 2).mean()


def model():
    return keras.Sequential([keras.Input((4,)), Bend(name="bend"), keras.layers.Dense(1, name="last")])


class Net(keras.Model):
    """A class as most people write it, which Keras cannot save: it takes a width and has no get_config."""

    def __init__(self, width):
        super().__init__()
        self.first, self.last = keras.layers.Dense(width, "relu"), keras.layers.Dense(1)

    def call(self, x):
        return self.last(self.first(x))


def net():
    return Net(3)


def other():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, name="last")])
'''
QUICK = ("--members", "2", "--rounds", "0", "--set", "epochs=3", "--set", "folds=2")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with a module of the user's own and a table of patients."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "ward_code.py").write_text(CODE, encoding="utf-8")
    random = np.random.default_rng(0)
    x = random.normal(size=(900, 4))
    table = {f"x{i}": x[:, i] for i in range(4)}
    pl.DataFrame({**table, "stay": x @ [1.0, -2.0, 0.5, 0.0] + x[:, 0] ** 2}).write_csv(folder / "stays.csv")
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    yield folder
    patch.undo()
    sys.modules.pop("ward_code", None)


@pytest.fixture(scope="module")
def run(place: Path, command: Callable[..., Any]) -> Path:
    made = command(*training("model"))
    assert made.status == 0, made.err
    return place / "run"


def training(model: str) -> tuple[str, ...]:
    return (
        "train",
        "stays.csv",
        "--target",
        "stay",
        "--group",
        "none",
        "--model",
        f"ward_code.py:{model}",
        "--set",
        "metrics=ward_code:days_off",
        "--allow-code",
        *QUICK,
        "--out",
        "run",
        "--quiet",
    )


def loaded(folder: Path) -> Any:
    with code_allowed():
        return load_predictor(folder)


def test_run_is_that_of_the_model(run: Path) -> None:
    plan = json.loads((run / "plan.json").read_text())
    assert plan["network"] == "keras"
    assert "hidden" not in plan["reasons"]
    curves = pl.read_parquet(run / "curves.parquet")
    assert {"days_off", "loss"} <= set(curves.filter(pl.col("split") == "validation")["metric"])
    assert (run / "report.html").is_file()


def test_a_finished_run_is_that_of_one_model(run: Path, command: Callable[..., Any]) -> None:
    assert command(*training("model"), "--resume").status == 0
    refused = command(*training("other"), "--resume")
    assert refused.status == 2
    assert "Model must be as when the run was begun, got out='run'." in refused.err


def test_prediction_needs_leave_for_code(run: Path, command: Callable[..., Any]) -> None:
    refused = command("predict", run, "stays.csv")
    assert refused.status == 2
    assert "Model must be of Keras's own layers unless code is allowed, got modules=['ward_code']." in refused.err
    assert "--allow-code" in refused.err
    done = command("predict", run, "stays.csv", "--allow-code")
    assert done.status == 0, done.err
    assert done.out.splitlines()[0].startswith("stay_predicted")
    assert len(done.out.splitlines()) == 901


def test_predictions_are_those_of_the_members(run: Path, place: Path) -> None:
    predictor = loaded(run / "model")
    part, table = predictor.parts[0], pl.read_csv(place / "stays.csv").head(5)
    x = predictor.preparation.apply(table).numbers
    strength, kernel, bias = (part.weights[n] for n in sorted(part.weights, key=_place))
    for k, made in enumerate(predictor.outputs(predictor.preparation.apply(table))):
        assert np.allclose(made, (x + strength[k] * x * x) @ kernel[k] + bias[k], atol=1e-5)


def _place(name: str) -> int:
    return [name.endswith(end) for end in ("strength", "kernel", "bias")].index(True)


def test_file_opens_in_keras(run: Path) -> None:
    content = (run / "model" / "network_0.keras").read_bytes()
    predictor = loaded(run / "model")
    opened = read_runner(content, predictor.parts[0].network, Path("network_0.keras"), allow_code=True)
    first = {name: array[0] for name, array in predictor.parts[0].weights.items()}
    for name, variable in zip(opened.functional.names, opened.functional.model.trainable_variables, strict=True):
        assert np.array_equal(np.asarray(variable.value), first[name])
    assert opened.file(first) == content, "equal networks are equal files, whenever they were written"


def test_graph_of_the_run_has_the_models_layers(run: Path, command: Callable[..., Any]) -> None:
    assert "got modules=['ward_code']" in command("graph", run).err
    made = command("graph", run, "--allow-code", "--granularity", "layers")
    assert made.status == 0, made.err
    assert "bend" in made.out
    assert "Backward pass" in made.out


def test_export_of_an_own_model_is_refused_by_name(run: Path, command: Callable[..., Any]) -> None:
    refused = command("export", run, "--format", "onnx", "--allow-code")
    assert refused.status == 2
    assert "got network='keras'" in refused.err


def test_model_that_keras_cannot_save_is_trained_and_said(place: Path, command: Callable[..., Any]) -> None:
    words = [word for word in training("net") if word not in ("run", "--out", "--quiet")]
    made = command(*words, "--out", "unsaved")
    assert made.status == 0, made.err
    assert "Keras cannot save this model" in made.out
    refused = command("predict", "unsaved", "stays.csv", "--allow-code")
    assert refused.status == 2
    assert "Model must be one that Keras could save, got missing='network_0.keras'." in refused.err
    assert command("report", "unsaved").status == 0


def test_file_can_be_trained_on(run: Path, command: Callable[..., Any]) -> None:
    shown = ("train", "stays.csv", "--target", "stay", "--group", "none", "--model", "run/model/network_0.keras")
    refused = command(*shown, "--out", "again")
    assert refused.status == 2
    assert "got modules=['ward_code']" in refused.err
    assert read_model(run / "model" / "network_0.keras", allow_code=True).count_params() == 9


def test_plan_names_code_of_its_own(place: Path) -> None:
    plan = {
        "loss": "ward_code:quartic",
        "activation": "ward_code:pull",
        "layer": "ward_code:Wide",
        "hidden": (3,),
        "metrics": ("ward_code:days_off",),
        "keep_best": "days_off",
        "epochs": 2,
        "learning_rate": 0.01,
        "number_embedding": "none",
        "dropout": 0.0,
    }
    data = pl.read_csv(place / "stays.csv")
    with pytest.raises(PlanError, match="loss must be a name of Rounds's own unless code is allowed, got loss='ward_c"):
        train(_loaded(data), plan)
    made = train(_loaded(data), plan, Request(out=place / "named", members=1, allow_code=True, rounds=0))
    assert np.isfinite(made.predict(data)).all()
    again = loaded(place / "named" / "model")
    assert np.allclose(again.predict(data).values, made.predict(data), rtol=1e-5)
    arrays = {name.rpartition("/")[0]: a[0] for name, a in again.parts[0].weights.items() if name.endswith("kernel")}
    assert arrays["hidden_0"].shape == (4, 3)


def _loaded(table: pl.DataFrame) -> Any:
    from rounds.data.choices import Choices
    from rounds.data.loading import load

    return load(table, Choices(targets=("stay",), group="none"))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ({"loss": "ward_code:averaged"}, r"loss must be one number a row, got shape=\(\)"),
        ({"loss": "ward_code:absent"}, "loss must be importable, got loss=.ward_code:absent .AttributeError"),
        ({"loss": "nowhere_at_all:x"}, "loss must be importable, got loss=.nowhere_at_all:x .ModuleNotFoundError"),
        ({"metrics": ("auc",)}, "metrics must be module:name, got metrics='auc'"),
        ({"metrics": ("ward_code:averaged",)}, r"A metric must be one number a row, got shape=\(\)"),
        ({"layer": "conv"}, "layer must be dense or module:Class, got layer='conv'"),
    ],
)
def test_code_that_does_not_fit_is_refused(place: Path, field: dict[str, Any], text: str) -> None:
    """Before anything is written: the same folder serves all of them."""
    request = Request(out=place / "refused", members=1, allow_code=True)
    with pytest.raises(PlanError, match=text):
        train(_loaded(pl.read_csv(place / "stays.csv")), {"epochs": 1, "learning_rate": 0.1, **field}, request)


def test_import_from_the_working_folder(place: Path) -> None:
    assert import_named("ward_code:quartic", "loss")(np.ones((2, 1)), np.zeros((2, 1))).tolist() == [1.0, 1.0]
    refuse_code({"loss": "ward_code:quartic"}, allowed=True)
    assert str(place) not in sys.path


def test_damaged_file_is_named(run: Path) -> None:
    network = loaded(run / "model").parts[0].network
    with pytest.raises(RunFolderError, match=r"Model file must be a \.keras file, got file='x\.keras"):
        read_runner(b"nothing", network, Path("x.keras"), allow_code=False)


def test_remedies_leave_the_model_alone() -> None:
    plan = Plan(network="keras", learning_rate=10.0)
    changed = {
        name
        for code in ("overfitting", "learning-rate-too-high", "underfitting", "vanishing-gradients")
        for p in doses_against(code, plan)
        for name in p.change
    }
    assert not changed & FIXED_BY_MODEL
    assert "learning_rate" in changed
