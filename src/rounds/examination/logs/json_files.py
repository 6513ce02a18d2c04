"""Logs that are JSON: Keras's History, trainer_state of Hugging Face, lists of records, one record a line."""

import json
import re
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rounds.examination.logs.columns import SPLIT_WORDS, column_words, meaning
from rounds.examination.logs.table import LogTable, Row, cell_number
from rounds.foreign_files import JsonObject

DEEPEST = 12  # levels of nesting that are looked into
_NUMBERED = re.compile(r"(?:epoch|ep|step|iter|iteration)?[ _-]*(\d+)")
_HOLDERS = ("log_history", "history", "metrics", "epochs", "logs", "data", "records", "results", "training_history")


def is_json(text: str) -> bool:
    """Whether it is one JSON document, or one a line."""
    return text.lstrip()[:1] in ("{", "[") and bool(_documents(text))


def read_json(path: Path, text: str) -> list[LogTable]:
    """Whatever in it is a list of records or of numbers by name; a last line that was cut short is left out."""
    documents = _documents(text)
    cut = (f"what follows {len(documents)} whole lines",) if not _ends_whole(text, documents) else ()
    if len(documents) > 1 or (isinstance(documents[0], dict) and not _tables_in(documents[0])):
        rows = [_flat(d) for d in documents if isinstance(d, dict)]
        return [LogTable(path.name, _by_mode(rows), ignored=cut)]
    found = _tables_in(documents[0])
    several = len(found) > 1
    return [LogTable(f"{path.name} {name}".strip() if several else path.name, rows) for name, rows in found.items()]


def _documents(text: str) -> list[Any]:
    with suppress(ValueError, RecursionError):
        return [json.loads(text)]
    found = []
    for line in text.splitlines():
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            if line.strip():
                break
    return [d for d in found if isinstance(d, dict | list)]


def _ends_whole(text: str, documents: list[Any]) -> bool:
    return len(documents) == 1 or len([line for line in text.splitlines() if line.strip()]) == len(documents)


def _tables_in(content: Any, name: str = "", depth: int = 0) -> dict[str, list[Row]]:
    """By place in the document, every table in it: a list of records, or lists of numbers side by side."""
    if depth > DEEPEST:
        return {}
    if isinstance(content, list):
        inside = [
            r for r in content if isinstance(r, list) or (isinstance(r, dict) and _losses(r) and not _has_values(r))
        ]
        if inside and len(inside) == len(content):
            return {
                f"{name} {i}".strip(): rows
                for i, r in enumerate(content)
                for rows in _tables_in(r, depth=depth + 1).values()
            }
        records = [_flat(r) for r in content if isinstance(r, dict)]
        return {name: _by_mode(records)} if records else {}
    if not isinstance(content, dict):
        return {}
    held = next((content[h] for h in _HOLDERS if _is_records(content.get(h))), None)
    if held is not None:
        return _tables_in(held, name, depth + 1)
    apart = {
        k: v
        for k, v in content.items()
        if isinstance(v, dict)
        and not set(column_words(k)) & SPLIT_WORDS.keys()
        and any(isinstance(cells, list) for cells in v.values())
        and _losses(v)
    }
    if len(apart) > 1:
        return {f"{name} {k}".strip(): _side_by_side(_columns(v)) for k, v in apart.items()}
    if _losses(content):
        return {name: _side_by_side(_columns(content))}
    keyed = {at: _flat(v) for k, v in content.items() if isinstance(v, dict) and (at := _place(k)) is not None}
    if len(keyed) > 1:
        return {name: [{"epoch": at, **row} for at, row in keyed.items()]}
    found: dict[str, list[Row]] = {}
    for key in sorted(content, key=lambda k: (k not in _HOLDERS, list(content).index(k))):
        for place, rows in _tables_in(content[key], str(key), depth + 1).items():
            found.setdefault(f"{name} {place}".strip() if place != name else place, rows)
    return found


def _place(key: str) -> float | None:
    """The number of an epoch in a key ("7", "epoch_7"); None for other keys."""
    found = _NUMBERED.fullmatch(key.strip().lower())
    return float(found.group(1)) if found else None


def _losses(content: JsonObject) -> bool:
    """Whether lists of numbers in it are losses or scores by their names."""
    return any(meaning(name).kind in ("loss", "score", "error") for name in _columns(content))


def _has_values(record: JsonObject) -> bool:
    """Whether a loss or score in it is a single number: then it is one epoch, and no training."""
    return any(
        meaning(name).kind in ("loss", "score", "error") and cell_number(value) is not None
        for name, value in record.items()
    )


def _is_records(content: Any) -> bool:
    return isinstance(content, list) and len(content) > 0 and all(isinstance(r, dict) for r in content)


def _columns(content: JsonObject, prefix: str = "") -> dict[str, list[float | None]]:
    """Lists of numbers by name, those one level down ({"train": {"loss": [...]}}) with both names."""
    found: dict[str, list[float | None]] = {}
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, list) and value and all(_is_number(v) for v in value):
            found[name] = [cell_number(v) for v in value]
        elif isinstance(value, dict) and prefix.count("/") < 2:
            by_place = {
                cell_number(k): cell_number(v) for k, v in value.items() if cell_number(k) is not None and _is_number(v)
            }
            if len(by_place) > 1 and len(by_place) == len(value):  # pandas: {"loss": {"0": 0.5, "1": 0.4}}
                found[name] = [by_place[at] for at in sorted(by_place, key=lambda at: at or 0.0)]
            else:
                found |= _columns(value, f"{name}/")
    return found


def _is_number(value: Any) -> bool:
    return value is None or cell_number(value) is not None


def _side_by_side(columns: dict[str, list[float | None]]) -> list[Row]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip_longest(*columns.values())]


def _flat(record: JsonObject, prefix: str = "", depth: int = 0) -> Row:
    """Nested names joined; lists of one number are that number, and longer ones their mean (a value a class)."""
    row: Row = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            row |= _flat(value, f"{name}/", depth + 1) if depth < 2 else {}
        elif isinstance(value, list):
            numbers = [n for v in value if (n := cell_number(v)) is not None] if len(value) < 200 else []
            if numbers and len(numbers) == len(value):
                row[name] = sum(numbers) / len(numbers)
        elif value is None or isinstance(value, str | int | float | bool):
            row[name] = value
    return row


def _by_mode(rows: list[Row]) -> list[Row]:
    """Rows that say in words which split they are of ({"mode": "val", "loss": 0.3}) name it in their columns."""
    found = []
    for row in rows:
        said = next(
            (
                SPLIT_WORDS[v.lower()]
                for k, v in row.items()
                if k.lower() in ("mode", "split", "phase", "stage", "set")
                and isinstance(v, str)
                and v.lower() in SPLIT_WORDS
            ),
            None,
        )
        places = ("epoch", "step", "iter", "iteration", "global_step")
        found.append(row if said is None else {k if k.lower() in places else f"{said}_{k}": v for k, v in row.items()})
    return found
