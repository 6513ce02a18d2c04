"""From a table to what a network reads: learned from training rows, saved with the model, applied to new tables."""

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Self

import numpy as np
import polars as pl
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rounds.data.dataset import FEATURE_ROLES, Column, Inputs
from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.data.preparation.array_scale import ArrayScale, array_rows
from rounds.data.preparation.encoding import Encoding, NumberEncoding, fit_encoding
from rounds.data.preparation.note import InputNote
from rounds.data.recordings.timeline import Timeline
from rounds.errors import DataError, nearest
from rounds.input_shape import InputShape

# Rows encoded at a time: temporaries stay in the cache and far below the size of the table.
BLOCK_ROWS = 32_768


@dataclass(frozen=True)
class InputNames:
    """One name for each number, flag and code of a prepared table, in order."""

    numbers: tuple[str, ...]
    flags: tuple[str, ...]
    codes: tuple[str, ...]


class Preparation(BaseModel):
    """What training rows taught about every feature column.

    >>> ages = pl.DataFrame({"age": [40.0, 50.0, 60.0, None]})
    >>> preparation = Preparation.fit((Column(name="age", role="numeric"),), ages, np.arange(3))
    >>> preparation.apply(ages).numbers.ravel().round(2)
    array([-0.95,  0.  ,  0.95,  0.  ], dtype=float32)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encodings: tuple[Encoding, ...]
    rows: int
    array: ArrayScale | None = Field(default=None, validation_alias=AliasChoices("array", "grid"))
    timeline: Timeline | None = None

    @classmethod
    def fit(
        cls,
        columns: tuple[Column, ...],
        inputs: pl.DataFrame,
        rows: np.ndarray,
        scale: bool = True,
        array: ArrayScale | None = None,
        patients: np.ndarray | None = None,
    ) -> Self:
        """From rows [M] int64 of the table. columns that are no features are passed over; array: of what stands
        beside the table; patients: [N] of the table's rows (None: every row is another).

        scale: numbers centred, scaled and clipped; without, they stay as they are (missing = 0).
        Raises DataError where there are no training rows or no features.
        """
        features = [c for c in columns if c.role in FEATURE_ROLES]
        if not len(rows) or not (features or array):
            raise DataError(
                "Training table", "one with rows and features", name="rows", got=len(rows), advice="Check the roles"
            )
        index = pl.Series(rows, dtype=pl.UInt32)
        owners = None if patients is None else patients[rows]
        fitted = tuple(fit_encoding(c, inputs.get_column(c.name).gather(index), scale, owners) for c in features)
        return cls(encodings=fitted, rows=len(rows), array=array)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns a table must have."""
        return tuple(e.column for e in self.encodings)

    @property
    def shape(self) -> InputShape:
        levels = tuple(n for e in self.encodings for n in e.levels)
        made = [e for e in self.encodings if isinstance(e, NumberEncoding) and e.engineered]
        hand = (len(made), sum(len(e.flags) for e in made))
        array = self.array.shape if self.array else ()
        return InputShape(len(self.names.numbers), len(self.names.flags), levels, array, hand)

    @property
    def names(self) -> InputNames:
        """The original column of each number, flag and code."""
        return InputNames(
            numbers=tuple(e.column for e in self.encodings for _ in e.numbers),
            flags=tuple(e.column for e in self.encodings for _ in e.flags),
            codes=tuple(e.column for e in self.encodings for _ in e.levels),
        )

    @property
    def labels(self) -> InputNames:
        """What each number, flag and code says, such as "sex = F" or "bmi is missing"."""
        flags = tuple(label for e in self.encodings for label in e.flags)
        return InputNames(self.names.numbers, flags, self.names.codes)

    def apply(self, inputs: pl.DataFrame, array: ArrayInput | None = None) -> Inputs:
        """Any table with these columns, in any order, beside any others -> arrays of `shape`.

        array: [M, *space, channels], whose rows the table names by its column ARRAY_ROW (without one, row by row).
        A column that the table does not have counts as missing in every row (`check` says so).
        Raises DataError where it has none of them, or an array is wanted and there is none of its shape.
        """
        self._refuse_other_table(inputs)
        numbers, flags, levels = self.shape.numbers, self.shape.flags, len(self.shape.levels)
        made = Inputs(*(np.empty((inputs.height, w), t) for w, t in ((numbers, "f4"), (flags, "f4"), (levels, "i4"))))
        for start in range(0, inputs.height, BLOCK_ROWS):
            self._fill(made, inputs.slice(start, BLOCK_ROWS), start)
        return replace(made, array=array_rows(inputs, array, self.array))

    def _fill(self, made: Inputs, block: pl.DataFrame, start: int) -> None:
        rows, columns = slice(start, start + block.height), dict(zip(block.columns, block, strict=True))
        absent = pl.Series([None] * block.height, dtype=pl.Null)
        number = flag = code = 0
        for encoding in self.encodings:
            part = encoding.encode(columns.get(encoding.column, absent))
            made.numbers[rows, number : (number := number + part.numbers.shape[1])] = part.numbers
            made.flags[rows, flag : (flag := flag + part.flags.shape[1])] = part.flags
            made.codes[rows, code : (code := code + part.codes.shape[1])] = part.codes

    def check(self, inputs: pl.DataFrame) -> tuple[InputNote, ...]:
        """What stands out in a new table beside the training rows, column by column, as counts.

        Raises DataError where the table has none of the columns.
        """
        self._refuse_other_table(inputs)
        columns = dict(zip(inputs.columns, inputs, strict=True))
        notes: list[InputNote] = []
        for encoding in self.encodings:
            if encoding.column in columns:
                notes += encoding.notes(columns[encoding.column])
            else:
                notes.append(InputNote(column=encoding.column, kind="absent", rows=inputs.height))
        return tuple(notes)

    def _refuse_other_table(self, inputs: pl.DataFrame) -> None:
        if self.columns and not set(self.columns) & set(inputs.columns):
            first = self.columns[0]
            hint = nearest(first, inputs.columns)
            wanted = f"one with the columns the model was trained on ({', '.join(self.columns[:20])})"
            raise DataError(
                "Table", wanted, name="columns", got=inputs.columns[:20], advice=f"Rename its columns. {hint}"
            )


def common_shape(shapes: list[InputShape]) -> InputShape:
    """The narrowest shape that all of them can be padded to, so that several fits share one compiled program.

    >>> common_shape([InputShape(3, 2, (20,)), InputShape(3, 4, (18, 30))])
    InputShape(numbers=3, flags=4, levels=(20, 30), array=(), hand=(0, 0))
    """
    levels = tuple(max(column) for column in zip_longest(*(s.levels for s in shapes), fillvalue=1))
    return InputShape(
        max(s.numbers for s in shapes), max(s.flags for s in shapes), levels, shapes[0].array, shapes[0].hand
    )


def pad(inputs: Inputs, shape: InputShape) -> Inputs:
    """Zero columns appended up to `shape`, or the last ones left out; the same arrays where nothing is to be done.

    >>> pad(Inputs(np.ones((1, 1)), np.ones((1, 0)), np.ones((1, 0))), InputShape(2, 0)).numbers
    array([[1., 0.]])
    """
    return Inputs(
        numbers=_widen(inputs.numbers, shape.numbers),
        flags=_widen(inputs.flags, shape.flags),
        codes=_widen(inputs.codes, len(shape.levels)),
        array=inputs.array if shape.array else None,
    )


def _widen(columns: np.ndarray, width: int) -> np.ndarray:
    missing = width - columns.shape[1]
    if missing < 0:
        return np.ascontiguousarray(columns[:, :width])
    return columns if missing == 0 else np.pad(columns, ((0, 0), (0, missing)))
