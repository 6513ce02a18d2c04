"""A run's evidence as one line of JSON, so that rules can be tried again in seconds, without training."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from rounds.examination.curve import Curve
from rounds.examination.finding import finding_record, read_finding
from rounds.examination.run import Advantage, Run
from rounds.plan import Plan
from rounds.task import Task

DIGITS = 8  # significant: enough to give a float32 back
_SERIES = ("train", "validation", "rate", "penalty")


def write_run(run: Run) -> str:
    """One line; `read_run` gives the same evidence back to eight digits."""
    return json.dumps(
        {
            "curves": [_curve(c) for c in run.curves],
            "plans": [p.model_dump(mode="json") for p in run.plans],
            "task": run.task.model_dump(mode="json") if run.task else None,
            "constant_loss": run.constant_loss,
            "constant_score": run.constant_score,
            "advantages": {n: asdict(a) for n, a in run.advantages.items()},
            "metrics": run.metrics,
            "references": {n: list(folds.items()) for n, folds in run.linear_by_fold.items()},
            "dataset": {key: (run.dataset or {}).get(key) for key in ("rows", "columns", "split")},
            "data_findings": [finding_record(f) for f in run.data_findings],
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
        advantages={n: Advantage(**a) for n, a in content["advantages"].items()},
        linear_by_fold={n: {int(fold): v for fold, v in folds} for n, folds in content["references"].items()},
        dataset=content["dataset"],
        metrics=content.get("metrics"),
        data_findings=tuple(read_finding(f) for f in content["data_findings"]),
        data_not_applicable=tuple((code, why) for code, why in content["data_not_applicable"]),
        data_examined=content["data_examined"],
    )


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
