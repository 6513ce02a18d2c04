"""One run a folder: a lock that two runs never share, and that the system frees however a run ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from rounds.errors import BrokenOffError, RunFolderError
from rounds.files import writable

try:
    import fcntl
except ImportError:  # Windows: runs are not kept apart there
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"


class FolderLock(NamedTuple):
    """A folder that this process alone writes, and the open file that says so."""

    folder: Path
    handle: int

    def check(self) -> None:
        """Raises RunFolderError where the folder was deleted or moved meanwhile: writing on would leave half a run."""
        if not _is_file_of(self.folder / LOCK, self.handle):
            advice = "It was deleted or moved while the run went on: start the run again"
            raise BrokenOffError(
                "Run folder", "left where it is until the end", name="out", got=str(self.folder), advice=advice
            )


@contextmanager
def locked(folder: Path) -> Iterator[FolderLock]:
    """Keeps all other runs out of the folder, which is made where it is not there yet, and removed if it stays empty.

    Raises RunFolderError where another run holds it, or it cannot be written.
    """
    new = not folder.exists()
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = _acquired(folder / LOCK)
    try:
        yield FolderLock(folder, handle)
    finally:
        with suppress(OSError):
            if _is_file_of(folder / LOCK, handle):
                os.unlink(folder / LOCK)
            if new:
                folder.rmdir()
        os.close(handle)


def _acquired(path: Path) -> int:
    """The lock file, open and locked; a file that its last owner removed just now is made again."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle, path.parent)
        except BaseException:
            os.close(handle)
            raise
        if _is_file_of(path, handle):
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
            return handle
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.read(handle, 32).decode("ascii", "replace").strip()
        advice = "Wait until it has ended, or choose another folder with --out"
        shown = f"{folder} (process {owner})"
        raise RunFolderError("out", "a folder that no other run is writing", got=shown, advice=advice) from None
    except OSError:  # a file system that has no locks
        return


def _is_file_of(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except OSError:
        return False
