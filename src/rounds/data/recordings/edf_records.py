"""European Data Format (EDF, EDF+, BDF), the format of sleep and EEG recordings, read by the package pyedflib."""

from pathlib import Path

import numpy as np

from rounds.data.recordings.record import MOST_RECORD_BYTES, Record, Signal, damaged, named_apart
from rounds.errors import RoundsError
from rounds.foreign_files import damage_named, refusal

EDF = (".edf", ".bdf")
_HEAD, _MOST_SIGNALS = 256, 512  # bytes of the fixed part of a header and of each signal's; signals at most


def read_edf(path: Path, folder: Path) -> Record:
    """The signals of one file, in physical units; annotations are not read.

    Raises DataError where the file is damaged or lies outside the folder, RoundsError where the package is missing.
    """
    if why := refusal(path, folder) or _fault(path):
        raise damaged("EDF", path, why)
    try:
        import pyedflib
    except ImportError:
        advice = "Install it: pip install 'rounds[signals]'"
        raise RoundsError("Package pyedflib", "installed to read EDF", name="found", got=None, advice=advice) from None
    with (
        damage_named("EDF record", path.name, "Copy the record again"),
        pyedflib.EdfReader(str(path), annotations_mode=pyedflib.DO_NOT_READ_ANNOTATIONS) as file,
    ):
        signals = [
            Signal(
                file.getLabel(i).strip() or "signal",
                np.asarray(file.readSignal(i), np.float32),
                float(file.getSampleFrequency(i)),
                file.getPhysicalDimension(i).strip(),
            )
            for i in range(file.signals_in_file)
        ]
    usable = [s for s in signals if len(s.samples) and np.isfinite(s.frequency) and s.frequency > 0]
    if not usable:
        raise damaged("EDF", path, "no signals")
    return named_apart(usable)


def _fault(path: Path) -> str:
    """What is wrong with the sizes that a header declares: each record's samples must be in the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        try:
            records, signals = int(head[236:244]), int(head[252:256])
            if not 0 < signals <= _MOST_SIGNALS:
                return f"{signals} signals"
            samples = [int(n) for n in _fields(file.read(_HEAD * signals), signals)]
        except (ValueError, IndexError):
            return "no header of EDF"
    width = 3 if head[0] == 0xFF else 2  # bytes a sample: BDF begins with 255
    if records < 1 or min(samples) < 0 or records * sum(samples) * width > size:
        return f"{records} blocks of {sum(samples)} samples in {size:,} bytes"
    return "" if 8 * records * max(samples) <= MOST_RECORD_BYTES else "too long"


def _fields(head: bytes, signals: int) -> list[bytes]:
    """Samples in a block of each signal: the ninth field of the signals' part, 8 letters each."""
    start = signals * (16 + 80 + 8 * 5 + 80)
    return [head[start + 8 * i : start + 8 * i + 8] for i in range(signals)]
