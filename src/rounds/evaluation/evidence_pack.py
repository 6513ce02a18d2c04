"""All that a clinical reader asks after the score, gathered once from one finished training, in aggregates only."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from rounds.data.dataset import Dataset, Split
from rounds.evaluation.seen_patients import SEEN, seen_frame
from rounds.files import write_json, write_whole
from rounds.run_folder.evidence import (
    Coverage,
    Decisions,
    EvidenceFile,
    Importance,
    IntervalsRecord,
    OutputDecisions,
    RecalibrationRecord,
)
from rounds.statistics.calibration import calibration_record
from rounds.statistics.conformal import INTERVALS, LEVEL, ConformalIntervals, interval_scale, measured_coverage
from rounds.statistics.decision import Scored, decision_curve, operating_points
from rounds.statistics.recalibration import choose_recalibration, patient_parts
from rounds.statistics.subgroups import make_groups, subgroup_record
from rounds.statistics.table_one import characteristics, flow_record
from rounds.statistics.training_profile import PROFILE, make_training_profile
from rounds.target_scale import TargetScale
from rounds.task import Task

EVIDENCE = "evidence.json"
# Outputs whose thresholds are described, the most frequent first: more would be read by nobody.
MOST_OUTPUTS = 20
SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True)
class Said:
    """What was predicted for some rows of the table: rows [M] int64, values [M, T] or [M, C] in the user's unit."""

    rows: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Finish:
    """A finished training. validation: of rows that no averaged member learned from; judged: of rows that judge once.

    recalibration: what the hand-over tried and kept; None where it did not look: then it is looked at here and said,
    and not applied. importance: `importance_record` where it was measured.
    """

    dataset: Dataset
    split: Split
    validation: Said
    judged: Said
    target_scale: TargetScale
    recalibration: RecalibrationRecord | None = None
    importance: Importance | None = None


def evidence_record(finish: Finish, subgroups: tuple[str, ...] | None = None) -> EvidenceFile:
    """evidence.json of a training. subgroups: columns to compare by (None: sex and age, where they are recognised).

    Raises DataError where a subgroup is no column of the table, or has too many levels.
    """
    dataset, judged = finish.dataset, finish.judged
    observed, patients = dataset.targets[judged.rows], dataset.cohort.patients[judged.rows]
    groups = make_groups(known_columns(dataset)[judged.rows], subgroups)
    return EvidenceFile(
        flow=flow_record(dataset, finish.split),
        characteristics=characteristics(dataset, finish.split),
        calibration=calibration_record(dataset.task, observed, judged.values, patients),
        recalibration=_recalibration(finish),
        decisions=_decisions(finish),
        intervals=_intervals(finish),
        importance=finish.importance,
        subgroups=subgroup_record(dataset.task, observed, judged.values, patients, groups),
        version=1,
    )


def write_evidence(folder: Path, finish: Finish, subgroups: tuple[str, ...] | None = None) -> EvidenceFile:
    """Writes evidence.json, and what new patients are compared with: intervals.json, reference.json, seen.parquet."""
    record = evidence_record(finish, subgroups)
    dataset, split = finish.dataset, finish.split
    if (made := fit_intervals(finish)) is not None:
        write_json(folder / INTERVALS, made)
    write_json(folder / PROFILE, make_training_profile(dataset, split.development))
    write_whole(folder / SEEN, _parquet(seen_frame(dataset, split)))
    record.write(folder)
    return record


def _parquet(frame: pl.DataFrame) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def known_columns(dataset: Dataset) -> pl.DataFrame:
    """Features, and beside them the identifiers (a ward, a year) that the table passes through."""
    others = [name for name in dataset.cohort.identifiers.columns if name not in dataset.inputs.columns]
    return dataset.inputs.hstack(dataset.cohort.identifiers.select(others)) if others else dataset.inputs


def _recalibration(finish: Finish) -> RecalibrationRecord:
    if (kept := finish.recalibration) is not None:
        return kept.model_copy(update={"applied": kept.kept != "none"})
    dataset, rows = finish.dataset, finish.validation.rows
    patients = dataset.cohort.patients[rows]
    record = choose_recalibration(dataset.task, dataset.targets[rows], finish.validation.values, patients)
    return record[1].model_copy(update={"applied": False})


def _decisions(finish: Finish) -> Decisions:
    """Operating points and decision curve of each output that is a probability."""
    dataset = finish.dataset
    if not dataset.task.is_classification:
        return Decisions(outputs={}, reason=f"a {dataset.task.kind} task has no thresholds of its own")
    per_day = rows_a_day(dataset)
    found = {}
    same = bool(np.isin(finish.judged.rows, finish.validation.rows).any())
    for name, validation, judged in _outcomes(finish)[:MOST_OUTPUTS]:
        # Out of fold, a judged patient's prediction averages other networks than a validation one does: thresholds
        # between the two would be off, so each fifth of those who judge is alerted by thresholds that the others chose.
        found[name] = OutputDecisions(
            prevalence=float(judged.observed.mean()),
            points=tuple(operating_points(judged if same else validation, judged, per_day)),
            curve=tuple(decision_curve(judged.observed, judged.predicted, judged.patients)),
        )
    others = "other patients who judge, fifth by fifth" if same else "validation patients"
    return Decisions(outputs=found, reason="", chosen_on=others, rows_a_day=per_day)


def _outcomes(finish: Finish) -> list[tuple[str, Scored, Scored]]:
    """(output, validation, judged) one against the rest, the most frequent first where there are many."""
    dataset = finish.dataset
    each = []
    for t, name in enumerate(dataset.task.output_names):
        sides = [_scored(dataset, said, t) for said in (finish.validation, finish.judged)]
        each.append((name, sides[0], sides[1]))
    if len(each) > MOST_OUTPUTS:
        each.sort(key=lambda one: -float(one[2].observed.mean()))
    return each


def _scored(dataset: Dataset, said: Said, output: int) -> Scored:
    targets = dataset.targets[said.rows]
    multiclass = dataset.task.kind == "multiclass"
    case = targets[:, 0] == output if multiclass else targets[:, output] > 0.5
    patients = dataset.cohort.patients[said.rows]
    return Scored(case.astype(np.float64), said.values[:, output].astype(np.float64), patients)


def rows_a_day(dataset: Dataset) -> float | None:
    """Rows of the table per day between its first and last date; None where it has no column of dates to split by."""
    cohort = dataset.cohort
    if cohort.time is None or cohort.time not in cohort.identifiers.columns:
        return None
    values = cohort.identifiers[cohort.time]
    if not values.dtype.is_temporal() or values.dtype == pl.Time:
        return None
    seconds = values.cast(pl.Datetime("us")).to_physical().to_numpy() / 1e6
    days = float(np.ptp(seconds)) / SECONDS_A_DAY
    return dataset.rows / days if days >= 1 else None


def fit_intervals(finish: Finish) -> ConformalIntervals | None:
    """Intervals for new patients, calibrated on validation; None for probabilities, and for too few patients."""
    dataset, said = finish.dataset, finish.validation
    scale = interval_scale(dataset.task, finish.target_scale)
    if scale is None:
        return None
    return ConformalIntervals.fit(scale, dataset.targets[said.rows], said.values, dataset.cohort.patients[said.rows])


def _intervals(finish: Finish) -> IntervalsRecord:
    made = fit_intervals(finish)
    if made is None:
        kind = finish.dataset.task.kind
        reason = (
            f"a {kind} task predicts probabilities" if finish.dataset.task.is_classification else "too few patients"
        )
        return IntervalsRecord(made=False, reason=reason)
    coverage = _coverage(finish, finish.dataset.task)
    return IntervalsRecord(made=True, reason="", **made.model_dump(), judged=coverage)


def _coverage(finish: Finish, task: Task) -> Coverage | None:
    """How many judged outcomes lie inside limits that were calibrated on other patients."""
    dataset, judged, said = finish.dataset, finish.judged, finish.validation
    patients, calibrating = dataset.cohort.patients[judged.rows], dataset.cohort.patients[said.rows]
    shared = bool(np.isin(patients, calibrating).any())
    part = patient_parts(patients) if shared else np.zeros(len(patients), np.int64)
    low, high = np.empty_like(judged.values), np.empty_like(judged.values)
    scale = interval_scale(task, finish.target_scale)
    for number in range(int(part.max()) + 1):
        inside = part == number
        others = ~np.isin(calibrating, patients[inside])
        rows = said.rows[others]
        assert scale is not None
        made = ConformalIntervals.fit(scale, dataset.targets[rows], said.values[others], calibrating[others])
        if made is None:
            return None
        low[inside], high[inside] = made.limits(judged.values[inside])
    return measured_coverage(LEVEL, task, dataset.targets[judged.rows], (low, high), patients)
