"""What a run keeps of whether looking at images again helps; predicting reads it without the rooms that train."""

from pathlib import Path
from typing import Any

from rounds.files import write_json
from rounds.prediction.image_variants import Augmented, Way
from rounds.run_folder.read import read_record

AUGMENTED = "augmented.json"
Record = dict[str, Any]


def write_gains(run: Path, gains: Record) -> None:
    """augmented.json of a run folder; nothing where there are no images."""
    if gains:
        write_json(run / AUGMENTED, gains)


def kept_way(run: Path, way: Way) -> tuple[Augmented | None, str]:
    """The way where it helped on the run's validation images, else None; and what to say about it."""
    known = read_record(run, AUGMENTED) if (run / AUGMENTED).is_file() else {}
    if way not in known:
        return None, f"{way}: the run keeps no measure of its gain, so every image is looked at once"
    gain = known[way]
    words = f"{gain['metric']} better by {gain['value']:.3g} ({gain['low']:.3g} to {gain['high']:.3g}) on validation"
    if not gain["kept"]:
        return None, f"{way}: {words}, which proves no gain, so every image is looked at once"
    return Augmented(way, gain["mirrors"]), f"{way}: {words}"
