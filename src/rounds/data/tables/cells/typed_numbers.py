"""Columns that came as whole numbers and are dates: 20240131."""

import polars as pl

from rounds.data.tables.cells.date_cells import SPELLINGS
from rounds.data.tables.cells.reading import CellNote, ReadColumn, Reading

_FIRST, _LAST = 19_000_101, 20_991_231


def dates_in_eight_digits(values: pl.Series) -> ReadColumn | None:
    """Dates where every number is one, written as year, month and day; None otherwise.

    >>> dates_in_eight_digits(pl.Series("seen", [20240131, 20231205])).values[0].to_list()[0]
    datetime.date(2024, 1, 31)
    """
    if not values.dtype.is_integer() or values.min() is None:
        return None
    if values.min() < _FIRST or values.max() > _LAST:  # type: ignore[operator]
        return None
    text = values.cast(pl.String)
    dates = text.str.to_date("%Y%m%d", strict=False)
    if not text.str.contains(SPELLINGS["eight digits"]).all() or dates.null_count() > values.null_count():
        return None
    rows = len(dates.drop_nulls())
    note = CellNote(values.name, f"{rows:,} whole numbers of eight digits read as dates", rows)
    return ReadColumn((dates,), Reading(kind="date"), (note,))
