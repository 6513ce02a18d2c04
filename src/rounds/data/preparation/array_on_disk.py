"""Images too many for the memory: rows of files on disk, read when they are asked for and not before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

HELD_BYTES = 256_000_000  # an array up to this size is held in memory, which is faster; a larger one stays on disk
BLOCK_BYTES = 16_000_000  # of an array that is walked through: bounds memory, not the result


@dataclass(frozen=True)
class ArrayOnDisk:
    """[N, *space, channels] whose rows lie in files: places `rows` [N] among the rows of all `pieces`, in their order.

    pieces: memory maps, or plain arrays. A row of a map is read from its file and not through the map, whose pages
    would stay with the process. Indexing gives plain arrays; `take` gives fewer rows and reads nothing.
    """

    pieces: tuple[np.ndarray, ...]
    rows: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.pieces[0].shape[1:])

    @property
    def dtype(self) -> np.dtype:
        return self.pieces[0].dtype

    @property
    def ndim(self) -> int:
        return self.pieces[0].ndim

    @property
    def nbytes(self) -> int:
        return len(self.rows) * row_bytes(self)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> np.ndarray:
        some = self.rows[key]
        return self._read(some) if isinstance(some, np.ndarray) else self._read(np.array([some]))[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        made = self._read(self.rows)
        return made if dtype is None else made.astype(dtype)

    def take(self, key: Any) -> Self:
        """Some rows, still on disk; key: a slice, or an array of places or of yes and no."""
        return type(self)(self.pieces, self.rows[key])

    def _read(self, rows: np.ndarray) -> np.ndarray:
        made = np.empty((len(rows), *self.shape[1:]), self.dtype)
        first = 0
        for piece in self.pieces:
            places = np.flatnonzero((rows >= first) & (rows < first + len(piece)))
            _copy(piece, rows[places] - first, made, places)
            first += len(piece)
        return made


ArrayInput = np.ndarray | ArrayOnDisk


def _copy(piece: np.ndarray, rows: np.ndarray, made: np.ndarray, places: np.ndarray) -> None:
    """made[places] = piece[rows], in the order of the file."""
    if not isinstance(piece, np.memmap) or piece.filename is None:
        made[places] = piece[rows]
        return
    size = row_bytes(piece)
    with open(piece.filename, "rb", buffering=0) as file:
        for place, row in sorted(zip(places.tolist(), rows.tolist(), strict=True), key=lambda pair: pair[1]):
            file.seek(piece.offset + row * size)
            file.readinto(made[place].reshape(-1).view(np.uint8))


def row_bytes(array: ArrayInput) -> int:
    """Bytes of one row as it is stored."""
    return int(np.prod(array.shape[1:])) * array.dtype.itemsize


def stored(array: np.ndarray) -> ArrayInput:
    """An array that was mapped from a file: held in memory where it is small, else left on disk."""
    if array.nbytes <= HELD_BYTES:
        return array
    return ArrayOnDisk((array,), np.arange(len(array)))


def joined(one: ArrayInput, other: ArrayInput) -> ArrayInput:
    """The rows of both, one after the other; on disk where either is."""
    if not isinstance(one, ArrayOnDisk) and not isinstance(other, ArrayOnDisk):
        return np.concatenate([one, other])
    pieces: list[np.ndarray] = []
    rows, first = [], 0
    for array in (one, other):
        own = array.pieces if isinstance(array, ArrayOnDisk) else (array,)
        rows.append(first + (array.rows if isinstance(array, ArrayOnDisk) else np.arange(len(array))))
        pieces += own
        first += sum(map(len, own))
    return ArrayOnDisk(tuple(pieces), np.concatenate(rows))


def some_rows(array: ArrayInput, key: Any) -> ArrayInput:
    """Some rows: of a stored array still on disk, else one in memory."""
    return array.take(key) if isinstance(array, ArrayOnDisk) else array[key]


def blocks(array: ArrayInput, most_rows: int, size: int = BLOCK_BYTES) -> Iterator[np.ndarray]:
    """The array in parts of at most so many rows and about so many bytes, in order."""
    rows = max(1, min(most_rows, size // row_bytes(array)))
    for start in range(0, len(array), rows):
        yield array[start : start + rows]
