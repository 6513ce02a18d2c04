"""Keras's own `fit`, watched: what rules need is there, training goes as it would without."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import rounds
from rounds.examination.sources.watched import read_watched
from rounds.watch import KerasWatch
from rounds.watch.recorder import FACTS, LINES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 3)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def fitted(callbacks: list[Any], activation: str = "sigmoid", rate: float = 0.01, epochs: int = 3) -> Any:
    keras.utils.set_random_seed(1)
    inside = [keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.2)]
    model = keras.Sequential([keras.Input((3,)), *inside, keras.layers.Dense(1, activation=activation)])
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(
        X[:80], Y[:80], validation_data=(X[80:], Y[80:]), batch_size=16, epochs=epochs, verbose=0, callbacks=callbacks
    )
    return model, history


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    folder = tmp_path_factory.mktemp("watch") / "run"
    model, history = fitted([KerasWatch(folder, quiet=True)])
    return folder, model, history


def test_losses_are_those_of_keras(watched: tuple[Path, Any, Any]) -> None:
    folder, _, history = watched
    curve = read_watched(folder).curves[0]
    assert np.allclose(curve.train, history.history["loss"])
    assert np.allclose(curve.validation, history.history["val_loss"])
    assert np.allclose(curve.metrics["val_accuracy"], history.history["val_accuracy"])
    assert curve.steps is not None
    assert len(curve.steps[1]) == 15


def test_watching_changes_nothing(watched: tuple[Path, Any, Any]) -> None:
    _, model, _ = watched
    alone, _ = fitted([])
    for one, other in zip(model.get_weights(), alone.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_measures_by_layer(watched: tuple[Path, Any, Any]) -> None:
    measures = read_watched(watched[0]).curves[0].measures
    layers = {layer for layer, name in measures if name == "gradient_norm"}
    assert len(layers) == 2
    epochs, ratios = measures[next(key for key in measures if key[1] == "update_ratio")]
    assert epochs[0] == 0
    assert (ratios > 0).all()
    assert any(name == "dead_share" for _, name in measures)
    assert measures["network", "loss"][1][0] == pytest.approx(0.7, abs=0.3)


def test_facts_of_model_and_data(watched: tuple[Path, Any, Any]) -> None:
    facts = json.loads((watched[0] / FACTS).read_text())["facts"]
    assert (facts["loss"], facts["output_activation"], facts["output_width"]) == ("binary_crossentropy", "sigmoid", 1)
    assert facts["batch_size"] == 16
    assert facts["inputs"]["columns"] == 3
    assert facts["targets"]["classes"] == 2


def test_no_row_is_written(watched: tuple[Path, Any, Any]) -> None:
    text = (watched[0] / FACTS).read_text() + (watched[0] / LINES).read_text()
    assert not any(f"{value:.5f}"[:7] in text for value in X[:5].ravel() if abs(value) > 0.1)


def test_a_mismatch_is_printed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted([KerasWatch(tmp_path / "run")], activation="tanh", epochs=10)
    assert capsys.readouterr().out.count("tanh") == 1


def test_a_lost_training_is_ended_where_asked(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1e6), loss="mse")
    watch = KerasWatch(tmp_path / "run", stop=True, quiet=True)
    history = model.fit(X, X[:, 0], batch_size=8, epochs=40, verbose=0, callbacks=[watch])
    assert len(history.epoch) < 40
    assert rounds.examine(tmp_path / "run").findings[0].code == "learning-rate-too-high"


def test_fit_is_left_as_it_was(tmp_path: Path) -> None:
    watch = KerasWatch(tmp_path / "run", quiet=True)
    model, _ = fitted([watch], epochs=1)
    assert "_watched" not in getattr(model.train_function, "__qualname__", "")
