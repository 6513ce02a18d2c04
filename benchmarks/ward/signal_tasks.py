"""The ward's images and recordings: few patients of each, so that a small network of them trains in a second.

The division follows a rule that was fixed before anything was trained: a set that stands in the ward as a table stays
in its table's half (digits, ecg5000), and the other set of its kind is in the other half. Each half has one of each.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from benchmarks.ward.tasks import DRAW, WardTask
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.data.sources.builtin import load_builtin

SIGNAL_ROWS = 640  # of each set, drawn once
# What is measured most often in physionet2012, and the steps in which it is read: as many as a recurrent network takes
# in a second.
MEASURED = ("HR", "MAP", "NIMAP", "Temp", "RespRate", "GCS", "Urine", "Creatinine", "Lactate")
STEP_MINUTES = 240
DIGIT = 3
GRAIN = 80.0  # of 256 grey levels
UNUSED = ("SAPS-I", "SOFA", "Survival", "Length_of_stay")
DEATH = "In-hospital_death"


def _drawn(labels: np.ndarray) -> np.ndarray:
    """SIGNAL_ROWS places among so many labels, in their order."""
    return np.sort(np.random.default_rng(DRAW).permutation(len(labels))[:SIGNAL_ROWS])


def _opened(choices: Choices, **arrays: np.ndarray) -> Dataset:
    """As `rounds train` opens an NPZ file of these arrays."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, **arrays)  # type: ignore[arg-type]
        return load(path, choices)


def _digits(shared: Path) -> Dataset:
    """Digits 0 to 4 of 8 x 8 pixels, a 3 or another (trees of five classes would take most of the time), with the grain
    of a short exposure: without it nothing about them is uncertain."""
    table = load_builtin("digits").table
    table = table.filter(pl.col("digit").cast(pl.Int64) < 5)
    labels = (table["digit"].cast(pl.Int64).to_numpy() == DIGIT).astype(np.int64)
    pixels = table.drop("digit").to_numpy().reshape(-1, 8, 8)
    rows = _drawn(labels)
    grained = pixels[rows] * 15 + GRAIN * np.random.default_rng(DRAW).standard_normal(pixels[rows].shape)
    images = np.clip(np.round(grained), 0, 255).astype(np.uint8)  # the set counts to 16
    return _opened(Choices(("label",), "binary", group="none"), train_images=images, train_labels=labels[rows])


def _pneumonia(shared: Path) -> Dataset:
    """Chest X-rays of 28 x 28 pixels, each 2 x 2 of them as their mean."""
    with np.load(shared / "pneumoniamnist" / "pneumoniamnist.npz") as arrays:
        images, labels = arrays["train_images"], arrays["train_labels"][:, 0]
    rows = _drawn(labels)
    small = images[rows].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).round().astype(np.uint8)
    return _opened(Choices(("label",), "binary", group="none"), train_images=small, train_labels=labels[rows])


def _heartbeats(shared: Path) -> Dataset:
    """Single beats, two samples as their mean."""
    with np.load(shared / "ecg5000_binary" / "ecg5000.npz") as arrays:
        x = np.concatenate([arrays["train_x"], arrays["test_x"]])
        y = np.concatenate([arrays["train_y"], arrays["test_y"]]).astype(np.int64)
    rows = _drawn(y)
    halved = x[rows].reshape(SIGNAL_ROWS, -1, 2).mean(axis=2).astype(np.float32)
    return _opened(Choices(("y",), "binary", group="none"), x=halved, y=y[rows])


def _stays(shared: Path) -> Dataset:
    """Intensive-care stays of two days, as many with as without a death: of a random sample too few would die."""
    folder = shared / "physionet2012_a"
    stays = pl.read_csv(folder / "stays.csv").drop(UNUSED)
    half = SIGNAL_ROWS // 2
    parts = (stays.filter(pl.col(DEATH) == died).sample(half, seed=DRAW) for died in (0, 1))
    some = pl.concat(parts).sort("RecordID")
    measured = pl.read_parquet(folder / "measurements.parquet")
    kept = measured.filter(pl.col("parameter").is_in(MEASURED) & pl.col("RecordID").is_in(some["RecordID"].implode()))
    in_steps = kept.with_columns(pl.col("minute") // STEP_MINUTES * STEP_MINUTES)
    return load(some, Choices(targets=(DEATH,), kind="binary", key="RecordID", sequences=in_steps, group="none"))


# As many learning rates as Rounds proposes for each kind of network.
CONVOLUTIONAL = {"network": "convolutional", "filters": (8, 16, 32), "learning_rate": (6e-3,)}
RECURRENT = {"network": "recurrent", "recurrent": (16,), "learning_rate": (3e-3, 1e-2)}
# As Rounds proposes for images.
USUAL_AUGMENTATION = {"shift": 0.06, "zoom": 0.1, "rotate": 7.0, "brightness": 0.3, "contrast": 0.3}
# What good plans of the reported sets have otherwise, by validation loss on a seed that no run has
# (`python -m benchmarks.ward good`).
LONGER = {"epochs": 60}
AUGMENTED = {**USUAL_AUGMENTATION, "epochs": 120, "learning_rate": (1.5e-2,)}
SIGNAL_TASKS: tuple[WardTask, ...] = (
    WardTask("digit images", "thresholds", _digits, "binary", "image", CONVOLUTIONAL, "images"),
    WardTask("pneumoniamnist", "reported", _pneumonia, "binary", "image", {**CONVOLUTIONAL, **AUGMENTED}, "images"),
    WardTask("physionet2012", "thresholds", _stays, "binary", "recording", RECURRENT, "recordings"),
    WardTask(
        "ecg5000 beats", "reported", _heartbeats, "binary", "recording", {**CONVOLUTIONAL, **LONGER}, "recordings"
    ),
)
