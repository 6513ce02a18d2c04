"""Curves in a Parquet file: a row (epoch, split, metric, value), or a column a metric."""

from pathlib import Path

from rounds.errors import DataError
from rounds.examination.logs.delimited import LONG, pivoted
from rounds.examination.logs.table import LogTable

MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet files do, or is named so."""
    with path.open("rb") as file:
        return file.read(4) == MAGIC or path.suffix.lower() == ".parquet"


def read_parquet(path: Path) -> list[LogTable]:
    """Raises DataError where the file is damaged."""
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        advice = "Check the file"
        raise DataError(
            path.name, "a Parquet file that can be read", name="error", got=str(error)[:120], advice=advice
        ) from None
    rows = frame.to_dicts()
    return [LogTable(path.name, pivoted(rows) if set(frame.columns) >= set(LONG) else rows)]
