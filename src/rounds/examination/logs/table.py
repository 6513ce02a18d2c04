"""What readers of logs give: rows in the order of the file, each from names to what stands there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rounds.errors import DataError
from rounds.examination.logs.columns import column_words, meaning

Cell = str | float | int | bool | None
Row = dict[str, Cell]
SCIKIT_LEARN = {"mean_test_score", "rank_test_score"}  # of `cv_results_`
SETTINGS = {"batch", "units", "hidden", "layers", "depth", "dropout", "optimizer", "filters", "neurons", "activation"}


@dataclass(frozen=True)
class LogTable:
    """One log as it stands.

    name: file or folder, for messages; rows: names of columns -> cells; settings: hyperparameters that are numbers;
    ignored: what was left out while reading, and why, a sentence each; is_part: one column of a training whose others
    are in files beside it.
    """

    name: str
    rows: Sequence[Row]
    settings: dict[str, float] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    is_part: bool = False


def cell_number(cell: Cell) -> float | None:
    """The number in a cell; None where there is none. Percent signs are dropped, a decimal comma is read.

    >>> [cell_number(cell) for cell in ("59.86%", " 0,5 ", "NaN", "tensor(0.25)", "abc", "")]
    [59.86, 0.5, nan, 0.25, None, None]
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell)
    if not isinstance(cell, str):
        return None
    text = cell.strip().removeprefix("tensor(").rstrip(")%").strip()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(text.replace(",", ".")) if text.count(",") == 1 else None
    except ValueError:
        return None


def refuse_search(table: LogTable) -> None:
    """Raises DataError where each row is a training of its own: a search over settings is no course of one."""
    varied = _settings(table)
    if varied:
        shown = ", ".join(varied[:4])
        advice = "Give the logs of its trainings, a row an epoch each; which setting is best stands in the table itself"
        raise DataError(table.name, "a log by epoch or step", name="columns", got=f"{shown} (a search)", advice=advice)


def _settings(table: LogTable) -> list[str]:
    """Columns that say that rows are trainings: those of a search's tool, or settings that change up and down; empty
    where rows are epochs.

    >>> rows = [{"batch": b, "val_loss": 0.5} for b in (8, 16, 8)]
    >>> _settings(LogTable("grid.json", rows)), _settings(LogTable("log.csv", [{**r, "epoch": 1} for r in rows]))
    (['batch'], [])
    """
    names = list(dict.fromkeys(name for row in table.rows for name in row))
    counted = (n for n in names if n.strip() and column_words(n) != ["batch"])
    if any(meaning(name).kind == "position" for name in counted):
        return []
    of_tools = [n for n in names if n in SCIKIT_LEARN or n.lower().startswith(("param_", "params_"))]
    return of_tools or [n for n in names if SETTINGS & set(column_words(n)) and _goes_up_and_down(table, n)]


def _goes_up_and_down(table: LogTable, name: str) -> bool:
    cells = [row[name] for row in table.rows if row.get(name) is not None]
    numbers = [n for cell in cells if (n := cell_number(cell)) is not None]
    if len(numbers) < len(cells):
        return len({str(cell) for cell in cells}) > 1
    steps = [b - a for a, b in pairwise(numbers)]
    return any(step > 0 for step in steps) and any(step < 0 for step in steps)
