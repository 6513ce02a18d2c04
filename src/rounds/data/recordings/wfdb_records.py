"""WFDB records (PhysioNet's signals), read by the package wfdb once the header has been looked at.

A header names other files and declares sizes: header(5) and signal(5) of the WFDB manual. The package believes both, so
that they are checked first.
"""

import math
import re
import warnings
from pathlib import Path

import numpy as np

from rounds.data.recordings.record import MOST_RECORD_BYTES, Record, Signal, damaged, named_apart
from rounds.errors import RoundsError
from rounds.foreign_files import damage_named, read_small, refusal

HEADER = ".hea"
MOST_HEADER_BYTES, MOST_SIGNALS = 2**20, 512
DEFAULT_FREQUENCY = 250.0  # of the manual, where a header leaves it out
# Bits a sample takes in a file, by format; those of FLAC (508, 516, 524) are compressed, at most so many times.
_BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10.67, "311": 10.67}
_FLAC, _MOST_COMPRESSION = ("508", "516", "524"), 2_000
_RECORD = re.compile(
    r"(?P<name>[\w./-]+?)(?:/(?P<parts>\d+))?\s+(?P<signals>\d+)(?:\s+(?P<rate>\S+)(?:\s+(?P<length>\d+).*)?)?"
)
_FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?")
_GAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?(\([-+]?\d+\))?(/\S*)?")
_MOST_DIGITS = 10  # of a count in a header: more is no number of samples


def read_wfdb_record(header: Path, folder: Path) -> Record:
    """One record by its header file below `folder`.

    Raises DataError where header or samples are damaged, of a format that is not read, or outside the folder,
    RoundsError where the package is missing.
    """
    if why := refusal(header, folder) or _fault(header, folder):
        raise damaged("WFDB", header, why)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package's use of pandas, nothing of the user's
            import wfdb
    except ImportError:
        advice = "Install it: pip install 'rounds[signals]'"
        raise RoundsError(
            "Package wfdb", "installed to read WFDB records", name="found", got=None, advice=advice
        ) from None
    with damage_named("WFDB record", header.name, "Copy the record again"):
        read = wfdb.rdrecord(str(header.with_suffix("")))
    samples = getattr(read, "p_signal", None)
    if samples is None or not len(samples):
        raise damaged("WFDB", header, "no samples")
    units = read.units or [""] * samples.shape[1]
    return named_apart(
        [
            Signal(str(name or "signal"), samples[:, i].astype(np.float32), float(read.fs), str(units[i] or ""))
            for i, name in enumerate(read.sig_name)
        ]
    )


def _fault(header: Path, folder: Path, within: int = 0) -> str:
    """What is wrong with a header, in a few words."""
    try:
        text = read_small(header, MOST_HEADER_BYTES).decode("latin-1")
    except (OSError, ValueError) as error:
        return str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    record = _RECORD.fullmatch(lines[0]) if lines else None
    if record is None:
        return "no header of WFDB"
    rate, length = _rate(record["rate"]), record["length"] or "0"
    if rate is None or len(length) > _MOST_DIGITS:
        return f"{record['rate']} samples a second, {length} samples"
    if 8 * int(length) * int(record["signals"][:_MOST_DIGITS]) > MOST_RECORD_BYTES:
        return f"{length} samples of {record['signals']} signals"
    if record["parts"]:
        return "parts within parts" if within else _fault_of_parts(header, folder, lines[1:], int(record["parts"]))
    if len(lines) - 1 != int(record["signals"]) or not 0 < len(lines) - 1 <= MOST_SIGNALS:
        return f"{record['signals']} signals announced, {len(lines) - 1} described"
    return next((why for line in lines[1:] if (why := _fault_of_signal(header, folder, line, int(length)))), "")


def _rate(text: str | None) -> float | None:
    """Samples a second; None where the header does not say it as a number that can be."""
    try:
        rate = float(re.split(r"[/(]", text)[0]) if text else DEFAULT_FREQUENCY
    except ValueError:
        return None
    return rate if math.isfinite(rate) and 0 < rate <= 1e9 else None


def _fault_of_parts(header: Path, folder: Path, lines: list[str], parts: int) -> str:
    """What is wrong with the parts that a record of several is made of."""
    words = [line.split() for line in lines]
    if len(words) != parts or any(len(w) < 2 or not w[1].isdigit() or len(w[1]) > _MOST_DIGITS for w in words):
        return f"{parts} parts announced, {len(words)} described"
    for name, *_ in words:
        part = header.parent / f"{name}{HEADER}"
        if name != "~" and (why := refusal(part, folder) or _fault(part, folder, within=1)):
            return f"{name}: {why}"
    return ""


def _fault_of_signal(header: Path, folder: Path, line: str, length: int) -> str:
    """What is wrong with a signal's line: file, format, gain, and whether its samples can be in its file."""
    words = line.split()
    kind = _FORMAT.fullmatch(words[1]) if len(words) > 1 else None
    if kind is None or (kind[1] not in _BITS and kind[1] not in (*_FLAC, "0")):
        return f"a format of samples that is not known: {' '.join(words[:2])}"
    numbers = words[3:8] if len(words) > 3 else []
    if (len(words) > 2 and not _GAIN.fullmatch(words[2])) or any(
        not re.fullmatch(r"[-+]?\d{1,15}", w) for w in numbers
    ):
        return f"no numbers: {' '.join(words[2:8])}"
    if kind[1] == "0":
        return ""
    path = header.parent / words[0]
    if why := refusal(path, folder):
        return f"{words[0]}: {why}"
    counts = [int(n[:_MOST_DIGITS]) if n else d for n, d in zip(kind.groups()[1:], (1, 0, 0), strict=True)]
    most = path.stat().st_size * (_MOST_COMPRESSION if kind[1] in _FLAC else 8 / _BITS[kind[1]])
    wanted = length * counts[0] + counts[1]
    return "" if wanted <= most + 8 and counts[2] <= path.stat().st_size else f"{wanted:,} samples in {words[0]}"
