"""A user's own Keras model comes back as it was trained in the end, ready to be trained on."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rounds
from rounds.networks.keras.backend import keras


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    random = np.random.default_rng(0)
    x = random.normal(size=(240, 2)) * [1, 50] + [0, 300]
    died = x[:, 0] - (x[:, 1] - 300) / 50 + random.normal(size=240) > 0
    return pl.DataFrame({"ph": x[:, 0], "glucose": x[:, 1], "ventilated": random.random(240) < 0.3, "died": died})


def model() -> keras.Model:
    layers = [keras.Input((3,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1, activation="relu")]
    made = keras.Sequential(layers)
    made.compile(optimizer=keras.optimizers.SGD(0.01), loss="mse")
    return made


def test_the_model_is_mended_scaled_and_compiled_as_the_plan_says(table: pl.DataFrame, tmp_path: Path) -> None:
    changes = {"scale_inputs": True, "output_activation": "matched", "loss": "auto", "optimizer": "adamw"}
    result = rounds.train(
        table,
        target="died",
        group="none",
        model=model(),
        members=1,
        rounds=0,
        epochs=3,
        out=tmp_path / "run",
        learning_rate=0.003,
        schedule="cosine",
        quiet=True,
        **changes,
    )
    mended, features = result.model, table.drop("died")
    assert (type(mended.optimizer).__name__, mended.loss) == ("AdamW", "binary_crossentropy")
    assert type(mended.optimizer._learning_rate).__name__ == "CosineDecay"
    part = result.predictor.parts[0]
    expected = part.outputs(result.predictor.preparation.apply(features))[0]
    columns = features.select(pl.all().cast(pl.Float32)).to_numpy()
    np.testing.assert_allclose(np.asarray(mended(columns)), expected, atol=1e-5)
    mended.fit(columns, table["died"].to_numpy().astype("float32"), verbose=0)
    mended.save(tmp_path / "mended.keras")
    again = keras.models.load_model(tmp_path / "mended.keras")
    np.testing.assert_allclose(np.asarray(again(columns)), np.asarray(mended(columns)), atol=1e-6)


def test_a_loss_that_is_the_users_own_is_left_to_the_user(table: pl.DataFrame, tmp_path: Path) -> None:
    made = model()
    made.compile(optimizer=keras.optimizers.Nadam(0.01), loss="mse")
    result = rounds.train(
        table, target="died", group="none", model=made, members=1, rounds=0, epochs=2, out=tmp_path / "run", quiet=True
    )
    assert getattr(result.model, "optimizer", None) is None
