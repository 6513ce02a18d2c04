"""A table of a log becomes trainings: where each begins, at which epochs or steps its values stand."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from rounds.errors import DataError
from rounds.examination.logs.columns import meaning
from rounds.examination.logs.logged_run import LoggedRun, Series, Unit
from rounds.examination.logs.quantities import quantities
from rounds.examination.logs.table import LogTable, Row, cell_number

RUN_COLUMNS = (
    "run",
    "run_id",
    "member",
    "seed",
    "fold",
    "kfold",
    "trial",
    "version",
    "experiment",
    "parent_task_id_path",
)
POSITIONS = ("epoch", "epochs", "step", "steps", "global_step", "iteration", "iterations", "iter", "round", "task_id")
FEWEST_EPOCHS = 5  # with fewer, steps (where they are finer) say more
FILLED = 0.5  # share of rows with a position, of the column that has most
MOST_FALLS = 0.02  # share of rows at which steps may fall: training was resumed, or another began
MOST_REPEATS = 0.25  # share of rows that may repeat the epoch before, of a log with one row an epoch
MOST_POINTS = 400  # of a series: more are averaged


@dataclass(frozen=True)
class Choice:
    """Columns named by hand; None: by their names."""

    step: str | None = None
    loss: str | None = None
    validation: str | None = None

    @property
    def named(self) -> bool:
        """Whether any column was named by hand."""
        return self != Choice()


@dataclass
class _Part:
    """One training while its rows are read: points by column, in the order of the file."""

    name: str
    points: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    first: float | None = None
    last: float = float("-inf")

    def begins_anew(self, at: float, cells: dict[str, float], one_row_each: bool) -> bool:
        """Whether a row stands where this training began, in columns that it already has.

        one_row_each: whether the log has one row an epoch, so that the same epoch twice is two trainings.
        """
        again = self.first is not None and at <= self.first and (at < self.last or one_row_each)
        least = 0 if one_row_each else 1
        return again and any(len(self.points[name]) > least for name in cells if name in self.points)

    def add(self, at: float, cells: dict[str, float]) -> None:
        """Where positions fall, training was resumed: the later rows win."""
        fell = at < self.last
        self.first = at if self.first is None else min(self.first, at)
        self.last = at
        for name, value in cells.items():
            points = self.points[name]
            while points and (points[-1][0] > at or (fell and points[-1][0] == at)):
                points.pop()
            points.append((at, value))


def runs_of(table: LogTable, choice: Choice) -> list[LoggedRun]:
    """Trainings of a table. Raises DataError where a column that was named is not in it, or none is a loss or score."""
    columns = list(dict.fromkeys(name for row in table.rows for name in row))
    _check_named(table, choice, columns)
    by = [c for c in columns if c.strip().lower() in RUN_COLUMNS]
    position = choice.step or _position(table.rows, columns)
    unit: Unit = "epoch" if position is None or "epoch" in position.lower() else "step"
    values = [c for c in columns if c != position and c not in by and meaning(c).kind != "position"]
    parts = _parts(table, position, by, values)
    several = len(parts) > 1
    varies = next((c.strip().lower() for c in by if len({row.get(c) for row in table.rows}) > 1), "")
    found = [
        _logged(replace(table, name=part.name if several else table.name), part, unit, position, choice)
        for part in parts
    ]
    return [replace(run, varies=varies) for run in found if run is not None]


def _check_named(table: LogTable, choice: Choice, columns: list[str]) -> None:
    for option, name in (("--step", choice.step), ("--loss", choice.loss), ("--validation", choice.validation)):
        if name is not None and name not in columns:
            advice = f"Its columns are {', '.join(columns[:20])}"
            raise DataError(option, f"a column of {table.name}", column=name, advice=advice)


def _position(rows: Sequence[Row], columns: list[str]) -> str | None:
    """The column of epochs, or of steps where epochs are few or fractions; None where there is neither."""
    known = {c.strip().lower(): c for c in columns if meaning(c).kind == "position" and c.strip()}
    found = [known[name] for name in POSITIONS if name in known] or [
        c for c in known.values() if "epoch" in c.lower() or "step" in c.lower()
    ]
    cells = {c: [n for row in rows if (n := cell_number(row.get(c))) is not None] for c in found}
    filled = max((len(numbers) for numbers in cells.values()), default=0)
    counted = {c: set(numbers) for c, numbers in cells.items() if numbers and len(numbers) >= FILLED * filled}
    found = [c for c in found if c in counted and (c == found[0] or _rises(cells[c]))]
    if not found:
        return None
    first, finest = found[0], max(found, key=lambda c: len(counted[c]))
    whole = all(float(n).is_integer() for n in counted[first])
    if whole and len(counted[first]) >= FEWEST_EPOCHS:
        return first
    steps = next((c for c in found if c != first and len(counted[c]) == len(counted[finest])), finest)
    return first if whole and len(counted[first]) >= len(counted[steps]) else steps


def _rises(numbers: list[float]) -> bool:
    """Whether a column of steps goes on from epoch to epoch, and does not begin again in each."""
    falls = sum(after < before for before, after in pairwise(numbers))
    return falls <= MOST_FALLS * len(numbers)


def _parts(table: LogTable, position: str | None, by: list[str], values: list[str]) -> list[_Part]:
    """Trainings in the order in which they begin."""
    groups: dict[str, list[_Part]] = {}
    counts: Counter[str] = Counter()
    one_row_each = position is not None and _one_row_each(table.rows, position, values)
    for row in table.rows:
        key = ", ".join(f"{name} {row[name]}" for name in by if row.get(name) not in (None, ""))
        counts[key] += 1
        at = float(counts[key]) if position is None else cell_number(row.get(position))
        cells = {c: n for c in values if (n := cell_number(row.get(c))) is not None}
        if at is None or not np.isfinite(at) or not cells:
            continue
        parts = groups.setdefault(key, [_Part(f"{table.name} {key}".strip())])
        if parts[-1].begins_anew(at, cells, one_row_each):
            parts.append(_Part(f"{table.name} {key}".strip()))
        parts[-1].add(at, cells)
    return [part for same in groups.values() for part in _numbered(same)]


def _one_row_each(rows: Sequence[Row], position: str, values: list[str]) -> bool:
    """Whether hardly any row repeats the position of the row before it in a column that both fill."""
    repeats = sum(
        before.get(position) == after.get(position)
        and any(cell_number(before.get(c)) is not None and cell_number(after.get(c)) is not None for c in values)
        for before, after in pairwise(rows)
    )
    return repeats <= MOST_REPEATS * len(rows)


def _numbered(parts: list[_Part]) -> Iterator[_Part]:
    for i, part in enumerate(parts, 1):
        yield replace(part, name=f"{part.name} run {i}") if len(parts) > 1 else part


def _logged(table: LogTable, part: _Part, unit: Unit, position: str | None, choice: Choice) -> LoggedRun | None:
    series = [_series(name, points) for name, points in part.points.items() if points]
    found = quantities(series, choice.loss, choice.validation)
    if found is None:
        return None
    where = "rows counted from 1 (there is no column of epochs)" if position is None else f"{unit}s from {position}"
    read = (*found.read, where)
    rate = None if found.rate is None or not len(found.rate.finite) else float(found.rate.finite.values.max())
    settings = ({} if rate is None else {"learning_rate": rate}) | table.settings
    return LoggedRun(
        table.name,
        unit,
        found.loss,
        found.parts,
        found.scores,
        found.rate,
        settings,
        read,
        (*table.ignored, *found.ignored),
        adversarial=found.adversarial,
    )


def _series(name: str, points: list[tuple[float, float]]) -> Series:
    """Values at the same position are averaged; of very many, neighbours."""
    at, place = np.unique([p for p, _ in points], return_inverse=True)
    sums = np.bincount(place, weights=[v for _, v in points])
    values = sums / np.bincount(place)
    if len(at) > MOST_POINTS:
        cuts = np.linspace(0, len(at), MOST_POINTS + 1).astype(int)[:-1]
        counts = np.diff([*cuts, len(at)])
        at, values = np.maximum.reduceat(at, cuts), np.add.reduceat(values, cuts) / counts
    return Series(name, at, values)
