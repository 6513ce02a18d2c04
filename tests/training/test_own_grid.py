"""A Keras model of the user's own over images and recordings: the same loop, the same judging, the same file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rounds.data.loading import load
from rounds.errors import PlanError
from rounds.job.request import Request
from rounds.job.train import train
from rounds.networks.keras.backend import keras
from rounds.networks.user_model.images import array_feed, use_fast_convolutions
from rounds.prediction.model_folder import load_predictor

layers = keras.layers
QUICK = {"epochs": 6, "learning_rate": 0.01, "batch_size": 16}


def images(folder: Path) -> Path:
    """Images that are brighter on the left where the label is 1."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, rows in (("train", 64), ("val", 24), ("test", 24)):
        y = random.integers(0, 2, rows)
        x = random.integers(0, 120, (rows, 8, 8))
        x[:, :, :4] += 100 * y[:, None, None]
        arrays |= {f"{part}_images": x.astype(np.uint8), f"{part}_labels": y}
    np.savez(folder / "images.npz", **arrays)
    return folder / "images.npz"


def small_network() -> Any:
    """As keras.applications' are made: three channels, depthwise and strided filters, batch normalization."""
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Conv2D(6, 2, activation="relu", name="point")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(1, name="last")(x))


def test_quick_convolutions_are_kerass_own() -> None:
    x = np.random.default_rng(0).normal(size=(2, 9, 8, 3)).astype(np.float32)
    for step, padding in ((1, "same"), (2, "same"), (1, "valid"), (2, "valid")):
        inputs = keras.Input((9, 8, 3))
        made = layers.DepthwiseConv2D(3, strides=step, padding=padding, activation="relu")(inputs)
        model = keras.Model(inputs, layers.Conv2D(2, (2, 3), padding=padding, strides=step)(made))
        wanted = np.asarray(model(x))
        use_fast_convolutions(model)
        np.testing.assert_allclose(np.asarray(model(x)), wanted, atol=1e-5)
        assert all("partial" in repr(vars(layer)) for layer in model.layers[1:])


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((16, 16, 1), r"Input x must be 8 x 8 x 1 for these data, got shape=.16, 16, 1.\. .*--image-size 16"),
        ((8, 8, 2), r"Input x must be 8 x 8 x 1 for these data, got shape=.8, 8, 2.\. Give it Input\(\(8, 8, 1\)\)"),
    ],
)
def test_inputs_of_another_size_are_refused(shape: tuple[int, ...], text: str) -> None:
    with pytest.raises(PlanError, match=text):
        array_feed("x", shape, (8, 8, 1))
    assert array_feed("x", (None, None, 3), (8, 8, 1)).shape == (8, 8, 3)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("own")
    made = train(load(images(folder)), QUICK, Request(out=folder / "run", members=1, rounds=0), model=small_network())
    return folder, made


def test_images_train_in_a_model_of_the_users_own(run: tuple[Path, Any]) -> None:
    folder, made = run
    assert made.record["test"]["auroc"]["value"] > 0.8
    assert "As training sees them" in made.write_report().read_text(encoding="utf-8")
    assert (folder / "run" / "images" / "augmented.png").is_file()  # augmentation is that of Rounds's own networks


def test_predictions_are_kerass_on_scaled_images(run: tuple[Path, Any]) -> None:
    folder, made = run
    predictor = load_predictor(folder / "run" / "model")
    dataset = load(folder / "images.npz")
    said = predictor.predict(dataset.inputs, array=dataset.signals.array).values
    np.testing.assert_allclose(
        said, made.predictor.predict(dataset.inputs, array=dataset.signals.array).values, atol=1e-6
    )
    model = keras.models.load_model(folder / "run" / "model" / "network_0.keras", compile=False)
    weights = predictor.parts[0].weights
    scaled = (dataset.signals.array.astype(np.float32) - weights["grid/mean"][0]) / weights["grid/spread"][0]
    outputs = np.asarray(model(np.repeat(scaled, 3, axis=-1)))
    np.testing.assert_allclose(said, 1 / (1 + np.exp(-outputs)), atol=1e-5)


def test_recordings_train_in_a_model_of_the_users_own(tmp_path: Path, command: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 120)
    x = random.normal(size=(120, 12)) + np.sin(np.arange(12) / 2) * y[:, None]
    np.savez(
        tmp_path / "beats.npz", train_x=x[:90].astype("f4"), train_y=y[:90], test_x=x[90:].astype("f4"), test_y=y[90:]
    )
    shape = load(tmp_path / "beats.npz").signals.array.shape[1:]
    model = keras.Sequential([keras.Input(shape), layers.LSTM(4, name="lstm"), layers.Dense(1, name="last")])
    model.save(tmp_path / "own.keras")
    done = command(
        "train",
        tmp_path / "beats.npz",
        "--model",
        tmp_path / "own.keras",
        "--members",
        1,
        "--rounds",
        0,
        "--set",
        "epochs=40",
        "--set",
        "learning_rate=0.03",
        "--set",
        "batch_size=16",
        "--quiet",
        "--out",
        tmp_path / "run",
    )
    assert done.status == 0, done.err
    predictor = load_predictor(tmp_path / "run" / "model")
    dataset = load(tmp_path / "beats.npz")
    said = predictor.predict(dataset.inputs, array=dataset.signals.array).values[:, 0]
    assert np.mean((said > 0.5) == dataset.targets[:, 0]) > 0.8
