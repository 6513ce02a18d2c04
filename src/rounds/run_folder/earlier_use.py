"""How often these very test rows were used before: a record beside the runs, one line a run.

A test set that is looked at again and again becomes a validation set: each further look makes the best of the looks
more flattering (Dwork et al. 2015, Science 349:636).
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

from rounds.foreign_files import parse_json

NAME = "rounds-ledger.jsonl"


class EarlierUse(NamedTuple):
    """times_before: other runs of this folder that were judged on the same rows, None where the record cannot be read;
    note: what kept the record from being read or written, "" where nothing did.
    """

    times_before: int | None
    note: str


def count_earlier_use(parent: Path, test_hash: str, run_name: str) -> EarlierUse:
    """Adds this run to the record in the folder of runs; never fails, since a result must not be lost over it.

    A run counts once, however often it is resumed. Lines that cannot be read are passed over.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> count_earlier_use(place, "9f3c", "first").times_before, count_earlier_use(place, "9f3c", "second").times_before
    (0, 1)
    """
    path = parent / NAME
    try:
        runs = _runs(path, test_hash)
    except OSError as error:
        return EarlierUse(None, f"The record of test reuse {path} could not be read ({error.strerror}).")
    if run_name in runs:
        return EarlierUse(len(runs - {run_name}), "")
    try:
        _append(path, json.dumps({"test_rows": test_hash, "run": run_name}))
    except OSError as error:
        return EarlierUse(len(runs), f"The record of test reuse {path} could not be written ({error.strerror}).")
    return EarlierUse(len(runs), "")


def _runs(path: Path, test_hash: str) -> set[str]:
    """Names of the runs that were judged on these rows."""
    if not path.exists():
        return set()
    found = set()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = parse_json(line)
            if entry["test_rows"] == test_hash:
                found.add(str(entry["run"]))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _append(path: Path, line: str) -> None:
    """One write to a file opened for appending: two runs that end together both leave their line (POSIX)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, f"{line}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
