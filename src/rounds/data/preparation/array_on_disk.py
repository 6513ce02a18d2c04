"""Images too many for the memory: rows of files on disk, read when they are asked for and not before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

HELD_BYTES = 256_000_000  # a grid up to this size is held in memory, which is faster; a larger one stays on disk
BLOCK_BYTES = 16_000_000  # of a grid that is walked through: bounds memory, not the result


@dataclass(frozen=True)
class StoredGrid:
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


Grid = np.ndarray | StoredGrid


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


def row_bytes(grid: Grid) -> int:
    """Bytes of one row as it is stored."""
    return int(np.prod(grid.shape[1:])) * grid.dtype.itemsize


def stored(grid: np.ndarray) -> Grid:
    """A grid that was mapped from a file: held in memory where it is small, else left on disk."""
    if grid.nbytes <= HELD_BYTES:
        return grid
    return StoredGrid((grid,), np.arange(len(grid)))


def joined(one: Grid, other: Grid) -> Grid:
    """The rows of both, one after the other; on disk where either is."""
    if not isinstance(one, StoredGrid) and not isinstance(other, StoredGrid):
        return np.concatenate([one, other])
    pieces: list[np.ndarray] = []
    rows, first = [], 0
    for grid in (one, other):
        own = grid.pieces if isinstance(grid, StoredGrid) else (grid,)
        rows.append(first + (grid.rows if isinstance(grid, StoredGrid) else np.arange(len(grid))))
        pieces += own
        first += sum(map(len, own))
    return StoredGrid(tuple(pieces), np.concatenate(rows))


def some_rows(grid: Grid, key: Any) -> Grid:
    """Some rows: of a stored grid still on disk, else an array."""
    return grid.take(key) if isinstance(grid, StoredGrid) else grid[key]


def blocks(grid: Grid, most_rows: int, size: int = BLOCK_BYTES) -> Iterator[np.ndarray]:
    """The grid as arrays of at most so many rows and about so many bytes, in order."""
    rows = max(1, min(most_rows, size // row_bytes(grid)))
    for start in range(0, len(grid), rows):
        yield grid[start : start + rows]
