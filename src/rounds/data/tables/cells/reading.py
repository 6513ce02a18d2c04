"""How the cells of one column were read: a record that a run keeps, so that new files are read the same way."""

from dataclasses import dataclass
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

Kind = Literal[
    "number", "boolean", "date", "serial", "clock", "duration", "weeks", "pair", "feet", "titre", "text", "written"
]
Mark = Literal[".", ","]
Side = Literal["below", "above"]
LIMIT_SIDES: tuple[Side, ...] = ("below", "above")


class Reading(BaseModel):
    """How cells become values.

    kind: name of the reader; decimal: the mark before decimals; unit: what the numbers are in; limits: sides on which
    cells give a limit ("<0.5") and get a flag column; day_first: of dates such as 05/07/2020; pivot: years of two
    digits up to it are of this century; day_of_year: 32/2020 is the first of February; folded: levels are in lower
    case, because the file spells them in several ways; same: (level, the one it is read as) of those that are one by
    more than their case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    decimal: Mark = "."
    unit: str = ""
    limits: tuple[Side, ...] = ()
    day_first: bool | None = None
    pivot: int = 68
    day_of_year: bool = False
    folded: bool = False
    same: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CellNote:
    """What is to be said of a column: how many of its cells were not read as they stand, or what only the user knows.

    option: what to type where cells can be read in two ways, "" where nothing is asked; role: what the column is taken
    for because of it, "" where that follows from its values.
    """

    column: str
    text: str
    cells: int = 0
    option: str = ""
    role: Literal["", "date", "dropped"] = ""

    @property
    def sentence(self) -> str:
        """As it is printed.

        >>> CellNote("crp", "3 cells give a limit", 3).sentence
        'crp: 3 cells give a limit.'
        """
        return f"{self.column}: {self.text.rstrip('.')}."


@dataclass(frozen=True)
class FileStyle:
    """How a file writes what a column alone may leave open; None: not known.

    decimal: mark before decimals; day_first: order in dates; separator: between cells, "" where the source is no text.
    """

    decimal: Mark | None = None
    day_first: bool | None = None
    separator: str = ""


@dataclass(frozen=True)
class ReadColumn:
    """values: the column and what was made beside it (flags, the second of two numbers), the first of its own name."""

    values: tuple[pl.Series, ...]
    reading: Reading
    notes: tuple[CellNote, ...] = ()


def flag_name(column: str, side: Side) -> str:
    """The column that says whether a cell gave a limit.

    >>> flag_name("crp", "below")
    'crp below limit'
    """
    return f"{column} {side} limit"
