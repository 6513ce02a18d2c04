"""Trains the runs of one task and keeps what rules and judges of harm need, in one file outside version control."""

import fcntl
import json
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ward.cases import Case, cases_of
from benchmarks.ward.evidence import Beside, Scores, make_run, make_scores
from benchmarks.ward.ground import Ground, make_ground
from benchmarks.ward.record import write_run
from benchmarks.ward.tasks import WardTask
from benchmarks.ward.training import HEALTHY_PATIENTS, Place, Workshop, prepare, train
from benchmarks.ward.wings import EVERY_TASK, WINGS
from rounds.data.dataset import Dataset
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.examine_data import examine_data
from rounds.examination.finding import finding_record
from rounds.files import write_whole
from rounds.plan import Plan

CORES = 2


def train_all(tasks: list[WardTask], shared: Path, folder: Path) -> None:
    """On two cores: tables of numbers on one, of classes on the other, since those of one kind share programs; then
    images on one and recordings on the other."""
    numbers, classes = (
        [t for t in tasks if t.modality == "table" and (t.kind == "binary") == binary] for binary in (False, True)
    )
    signals = ([t for t in tasks if t.modality == modality] for modality in ("image", "recording"))
    shares = [share for share in (numbers, classes, *signals) if share]
    with ProcessPoolExecutor(min(len(shares), CORES), mp_context=get_context("spawn")) as pool:
        names = [[t.name for t in share] for share in shares]
        list(pool.map(partial(_train_share, shared=shared, folder=folder), names))


def _train_share(names: list[str], shared: Path, folder: Path) -> None:
    """All tasks once for a first look, then another seed of all of them at a time; programs are kept."""
    workshop = Workshop()
    tasks = [t for t in EVERY_TASK if t.name in names]
    for turn in range(max(len(WINGS[t.wing].seeds) for t in tasks)):
        for task in tasks:
            make_runs(task, shared, folder, workshop, turn)


def make_runs(task: WardTask, shared: Path, folder: Path, workshop: Workshop, turn: int) -> None:
    """Adds to FOLDER/TASK.jsonl a line for each case that it lacks: the case, its scores, and (fresh seeds apart) its
    evidence. turn: the last one that is trained (`Case.turn`)."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{task.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another process is at it
        _make_missing(task, shared, folder / f"{task.name}.jsonl", workshop, turn)


def _make_missing(task: WardTask, shared: Path, path: Path, workshop: Workshop, turn: int) -> None:
    started = time.monotonic()
    known = {about["key"] for about, _ in read_lines(path)} if path.exists() else set()
    with path.open("a", encoding="utf-8") as file:
        begun, spent = time.monotonic(), time.process_time()
        for case, scores, evidence in _every_run(task, shared, known, workshop, turn):
            about: dict[str, Any] = {name: getattr(case, name) for name in ("name", "severity", "seed", "number")}
            about |= {"key": case.key, "fresh": case.fresh, "scores": asdict(scores)}
            about["seconds"], begun = round(time.monotonic() - begun, 3), time.monotonic()
            about["processor_seconds"], spent = round(time.process_time() - spent, 3), time.process_time()
            file.write(f"{json.dumps(about)}\t{evidence}\n")
            file.flush()
    print(json.dumps({"task": task.name, "seconds": round(time.monotonic() - started, 1)}), flush=True)


def read_lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """(case and scores, evidence as JSON or nothing) of every whole line; the last one may have been cut off."""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        about, _, evidence = line.partition("\t")
        if line.endswith("\n"):
            yield json.loads(about), evidence.strip()


def _every_run(
    task: WardTask, shared: Path, known: set[str], workshop: Workshop, turn: int
) -> Iterator[tuple[Case, Scores, str]]:
    dataset, clean = task.load(shared), task.clean and task.clean(shared)
    cases = [c for c in cases_of(task, dataset, WINGS[task.wing]) if c.turn <= turn]
    prepared = prepare({_place(c): _ground(task.name, c, dataset, clean) for c in cases})
    besides = {place: Beside(ground) for place, ground in prepared.grounds.items()}
    for case in cases:
        if case.key not in known:
            place = _place(case)
            trained = train(workshop, Plan(**case.changes), dataset.task, prepared, place)
            scores, made = make_scores(trained, prepared.grounds[place])
            yield case, scores, "" if case.fresh else write_run(make_run(trained, besides[place], made))


def _place(case: Case) -> Place:
    """Which ground a case stands on: that of a fault of tables, or healthy patients, which severities share."""
    if case.fault and case.fault.of_table:
        return case.name, case.severity, case.seed
    return HEALTHY_PATIENTS, 0, case.seed


def _ground(name: str, case: Case, dataset: Dataset, clean: Dataset | None = None) -> Ground:
    """clean: patients kept apart, where there are any beside the dataset."""
    ground, (kind, severity, seed) = make_ground(dataset, case.seed, clean), _place(case)
    if case.fault is None or not case.fault.of_table:
        return ground
    random = np.random.default_rng([zlib.crc32(f"{name} {kind}".encode()), severity, seed])
    return case.fault.table(ground, severity, random)


def examine_tables(task: WardTask, shared: Path, folder: Path) -> None:
    """Writes FOLDER/TASK.data.json: what the data rules say of each ground, trained on or not."""
    dataset, clean = task.load(shared), task.clean and task.clean(shared)
    cases = {_place(c): c for c in cases_of(task, dataset, WINGS[task.wing]) if not c.fresh}
    found = {
        "/".join(map(str, place)): _said(_ground(task.name, case, dataset, clean)) for place, case in cases.items()
    }
    write_whole(folder / f"{task.name}.data.json", json.dumps(found))


def _said(ground: Ground) -> dict[str, Any]:
    findings, absent = examine_data(DataEvidence(ground.dataset, ground.split))
    return {"findings": [finding_record(f).content() for f in findings], "not_applicable": absent}
