"""One line of the table of runs: how far each came, and what was found."""

from collections.abc import Sequence
from dataclasses import dataclass

from rounds.examination.finding import Finding
from rounds.examination.log_rules.evidence import called
from rounds.examination.logs.logged_run import LoggedRun


@dataclass(frozen=True)
class RunRow:
    """name, points and unit of the log; judged: what best and last are values of (lower is better); best_at: its epoch
    or step; found: codes; read, ignored: what was taken from the file and what was not."""

    run: int
    name: str
    unit: str
    points: int
    judged: str
    best_at: float | None
    best: float | None
    last: float | None
    found: tuple[str, ...]
    read: tuple[str, ...]
    ignored: tuple[str, ...]


def run_row(number: int, run: LoggedRun, found: Sequence[Finding]) -> RunRow:
    """The row of one run."""
    series = run.loss.judged
    known = series.finite
    place = int(known.values.argmin()) if len(known) else None
    best_at, best, last = (
        (float(known.at[place]), float(known.values[place]), float(known.values[-1]))
        if place is not None
        else (None, None, None)
    )
    return RunRow(
        number,
        run.name,
        run.unit,
        len(known),
        called(series),
        best_at,
        best,
        last,
        _codes(found),
        run.read,
        run.ignored,
    )


def _codes(found: Sequence[Finding]) -> tuple[str, ...]:
    """Alarms where there are any, else all there is."""
    alarms = tuple(f.code for f in found if f.alarms)
    return alarms or tuple(f.code for f in found)


def sorted_by_best(rows: tuple[RunRow, ...]) -> tuple[RunRow, ...]:
    """The best first; runs without a number last."""
    return tuple(sorted(rows, key=lambda r: (r.best is None, r.best if r.best is not None else 0.0)))
