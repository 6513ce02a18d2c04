"""What the data rules read: a dataset, its split, and a sample of it as plain numbers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from rounds.data.dataset import Column, Dataset, Split
from rounds.data.equal_rows import EqualRows, equal_rows
from rounds.data.preparation.array_scale import marked
from rounds.data.signals import ARRAY_ROW
from rounds.examination.data_rules.association import explained_by_column
from rounds.examination.data_rules.similar_images import brightness_of_places
from rounds.examination.rule import Need

MOST_TOLD = 3  # columns that are named as telling most of the outcome
SAMPLE_ROWS = 4_000  # rows that the statistical rules look at: 3 % of a correlation is seen with these


@dataclass(frozen=True)
class DataEvidence:
    """A dataset and its split, before training."""

    dataset: Dataset
    split: Split

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the table that are judged one by one, in the order of `numbers`; what is made from an image
        could not have been known too late."""
        return tuple(c for c in self.described if not (self.of_images and c.engineered))

    @property
    def described(self) -> tuple[Column, ...]:
        """The columns that tell patients apart, in the order of `descriptions`: engineered features of images too."""
        return self.dataset.features

    @property
    def of_images(self) -> bool:
        return self.dataset.signals.modality == "image"

    @cached_property
    def sample(self) -> np.ndarray:
        """Rows [n] that the statistical rules look at, development and test alike: of as many patients as there is room
        for, one row of each, then a second of each, and so on."""
        rows, patients = self.dataset.rows, self.dataset.cohort.patients
        if rows <= SAMPLE_ROWS:
            return np.arange(rows)
        order = np.random.default_rng(0).permutation(rows)
        order = order[np.argsort(patients[order], kind="stable")]  # patient by patient, rows of each at random
        first = np.searchsorted(patients[order], patients[order])
        rank = np.arange(rows) - first
        someone = np.random.default_rng(1).permutation(int(patients.max()) + 1)[patients[order]]
        return np.sort(order[np.lexsort((someone, rank))[:SAMPLE_ROWS]])

    @cached_property
    def inputs(self) -> pl.DataFrame:
        """Input columns of all rows [N]; an image or recording is one column, a number that only its equals share."""
        return marked(self.dataset.inputs, self.dataset.signals.array, self.dataset.signals.modality)

    @cached_property
    def equal_rows(self) -> EqualRows:
        """Rows of different patients that are equal in every column and outcome."""
        return equal_rows(self.inputs, self.dataset.targets, self.dataset.cohort.patients)

    @cached_property
    def numbers(self) -> np.ndarray:
        """Inputs of the sampled rows [n, F] float64: numbers as they are, levels as codes by frequency; nan missing."""
        return self._numbers_of(self.columns)

    @cached_property
    def explained(self) -> np.ndarray:
        """Share [F] of the outcome that each column alone explains on patients held out."""
        together = self.dataset.task.kind == "multiclass"
        return np.array([explained_by_column(x, self.outcome, self.patients, together) for x in self.numbers.T])

    @property
    def tells_most(self) -> tuple[str, ...]:
        """Names of the columns that explain most of the outcome, each alone, the first first."""
        if not self.columns:
            return ()
        return tuple(self.columns[int(i)].name for i in np.argsort(-self.explained, kind="stable")[:MOST_TOLD])

    @cached_property
    def descriptions(self) -> np.ndarray:
        """The same of everything that tells patients apart."""
        return self._numbers_of(self.described) if self.of_images else self.numbers

    def _numbers_of(self, columns: tuple[Column, ...]) -> np.ndarray:
        frame = self.dataset.inputs[self.sample]
        return np.stack([feature_numbers(frame[c.name]) for c in columns], axis=1)

    @cached_property
    def places(self) -> np.ndarray:
        """Brightness [n, places] of the sampled rows' images, place by place."""
        assert self.dataset.signals.array is not None
        return brightness_of_places(self.dataset.signals.array, self.dataset.inputs[ARRAY_ROW].to_numpy()[self.sample])

    @cached_property
    def outcome(self) -> np.ndarray:
        """Outcomes of the sampled rows [n, T]: numbers, 0/1, or one column a class; at most 8 columns."""
        targets = self.dataset.targets[self.sample]
        if self.dataset.task.kind == "multiclass":
            return (targets == np.arange(len(self.dataset.task.classes))).astype(float)[:, :8]
        return np.asarray(targets[:, :8], float)

    @cached_property
    def patients(self) -> np.ndarray:
        """Patient of each sampled row [n]."""
        return self.dataset.cohort.patients[self.sample]

    @cached_property
    def patient_means(self) -> tuple[np.ndarray, np.ndarray]:
        """(Means [p, F + T] of descriptions and outcomes over the sampled rows of each patient, nan where a patient has
        no value; their codes [p]): what is said of patients is said of these."""
        codes, owner = np.unique(self.patients, return_inverse=True)
        table = np.column_stack([self.descriptions, self.outcome])
        known = ~np.isnan(table)
        means = np.empty((len(codes), table.shape[1]))
        for place, (column, there) in enumerate(zip(table.T, known.T, strict=True)):
            count = np.bincount(owner[there], minlength=len(codes))
            total = np.bincount(owner[there], column[there], len(codes))
            means[:, place] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return means, codes

    @property
    def unused(self) -> pl.DataFrame:
        """Columns of the table that no network reads: dates and what was dropped."""
        return self.dataset.provenance.unused


COLUMNS = Need[DataEvidence]("columns of a table, and the networks read arrays alone", lambda e: bool(e.columns))
DESCRIPTIONS = Need[DataEvidence]("columns that tell patients apart, and there are none", lambda e: bool(e.described))


def feature_numbers(column: pl.Series) -> np.ndarray:
    """A feature column [n] float64: levels become codes, the most frequent 0; missing becomes nan.

    >>> feature_numbers(pl.Series(["b", "a", "b", None]))
    array([ 0.,  1.,  0., nan])
    """
    if column.dtype != pl.String:
        return column.cast(pl.Float64).to_numpy().astype(float)
    counts = column.drop_nulls().value_counts(sort=True)
    codes = {level: float(i) for i, level in enumerate(counts.to_series(0).to_list())}
    return np.array([codes.get(level, np.nan) for level in column.to_list()])
