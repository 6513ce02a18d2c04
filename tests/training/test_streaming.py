"""Images that stay on disk: what is read of them, and that training on them gives the same bits."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import polars as pl
import pytest

from rounds.data.dataset import Cohort, Dataset, Split
from rounds.data.preparation import array_on_disk as array_on_disk
from rounds.data.preparation.array_on_disk import ArrayOnDisk, blocks, joined, stored
from rounds.data.signals import ARRAY_ROW, Signals
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.batches import streaming
from rounds.training.batches.streaming import StreamedData
from rounds.training.compiled import epoch
from rounds.training.machine.estimate import held_megabytes
from rounds.training.population.build import Population, Trained, make_population, train_population
from rounds.training.population.fold_data import make_folds_data

ROWS, SIDE = 90, 8


def mapped(folder: Path, array: np.ndarray, name: str = "pixels.npy") -> np.memmap:
    np.save(folder / name, array)
    return np.load(folder / name, mmap_mode="r")


def pixels(rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (rows, SIDE, SIDE, 1)).astype(np.uint8)


def test_a_stored_grid_is_the_array_it_stands_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_on_disk, "HELD_BYTES", 0)
    whole = pixels()
    one, other = stored(mapped(tmp_path, whole[:50])), stored(mapped(tmp_path, whole[50:], "more.npy"))
    assert isinstance(one, ArrayOnDisk)
    both = joined(one, other)
    places = np.array([70, 3, 3, 89, -1, 49, 50])
    np.testing.assert_array_equal(both[places], whole[places])
    np.testing.assert_array_equal(both[7], whole[7])
    np.testing.assert_array_equal(both[10:60], whole[10:60])
    np.testing.assert_array_equal(np.asarray(both.take(places)), whole[places])
    np.testing.assert_array_equal(both.take(places)[:2], whole[places[:2]])
    np.testing.assert_array_equal(np.asarray(joined(both.take(places), whole[:2])), whole[[*places, 0, 1]])
    np.testing.assert_array_equal(np.concatenate(list(blocks(both, 1000, 640))), whole)
    assert max(map(len, blocks(both, 1000, 640))) == 10
    assert (both.shape, both.dtype, both.ndim, both.nbytes, len(both)) == (
        whole.shape,
        whole.dtype,
        4,
        whole.nbytes,
        ROWS,
    )


def test_small_grids_are_held(tmp_path: Path) -> None:
    assert isinstance(stored(mapped(tmp_path, pixels())), np.memmap)


def population(array: Any, plan: Plan, kind: str = "binary") -> Population:
    random = np.random.default_rng(1)
    rows = np.arange(ROWS)
    dataset = Dataset(
        "tiny",
        Task(kind=kind, targets=("y",), classes=("0", "1") if kind == "binary" else ()),
        pl.DataFrame({ARRAY_ROW: rows}),
        (),
        random.integers(0, 2, (ROWS, 1)).astype(np.float32),
        cohort=Cohort(rows),
        signals=Signals(array=array, modality="image"),
    )
    folds = tuple(np.array_split(np.arange(80), 2))
    split = Split("held-out", np.arange(80), np.arange(80, ROWS), folds)
    return make_population([plan], dataset.task, make_folds_data(dataset, split), workers=1)


def trained(made: Population) -> Trained:
    *_, last = train_population(made)
    assert isinstance(last, Trained)
    return last


PLANS = {
    "everything at once": Plan(
        network="convolutional",
        filters=(4,),
        block_depth=1,
        hidden=(),
        normalization="batch",
        epochs=2,
        batch_size=8,
        learning_rate=(1e-3, 1e-2),
        ema=0.9,
        shift=0.1,
        mixup=0.2,
        metrics=(),
        schedule="cosine",
    ),
    "own batches": Plan(
        network="convolutional",
        filters=(4,),
        block_depth=1,
        hidden=(),
        epochs=2,
        batch_size=8,
        shared_batches=False,
        learning_rate=(1e-3, 1e-2),
        keep_best="none",
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_streaming_changes_no_bit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves, measures and weights are those of a training that holds all images."""
    held = trained(population(pixels(), PLANS[name]))
    monkeypatch.setattr(array_on_disk, "HELD_BYTES", 0)
    monkeypatch.setattr(streaming, "PART_BYTES", 4 * 8 * SIDE * SIDE)  # four minibatches, or two of two orders
    array = stored(mapped(tmp_path, pixels()))
    made = population(array, PLANS[name])
    assert all(isinstance(work.data, StreamedData) for work in made.works)
    streamed = trained(made)
    for one, other in zip(held.results, streamed.results, strict=True):
        for mine, theirs in zip(jax.tree.leaves(one.records), jax.tree.leaves(other.records), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        for (_, mine), (_, theirs) in zip(one.measures, other.measures, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        snapshots = ((one.best, one.best_snapshots), (other.best, other.best_snapshots))
        assert bool(one.best_snapshots) == (PLANS[name].keep_best == "none")
        for mine, theirs in zip(*map(jax.tree.leaves, snapshots), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_a_part_of_the_images_is_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_on_disk, "HELD_BYTES", 0)
    monkeypatch.setattr(streaming, "PART_BYTES", 2 * 8 * SIDE * SIDE)
    monkeypatch.setattr(epoch, "VALIDATION_VALUES", 16 * SIDE * SIDE)
    read: list[int] = []
    was = ArrayOnDisk._read
    monkeypatch.setattr(ArrayOnDisk, "_read", lambda self, rows: read.append(len(rows)) or was(self, rows))
    made = population(stored(mapped(tmp_path, pixels())), PLANS["own batches"])
    read.clear()  # the scale of the channels is learned from a sample
    trained(made)
    assert max(read) == 4 * 16  # of four orders: 8 rows a minibatch, 16 to be judged
    assert held_megabytes(made) < 1


def test_a_batch_of_all_rows_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_on_disk, "HELD_BYTES", 0)
    array = stored(mapped(tmp_path, pixels()))
    made = population(array, PLANS["own batches"].change(batch_size="all"))
    assert not any(isinstance(work.data, StreamedData) for work in made.works)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_folder() -> None:
    """From files to report: 500 MB of images more, and less than half of that in memory (what is read at a time)."""
    from benchmarks.image_memory import measure

    said = measure(images=1100, few=60, side=512, image_size=512, network="linear")
    more = said["all_resized"] - said["few_resized"]
    assert more > 500e6
    assert said["all_memory"] - said["few_memory"] < 0.5 * more
