"""How one column of the file becomes a number, flags or a code; learned from training rows, one record a column."""

from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rounds.data.dataset import Column, Inputs
from rounds.data.disclosure import shared_levels, shared_limits
from rounds.data.preparation.note import InputNote, NoteKind
from rounds.data.tables.values import as_booleans, as_levels, as_numbers, empty_rows
from rounds.foreign_files import JsonObject

# Levels up to which a categorical column becomes one flag a level. With more it becomes a code for an embedding,
# which by then is several times narrower than its one-hot flags (rounds.networks.description.embedding_width).
ONE_HOT_LEVELS = 16
# Scaled numbers stay within +-3: x / sqrt(1 + (x / 3)^2) (Holzmueller et al. 2024, RealMLP, arXiv:2407.04491).
CLIP = 3.0


class NumberEncoding(BaseModel):
    """(x - centre) / spread, smoothly clipped; missing = 0, with a flag where training had missing values.

    low, high: range of the training patients, as `shared_limits` tells it; outside: share of training rows beyond.
    Without `scaled`, x itself. engineered: made from a recording; flagged: whether it has a flag, where that does not
    hang on the training rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["number"] = "number"
    column: str
    missing_share: float
    scaled: bool
    centre: float
    spread: float
    low: float | None
    high: float | None
    outside: float = 0.0
    engineered: bool = Field(default=False, validation_alias=AliasChoices("engineered", "by_hand"))
    flagged: bool | None = None

    @classmethod
    def fit(
        cls, column: Column, values: pl.Series, scaled: bool, patients: np.ndarray | None = None
    ) -> "NumberEncoding":
        """From the training rows' values: median, and interquartile range (standard deviation, 1, where that is 0).
        patients: [N] of the rows (None: every row is another)."""
        x = as_numbers(values)
        known = ~np.isnan(x)
        x, owners = x[known], np.flatnonzero(known) if patients is None else patients[known]
        share = 1.0 - len(x) / max(1, len(values))
        about: JsonObject = {"column": column.name, "missing_share": share, "scaled": scaled}
        about |= {"engineered": column.engineered, "flagged": column.missing_share > 0 if column.engineered else None}
        if not len(x):
            return cls(**about, centre=0, spread=1, low=None, high=None)
        quarter, centre, three_quarters = np.quantile(x, (0.25, 0.5, 0.75)).tolist()
        spread = (three_quarters - quarter) or float(x.std()) or 1.0
        low, high = shared_limits(x, owners) or (None, None)
        beyond = 0 if low is None or high is None else np.count_nonzero((x < low) | (x > high))
        return cls(**about, centre=centre, spread=spread, low=low, high=high, outside=beyond / len(values))

    @property
    def numbers(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def flags(self) -> tuple[str, ...]:
        flagged = self.missing_share > 0 if self.flagged is None else self.flagged
        return (f"{self.column} is missing",) if flagged else ()

    @property
    def levels(self) -> tuple[int, ...]:
        return ()

    def encode(self, values: pl.Series) -> Inputs:
        """[N] values as read -> one number, and a flag where training had missing values."""
        x = as_numbers(values)
        missing = np.isnan(x)
        if self.scaled:
            x = (x - self.centre) / self.spread
            x = x * (CLIP / np.hypot(CLIP, x))  # the same as x / sqrt(1 + (x / 3)^2), without overflow
        numbers = np.where(missing, 0.0, x).astype(np.float32)[:, None]
        return _inputs(numbers=numbers, flags=missing[:, None] if self.flags else None, rows=len(values))

    def notes(self, values: pl.Series) -> list[InputNote]:
        x = as_numbers(values)
        missing, empty = int(np.isnan(x).sum()), empty_rows(values)
        found = [_note(self.column, "unreadable", missing - empty)]
        if not self.flags:
            found.append(_note(self.column, "newly-missing", empty, stand_in="the median" if self.scaled else "0"))
        if self.low is not None and self.high is not None:
            with np.errstate(invalid="ignore"):
                beyond = int(((x < self.low) | (x > self.high)).sum())
            usual = self.outside * len(values)
            if beyond > usual + 2 * np.sqrt(usual):  # two standard deviations of a count
                found.append(_note(self.column, "out-of-range", beyond, low=self.low, high=self.high))
        return [note for note in found if note.rows]


class FlagEncoding(BaseModel):
    """A boolean as one flag; missing = 0, with a flag of its own where training had missing values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["flag"] = "flag"
    column: str
    missing_share: float

    @classmethod
    def fit(cls, column: str, values: pl.Series) -> "FlagEncoding":
        missing = as_booleans(values).null_count()
        return cls(column=column, missing_share=missing / max(1, len(values)))

    @property
    def numbers(self) -> tuple[str, ...]:
        return ()

    @property
    def flags(self) -> tuple[str, ...]:
        return (self.column, f"{self.column} is missing") if self.missing_share > 0 else (self.column,)

    @property
    def levels(self) -> tuple[int, ...]:
        return ()

    def encode(self, values: pl.Series) -> Inputs:
        booleans = as_booleans(values)
        flags = [booleans.fill_null(False).to_numpy(), booleans.is_null().to_numpy()][: len(self.flags)]
        return _inputs(flags=np.stack(flags, axis=1), rows=len(values))

    def notes(self, values: pl.Series) -> list[InputNote]:
        missing, empty = as_booleans(values).null_count(), empty_rows(values)
        found = [_note(self.column, "unreadable", missing - empty)]
        if len(self.flags) == 1:
            found.append(_note(self.column, "newly-missing", empty, stand_in="false"))
        return [note for note in found if note.rows]


class LevelEncoding(BaseModel):
    """A categorical column as one flag a level (`one_hot`) or as one code; missing is a level where training had it.

    kept: levels that at least ten training patients have, most frequent first. Code 0, or the flag `other`, stands
    for every other level: rare ones are not stored, so that a model file does not carry one patient's diagnosis.
    other_share: share of training rows with such a level.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["levels"] = "levels"
    column: str
    missing_share: float
    kept: tuple[str, ...]
    other_share: float
    one_hot: bool

    @classmethod
    def fit(cls, column: str, values: pl.Series, patients: np.ndarray | None = None) -> "LevelEncoding":
        text = as_levels(values)
        kept = shared_levels(text, patients)
        rows, missing, known = max(1, len(text)), text.null_count(), int(text.is_in(kept).sum())
        return cls(
            column=column,
            missing_share=missing / rows,
            kept=tuple(kept),
            other_share=(len(text) - missing - known) / rows,
            one_hot=len(kept) <= ONE_HOT_LEVELS,
        )

    @property
    def numbers(self) -> tuple[str, ...]:
        return ()

    @property
    def flags(self) -> tuple[str, ...]:
        return tuple(f"{self.column} = {name}" for name in self._names) if self.one_hot else ()

    @property
    def levels(self) -> tuple[int, ...]:
        return () if self.one_hot else (1 + len(self._names),)

    @property
    def _names(self) -> tuple[str, ...]:
        """What the flags, or the codes from 1 on, stand for: missing first, other (a flag only) last."""
        missing = ("missing",) if self.missing_share > 0 else ()
        other = ("other",) if self.one_hot and self.other_share > 0 else ()
        return (*missing, *self.kept, *other)

    def encode(self, values: pl.Series) -> Inputs:
        """[N] levels -> codes, or the flags that they stand for; a row may have no flag (a level never seen)."""
        codes = self._codes(values)
        if not self.one_hot:
            return _inputs(codes=codes[:, None], rows=len(values))
        places = np.arange(1, len(self._names) + 1, dtype=np.int32)
        if self.other_share > 0:
            present = as_levels(values).is_not_null().to_numpy()
            codes = np.where((codes == 0) & present, len(self._names), codes)
        return _inputs(flags=codes[:, None] == places, rows=len(values))

    def _codes(self, values: pl.Series) -> np.ndarray:
        """[N] int32: 1 for missing where training had it, then the kept levels; 0 for all else."""
        first = 2 if self.missing_share > 0 else 1
        text = as_levels(values)
        places = range(first, first + len(self.kept))
        codes = text.replace_strict(list(self.kept), list(places), default=0, return_dtype=pl.Int32)
        codes = pl.select(pl.when(text.is_null()).then(first - 1).otherwise(codes)).to_series()
        return codes.cast(pl.Int32).to_numpy()

    def notes(self, values: pl.Series) -> list[InputNote]:
        text = as_levels(values)
        known = text.is_in(list(self.kept)).fill_null(True)
        strange = text.filter(~known)
        found = [_note(self.column, "unseen-level", len(strange), distinct=strange.n_unique())]
        if self.missing_share == 0:
            found.append(_note(self.column, "newly-missing", text.null_count(), stand_in="no known level"))
        return [note for note in found if note.rows]


Encoding = Annotated[NumberEncoding | FlagEncoding | LevelEncoding, Field(discriminator="kind")]


def fit_encoding(
    column: Column, values: pl.Series, scale: bool = True, patients: np.ndarray | None = None
) -> NumberEncoding | FlagEncoding | LevelEncoding:
    """The encoding of one feature column from its training rows; patients: [N] (None: every row is another).

    >>> ages = pl.Series("age", [40.0, None, 60.0])
    >>> fit_encoding(Column(name="age", role="numeric"), ages).flags
    ('age is missing',)
    """
    if column.role == "numeric":
        return NumberEncoding.fit(column, values, scale, patients)
    if column.role == "boolean":
        return FlagEncoding.fit(column.name, values)
    return LevelEncoding.fit(column.name, values, patients)


def _inputs(
    rows: int, numbers: np.ndarray | None = None, flags: np.ndarray | None = None, codes: np.ndarray | None = None
) -> Inputs:
    """One column's share of the inputs; what it does not have is zero columns wide."""
    return Inputs(
        numbers=np.zeros((rows, 0), np.float32) if numbers is None else numbers,
        flags=np.zeros((rows, 0), np.float32) if flags is None else flags.astype(np.float32),
        codes=np.zeros((rows, 0), np.int32) if codes is None else codes,
    )


def _note(column: str, kind: NoteKind, rows: int, **details: Any) -> InputNote:
    return InputNote(column=column, kind=kind, rows=rows, **details)
