"""The bootstrap over patients, who are drawn with all their rows: what every interval over patients rests on."""

from collections.abc import Iterator

import numpy as np

# Weights made at a time, in cells of float64 (8 MB): they stay in the cache, and few blocks sort the predictions.
CELLS = 2**20


def patient_weights(patients: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row counts in each resample: blocks [B, N] float64 of `resamples` weightings in all.

    P patients are drawn with replacement, P times, each with all of their rows; the same patients, resamples and
    seed give the same blocks.

    >>> [block.sum(axis=1).tolist() for block in patient_weights(np.array([7, 8, 9]), 2, 0)]
    [[3.0, 3.0]]
    """
    codes, owner = np.unique(patients, return_inverse=True)
    count, rows = len(codes), len(patients)
    alone = count == rows and bool((owner == np.arange(rows)).all())
    generator = np.random.default_rng(seed)
    block = max(1, CELLS // rows)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = generator.integers(count, size=(size, count)) + np.arange(size)[:, None] * count
        times = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).astype(np.float64)
        yield times if alone else np.take(times, owner, axis=1)
