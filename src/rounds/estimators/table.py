"""X of scikit-learn as a table of columns with roles: every column of a frame by its type, arrays as numbers."""

from typing import Any

import numpy as np
import polars as pl

from rounds.data.dataset import Column, Role


def holds_levels(X: Any) -> bool:
    """Whether X is a frame with a column that is not a number, which no array could hold."""
    return _is_frame(X) and not all(dtype == pl.Float64 for dtype in as_table(X).dtypes)


def _is_frame(X: Any) -> bool:
    return hasattr(X, "columns") and hasattr(X, "dtypes")


def as_table(X: Any) -> pl.DataFrame:
    """A frame with each column as Float64, Boolean or String; of an array [N, F] the columns x0, x1, ...

    >>> as_table(np.array([[1.0, 2.0]])).columns
    ['x0', 'x1']
    >>> as_table(pl.DataFrame({"age": [70], "sex": ["F"]})).dtypes
    [Float64, String]
    """
    if not _is_frame(X):
        return pl.DataFrame({f"x{i}": column for i, column in enumerate(np.asarray(X).T)})
    frame = X if isinstance(X, pl.DataFrame) else pl.from_pandas(X.rename(columns=str))
    return frame.select(_as_read(frame[name]) for name in frame.columns)


def _as_read(column: pl.Series) -> pl.Series:
    if column.dtype.is_numeric():
        return column.cast(pl.Float64)
    return column if column.dtype == pl.Boolean else column.cast(pl.String)


def table_columns(table: pl.DataFrame) -> tuple[Column, ...]:
    """Every column as a feature, by its type."""
    return tuple(
        Column(name=name, role=_ROLES[type(dtype)], reason="its type in X", levels=table[name].n_unique())
        for name, dtype in table.schema.items()
    )


_ROLES: dict[type, Role] = {pl.Float64: "numeric", pl.Boolean: "boolean", pl.String: "categorical"}
