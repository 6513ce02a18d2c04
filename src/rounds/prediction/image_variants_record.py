"""What a run keeps of whether looking at images again helps; predicting reads it without the rooms that train."""

from collections.abc import Mapping
from pathlib import Path

from rounds.files import write_json
from rounds.prediction.image_variants import Augmented, Way
from rounds.run_folder.read import read_record
from rounds.run_folder.stored import Part

AUGMENTED = "augmented.json"


class VariantGain(Part):
    """What looking again is worth on so many validation images, in the main metric, with its interval over patients;
    mirrors: whether mirror images are looked at; kept: whether the whole interval is above 0."""

    metric: str
    images: int
    mirrors: bool
    value: float
    low: float
    high: float
    resamples: int | None = None
    kept: bool


def write_gains(run: Path, gains: Mapping[Way, VariantGain]) -> None:
    """augmented.json of a run folder; nothing where there are no images."""
    if gains:
        write_json(run / AUGMENTED, {way: gain.model_dump(exclude_none=True) for way, gain in gains.items()})


def kept_way(run: Path, way: Way) -> tuple[Augmented | None, str]:
    """The way where it helped on the run's validation images, else None; and what to say about it."""
    known = read_record(run, AUGMENTED) if (run / AUGMENTED).is_file() else {}
    if way not in known:
        return None, f"{way}: the run keeps no measure of its gain, so every image is looked at once"
    gain = VariantGain.model_validate(known[way])
    words = f"{gain.metric} better by {gain.value:.3g} ({gain.low:.3g} to {gain.high:.3g}) on validation"
    if not gain.kept:
        return None, f"{way}: {words}, which proves no gain, so every image is looked at once"
    return Augmented(way, gain.mirrors), f"{way}: {words}"
