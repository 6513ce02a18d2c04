"""Where the table begins in a text file, what parts its cells, and what its columns are called."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from rounds.data.tables.delimited_faults import unreadable_error
from rounds.data.tables.raw_text import RawText

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|", ".txt": "\t", ".data": ",", ".dat": ","}
CANDIDATES = (",", ";", "\t", "|")
WHITESPACE = " "  # any number of spaces or tabs
SAMPLE_ROWS = 500
CONSISTENT = 0.9  # share of rows of one width from which a separator is believed
MOST_TITLES = 5  # lines above a table that have commas and one text
FEWEST_ROWS = 5  # below, a first row of words may be a patient or names
_NUMBER = re.compile(r"^[<>~]?\s*[+-]?(\d+([.,]\d*)*|[.,]\d+)([eE][+-]?\d+)?\s*%?$")
_DATE = re.compile(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_COMMENTS = ("#", "!", "%", "//")  # of lines above a table, GEO's and Weka's too
_MISSING = ("", "?", "na", "nan", "null", "n/a", ".", "-")
Row = list[str]


@dataclass(frozen=True)
class Layout:
    """separator: between cells (WHITESPACE: any number of spaces); names: of the columns as written, without a name
    ""; skip: lines before the first row of values; notes: what is to be said of it."""

    separator: str
    names: tuple[str, ...]
    skip: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Split:
    """Sampled rows, each with the line on which it ends, cut by one separator."""

    separator: str
    rows: list[Row]
    ends: list[int]
    width: int
    header: int  # place of the first row of the table
    consistency: float

    def rank(self, usual: str) -> tuple[bool, bool, bool, int, bool, int]:
        """What makes a separator likelier than another."""
        named = bool(self.rows) and len(self.rows[self.header]) == self.width
        believed = self.consistency >= CONSISTENT
        return (self.width > 1, named, believed, -self.header, self.separator == usual, self.width)


def find_layout(text: RawText, suffix: str) -> Layout:
    """The layout of a text file. suffix: of its name; raises DataError where it is no delimited text."""
    usual = SEPARATORS.get(suffix, ",")
    with text.lines() as file:
        lines = list(islice(file, SAMPLE_ROWS))
    start, comments, said = _above(lines)
    wanted = (said,) if said else (*CANDIDATES, *((WHITESPACE,) if suffix not in (".csv", ".tsv") else ()))
    try:
        splits = [_split(lines[start:], separator, start) for separator in wanted]
    except csv.Error as error:
        raise unreadable_error(text.name, str(error)) from None
    best = max(splits, key=lambda split: split.rank(said or usual))
    return _with_names(best, comments, start)


def _above(lines: Sequence[str]) -> tuple[int, list[str], str]:
    """(lines before the table, comments among them, separator that a line sep=; gives)."""
    comments, said = [], ""
    for place, line in enumerate(lines):
        plain = line.strip().strip('"')
        if match := re.fullmatch(r"sep=(.|\\t)", plain, re.IGNORECASE):
            said = "\t" if match[1] == "\\t" else match[1]
        elif plain.startswith(_COMMENTS) and _more_below(lines[place + 1 :]):
            comments.append(plain.lstrip("#!% "))
        elif plain:
            return place, comments, said
    return len(lines), comments, said


def _more_below(lines: Sequence[str]) -> bool:
    return any(line.strip() for line in lines)


def _split(lines: Sequence[str], separator: str, start: int) -> _Split:
    if separator == WHITESPACE:
        rows, ends = [line.split() for line in lines], list(range(start + 1, start + len(lines) + 1))
        ends, rows = [e for e, r in zip(ends, rows, strict=True) if r], [r for r in rows if r]
    else:
        reader = csv.reader(lines, delimiter=separator)
        rows, ends = [], []
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                ends.append(start + reader.line_num)
    widths = [len(row) for row in rows]
    counted = Counter(widths[-max(len(widths) // 2, 1) :] if len(widths) > FEWEST_ROWS else widths)
    width = max(counted, key=lambda w: (counted[w], w), default=0)
    header = _header_place(rows, width)
    body = widths[header:]
    return _Split(separator, rows, ends, width, header, body.count(width) / max(len(body), 1))


def _header_place(rows: Sequence[Row], width: int) -> int:
    """The first row of the table: titles above it have fewer cells, or one that is filled."""
    for place, row in enumerate(rows[:-1]):
        filled = sum(bool(cell.strip()) for cell in row)
        title = width > 2 and filled == 1 and row[0].strip() and _filled(rows[place + 1 :]) > 1
        if len(row) in (width, width - 1) and not (title or (width > 2 and filled == 1 and len(row) < width)):
            return place
        if width > 2 and len(row) > width and filled == len(row):
            return place  # a header that is wider than the rows is a fault, not a title
    return 0


def _filled(rows: Sequence[Row]) -> int:
    """Cells of the fullest of the next rows."""
    return max((sum(bool(cell.strip()) for cell in row) for row in rows[:MOST_TITLES]), default=0)


def _with_names(split: _Split, comments: list[str], start: int) -> Layout:
    rows, place = split.rows, split.header
    if not rows:
        return Layout(split.separator, (), start)
    before = split.ends[place - 1] if place else start
    if names := _commented_names(split, comments):
        return Layout(split.separator, names, before)
    above = [f"{_counted(place + len(comments), 'line')} above the table left out"] if place + len(comments) else []
    header, body, skip = _without_mark(rows[place]), rows[place + 1 :], split.ends[place]
    if holds_values(rows[place], body):
        said = "the first row holds values and no names: columns are called column_1, column_2, ... by their place"
        return Layout(split.separator, ("",) * split.width, before, (*above, said))
    if len(header) == split.width - 1 and all(len(row) == split.width for row in body[:FEWEST_ROWS]):
        if all(not row[-1].strip() for row in body):
            return Layout(split.separator, (*header, ""), skip, tuple(above))
        said = "rows have one cell more than the header: the first is taken for a name of the row"
        return Layout(split.separator, ("", *header), skip, (*above, said))
    return Layout(split.separator, tuple(header), skip, tuple(above))


def _commented_names(split: _Split, comments: list[str]) -> tuple[str, ...]:
    """Names that stand in a comment right above the values; none where the table has a header of its own."""
    if not comments or split.header or split.separator == WHITESPACE or not any(map(_is_value, split.rows[0])):
        return ()
    names = next(csv.reader([comments[-1]], delimiter=split.separator), [])
    fits = len(names) == split.width > 1 and not any(map(_is_value, names))
    return tuple(name.strip() for name in names) if fits else ()


def _without_mark(header: Row) -> Row:
    return [header[0].lstrip("#").strip() if header[0].strip("# ") else header[0], *header[1:]]


def holds_values(first: Row, below: Sequence[Row]) -> bool:
    """Whether a first row is one of values, such as those below it, and not one of names.

    >>> holds_values(["6", "148", "50"], [["1", "85", "31"]] * 5), holds_values(["2019", "2020"], [["1", "2"]] * 5)
    (True, False)
    """
    cells = [cell.strip() for cell in first]
    if _counts_up(cells) or not any(cells) or not below:
        return False
    numbers = [_is_value(cell) for cell in cells]
    if not any(numbers) and len(below) < FEWEST_ROWS:
        return False
    columns = [{row[i].strip() for row in below if i < len(row)} for i in range(len(cells))]
    return all(_like(cell, column) for cell, column in zip(cells, columns, strict=True))


def _like(cell: str, below: set[str]) -> bool:
    """Whether a cell may stand above those: a number above numbers, a text that is there again."""
    if cell.lower() in _MISSING:
        return True
    values = sum(map(_is_value, below))
    if _is_value(cell):
        return values > 0 and all(_is_value(c) or c.lower() in _MISSING or not c[:1].isalpha() for c in below)
    return cell in below and 2 * values <= len(below)


def _is_value(cell: str) -> bool:
    return bool(_NUMBER.match(cell.strip()) or _DATE.match(cell.strip()))


def _counts_up(cells: Row) -> bool:
    """Names that are numbers in a row, as programs give them, or years."""
    if not all(cell.isdecimal() for cell in cells if cell) or len(cells) < 2:
        return False
    numbers = [int(cell) for cell in cells if cell]
    return len(numbers) > 1 and all(b - a == 1 for a, b in pairwise(numbers))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
