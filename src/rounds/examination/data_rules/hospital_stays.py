"""Rules about stays in hospital: one stay cut in two, stays cut by death, stays cut by the end of the extract."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.figure import Bars
from rounds.examination.finding import NotApplicable, Seen, Threshold
from rounds.examination.rule import Judged, Rule

LINK_DAYS = Threshold("gap between linked stays", 1.0, "days")
LINKED_SHARE = Threshold("linked stays", 0.005, "share of the stays after a patient's first")
DEATH_SHARE = Threshold("stays that end by death", 0.02, "share of the stays")
TAIL_QUANTILE = Threshold("length of the tail", 0.95, "quantile of the stays, counted back from the end of the extract")
SHORTER = Threshold("stays in the tail", 0.9, "times the median stay before, at most")
SURE = Threshold("chance of that", 0.001, "one-sided, of patients")
_DEATH = re.compile(r"(^|_)(died|death|dead|deceased|expired|mortality)(_|$)|in.hospital.death|expire", re.IGNORECASE)
_DEAD = re.compile(r"\b(died|dead|death|deceased|expired|exitus)\b", re.IGNORECASE)
_NOT = re.compile(r"^(no|not|non)\b", re.IGNORECASE)
MOST_LEVELS = 50  # of a column whose levels are read: text that is free says "died" of anybody
_STAY = re.compile(r"(^|_)(los|length_?of_?stay|stay|time_in_hospital|duration)(_|$)", re.IGNORECASE)
_DAY = 24 * 3600.0
FEWEST = 30  # stays in a comparison
NEAR_DAYS = 28.0  # after the day in which stays are linked, that tell how often a stay begins by chance


@dataclass(frozen=True)
class Stays:
    """start, end: [N] days since 1970 of each row, nan where unknown; start_name, end_name: where they come from."""

    start: np.ndarray
    end: np.ndarray
    start_name: str
    end_name: str


def stays_of(evidence: DataEvidence) -> Stays | None:
    """When each stay began and ended, by date columns that fit the outcome; None where that cannot be decided.

    Start and end are two dates whose distance is the outcome (a length of stay in days), or a start and the outcome.
    """
    dates = _dates(evidence)
    if not dates or not _is_stay(evidence):
        return None
    length = evidence.dataset.targets[:, 0].astype(float)
    for first, start in dates.items():
        for second, end in dates.items():
            if first != second and np.nanmedian(np.abs(end - start - length)) <= 1.0:
                return Stays(start, end, first, second)
    name = min(dates, key=lambda n: (n != evidence.dataset.cohort.time, "admi" not in n.lower(), n))
    return Stays(dates[name], dates[name] + length, name, f"{name} + {evidence.dataset.task.targets[0]}")


def _is_stay(evidence: DataEvidence) -> bool:
    task = evidence.dataset.task
    return task.kind in ("regression", "count") and len(task.targets) == 1 and bool(_STAY.search(task.targets[0]))


def _dates(evidence: DataEvidence) -> dict[str, np.ndarray]:
    frame = pl.concat([evidence.unused, evidence.dataset.cohort.identifiers], how="horizontal")
    found = {}
    for column in frame:
        if column.dtype.is_temporal() and column.dtype != pl.Duration and column.dtype != pl.Time:
            seconds = column.cast(pl.Datetime("us")).dt.timestamp("us").cast(pl.Float64) / 1e6
            found[column.name] = seconds.to_numpy() / _DAY
    return found


_NO_DATES = NotApplicable("needs a length of stay as outcome and a date of admission in the table")


def _linked(evidence: DataEvidence) -> Judged:
    stays = stays_of(evidence)
    if stays is None:
        return _NO_DATES
    if evidence.dataset.cohort.group is None:
        return NotApplicable("needs the patient column (--group): stays of one patient are put side by side")
    order = np.lexsort((stays.start, evidence.dataset.cohort.patients))
    same = np.diff(evidence.dataset.cohort.patients[order]) == 0
    gap = stays.start[order][1:][same] - stays.end[order][:-1][same]
    gap = gap[np.isfinite(gap)]
    linked = int((np.abs(gap) <= LINK_DAYS.value).sum())
    if not len(gap) or linked < max(LINKED_SHARE.value * len(gap), 3) or _by_chance(gap, linked) > SURE.value:
        return None
    return Seen(
        "warning",
        f"{linked:,} of {len(gap):,} further stays begin within a day of the end of the patient's stay "
        "before: probably one stay, split by a transfer, that counts as two short ones.",
        {"linked": linked, "further_stays": len(gap), "start": stays.start_name, "end": stays.end_name},
        0.85,
    )


LINKED_STAYS = Rule(
    "linked-stays",
    "One stay counts as two",
    "data",
    _linked,
    how="Stays of one patient in order: the next begins within a day of the end of the one before, more often than in "
    "the weeks after.",
    why="A transfer makes two short stays of a long one, and the outcome is wrong for both.",
    remedies=("join linked stays before training",),
    thresholds=(LINK_DAYS, LINKED_SHARE, SURE),
    place=60,
    check="No stay counted twice",
    figures=(Bars("Further stays of a patient", {"linked": "begin as another ends", "further_stays": "all"}),),
)


def _by_chance(gap: np.ndarray, linked: int) -> float:
    """Chance of so many gaps [n] around 0, from those of the next four weeks: patients who come often begin some of
    their stays within a day of another by accident (Poisson)."""
    from scipy.stats import poisson

    near = int(((gap > LINK_DAYS.value) & (gap <= LINK_DAYS.value + NEAR_DAYS)).sum())
    expected = (near + 1) * 2 * LINK_DAYS.value / NEAR_DAYS
    return float(poisson.sf(linked - 1, expected))


def _competing(evidence: DataEvidence) -> Judged:
    if not _is_stay(evidence):
        return NotApplicable("the outcome is not a length of stay")
    frame = pl.concat([evidence.inputs, evidence.unused, evidence.dataset.cohort.identifiers], how="horizontal")
    column = _of_deaths(frame)
    if column is None:
        return NotApplicable("no column says who died: whether deaths cut stays short cannot be decided")
    died = _as_yes(column)
    length = evidence.dataset.targets[:, 0].astype(float)
    share = float(died.mean())
    if share < DEATH_SHARE.value:
        return None
    medians = float(np.median(length[died])), float(np.median(length[~died])) if (~died).any() else float("nan")
    return Seen(
        "note",
        f"{share:.1%} of the stays ended by death, after {medians[0]:.3g} days (others {medians[1]:.3g}): for "
        "them the length of stay is the time to death, not to recovery.",
        {"column": column.name, "died_share": share, "median_died": medians[0], "median_others": medians[1]},
        0.9,
    )


COMPETING_EVENT = Rule(
    "competing-event",
    "Deaths cut stays short",
    "data",
    _competing,
    how="A column that says who died, by its name or one of its levels, beside a length of stay as outcome.",
    why="The sickest can have the shortest stays; what is predicted is then not what was meant.",
    remedies=(
        "learn discharge and death as two ends of a stay (rounds.make_periods, docs/survival.md)",
        "leave out stays that ended by death (--where), and say so",
        "predict death as well",
    ),
    thresholds=(DEATH_SHARE,),
    place=70,
    check="Deaths do not cut stays short",
    figures=(Bars("Median stay", {"median_died": "who died", "median_others": "who left alive"}),),
)


def _of_deaths(frame: pl.DataFrame) -> pl.Series | None:
    """The column that says who died: by its name, or by one of its levels (a discharge's destination)."""
    named = [frame[n] for n in frame.columns if _DEATH.search(n)]
    texts = (column for column in frame if column.dtype in (pl.String, pl.Categorical, pl.Enum))
    return next(iter((*named, *(c for c in texts if c.n_unique() <= MOST_LEVELS and _dead_levels(c)))), None)


def _dead_levels(column: pl.Series) -> list[str]:
    """Levels that say that a patient died."""
    levels = column.cast(pl.String).unique().drop_nulls().to_list()
    return [level for level in levels if _DEAD.search(level) and not _NOT.search(level.strip())]


def _as_yes(column: pl.Series) -> np.ndarray:
    """Rows [N] of a yes/no column that say yes; a date of death counts as yes where it is there."""
    if column.dtype.is_temporal():
        return column.is_not_null().to_numpy()
    if column.dtype == pl.Boolean or column.dtype.is_numeric():
        return (column.cast(pl.Float64).fill_null(0.0) > 0).to_numpy()
    yes = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    return yes.is_in(["1", "true", "yes", "y", *_dead_levels(yes)]).fill_null(False).to_numpy()


def _censored(evidence: DataEvidence) -> Judged:
    stays = stays_of(evidence)
    if stays is None:
        return _NO_DATES
    from scipy.stats import mannwhitneyu

    length = evidence.dataset.targets[:, 0].astype(float)
    known = np.isfinite(stays.start) & np.isfinite(length)
    last = float(np.nanmax(stays.end))
    window = float(np.quantile(length[known], TAIL_QUANTILE.value))
    tail = known & (stays.start > last - window)
    before = known & (stays.start <= last - window) & (stays.start > last - 6 * window - 365)
    if before.sum() < FEWEST:
        return NotApplicable(f"fewer than {FEWEST} stays begin before the last {window:.0f} days of the extract")
    if tail.sum() < FEWEST:
        return None  # admissions end before the extract does: late stays had time to end
    late, early = float(np.median(length[tail])), float(np.median(length[before]))
    some = [length[one_row_a_patient(evidence.dataset.cohort.patients, rows)] for rows in (tail, before)]
    chance = float(mannwhitneyu(*some, alternative="less").pvalue)
    if chance > SURE.value or late > SHORTER.value * early:
        return None
    return Seen(
        "warning",
        f"Stays that began in the last {window:.0f} days of the extract have a median of {late:.3g} days, "
        f"earlier ones {early:.3g}: long late stays had not ended yet and are cut off, or not in the table.",
        {"median_late": late, "median_before": early, "late_stays": int(tail.sum()), "days": window, "chance": chance},
        0.85,
    )


def one_row_a_patient(patients: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One row at random of each patient among some [N] bool: stays of one patient are no independent stays.

    >>> one_row_a_patient(np.array([1, 1, 2, 3]), np.array([False, True, True, False])).tolist()
    [1, 2]
    """
    some = np.random.default_rng(0).permutation(np.flatnonzero(rows))
    return np.sort(some[np.unique(patients[some], return_index=True)[1]])


CENSORED_TAIL = Rule(
    "censored-tail",
    "Late stays look short",
    "data",
    _censored,
    how="Stays that began shortly before the end of the extract beside those before, one of each patient, by Mann and "
    "Whitney's test.",
    why="Only those that ended soon are in the table: the latest patients teach that stays are short.",
    remedies=(
        "leave out admissions of the last weeks (--where)",
        "or with stays that have not ended in the table: learn them as censored (docs/survival.md)",
    ),
    thresholds=(TAIL_QUANTILE, SHORTER, SURE),
    place=80,
    check="Outcomes fully observed, not cut off",
    figures=(Bars("Median stay", {"median_late": "last admissions", "median_before": "those before"}),),
)
