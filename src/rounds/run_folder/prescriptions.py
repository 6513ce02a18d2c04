"""prescriptions.json: a list of what was tried, and what it was worth."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from rounds.files import write_json
from rounds.run_folder.metrics import Estimate
from rounds.run_folder.read import read_records
from rounds.run_folder.stored import Number, Part, checked

FILE = "prescriptions.json"


class ComparedNetworks(Part):
    """Which networks were compared, by folds and seeds; patients: that they learned from; looks: how often."""

    folds: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    seed: int | None = None
    patients: int | None = None
    looks: int = 1


class LearningPoint(Part):
    """What networks score that learn from so many patients."""

    patients: int
    score: float


class PrescriptionRecord(Part):
    """One remedy: the change of plan {field: [old, new]}, which networks were compared, its effect (of the treated over
    the control, in the main metric; positive is better), and whether it was kept ("advice": only the user can give it).

    chosen_by: the effect by which it was chosen; confirmed: that on networks and patients that chose nothing.
    """

    round: int
    finding: str
    remedy: str = ""
    change: dict[str, tuple[JsonValue, JsonValue]]
    expects: str = ""
    metric: str = ""
    control: ComparedNetworks = ComparedNetworks()
    treated: ComparedNetworks = ComparedNetworks()
    effect: Estimate | None
    smallest_worthwhile: Number = None
    remedies_tried: int = 0
    verdict: Literal["kept", "dropped", "advice"]
    reason: str = ""
    chosen_by: Estimate | None = None
    confirmed: Estimate | None = None
    confirmed_on: ComparedNetworks | None = None
    from_a_quarter: Estimate | None = None
    curve: tuple[LearningPoint, ...] = ()


def write_prescriptions(run: Path, entries: Iterable[PrescriptionRecord]) -> None:
    """Writes the list."""
    write_json(run / FILE, [entry.content() for entry in entries])


def read_prescriptions(run: Path) -> tuple[PrescriptionRecord, ...]:
    """The list of a run folder, empty where there is none; raises RunFolderError where it is damaged."""
    found = read_records(run, FILE) if (run / FILE).exists() else []
    return tuple(checked(PrescriptionRecord, entry, run / FILE) for entry in found)
