"""What readers of logs give: rows in the order of the file, each from names to what stands there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | float | int | bool | None
Row = dict[str, Cell]


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
