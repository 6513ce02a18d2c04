"""The ward's patients: ten real tables, few rows and columns of each so that a population trains in half a second.

All tables have the same shape, so that one compiled program trains them all: the WIDTH columns that follow the outcome
most, every one read as a number (levels as codes by frequency), gaps filled with the median.

The division is fixed: thresholds may be set while looking at runs of one half, and rates are reported on the other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from rounds.data.choices import Choices
from rounds.data.dataset import FEATURE_ROLES, Column, Dataset
from rounds.data.loading import load
from rounds.data.signals import Modality
from rounds.data.sources.builtin import load_builtin
from rounds.examination.data_rules.association import rank_correlations
from rounds.examination.data_rules.evidence import feature_numbers
from rounds.task import Kind

Half = Literal["thresholds", "reported"]
WingName = Literal["tables", "images", "recordings", "repeated rows", "few events"]
ROWS = 1_000  # of each table, patients drawn once: fewer leave no room for test rows, more cost time
WIDTH = 8  # columns: as many as the narrowest table has
DRAW = 20_261  # of those rows

# diabetes130: what is known when the patient comes in.
_AT_ADMISSION = (
    "patient_nbr",
    "race",
    "gender",
    "age",
    "admission_type_id",
    "admission_source_id",
    "medical_specialty",
    "number_outpatient",
    "number_emergency",
    "number_inpatient",
    "diag_1",
    "time_in_hospital",
)


@dataclass(frozen=True)
class WardTask:
    """One set of patients. read: the folder of shared data -> all of them; kind: of its task; wing: what is planted
    (`wings.py`); network: choices of plan that all its runs share; rows: most that are drawn; clean: patients on whom
    the harm of a fault is measured, where a fifth of those drawn would be too few."""

    name: str
    half: Half
    read: Callable[[Path], Dataset]
    kind: Kind = "binary"
    modality: Modality = "table"
    network: dict[str, Any] = field(default_factory=dict)
    wing: WingName = "tables"
    rows: int = ROWS
    clean: Callable[[Path], Dataset] | None = None

    def load(self, shared: Path) -> Dataset:
        """Patients ready to be split."""
        return _drawn(self.read(shared), self.rows)


def take(dataset: Dataset, rows: np.ndarray) -> Dataset:
    """The dataset with these rows alone, in this order (a row may come twice)."""
    unused = dataset.provenance.unused
    return replace(
        dataset,
        inputs=dataset.inputs[rows],
        targets=dataset.targets[rows],
        provenance=replace(dataset.provenance, unused=unused[rows] if unused.width else unused),
        cohort=replace(
            dataset.cohort,
            patients=np.unique(dataset.cohort.patients[rows], return_inverse=True)[1].astype(np.int64),
            identifiers=dataset.cohort.identifiers[rows]
            if dataset.cohort.identifiers.width
            else dataset.cohort.identifiers,
        ),
    )


def _drawn(dataset: Dataset, rows: int) -> Dataset:
    """At most so many rows (whole patients, drawn once)."""
    if dataset.rows <= rows:
        return dataset
    order = np.random.default_rng(DRAW).permutation(int(dataset.cohort.patients.max()) + 1)
    return take(dataset, np.sort(np.argsort(order[dataset.cohort.patients], kind="stable")[:rows]))


def narrowed(dataset: Dataset) -> Dataset:
    """WIDTH columns of it, as numbers without gaps."""
    outcome = dataset.targets.astype(float)
    if dataset.task.kind == "multiclass":
        outcome = (dataset.targets == np.arange(dataset.task.outputs)).astype(float)
    numbers = np.stack([feature_numbers(dataset.inputs[c.name]) for c in dataset.features], axis=1)
    numbers = np.where(np.isnan(numbers), np.nanmedian(numbers, axis=0), numbers)
    best = np.sort(np.argsort(-rank_correlations(numbers, outcome), kind="stable")[:WIDTH])
    kept = [dataset.features[i] for i in best]
    columns = tuple(Column(name=c.name, role="numeric", unit=c.unit) for c in kept)
    others = tuple(c for c in dataset.columns if c.role not in FEATURE_ROLES)
    inputs = pl.DataFrame({c.name: numbers[:, i] for c, i in zip(kept, best, strict=True)})
    return replace(dataset, inputs=inputs, columns=(*others, *columns))


# Transfers make two rows of one stay, which is a fault of the table, and rightly found.
_WHOLE_STAYS = Choices(where="NOT transferred_in AND NOT transferred_out")


def _builtin(name: str) -> Callable[[Path], Dataset]:
    return lambda shared: narrowed(load(name))


def from_file(path: str, choices: Choices, prepare: Callable[[pl.DataFrame], pl.DataFrame] = lambda table: table):  # type: ignore[no-untyped-def]
    def read(shared: Path) -> Dataset:
        file = shared / path
        wanted = {"infer_schema_length": None, "null_values": ["", "NA", "?"]}
        table = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, **wanted)  # type: ignore[arg-type]
        return narrowed(load(prepare(table), choices))

    return read


def _heartbeats(shared: Path) -> Dataset:
    with np.load(shared / "ecg5000_binary" / "ecg5000.npz") as arrays:
        x = np.concatenate([arrays["train_x"], arrays["test_x"]])
        y = np.concatenate([arrays["train_y"], arrays["test_y"]])
    table = pl.DataFrame({f"t{i}": x[:, i] for i in range(x.shape[1])} | {"abnormal": y.astype(int)})
    return narrowed(load(table, Choices(targets=("abnormal",), kind="binary", group="none")))


def _categories(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "categorical")


def _five_digits() -> pl.DataFrame:
    """Digits 0 to 4: trees of ten classes would take most of the ward's time."""
    table = load_builtin("digits").table
    return table.filter(pl.col("digit").cast(pl.Int64) < 5)


def _with_disease(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns((pl.col("num") > 0).cast(pl.Int8))


TASKS: tuple[WardTask, ...] = (
    WardTask("diabetes", "thresholds", _builtin("diabetes"), "regression"),
    WardTask("breast_cancer", "reported", _builtin("breast_cancer")),
    WardTask("admissions", "thresholds", lambda shared: narrowed(load("admissions:2000", _WHOLE_STAYS)), "regression"),
    WardTask(
        "cleveland",
        "reported",
        from_file(
            "heart_cleveland/heart_cleveland.csv",
            Choices(("num",), "binary", group="none", as_roles=_categories("cp", "restecg", "slope", "thal")),
            _with_disease,
        ),
    ),
    WardTask(
        "pima",
        "thresholds",
        from_file(
            "pima_diabetes/pima_diabetes.csv",
            Choices(("outcome",), "binary", group="none"),
        ),
    ),
    WardTask(
        "nhanes",
        "reported",
        from_file(
            "nhanes_bodyshape/nhanes.parquet",
            Choices(("bps",), "regression", group="none", drop=("seqn", "bpd", "fmhm_other", "death", "followup")),
            lambda table: table.drop_nulls("bps"),
        ),
        "regression",
    ),
    WardTask(
        "flchain",
        "thresholds",
        from_file(
            "flchain/flchain.csv",
            Choices(("death",), "binary", group="none", drop=("futime", "chapter")),
        ),
    ),
    WardTask("ecg5000", "reported", _heartbeats),
    WardTask(
        "digits",
        "thresholds",
        lambda shared: narrowed(
            load(
                _five_digits(),
                Choices(
                    ("digit",),
                    "multiclass",
                    group="none",
                    as_roles={"*": "numeric"},
                ),
            )
        ),
        "multiclass",
    ),
    WardTask(
        "diabetes130",
        "reported",
        from_file(
            "diabetes130/diabetic_data.parquet",
            Choices(
                ("time_in_hospital",),
                "regression",
                group="patient_nbr",
                as_roles=_categories("admission_type_id", "admission_source_id"),
            ),
            lambda table: table.select(_AT_ADMISSION),
        ),
        "regression",
    ),
)
