"""What stands out in a new table beside the training rows: counts only, never a patient's value."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

NoteKind = Literal["absent", "unreadable", "newly-missing", "out-of-range", "unseen-level"]

_TEXT = {
    "absent": "column not in the table, taken as missing in {rows}",
    "unreadable": "value of another type (or infinite) in {rows}, taken as missing",
    "newly-missing": "missing in {rows}, as in no training row; taken as {stand_in}",
    "out-of-range": "outside the training range {low:g} to {high:g} in {rows}",
    "unseen-level": "{levels} that training did not see, or hardly ever, in {rows}",
}


class InputNote(BaseModel):
    """One thing to know about one column of a new table.

    rows: how many rows it touches; distinct: how many different levels; low, high: limits that ten
    training patients reach.

    >>> InputNote(column="age", kind="out-of-range", rows=2, low=18.0, high=90.0).text
    'age: outside the training range 18 to 90 in 2 rows'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    kind: NoteKind
    rows: int
    distinct: int = 0
    low: float = 0.0
    high: float = 0.0
    stand_in: str = ""

    @property
    def text(self) -> str:
        parts: dict[str, object] = {"rows": _counted(self.rows, "row"), "levels": _counted(self.distinct, "level")}
        parts |= {"low": self.low, "high": self.high, "stand_in": self.stand_in}
        return f"{self.column}: " + _TEXT[self.kind].format(**parts)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
