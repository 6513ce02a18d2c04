"""The Keras model says what the native predictor says, and its file opens with Keras's own layers alone."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Column
from rounds.data.preparation.preparation import Preparation
from rounds.export.keras import keras_model
from rounds.export.onnx.model import feed
from rounds.networks.keras.model import load_model, predict_with, save_model
from rounds.prediction.numpy_layers.activations import ACTIVATIONS
from rounds.target_scale import TargetScale


@pytest.fixture
def assert_same(made_up, native, tmp_path):
    def compare(predictor, tolerance: float = 1e-5) -> None:
        inputs = made_up(predictor.preparation.shape)
        save_model(keras_model(predictor), tmp_path / "m.keras")
        found = predict_with(load_model(tmp_path / "m.keras"), feed(predictor, inputs))
        np.testing.assert_allclose(found, native(predictor, inputs), rtol=tolerance, atol=tolerance)

    return compare


@pytest.mark.parametrize("kind", ["binary", "regression", "multiclass", "multilabel"])
def test_trained_lines_of_every_kind(runs, assert_same, kind) -> None:
    assert_same(runs(kind).predictor)


@pytest.mark.parametrize(
    "options",
    [
        {"number_embedding": "periodic", "activation": "silu"},
        {"number_embedding": "piecewise", "frequencies": 5},
        {"normalization": "batch"},
        {"normalization": "layer", "residual": True},
        {"skip_to_output": True, "activation": "gelu"},
        {"hidden": ()},
    ],
)
def test_networks_of_every_build(random_predictor, assert_same, options) -> None:
    assert_same(random_predictor(**options))


def test_images_and_signals(image_predictor, assert_same, array_build) -> None:
    array, options = array_build
    assert_same(image_predictor(array, **options))


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"glu"}))
def test_every_activation(random_predictor, assert_same, name) -> None:
    assert_same(random_predictor(activation=name, hidden=(4,)))


def test_wider_networks(random_predictor, assert_same) -> None:
    shape = random_predictor().preparation.shape
    assert_same(random_predictor(numbers=shape.numbers + 2, flags=shape.flags + 1, number_embedding="periodic"))


def test_codes_and_a_code_that_only_networks_know(random_predictor, assert_same) -> None:
    table = pl.DataFrame({"icd": [f"c{i % 30}" for i in range(600)], "ward": [f"w{i % 25}" for i in range(600)]})
    columns = tuple(Column(name=name, role="categorical") for name in table.columns)
    preparation = Preparation.fit(columns, table, np.arange(600))
    predictor = random_predictor(numbers=0, flags=0, levels=(33, 26, 20), code_widths=(4, 3, 2))
    assert_same(replace(predictor, preparation=preparation))


@pytest.mark.parametrize("kind", ["log1p", "smeared", "recalibrated", "softened"])
def test_every_way_back(random_predictor, assert_same, kind) -> None:
    base = random_predictor("regression")
    y = np.random.default_rng(3).lognormal(1, 1, (500, 1))
    scale = TargetScale.fit(base.task, y)
    if kind == "smeared":
        scale = scale.with_smearing(scale.forward(y) * 0.5, y)
    if kind == "recalibrated":
        base = random_predictor("binary")
        array = 1 / (1 + np.exp(-np.linspace(-16, 16, 401)))
        scale = TargetScale(kind="identity", knots=(tuple(array.tolist()),), table=(tuple(np.sqrt(array).tolist()),))
    if kind == "softened":
        base = random_predictor("multiclass")
        scale = TargetScale(kind="identity", temperature=2.5)
    assert_same(replace(base, target_scale=scale))


def test_file_opens_where_rounds_is_not_imported(random_predictor, tmp_path) -> None:
    save_model(keras_model(random_predictor(number_embedding="periodic")), tmp_path / "m.keras")
    code = (
        "import os, sys; os.environ['KERAS_BACKEND'] = 'jax'; import keras; "
        f"m = keras.saving.load_model({str(tmp_path / 'm.keras')!r}); "
        "print(m.name, any(name.startswith('rounds') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["rounds", "False"]
