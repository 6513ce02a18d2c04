"""Planted faults of Keras models are found; a sound model is not accused; nothing in a file is run."""

import os
import re

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss

from rounds.errors import DataError
from rounds.evaluation.audit.keras_losses import loss_findings
from rounds.evaluation.audit.keras_model import audit_keras
from rounds.evaluation.record import AuditedLoss

ROWS = 300


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def inputs(scale: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(0).normal(0, 1, (ROWS, 4)) * scale).astype("f4")


def audited(tmp_path, model, x: np.ndarray) -> dict[str, dict]:
    model.save(tmp_path / "m.keras")
    pl.DataFrame(x, schema=["a", "b", "c", "d"]).write_csv(tmp_path / "x.csv")
    record = audit_keras(str(tmp_path / "m.keras"), str(tmp_path / "x.csv")).content()
    assert record["rows"] == ROWS
    return {finding["code"]: finding for finding in record["findings"]}


def network(*layers, last: str = "sigmoid"):
    return keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(1, activation=last)])


def test_sound_model_is_not_accused(tmp_path) -> None:
    assert audited(tmp_path, network(keras.layers.Dense(16, activation="relu")), inputs()) == {}


def test_dead_units(tmp_path) -> None:
    dead = keras.layers.Dense(16, activation="relu", bias_initializer=keras.initializers.Constant(-50.0))
    assert audited(tmp_path, network(dead), inputs())["dead-units"]["evidence"]["shares"] == {dead.name: 1.0}


def test_relu_as_a_layer_of_its_own(tmp_path) -> None:
    model = network(keras.layers.Dense(8, bias_initializer=keras.initializers.Constant(-50.0)), keras.layers.ReLU())
    assert "dead-units" in audited(tmp_path, model, inputs())


def test_saturated_units_and_sure_outputs(tmp_path) -> None:
    normal = keras.initializers.RandomNormal
    wide = keras.layers.Dense(16, activation="tanh", kernel_initializer=normal(0, 100.0))
    last = keras.layers.Dense(1, activation="sigmoid", kernel_initializer=normal(0, 30.0))
    model = keras.Sequential([keras.Input((4,)), wide, last])
    found = audited(tmp_path, model, inputs())
    assert "saturated-units" in found
    assert "saturated-outputs" in found


def test_batch_norm_that_never_saw_such_rows(tmp_path) -> None:
    before, norm = keras.layers.Dense(8), keras.layers.BatchNormalization()
    model = network(before, norm, keras.layers.Activation("relu"))
    units = inputs() @ before.get_weights()[0]
    norm.set_weights([np.ones(8), np.zeros(8), units.mean(0), units.var(0)])
    assert "batch-norm-statistics" not in audited(tmp_path, model, inputs())
    found = audited(tmp_path, model, inputs(50.0))
    assert "batch-norm-statistics" in found
    assert "unscaled-inputs" in found


def test_training_mode_that_differs(tmp_path) -> None:
    found = audited(tmp_path, network(keras.layers.BatchNormalization(), last="linear"), inputs() * 0.01)
    assert "modes-differ" in found
    assert "modes-differ" not in audited(tmp_path, network(keras.layers.Dense(8, activation="relu")), inputs())


def test_inputs_of_other_sizes(tmp_path) -> None:
    x = inputs() * np.array([1, 1, 1, 5000], "f4")
    assert "unscaled-inputs" in audited(tmp_path, network(), x)
    scaler = keras.layers.Normalization()
    scaler.adapt(x)
    assert "unscaled-inputs" not in audited(tmp_path, network(scaler), x)


def test_nan_and_constant_outputs(tmp_path) -> None:
    model = network()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    assert "diverged" in audited(tmp_path, model, inputs())
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    assert "no-better-than-baseline" in audited(tmp_path, model, inputs())


def test_two_inputs_come_as_npz(tmp_path) -> None:
    a, b = keras.Input((2,), name="labs"), keras.Input((6, 3), name="vitals")
    units = keras.layers.Concatenate()([a, keras.layers.GRU(4)(b)])
    keras.Model([a, b], keras.layers.Dense(1)(units)).save(tmp_path / "m.keras")
    draw = np.random.default_rng(1)
    np.savez(tmp_path / "x.npz", vitals=draw.normal(size=(50, 6, 3)), labs=draw.normal(size=(50, 2)))
    record = audit_keras(str(tmp_path / "m.keras"), str(tmp_path / "x.npz")).content()
    assert record["rows"] == 50
    assert {n["code"] for n in record["not_checked"]} >= {"overfitting", "unscaled-inputs"}


def test_code_in_a_file_is_not_run(tmp_path) -> None:
    place = str(tmp_path / "ran")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: (open(place, "w").close(), x)[1])])
    model.save(tmp_path / "m.keras")
    (tmp_path / "ran").unlink(missing_ok=True)
    np.savez(tmp_path / "x.npz", x=inputs())
    with pytest.raises(DataError, match=r"Model must be a whole \.keras file without code") as error:
        audit_keras(str(tmp_path / "m.keras"), str(tmp_path / "x.npz"))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "ran").exists()


def test_what_does_not_fit_is_refused(tmp_path) -> None:
    network().save(tmp_path / "m.keras")
    model = str(tmp_path / "m.keras")
    with pytest.raises(DataError, match=r"DATA must be given with a \.keras file"):
        audit_keras(model, None)
    with pytest.raises(DataError, match=r"Model must be a \.keras file that exists"):
        audit_keras(str(tmp_path / "no.keras"), "x.csv")
    (tmp_path / "bad.keras").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match=r"Model must be a whole \.keras file"):
        audit_keras(str(tmp_path / "bad.keras"), "x.csv")
    pl.DataFrame(inputs()[:, :3], schema=["a", "b", "c"]).write_csv(tmp_path / "x.csv")
    with pytest.raises(DataError, match=r"of shape \('rows', 4\), got shape=\(300, 3\)"):
        audit_keras(model, str(tmp_path / "x.csv"))
    pl.DataFrame({"a": ["x"], "b": [1], "c": [1], "d": [1]}).write_csv(tmp_path / "x.csv")
    with pytest.raises(DataError, match="Data of a Keras model must be numbers, got column='a'"):
        audit_keras(model, str(tmp_path / "x.csv"))
    np.savez(tmp_path / "o.npz", x=np.array([object()]))
    with pytest.raises(DataError, match="NPZ file must be whole, without objects"):
        audit_keras(model, str(tmp_path / "o.npz"))
    np.savez(tmp_path / "n.npz", x=np.full((3, 4), np.nan))
    with pytest.raises(DataError, match="Data of a Keras model must be finite"):
        audit_keras(model, str(tmp_path / "n.npz"))


def outcomes(x: np.ndarray) -> np.ndarray:
    chance = 1 / (1 + np.exp(-2 * x[:, 0]))
    return (np.random.default_rng(5).random(len(x)) < chance).astype(int)


def losses_of(tmp_path, model, *, label: str = "died", named: str | None = "died") -> dict:
    x = inputs()
    model.save(tmp_path / "m.keras")
    table = pl.DataFrame(x, schema=["a", "b", "c", "d"]).with_columns(pl.Series(label, outcomes(x)))
    table.write_csv(tmp_path / "x.csv")
    return audit_keras(str(tmp_path / "m.keras"), str(tmp_path / "x.csv"), named).content()


def with_slope(slope: float):
    model = network()
    model.set_weights([np.array([[slope], [0], [0], [0]], "f4"), np.zeros(1, "f4")])
    return model


def test_loss_at_start_and_end_equals_scikit_learns(tmp_path) -> None:
    record = losses_of(tmp_path, with_slope(2.0))
    x, y = inputs(), outcomes(inputs())
    wanted = log_loss(y, 1 / (1 + np.exp(-2 * x[:, 0])))
    assert record["loss"]["end"] == pytest.approx(wanted, rel=1e-5)
    assert record["loss"]["constant"] == pytest.approx(log_loss(y, np.full(ROWS, y.mean())), rel=1e-6)
    assert record["loss"]["start"] > record["loss"]["end"]
    assert record["findings"] == []
    assert losses_of(tmp_path, with_slope(2.0))["loss"] == record["loss"], "drawn again, the same every time"


def test_a_model_that_unlearned_is_found(tmp_path) -> None:
    found = {f["code"]: f for f in losses_of(tmp_path, with_slope(-3.0))["findings"]}
    assert found["not-learning"]["severity"] == "error"
    assert "with fresh weights" in found["not-learning"]["explanation"]


def test_a_model_that_a_constant_beats_is_found() -> None:
    assert loss_findings(AuditedLoss(name="mse", start=9.0, end=5.0, constant=4.0))[0].code == "no-better-than-baseline"
    assert loss_findings(AuditedLoss(name="mse", start=9.0, end=0.1, constant=4.0))[0].code == "implausible-score"
    assert loss_findings(AuditedLoss(name="mse", start=9.0, end=2.0, constant=4.0)) == []


def test_outcomes_go_by_the_name_label_and_are_asked_for(tmp_path) -> None:
    assert losses_of(tmp_path, with_slope(2.0), label="label", named=None)["loss"]["name"] == "log_loss"
    pl.DataFrame(inputs(), schema=["a", "b", "c", "d"]).write_csv(tmp_path / "x.csv")
    record = audit_keras(str(tmp_path / "m.keras"), str(tmp_path / "x.csv")).content()
    assert record["loss"] is None
    assert {"code": "not-learning", "reason": "needs the outcome of each row: --label COL"} in record["not_checked"]


def test_classes_of_a_softmax_come_as_numbers(tmp_path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.save(tmp_path / "m.keras")
    np.savez(tmp_path / "x.npz", x=inputs(), y=np.arange(ROWS) % 3)
    record = audit_keras(str(tmp_path / "m.keras"), str(tmp_path / "x.npz"), "y").content()
    assert record["loss"]["constant"] == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (np.full(ROWS, 2), "Outcome must be 0 or 1, got label=2.0"),
        (np.full(ROWS, np.nan), "Outcome must be 0 or 1, got label=nan"),
        (np.zeros((ROWS, 2)), "Outcome must be 1 columns, got columns=2"),
        (np.zeros(ROWS - 1), "Outcome must be of 300 rows, got rows=299"),
    ],
)
def test_outcomes_that_do_not_fit_are_refused(tmp_path, outcome, text: str) -> None:
    with_slope(1.0).save(tmp_path / "m.keras")
    np.savez(tmp_path / "x.npz", x=inputs(), y=outcome)
    with pytest.raises(DataError, match=re.escape(text)):
        audit_keras(str(tmp_path / "m.keras"), str(tmp_path / "x.npz"), "y")
    with pytest.raises(DataError, match="Label must be a column of the data, got label='z'"):
        audit_keras(str(tmp_path / "m.keras"), str(tmp_path / "x.npz"), "z")
