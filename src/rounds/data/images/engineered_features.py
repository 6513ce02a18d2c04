"""Engineered features of an image: what was measured before networks learned to; for baselines to stand on."""

from dataclasses import replace
from math import prod

import numpy as np
import polars as pl

from rounds.data.dataset import Column
from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.data.signals import ARRAY_ROW
from rounds.data.sources.source import Source
from rounds.errors import DataError

REASON = "of the image, by hand"
BLOCK, BLOCK_VALUES = 256, 2**20  # images, and values, at a time: bounds memory, not the result
PERCENTILES = (5, 25, 50, 75, 95)
CELLS, DIRECTIONS = 4, 6  # a side, and bins of half a turn: histograms of oriented gradients (Dalal and Triggs 2005)


def feature_names() -> tuple[str, ...]:
    """Names of the columns that `image_features` makes.

    >>> feature_names()[:3], len(feature_names())
    (('intensity mean', 'intensity spread', 'intensity skewness'), 122)
    """
    whole = ("intensity mean", "intensity spread", "intensity skewness", *(f"intensity {p} %" for p in PERCENTILES))
    cells = [f"{i + 1}.{j + 1}" for i in range(CELLS) for j in range(CELLS)]
    means = (f"intensity of cell {cell}" for cell in cells)
    edges = (f"edges at {180 * d // DIRECTIONS} degrees in cell {cell}" for cell in cells for d in range(DIRECTIONS))
    return (*whole, *means, "texture fine", "texture coarse", *edges)


def image_features(array: ArrayInput, rows: np.ndarray) -> pl.DataFrame:
    """[M] rows of intensity (moments, percentiles, means of 4 x 4 cells) and texture (strength of fine and coarse
    changes, histograms of edges by direction in each cell) of the array's rows [M], channels averaged."""
    size = max(1, min(BLOCK, BLOCK_VALUES // prod(array.shape[1:])))
    blocks = [_of_block(array[rows[start : start + size]]) for start in range(0, len(rows), size)]
    values = np.concatenate(blocks) if blocks else np.empty((0, len(feature_names())), np.float32)
    return pl.DataFrame({name: values[:, i] for i, name in enumerate(feature_names())})


def _of_block(block: np.ndarray) -> np.ndarray:
    grey = block.astype(np.float32).mean(-1)  # [B, H, W]
    flat = grey.reshape(len(grey), -1)
    mean, spread = flat.mean(1), flat.std(1)
    skewness = ((flat - mean[:, None]) ** 3).mean(1) / np.maximum(spread, 1e-6) ** 3
    percentiles = np.percentile(flat, PERCENTILES, axis=1)
    down, across = np.gradient(grey, axis=(1, 2))
    strength = np.hypot(down, across)
    fine = 4 * grey[:, 1:-1, 1:-1] - grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1] - grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
    texture = np.abs(fine).mean((1, 2)), strength.mean((1, 2))
    direction = np.floor(np.arctan2(down, across) % np.pi / np.pi * DIRECTIONS).astype(int) % DIRECTIONS
    edges = np.stack([_cells(strength * (direction == d)) for d in range(DIRECTIONS)], -1)  # [B, cells, D]
    edges = edges / np.maximum(edges.sum((1, 2), keepdims=True), 1e-6)
    made = [mean, spread, skewness, *percentiles, *_cells(grey).T, *texture, *edges.reshape(len(grey), -1).T]
    return np.stack(made, 1).astype(np.float32)


def _cells(values: np.ndarray) -> np.ndarray:
    """Mean in each of CELLS x CELLS parts, [B, H, W] -> [B, cells]."""
    rows, columns = (np.array_split(np.arange(n), CELLS) for n in values.shape[1:])
    return np.stack([values[:, r[0] : r[-1] + 1, c[0] : c[-1] + 1].mean((1, 2)) for r in rows for c in columns], 1)


def with_features(source: Source) -> Source:
    """A source of images with their engineered features as further columns of its table."""
    assert source.signals.array is not None
    made = image_features(source.signals.array, source.table[ARRAY_ROW].to_numpy())
    taken = [name for name in made.columns if name in source.table.columns]
    if taken:
        advice = "Rename the column of the table"
        raise DataError("Column of the table", "of another name than a feature", column=taken[0], advice=advice)
    declared = {s.name: {"role": "numeric", "known": "admission", "reason": REASON} for s in made if s.n_unique() > 1}
    return replace(source, table=source.table.hstack(made), declared={**source.declared, **declared})


def marked_engineered(columns: tuple[Column, ...], modality: str) -> tuple[Column, ...]:
    """The columns with those made from images marked and last."""
    if modality != "image":
        return columns
    names = set(feature_names())
    made = (c.model_copy(update={"engineered": True}) for c in columns if c.name in names)
    return (*(c for c in columns if c.name not in names), *made)
