"""A run's evidence as one line of JSON, so that rules can be tried again in seconds, without training."""

import json
from typing import Any

import numpy as np

from rounds.examination.curve import Curve
from rounds.examination.finding import finding_record, read_finding
from rounds.examination.run import Run
from rounds.plan import Plan
from rounds.run_folder.dataset import ColumnRecord, DatasetFile, SplitRecord
from rounds.run_folder.findings import FindingRecord
from rounds.run_folder.metrics import Estimate, MeasurementPattern, MetricsFile
from rounds.task import Task

DIGITS = 8  # significant: enough to give a float32 back
_SERIES = ("train", "validation", "rate", "penalty")
KEPT = {"rows", "columns", "split"}  # of dataset.json: what rules read


def write_run(run: Run) -> str:
    """One line; `read_run` gives the same evidence back to eight digits."""
    return json.dumps(
        {
            "curves": [_curve(c) for c in run.curves],
            "plans": [p.model_dump(mode="json") for p in run.plans],
            "task": run.task.model_dump(mode="json") if run.task else None,
            "constant_loss": run.constant_loss,
            "constant_score": run.constant_score,
            "advantages": {n: a.model_dump(include={"value", "low", "high"}) for n, a in run.advantages.items()},
            "metrics": {"gaps": run.metrics.gaps.content()} if run.metrics and run.metrics.gaps else None,
            "references": {n: list(folds.items()) for n, folds in run.linear_by_fold.items()},
            "dataset": run.dataset.model_dump(mode="json", include=KEPT) if run.dataset else {},
            "data_findings": [finding_record(f).content() for f in run.data_findings],
            "data_not_applicable": run.data_not_applicable,
            "data_examined": run.data_examined,
        }
    )


def read_run(content: dict[str, Any]) -> Run:
    """The evidence of a line that `write_run` made."""
    return Run(
        curves=tuple(_read_curve(c) for c in content["curves"]),
        plans=tuple(_plan(p) for p in content["plans"]),
        task=Task(**content["task"]),
        constant_loss=content["constant_loss"],
        constant_score=content["constant_score"],
        advantages={n: Estimate(**a) for n, a in content["advantages"].items()},
        linear_by_fold={n: {int(fold): v for fold, v in folds} for n, folds in content["references"].items()},
        dataset=_dataset(content["dataset"]),
        metrics=_metrics(content.get("metrics")),
        data_findings=tuple(read_finding(FindingRecord.model_validate(f)) for f in content["data_findings"]),
        data_not_applicable=tuple((code, why) for code, why in content["data_not_applicable"]),
        data_examined=content["data_examined"],
    )


def _dataset(content: dict[str, Any]) -> DatasetFile:
    columns = tuple(ColumnRecord.model_construct(**column) for column in content.get("columns") or ())
    split = SplitRecord.model_construct(**{"events": None, **(content.get("split") or {})})
    return DatasetFile.model_construct(**{**content, "columns": columns, "split": split})


def _metrics(content: dict[str, Any] | None) -> MetricsFile | None:
    """What only `rounds train` measures, of recordings."""
    gaps = (content or {}).get("gaps")
    return None if not gaps else MetricsFile.model_construct(gaps=MeasurementPattern.model_validate(gaps))


def _plan(content: dict[str, Any]) -> Plan:
    return Plan(**{name: tuple(v) if isinstance(v, list) else v for name, v in content.items()})


def _numbers(values: np.ndarray | None) -> list[float] | None:
    return None if values is None else [float(f"{v:.{DIGITS}g}") for v in np.asarray(values, float)]


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "member": curve.member,
        "plan": curve.plan,
        "fold": curve.fold,
        "outer": curve.outer,
        "settings": curve.settings,
        "outcome": curve.outcome,
        "epochs": [int(e) for e in curve.epochs],
        **{name: _numbers(getattr(curve, name)) for name in _SERIES},
        "metrics": {name: _numbers(v) for name, v in curve.metrics.items()},
        "measures": [[layer, m, [int(e) for e in t], _numbers(v)] for (layer, m), (t, v) in curve.measures.items()],
        "steps": None if curve.steps is None else [_numbers(curve.steps[0]), _numbers(curve.steps[1])],
    }


def _read_curve(content: dict[str, Any]) -> Curve:
    series = {name: None if content[name] is None else np.array(content[name], float) for name in _SERIES}
    steps = content["steps"]
    return Curve(
        epochs=np.array(content["epochs"], int),
        metrics={name: np.array(v, float) for name, v in content["metrics"].items()},
        measures={(layer, m): (np.array(t, int), np.array(v, float)) for layer, m, t, v in content["measures"]},
        steps=None if steps is None else (np.array(steps[0], float), np.array(steps[1], float)),
        **{name: content[name] for name in ("member", "plan", "fold", "outer", "settings", "outcome")},
        **series,
    )
