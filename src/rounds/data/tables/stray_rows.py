"""Rows of a table of text cells that are no patients: a header again, units under the header, words below the table."""

import re
from dataclasses import dataclass, field

import polars as pl

from rounds.data.tables.cells.missing_words import ALWAYS, AMONG_NUMBERS
from rounds.data.tables.cells.units import measured_quantity, unit_name
from rounds.data.tables.layout import SAMPLE_ROWS

LONGEST_UNIT = 24  # letters
MOST_HEADER_ROWS = 2
MOST_FOOTERS = 5
_NUMBER = r"^\s*[<>]?\s*[+-]?[\d.,]*\d[\d.,]*\s*%?\s*$"


@dataclass(frozen=True)
class Cleaned:
    """A table without stray rows; units: of columns, where a row gave them."""

    cells: pl.DataFrame
    units: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def without_stray_rows(cells: pl.DataFrame, header: tuple[str, ...]) -> Cleaned:
    """cells: text columns alone; header: names as the file writes them."""
    texts = [n for n, dtype in cells.schema.items() if dtype == pl.String]
    cells, units, above = _without_units(cells, texts)
    cells, repeated = _without_headers(cells, texts, header)
    cells, below = _without_footers(cells)
    return Cleaned(cells, units, (*above, *repeated, *below))


def _without_headers(
    cells: pl.DataFrame, texts: list[str], header: tuple[str, ...]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    if len(texts) < cells.width or len(header) != cells.width or not any(header):
        return cells, ()
    again = pl.all_horizontal(
        pl.col(c).str.strip_chars().eq_missing(h.strip() or None) for c, h in zip(texts, header, strict=True)
    )
    rows = int(cells.select(again.sum()).item())
    if not rows:
        return cells, ()
    return cells.filter(~again), (f"the header stands {_times(rows)} more within the table: left out",)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _without_units(cells: pl.DataFrame, texts: list[str]) -> tuple[pl.DataFrame, dict[str, str], tuple[str, ...]]:
    """Without rows of units or of descriptions under the header: words above nothing but numbers."""
    units: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    for _ in range(MOST_HEADER_ROWS):
        found = _words_above_numbers(cells.head(SAMPLE_ROWS), texts)
        if not found:
            break
        short = all(len(word) <= LONGEST_UNIT for word in found.values())
        units = ({name: unit_name(word) for name, word in found.items()} if short else {}) | units
        what = "units" if short else "descriptions"
        notes = (*notes, f"a row of {what} under the header is read as such, and is no patient")
        cells = cells.slice(1)
    return cells, units, notes


def _words_above_numbers(cells: pl.DataFrame, texts: list[str]) -> dict[str, str]:
    """Words of the first row above numbers; none where it holds a number itself, or there are no numbers below."""
    if cells.height < 3:
        return {}
    below = cells.slice(1).select((pl.col(n).str.contains(_NUMBER).mean().fill_null(0.0) > 0.5).alias(n) for n in texts)
    numeric = [n for n, share in zip(texts, below.row(0), strict=True) if share]
    row = dict(zip(cells.columns, cells.row(0), strict=True))
    first = {n: (row[n] or "").strip() for n in numeric}
    if any(re.match(_NUMBER, word) for word in first.values()):
        return {}
    words = {n: word for n, word in first.items() if word.lower() not in ALWAYS | AMONG_NUMBERS}
    sure = len(words) > 1 or all(measured_quantity(word) for word in words.values())
    return words if sure and 2 * len(words) > len(numeric) else {}


def _without_footers(cells: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Without words below the table: last rows of which only the first cell is filled, with no number."""
    if cells.width < 3 or cells.dtypes[0] != pl.String:
        return cells, ()
    rest = pl.all_horizontal(pl.all().exclude(cells.columns[0]).is_null())
    tail = cells.tail(MOST_FOOTERS + 1).select(
        (rest & (pl.first().is_null() | pl.first().str.contains(r"\pL{2,}"))).alias("words"),
        pl.first().is_not_null().alias("filled"),
    )
    count = 0
    for is_words in reversed(tail["words"].to_list()):
        if not is_words:
            break
        count += 1
    filled = int(tail["filled"].tail(count).sum()) if count else 0
    if not filled or count > MOST_FOOTERS:
        return cells, ()
    return cells.head(cells.height - count), (f"{filled:,} line{'s' * (filled != 1)} below the table left out",)
