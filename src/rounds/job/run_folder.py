"""The run folder: opened before training, finished after; every file whole or not at all."""

import io
import json
import platform
import re
import shutil
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from rounds.baselines.fit import Baseline, save_baselines
from rounds.data.dataset import Dataset, Split
from rounds.data.description import describe
from rounds.data.preparation.array_on_disk import ArrayInput
from rounds.ensemble.choose import ChosenEnsemble
from rounds.ensemble.explanations.pictures import write_images
from rounds.ensemble.image_variant_gain import augmented_gains
from rounds.ensemble.judge import NETWORK, JudgedRows, judge_rows, predictions_frame
from rounds.ensemble.members import make_parts, sound_members
from rounds.errors import RunFolderError, TrainingError
from rounds.evaluation.evidence_pack import Finish, Said
from rounds.examination.sources.population import facts_of
from rounds.files import is_leftover, json_text, write_whole
from rounds.metrics import main_metric
from rounds.prediction.image_variants_record import write_gains
from rounds.prediction.model_folder import save_predictor
from rounds.prediction.predictor import Predictor
from rounds.prescription.record import change_record
from rounds.run_folder.dataset import DatasetFile, SplitRecord
from rounds.run_folder.earlier_use import count_earlier_use
from rounds.run_folder.lock import LOCK
from rounds.run_folder.metrics import EarlierUseRecord, MetricsFile, PredictionCost, Selection
from rounds.run_folder.plan import IdleField, PlanFile, SlabShape, SlabShapes
from rounds.run_folder.progress import LIVE
from rounds.run_folder.stored import Content
from rounds.statistics.intervals import score_with_interval
from rounds.training.population.build import Population, Trained, idle_fields
from rounds.training.population.members import WHOLE_DEVELOPMENT
from rounds.training.result.tables import curves_frame, measures_frame, members_frame, steps_frame

COSTED_ROWS = 1_000  # predicted to say what a prediction costs
MOST_TIMED, BRIEF = 5, 0.05  # predictions, and seconds after which no further one is timed
COSTED_ARRAYS = 100  # images or recordings: each costs as much as a thousand rows
CHECKPOINTS, PLAN = "checkpoints", "plan.json"
BEFORE_TRAINING = {CHECKPOINTS, "dataset.json", "findings.json", LOCK}  # what a run that was stopped by its data leaves
RUNS, LONGEST_NAME = Path("runs"), 100  # letters of a made-up name
VERSIONED = ("rounds", "jax", "keras", "optax", "polars", "scikit-learn", "numpy")


@dataclass
class Clock:
    """Seconds of each stage, by name."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage] = round(now - self.last, 3)
        self.last = now


@dataclass(frozen=True)
class Finished:
    """Everything that the folder is written from. populations: of each round, the last is the chosen one."""

    dataset: Dataset
    split: Split
    populations: tuple[Trained, ...]
    made: ChosenEnsemble
    judged: JudgedRows
    baselines: tuple[Baseline, ...]

    @property
    def trained(self) -> Trained:
        return self.populations[-1]


def open_run_folder(out: Path | None, described: DatasetFile, resume: bool) -> Path:
    """The folder of this run, made where it is not there yet. described: `dataset_record` of the run.

    Raises RunFolderError where it holds another run, or with `resume` the run of other data or of another split.
    """
    folder = out or _own_folder(described, resume)
    if folder.exists() and not folder.is_dir():
        raise RunFolderError("out", "a folder", got=str(folder), advice="Choose another name with --out")
    begun = folder / PLAN
    if begun.exists() and not resume:
        advice = "Add --resume to go on with it, or choose another folder with --out"
        raise RunFolderError("out", "a folder without a run", got=str(folder), advice=advice)
    if begun.exists():
        _refuse_other_data(folder, described)
    if folder.is_dir() and not begun.exists() and any(map(_is_of_others, folder.iterdir())):
        advice = "Choose another folder with --out"
        raise RunFolderError("out", "a new or empty folder", got=str(folder), advice=advice)
    return folder


def _is_of_others(path: Path) -> bool:
    """Whether a file is none that a run leaves which was stopped before its training."""
    return path.name not in BEFORE_TRAINING and not is_leftover(path)


def _own_folder(described: DatasetFile, resume: bool) -> Path:
    """Where a run goes that was given no folder: the next that is free, or with `resume` the last that is there."""
    parts = [Path(described.name).stem, *described.task.targets[:1]]
    name = re.sub(r"[^\w.-]+", "_", "-".join(parts)).lstrip(".")[:LONGEST_NAME] or "run"
    numbers = [RUNS / (name if n == 1 else f"{name}-{n}") for n in range(1, 10_000)]
    place = next(place for place, folder in enumerate(numbers) if not folder.exists())
    return numbers[place - 1] if resume and place else numbers[place]


# What a run that goes on must share with its beginning; networks of other patients or another outcome fit none of it.
_SHARED = {
    "content_hash": "Table",
    "task": "Outcome",
    "group": "Patients",
    "time": "Time",
    "references": "Dates",
    "columns": "Columns",
    "split": "Split",
}


def _refuse_other_data(folder: Path, described: DatasetFile) -> None:
    try:
        known, now = DatasetFile.read(folder), DatasetFile.of(json.loads(json_text(described)))
        other = [key for key in _SHARED if getattr(known, key) != getattr(now, key)]
    except RunFolderError as error:
        advice = "Train into another folder with --out"
        raise RunFolderError("dataset.json", "readable", name="error", got=str(error), advice=advice) from None
    if "content_hash" in other:
        advice = "Give the table that the run was begun with, or choose another folder with --out"
        expected = f"that of the run ({known.content_hash[:12]})"
        raise RunFolderError("Table", expected, name="hash", got=described.content_hash[:12], advice=advice)
    if other:
        differs = _other_role(known, now) if other[0] == "columns" else ""
        raise _other_request(_SHARED[other[0]], folder, differs)


def _other_role(before: DatasetFile, now: DatasetFile) -> str:
    """The first column that is taken for something else, "" where all are taken for the same."""
    known = {column.name: column.role for column in before.columns}
    changed = (c for c in now.columns if known.get(c.name) != c.role)
    return next((f"column {c.name} ({known.get(c.name)} then, {c.role} now)" for c in changed), "")


def begin_run(folder: Path, population: Population, reasons: dict[str, str], asked: Content) -> None:
    """Writes the plan before training; a run that goes on must have the same."""
    plan = plan_record(population, reasons, asked)
    if (folder / PLAN).exists():
        now = PlanFile.of(json.loads(json.dumps(plan.content())))
        if (before := PlanFile.read(folder)) != now:
            raise _other_request("Plan", folder, _differing(before.content(), now.content()))
    plan.write(folder)


def refuse_other_request(folder: Path, asked: Content) -> None:
    """Raises RunFolderError where a finished run was asked for something else: its result is no answer to this."""
    before = PlanFile.read(folder).asked
    now = json.loads(json.dumps(asked))
    words = {"plan": "Plan", "members": "Members", "rounds": "Rounds", "model": "Model"}
    now["model"] = now.get("model")  # a network of Rounds's own
    known = {"model": None, **before} if before else {}
    other = [name for name in words if name in known and known[name] != now[name]]
    if other:
        before_, now_ = known[other[0]], now[other[0]]
        raise _other_request(words[other[0]], folder, _differing({other[0]: before_}, {other[0]: now_}))


def _differing(before: Any, now: Any) -> str:
    """The first field that two records do not share, "" where they are the same."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return ""
    for name in (*now, *(name for name in before if name not in now)):
        if before.get(name) != now.get(name):
            return (
                _differing(before.get(name), now.get(name)) or f"{name} ({before.get(name)} then, {now.get(name)} now)"
            )
    return ""


def _other_request(what: str, folder: Path, differs: str) -> RunFolderError:
    advice = f"It differs in {differs}. " if differs else ""
    advice += "Give the same options as when it was begun, or choose another folder with --out"
    return RunFolderError(what, "as when the run was begun", name="out", got=str(folder), advice=advice)


def plan_record(population: Population, reasons: dict[str, str], asked: Content) -> PlanFile:
    """plan.json: every field of the main plan, why, what the other plans change, slab shapes, which rows do what, and
    what the user asked for."""
    main, *others = population.plans
    slabs = {(s.plan, s.shape) for s in population.slabs}
    facts = facts_of(population, population.folds_data[0])
    shapes = tuple(SlabShape(plan=p, orders=g, members=m) for p, (g, m) in sorted(slabs))
    plan = PlanFile(
        **main.model_dump(mode="json"),
        reasons=reasons,
        asked=asked,
        no_effect=tuple(IdleField(**asdict(note)) for note in idle_fields(population, asked["plan"])),
        beside=tuple(change_record(main, other) for other in others),
        members=len([m for m in population.members if m.outer == WHOLE_DEVELOPMENT]),
        members_trained=len(population.members),
        parameters=tuple(population.parameters(i) for i in range(len(population.plans))),
        slab=SlabShapes(shapes=shapes),
        rows_that={
            "stop": "each member's own validation fold",
            "choose": "validation folds, by members that did not learn from them",
            "calibrate": "validation folds (maps of probabilities, the way back from a power scale, intervals)",
            "judge": "test rows, which no choice has looked at; in small data judging folds, by networks that never "
            "saw them (remedies were tried on all patients)",
        },
    )
    return plan if facts is None else plan.model_copy(update={"model": facts})


def begun_shapes(folder: Path) -> dict[int, tuple[int, int]] | None:
    """Slab shapes of a run that was begun, by plan: going on with others, on another machine, would change its bits."""
    if not (folder / PLAN).exists():
        return None
    return {s.plan: (s.orders, s.members) for s in PlanFile.read(folder).slab.shapes}


def dataset_record(dataset: Dataset, split: Split, split_seed: int) -> DatasetFile:
    """dataset.json: columns and what they are taken for, exclusions, split, hash."""
    rows, patients = _part_sizes(dataset, split)
    parts = SplitRecord(
        kind=split.kind, how=split.how, seed=split_seed, rows=rows, patients=patients, events=_events(dataset, split)
    )
    return describe(dataset, parts)


def _part_sizes(dataset: Dataset, split: Split) -> tuple[dict[str, int], dict[str, int]]:
    """Rows and patients of each part; train and validation are those of one member."""
    judged = split.test if split.kind != "out-of-fold" else split.development
    held = split.folds[0]
    parts = {"train": np.setdiff1d(split.development, held), "validation": held, "test": judged}
    patients = dataset.cohort.patients
    return {n: len(r) for n, r in parts.items()}, {n: len(np.unique(patients[r])) for n, r in parts.items()}


def _events(dataset: Dataset, split: Split) -> dict[str, int] | None:
    if dataset.task.kind != "binary":
        return None
    judged = split.test if split.kind != "out-of-fold" else split.development
    return {"all": int(dataset.targets.sum()), "test": int(dataset.targets[judged].sum())}


def write_results(folder: Path, finished: Finished) -> MetricsFile:
    """Writes curves, members, predictions, model and baselines; returns metrics.json's content but for its seconds."""
    write_curves(folder, finished.populations)
    write_frame(folder / "predictions.parquet", all_predictions(finished))
    save_predictor(folder / "model", finished.made.predictor)
    save_baselines(folder / "baselines", list(finished.baselines))
    return metrics_record(folder, finished)


def write_image_files(folder: Path, finished: Finished) -> None:
    """What each layer answers to, and what averaging over variants of an image gains; nothing where there are none."""
    made, patients = finished.made, finished.dataset.cohort.patients[finished.split.development]
    fold_data = finished.trained.population.folds_data[0]
    scale = made.predictor.target_scale
    write_images(folder, finished.trained, fold_data, made.members[0])
    write_gains(folder, augmented_gains(finished.trained, fold_data, made.members, scale, patients))


def write_trained(folder: Path, populations: tuple[Trained, ...]) -> None:
    """Curves, and the plain average of all finite networks: what is there whatever fails afterwards."""
    write_curves(folder, populations)
    trained, fold_data = populations[-1], populations[-1].population.folds_data[0]
    try:
        parts = make_parts(trained, sound_members(trained, fold_data.outer))
    except TrainingError:  # every network diverged
        return
    average = Predictor(trained.population.task, fold_data.preparation, fold_data.target_scale, parts)
    save_predictor(folder / "model", average)


def finish_of(finished: Finished) -> Finish:
    """What the evidence is gathered from."""
    made, judged = finished.made, finished.judged
    return Finish(
        finished.dataset,
        finished.split,
        validation=Said(finished.split.development[made.known], made.validation),
        judged=Said(judged.rows, judged.predictions[NETWORK]),
        target_scale=made.predictor.target_scale,
        recalibration=made.recalibration,
    )


def write_curves(folder: Path, populations: tuple[Trained, ...]) -> None:
    """Writes what happened in training: curves, members, steps and measures of every round."""
    frames = {"curves": curves_frame, "members": members_frame, "steps": steps_frame, "measures": measures_frame}
    for name, frame in frames.items():
        rounds = [frame(trained, number) for number, trained in enumerate(populations)]
        write_frame(folder / f"{name}.parquet", pl.concat(rounds))


def close_run(folder: Path, record: MetricsFile, clock: Clock) -> MetricsFile:
    """Writes metrics.json, with which a run is finished, and drops the checkpoints."""
    clock.lap("writing")
    seconds = {"seconds": round(sum(clock.seconds.values()), 3), "seconds_by_stage": clock.seconds}
    record = record.model_copy(update=seconds)
    record.write(folder)
    for passing in (CHECKPOINTS, LIVE):
        shutil.rmtree(folder / passing, ignore_errors=True)
    return record


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """A Parquet file, whole or not at all."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    write_whole(path, buffer.getvalue())


def all_predictions(finished: Finished) -> pl.DataFrame:
    """predictions.parquet: validation rows by the network, judged rows by every contestant."""
    made, split = finished.made, finished.split
    validation = JudgedRows(split.development[made.known], {NETWORK: made.validation})
    frames = [
        predictions_frame(finished.dataset, validation, "validation"),
        predictions_frame(finished.dataset, finished.judged, "test"),
    ]
    return pl.concat(frames, how="diagonal")


def metrics_record(folder: Path, finished: Finished) -> MetricsFile:
    """metrics.json but for rounds and seconds; the test rows are scored here, once, which is recorded."""
    dataset, split, made = finished.dataset, finished.split, finished.made
    rows = split.development[made.known]
    observed, patients = dataset.targets[rows], dataset.cohort.patients[rows]
    sizes, people = _part_sizes(dataset, split)
    earlier_use = count_earlier_use(folder.parent, _judged_hash(finished), folder.name)
    judged = judge_rows(dataset, finished.judged)
    return MetricsFile(
        task=dataset.task,
        test_kind=split.kind,
        main_metric=main_metric(dataset.task),
        unit=dataset.task.unit,
        statistic=made.predictor.target_scale.statistic,
        validation=score_with_interval(dataset.task, observed, made.validation, patients),
        test=judged.test,
        single_network=judged.single_network,
        baselines=judged.baselines,
        difference=judged.difference,
        differences=judged.differences,
        gain_over_single=judged.gain_over_single,
        members=len(made.members),
        ensemble=ensemble_record(finished),
        configurations_tried=len(made.scores),
        rows=sizes,
        patients=people,
        ledger=EarlierUseRecord(**earlier_use._asdict()),
        versions={name: version(name) for name in VERSIONED} | {"python": platform.python_version()},
    )


def ensemble_record(finished: Finished) -> Selection:
    """How members were averaged, and what a prediction costs beside that of one network."""
    made, dataset = finished.made, finished.dataset
    frame = dataset.inputs[: min(COSTED_ROWS if dataset.signals.array is None else COSTED_ARRAYS, dataset.rows)]
    both = (("ensemble", made.predictor), ("single_network", made.single))
    seconds = {name: _seconds(p, frame, dataset.signals.array) for name, p in both}
    cost = PredictionCost(rows=frame.height, seconds=seconds, networks=made.predictor.size)
    return made.selection.model_copy(update={"prediction": cost})


def _seconds(predictor: Predictor, frame: pl.DataFrame, array: ArrayInput | None) -> float:
    """Of the fastest of some predictions, where they are brief: the first of a process takes longer."""
    fastest, begun = np.inf, time.perf_counter()
    for _ in range(MOST_TIMED):
        started = time.perf_counter()
        predictor.predict(frame, array=array)
        fastest = min(fastest, time.perf_counter() - started)
        if time.perf_counter() - begun > BRIEF:
            break
    return round(float(fastest), 6)


def _judged_hash(finished: Finished) -> str:
    import hashlib

    rows = np.ascontiguousarray(finished.judged.rows)
    return hashlib.sha256(finished.dataset.provenance.content_hash.encode() + rows.tobytes()).hexdigest()
