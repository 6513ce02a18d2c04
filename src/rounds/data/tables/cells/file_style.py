"""What the columns of a file tell together of how it writes decimals and dates."""

from dataclasses import replace

import polars as pl

from rounds.data.tables.cells.date_cells import SPELLINGS, day_first
from rounds.data.tables.cells.decimal_marks import file_mark, votes
from rounds.data.tables.cells.number_cells import parse
from rounds.data.tables.cells.reading import FileStyle, Mark

SAMPLE_ROWS = 2_000


def file_style(frame: pl.DataFrame, said: FileStyle, points: bool = False) -> FileStyle:
    """What the user said of the file, and what its columns tell where nothing was said.

    frame: columns that are not plain numbers; points: whether there are plain ones with a decimal point.

    >>> table = pl.DataFrame({"bmi": ["27,5"], "seen": ["28/04/2020"]})
    >>> file_style(table, FileStyle(separator=";"))
    FileStyle(decimal=',', day_first=True, separator=';')
    """
    texts = [values for values in frame if values.dtype == pl.String]
    plain: list[set[Mark]] = [{"."}] if points else []
    decimal = said.decimal or file_mark([*map(_mark_votes, texts), *plain])
    first = said.day_first if said.day_first is not None else _order(texts)
    return replace(said, decimal=decimal, day_first=first)


def _mark_votes(text: pl.Series) -> set[Mark]:
    sample = text.head(SAMPLE_ROWS).str.strip_chars()
    marked = sample.filter(sample.str.contains(r"\d[.,]\d"))
    if len(marked) < sample.len() * MARKED_SHARE or not len(marked):
        return set()
    digits = parse(marked).parts["digits"].drop_nulls()
    return votes(digits) if len(digits) else set()


MARKED_SHARE = 0.02  # of the cells: fewer numbers with a mark tell nothing of the file


def _order(texts: list[pl.Series]) -> bool | None:
    dated = [text for text in texts if text.head(SAMPLE_ROWS).str.contains(SPELLINGS["two orders"]).any()]
    said = {order for text in dated if isinstance(order := day_first(text), bool)}
    return said.pop() if len(said) == 1 else None
