"""prescriptions.json: a list of what was tried, and what it was worth."""

from pathlib import Path
from typing import Any, Literal

from rounds.files import write_json
from rounds.run_folder.stored import Number, Part

FILE = "prescriptions.json"


class EffectRecord(Part):
    """Of the treated over the control, in the main metric; positive is better."""

    value: Number
    low: Number
    high: Number


class PrescriptionRecord(Part):
    """One remedy: the change of plan {field: [old, new]}, which networks were compared, the effect, and whether it was
    kept ("advice": only the user can give it)."""

    round: int
    finding: str
    remedy: str
    change: dict[str, list[Any]]
    expects: str = ""
    metric: str = ""
    control: dict[str, Any]
    treated: dict[str, Any]
    effect: EffectRecord | None
    smallest_worthwhile: Number = None
    remedies_tried: int = 0
    verdict: Literal["kept", "dropped", "advice"]
    reason: str


def write_prescriptions(run: Path, entries: list[dict[str, Any]]) -> None:
    """Writes the list, each entry checked; raises pydantic's ValidationError where one lacks a part."""
    write_json(run / FILE, [PrescriptionRecord(**e).model_dump(mode="json", exclude_unset=True) for e in entries])
