"""Files that others made: opened only where they are regular and where their names lead, and no larger than fits."""

import io
import json
import math
import os
import stat
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rounds.errors import DataError, RoundsError

# Bytes of a JSON or TOML file at most: many times what the largest record of a run takes.
MOST_RECORD_BYTES = 256 * 2**20
LONGEST_REASON = 200  # letters of another library's words that an error quotes
# What an archive unpacks to at most: a share of the machine's memory, and so many times its own size where it is not
# small. Deflate reaches 1,032 times on zeros alone; arrays of images and labels stay far below 200.
MEMORY_SHARE, MOST_EXPANSION, SMALL_ARCHIVE = 0.5, 200, 64 * 2**20

JsonObject = dict[str, Any]  # of any content: what a file holds, or a template is filled with


def refusal(path: Path, folder: Path) -> str:
    """Why a file that another file names is not opened, in a few words; "" where nothing speaks against it.

    folder: that of the file that names it. Only regular files inside it are read: what leads out of it (`..`, an
    absolute path, a link), and devices and pipes, which may have no end, are not.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a.dat").write_bytes(b"1")
    1
    >>> [refusal(folder / name, folder) for name in ("a.dat", "b.dat", "../c.dat")]
    ['', 'no such file', 'leads out of its folder']
    """
    try:
        real, own = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
        if not real.is_relative_to(own):
            return "leads out of its folder"
        kind = os.stat(real).st_mode
    except ValueError:  # a zero byte within the name
        return "no name of a file"
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return str(error.strerror or "cannot be read").lower()
    return "" if stat.S_ISREG(kind) else "no regular file"


def shown(name: str) -> str:
    """A file's name as text that can be printed and saved, whatever bytes it has.

    >>> shown("ward.csv"), len(shown(os.fsdecode(bytes([119, 255]))))
    ('ward.csv', 5)
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@contextmanager
def named_plainly(path: Path) -> Iterator[Path]:
    """Another name of a file whose own is no UTF-8, which libraries in Rust cannot open."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / _storable(shown(path.name))
        link.symlink_to(path.resolve())
        yield link


def _storable(name: str) -> str:
    """A name that this machine can give to a file: where it knows ASCII alone, in ASCII."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return name.encode("ascii", "backslashreplace").decode()
    return name


def read_small(path: Path, most: int = MOST_RECORD_BYTES) -> bytes:
    """The bytes of a regular file; raises OSError where it cannot be read, ValueError where it is none or too large."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("no regular file")
    if status.st_size > most:
        raise ValueError(f"{status.st_size:,} bytes, at most {most:,} are read")
    return path.read_bytes()


def parse_json(raw: bytes | str, object_hook: Callable[[JsonObject], Any] | None = None, nan: bool = False) -> Any:
    """What a JSON text says; raises ValueError for whatever is wrong with it, numbers that JSON does not have too.

    object_hook: what becomes of each object; nan: take NaN and Infinity, which Python's own writer leaves.

    >>> parse_json('{"rows": 3}')
    {'rows': 3}
    >>> parse_json('[' * 100_000)
    Traceback (most recent call last):
        ...
    ValueError: nested too deep
    """
    try:
        return json.loads(raw, parse_constant=float if nan else _no_number, object_hook=object_hook)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def parse_toml(raw: bytes) -> JsonObject:
    """What a TOML text says; raises ValueError for whatever is wrong with it.

    >>> parse_toml(b"rows = 3")
    {'rows': 3}
    """
    try:
        return tomllib.loads(raw.decode("utf-8-sig").replace("\r\n", "\n"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def archive_fault(source: Path | io.BytesIO) -> str:
    """Why a ZIP archive (NPZ, .keras, .zip) is not unpacked, "" where nothing speaks against it.

    The sizes that it declares are looked at before anything is unpacked: their sum must fit into memory, and be
    believable for the size of the file.
    """
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source.getbuffer())
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RecursionError) as error:
        return f"no ZIP archive ({str(error) or type(error).__name__})"
    declared = sum(m.file_size for m in members)
    if declared > memory_limit():
        return f"unpacks to {declared / 2**30:,.1f} GB, more than half of this machine's memory"
    if declared > max(SMALL_ARCHIVE, MOST_EXPANSION * size):
        return f"unpacks to {declared / max(size, 1):,.0f} times its size"
    if len({m.filename for m in members}) < len(members):
        return "holds one name twice"
    return ""


def most_unpacked(size: int) -> int:
    """Bytes that a packed file of this size may grow to.

    >>> most_unpacked(10) // 2**20
    64
    """
    return int(min(memory_limit(), max(SMALL_ARCHIVE, MOST_EXPANSION * size)))


def memory_limit() -> float:
    """Bytes that one file may take: half of the memory that the machine has; infinite where it does not tell."""
    try:
        return MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf


@contextmanager
def damage_named(what: str, name: str, advice: str) -> Iterator[None]:
    """What decoders do on damaged bytes (they raise whatever they like, and those in Rust panic) as a DataError.

    Standard output and error are closed meanwhile, since libraries tell them of their faults in their own way.
    """
    try:
        with silenced():
            yield
    except RoundsError:
        raise
    except MemoryError:
        raise DataError(what, "small enough for memory", file=name, advice=advice) from None
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # which is no Exception
            raise
        first = next(iter(str(error).splitlines()), "")[:LONGEST_REASON] or type(error).__name__
        raise DataError(what, "whole and readable", file=f"{name} ({first})", advice=advice) from None


@contextmanager
def silenced() -> Iterator[None]:
    """Standard output and error of this process, libraries' included, lead nowhere meanwhile."""
    kept = {}
    for number in (1, 2):
        with suppress(OSError):  # it is closed already
            kept[number] = os.dup(number)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, handle in kept.items():
            os.dup2(handle, number)
            os.close(handle)
        os.close(nowhere)
