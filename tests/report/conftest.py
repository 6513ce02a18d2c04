"""A run folder made by hand: small, quick, and with something in every place that a report looks at."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from rounds.metrics import main_metric, metrics_for, score
from rounds.report.page import write_report
from rounds.statistics.calibration import calibration_record
from rounds.statistics.conformal import ConformalIntervals, coverage_record
from rounds.statistics.decision import Scored, decision_curve, operating_points
from rounds.statistics.subgroups import subgroup_record
from rounds.task import Task

Record = dict[str, Any]
MakeRun = Callable[..., Path]

NASTY = '<img src=x onerror="document.title=1">&amp;'  # a column's name that wants to be a program
PATIENTS = 240
SECRET = 7_000_000  # patients are numbered from here, so that a number on the page gives itself away
TASKS = {
    "regression": Task(kind="regression", targets=("length_of_stay",), unit="days"),
    "binary": Task(kind="binary", targets=("death",), classes=("alive", "dead <b>")),
    "multiclass": Task(kind="multiclass", targets=("ward",), classes=("medical", "surgical", "other")),
    "multilabel": Task(kind="multilabel", targets=("stroke", "infarction")),
    "targets": Task(kind="regression", targets=("alpha", "beta", "gamma")),
    "count": Task(kind="count", targets=("falls",)),
}


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """make_run(kind, **changes) -> folder; changes replace whole records by their file's name."""

    def make(kind: str = "regression", **changes: Any) -> Path:
        return write_run(tmp_path / f"run-{kind}", TASKS[kind], changes)

    return make


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """page_of(kind) -> report of an unchanged run, drawn once."""

    @cache
    def drawn(kind: str) -> Path:
        return write_report(write_run(tmp_path_factory.mktemp("drawn") / kind, TASKS[kind], {}))

    return drawn


def write_run(folder: Path, task: Task, changes: Record) -> Path:
    """Writes the run's files, its records as changed."""
    folder.mkdir(exist_ok=True)
    for name, record in (records(task) | changes).items():
        (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    for name, frame in tables(task).items():
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


def records(task: Task) -> Record:
    """dataset, plan, findings, prescriptions and metrics of a run."""
    return {
        "dataset": dataset(task),
        "plan": {
            "hidden": [16, 16],
            "epochs": 6,
            "keep_best": "loss",
            "learning_rate": [0.001, 0.01],
            "dropout": 0.1,
            "reasons": {"epochs": "about 200,000 rows seen"},
            "beside": [{"dropout": [0.1, 0.4]}],
            "members": 6,
            "members_trained": 6,
            "parameters": [609, 609],
            "slab": {},
            "rows_that": {"judge": "test rows"},
        },
        "findings": {
            "verdict": {
                "believable": {"answer": "unknown", "reason": "leaks were not looked for"},
                "well_trained": {"answer": "yes", "reason": "nothing found"},
                "worth_it": {"answer": "yes", "reason": "better"},
            },
            "findings": [],
            "not_applicable": [],
        },
        "prescriptions": [],
        "metrics": metrics(task),
        "evidence": evidence(task),
    }


def dataset(task: Task) -> Record:
    """dataset.json: one feature has a nasty name, one is missing for three patients."""
    column = {
        "unit": "",
        "missing": [],
        "proposed_missing": [-9],
        "levels": 0,
        "missing_share": 0.0,
        "reason": "numbers",
    }
    return {
        "name": f"wards {NASTY}",
        "simulated": True,
        "task": task.model_dump(mode="json"),
        "rows_read": PATIENTS + 60,
        "rows": PATIENTS,
        "patients": PATIENTS,
        "exclusions": [["outcome not known", 55], ["outside the cohort", 5]],
        "columns": [
            {**column, "name": NASTY, "role": "numeric", "known": "admission"},
            {**column, "name": "sodium", "role": "numeric", "known": "admission", "missing_share": 3 / PATIENTS},
            *({**column, "name": name, "role": "target", "known": "outcome"} for name in task.targets),
        ],
        "group": None,
        "time": "admitted",
        "time_range": ["2019-02-17", "2023-11-29"],
        "content_hash": "9f3c" * 16,
        "prediction_moment": "admission",
        "notes": ["a note"],
        "split": {
            "kind": "held-out",
            "how": "a fifth at random",
            "seed": 0,
            "events": {"all": 90, "test": 90} if task.kind == "binary" else None,
        },
    }


def truth_and_guess(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """observed [N, T] (multiclass [N, 1]) and predicted [N, T] or [N, C]."""
    random = np.random.default_rng(0)
    x = random.normal(size=(PATIENTS, task.outputs))
    if task.kind in ("regression", "count"):
        y = np.exp(x / 2) * 4
        return (np.round(y) if task.kind == "count" else y + random.normal(size=y.shape)), y
    if task.kind == "multiclass":
        p = np.exp(2 * x) / np.exp(2 * x).sum(1, keepdims=True)
        return np.array([[random.choice(task.outputs, p=row)] for row in p]), p
    p = 1 / (1 + np.exp(-2 * x))
    return (random.random(p.shape) < p).astype(float), p


def metrics(task: Task) -> Record:
    """metrics.json; scores are those of the predictions, intervals made up around them."""
    observed, predicted = truth_and_guess(task)

    def interval(value: float) -> Record:
        return {"value": value, "low": value - 0.1, "high": value + 0.1, "resamples": 10}

    own = {n: interval(v) for n, v in score(task, observed, predicted).items()}
    worse = {n: interval(v["value"] * 1.2) for n, v in own.items()}
    main = main_metric(task)
    return {
        "task": task.model_dump(mode="json"),
        "test_kind": "held-out",
        "main_metric": main,
        "unit": task.unit,
        "statistic": "mean",
        "validation": own,
        "test": own,
        "single_network": worse,
        "baselines": {"constant": worse, "linear": worse, "trees": worse, "saps": worse},
        "difference": {"metric": main, "baseline": "linear", **interval(0.5), "smallest_worthwhile": 0.01},
        "differences": {"constant": interval(0.9), "linear": interval(0.5)},
        "members": 6,
        "configurations_tried": 2,
        "rows": dict.fromkeys(("train", "validation", "test"), PATIENTS),
        "patients": dict.fromkeys(("train", "validation", "test"), PATIENTS),
        "ledger": {"times_before": 2, "note": ""},
        "versions": {"rounds": "0.1.0"},
        "seconds": 3.0,
        "seconds_by_stage": {"training": 3.0},
        "known": list(metrics_for(task)),
    }


@cache
def evidence(task: Task) -> Record:
    """evidence.json: made of the predictions by the functions that make it, but for who the patients are."""
    observed, predicted = truth_and_guess(task)
    who = np.arange(PATIENTS) + SECRET
    sex = pl.Series(["F", "M"] * (PATIENTS // 2))
    ward = pl.Series([NASTY] * 12 + ["east"] * (PATIENTS - 17) + ["west"] * 5)
    calibration = calibration_record(task, observed, predicted, who)
    made = {
        "version": 1,
        "characteristics": characteristics(task),
        "calibration": calibration,
        "recalibration": {
            "kept": "none",
            "metric": "log_loss",
            "applied": False,
            "tried": {
                "temperature": {"gain": {"value": -0.01, "low": -0.02, "high": 0.01}},
                "isotonic": {"not_tried": "240 patients are fewer than 1000"},
            },
        },
        "decisions": decisions(task, observed, predicted, who),
        "intervals": intervals(task, observed, predicted, who),
        "subgroups": subgroup_record(task, observed, predicted, who, {"sex": sex, "ward": ward}),
        "importance": {
            "metric": main_metric(task),
            "rows": PATIENTS,
            "columns": [
                {"name": NASTY, "value": 0.2, "low": 0.1, "high": 0.3},
                {"name": "year", "value": 0, "low": -0.1, "high": 0.1},
            ],
        },
    }
    return json.loads(json.dumps(made, default=lambda part: part.content()))


def characteristics(task: Task) -> Record:
    """Table 1 of two parts: a number, levels of which two are hidden, and what is missing."""
    sizes = {part: {"rows": PATIENTS, "patients": PATIENTS} for part in ("development", "test")}
    number = {"median": 1996.0, "low": 1990.0, "high": 2001.0}
    level = {"rows": 200, "share": 200 / PATIENTS}
    cells = [
        ("year", "number", None, number),
        (NASTY, "level", "<i>a</i>", level),
        (NASTY, "level", "b", None),
        (NASTY, "level", "c", None),
        (NASTY, "missing", None, {"rows": 30, "share": 0.125}),
    ]
    rows = [
        {"column": column, "unit": "", "kind": kind, "level": text, "parts": dict.fromkeys(sizes, cell)}
        for column, kind, text, cell in cells
    ]
    return {"parts": sizes, "rows": rows}


def decisions(task: Task, observed: np.ndarray, predicted: np.ndarray, who: np.ndarray) -> Record:
    if not task.is_classification:
        return {"outputs": {}, "reason": "no thresholds"}
    cases = np.eye(task.outputs)[observed[:, 0]] if task.kind == "multiclass" else observed
    scored = [Scored(cases[:, t].astype(float), predicted[:, t], who) for t in range(task.outputs)]
    outputs = {
        name: {
            "prevalence": float(s.observed.mean()),
            "points": operating_points(s, s, 4.0),
            "curve": decision_curve(s.observed, s.predicted, s.patients),
        }
        for name, s in zip(task.output_names, scored, strict=True)
    }
    return {"outputs": outputs, "chosen_on": "validation patients", "rows_a_day": 4.0, "reason": ""}


def intervals(task: Task, observed: np.ndarray, predicted: np.ndarray, who: np.ndarray) -> Record:
    if task.is_classification:
        return {"made": False, "reason": f"a {task.kind} task predicts probabilities"}
    made = ConformalIntervals.fit("unit", observed, predicted, who)
    assert made is not None
    judged = coverage_record(made, task, observed, predicted, who)
    return {"made": True, "reason": "", **made.model_dump(mode="json"), "judged": judged}


def tables(task: Task) -> dict[str, pl.DataFrame]:
    """curves, members, steps, measures and predictions; member 6 only judges, and its losses are nan."""
    members = [(m, [0.001, 0.01][m % 2], -1 if m < 6 else 0) for m in range(7)]
    keys = {"round": 0, "slab": 0}
    loss = [[float("nan") if m == 6 else 1 / e + m / 10 for e in range(1, 7)] for m in range(7)]
    curve = [
        {**keys, "member": m, "epoch": e, "split": split, "metric": metric, "value": value}
        for m, rate, _ in members
        for e in range(1, 7)
        for split, metric, value in (
            ("train", "loss", loss[m][e - 1]),
            ("train", "learning_rate", rate / e),
            ("validation", "loss", loss[m][e - 1] + 0.1),
            ("validation", main_metric(task), loss[m][e - 1] + 1),
        )
    ]
    member = [
        {
            **keys,
            "member": m,
            "learning_rate": rate,
            "fold": m % 3,
            "outer": outer,
            "best_epoch": 6,
            "best_value": 0.2 + m / 10,
            "outcome": "finished",
        }
        for m, rate, outer in members
    ]
    steps = [
        {**keys, "member": m, "step": s, "epoch": s / 10, "loss": 10 / s + m / 10}
        for m in range(7)
        for s in range(1, 61)
    ]
    measured = [
        {**keys, "member": m, "epoch": e, "layer": layer, "measure": name, "value": 0.1 * (m + 1) * (e + 1)}
        for m in range(7)
        for e in (0, 3)
        for layer, name in (("hidden_0", "gradient_norm"), ("output", "gradient_norm"), ("activation_0", "dead_share"))
    ]
    number = {"round": pl.Int32, "slab": pl.Int32, "member": pl.Int32, "epoch": pl.Int32}
    return {
        "curves": pl.DataFrame(curve).cast(number),
        "members": pl.DataFrame(member),
        "steps": pl.DataFrame(steps).cast({k: number[k] for k in ("round", "slab", "member")}),
        "measures": pl.DataFrame(measured).cast(number),
        "predictions": predictions(task),
    }


def predictions(task: Task) -> pl.DataFrame:
    """One row a patient and output, of test and validation."""
    observed, predicted = truth_and_guess(task)
    if task.kind == "multiclass":
        observed = np.eye(task.outputs)[observed[:, 0]]
    who = np.arange(PATIENTS) + SECRET
    frames = [
        pl.DataFrame(
            {
                "row": who,
                "patient": who,
                "split": [split] * PATIENTS,
                "target": [name] * PATIENTS,
                "observed": observed[:, t].astype(float),
                "network": predicted[:, t],
                "linear": predicted[::-1, t],
            }
        )
        for split in ("validation", "test")
        for t, name in enumerate(task.output_names)
    ]
    return pl.concat(frames)
