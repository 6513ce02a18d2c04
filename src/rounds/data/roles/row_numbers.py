"""Columns that number the rows of a table: what a spreadsheet or a data frame wrote beside the data."""

import re

import polars as pl

# Names that programs and people give to row numbers; a column without a name is called column_N when it is read.
_ROW_NAME = re.compile(
    r"^(|unnamed: ?\d+(_level_\d+)?|index|level_0|column_1|x|x\.?\d|_c0|#|nr\.?|no\.?|rn|obs|"
    r"(s|sr|sl|ser|serial|row|line|lfd|obs|case|record|rec|zeile|laufende|ligne|fila|riga|linha|rij|orden|ordre)"
    r"[ ._-]*(no|nr|num|number|nummer|id|index|name|names)?\.?|rownames?|n[°º]|num(ero|éro)?|nummer)$",
    re.IGNORECASE,
)
HELD_BACK = 0.5  # share of a range of row numbers that is there, at least, where rows were left out


def numbers_rows(name: str, known: pl.Series) -> bool:
    """Whether whole numbers, a different one in every row, number the rows, in whatever order these now stand.

    They do where they are all the numbers from 0 or 1 on; under a name such as `Unnamed: 0` wherever they begin, and
    also where some are missing.

    >>> numbers_rows("age", pl.Series([3, 1, 2, 4])), numbers_rows("S.No", pl.Series([9, 2, 5, 6]))
    (True, True)
    >>> numbers_rows("sodium", pl.Series([139, 131, 145, 136]))
    False
    """
    low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
    share = len(known) / (high - low + 1)
    return (share == 1 and low in (0, 1)) or (share >= HELD_BACK and bool(_ROW_NAME.match(name.strip())))
