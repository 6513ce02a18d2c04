"""Numbers that registries write for "missing" (-9, 999, ...): proposed where frequent and far from all other values."""

import re

import numpy as np
import polars as pl

# Nines, eights, sevens (and 98, 97, ... beside them) of any length, with or without a sign, and -1 to -9.
_CODE = re.compile(r"^-?(9+|8+|7+|9+[678])$|^-[1-9]$")
SHARE, ROWS, FEWEST_ROWS = 0.002, 3, 20  # of the rows; rows; rows of a table, below which shares say nothing
# How far, in spreads (10 % to 90 %) of the other values, a code must lie outside them; and how far the others must lie
# above 0, as a share of their median and in steps between them.
DISTANCE, ZERO_SHARE_OF_MEDIAN, ZERO_STEPS = 0.5, 0.08, 3.0
LARGEST_STEPS = 5.0  # of the largest step between the values of that half: 99 above ages that end at 87 without a gap
NEGATIVE_CODES = 3  # different values below zero at most, where all others are above it
FEW_VALUES = 5  # different other values below which a code is one of answers, such as 9 beside 0 and 1
SCALE_CODE = 7.0  # refused, beside answers that end at 5 at most
SHARE_OF_AN_ANSWER = 0.03  # of the rows, that gave each answer of a scale
ANSWER_CODES = (9.0, 8.0, 7.0, 99.0, 98.0, 97.0, 88.0, 77.0, 999.0, -1.0, -9.0, -8.0, -7.0, -99.0)


def proposed_missing(values: pl.Series) -> tuple[str, ...]:
    """Codes in a numeric column that look like missing values; zeros below a gap too.

    >>> proposed_missing(pl.Series([50.0 + i % 7 for i in range(60)] + [-9.0] * 6))
    ('-9',)
    >>> proposed_missing(pl.Series([-2.0, -1.0, 0.0, 1.0, -1.0, 2.0] * 20)), proposed_missing(pl.Series([0, 1, 9] * 20))
    ((), ('9',))
    """
    numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) < FEWEST_ROWS:
        return ()
    least = max(ROWS, SHARE * len(numbers))
    different, counts = np.unique(numbers, return_counts=True)
    often = different[counts >= least]
    codes = [float(v) for v in often if v == round(v) and _CODE.match(f"{v:.0f}")]
    found: list[float] = []
    for code in sorted(codes, key=abs):
        others = numbers[~np.isin(numbers, [*found, *(c for c in codes if c * code > 0 and abs(c) >= abs(code))])]
        few_below = bool(code < 0 and np.count_nonzero(different < 0) <= NEGATIVE_CODES)
        if _far_outside(others, code, few_below) or _beside_answers(different, code) or _of_a_scale(numbers, code):
            found.append(code)
    found.sort(key=lambda code: (code > 0, abs(code)))
    if counts[different == 0.0].sum() >= least and _zero_is_missing(numbers, found):
        found.append(0.0)
    return tuple(f"{code:.0f}" for code in found)


def _far_outside(others: np.ndarray, code: float, few_below: bool) -> bool:
    """Beyond half a spread of the others, beyond many of their largest steps, or below zero where nothing else is."""
    values = np.unique(others)
    if len(values) < FEW_VALUES:
        return False
    low, high = np.quantile(others, (0.1, 0.9))
    gap = max(values.min() - code, code - values.max())
    half = np.diff(values[len(values) // 2 :] if code > 0 else values[: len(values) // 2 + 1])
    alone = few_below and values.min() >= 0
    return bool(gap > DISTANCE * max(high - low, 1e-12) or gap >= LARGEST_STEPS * half.max() or alone)


def _beside_answers(different: np.ndarray, code: float) -> bool:
    """9 beside 0 and 1: an answer that was not given. Scales that go up to it, step by step, have no gap below."""
    rest = different[~np.isin(different, ANSWER_CODES)]
    if not 2 <= len(rest) < FEW_VALUES:
        return False
    few = bool((np.diff(rest) == 1).all()) and rest.min() in (0.0, 1.0)
    apart = code < rest.min() - 1 or code > rest.max() + 1 or (code == -1.0 and rest.min() == 0.0)
    return bool(few and apart and code in ANSWER_CODES)


def _of_a_scale(numbers: np.ndarray, code: float) -> bool:
    """9 beside 1 to 6: none of the answers of a scale without gaps, each of which many gave; counts thin out."""
    others = numbers[~np.isin(numbers, [c for c in ANSWER_CODES if c >= SCALE_CODE])]
    answers, counts = np.unique(others, return_counts=True)
    if (
        code < SCALE_CODE
        or code not in ANSWER_CODES
        or not FEW_VALUES <= len(answers) < SCALE_CODE
        or answers[0] not in (0.0, 1.0)
    ):
        return False
    whole = bool((np.diff(answers) == 1).all())
    apart = answers[-1] + 1 not in numbers
    return whole and apart and bool(counts.min() >= SHARE_OF_AN_ANSWER * len(numbers))


def _zero_is_missing(numbers: np.ndarray, codes: list[float]) -> bool:
    others = numbers[(numbers != 0.0) & ~np.isin(numbers, [c for c in codes if c < 0])]
    if len(np.unique(others)) < 10 or others.min() < 0:
        return False
    step = np.median(np.diff(np.unique(others)))  # counts 1, 2, 3, ... go on to 0 without a gap
    return bool(others.min() > max(ZERO_SHARE_OF_MEDIAN * np.median(others), ZERO_STEPS * step))
