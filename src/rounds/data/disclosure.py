"""What may be kept of patients' values: levels and limits that ten patients share, so that no file tells one."""

from math import floor, log10

import numpy as np
import polars as pl

# Patients below which nothing is shown. The usual limit of statistical offices and of hospital data releases
# (CMS cell suppression policy: 1 to 10), in patients.
FEWEST_PATIENTS = 10


def shared_levels(levels: pl.Series, patients: np.ndarray | None = None) -> list[str]:
    """Levels [N] that at least ten patients have, most frequent (in rows) first; patients: [N] (None: every row is
    another).

    >>> shared_levels(pl.Series(["flu"] * 12 + ["rare"] * 12), np.array([*range(12), *[0] * 12]))
    ['flu']
    """
    owners = np.arange(len(levels)) if patients is None else patients
    table = pl.DataFrame({"level": levels, "patient": owners}).drop_nulls("level").group_by("level")
    counted = table.agg(pl.len().alias("rows"), pl.col("patient").n_unique().alias("patients"))
    kept = counted.filter(pl.col("patients") >= FEWEST_PATIENTS)
    return kept.sort(["rows", "level"], descending=[True, False])["level"].to_list()


def shared_limits(values: np.ndarray, patients: np.ndarray | None = None) -> tuple[float, float] | None:
    """Limits [low, high] that ten patients reach on either side, rounded outward; None where there are fewer.

    values: [N] without nan.

    >>> shared_limits(np.arange(18.0, 105.0))
    (20.0, 100.0)
    """
    owners = np.arange(len(values)) if patients is None else patients
    each = pl.DataFrame({"value": values, "patient": owners}).group_by("patient")
    bounds = each.agg(pl.col("value").min().alias("low"), pl.col("value").max().alias("high"))
    if bounds.height < FEWEST_PATIENTS:
        return None
    low = float(np.partition(bounds["low"].to_numpy(), FEWEST_PATIENTS - 1)[FEWEST_PATIENTS - 1])
    high = float(-np.partition(-bounds["high"].to_numpy(), FEWEST_PATIENTS - 1)[FEWEST_PATIENTS - 1])
    return _rounded(low, high) if low < high else (low, low) if low == high else None


def _rounded(low: float, high: float) -> tuple[float, float]:
    """The nearest limits outside of these in steps of the power of ten that is next below their distance."""
    power = floor(log10(high - low))
    step = 10.0**power
    digits = max(-power, 0)
    return round(floor(low / step) * step, digits), round(-floor(-high / step) * step, digits)
