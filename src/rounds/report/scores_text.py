"""Scores of new patients and of tables of predictions in words: the same lines for the terminal and the page."""

from rounds.evaluation.record import Audit, Evaluation, Overlap
from rounds.report.wording import p_value
from rounds.run_folder.evidence import (
    Calibration,
    Coverage,
    OperatingPoint,
    RecalibrationRecord,
    Subgroup,
    Subgroups,
)
from rounds.run_folder.metrics import Estimate, Scores

_MOST_LINES = 12  # columns that moved, and notes, shown; the record has all


def scores_rows(contestants: dict[str, Scores]) -> list[tuple[str, ...]]:
    """One row a metric: its name, and what each contestant has.

    >>> scores_rows({"new patients": {"auroc": Estimate(value=0.8, low=0.7, high=0.9)}, "before": {}})
    [('auroc', '0.8 (0.7 to 0.9)', '-')]
    """
    metrics = dict.fromkeys(metric for scores in contestants.values() for metric in scores)
    return [(metric, *(interval_text(scores.get(metric)) for scores in contestants.values())) for metric in metrics]


def audit_lead(record: Audit) -> list[str]:
    """Of what the table is, which class is positive, and how cells were read."""
    used = ", ".join(f"{what} = {column}" for what, column in record.columns.items())
    left = f", {record.rows_left_out:,} left out (no label or score)" if record.rows_left_out else ""
    first = f"{record.rows:,} rows of {record.patients:,} patients{left}; columns: {used}"
    classes = record.task.classes
    positive = [f"Positive is {classes[1]}, negative {classes[0]} (--positive VALUE for the other)"] if classes else []
    return [first, *positive, *(f"Note: {note}" for note in record.notes)]


def evaluated_contestants(record: Evaluation) -> dict[str, Scores]:
    """The network now and then, and the baseline that does best now; the record has the others."""
    rows = {"new patients": record.metrics, "test of training": record.before}
    if everybody := record.with_overlap:
        rows[f"all {everybody.rows:,} rows, known ones too"] = everybody.metrics
    if record.difference:
        best = record.difference.baseline
        rows[f"{best}, new patients"] = record.baselines[best]
    return rows


def interval_text(score: Estimate | None) -> str:
    """
    >>> interval_text(Estimate(value=0.8123, low=0.75, high=0.9))
    '0.812 (0.75 to 0.9)'
    """
    if score is None or not score.is_defined:
        return "-"
    return f"{score.value:.3g} ({score.low:.3g} to {score.high:.3g})"


def calibration_lines(calibration: dict[str, Calibration]) -> list[str]:
    """A line an output: slope, intercept, expected over observed or bias."""
    lines = []
    for name, made in list(calibration.items())[:_MOST_LINES]:
        parts = [f"{key.replace('_', ' ')} {interval_text(getattr(made, key))}" for key in _SHOWN if getattr(made, key)]
        lines.append(f"Calibration of {name}: {', '.join(parts) or 'not defined on these rows'}")
    return lines


_SHOWN = ("slope", "intercept", "expected_over_observed", "bias")


def recalibration_lines(record: RecalibrationRecord) -> list[str]:
    if record.kept == "none":
        return ["Recalibration: none helps on patients it was not fitted on."]
    gain = interval_text(record.tried[record.kept].gain)
    return [f"Recalibration: {record.kept} helps, {record.metric} better by {gain} (cross-fitted by patient)."]


def coverage_lines(record: Coverage | None) -> list[str]:
    if record is None:
        return []
    return [
        f"Intervals of {name}: {interval_text(made.coverage)} of patients inside, {record.level:.0%} promised"
        for name, made in record.targets.items()
    ]


def decision_lines(decisions: dict[str, tuple[OperatingPoint, ...]]) -> list[str]:
    """What the thresholds of training do to these patients: a line each, for one outcome."""
    if len(decisions) != 1:
        return [f"Thresholds of {len(decisions)} outcomes: see --json."] if decisions else []
    ((name, points),) = decisions.items()
    return [_point_line(name, point) for point in points[:_MOST_LINES]]


def _point_line(name: str, point: OperatingPoint) -> str:
    """
    >>> cells = {"true_positive": 30, "false_positive": 20, "false_negative": None, "true_negative": 90}
    >>> point = OperatingPoint(target={"sensitivity": 0.8}, threshold=0.2, cells=cells, rounded=True)
    >>> _point_line("death", point).split(": ")[1]
    'about 30 rightly alerted, about 20 falsely, under 10 missed, about 90 rightly left'
    """
    ((what, wanted),) = point.target.items()
    about = "about " if point.rounded else ""
    counts = ("under 10" if n is None else f"{about if n else ''}{n:,}" for n in point.cells.values())
    words = ("rightly alerted", "falsely", "missed", "rightly left")
    said = ", ".join(f"{n} {word}" for n, word in zip(counts, words, strict=True))
    return f"{name} at {point.threshold:.3g} (chosen for {what.replace('_', ' ')} {wanted:g}): {said}"


def overlap_lines(overlap: Overlap) -> list[str]:
    """Where patients were in training, the limitations say so already."""
    if overlap.development is None or overlap.development.rows:
        return []
    how = "by patient" if overlap.compared == "patient" else "by the values of each row"
    return [f"Overlap with training: none ({how})."]


def drift_lines(record: Evaluation) -> list[str]:
    drift = record.drift
    moved = [column.text for column in drift.columns if column.text]
    head = "Drift: no column moved." if drift.judged else f"Drift was not judged: {drift.reason}."
    return [*([] if moved else [head]), *[*moved, *(note.text for note in record.notes)][:_MOST_LINES]]


def subgroup_lines(record: Subgroups) -> list[str]:
    """A line a group, with how many comparisons there were."""
    lines = []
    for column, groups in record.columns.items():
        for group in groups:
            lines.append(f"{column} {group.group}: {_group_text(group, record.compared_by)}")
    if record.comparisons:
        lines.append(f"{record.comparisons} comparisons of subgroups; p-values are corrected for all of them (Holm).")
    return lines


def _group_text(group: Subgroup, metric: str) -> str:
    if group.suppressed:
        return "hidden (too few patients)"
    score = interval_text(group.metrics.get(metric))
    about = "about " if group.rounded else ""
    text = f"{about}{group.rows:,} rows of {about}{group.patients:,} patients, {metric} {score}"
    if group.difference:
        text += f", ahead of all others by {interval_text(group.difference)}, p {p_value(group.difference.p_value)}"
    return text
