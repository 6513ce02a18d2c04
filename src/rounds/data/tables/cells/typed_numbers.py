"""Columns that came as whole numbers and are dates: 20240131, or 202401311430."""

import polars as pl

from rounds.data.tables.cells.date_cells import SPELLINGS, read_dates_again
from rounds.data.tables.cells.reading import ReadColumn, Reading

_FIRST, _LAST = 19_000_101, 20_991_231_235_959


def dates_in_digits(values: pl.Series) -> ReadColumn | None:
    """Dates where every number is one, written as year, month, day and perhaps a time; None otherwise.

    >>> dates_in_digits(pl.Series("seen", [20240131, 20231205])).values[0].to_list()[0]
    datetime.date(2024, 1, 31)
    """
    if not values.dtype.is_integer() or values.min() is None:
        return None
    if values.min() < _FIRST or values.max() > _LAST:  # type: ignore[operator]
        return None
    text = values.cast(pl.String)
    if not text.drop_nulls().str.contains(SPELLINGS["eight digits"]).all():
        return None
    made = read_dates_again(text, Reading(kind="date"))
    return made if made.values[0].null_count() == values.null_count() else None
