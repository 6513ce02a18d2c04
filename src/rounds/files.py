"""Files that are written whole or not at all: beside their place first, then onto the disk, then renamed."""

import errno
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rounds.errors import BrokenOffError, RunFolderError
from rounds.foreign_files import JsonObject

_LEFTOVER = re.compile(r"\.(?P<name>.+)\.\d+-\d+\.(?P<ending>part|old)")
OLD = "old"  # ending of the hidden name under which a folder is put aside
_ADVICE = {
    errno.ENOSPC: "Free some space or choose another folder with --out",
    errno.EDQUOT: "Free some of your quota or choose another folder with --out",
    errno.EACCES: "Choose a folder you may write to with --out",
    errno.EPERM: "Choose a folder you may write to with --out",
    errno.EROFS: "Choose a folder on a disk that is not read-only with --out",
    errno.ENOTDIR: "Part of the path is a file: choose another folder with --out",
    errno.EEXIST: "A file stands where a folder is needed: choose another folder with --out",
    errno.EISDIR: "A folder stands where a file is needed: choose another name",
    errno.ENAMETOOLONG: "Choose a shorter name",
    errno.EFBIG: "Raise the limit of file sizes (ulimit -f unlimited) or choose another folder with --out",
}
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROOM_LEFT = (
    "Disk must have room for the run, got path={path!r} ({reason}). What was trained before is kept: make room and run "
    "the same command with --resume."
)


def write_whole(path: Path, content: bytes | str) -> None:
    """Writes `content` (text as UTF-8) to `path`, so that a reader or a crash sees the old file or the new, never half.

    Folders above are made. Raises RunFolderError where the disk is full or the folder cannot be written.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "run" / "note.txt"
    >>> write_whole(place, "whole")
    >>> place.read_text()
    'whole'
    """
    raw = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    part = _beside(path)
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(part, raw)
            os.replace(part, path)
            _sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)


def write_json(path: Path, record: BaseModel | JsonObject | list[Any]) -> None:
    """Writes a record as indented JSON, whole or not at all; raises RunFolderError as `write_whole`.

    Numbers that JSON does not have (nan, inf) are refused with ValueError: a run folder is read by other tools.
    """
    write_whole(path, json_text(record))


def json_text(record: BaseModel | JsonObject | list[Any]) -> str:
    """A record as indented JSON text that ends in a newline.

    >>> json_text({"rows": 3})
    '{\\n  "rows": 3\\n}\\n'
    """
    plain = record.model_dump(mode="json") if isinstance(record, BaseModel) else record
    return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that takes the place of `path` when the block ends well, and leaves no trace when it does not.

    Yields the folder beside `path` that files are written into. The folder that was there is put aside, and deleted
    only when the new one is in its place: whatever fails, one of the two is at `path`. Killed between the two renames,
    a process leaves the old one beside it, where `existing_folder` finds it. Raises RunFolderError as `write_whole`.
    """
    part, old = _beside(path), _beside(path, OLD)
    with writable(path):
        try:
            shutil.rmtree(part, ignore_errors=True)  # of a process that was killed, and had this one's number
            part.mkdir(parents=True)
            yield part
            _sync_folder(part)
            if (there := existing_folder(path)).exists():
                os.replace(there, old)
            os.replace(part, path)
            _sync_folder(path.parent)
        finally:
            if old.exists() and not path.exists():
                os.replace(old, path)
            shutil.rmtree(part, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def existing_folder(path: Path) -> Path:
    """`path`, or the folder that a process put aside and was killed before it could put another in its place.

    >>> existing_folder(Path("runs/none/model"))
    PosixPath('runs/none/model')
    """
    if path.exists() or not path.parent.is_dir():
        return path
    aside = (p for p in path.parent.iterdir() if p.name.startswith(f".{path.name}.") and p.name.endswith(f".{OLD}"))
    return min(aside, default=path)


def cache_home() -> Path:
    """Where Rounds keeps what it can make again: rounds/ in XDG_CACHE_HOME, or in .cache of the home folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rounds"


def remove_leftovers(folder: Path) -> None:
    """Removes what a process that was killed left of files and folders it had not finished, and puts back what it had
    put aside. Only for who knows that nobody else writes into the folder.
    """
    for path in sorted(folder.rglob(".*")):
        found = _LEFTOVER.fullmatch(path.name)
        if found is None or not path.exists():
            continue
        if found["ending"] == OLD and not path.with_name(found["name"]).exists():
            os.replace(path, path.with_name(found["name"]))
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_leftover(path: Path) -> bool:
    """Whether a name is that of a file or folder that was not finished.

    >>> is_leftover(Path(".plan.json.12-140.part")), is_leftover(Path("plan.json"))
    (True, False)
    """
    return _LEFTOVER.fullmatch(path.name) is not None


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turns what the operating system says when `path` cannot be written into a RunFolderError with advice."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "Check the path and the disk")
        if error.errno in _NO_ROOM and _resumable(path):
            raise BrokenOffError(_NO_ROOM_LEFT.format(path=str(path), reason=os.strerror(error.errno))) from None
        reason = os.strerror(error.errno) if error.errno else str(error)
        text = f"Place to write must be a folder that can be written, got path={str(path)!r} ({reason}). {advice}."
        raise RunFolderError(text) from None


def _resumable(path: Path) -> bool:
    """Whether a file belongs to a run that has begun, and goes on from where it is."""
    return any((folder / "plan.json").is_file() for folder in (path.parent, path.parent.parent))


def _beside(path: Path, ending: str = "part") -> Path:
    """A hidden name in the same folder, so that renaming stays on one disk; threads and processes never share it."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.{ending}")


def _write_synced(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """A rename is safe from a power cut only when the folder itself is on the disk (POSIX)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
