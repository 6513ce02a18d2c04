"""What can be wrong with a table of patients or with its split: each a function Ground -> Ground.

severity: 0 mild, 1 severe; random: of this fault, task and seed. Clean test rows stay as they are, except that a
column which the fault adds is made up there from nothing, as it would be for new patients.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl

from benchmarks.ward.ground import Ground, with_patients
from benchmarks.ward.tasks import take
from rounds.data.dataset import Column, Dataset, Split
from rounds.data.splitting import TEST_SHARE

Random = np.random.Generator
WRONG = (0.15, 0.35)  # share of labels that are wrong
COPIED = (0.1, 0.3)  # share of rows that stand in the table twice
STAYS = (2, 4)  # rows of each patient
JITTER = (0.05, 0.02)  # of a patient's numbers from row to row, in standard deviations
LEAK_NOISE = (0.1, 0.01)  # of the leaked column, in standard deviations of the outcome
LEAK_ERRORS = (0.005, 0.0)  # share of rows in which a leaked class is another one
UNITS = (1.0, 1_000.0)  # factor of all numbers: a column in grams instead of kilograms
DISORDER = (0.5, 0.0)  # noise on the rank by which rows are sorted, or patients drawn, in ranks
FEW_HELD = (10, 4)  # patients in a validation fold
RARE = (0.05, 0.025)  # share of the rarer outcome that is left


def in_small_units(ground: Ground, severity: int, random: Random) -> Ground:
    if severity == 0:
        return ground
    return replace(ground, dataset=_scaled(ground.dataset, UNITS[1]), clean=_scaled(ground.clean, UNITS[1]))


def _scaled(dataset: Dataset, factor: float) -> Dataset:
    numbers = [c.name for c in dataset.features if c.role == "numeric"]
    return replace(dataset, inputs=dataset.inputs.with_columns(pl.col(numbers).cast(pl.Float64) * factor))


def sorted_by_outcome(ground: Ground, severity: int, random: Random) -> Ground:
    place = _disordered(ground.dataset.targets[:, 0].astype(float), severity, random)
    return with_patients(ground, lambda dataset: take(dataset, np.argsort(place, kind="stable")))


def _disordered(values: np.ndarray, severity: int, random: Random) -> np.ndarray:
    """Rank of each value [N] in 0 to 1, with noise where mild."""
    rank = np.argsort(np.argsort(values, kind="stable")) / len(values)
    return rank + DISORDER[severity] * random.standard_normal(len(values)) / 2


def wrong_labels(ground: Ground, severity: int, random: Random) -> Ground:
    """Outcomes of some rows replaced by another class, or by another patient's number."""

    def change(dataset: Dataset) -> Dataset:
        rows = random.choice(dataset.rows, round(WRONG[severity] * dataset.rows), replace=False)
        targets = dataset.targets.copy()
        kind = dataset.task.kind
        if kind == "regression":
            targets[rows] = targets[random.permutation(rows)]
        else:
            classes = max(dataset.task.outputs, 2)
            shift = random.integers(1, classes, size=(len(rows), 1)).astype(targets.dtype)
            targets[rows] = (targets[rows] + shift) % classes
        return replace(dataset, targets=targets)

    return with_patients(ground, change)


def copied_rows(ground: Ground, severity: int, random: Random) -> Ground:
    """Rows that stand twice, each counted as a patient of its own, in a table that its user divided at random."""

    def change(dataset: Dataset) -> Dataset:
        copies = random.choice(dataset.rows, round(COPIED[severity] * dataset.rows), replace=False)
        made = as_strangers(take(dataset, random.permutation(np.concatenate([np.arange(dataset.rows), copies]))))
        return replace(made, cohort=replace(made.cohort, given_test=random.random(made.rows) < TEST_SHARE))

    return with_patients(ground, change)


def as_strangers(dataset: Dataset) -> Dataset:
    patients = np.arange(dataset.rows, dtype=np.int64)
    return replace(dataset, cohort=replace(dataset.cohort, patients=patients, group=None))


def repeated_patients(ground: Ground, severity: int, random: Random) -> Ground:
    """Several stays a patient, nearly alike, with the patient's number in a column that the split does not use."""

    def change(dataset: Dataset) -> Dataset:
        some = random.choice(dataset.rows, dataset.rows // STAYS[severity], replace=False)
        rows = random.permutation(np.repeat(some, STAYS[severity]))
        made = as_strangers(take(dataset, rows))
        numbers = [c.name for c in made.features if c.role == "numeric"]
        noisy = [
            made.inputs[n].cast(pl.Float64) + JITTER[severity] * (made.inputs[n].std() or 0.0) * _noise(made, random)  # type: ignore[operator]
            for n in numbers
        ]
        number = pl.DataFrame({"patient_id": [f"P{row:05d}" for row in rows]})
        column = Column(name="patient_id", role="identifier")
        return replace(
            made,
            inputs=made.inputs.with_columns(noisy),
            columns=(column, *made.columns),
            cohort=replace(made.cohort, identifiers=number),
        )

    return with_patients(ground, change)


def _noise(dataset: Dataset, random: Random) -> pl.Series:
    return pl.Series(random.standard_normal(dataset.rows))


def leaked_column(ground: Ground, severity: int, random: Random) -> Ground:
    """A column made from the outcome (a discharge code, a cost) in the place of another one, so that widths stay. New
    patients have one that says nothing."""
    (name,) = _complete_numbers(ground.dataset)[-1:]
    told = _told(ground.dataset, severity, random)
    empty = random.permutation(_told(ground.clean, severity, random))
    return replace(
        ground, dataset=_with_values(ground.dataset, {name: told}), clean=_with_values(ground.clean, {name: empty})
    )


def _complete_numbers(dataset: Dataset) -> list[str]:
    """Numbers that no row lacks, the least varied first."""
    names = [c.name for c in dataset.features if c.role == "numeric" and not dataset.inputs[c.name].null_count()]
    return sorted(names, key=lambda name: dataset.inputs[name].n_unique())


def _told(dataset: Dataset, severity: int, random: Random) -> np.ndarray:
    outcome = dataset.targets[:, 0].astype(float)
    if dataset.task.kind == "regression":
        return outcome + LEAK_NOISE[severity] * outcome.std() * random.standard_normal(len(outcome))
    wrong = random.random(len(outcome)) < LEAK_ERRORS[severity]
    return np.where(wrong, random.permutation(outcome), outcome)


def _with_values(dataset: Dataset, values: dict[str, np.ndarray]) -> Dataset:
    return replace(dataset, inputs=dataset.inputs.with_columns(pl.Series(n, v) for n, v in values.items()))


def leaked_pair(ground: Ground, severity: int, random: Random) -> Ground:
    """Two columns whose difference is the outcome: day of discharge and day of admission."""
    first, second = _complete_numbers(ground.dataset)[-2:]

    def change(dataset: Dataset, values: np.ndarray) -> Dataset:
        begin = 5 * dataset.targets.std() * random.random(dataset.rows)
        return _with_values(dataset, {first: begin, second: begin + values})

    mine, others = _told(ground.dataset, severity, random), _told(ground.clean, severity, random)
    return replace(ground, dataset=change(ground.dataset, mine), clean=change(ground.clean, random.permutation(others)))


def shifted_validation(ground: Ground, severity: int, random: Random) -> Ground:
    """Validation folds that are the patients of the low, middle and high thirds of a column, roughly or exactly."""
    patients = np.unique(ground.dataset.cohort.patients[ground.split.development])
    place = _disordered(_usual(ground.dataset)[patients], severity, random)
    order = patients[np.argsort(place, kind="stable")]
    folds = tuple(_rows_of(ground.dataset, part) for part in np.array_split(order, len(ground.split.folds)))
    return replace(ground, split=replace(ground.split, folds=folds))


def shifted_test(ground: Ground, severity: int, random: Random) -> Ground:
    """Patients that judge are those with the highest values of a column, roughly or exactly."""
    order = np.argsort(_disordered(_usual(ground.dataset), severity, random), kind="stable")
    count = len(np.unique(ground.dataset.cohort.patients[ground.split.test]))
    return _redivided(ground, np.sort(order[:-count]), np.sort(order[-count:]), random)


def _redivided(ground: Ground, development: np.ndarray, test: np.ndarray, random: Random) -> Ground:
    """These patients learn and those judge; no patient is on two sides."""
    parts = np.array_split(random.permutation(development), len(ground.split.folds))
    mine, others, *folds = (_rows_of(ground.dataset, patients) for patients in (development, test, *parts))
    kind: Literal["held-out"] = "held-out"
    return replace(ground, split=Split(kind, mine, others, tuple(folds), how=ground.split.how))


def _rows_of(dataset: Dataset, patients: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.isin(dataset.cohort.patients, patients))


def _usual(dataset: Dataset) -> np.ndarray:
    """Each patient's mean [patients] of the most varied number."""
    return np.bincount(dataset.cohort.patients, _most_varied(dataset)) / np.bincount(dataset.cohort.patients)


def _most_varied(dataset: Dataset) -> np.ndarray:
    """The number with the most different values, missing ones as the median."""
    numbers = [c.name for c in dataset.features if c.role == "numeric"]
    name = max(numbers, key=lambda n: dataset.inputs[n].n_unique())
    values = dataset.inputs[name].cast(pl.Float64)
    return values.fill_null(values.median() or 0.0).to_numpy()


def tiny_validation(ground: Ground, severity: int, random: Random) -> Ground:
    """Folds of a handful of patients; all others are learned from."""
    some = random.permutation(np.unique(ground.dataset.cohort.patients[ground.split.development]))
    size = FEW_HELD[severity]
    parts = (some[i * size : (i + 1) * size] for i in range(len(ground.split.folds)))
    folds = tuple(_rows_of(ground.dataset, part) for part in parts)
    return replace(ground, split=replace(ground.split, folds=folds))


def rare_outcome(ground: Ground, severity: int, random: Random) -> Ground:
    """A yes/no outcome of which few cases are left."""

    def change(dataset: Dataset) -> Dataset:
        cases = np.flatnonzero(dataset.targets[:, 0] > 0.5)
        others = np.setdiff1d(np.arange(dataset.rows), cases)
        left = min(len(cases), max(round(RARE[severity] * len(others)), 6))
        return take(dataset, np.sort(np.concatenate([others, random.choice(cases, left, replace=False)])))

    return with_patients(ground, change)
