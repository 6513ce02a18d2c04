"""A folder that `rounds.watch` left behind, as evidence: one training, of whatever framework."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.errors import DataError, RunFolderError
from rounds.examination.curve import Curve, Series
from rounds.examination.run import Run
from rounds.examination.sources.source import FACTS
from rounds.foreign_files import JsonObject
from rounds.model_facts import ModelFacts, TargetFacts
from rounds.plan import Plan, make_plan
from rounds.task import Task

LINES = "watch.jsonl"
EPOCHS_OF_STEPS = 40  # windows of steps, where a loop tells of no epochs
_PLANNED = ("mse", "mae", "huber", "poisson", "binary_crossentropy", "categorical_crossentropy")
_OPTIMIZERS = ("sgd", "adagrad", "rmsprop", "adam", "adamw")


def read_watched(folder: Path) -> Run:
    """Evidence of one watched training, finished or not.

    Raises RunFolderError where nothing was logged, or a file is damaged.
    """
    about, lines = _read(folder)
    curve = curve_of(lines)
    model = ModelFacts.model_validate(about["facts"]) if about.get("facts") else None
    plan = plan_of(model, about.get("epochs") or int(curve.epochs[-1]))
    settings = {"dropout": float(max(plan.values("dropout")))}
    settings |= {} if model is None or model.learning_rate is None else {"learning_rate": model.learning_rate}
    curve = replace(curve, settings=settings)
    return Run(
        curves=(curve,),
        plans=(plan,),
        task=task_of(model),
        constant_loss=about.get("constant_loss"),
        linear_by_fold={"linear": {0: about["linear_loss"]}} if about.get("linear_loss") is not None else {},
        origin="watched",
        model=model,
    )


def read_watched_seeds(folders: Sequence[Path]) -> Run:
    """Several watched trainings that differ in seed alone, as members of one configuration.

    Raises as `read_watched`, and DataError where loss, optimizer, learning rate or layers differ.
    """
    runs = [read_watched(folder) for folder in folders]
    for folder, run in zip(folders, runs, strict=True):
        if _trained_as(run) != _trained_as(runs[0]):
            advice = "Examine trainings that differ in more than their seed one by one"
            raise DataError("Watched trainings", "of one configuration", name="folder", got=str(folder), advice=advice)
    length = min(len(run.curves[0].epochs) for run in runs)
    linear = {i: run.linear_by_fold["linear"][0] for i, run in enumerate(runs) if run.linear_by_fold}
    return replace(
        runs[0],
        plans=(runs[0].plans[0].change(folds=len(runs)),),
        curves=tuple(replace(_first(run.curves[0], length), member=i, fold=i) for i, run in enumerate(runs)),
        linear_by_fold={"linear": linear} if linear else {},
    )


def _trained_as(run: Run) -> tuple[Any, ...]:
    """What seeds have in common; names of layers are left out, since Keras counts them up."""
    model = run.model
    if model is None:
        return ()
    layers = tuple(tuple(layer.model_dump(exclude={"name"}).items()) for layer in model.layers)
    return layers, model.loss, model.optimizer, model.learning_rate, model.batch_size


def _first(curve: Curve, epochs: int) -> Curve:
    """The curve's first epochs, so that all seeds have as many."""
    metrics = {name: values[:epochs] for name, values in curve.metrics.items()}
    cut = {n: v[:epochs] for n in ("epochs", "train", "validation", "rate") if (v := getattr(curve, n)) is not None}
    return replace(curve, metrics=metrics, **cut)


def _read(folder: Path) -> tuple[JsonObject, list[JsonObject]]:
    try:
        about = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        text = (folder / LINES).read_text(encoding="utf-8") if (folder / LINES).exists() else ""
    except (OSError, ValueError) as error:
        advice = "Restore the file, or watch the training again"
        raise RunFolderError(
            FACTS, "a record of a watched training", name="error", got=str(error), advice=advice
        ) from None
    lines = [line for line in map(_parsed, text.splitlines()) if line is not None]
    if not any(name in line for line in lines for name in ("train_loss", "validation_loss", "step_loss")):
        advice = "Call watch.log(train_loss=...) in the loop, and watch.close() after it"
        raise RunFolderError("Folder", "a watched training with a loss", name="folder", got=str(folder), advice=advice)
    return about, lines


def _parsed(line: str) -> JsonObject | None:
    """A line as a record; None for the last one of a loop that died while writing it."""
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def curve_of(lines: list[JsonObject]) -> Curve:
    """The lines as one curve: by epoch where epochs were logged, else by windows of steps."""
    ends = [line for line in _with_mean_of_steps(lines) if _ends_epoch(line)]
    rows = _merged(ends) if ends else _windows(lines)
    steps = [
        (float(line["epoch"] if "epoch" in line else line["step"]), _number(line["step_loss"]))
        for line in lines
        if "step_loss" in line
    ]
    epochs = np.array([row["epoch"] for row in rows])
    reserved = {"epoch", "step", "train_loss", "validation_loss", "learning_rate"}
    names = dict.fromkeys(name for row in rows for name in row if name not in reserved)
    scale = 1.0 if ends else epochs[-1] / max(max((line["step"] for line in lines), default=1), 1)
    return Curve(
        member=0,
        epochs=epochs,
        train=_column(rows, "train_loss"),
        validation=_column(rows, "validation_loss"),
        rate=_column(rows, "learning_rate") if any("learning_rate" in row for row in rows) else None,
        metrics={name: _column(rows, name) for name in names},
        measures=_measures([line for line in lines if "measures" in line], scale),
        steps=(np.array([e for e, _ in steps]), np.array([v for _, v in steps])) if steps else None,
        outcome="diverged" if _lost(lines) else "finished",
    )


def _lost(lines: list[JsonObject]) -> bool:
    """Whether the training loss was no number when it was logged last."""
    losses = [line[name] for line in lines for name in ("train_loss", "step_loss") if line.get(name) is not None]
    return bool(losses) and not np.isfinite(_number(losses[-1]))


def _ends_epoch(line: JsonObject) -> bool:
    epoch = line.get("epoch")
    whole = epoch is not None and float(epoch) == int(epoch) and epoch > 0
    return whole and bool({"train_loss", "validation_loss"} & set(line))


def _with_mean_of_steps(lines: list[JsonObject]) -> Iterator[JsonObject]:
    """The lines, each end of an epoch with the mean training loss of its steps, where the loop logged no other."""
    losses: list[float] = []
    for line in lines:
        if not _ends_epoch(line):
            losses += [_number(line[name]) for name in ("train_loss", "step_loss") if name in line]
            yield line
            continue
        yield {"train_loss": float(np.mean(losses)), **line} if losses else line
        losses = []


def _merged(lines: list[JsonObject]) -> list[JsonObject]:
    """One row an epoch, whatever number of lines it has."""
    rows: dict[int, JsonObject] = {}
    for line in lines:
        rows.setdefault(int(line["epoch"]), {}).update({**line, "epoch": int(line["epoch"])})
    return [rows[epoch] for epoch in sorted(rows)]


def _windows(lines: list[JsonObject]) -> list[JsonObject]:
    """Windows of steps in place of epochs: at each validation where there are some, else EPOCHS_OF_STEPS alike."""
    told = [line for line in lines if {"train_loss", "step_loss", "validation_loss"} & set(line)]
    validated = [i + 1 for i, line in enumerate(told) if "validation_loss" in line]
    cuts = validated or [round(len(told) * (i + 1) / EPOCHS_OF_STEPS) for i in range(EPOCHS_OF_STEPS)]
    cuts = sorted({cut for cut in cuts if cut} | ({len(told)} if not validated else set()))
    rows = []
    for number, (start, stop) in enumerate(zip([0, *cuts], cuts, strict=False), start=1):
        part = told[start:stop]
        losses = [
            _number(line.get("train_loss", line.get("step_loss")))
            for line in part
            if "train_loss" in line or "step_loss" in line
        ]
        merged = {name: value for line in part for name, value in line.items()}
        rows.append({**merged, "epoch": number, **({"train_loss": float(np.mean(losses))} if losses else {})})
    return rows


def _column(rows: Iterable[JsonObject], name: str) -> np.ndarray:
    return np.array([_number(row.get(name)) for row in rows])


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)  # "nan" and "inf" are words in the file


def _measures(lines: list[JsonObject], scale: float) -> dict[tuple[str, str], Series]:
    """By (layer, measure); epochs as logged, or steps times `scale`. What was not taken at the end, where no step
    follows, is as it was before."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    known: dict[str, JsonObject] = {}
    for line in lines:
        epoch = float(line["epoch"]) if "epoch" in line else scale * line["step"]
        for layer, measures in line["measures"].items():
            measures = known[layer] = {**known.get(layer, {}), **measures}
            for name, value in measures.items():
                found.setdefault((layer, name), []).append((epoch, _number(value)))
    return {key: (np.array([e for e, _ in pairs]), np.array([v for _, v in pairs])) for key, pairs in found.items()}


def plan_of(model: ModelFacts | None, epochs: int) -> Plan:
    """What is known of the training in a plan's words; what a plan has no name for is "compiled"."""
    fields: JsonObject = {
        "network": "keras",
        "epochs": max(epochs, 1),
        "patience": 0,
        "keep_best": "none",
        "warmup_epochs": 0.0,
        "schedule": "constant",
        "weight_decay": 0.0,
        "dropout": 0.0,
        "scale_inputs": False,
        "folds": 1,
    }
    if model is not None:
        fields |= {
            "loss": model.loss if model.loss in _PLANNED else "compiled",
            "optimizer": model.optimizer if model.optimizer in _OPTIMIZERS else "compiled",
            "dropout": min(model.dropout, 0.999),
            **({"learning_rate": model.learning_rate} if model.learning_rate is not None else {}),
            **({"batch_size": model.batch_size} if model.batch_size else {}),
        }
    return make_plan(Plan(), fields)


def task_of(model: ModelFacts | None) -> Task | None:
    """The kind of outcome, as far as loss and targets tell."""
    targets = None if model is None else model.targets
    if model is None or targets is None:
        return None
    names = tuple(f"y{i}" for i in range(targets.width))
    kind, classes = _kind(targets, model)
    return Task(kind=kind, targets=names[:1] if classes else names, classes=classes)  # type: ignore[arg-type]


def _kind(targets: TargetFacts, model: ModelFacts) -> tuple[str, tuple[str, ...]]:
    sparse = model.loss == "sparse_categorical_crossentropy"
    if targets.exclusive:
        return "multiclass", tuple(map(str, range(targets.width)))
    if sparse and targets.classes > 2:
        return "multiclass", tuple(map(str, range(targets.classes)))
    if targets.width == 1 and (targets.binary or (targets.low == -1 and targets.high == 1 and targets.whole)):
        return "binary", ("0", "1")
    return ("multilabel" if targets.binary else "regression"), ()
