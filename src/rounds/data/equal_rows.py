"""Rows that are equal in every column: who has them, and how many of them chance explains."""

from typing import NamedTuple

import numpy as np
import polars as pl

CHANCE_PAIRS = 0.05  # expected pairs beside those found, at most, where rows repeat more often than by chance
# The same where they stand in pairs; set on digits of the ward (copied rows and none) and on made-up coarse tables,
# correlated and not.
CHANCE_COPIES = 0.3
COPIES = 0.75  # share of the repeated rows that stand in sets of two, from which they stand in pairs
FEW = 0.1  # share of all rows, up to which equal rows of different patients are kept together whatever they come from
VARIED_COLUMNS = 8  # columns by which equal pairs by chance are estimated
_COMPARED_COLUMNS, _COMPARED_ROWS = 100, 5_000  # at most, where a column is sought that says what another does


class EqualRows(NamedTuple):
    """units [N]: code of what must stay on one side of a split, patients or several who have equal rows; rows, sets:
    how many rows of different patients are equal in every column and outcome, and how many sets they make."""

    units: np.ndarray
    rows: int
    sets: int


def equal_rows(inputs: pl.DataFrame, targets: np.ndarray, patients: np.ndarray) -> EqualRows:
    """Patients [N] joined where they have rows equal in every column and outcome.

    Where columns are so coarse that chance makes many such rows, patients stay apart: of those who look the same, some
    with one outcome would be learned from and the others judged.

    >>> frame = pl.DataFrame({"age": [*range(40), 7]})
    >>> made = equal_rows(frame, np.zeros((41, 1)), np.arange(41))
    >>> bool(made.units[7] == made.units[40]), made.rows, made.sets
    (True, 2, 1)
    """
    cells = column_keys(inputs, targets)
    _, owner, count = np.unique(row_keys(cells), return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(count[owner] > 1)
    pairs = np.unique(np.stack([owner[repeated], patients[repeated]], axis=1), axis=0)
    sets, people = np.unique(pairs[:, 0], return_counts=True)
    shared = sets[people > 1]
    rows = int(np.isin(owner, shared).sum())
    apart = EqualRows(patients, rows, len(shared))
    if not len(shared) or (rows > FEW * len(owner) and not beyond_chance(row_keys(cells), chance_pairs(cells))):
        return apart
    return apart._replace(units=_joined(patients, pairs[np.isin(pairs[:, 0], shared)]))


def _joined(patients: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Code [N] of the patients of each row that hang together; pairs [K, 2] of set and patient."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    people = int(patients.max()) + 1
    place = people + np.unique(pairs[:, 0], return_inverse=True)[1]
    size = int(place.max()) + 1
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 1], place)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][patients], np.int64)


def beyond_chance(keys: np.ndarray, chance: float) -> bool:
    """Whether rows of these keys [N] repeat more often than chance explains.

    Columns that hang together make chance pairs more frequent than estimated; but
    then rows are alike in large sets, where somebody who copies rows makes pairs.

    >>> beyond_chance(np.array([1, 1, 2, 3, 4]), 0.2), beyond_chance(np.array([1, 1, 1, 3, 4]), 0.6)
    (True, False)
    """
    found = equal_pairs(keys)
    counts = np.unique(keys, return_counts=True)[1]
    in_pairs = (counts == 2).sum() * 2 >= COPIES * max(counts[counts > 1].sum(), 1)
    return chance <= (CHANCE_COPIES if in_pairs else CHANCE_PAIRS) * found


def column_keys(inputs: pl.DataFrame, targets: np.ndarray | None = None) -> np.ndarray:
    """A number [N, C] uint64 for each cell that equal values of a column share; outcomes are columns too."""
    columns = [*inputs, *([] if targets is None else outcome_columns(targets))]
    keys = np.empty((inputs.height, len(columns)), np.uint64)  # filled in place: it is twice the size of the table
    for place, column in enumerate(columns):
        keys[:, place] = column.hash(seed=place).to_numpy()
    return keys


def outcome_columns(targets: np.ndarray) -> list[pl.Series]:
    """Outcomes [N, T] as columns."""
    return [pl.Series(f"outcome {t}", targets[:, t]) for t in range(targets.shape[1])]


def row_keys(keys: np.ndarray) -> np.ndarray:
    """A number [N] for each row that equal rows share, from those of its cells."""
    return np.asarray(keys.sum(axis=1, dtype=np.uint64))


def equal_pairs(keys: np.ndarray) -> int:
    """Pairs of rows with equal keys [N].

    >>> equal_pairs(np.array([1, 1, 1, 2]))
    3
    """
    counts = np.unique(keys, return_counts=True)[1].astype(np.int64)
    return int((counts * (counts - 1) // 2).sum())


def chance_pairs(keys: np.ndarray) -> float:
    """How many pairs of rows chance makes equal in all columns, from pairs that differ in one column alone.

    Two rows agree in a column by chance with probability q. Rows that chance made equal in all other columns agree
    in this one too in a share q of the pairs: near (1 - q) pairs differ in it, so q / (1 - q) times as many do not.
    Copied rows add nothing to the pairs that differ. The highest estimate of the most varied columns counts; columns
    that another one determines (a code and its label) are left out, since no two rows differ in them alone.
    """
    different = np.unique(row_keys(keys), return_index=True)[1]  # of copied rows every column would determine another
    kept = independent(keys[different])
    pairs = {c: equal_pairs(keys[:, c]) for c in kept}
    agree = {c: 2 * count / max(len(keys) * (len(keys) - 1), 1) for c, count in pairs.items()}
    whole = row_keys(keys)
    for c in set(range(keys.shape[1])) - set(kept):
        whole -= keys[:, c]
    equal, estimates = equal_pairs(whole), [0.0]
    for c in sorted(kept, key=agree.__getitem__)[:VARIED_COLUMNS]:
        near = equal_pairs(whole - keys[:, c]) - equal
        estimates.append(near * agree[c] / max(1 - agree[c], 1e-9))
    return max(estimates)


def independent(keys: np.ndarray) -> list[int]:
    """Columns of [N, C] that no other kept one determines; of two that say the same the first one. Looks at some rows.

    >>> independent(np.array([[1, 7, 0], [2, 8, 0], [1, 7, 1], [3, 8, 1], [2, 8, 1], [3, 8, 0]]))
    [0, 2]
    """
    columns = keys.shape[1]
    if columns > _COMPARED_COLUMNS:
        return list(range(columns))
    some = keys[:: max(len(keys) // _COMPARED_ROWS, 1)]
    different = [len(np.unique(column)) for column in some.T]
    kept: list[int] = []
    for c in sorted(range(columns), key=lambda c: -different[c]):
        if not any(_determines(some[:, k], some[:, c], different[k]) for k in kept):
            kept.append(c)
    return sorted(kept)


def _determines(column: np.ndarray, other: np.ndarray, different: int) -> bool:
    """Whether equal values of a column, if it has some, always go with equal values of the other."""
    repeated = different <= len(column) / 2
    return repeated and len(np.unique(column + np.uint64(31) * other.astype(np.uint64))) == different
