"""A fingerprint of a table: two runs are of the same data where it agrees."""

import hashlib

import numpy as np
import polars as pl

from rounds.data.preparation.array_on_disk import ArrayInput, blocks

_HASHED_ROWS, _HASHED_IMAGES = 100_000, 256


def content_hash(table: pl.DataFrame, array: ArrayInput | None = None) -> str:
    """SHA-256 over names, types and cells, in order, and over images or recordings; a block of rows at a time.

    >>> content_hash(pl.DataFrame({"a": [1]})) == content_hash(pl.DataFrame({"a": [2]}))
    False
    """
    digest = hashlib.sha256(repr(list(zip(table.columns, map(str, table.dtypes), strict=True))).encode())
    for start in range(0, table.height, _HASHED_ROWS):
        for series in table.slice(start, _HASHED_ROWS):
            digest.update(_cells(series))
    if array is not None:
        digest.update(repr((array.dtype.str, array.shape)).encode())
        for block in blocks(array, _HASHED_IMAGES):
            digest.update(np.ascontiguousarray(block).tobytes())
    return digest.hexdigest()


def _cells(series: pl.Series) -> bytes:
    missing = np.packbits(series.is_null().to_numpy()).tobytes()
    if series.dtype.is_numeric() or series.dtype == pl.Boolean or series.dtype.is_temporal():
        numbers = series.to_physical()
        zero = False if numbers.dtype == pl.Boolean else 0
        return missing + np.ascontiguousarray(numbers.fill_null(zero).to_numpy()).tobytes()
    return missing + "\x1f".join(series.cast(pl.String).fill_null("").to_list()).encode()
