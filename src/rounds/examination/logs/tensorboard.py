"""TensorBoard event files, read without TensorFlow: TFRecord frames around a few fields of three messages."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Field numbers of event.proto, summary.proto and tensor.proto of TensorFlow.
_STEP, _SUMMARY = 2, 5
_VALUE, _TAG, _SIMPLE, _TENSOR = 1, 1, 2, 8
_DTYPE, _CONTENT, _FLOATS, _DOUBLES = 1, 4, 5, 6
_FLOAT, _DOUBLE = 1, 2  # DT_FLOAT, DT_DOUBLE


class Scalar(NamedTuple):
    """One logged number."""

    tag: str
    step: int
    value: float


def read_scalars(path: Path) -> list[Scalar]:
    """Every scalar of an event file, in its order; a record that a killed writer left half-written ends the file."""
    found: list[Scalar] = []
    for record in _records(path.read_bytes()):
        fields = dict(_fields(record))
        step, summary = fields.get(_STEP, 0), fields.get(_SUMMARY)
        if isinstance(summary, bytes):
            found += [Scalar(tag, int(step), value) for tag, value in _values(summary)]
    return found


def _records(raw: bytes) -> Iterator[bytes]:
    """Payloads of TFRecord frames: length (8 bytes), its checksum (4), payload, its checksum (4)."""
    at = 0
    while at + 12 <= len(raw):
        (length,) = struct.unpack_from("<Q", raw, at)
        if at + 16 + length > len(raw):
            return
        yield raw[at + 12 : at + 12 + length]
        at += 16 + length


def _values(summary: bytes) -> Iterator[tuple[str, float]]:
    for number, content in _fields(summary):
        if number != _VALUE or not isinstance(content, bytes):
            continue
        fields = dict(_fields(content))
        tag, simple, tensor = fields.get(_TAG), fields.get(_SIMPLE), fields.get(_TENSOR)
        value = _float(simple) if isinstance(simple, bytes) else _scalar(tensor) if isinstance(tensor, bytes) else None
        if isinstance(tag, bytes) and value is not None:
            yield tag.decode("utf-8", "replace"), value


def _float(raw: bytes) -> float:
    return float(struct.unpack("<f", raw)[0])


def _scalar(tensor: bytes) -> float | None:
    """The number in a tensor of one float; None for other tensors."""
    fields = dict(_fields(tensor))
    kind = fields.get(_DTYPE)
    form = {_FLOAT: "<f", _DOUBLE: "<d"}.get(kind if isinstance(kind, int) else 0)
    raw = fields.get(_CONTENT) or fields.get(_FLOATS if kind == _FLOAT else _DOUBLES)
    if form is None or not isinstance(raw, bytes) or len(raw) != struct.calcsize(form):
        return None
    return float(struct.unpack(form, raw)[0])


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, content) of a protocol buffer: whole numbers as int, all else as bytes; ends where damaged."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            return
        if at + size > len(message):
            return
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """(value, next position) of a whole number in sevens of bits, lowest first."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            break
    return value, at
