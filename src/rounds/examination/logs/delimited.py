"""Logs that are tables of text: CSVLogger of Keras and Lightning, Ultralytics, pandas, exports of other tools."""

import csv
import re
from collections import Counter
from pathlib import Path

from rounds.examination.logs.table import LogTable, Row, number

TENSORBOARD = {"Wall time", "Step", "Value"}
_RUN_AND_METRIC = re.compile(r"^(.+?) - (.+)$")
LONG = ("epoch", "split", "metric", "value")


def is_delimited(text: str) -> bool:
    """Whether a head of two or more names stands above rows of as many cells, most of them numbers or empty."""
    lines = _lines(text)[:8]
    if len(lines) < 2:
        return False
    head, *rows = csv.reader(lines, delimiter=delimiter(lines[0]))
    if len(head) < 2 or sum(number(cell) is not None for cell in head) > len(head) / 2:
        return False
    cells = [cell for row in rows if len(row) == len(head) for cell in row]
    known = [cell for cell in cells if not cell.strip() or number(cell) is not None]
    return len(known) > len(cells) / 2


def delimiter(head: str) -> str:
    """The mark that stands most often in the head.

    >>> delimiter("epoch;loss;val_loss"), delimiter("epoch loss val_loss")
    (';', ' ')
    """
    return max(",;\t| ", key=lambda mark: (head.count(mark) > 0 and mark != " ", head.count(mark)))


def _lines(text: str) -> list[str]:
    """Lines that are not empty; of a table in columns of spaces, one space between cells."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [" ".join(line.split()) for line in lines] if lines and delimiter(lines[0]) == " " else lines


def read_delimited(path: Path, text: str) -> list[LogTable]:
    """A table with a head. Repeated heads (a log that was appended) and rows that were cut short are left out."""
    lines = _lines(text)
    head, *rows = csv.reader(lines, delimiter=delimiter(lines[0]))
    names = _distinct([name.strip() for name in head])
    kept: list[Row] = []
    left_out: Counter[str] = Counter()
    for row in rows:
        if [cell.strip() for cell in row] == [name.strip() for name in head]:
            left_out["a repeated head"] += 1
        elif len(row) != len(names):
            left_out[f"{len(row)} cells in place of {len(names)}"] += 1
        else:
            kept.append(dict(zip(names, row, strict=True)))
    ignored = tuple(f"{count} row{'s' if count > 1 else ''} ({why})" for why, count in left_out.items())
    if set(names) == TENSORBOARD:
        return [
            LogTable(
                path.name, [{"step": r["Step"], path.stem: r["Value"]} for r in kept], ignored=ignored, is_part=True
            )
        ]
    if set(names) >= set(LONG):
        return [LogTable(path.name, pivoted(kept), ignored=ignored)]
    return [LogTable(f"{path.name} {run}".strip(), rows, ignored=ignored) for run, rows in _by_run(names, kept).items()]


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
