"""Baselines on disk: their descriptions as JSON, their numbers as safetensors, and never a pickle.

baselines.json         every baseline's record, and the checksum (SHA-256) of the numbers
baselines.safetensors  every array, named "<place in the list>/<name>"
"""

import hashlib
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from rounds.baselines.baseline import Baseline, BaselineRecord
from rounds.errors import RunFolderError
from rounds.files import existing_folder, new_folder, write_json, write_whole
from rounds.foreign_files import parse_json, read_small

RECORDS, ARRAYS = "baselines.json", "baselines.safetensors"


def save_baselines(folder: Path, baselines: list[Baseline]) -> None:
    """Writes the folder whole or not at all; a folder that is there is replaced.

    Raises RunFolderError where the place cannot be written.
    """
    arrays = {f"{i}/{k}": np.ascontiguousarray(a) for i, b in enumerate(baselines) for k, a in b.arrays.items()}
    content = save_arrays(arrays)
    records = [b.record.model_dump(mode="json") for b in baselines]
    with new_folder(folder) as place:
        write_whole(place / ARRAYS, content)
        write_json(place / RECORDS, {"sha256": hashlib.sha256(content).hexdigest(), "baselines": records})


def load_baselines(folder: Path) -> list[Baseline]:
    """The baselines that `save_baselines` wrote; raises RunFolderError where a file is missing or damaged."""
    folder = existing_folder(folder)
    try:
        listed = parse_json(read_small(folder / RECORDS))
        content = (folder / ARRAYS).read_bytes()
        records = [BaselineRecord.model_validate(record) for record in listed["baselines"]]
        if hashlib.sha256(content).hexdigest() != listed["sha256"]:
            raise ValueError("its content does not agree with its checksum")
        arrays = load_arrays(content)
        if not all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f"):
            raise ValueError("arrays that are no numbers")
    except (OSError, ValidationError, SafetensorError, ValueError, LookupError, TypeError) as error:
        reason = "it is missing" if isinstance(error, FileNotFoundError) else next(iter(str(error).splitlines()), "")
        advice = "Copy the folder again from where it was whole, or train again"
        raise RunFolderError(f"Baselines must be whole, got folder={str(folder)!r} ({reason}). {advice}.") from None
    return [Baseline(record, _own(arrays, i)) for i, record in enumerate(records)]


def _own(arrays: dict[str, np.ndarray], place: int) -> dict[str, np.ndarray]:
    start = f"{place}/"
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}
