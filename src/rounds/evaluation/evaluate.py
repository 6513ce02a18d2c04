"""A run on new patients whose outcomes are known: scores beside the old, calibration, drift, and who is not new."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.baselines.baseline import Baseline
from rounds.baselines.folder import load_baselines
from rounds.data.cohort.condition import kept_rows
from rounds.data.preparation.array_scale import marked
from rounds.evaluation.limitations import limitations
from rounds.evaluation.new_patients import NewPatients, read_patients
from rounds.evaluation.record import Evaluation, NotedInput, Overlap, Recalibrated, ScoredPart
from rounds.evaluation.seen_patients import overlap_record, overlapping_rows, read_seen
from rounds.metrics import METRICS, main_metric
from rounds.prediction.model_folder import load_predictor
from rounds.prediction.predictor import Predictor
from rounds.prediction.table import New, describe_prediction, model_folder, read_source
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.evidence import Coverage, EvidenceFile, OperatingPoint
from rounds.run_folder.metrics import BaselineDifference, MetricsFile, Scores
from rounds.statistics.calibration import calibration_record
from rounds.statistics.conformal import coverage_record, read_intervals
from rounds.statistics.decision import Scored, operating_point
from rounds.statistics.differences import paired_difference
from rounds.statistics.drift import drift_record
from rounds.statistics.intervals import score_with_interval
from rounds.statistics.recalibration import choose_recalibration, cross_fitted
from rounds.statistics.small_cells import FEWEST_PATIENTS
from rounds.statistics.subgroups import make_groups, subgroup_record
from rounds.statistics.training_profile import read_training_profile

BASELINES = "baselines"


def evaluate(
    run: Path,
    source: Any,
    where: str | None = None,
    subgroups: Collection[str] | None = None,
    sequences: Any = None,
) -> Evaluation:
    """What `rounds evaluate` says: where some patients were learned from and enough others were not, of the others, and
    with_overlap has the scores of everybody.

    source, sequences: as for `predict_table`; where: SQL condition on the rows to keep; subgroups: columns of the new
    table to compare by (None: sex and age, where they are recognised).
    Raises RunFolderError (no finished run), DataError (no outcome, other columns, other classes, one patient).
    """
    predictor = load_predictor(model_folder(run))
    described, scored = DatasetFile.read(run), MetricsFile.read(run)
    every = read_patients(_kept(read_source(source, predictor, sequences=sequences), where), predictor, described)
    overlap, seen = _overlap(run, every, described)
    new, everybody = _unseen(predictor, every, seen)
    made = predictor.predict(new.inputs, array=new.array)
    task, groups = predictor.task, make_groups(new.table, subgroups)
    metrics = score_with_interval(task, new.targets, made.values, new.patients)
    says, absent = _baseline_predictions(run, new)
    baselines = {name: score_with_interval(task, new.targets, p, new.patients) for name, p in says.items()}
    record = Evaluation(
        run=run.name,
        meaning=describe_prediction(predictor),
        rows=len(new.targets),
        patients=len(np.unique(new.patients)),
        rows_without_outcome=new.left_out,
        metrics=metrics,
        main_metric=main_metric(task),
        baselines=baselines,
        baselines_left_out=absent,
        difference=_difference(predictor, new, made.values, says, baselines) if metrics else None,
        before=scored.test,
        before_kind=scored.test_kind,
        before_difference=scored.difference,
        overlap=overlap,
        rows_read=len(every.targets),
        with_overlap=everybody,
        without_overlap=_scored(new, metrics) if everybody else None,
        calibration=calibration_record(task, new.targets, made.values, new.patients),
        recalibration=_recalibration(predictor, new, made.values),
        decisions=_decisions(run, predictor, new, made.values),
        intervals=_coverage(run, predictor, new, made.values),
        subgroups=subgroup_record(task, new.targets, made.values, new.patients, groups),
        drift=drift_record(read_training_profile(run), new.inputs, new.patients),
        notes=tuple(NotedInput(**note.model_dump(), text=note.text) for note in made.notes),
    )
    return record.model_copy(update={"limitations": limitations(record, predictor, new)})


def _baseline_predictions(run: Path, new: NewPatients) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """What each saved baseline says, and those that cannot say anything of this table, with the reason."""
    if not (run / BASELINES).is_dir():
        return {}, {}
    says, absent = {}, {}
    for baseline in load_baselines(run / BASELINES):
        reason = _lacks(baseline, new)
        if reason:
            absent[baseline.name] = reason
        else:
            says[baseline.name] = baseline.predict(_with_score(baseline, new))
    return says, absent


def _kept(new: New, where: str | None) -> New:
    return new._replace(table=kept_rows(new.table, where))


def _lacks(baseline: Baseline, new: NewPatients) -> str:
    column = baseline.record.column
    if not column:
        return ""
    if column not in new.table.columns:
        return f"the score in use, {column}, is not in the table"
    return "" if new.table[column].dtype.is_numeric() else f"{column} holds no numbers"


def _with_score(baseline: Baseline, new: NewPatients) -> pl.DataFrame:
    column = baseline.record.column
    return new.inputs.with_columns(new.table[column]) if column else new.inputs


def _difference(
    predictor: Predictor,
    new: NewPatients,
    predicted: np.ndarray,
    says: dict[str, np.ndarray],
    scores: dict[str, Scores],
) -> BaselineDifference | None:
    """Network against the baseline that scored best on these very rows, on the same resampled patients."""
    metric = main_metric(predictor.task)
    judged = {name: s[metric].value for name, s in scores.items() if metric in s}
    if not judged:
        return None
    ideal = METRICS[metric].ideal
    best = min(judged, key=lambda name: abs(judged[name] - ideal))
    effect = paired_difference(predictor.task, metric, new.targets, predicted, says[best], new.patients)
    return BaselineDifference(metric=metric, baseline=best, **effect.content())


def _overlap(run: Path, new: NewPatients, described: DatasetFile) -> tuple[Overlap, np.ndarray]:
    """(record, [N] bool rows of patients that the networks may have learned from)."""
    seen = read_seen(run)
    nobody = np.zeros(len(new.targets), bool)
    if seen is None:
        return Overlap(judged=False, reason="the run keeps no marks of its patients"), nobody
    key = described.content_hash
    inputs = marked(new.inputs, new.array, described.modality)
    inside = overlapping_rows(seen, inputs, new.named, key)
    return overlap_record(seen, inputs, new.named, key), inside


def _unseen(predictor: Predictor, every: NewPatients, seen: np.ndarray) -> tuple[NewPatients, ScoredPart | None]:
    """The patients who are new indeed, where some are not and enough are, and then the scores of everybody."""
    if not seen.any() or len(np.unique(every.patients[~seen])) < FEWEST_PATIENTS:
        return every, None
    predicted = predictor.predict(every.inputs, array=every.array).values
    scores = score_with_interval(predictor.task, every.targets, predicted, every.patients)
    return every.only(~seen), _scored(every, scores)


def _scored(new: NewPatients, metrics: Scores) -> ScoredPart:
    return ScoredPart(rows=len(new.targets), patients=len(np.unique(new.patients)), metrics=metrics)


def _recalibration(predictor: Predictor, new: NewPatients, predicted: np.ndarray) -> Recalibrated:
    task = predictor.task
    made, record = choose_recalibration(task, new.targets, predicted, new.patients)
    mended = None
    if made.kind != "none":
        mapped = cross_fitted(task, made.kind, new.targets, predicted, new.patients)
        mended = score_with_interval(task, new.targets, mapped, new.patients)
    return Recalibrated(**record.model_dump(exclude_unset=True), metrics=mended)


def _decisions(
    run: Path, predictor: Predictor, new: NewPatients, predicted: np.ndarray
) -> dict[str, tuple[OperatingPoint, ...]]:
    """What the thresholds that training chose do to new patients; by output, empty where it chose none."""
    if not (run / EvidenceFile.FILE).is_file():
        return {}
    said = EvidenceFile.read(run).decisions.outputs
    found = {}
    for t, name in enumerate(predictor.task.output_names):
        multiclass = predictor.task.kind == "multiclass"
        case = (new.targets[:, 0] == t if multiclass else new.targets[:, t] > 0.5).astype(np.float64)
        judged = Scored(case, predicted[:, t], new.patients)
        found[name] = tuple(
            operating_point(point.target, point.threshold, predicted[:, t] >= point.threshold, judged)
            for point in (said[name].points if name in said else ())
        )
    return {name: points for name, points in found.items() if points}


def _coverage(run: Path, predictor: Predictor, new: NewPatients, predicted: np.ndarray) -> Coverage | None:
    """Whether the run's intervals hold here what they promise; None where it keeps none."""
    intervals = read_intervals(run)
    if intervals is None:
        return None
    return coverage_record(intervals, predictor.task, new.targets, predicted, new.patients)
