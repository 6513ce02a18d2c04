"""Whether the sizes that a Parquet file declares can be true: a reader that believes them may take the process down.

The footer and each page's header are records in Thrift's compact protocol (parquet-format 2.11, thrift-compact 0.20).
"""

import mmap
from pathlib import Path
from typing import Any

from rounds.foreign_files import memory_limit

MAGIC = b"PAR1"
MOST_COLUMNS, DEEPEST = 100_000, 32
# Values for each byte of the file that can be believed, once there are many: runs of equal values take hardly any.
MOST_VALUES_A_BYTE, FEW_VALUES = 1_000, 50_000_000
# Fields by their numbers in parquet.thrift.
_SCHEMA, _ROWS, _GROUPS, _COLUMNS, _META, _OTHER_FILE = 2, 3, 4, 1, 3, 1
_VALUES, _UNPACKED, _PACKED, _DATA_AT, _DICTIONARY_AT, _CODEC = 5, 6, 7, 9, 11, 4
_PAGE_UNPACKED, _PAGE_PACKED, _PAGE_KINDS, _PAGE_VALUES = 2, 3, (5, 7, 8), 1
_V2, _V2_COUNTS = 8, (1, 2, 3, 5, 6)

Fields = dict[int, Any]


def parquet_fault(path: Path) -> str:
    """What is wrong with a Parquet file's sizes, "" where nothing is."""
    size = path.stat().st_size
    if size < 12:
        return "no Parquet file"
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _fault(content, size)
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, AttributeError, RecursionError):
        return "its directory is damaged"


def _fault(content: mmap.mmap, size: int) -> str:
    length = int.from_bytes(content[size - 8 : size - 4], "little")
    if content[:4] != MAGIC or content[size - 4 :] != MAGIC or length > size - 12:
        return "no Parquet file"
    head = _Compact(content, size - 8 - length, size - 8).struct()
    groups = head.get(_GROUPS, [])
    rows = [group[_ROWS] for group in groups]
    if len(head[_SCHEMA]) > MOST_COLUMNS or min(rows, default=0) < 0 or sum(rows) != head[_ROWS]:
        return "its rows do not add up"
    unpacked = sum(column[_META][_UNPACKED] for group in groups for column in group[_COLUMNS])
    if unpacked > memory_limit():
        return f"it unpacks to {unpacked / 2**30:,.1f} GB"
    values = sum(column[_META][_VALUES] for group in groups for column in group[_COLUMNS])
    if values > max(FEW_VALUES, MOST_VALUES_A_BYTE * size):
        return f"it holds {values:,} values in {size:,} bytes"
    for group in groups:
        for column in group[_COLUMNS]:
            if why := _fault_of_column(content, column, size - 8 - length, group[_ROWS]):
                return why
    return ""


def _fault_of_column(content: mmap.mmap, column: Fields, end: int, rows: int) -> str:
    """What is wrong with the pages of one column of one group of rows."""
    if column.get(_OTHER_FILE):
        return "it names another file"
    meta = column[_META]
    at = min(meta[_DATA_AT], meta.get(_DICTIONARY_AT) or meta[_DATA_AT])
    last = at + meta[_PACKED]
    if not 4 <= at <= last <= end or meta[_VALUES] < rows or meta[_UNPACKED] < 0:
        return "a column lies outside of the file"
    while at < last:
        reader = _Compact(content, at, last)
        page = reader.struct()
        counts = [page[kind][_PAGE_VALUES] for kind in _PAGE_KINDS if kind in page]
        counts += [page[_V2].get(n, 0) for n in _V2_COUNTS] if _V2 in page else []
        if min(counts, default=0) < 0 or max(counts, default=0) > max(meta[_VALUES], page[_PAGE_UNPACKED]):
            return "a page holds more values than its column"
        if not 0 <= page[_PAGE_PACKED] <= last - reader.at or not 0 <= page[_PAGE_UNPACKED] <= meta[_UNPACKED]:
            return "a page is larger than its column"
        if meta.get(_CODEC, 0) == 0 and page[_PAGE_PACKED] != page[_PAGE_UNPACKED]:
            return "a page is not as long as it says"
        at = reader.at + page[_PAGE_PACKED]
    return ""


class _Compact:
    """Reads Thrift's compact protocol between two places; raises IndexError or ValueError where it is none."""

    def __init__(self, content: mmap.mmap, start: int, end: int) -> None:
        self.content, self.at, self.end = content, start, end

    def struct(self, depth: int = 0) -> Fields:
        """The fields of a record by number: numbers, texts as None, lists, records."""
        found: Fields = {}
        number = 0
        if depth > DEEPEST:
            raise ValueError("nested too deep")
        while head := self._byte():
            step = head >> 4
            number = number + step if step else self._number()
            found[number] = self._value(head & 15, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # booleans, held in the kind itself
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._number()
        if kind == 7:
            return self._skip(8)
        if kind == 8:
            return self._skip(self._varint())
        if kind in (9, 10):
            return self._list(depth)
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError("unknown kind")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 != 15 else self._varint()
        if count > self.end - self.at:
            raise ValueError("more items than bytes")
        kind = head & 15
        return [self._byte() if kind in (1, 2) else self._value(kind, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        if self.at >= self.end:
            raise IndexError("ends too early")
        self.at += 1
        return self.content[self.at - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("too long a number")

    def _number(self) -> int:
        raw = self._varint()
        return (raw >> 1) ^ -(raw & 1)

    def _skip(self, count: int) -> None:
        if count > self.end - self.at:
            raise ValueError("longer than the file")
        self.at += count
