"""The table of readers of a column of text, in the order in which they are tried; each a function and its words."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import polars as pl

from rounds.data.tables.cells import clock_cells, compound_cells, date_cells, number_cells, serial_cells, text_cells
from rounds.data.tables.cells.missing_words import ALWAYS, USUAL, without_words
from rounds.data.tables.cells.number_cells import plain_columns
from rounds.data.tables.cells.reading import CellNote, FileStyle, Kind, ReadColumn, Reading

Recognise = Callable[[pl.Series, FileStyle], ReadColumn | CellNote | None]
ReadAgain = Callable[[pl.Series, Reading], ReadColumn]


@dataclass(frozen=True)
class CellReader:
    """How one kind of column is read.

    recognise: text without words for missing -> the column; None where it is another kind, a note where it may be this
    one and only the user can say; again: the same by the reading of another file; recognises, makes: in words.
    """

    kind: Kind
    recognise: Recognise
    again: ReadAgain
    recognises: str
    makes: str


READERS: tuple[CellReader, ...] = (
    CellReader(
        "date",
        date_cells.recognise_dates,
        date_cells.read_dates_again,
        "2024-12-31, 31/12/2024, 12/31/24 2:38 PM, 05-Jul-2020, Jul 05, 2020, 05JUL2020, 20200705, 2024-12, 0000-00-00",
        "dates, or dates with times",
    ),
    CellReader(
        "pair",
        compound_cells.recognise_pair,
        compound_cells.pair_again,
        "120/80",
        "two columns of numbers",
    ),
    CellReader(
        "number",
        number_cells.recognise_numbers,
        number_cells.read_numbers_again,
        "1234.5, 1,234.5, 1.234,5, $12, 95 %, 120 mmHg, 17 kPa, <0.5, > 89, 90+, 5.6 H",
        "numbers in one unit, and a flag for each side on which cells give a limit",
    ),
    CellReader("feet", compound_cells.recognise_feet, compound_cells.feet_again, "5'11\", 5 ft 11 in", "inches"),
    CellReader("clock", clock_cells.recognise_clock, clock_cells.clock_again, "14:38, 2:38 PM, 00:07:30", "hours"),
    CellReader(
        "duration",
        clock_cells.recognise_duration,
        clock_cells.duration_again,
        "3 days 04:30:00, P3DT4H, 5 years 3 months",
        "days, or years",
    ),
    CellReader("weeks", clock_cells.recognise_weeks, clock_cells.weeks_again, "28+3, 28w3d, 28 3/7", "weeks"),
    CellReader("titre", compound_cells.recognise_titre, compound_cells.titre_again, "1:80", "the dilution"),
    CellReader("boolean", text_cells.recognise_boolean, text_cells.boolean_again, "true, FALSE", "true or false"),
    CellReader("serial", serial_cells.as_serial, serial_cells.serial_again, "44017.5 where said to be dates", "dates"),
    CellReader("written", text_cells.as_written, text_cells.written_again, "codes and names that are said", "texts"),
    CellReader("text", text_cells.recognise_text, text_cells.text_again, "all else", "levels, one spelling each"),
)
_BY_KIND = {reader.kind: reader for reader in READERS}
_SAID: tuple[Kind, ...] = ("serial", "written")  # never recognised: the user says so
_WITHOUT_DIGITS: tuple[Kind, ...] = ("boolean", "text")


def read_column(cells: pl.Series, style: FileStyle, without: Collection[Kind] = ()) -> ReadColumn:
    """A column of text cells as what a person means by it. without: kinds that are not asked.

    >>> made = read_column(pl.Series("crp", ["1.5", "<0.5", "n/a", "2", "3", "4", "7"]), FileStyle())
    >>> made.values[0].to_list(), made.reading.limits
    ([1.5, 0.5, None, 2.0, 3.0, 4.0, 7.0], ('below',))
    """
    text, empty = _without_missing(cells)
    if text.null_count() == len(text):
        return ReadColumn((text,), Reading(kind="text"))
    if plain := plain_columns(text.to_frame()):
        return replace(plain[text.name], notes=(empty,) if empty else ())
    said: list[CellNote] = [empty] if empty else []
    of_digits = text.str.contains(r"\d").any()
    for reader in READERS:
        asked = reader.kind not in (*_SAID, *without) and (of_digits or reader.kind in _WITHOUT_DIGITS)
        made = reader.recognise(text, style) if asked else None
        if isinstance(made, CellNote):  # what only the user can decide stays as it is written
            return ReadColumn((text,), Reading(kind="text"), (*said, made))
        if made is not None:
            return replace(made, notes=(*said, *made.notes))
    raise AssertionError("any text is read as text")


def read_again(cells: pl.Series, reading: Reading) -> ReadColumn:
    """A column of text cells by the reading of another file.

    >>> reading = Reading(kind="number", limits=("below",))
    >>> [made.to_list() for made in read_again(pl.Series("crp", ["<0.5", "high"]), reading).values]
    [[0.5, None], [True, False]]
    """
    text, _ = _without_missing(cells)
    return _BY_KIND[reading.kind].again(text, reading)


def _without_missing(cells: pl.Series) -> tuple[pl.Series, CellNote | None]:
    """Without spaces around cells and words that always mean missing; a note where some are not those that every
    program writes."""
    text = cells.str.strip_chars()
    signs = text.is_in(["+", "++", "+++"]).any()  # "-" beside "+" is a result
    made = without_words(text, ALWAYS - {"-", "--", "---"} if signs else ALWAYS)
    words = text.filter(made.is_null() & text.is_not_null() & ~text.is_in(USUAL))
    if not len(words):
        return made, None
    shown = ", ".join(sorted(words.unique().to_list())[:5])
    return made, CellNote(cells.name, f"{_counted(len(words))} ({shown}) read as missing", len(words))


def _counted(rows: int) -> str:
    return f"{rows:,} cell{'s' * (rows != 1)}"
