"""live/progress.json: how far a run has come, while it is under way; the folder goes when the run is done."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from rounds.run_folder.stored import Number, Part, Stored

LIVE = "live"  # folder of a run: this file, and the curves of the population in training so far


class SeenRecord(Part):
    """A finding that was seen while networks train, after so many epochs of so many networks."""

    code: str
    name: str
    severity: str
    explanation: str
    epoch: int
    networks: int


class ProgressFile(Stored):
    """stage: what happens now; done, total: epochs of all its networks (total None: not known); best: validation so
    far; seconds: since the run began; seconds_left: at least and at most, of the whole run; megabytes: the most memory
    that was in use; updated: seconds since 1970."""

    FILE: ClassVar[str] = f"{LIVE}/progress.json"

    stage: str
    done: int
    total: int | None = None
    best: Number = None
    seconds: float
    seconds_left: tuple[float, float] | None = None
    megabytes: float
    updated: float
    findings: list[SeenRecord] = Field(default_factory=list)

    @classmethod
    def is_there(cls, run: Path) -> bool:
        """Whether the run in this folder is under way (or was broken off)."""
        return (run / cls.FILE).is_file()


def duration(seconds: float) -> str:
    """In words.

    >>> duration(42), duration(300), duration(9000)
    ('42 s', '5 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
