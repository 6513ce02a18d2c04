"""Whether new patients are like those of training, column by column, without their outcomes."""

from typing import Literal

import numpy as np
import polars as pl

from rounds.data.tables.values import as_booleans, as_levels, as_numbers
from rounds.run_folder.stored import Part
from rounds.statistics.training_profile import OTHER, ProfileColumn, TrainingProfile, patient_shares, shares

# Limits of the population stability index: below the first stable, above the second shifted (Siddiqi 2006, Credit
# Risk Scorecards, chapter 9; a convention of practice, no unit).
SOME_SHIFT, LARGE_SHIFT = 0.1, 0.25
# Besides, chance alone must hardly explain it: family-wise error over all columns (Holm 1979).
SIGNIFICANCE = 0.05
# A difference in missing values that matters: as many patients in a hundred.
MISSING_SHIFT = 0.1
# Patients that a bin of the new table must expect for the chi-squared approximation (Cochran 1954).
FEWEST_EXPECTED = 5.0
# Patients added to each bin, so that an empty one leaves the index finite (Jeffreys's half).
SMOOTHING = 0.5
# Patients below which the new table cannot show drift of a column: two bins of FEWEST_EXPECTED.
FEWEST_PATIENTS_FOR_DRIFT = 10

Shift = Literal["none", "some", "large", "not judged"]


class ColumnDrift(Part):
    """One column beside training: index (population stability index, 0 = the same), p_value (chi-squared, corrected
    for all columns), shift (what both together say); training and new: median of a number or share of the level that
    moved most; missing shares of patients and their corrected p-value; text: the same in words, of those that
    moved."""

    column: str
    shift: Shift
    index: float
    p_value: float
    level: str
    training: float | None
    new: float | None
    missing_shift: Shift
    missing_training: float
    missing_new: float
    missing_p_value: float

    text: str = ""

    def in_words(self) -> str:
        """For those columns that moved; "" for the others."""
        parts = []
        if self.shift in ("some", "large"):
            what = f"share of {self.level}" if self.level else "median"
            moved = f"{what} {self.training:.4g} there, {self.new:.4g} here; " if self.new is not None else ""
            parts.append(f"{self.shift} shift from training ({moved}stability index {self.index:.2f})")
        if self.missing_shift in ("some", "large"):
            parts.append(f"missing in {self.missing_new:.0%} of patients, {self.missing_training:.0%} in training")
        return f"{self.column}: {'; '.join(parts)}" if parts else ""


class Drift(Part):
    """All columns, those that moved first; reason: why they were not judged."""

    judged: bool
    reason: str
    columns: tuple[ColumnDrift, ...]


def column_drifts(profile: TrainingProfile, inputs: pl.DataFrame, patients: np.ndarray) -> list[ColumnDrift]:
    """Each column of training against the new table; inputs: as read for prediction, patients: [N] one code a row.

    A column that the new table does not have counts as missing in every row.
    """
    weights, people = patient_shares(patients), len(np.unique(patients))
    size = (float(profile.patients), float(people))
    found = [_drift(c, _values(inputs, c.column), weights, size) for c in profile.columns]
    return _corrected(found)


def _values(inputs: pl.DataFrame, name: str) -> pl.Series:
    return inputs[name] if name in inputs.columns else pl.Series(name, [None] * inputs.height, dtype=pl.Null)


def _drift(column: ProfileColumn, values: pl.Series, weights: np.ndarray, size: tuple[float, float]) -> ColumnDrift:
    missing = _missing_share(column, values, weights)
    old, new = np.array(column.shares), shares(column, values, weights)
    known = (size[0] * (1 - column.missing), size[1] * (1 - missing))
    index, p_value = _difference(*_merged(old, new, known[1], column.kind == "number"), known)
    missing_p = _difference(*_shares_of_two(column.missing, missing), size)[1]
    level, before, after = _what_moved(column, old, new, values)
    return ColumnDrift(
        column=column.column,
        shift="none",
        index=index,
        p_value=p_value,
        level=level,
        training=before,
        new=after,
        missing_shift="none",
        missing_training=column.missing,
        missing_new=missing,
        missing_p_value=missing_p,
    )


def _missing_share(column: ProfileColumn, values: pl.Series, weights: np.ndarray) -> float:
    if column.kind == "number":
        absent = np.isnan(as_numbers(values))
    else:
        absent = (as_booleans(values) if column.kind == "flag" else as_levels(values)).is_null().to_numpy()
    return float(min(1.0, weights[absent].sum()))


def _shares_of_two(old: float, new: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array([old, 1 - old]), np.array([new, 1 - new])


def _merged(old: np.ndarray, new: np.ndarray, people: float, ordered: bool) -> tuple[np.ndarray, np.ndarray]:
    """Bins joined until each expects enough new patients: neighbours of a number, the rarest of levels.

    >>> [a.round(2).tolist() for a in _merged(np.full(10, 0.1), np.full(10, 0.1), 20.0, True)]
    [[0.3, 0.3, 0.4], [0.3, 0.3, 0.4]]
    """
    order = np.arange(len(old)) if ordered else np.argsort(old, kind="stable")
    group = np.zeros(len(old), np.int64)
    expected, current = 0.0, 0
    for place in order:
        if expected >= FEWEST_EXPECTED:
            expected, current = 0.0, current + 1
        group[place] = current
        expected += old[place] * people
    if expected < FEWEST_EXPECTED and current:
        group[group == current] = current - 1
    return np.bincount(group, old), np.bincount(group, new)


def _difference(old: np.ndarray, new: np.ndarray, people: tuple[float, float]) -> tuple[float, float]:
    """(population stability index, chi-squared p-value) of two sets of shares among so many patients."""
    from scipy.special import gammaincc  # the chi-squared tail, without the second that scipy.stats takes

    if len(old) < 2 or min(people) < 1:
        return 0.0, 1.0
    a, b = ((s * n + SMOOTHING) / (n + SMOOTHING * len(s)) for s, n in zip((old, new), people, strict=True))
    index = float(np.sum((b - a) * np.log(b / a)))
    pooled = (old * people[0] + new * people[1]) / sum(people)
    used = pooled > 0
    total = sum(
        float(n * np.sum((s - pooled)[used] ** 2 / pooled[used])) for s, n in zip((old, new), people, strict=True)
    )
    freedom = int(used.sum()) - 1
    return index, float(gammaincc(freedom / 2, total / 2)) if freedom > 0 else 1.0


def _what_moved(
    column: ProfileColumn, old: np.ndarray, new: np.ndarray, values: pl.Series
) -> tuple[str, float | None, float | None]:
    if column.kind == "number":
        x = as_numbers(values)
        return "", column.median, float(np.nanmedian(x)) if not np.isnan(x).all() else None
    if not new.any():
        return OTHER, None, None
    most = int(np.argmax(np.abs(new - old)))
    return column.levels[most], float(old[most]), float(new[most])


def _corrected(found: list[ColumnDrift]) -> list[ColumnDrift]:
    """p-values times the number still in play (Holm 1979), and what they say together with the size of the shift."""
    adjusted = holm([d.p_value for d in found] + [d.missing_p_value for d in found])
    made = []
    for drift, p, missing_p in zip(found, adjusted[: len(found)], adjusted[len(found) :], strict=True):
        gap = abs(drift.missing_new - drift.missing_training)
        missing_shift = _shift(gap / MISSING_SHIFT * SOME_SHIFT, missing_p)
        p_values = {"p_value": p, "missing_p_value": missing_p}
        shifts = {"shift": _shift(drift.index, p), "missing_shift": missing_shift}
        drift = drift.model_copy(update=p_values | shifts)
        made.append(drift.model_copy(update={"text": drift.in_words()}))
    return made


def _shift(index: float, p_value: float) -> Shift:
    if p_value >= SIGNIFICANCE or index < SOME_SHIFT:
        return "none"
    return "large" if index >= LARGE_SHIFT else "some"


def holm(p_values: list[float]) -> list[float]:
    """Family-wise corrected p-values (Holm 1979, Scandinavian Journal of Statistics 6).

    >>> holm([0.01, 0.04, 0.5])
    [0.03, 0.08, 0.5]
    """
    order = np.argsort(p_values, kind="stable")
    ranked = np.array(p_values)[order] * (len(p_values) - np.arange(len(p_values)))
    made = np.empty(len(p_values))
    made[order] = np.minimum(np.maximum.accumulate(ranked), 1.0) if len(p_values) else ranked
    return [float(p) for p in made]


def drift_record(profile: TrainingProfile | None, inputs: pl.DataFrame, patients: np.ndarray) -> Drift:
    """Columns that moved first, and what was not judged with the reason."""
    people = len(np.unique(patients))
    if profile is None:
        return Drift(judged=False, reason="the run keeps no reference of its training patients", columns=())
    if people < FEWEST_PATIENTS_FOR_DRIFT:
        reason = f"{people} patients are too few to tell drift from chance (at least {FEWEST_PATIENTS_FOR_DRIFT})"
        return Drift(judged=False, reason=reason, columns=())
    found = sorted(column_drifts(profile, inputs, patients), key=lambda d: (not d.text, -d.index))
    return Drift(judged=True, reason="", columns=tuple(found))
