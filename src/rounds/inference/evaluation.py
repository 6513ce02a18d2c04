"""A run on new patients whose outcomes are known: scores beside the old, calibration, drift, and who is not new."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.errors import DataError, must_be
from rounds.inference.baseline import Baseline
from rounds.inference.baseline_folder import load_baselines
from rounds.inference.calibration import calibration_record
from rounds.inference.conformal import coverage_record, read_intervals
from rounds.inference.decision import describe_alerts
from rounds.inference.disclosure import FEWEST_PATIENTS
from rounds.inference.drift import drift_record
from rounds.inference.intervals import paired_difference, score_with_interval
from rounds.inference.model_folder import load_predictor
from rounds.inference.outcomes import labels_of, read_outcomes
from rounds.inference.overlap import overlap_record, overlapping_rows, read_seen
from rounds.inference.prediction import describe_prediction, model_folder, new_inputs, read_source, written_codes
from rounds.inference.predictor import Predictor
from rounds.inference.recalibration import choose_recalibration, cross_fitted
from rounds.inference.reference import read_reference
from rounds.inference.subgroups import make_groups, subgroup_record
from rounds.metrics import METRICS, main_metric, unjudged_targets
from rounds.run_record import read_record

BASELINES, EVIDENCE = "baselines", "evidence.json"
# Patients below which a score says next to nothing, and is given with that word. Collins et al. 2016 (Statistics in
# Medicine 35) ask for 100 events to validate a model; a hundred patients are less than that.
FEW_PATIENTS, FEW_EVENTS = 100, 100


@dataclass(frozen=True)
class NewPatients:
    """Rows of the new table whose outcomes are known.

    table: as it stands there; inputs: feature columns as read for prediction; targets [N, T]; patients [N] one code
    a row; named: the patient column, where there is one; left_out: rows without outcome.
    """

    table: pl.DataFrame
    inputs: pl.DataFrame
    targets: np.ndarray
    patients: np.ndarray
    named: pl.Series | None
    left_out: int


def evaluate(
    run: Path, source: Any, where: str | None = None, subgroups: Collection[str] | None = None
) -> dict[str, Any]:
    """The record of `rounds evaluate`: metrics, before, baselines, difference, calibration, recalibration, decisions
    (the run's thresholds on these patients), intervals (their coverage), subgroups, drift, notes (unseen codes,
    ranges), overlap, rows, patients, limitations.

    source: as for `predict_table`; where: SQL condition on the rows to keep; subgroups: columns of the new table to
    compare by (None: sex and age, where they are recognised).
    Raises RunFolderError (no finished run), DataError (no outcome, other columns, other classes, one patient).
    """
    predictor = load_predictor(model_folder(run))
    described, scored = read_record(run, "dataset.json"), read_record(run, "metrics.json")
    new = read_patients(_kept(read_source(source, written_codes(predictor)), where), predictor, described)
    made = predictor.predict(new.inputs)
    scores = _scores(run, predictor, new, made.values)
    overlap, seen = _overlap(run, new, described)
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
        "without_overlap": _without_overlap(predictor, new, made.values, seen),
        **_calibration(predictor, new, made.values, scores["metrics"]),
        "decisions": _decisions(run, predictor, new, made.values),
        "intervals": _coverage(run, predictor, new, made.values),
        "subgroups": subgroup_record(
            predictor.task, new.targets, made.values, new.patients, make_groups(new.table, subgroups)
        ),
        "drift": drift_record(read_reference(run), new.inputs, new.patients),
        "notes": [{**note.model_dump(), "text": note.text} for note in made.notes],
    }
    return record | {"limitations": limitations(record, predictor, new)}


def _kept(table: pl.DataFrame, where: str | None) -> pl.DataFrame:
    if where is None:
        return table
    try:
        kept = table.filter(pl.sql_expr(where))
    except pl.exceptions.PolarsError as error:
        shown = f"{where} ({str(error).splitlines()[0]})"
        raise DataError(must_be("Where", "a condition on columns", "where", shown, 'Write "age >= 18"')) from None
    if kept.height == 0:
        raise DataError(must_be("Where", "true of some rows", "where", where, "Loosen the condition"))
    return kept


def read_patients(table: pl.DataFrame, predictor: Predictor, described: dict[str, Any]) -> NewPatients:
    """Inputs, outcomes and patients of a new table, for the rows whose outcomes are known; described: dataset.json.

    Raises DataError where there is no outcome, or the rows are of one patient.
    """
    read = new_inputs(table, predictor, dict(described.get("references", {})))
    inputs = read.select(name for name in predictor.preparation.columns if name in read.columns)
    predictor.preparation.check(inputs)
    outcomes = read_outcomes(table, predictor.task, predictor.columns)
    named = _named(table, described.get("group"))
    kept = pl.Series(outcomes.known)
    named = None if named is None else named.filter(kept)
    patients = _codes(named, len(outcomes.targets))
    if len(np.unique(patients)) < 2:
        advice = "A score needs several patients: check the table and its patient column"
        raise DataError(must_be("Patients", "at least 2 with an outcome", "patients", 1, advice))
    left_out = int((~outcomes.known).sum())
    return NewPatients(table.filter(kept), inputs.filter(kept), outcomes.targets, patients, named, left_out)


def _named(table: pl.DataFrame, group: str | None) -> pl.Series | None:
    """The patient column of training as text, where the new table has it."""
    if group is None or group not in table.columns:
        return None
    values = table[group]
    if values.null_count():
        shown = f"missing in {values.null_count():,} rows"
        advice = f'Fill them in, or leave those rows out with --where "{group} IS NOT NULL"'
        raise DataError(must_be("Group", "known in every row", group, shown, advice))
    return labels_of(values)


def _codes(named: pl.Series | None, rows: int) -> np.ndarray:
    if named is None:
        return np.arange(rows, dtype=np.int64)
    return named.rank("dense").cast(pl.Int64).to_numpy() - 1


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
    inside = overlapping_rows(seen, new.inputs, new.named, key)
    return {"judged": True, **overlap_record(seen, new.inputs, new.named, key)}, inside


def _without_overlap(
    predictor: Predictor, new: NewPatients, predicted: np.ndarray, seen: np.ndarray
) -> dict[str, Any] | None:
    """The scores of patients who are new indeed, where some are not and enough are."""
    people = len(np.unique(new.patients[~seen]))
    if not seen.any() or people < FEWEST_PATIENTS:
        return None
    scores = score_with_interval(predictor.task, new.targets[~seen], predicted[~seen], new.patients[~seen])
    return {"rows": int((~seen).sum()), "patients": people, "metrics": scores}


def _calibration(
    predictor: Predictor, new: NewPatients, predicted: np.ndarray, scores: dict[str, Any]
) -> dict[str, Any]:
    task = predictor.task
    made, record = choose_recalibration(task, new.targets, predicted, new.patients)
    mended = None
    if made.kind != "none":
        mapped = cross_fitted(task, made.kind, new.targets, predicted, new.patients)
        mended = score_with_interval(task, new.targets, mapped, new.patients)
    return {
        "calibration": calibration_record(task, new.targets, predicted, new.patients, scores),
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


def limitations(record: dict[str, Any], predictor: Predictor, new: NewPatients) -> list[str]:
    """What keeps these scores from being believed as they stand, most serious first."""
    found = [*_overlap_words(record), *_size_words(record, predictor, new)]
    group = next((c.name for c in predictor.columns if c.role == "group"), None)
    if group is not None and new.named is None:
        found.append(
            f"The patient column {group} is not in the table: every row counts as another patient, and intervals are "
            "too narrow if patients repeat."
        )
    if new.left_out:
        found.append(f"{new.left_out:,} rows without outcome were left out.")
    return found


def _overlap_words(record: dict[str, Any]) -> list[str]:
    overlap = record["overlap"]
    if not overlap["judged"]:
        return [f"Whether these patients were in the training table was not looked at: {overlap['reason']}."]
    rows, total = overlap["development"]["rows"], record["rows"]
    if not rows:
        return []
    who = "their patients were" if overlap["compared"] == "patient" else "rows of the same values were"
    if rows == total:
        return [f"All {total:,} rows were in training ({who} learned from): these scores say nothing of new patients."]
    return [f"{rows:,} of {total:,} rows were in training ({who} learned from): see without_overlap for the others."]


def _size_words(record: dict[str, Any], predictor: Predictor, new: NewPatients) -> list[str]:
    found = []
    if record["patients"] < FEW_PATIENTS:
        found.append(f"Only {record['patients']} patients: intervals are wide and calibration can hardly be judged.")
    task = predictor.task
    if same := unjudged_targets(task, new.targets):
        metrics = "discrimination and calibration slope are" if task.is_classification else "r2 is"
        shown = ", ".join(same[:5])
        found.append(f"All rows have the same outcome for {shown}: {metrics} not defined there.")
    elif task.kind == "binary":
        events = int(min(new.targets.sum(), len(new.targets) - new.targets.sum()))
        if events < FEW_EVENTS:
            shown = f"fewer than {FEWEST_PATIENTS}" if events < FEWEST_PATIENTS else f"only {events}"
            found.append(
                f"{shown.capitalize()} rows of the rarer outcome: {FEW_EVENTS} are wanted to validate a model."
            )
    return found
