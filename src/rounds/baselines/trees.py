"""Gradient-boosted trees as plain arrays: the walk from root to leaf, in NumPy, without the library that grew them.

A forest of M nodes in all trees: feature [M] int32, threshold [M] float64, left and right [M] int32 (places in these
arrays), missing_left and leaf [M] uint8, value [M] float64, category [M] int32 (row of `go_left`, -1 where the split
is by number), go_left [Q, 256] uint8 (levels that go left), known [F, 256] uint8 (levels that training had), root and
output [trees] int32 (where a tree starts, what it adds to), start [outputs] float64 (what all sums start from).
"""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from rounds.data.dataset import Column
from rounds.data.disclosure import shared_levels
from rounds.data.tables.values import as_booleans, as_levels, as_numbers

# scikit-learn's histogram trees tell up to 255 levels apart; the last stands for all others.
MOST_LEVELS = 254
# Width of a row of `go_left` and `known`: the levels, one that stands for the others, and one to spare.
LEVELS = 256
# Rows walked at a time: what a step reads stays in the cache.
BLOCK_ROWS = 8192


class TreeColumn(BaseModel):
    """How trees read one column: numbers as they are, levels as their place in `levels` (most frequent first)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    role: Literal["numeric", "boolean", "categorical"]
    levels: tuple[str, ...] = ()

    @classmethod
    def fit(cls, column: Column, values: pl.Series, patients: np.ndarray) -> "TreeColumn":
        """Levels from the training rows; those of too few patients [N], and the rarest of very many, are "other"."""
        if column.role != "categorical":
            return cls(column=column.name, role="boolean" if column.role == "boolean" else "numeric")
        kept = shared_levels(as_levels(values), patients)[:MOST_LEVELS]
        return cls(column=column.name, role="categorical", levels=tuple(kept))

    def read(self, inputs: pl.DataFrame) -> np.ndarray:
        """[N] float64, missing = nan; a level that was not kept is number len(levels)."""
        values = inputs.get_column(self.column, default=None)
        if values is None:
            return np.full(inputs.height, np.nan)
        if self.role == "numeric":
            return as_numbers(values)
        if self.role == "boolean":
            return as_booleans(values).cast(pl.Float64).to_numpy().astype(np.float64)
        levels, text = list(self.levels), as_levels(values)
        codes = text.replace_strict(levels, list(range(len(levels))), default=len(levels), return_dtype=pl.Float64)
        return np.where(text.is_null().to_numpy(), np.nan, codes.to_numpy())


def tree_inputs(columns: tuple[TreeColumn, ...], inputs: pl.DataFrame) -> np.ndarray:
    """A table as trees read it: [N, F] float64, missing = nan.

    >>> sex = TreeColumn(column="sex", role="categorical", levels=("F", "M"))
    >>> tree_inputs((sex,), pl.DataFrame({"sex": ["M", None]}))
    array([[ 1.],
           [nan]])
    """
    values = np.empty((inputs.height, len(columns)))  # filled in place: stacked, it would stand in memory twice
    for place, column in enumerate(columns):
        values[:, place] = column.read(inputs)
    return values


def forest_outputs(forest: dict[str, np.ndarray], values: np.ndarray) -> np.ndarray:
    """Sums of the leaves that rows [N, F] fall into: [N, outputs] float64.

    >>> stump = {"feature": np.array([0, 0, 0]), "threshold": np.array([50.0, 0, 0]), "left": np.array([1, 0, 0])}
    >>> stump |= {"right": np.array([2, 0, 0]), "missing_left": np.array([1, 0, 0]), "leaf": np.array([0, 1, 1])}
    >>> stump |= {"value": np.array([0.0, -1.0, 1.0]), "category": np.array([-1, -1, -1]), "root": np.array([0])}
    >>> stump |= {"go_left": np.zeros((0, 256)), "known": np.zeros((1, 256))}
    >>> stump |= {"output": np.array([0]), "start": np.array([5.0])}
    >>> forest_outputs(stump, np.array([[40.0], [60.0], [np.nan]])).ravel()
    array([4., 6., 4.])
    """
    found = np.tile(forest["start"], (len(values), 1))
    for start in range(0, len(values), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        for root, output in zip(forest["root"], forest["output"], strict=True):
            found[rows, output] += forest["value"][_leaves(forest, int(root), values[rows])]
    return found


def _leaves(forest: dict[str, np.ndarray], root: int, values: np.ndarray) -> np.ndarray:
    """The leaf of each row [N], by steps that only rows not yet at a leaf take."""
    node, walking = np.full(len(values), root), np.arange(len(values))
    while len(walking):
        at = node[walking]
        inner = forest["leaf"][at] == 0
        walking, at = walking[inner], at[inner]
        left = _goes_left(forest, at, values[walking, forest["feature"][at]])
        node[walking] = np.where(left, forest["left"][at], forest["right"][at])
    return node


def _goes_left(forest: dict[str, np.ndarray], at: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Whether values x [W] at nodes [W] go left; missing values, and levels that training did not have, as learned."""
    missing = np.isnan(x)
    left = x <= forest["threshold"][at]
    by_level = np.flatnonzero((forest["category"][at] >= 0) & ~missing)
    if len(by_level):
        nodes, level = at[by_level], x[by_level].astype(np.int64)
        left[by_level] = forest["go_left"][forest["category"][nodes], level]
        missing[by_level] = forest["known"][forest["feature"][nodes], level] == 0
    return np.where(missing, forest["missing_left"][at] == 1, left)
