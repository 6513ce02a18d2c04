"""Logs that are tables of text: CSVLogger of Keras and Lightning, Ultralytics, pandas, exports of other tools."""

import csv
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from rounds.examination.logs.columns import SPLIT_WORDS
from rounds.examination.logs.table import LogTable, Row, cell_number

TENSORBOARD = {"Wall time", "Step", "Value"}
_RUN_AND_METRIC = re.compile(r"^(.+?) - (.+)$")
_RULER = "-=+|: \t"  # marks of which a line under a head is made
_DASHES = re.compile(r"-+(\s+-+)+")  # a ruler with a gap between columns, as spaCy prints it among other lines
LONG = ("epoch", "split", "metric", "value")


def is_delimited(text: str) -> bool:
    """Whether a head of two or more names stands above rows of as many cells, most of them numbers or empty."""
    lines = _lines(text)[:8]
    if len(lines) < 2:
        return False
    head, *rows = csv.reader(lines, delimiter=delimiter(lines[0]))
    if len(head) < 2 or sum(cell_number(cell) is not None for cell in head) > len(head) / 2:
        return False
    cells = [cell for row in rows if len(row) == len(head) for cell in row]
    known = [cell for cell in cells if not cell.strip() or cell_number(cell) is not None]
    return len(known) > len(cells) / 2


def delimiter(head: str) -> str:
    """The mark that stands most often in the head.

    >>> delimiter("epoch;loss;val_loss"), delimiter("epoch loss val_loss")
    (';', ' ')
    """
    return max(",;\t| ", key=lambda mark: (head.count(mark) > 0 and mark != " ", head.count(mark)))


def _lines(text: str) -> list[str]:
    """Lines that are neither empty, remarks nor rulers; of a table in columns of spaces, a tab between cells."""
    lines = [line for line in _ruled(text) if line.strip(_RULER) and not line.lstrip().startswith("#")]
    if not lines or delimiter(lines[0]) != " ":
        return lines
    wide = [re.split(r"\s{2,}", line.strip()) for line in lines]  # a name may hold a single space
    alike = len({len(cells) for cells in wide[:8]}) == 1 and len(wide[0]) > 1
    return ["\t".join(cells if alike else line.split()) for cells, line in zip(wide, lines, strict=True)]


def _ruled(text: str) -> list[str]:
    """Where a ruler with gaps stands among the lines, the head above it and the rows below that fill its columns."""
    lines = text.splitlines()
    place = next((i for i, line in enumerate(lines) if i and _DASHES.fullmatch(line.strip())), None)
    if place is None:
        return lines
    columns = [found.span() for found in re.finditer(r"-+", lines[place])]
    head = [_cell(lines[place - 1], start, end) for start, end in columns]
    spacy = head[:2] == ["E", "#"]
    names = ["E", "step", *head[2:]] if spacy else head
    rows = [line.split() for line in lines[place + 1 :]]
    rows = [row for row in rows if not (spacy and row[1:2] == ["0"])]  # before the first step nothing was measured
    return ["\t".join(names), *("\t".join(row) for row in rows if len(row) == len(columns))]


def _cell(line: str, start: int, end: int) -> str:
    """The words of a line that stand over a column, wherever they begin."""
    return " ".join(found.group() for found in re.finditer(r"\S+", line) if start <= found.start() < end)


def read_delimited_log(path: Path, text: str) -> list[LogTable]:
    """Tables with a head each: where a log was appended, another head begins another table.

    Repeated heads and rows that were cut short are left out.
    """
    lines = _lines(text)
    rows = list(csv.reader(lines, delimiter=delimiter(lines[0])))
    heads = [0, *(i for i, row in enumerate(rows) if i and _is_head(row) and _names(row) != _names(rows[0]))]
    parts = [_table(path, rows[start:end]) for start, end in zip(heads, [*heads[1:], len(rows)], strict=True)]
    found = [table for part in parts for table in part]
    if len(heads) == 1:
        return found
    return [replace(table, name=f"{table.name} part {i}") for i, table in enumerate(found, 1)]


def _is_head(row: list[str]) -> bool:
    return len(row) > 1 and all(cell.strip() and cell_number(cell) is None for cell in row)


def _names(row: list[str]) -> list[str]:
    return [cell.strip() for cell in row]


def _table(path: Path, rows: list[list[str]]) -> list[LogTable]:
    head, *cells = rows
    names = _distinct(_names(head))
    kept: list[Row] = []
    left_out: Counter[str] = Counter()
    for row in cells:
        if _names(row) == _names(head):
            left_out["a repeated head"] += 1
        elif len(row) != len(names):
            left_out[f"{len(row)} cells in place of {len(names)}"] += 1
        else:
            kept.append(dict(zip(names, row, strict=True)))
    ignored = tuple(f"{count} row{'s' if count > 1 else ''} ({why})" for why, count in left_out.items())
    if set(names) == TENSORBOARD:
        tagged: list[Row] = [{"step": row["Step"], path.stem: row["Value"]} for row in kept]
        return [LogTable(path.name, tagged, ignored=ignored, is_part=True)]
    if set(names) >= set(LONG) - {"split"} and (split := _column_of_splits(kept)):
        long: list[Row] = [{"split" if name == split else name: cell for name, cell in row.items()} for row in kept]
        return [LogTable(path.name, pivoted(long), ignored=ignored)]
    return [LogTable(f"{path.name} {run}".strip(), of, ignored=ignored) for run, of in _by_run(names, kept).items()]


def _column_of_splits(rows: list[Row]) -> str:
    """The column of nothing but names of splits (keras in R calls it data); empty where there is none."""
    names = list(rows[0]) if rows else []
    return next((name for name in names if {str(row[name]).lower() for row in rows} <= set(SPLIT_WORDS)), "")


def _by_run(names: list[str], rows: list[Row]) -> dict[str, list[Row]]:
    """Weights & Biases exports a column a run and metric ("calm-1 - val_loss"), each with its least and most."""
    apart = {name: found.groups() for name in names if (found := _RUN_AND_METRIC.match(name))}
    if len(apart) < len(names) - 2 or not apart:
        return {"": rows}
    shared = [name for name in names if name not in apart]
    kept = {name: pair for name, pair in apart.items() if not name.endswith(("__MIN", "__MAX"))}
    runs = list(dict.fromkeys(run for run, _ in kept.values()))
    return {
        run: [
            {name: row[name] for name in shared}
            | {metric: row[name] for name, (own, metric) in kept.items() if own == run}
            for row in rows
        ]
        for run in runs
    }


def _distinct(names: list[str]) -> list[str]:
    """Names without doubles: later ones are numbered."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name}.{seen[name] - 1}" if seen[name] > 1 else name)
    return found


def pivoted(rows: list[Row]) -> list[Row]:
    """Rows of (epoch, split, metric, value) as one row an epoch."""
    wide: dict[tuple[str, ...], Row] = {}
    for row in rows:
        others = {k: v for k, v in row.items() if k not in LONG[1:]}
        cells = wide.setdefault(tuple(str(v) for v in others.values()), others)
        cells[f"{row['split']}_{row['metric']}"] = row["value"]
    return list(wide.values())
