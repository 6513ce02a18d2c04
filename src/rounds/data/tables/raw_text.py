"""The bytes of a text table as UTF-8: unpacked where they are packed, decoded where they are written otherwise."""

import bz2
import codecs
import gzip
import io
import lzma
import mmap
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rounds.errors import DataError
from rounds.foreign_files import most_unpacked

PACKED = (".gz", ".zip", ".bz2", ".xz")
_CHUNK = 16 * 2**20
_SNIFFED = 65_536  # bytes looked at to tell text from junk, and how wide its letters are
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_NAMES = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252 (Latin-1)",
}


@dataclass(frozen=True)
class RawText:
    """content: UTF-8, as a path or as bytes; name: of the table, without what says that it is packed."""

    content: Path | bytes
    name: str
    notes: tuple[str, ...] = ()

    @property
    def for_polars(self) -> Path | io.BytesIO:
        return self.content if isinstance(self.content, Path) else io.BytesIO(self.content)

    def lines(self) -> io.TextIOWrapper:
        """The text, line ends as they are."""
        if isinstance(self.content, Path):
            return self.content.open(encoding="utf-8-sig", newline="")
        return io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8-sig", newline="")


def raw_text(path: Path) -> RawText:
    """The text of a file. Raises DataError where it is packed badly or too much, or holds binary data."""
    if path.suffix.lower() in PACKED:
        name, unpacked = _unpacked(path)
        return _as_utf8(unpacked, name, (f"{path.name} was unpacked",))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content[:_SNIFFED]
        _refuse_web_page(start, path.name)
        plain = content.find(b"\0") < 0 and not _only_carriage_returns(start) and _is_utf8(content)
    return RawText(path, path.name) if plain else _as_utf8(path.read_bytes(), path.name, ())


def _only_carriage_returns(start: bytes) -> bool:
    return b"\r" in start and b"\n" not in start


def _is_utf8(content: mmap.mmap) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for place in range(0, len(content), _CHUNK):
            decoder.decode(content[place : place + _CHUNK], final=place + _CHUNK >= len(content))
    except UnicodeDecodeError:
        return False
    return True


def _refuse_web_page(start: bytes, name: str) -> None:
    """What a download that needs a log-in often is."""
    if start.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype html", b"<html")):
        raise DataError("DATA", "a table", file=name, advice="It is a web page: download the table itself")


def _as_utf8(content: bytes, name: str, notes: tuple[str, ...]) -> RawText:
    _refuse_web_page(content[:_SNIFFED], name)
    encoding = _encoding(content[:_SNIFFED])
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise _binary(name) from None
        line = content.count(b"\n", 0, error.start) + 1
        text, encoding = content.decode("cp1252", errors="replace"), "cp1252"
        notes = (*notes, f"byte 0x{content[error.start]:02x} in row {line} is no UTF-8")
    if "\0" in text:
        raise _binary(name)
    if encoding in _NAMES:
        notes = (*notes, f"{name} was read as {_NAMES[encoding]}")
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    return RawText(text.removeprefix("\ufeff").encode(), name, notes)


def _encoding(start: bytes) -> str:
    """By its byte order mark, or by zero bytes at every other place; UTF-8 otherwise."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    even, odd = start[::2].count(0), start[1::2].count(0)
    half = len(start) // 2
    if max(even, odd) > 0.8 * half and min(even, odd) < 0.05 * half and half:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def _binary(name: str) -> DataError:
    advice = "It holds binary data: save it as CSV or Parquet"
    return DataError("DATA", "a text table", file=name, advice=advice)


def _unpacked(path: Path) -> tuple[str, bytes]:
    """(name, content) of the one table in a packed file."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".zip":
            return _from_zip(path)
        with _OPENERS[suffix](path) as file:
            content = file.read(most_unpacked(path.stat().st_size) + 1)
    except (
        OSError,
        EOFError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
    ) as error:
        advice = "Unpack it yourself, and give what is in it"
        raise DataError("Packed file", "whole", file=f"{path.name} ({error})", advice=advice) from None
    _refuse_huge(len(content), path)
    return path.stem, content


_OPENERS: dict[str, Callable[[Path], IO[bytes]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}  # type: ignore[dict-item]


def _from_zip(path: Path) -> tuple[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        hidden = ("__MACOSX/", ".")
        members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith(hidden)]
        if len(members) != 1:
            names = ", ".join(m.filename for m in members[:5])
            advice = "Unpack it, and give the table that is meant"
            raise DataError("Zip file", "one table", name="files", got=names or "none", advice=advice)
        _refuse_huge(members[0].file_size, path)
        with archive.open(members[0]) as file:
            content = file.read(most_unpacked(path.stat().st_size) + 1)
    _refuse_huge(len(content), path)
    return Path(members[0].filename).name, content


def _refuse_huge(size: int, path: Path) -> None:
    if size > (most := most_unpacked(path.stat().st_size)):
        advice = "Unpack it, and give the file itself"
        raise DataError("Packed file", f"at most {most:,} bytes unpacked", file=path.name, advice=advice)
