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
from rounds.evaluation.seen_patients import overlap_record, overlapping_rows, read_seen
from rounds.metrics import METRICS, main_metric
from rounds.prediction.model_folder import load_predictor
from rounds.prediction.predictor import Predictor
from rounds.prediction.table import New, describe_prediction, model_folder, read_source
from rounds.run_folder.read import read_record
from rounds.statistics.calibration import calibration_record
from rounds.statistics.conformal import coverage_record, read_intervals
from rounds.statistics.decision import describe_alerts
from rounds.statistics.differences import paired_difference
from rounds.statistics.drift import drift_record
from rounds.statistics.intervals import score_with_interval
from rounds.statistics.recalibration import choose_recalibration, cross_fitted
from rounds.statistics.small_cells import FEWEST_PATIENTS
from rounds.statistics.subgroups import make_groups, subgroup_record
from rounds.statistics.training_profile import read_training_profile

BASELINES, EVIDENCE = "baselines", "evidence.json"


def evaluate(
    run: Path,
    source: Any,
    where: str | None = None,
    subgroups: Collection[str] | None = None,
    sequences: Any = None,
) -> dict[str, Any]:
    """The record of `rounds evaluate`: metrics, before, baselines, difference, calibration, recalibration, decisions
    (the run's thresholds on these patients), intervals (their coverage), subgroups, drift, notes (unseen codes,
    ranges), overlap, rows, patients, limitations.

    Where some patients were learned from and enough others were not, all of it is of the others; with_overlap has the
    scores of everybody.

    source, sequences: as for `predict_table`; where: SQL condition on the rows to keep; subgroups: columns of the new
    table to compare by (None: sex and age, where they are recognised).
    Raises RunFolderError (no finished run), DataError (no outcome, other columns, other classes, one patient).
    """
    predictor = load_predictor(model_folder(run))
    described, scored = read_record(run, "dataset.json"), read_record(run, "metrics.json")
    every = read_patients(_kept(read_source(source, predictor, sequences=sequences), where), predictor, described)
    overlap, seen = _overlap(run, every, described)
    new, everybody = _unseen(predictor, every, seen)
    made = predictor.predict(new.inputs, array=new.array)
    scores = _scores(run, predictor, new, made.values)
    record = {
        "run": run.name,
        "meaning": describe_prediction(predictor),
        "rows": len(new.targets),
        "patients": len(np.unique(new.patients)),
        "rows_without_outcome": new.left_out,
        **scores,
        "before": scored["test"],
        "before_kind": scored.get("test_kind"),
        "before_difference": scored.get("difference"),
        "overlap": overlap,
        "rows_read": len(every.targets),
        "with_overlap": everybody,
        "without_overlap": _counted(new, scores["metrics"]) if everybody else None,
        **_calibration(predictor, new, made.values),
        "decisions": _decisions(run, predictor, new, made.values),
        "intervals": _coverage(run, predictor, new, made.values),
        "subgroups": subgroup_record(
            predictor.task, new.targets, made.values, new.patients, make_groups(new.table, subgroups)
        ),
        "drift": drift_record(read_training_profile(run), new.inputs, new.patients),
        "notes": [{**note.model_dump(), "text": note.text} for note in made.notes],
    }
    return record | {"limitations": limitations(record, predictor, new)}


def _scores(run: Path, predictor: Predictor, new: NewPatients, predicted: np.ndarray) -> dict[str, Any]:
    """metrics, baselines and the difference to the best of them, all on the same new rows."""
    task = predictor.task
    says, absent = _baseline_predictions(run, new)
    scores = {name: score_with_interval(task, new.targets, p, new.patients) for name, p in says.items()}
    metrics = score_with_interval(task, new.targets, predicted, new.patients)
    return {
        "metrics": metrics,
        "main_metric": main_metric(task),
        "baselines": scores,
        "baselines_left_out": absent,
        "difference": _difference(predictor, new, predicted, says, scores) if metrics else None,
    }


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
    scores: dict[str, Any],
) -> dict[str, Any] | None:
    """Network against the baseline that scored best on these very rows, on the same resampled patients."""
    metric = main_metric(predictor.task)
    judged = {name: s[metric]["value"] for name, s in scores.items() if metric in s}
    if not judged:
        return None
    ideal = METRICS[metric].ideal
    best = min(judged, key=lambda name: abs(judged[name] - ideal))
    effect = paired_difference(predictor.task, metric, new.targets, predicted, says[best], new.patients)
    return {"metric": metric, "baseline": best, **effect}


def _overlap(run: Path, new: NewPatients, described: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """(record, [N] bool rows of patients that the networks may have learned from)."""
    seen = read_seen(run)
    nobody = np.zeros(len(new.targets), bool)
    if seen is None:
        return {"judged": False, "reason": "the run keeps no marks of its patients"}, nobody
    key = str(described["content_hash"])
    inputs = marked(new.inputs, new.array, str(described.get("modality", "")))
    inside = overlapping_rows(seen, inputs, new.named, key)
    return {"judged": True, **overlap_record(seen, inputs, new.named, key)}, inside


def _unseen(predictor: Predictor, every: NewPatients, seen: np.ndarray) -> tuple[NewPatients, dict[str, Any] | None]:
    """The patients who are new indeed, where some are not and enough are, and then the scores of everybody."""
    if not seen.any() or len(np.unique(every.patients[~seen])) < FEWEST_PATIENTS:
        return every, None
    predicted = predictor.predict(every.inputs, array=every.array).values
    scores = score_with_interval(predictor.task, every.targets, predicted, every.patients)
    return every.only(~seen), _counted(every, scores)


def _counted(new: NewPatients, metrics: dict[str, Any]) -> dict[str, Any]:
    return {"rows": len(new.targets), "patients": len(np.unique(new.patients)), "metrics": metrics}


def _calibration(predictor: Predictor, new: NewPatients, predicted: np.ndarray) -> dict[str, Any]:
    task = predictor.task
    made, record = choose_recalibration(task, new.targets, predicted, new.patients)
    mended = None
    if made.kind != "none":
        mapped = cross_fitted(task, made.kind, new.targets, predicted, new.patients)
        mended = score_with_interval(task, new.targets, mapped, new.patients)
    return {
        "calibration": calibration_record(task, new.targets, predicted, new.patients),
        "recalibration": {**record, "metrics": mended},
    }


def _decisions(run: Path, predictor: Predictor, new: NewPatients, predicted: np.ndarray) -> dict[str, Any]:
    """What the thresholds that training chose do to new patients; by output, empty where it chose none."""
    if not (run / EVIDENCE).is_file():
        return {}
    said = read_record(run, EVIDENCE).get("decisions", {}).get("outputs", {})
    found = {}
    for t, name in enumerate(predictor.task.output_names):
        multiclass = predictor.task.kind == "multiclass"
        case = (new.targets[:, 0] == t if multiclass else new.targets[:, t] > 0.5).astype(np.float64)
        points = [(p["target"], float(p["threshold"])) for p in said.get(name, {}).get("points", [])]
        found[name] = [
            {"target": target, "threshold": least, **describe_alerts(predicted[:, t] >= least, case, new.patients)}
            for target, least in points
        ]
    return {name: points for name, points in found.items() if points}


def _coverage(run: Path, predictor: Predictor, new: NewPatients, predicted: np.ndarray) -> dict[str, Any] | None:
    """Whether the run's intervals hold here what they promise; None where it keeps none."""
    intervals = read_intervals(run)
    if intervals is None:
        return None
    return coverage_record(intervals, predictor.task, new.targets, predicted, new.patients)
