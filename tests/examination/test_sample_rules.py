"""Who is in the table, and on which side: shifts, rare outcomes, outcomes that contradict themselves."""

from dataclasses import replace

import numpy as np
import pytest

from rounds.data.dataset import Dataset, Split
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.finding import NotApplicable
from rounds.task import Task
from tests.examination.tables import ROWS, halves, said, seen, table

RANDOM = np.random.default_rng(5)


def sorted_split(kind: str = "held-out") -> Split:
    """The oldest patients are the test part, and folds go by age."""
    order = np.argsort(table().inputs["x0"].to_numpy())
    return Split(kind, order[: ROWS * 4 // 5], order[ROWS * 4 // 5 :], tuple(np.array_split(order[:800], 5)))  # type: ignore[arg-type]


def test_shifted_test() -> None:
    found = seen("shifted-test", table(), sorted_split())
    assert found.severity == "warning"
    assert found.evidence["column"] == "x0"
    assert seen("shifted-test", table(), sorted_split("given")).severity == "note"
    assert said("shifted-test", table()) is None
    nowhere = replace(halves(table()), test=np.array([], np.int64))
    assert isinstance(said("shifted-test", table(), nowhere), NotApplicable)


def test_shifted_validation() -> None:
    found = seen("shifted-validation", table(), sorted_split())
    assert found.evidence["auroc"] > 0.9
    assert said("shifted-validation", table()) is None
    assert isinstance(said("shifted-validation", table(), replace(halves(table()), folds=())), NotApplicable)


def test_validation_that_no_single_column_tells_apart() -> None:
    """A fold of the patients whose second and third number have the same sign: each alone says nothing."""
    dataset = table()
    alike = dataset.inputs["x2"].to_numpy() * dataset.inputs["x3"].to_numpy() > 0
    split = Split("held-out", np.arange(ROWS), np.array([], np.int64), (np.flatnonzero(alike), np.flatnonzero(~alike)))
    assert seen("shifted-validation", dataset, split).evidence["auroc"] > 0.8


def test_features_by_hand_tell_other_images_apart() -> None:
    honest = table()
    engineered = tuple(c.model_copy(update={"engineered": True}) for c in honest.columns)
    images = replace(honest, columns=engineered, signals=replace(honest.signals, modality="image"))
    assert seen("shifted-test", images, sorted_split()).evidence["column"] == "x0"
    assert seen("shifted-validation", images, sorted_split()).evidence["auroc"] > 0.9
    assert said("shifted-test", images) is None
    assert not DataEvidence(images, halves(images)).columns, "and leak rules do not judge them"


def test_a_tenth_is_no_imbalance() -> None:
    tenth, rare, few = (RANDOM.permutation(ROWS) < n for n in (100, 30, 10))
    assert said("class-imbalance", table(kind="binary", outcome=tenth)) is None
    assert seen("class-imbalance", table(kind="binary", outcome=rare)).severity == "note"
    found = seen("class-imbalance", table(kind="binary", outcome=few))
    assert found.severity == "warning"
    assert found.evidence["accuracy_of_a_constant"] == 0.99
    assert isinstance(said("class-imbalance", table()), NotApplicable)


def test_equal_rows_with_different_outcomes() -> None:
    honest = table(kind="binary")
    twice = np.r_[np.arange(ROWS), np.arange(50)]
    targets = honest.targets[twice]
    targets[ROWS:] = 1 - targets[ROWS:]
    torn = replace(
        honest,
        inputs=honest.inputs[twice],
        targets=targets,
        cohort=replace(honest.cohort, patients=np.arange(len(twice))),
    )
    assert seen("label-noise", torn, halves(honest)).evidence["rows"] == 100
    assert isinstance(said("label-noise", table()), NotApplicable)


def test_flipped_outcomes() -> None:
    random = np.random.default_rng(0)
    honest = table(2000, kind="binary")
    clear = honest.inputs["x0"].to_numpy() - honest.inputs["x1"].to_numpy() > 0
    flipped = clear ^ (random.random(2000) < 0.15)
    assert seen("label-noise", table(2000, kind="binary", outcome=flipped)).severity == "warning"
    assert said("label-noise", table(2000, kind="binary", outcome=clear)) is None
    assert said("label-noise", honest) is None


def test_flipped_classes() -> None:
    random = np.random.default_rng(0)
    honest = table(1500)
    clear = np.digitize(honest.inputs["x0"].to_numpy(), (-0.5, 0.5))
    flipped = np.where(random.random(1500) < 0.3, (clear + random.integers(1, 3, 1500)) % 3, clear)
    blurred = np.digitize(honest.inputs["x0"].to_numpy() + 2 * random.standard_normal(1500), (-1.0, 1.0))
    task = Task(kind="multiclass", targets=("stage",), classes=("1", "2", "3"))

    def of(stage: np.ndarray) -> Dataset:
        return replace(honest, task=task, targets=stage[:, None].astype(np.float32))

    found = seen("label-noise", of(flipped))
    assert found.evidence["other_class"] == pytest.approx(0.3, abs=0.1)
    assert said("label-noise", of(clear)) is None
    assert said("label-noise", of(blurred)) is None, "hard to tell is not the same as wrong"
