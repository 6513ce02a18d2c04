"""The ward's tables of several rows a patient, and of few events.

Halves were fixed before anything was trained: a table made of a set that stands in the ward stays in its half.

Several rows a patient: windows of intensive-care stays as they were measured, and patients of other tables whose
numbers vary from row to row while the outcome is the patient's. Few events: so many patients with the outcome among
RARE_ROWS, as a new unit or a rare disease has them; the harm of a fault is measured on all patients of the same table
who were not drawn, thinned to the same share of events.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.ward.tasks import DRAW, ROWS, TASKS, WardTask, from_file, narrowed, take
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load

WITHIN = 0.5  # spread of a patient's numbers from row to row, in standard deviations between patients
PATIENTS_OF_20 = 150  # of tables of 20 rows a patient: fewer leave no patients to judge
WINDOW_MINUTES = 720  # of intensive-care stays: four windows of the two days
MEASURED = ("HR", "MAP", "Temp", "RespRate", "GCS", "Urine", "BUN", "Creatinine", "WBC", "HCO3", "Lactate", "Platelets")
DEATH = "In-hospital_death"
RARE_ROWS = 600  # patients of a table of few events
_BY_NAME = {task.name: task for task in TASKS}


def _repeated(task: WardTask, each: int) -> Callable[[Path], Dataset]:
    """Patients of this table with so many rows."""

    def read(shared: Path) -> Dataset:
        dataset, random = task.load(shared), np.random.default_rng(DRAW)
        people = min(PATIENTS_OF_20 if each == 20 else ROWS // each, dataset.rows)
        some = np.sort(random.permutation(dataset.rows)[:people])
        made = take(dataset, np.repeat(some, each))
        spread = {c.name: float(dataset.inputs[c.name].std() or 0.0) for c in made.features}  # type: ignore[arg-type]
        varied = [
            made.inputs[n].cast(pl.Float64) + WITHIN * s * pl.Series(random.standard_normal(made.rows))
            for n, s in spread.items()
        ]
        return replace(made, inputs=made.inputs.with_columns(varied), cohort=replace(made.cohort, group="patient"))

    return read


def _stays(shared: Path) -> Dataset:
    """Four rows a stay, as many stays with as without a death; what was not measured in a window is the median."""
    folder = shared / "physionet2012_a"
    stays = pl.read_csv(folder / "stays.csv").select("RecordID", DEATH, "Age")
    half = ROWS // 8
    some = pl.concat([stays.filter(pl.col(DEATH) == died).sample(half, seed=DRAW) for died in (0, 1)])
    windows = pl.DataFrame({"window": range(4)})
    measured = pl.read_parquet(folder / "measurements.parquet").filter(pl.col("parameter").is_in(MEASURED))
    means = (
        measured.with_columns((pl.col("minute") // WINDOW_MINUTES).clip(0, 3).cast(pl.Int64).alias("window"))
        .group_by("RecordID", "window", "parameter")
        .agg(pl.col("value").mean())
        .pivot("parameter", index=("RecordID", "window"), values="value")
    )
    rows = some.join(windows, how="cross").join(means, on=("RecordID", "window"), how="left").sort("RecordID", "window")
    table = rows.drop("window").rename({DEATH: "died"})
    return narrowed(load(table, Choices(("died",), "binary", group="RecordID")))


def rare(name: str, read_all: Callable[[Path], Dataset], events: int, rows: int = RARE_ROWS) -> WardTask:
    """So many patients (`rows`) of a table, so many with the outcome (`events`); harm is measured on all others,
    thinned to the same share."""

    def parts(shared: Path) -> tuple[Dataset, np.ndarray, np.ndarray]:
        dataset, random = read_all(shared), np.random.default_rng([DRAW, events])
        case = dataset.targets[:, 0] > 0.5
        cases, others = (random.permutation(np.flatnonzero(rows)) for rows in (case, ~case))
        without = rows - events
        left = len(others) - without
        kept = cases[events : events + round(left * events / without)]
        return dataset, np.concatenate([cases[:events], others[:without]]), np.concatenate([kept, others[without:]])

    def read(shared: Path) -> Dataset:
        dataset, drawn, _ = parts(shared)
        return take(dataset, np.sort(drawn))

    def read_others(shared: Path) -> Dataset:
        dataset, _, others = parts(shared)
        return take(dataset, np.sort(others))

    half = _BY_NAME[name].half
    return WardTask(f"{name} {events} events", half, read, wing="few events", clean=read_others)


def several(task: WardTask, each: int) -> WardTask:
    """A table of the ward with so many rows a patient."""
    rows = max(ROWS, PATIENTS_OF_20 * each)
    read = _repeated(task, each)
    return WardTask(f"{task.name} {each} rows", task.half, read, task.kind, wing="repeated rows", rows=rows)


_DEATHS = from_file(
    "nhanes_bodyshape/nhanes.parquet",
    Choices(("death",), "binary", group="none", drop=("seqn", "fmhm_other", "followup")),
    lambda table: table.with_columns(pl.col("death") != "alive"),
)
REPEATED_TASKS: tuple[WardTask, ...] = (
    WardTask("physionet2012 4 rows", "thresholds", _stays, wing="repeated rows"),
    several(_BY_NAME["diabetes"], 4),
    several(_BY_NAME["pima"], 20),
    several(_BY_NAME["breast_cancer"], 4),
    several(_BY_NAME["nhanes"], 4),
    several(_BY_NAME["cleveland"], 20),
)
RARE_TASKS: tuple[WardTask, ...] = (
    *(rare("flchain", _BY_NAME["flchain"].read, events) for events in (5, 10, 20)),
    *(rare("ecg5000", _BY_NAME["ecg5000"].read, events) for events in (5, 20)),
    rare("nhanes", _DEATHS, 10),
)
