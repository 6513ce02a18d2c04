"""What can be said of a model trained elsewhere from its predictions alone: no retraining, any framework."""

from collections.abc import Callable, Collection

import numpy as np
import polars as pl

from rounds.evaluation.audit.note import found, sorted_notes, unchecked
from rounds.evaluation.audit.prediction_file import PredictionFile
from rounds.evaluation.record import Audit, AuditFinding, JudgedPart, Note, ScoredPart
from rounds.examination.finding import Severity
from rounds.metrics import METRICS, auroc, main_metric, weighted_scores
from rounds.metrics.worth import TOO_GOOD_SHARE
from rounds.run_folder.findings import NotApplicableRecord
from rounds.run_folder.metrics import Estimate
from rounds.statistics.calibration import calibration_record
from rounds.statistics.drift import SIGNIFICANCE
from rounds.statistics.intervals import resampled_intervals, score_with_interval
from rounds.statistics.recalibration import choose_recalibration
from rounds.statistics.small_cells import FEWEST_PATIENTS
from rounds.statistics.subgroups import make_groups, subgroup_record

# A ranking this good is seldom true of patients, as little as TOO_GOOD_SHARE. A convention, no unit.
TOO_GOOD_AUROC = 0.99
# Rows that chance makes equal: under this share of a part, equal rows are said as a note.
FEW_DUPLICATES = 0.005
# Cases (and non-cases) that a validation wants (Collins et al. 2016, Statistics in Medicine 35), and the least
# number of different scores at which equal rows can be distinguished from ties.
ENOUGH_EVENTS = 100
DISTINCT_SHARE = 0.5
MOST_DIGITS = 5  # after the point: scores with no more were rounded, and two patients may share one by chance


def audit_predictions(file: PredictionFile, subgroups: Collection[str] | None = None) -> Audit:
    """What `rounds audit PREDICTIONS` says; subgroups: columns (None: sex, age and every column of few levels).

    Raises DataError where there is only one patient.
    """
    inside = file.judged
    y, p, who = file.targets[inside], file.scores[inside], file.patients[inside]
    scores = {name: _part_scores(file, rows) for name, rows in _parts(file).items()}
    judging = file.table.filter(pl.Series(inside))
    several = [name for name in file.subgroup_columns if judging[name].n_unique() > 1]
    groups = make_groups(judging, subgroups or several)
    findings, not_checked = audit_findings(file)
    return Audit(
        task=file.task,
        columns=dict(file.columns),
        rows=len(file.targets),
        rows_left_out=file.left_out,
        patients=len(np.unique(file.patients)),
        judged=JudgedPart(part=file.judging, rows=len(y), patients=len(np.unique(who))),
        metrics=score_with_interval(file.task, y, p, who),
        parts=scores,
        calibration=calibration_record(file.task, y, p, who),
        recalibration=choose_recalibration(file.task, y, p, who)[1],
        subgroups=subgroup_record(file.task, y, p, who, groups),
        findings=findings,
        not_checked=not_checked,
        notes=file.notes,
    )


def audit_findings(file: PredictionFile) -> tuple[tuple[AuditFinding, ...], tuple[NotApplicableRecord, ...]]:
    """What is wrong, most serious first, and what this table cannot say, with the reason."""
    return sorted_notes([*(note for check in CHECKS if (note := check(file))), *ALWAYS_UNCHECKED])


ALWAYS_UNCHECKED = (
    unchecked("target-leak", "needs the inputs of the model"),
    unchecked("known-after-outcome", "needs the inputs of the model and when their values are known"),
)


def _parts(file: PredictionFile) -> dict[str, np.ndarray]:
    if file.split is None:
        return {"all": np.ones(len(file.targets), bool)}
    return {name: file.split == name for name in np.unique(file.split).tolist()}


def _part_scores(file: PredictionFile, rows: np.ndarray) -> ScoredPart:
    people = len(np.unique(file.patients[rows]))
    if people < FEWEST_PATIENTS:
        reason = f"fewer than {FEWEST_PATIENTS} patients"
        return ScoredPart(rows=int(rows.sum()), patients=people, metrics={}, reason=reason)
    scored = score_with_interval(file.task, file.targets[rows], file.scores[rows], file.patients[rows])
    return ScoredPart(rows=int(rows.sum()), patients=people, metrics=scored)


def check_overlap(file: PredictionFile) -> Note | None:
    """Patients of the judging part that also stand in a part that was learned from."""
    if "patient" not in file.columns or file.split is None:
        return unchecked("patient-leak", "needs the columns patient and split")
    if not file.learned.any():
        return unchecked("patient-leak", "no part of the split is called train")
    learned, judged = (set(file.patients[rows].tolist()) for rows in (file.learned, file.judged & ~file.learned))
    both = len(learned & judged)
    if not both:
        return None
    words = f"{both:,} of {len(judged):,} patients who judge were also learned from: the score is flattered."
    return found("patient-leak", "error", words, patients=both, judged_patients=len(judged))


def check_duplicates(file: PredictionFile) -> Note | None:
    """Rows with the same label, score and subgroups: once in two parts is a leak, within one part a repeat."""
    distinct = len(np.unique(file.scores))
    if distinct < DISTINCT_SHARE * len(file.scores):
        reason = (
            f"{distinct:,} different scores in {len(file.scores):,} rows: equal rows cannot be distinguished from ties"
        )
        return unchecked("duplicate-rows", reason)
    hidden = [file.columns[what] for what in ("patient", "split") if what in file.columns]
    hidden += [n for n in file.table.columns if n not in file.columns.values() and file.table[n].is_unique().all()]
    keys = file.table.drop(hidden)
    digits = rounded_to(file.scores)
    others = keys.drop(file.columns["score"])
    if digits is not None and others.n_unique() < DISTINCT_SHARE * keys.height:
        if "patient" in file.columns and not file.table.drop(hidden[1:]).is_duplicated().any():
            return None  # no patient has two rows alike
        reason = f"scores are rounded to {digits} digits: equal rows cannot be distinguished from ties"
        return unchecked("duplicate-rows", reason)
    repeated = int(keys.is_duplicated().sum() - keys.filter(keys.is_duplicated()).n_unique())
    if not repeated:
        return None
    across = _across_parts(file, keys)
    share = repeated / len(file.scores)
    severity: Severity = "error" if across else ("warning" if share > FEW_DUPLICATES else "note")
    words = f"{repeated:,} rows repeat another to the last digit, {across:,} of them across parts of the split."
    return found("duplicate-rows", severity, words, rows=repeated, across_parts=across)


def rounded_to(scores: np.ndarray) -> int | None:
    """Digits after the point of scores that were rounded, None where they have more than MOST_DIGITS.

    >>> rounded_to(np.array([0.308, 0.44])), rounded_to(np.array([1 / 3, 0.5]))
    (3, None)
    """
    return next((d for d in range(MOST_DIGITS + 1) if np.allclose(scores, scores.round(d), rtol=0, atol=1e-12)), None)


def _across_parts(file: PredictionFile, keys: pl.DataFrame) -> int:
    """Rows of the judging part that also stand, to the last digit, in a part that was learned from."""
    if not file.learned.any():
        return 0
    judged = file.judged & ~file.learned
    learned = keys.filter(pl.Series(file.learned)).unique()
    return keys.filter(pl.Series(judged)).join(learned, on=keys.columns, how="semi", nulls_equal=True).height


def check_implausible(file: PredictionFile) -> Note | None:
    """A score that patients seldom allow."""
    y, p = file.targets[file.judged], file.scores[file.judged]
    if len(np.unique(y)) < 2:
        return unchecked("implausible-score", "the judging part has one outcome only")
    metric = main_metric(file.task)
    constant = np.full_like(p, y.mean())
    loss, simple = (float(weighted_scores(file.task, y, made, None, (metric,))[metric]) for made in (p, constant))
    share = 1 - loss / simple if simple > 0 else 0.0
    area = float(auroc(y, p)) if file.task.kind == "binary" else None
    if share < TOO_GOOD_SHARE and (area is None or area < TOO_GOOD_AUROC):
        return None
    shown = (
        f"AUROC {area:.3f}" if area is not None and area >= TOO_GOOD_AUROC else f"{share:.1%} of the {metric} removed"
    )
    words = f"{shown} on patients who judge: outcomes are seldom that predictable. Look for an input that holds it."
    return found("implausible-score", "warning", words, removed_share=share, auroc=area)


def check_reversed(file: PredictionFile) -> Note | None:
    """Higher scores go with the other outcome: classes or scores are turned round."""
    if file.task.kind != "binary":
        return None
    area = _score(file, file.judged, "auroc")
    if area is None or area.high >= 0.5:
        return None
    words = f"AUROC {area.value:.3f} is below one half: the positive class or the score is turned round."
    return found("loss-output-mismatch", "error", words, **area.content())


def _score(file: PredictionFile, rows: np.ndarray, metric: str) -> Estimate | None:
    """One metric of some rows with its interval; None where it is not defined, or patients are under 10."""
    who = file.patients[rows]
    if len(np.unique(who)) < FEWEST_PATIENTS:
        return None
    return score_with_interval(file.task, file.targets[rows], file.scores[rows], who).get(metric)


def check_constant(file: PredictionFile) -> Note | None:
    """The same score for everybody, or nothing better than it."""
    y, p, who = file.targets[file.judged], file.scores[file.judged], file.patients[file.judged]
    if np.ptp(p) == 0:
        words = f"Every patient has the same score, {p[0, 0]:.4g}: the model tells nobody apart."
        return found("no-better-than-baseline", "error", words, score=float(p[0, 0]))
    metric = main_metric(file.task)
    scored = resampled_intervals(_gain_on_mean(file, y, p), {metric: (-np.inf, np.inf)}, who).get(metric)
    if scored is None or scored.low > 0:
        return None
    sure = "is worse than" if scored.high < 0 else "cannot be distinguished from"
    limits = f"{scored.low:.3g} to {scored.high:.3g}"
    words = f"The {metric} {sure} a constant's (gain {scored.value:.3g}, 95 % {limits})."
    return found("no-better-than-baseline", "warning", words, metric=metric, **scored.content())


def _gain_on_mean(
    file: PredictionFile, y: np.ndarray, p: np.ndarray
) -> Callable[[np.ndarray | None], dict[str, np.ndarray]]:
    metric = main_metric(file.task)
    constant = np.full_like(p, y.mean())

    def scores(weights: np.ndarray | None) -> dict[str, np.ndarray]:
        of_model, of_mean = (weighted_scores(file.task, y, made, weights, (metric,))[metric] for made in (p, constant))
        return {metric: METRICS[metric].gain(of_model, of_mean)}

    return scores


def check_overfitting(file: PredictionFile) -> Note | None:
    """A training part that scores far better than the part that judges."""
    learned, judged = file.learned, file.judged & ~file.learned
    if not learned.any() or not judged.any():
        return unchecked("overfitting", "needs parts called train and test")
    metric = main_metric(file.task)
    trained, tested = (_score(file, rows, metric) for rows in (learned, judged))
    if trained is None or tested is None:
        return unchecked("overfitting", f"{metric} is not defined on both parts")
    gap = float(METRICS[metric].gain(np.array(trained.value), np.array(tested.value)))
    apart = float(np.hypot(trained.high - trained.low, tested.high - tested.low) / 2)
    if gap <= apart:
        return None
    words = f"{metric} {trained.value:.3g} in training, {tested.value:.3g} on patients who judge."
    return found("overfitting", "warning", words, metric=metric, gap=gap, half_width=apart)


def check_shift(file: PredictionFile) -> Note | None:
    """Outcomes that are more or less common in the judging part than in training, by patient."""
    learned, judged = file.learned, file.judged & ~file.learned
    if file.task.kind != "binary" or not learned.any() or not judged.any():
        return None
    from scipy.special import ndtr

    sides = [(file.targets[rows, 0], len(np.unique(file.patients[rows]))) for rows in (learned, judged)]
    pooled = float(np.concatenate([y for y, _ in sides]).mean())
    error = np.sqrt(pooled * (1 - pooled) * sum(1 / n for _, n in sides))
    before, after = (float(y.mean()) for y, _ in sides)
    p_value = float(2 * ndtr(-abs(before - after) / error)) if error > 0 else 1.0
    if p_value >= SIGNIFICANCE:
        return None
    words = f"Cases are {before:.1%} of training rows and {after:.1%} of those that judge."
    return found("shifted-test", "note", words, training=before, judged=after, p_value=p_value)


def check_patients(file: PredictionFile) -> Note | None:
    """Too few patients or cases to judge by."""
    y, who = file.targets[file.judged], file.patients[file.judged]
    people = len(np.unique(who))
    sides = (y[:, 0] > 0.5, y[:, 0] <= 0.5) if file.task.kind == "binary" else ()
    fewest = min((len(np.unique(who[side])) for side in sides), default=people)
    if min(people, fewest) >= ENOUGH_EVENTS:
        return None
    what = "patients with the rarer outcome" if file.task.kind == "binary" and fewest < people else "patients"
    count = min(people, fewest)
    shown = f"{count}" if count >= FEWEST_PATIENTS else f"fewer than {FEWEST_PATIENTS}"
    words = f"{shown.capitalize()} {what} judge: a validation wants at least {ENOUGH_EVENTS}."
    return found("validation-too-small", "note" if count >= FEWEST_PATIENTS else "warning", words, least=ENOUGH_EVENTS)


def check_calibration(file: PredictionFile) -> Note | None:
    """Probabilities that a map would mend, on patients it was not fitted on."""
    inside = file.judged
    y, p, who = file.targets[inside], file.scores[inside], file.patients[inside]
    record = choose_recalibration(file.task, y, p, who)[1]
    if record.kept == "none":
        tried = [t for t in record.tried.values() if t.gain is not None]
        return None if tried else unchecked("miscalibrated", next(iter(record.tried.values())).not_tried)
    gain = record.tried[record.kept].gain
    assert gain is not None
    words = (
        f"A {record.kept} recalibration betters the {record.metric} by {gain.value:.3g} "
        f"(95 % {gain.low:.3g} to {gain.high:.3g}) on patients it was not fitted on."
    )
    return found("miscalibrated", "warning", words, kept=record.kept, **gain.content())


CHECKS: tuple[Callable[[PredictionFile], Note | None], ...] = (
    check_overlap,
    check_duplicates,
    check_implausible,
    check_reversed,
    check_constant,
    check_overfitting,
    check_shift,
    check_patients,
    check_calibration,
)
