"""The faults planted into tables of several rows a patient and of few events, and the diagnoses that count.

Those of tables that make sense there, of the same names and diagnoses, and one of its own. All of it was written down
before any of these tables was trained on. What is true of every table with few events (that they are few, and that
validation folds have next to none) is neither an alarm nor a name there: `FEW`.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from benchmarks.ward.faults import FAULTS, Fault
from benchmarks.ward.ground import Ground, with_patients
from benchmarks.ward.table_faults import as_strangers
from benchmarks.ward.tasks import take
from rounds.data.dataset import Column, Dataset

FEW = ("class-imbalance", "validation-too-small", "misleading-metric")
MOST_ROWS = (2, 1_000)  # of a patient, that are dealt over the split


def rows_over_the_split(ground: Ground, severity: int, random: np.random.Generator) -> Ground:
    """Rows split as if each were another patient, with the patient's number in a column that the split does not use.
    Mild: two rows a patient."""

    def change(dataset: Dataset) -> Dataset:
        place = np.empty(dataset.rows, np.int64)  # of a row among those of its patient, in random order
        order = np.lexsort((random.random(dataset.rows), dataset.cohort.patients))
        first = np.searchsorted(dataset.cohort.patients[order], dataset.cohort.patients[order])
        place[order] = np.arange(dataset.rows) - first
        some = take(dataset, np.flatnonzero(place < MOST_ROWS[severity]))
        number = pl.DataFrame({"patient_id": [f"P{patient:05d}" for patient in some.cohort.patients]})
        column = Column(name="patient_id", role="identifier")
        others = tuple(c for c in some.columns if c.role != "identifier")
        cohort = replace(as_strangers(some).cohort, identifiers=number)
        return replace(some, columns=(column, *others), cohort=cohort)

    return with_patients(ground, change)


def _as_tables(*names: str) -> tuple[Fault, ...]:
    """Faults of tables that are planted here as they are there."""
    return tuple(next(fault for fault in FAULTS if fault.name == name) for name in names)


_OF_PLANS = _as_tables(
    "learning rate too high",
    "learning rate too low",
    "constant initial weights",
    "large initial weights",
    "dead units by bias",
    "deep sigmoids",
    "inputs not scaled",
    "too few epochs",
    "network too small",
    "dropout too high",
    "l2 too strong",
    "decayed too early",
    "frozen layers",
)
REPEATED_FAULTS: tuple[Fault, ...] = (
    *_OF_PLANS,
    *_as_tables(
        "output and loss do not fit",
        "rows sorted, not shuffled",
        "batch too large",
        "too many epochs, last one kept",
        "wrong labels",
        "a column gives the outcome away",
        "validation of other patients",
        "test of other patients",
        "tiny validation",
        "rare outcome chosen by accuracy",
    ),
    Fault(
        "rows of a patient over the split",
        ("patient-leak", "duplicate-rows"),
        table=rows_over_the_split,
        harm="optimism",
    ),
)
RARE_FAULTS: tuple[Fault, ...] = (
    *_OF_PLANS,
    *_as_tables(
        "copied rows over the split",
        "patients over the split",
        "a column gives the outcome away",
        "validation of other patients",
        "test of other patients",
    ),
)
