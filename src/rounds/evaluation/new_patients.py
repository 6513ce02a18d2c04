"""A table of new patients with outcomes, read as training read its own."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl

from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.data.signals import ARRAY_ROW
from rounds.errors import DataError
from rounds.evaluation.outcomes import labels_of, read_outcomes
from rounds.prediction.predictor import Predictor
from rounds.prediction.table import New, new_inputs
from rounds.run_folder.dataset import DatasetFile


@dataclass(frozen=True)
class NewPatients:
    """Rows of the new table whose outcomes are known.

    table: as it stands there; inputs: feature columns as read for prediction; targets [N, T]; patients [N] one code
    a row; array: images or recordings, which inputs point into; named: the patient column, where there is one;
    left_out: rows without outcome.
    """

    table: pl.DataFrame
    inputs: pl.DataFrame
    targets: np.ndarray
    patients: np.ndarray
    named: pl.Series | None
    left_out: int
    array: ArrayInput | None = None

    def only(self, rows: np.ndarray) -> Self:
        """Some of the patients; rows: [N] bool."""
        kept = pl.Series(rows)
        named = None if self.named is None else self.named.filter(kept)
        return replace(
            self,
            table=self.table.filter(kept),
            inputs=self.inputs.filter(kept),
            targets=self.targets[rows],
            patients=self.patients[rows],
            named=named,
        )


def read_patients(new: New, predictor: Predictor, described: DatasetFile) -> NewPatients:
    """Inputs, outcomes and patients of new rows, for those whose outcomes are known; described: dataset.json.

    Raises DataError where there is no outcome, or the rows are of one patient.
    """
    table = new.table
    read = new_inputs(table, predictor, described.references)
    inputs = read.select(name for name in (*predictor.preparation.columns, ARRAY_ROW) if name in read.columns)
    predictor.preparation.check(read)
    outcomes = read_outcomes(table, predictor.task, predictor.columns)
    named = _named(table, described.group)
    kept = pl.Series(outcomes.known)
    named = None if named is None else named.filter(kept)
    patients = _codes(named, len(outcomes.targets))
    if len(np.unique(patients)) < 2:
        advice = "A score needs several patients: check the table and its patient column"
        raise DataError("Patients", "at least 2 with an outcome", name="patients", got=1, advice=advice)
    left_out = int((~outcomes.known).sum())
    return NewPatients(table.filter(kept), inputs.filter(kept), outcomes.targets, patients, named, left_out, new.array)


def _named(table: pl.DataFrame, group: str | None) -> pl.Series | None:
    """The patient column of training as text, where the new table has it."""
    if group is None or group not in table.columns:
        return None
    values = table[group]
    if values.null_count():
        shown = f"missing in {values.null_count():,} rows"
        advice = f'Fill them in, or leave those rows out with --where "{group} IS NOT NULL"'
        raise DataError("Group", "known in every row", name=group, got=shown, advice=advice)
    return labels_of(values)


def _codes(named: pl.Series | None, rows: int) -> np.ndarray:
    if named is None:
        return np.arange(rows, dtype=np.int64)
    return named.rank("dense").cast(pl.Int64).to_numpy() - 1
