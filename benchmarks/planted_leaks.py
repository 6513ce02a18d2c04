"""Leaks as they look in hospitals, planted into tables that no threshold was set on: how many stop a training.

    python -m benchmarks.planted_leaks SHARED [--rows 300,2000] [--clean 10] [--records FILE] [--page]

SHARED is a folder with `tables/tasks.py` and `data/`. A table is handed over as a user would, with nothing said but the
target, the patient column and which numbers are codes; a number of its rows are drawn by patient. Into each a leak of
each kind is planted, one at a time: it counts as found where an error of the data rules names the column, and a row
number where it is no feature. Clean tables are the same without a leak, other rows each time, and count where no error
stops them. Thresholds were set on tables that were made up (`tests.examination.tables`, `benchmarks.null_tables`).
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.machine import keep, kept
from benchmarks.shared_tables import CODES, protocol
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.examine_data import examine_data

TABLES = ("pima", "cleveland", "flchain_death", "d130_readmit", "d130_admission", "nhanes_bps")
Values = pl.Series | np.ndarray
Random = np.random.Generator


class Leak(NamedTuple):
    """name: of the planted column; make: outcomes [N] float -> its values; numbers: of outcomes that are numbers;
    is_feature: False of what must not even become one; ordered: whether rows are sorted by outcome first."""

    name: str
    make: Callable[[np.ndarray, Random], Values]
    numbers: bool = False
    is_feature: bool = True
    ordered: bool = False


def _where(kept: np.ndarray, values: np.ndarray) -> pl.Series:
    return pl.Series(np.where(kept, values, np.nan)).fill_nan(None)


def _hours(y: np.ndarray, random: Random) -> Values:
    return _where(y > 0.5, np.round(random.exponential(60, len(y)), 1))


def _some_hours(y: np.ndarray, random: Random) -> Values:
    return _where((y > 0.5) & (random.random(len(y)) < 0.7), np.round(random.exponential(60, len(y)), 1))


def _death_time(y: np.ndarray, random: Random) -> Values:
    days = random.integers(0, 900, len(y))
    texts = [f"{2019 + d // 365}-{1 + d % 12:02d}-{1 + d % 28:02d} {d % 24:02d}:15:00" for d in days.tolist()]
    return pl.Series([text if dead else None for text, dead in zip(texts, y > 0.5, strict=True)])


def _seen_again(y: np.ndarray, random: Random) -> Values:
    return _where((y <= 0.5) & (random.random(len(y)) < 0.97), random.integers(20, 60, len(y)).astype(float))


def _separating(y: np.ndarray, random: Random) -> Values:
    return np.round(random.normal(size=len(y)) + 9 * y, 2)


def _nearly_separating(y: np.ndarray, random: Random) -> Values:
    wrong = random.random(len(y)) < 0.002
    return np.round(random.normal(size=len(y)) + 9 * np.where(wrong, 1 - y, y), 2)


def _destination(y: np.ndarray, random: Random) -> Values:
    others = random.choice(["home", "home care", "nursing home", "other hospital"], len(y))
    return pl.Series(np.where(y > 0.5, "E", others).tolist())


def _code(y: np.ndarray, random: Random) -> Values:
    return np.where(y > 0.5, 20, random.choice([1, 2, 3, 6, 22, 25, 30], len(y)))


def _in_ninety_days(y: np.ndarray, random: Random) -> Values:
    return np.where(random.random(len(y)) < 0.02, 1 - y, y).astype(int)


def _row_number(y: np.ndarray, random: Random) -> Values:
    return np.arange(len(y))


def _noisy(y: np.ndarray, random: Random) -> Values:
    return y + 0.1 * y.std() * random.normal(size=len(y))


def _in_hours(y: np.ndarray, random: Random) -> Values:
    return np.round(24 * y + random.uniform(-8, 8, len(y)) * y.std() / 10)


def _in_part(y: np.ndarray, random: Random) -> Values:
    return y + 0.7 * y.std() * random.normal(size=len(y))


LEAKS: tuple[Leak, ...] = (
    Leak("hours_to_event", _hours),
    Leak("interval_h", _some_hours),
    Leak("deathtime", _death_time),
    Leak("days_to_next_visit", _seen_again),
    Leak("score", _separating),
    Leak("index_value", _nearly_separating),
    Leak("destination", _destination),
    Leak("dest_code", _code),
    Leak("outcome_90d", _in_ninety_days),
    Leak("Unnamed: 0", _row_number, is_feature=False, ordered=True),
    Leak("S.No", _row_number, is_feature=False, ordered=True),
    Leak("charges", _noisy, numbers=True),
    Leak("value_in_hours", _in_hours, numbers=True),
    Leak("discharge_days", _in_part, numbers=True),
    Leak("index", _row_number, numbers=True, is_feature=False, ordered=True),
)


class Source(NamedTuple):
    """A table and what a user says of it."""

    name: str
    table: pl.DataFrame
    target: str
    kind: str
    group: str | None


def sources(tasks: ModuleType) -> list[Source]:
    """Development rows of each task, in its first division."""
    made = []
    for name in TABLES:
        development, _, target, kind, group = tasks.load(name, 0)
        made.append(Source(name, development, target, kind, group))
    return made


def drawn(source: Source, rows: int, random: Random) -> pl.DataFrame:
    """About so many rows, all of some patients."""
    table = source.table
    owner = np.arange(table.height) if source.group is None else table[source.group].rank("dense").to_numpy()
    order = np.argsort(random.permutation(int(owner.max()) + 1)[owner], kind="stable")
    return table[np.sort(order[:rows]).tolist()]


def examined(source: Source, table: pl.DataFrame) -> tuple[Dataset, dict[str, Any]]:
    """The dataset, and the errors of its data rules by code, with their evidence."""
    codes = dict.fromkeys((c for c in CODES.get(source.name, ()) if c in table.columns), "categorical")
    choices = Choices(targets=(source.target,), group=source.group or "none", as_roles=codes)
    dataset = load(table, choices)
    found, _ = examine_data(DataEvidence(dataset, split_dataset(dataset, nested=False)))
    return dataset, {f.code: f.evidence for f in found if f.severity == "error"}


def planted(source: Source, leak: Leak, rows: int, seed: int) -> dict[str, Any]:
    """Whether the leak is found in so many rows of the table."""
    random = np.random.default_rng([seed, rows])
    table = drawn(source, rows, random)
    if leak.ordered:
        table = table.sort(source.target)
    y = table[source.target].cast(pl.Float64).to_numpy()
    with_leak = table.insert_column(0, pl.Series(leak.name, leak.make(y, random)))
    if leak.ordered:
        with_leak = with_leak[random.permutation(with_leak.height).tolist()]
    dataset, errors = examined(source, with_leak)
    is_feature = leak.name in [c.name for c in dataset.features]
    named = leak.name in errors.get("target-leak", {}).get("columns", [])
    found = named or not is_feature  # what is left out does no harm: a date, a number of a row
    return {"table": source.name, "leak": leak.name, "rows": rows, "found": found, "feature": is_feature}


def clean(source: Source, rows: int, seed: int) -> dict[str, Any]:
    """What stops so many rows of the table as it is."""
    random = np.random.default_rng([seed, rows, 1])
    errors = examined(source, drawn(source, rows, random))[1]
    return {"table": source.name, "leak": "", "rows": rows, "errors": {code: str(e) for code, e in errors.items()}}


def page(records: list[dict[str, Any]]) -> str:
    """Leaks found by kind, and clean tables stopped."""
    leaks = [r for r in records if r["leak"]]
    sizes = sorted({r["rows"] for r in leaks})
    lines = ["| leak | " + " | ".join(f"{rows:,} rows" for rows in sizes) + " |", "| --- |" + " --- |" * len(sizes)]
    for leak in dict.fromkeys(r["leak"] for r in leaks):
        cells = [_found([r for r in leaks if r["leak"] == leak and r["rows"] == rows]) for rows in sizes]
        lines.append(f"| `{leak}` | " + " | ".join(cells) + " |")
    lines.append("| all | " + " | ".join(_found([r for r in leaks if r["rows"] == rows]) for rows in sizes) + " |")
    honest = [r for r in records if not r["leak"]]
    stopped = sum(bool(r["errors"]) for r in honest)
    return "\n".join([*lines, "", f"{stopped} of {len(honest)} tables without a leak were stopped."])


def _found(records: list[dict[str, Any]]) -> str:
    return f"{sum(r['found'] for r in records)} of {len(records)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--rows", default="300,2000")
    parser.add_argument("--clean", type=int, default=10)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if asked.page:
        print(page(kept(asked.records)))
        return
    records = []
    sizes = [int(rows) for rows in asked.rows.split(",")]
    for source in sources(protocol(asked.shared)):
        made = [
            planted(source, leak, rows, seed)
            for seed, leak in enumerate(LEAKS)
            if leak.numbers == (source.kind == "regression")
            for rows in sizes
        ]
        made += [clean(source, sizes[seed % len(sizes)], seed) for seed in range(asked.clean)]
        for one in made:
            keep(asked.records, one)
        records += made
    print(page(records))


if __name__ == "__main__":
    main()
