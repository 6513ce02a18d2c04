"""What the user says about a table; everything left open is decided, and said."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rounds.data.tables.cells.reading import FileStyle, Mark
from rounds.errors import DataError
from rounds.task import Kind

DATES = ("day-first", "month-first")
DECIMALS = ("point", "comma")


@dataclass(frozen=True)
class ImageChoices:
    """column: of a table that names image files (None: recognised); size: pixels a side they are resized to;
    skip_bad: leave out what cannot be read."""

    column: str | None = None
    size: int = 64
    skip_bad: bool = False


@dataclass(frozen=True)
class Choices:
    """targets: column names or globs; kind: of task; positive: label of the positive class; group: patient column,
    or "none" where every row is another patient; time: column to split by; roles: a roles.toml; as_roles: column ->
    role ("date:REFERENCE" makes a date the days since another date column); drop: names or globs; where: SQL
    condition on the rows kept; baseline: column with the score in use today; pictures: how images are read;
    sequences: recordings of the table's rows (a table of measurements, or a folder); test_sequences: those of the test
    table; key: column they share; dates, decimal: how the file writes them, where its columns do not tell;
    known: when columns are known, "COL=WHEN" or "WHEN" for all.
    """

    targets: tuple[str, ...] = ()
    kind: Kind | None = None
    positive: str | None = None
    group: str | None = None
    time: str | None = None
    roles: Path | None = None
    as_roles: dict[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    where: str | None = None
    baseline: str | None = None
    pictures: ImageChoices = ImageChoices()
    sequences: Any = None
    test_sequences: Any = None
    key: str | None = None
    dates: str | None = None
    decimal: str | None = None
    known: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, given, allowed in (("dates", self.dates, DATES), ("decimal", self.decimal, DECIMALS)):
            if given is not None and given not in allowed:
                raise DataError(name, " or ".join(allowed), got=given, advice=f"Write --{name} {allowed[0]}")

    @property
    def style(self) -> FileStyle:
        """What the user says of how the file writes dates and decimals."""
        marks: dict[str, Mark] = {"point": ".", "comma": ","}
        first = None if self.dates is None else self.dates == "day-first"
        return FileStyle(decimal=marks.get(self.decimal or ""), day_first=first)
