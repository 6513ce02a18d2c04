"""Trains the runs of one task and keeps what rules and judges of harm need, in one file outside version control."""

import fcntl
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ward.cases import Case, cases_of
from benchmarks.ward.evidence import Beside, Scores, make_run, make_scores
from benchmarks.ward.ground import Ground, make_ground
from benchmarks.ward.record import write_run
from benchmarks.ward.tasks import WardTask
from benchmarks.ward.training import Place, Workshop, prepare, train
from rounds.data.dataset import Dataset
from rounds.examination.examine_data import examine_data
from rounds.examination.finding import finding_record
from rounds.files import write_whole
from rounds.plan import Plan


def make_runs(task: WardTask, shared: Path, folder: Path, workshop: Workshop, first: bool) -> None:
    """Adds to FOLDER/TASK.jsonl a line for each case that it lacks: the case, its scores, and (fresh seeds apart) its
    evidence. first: only half of the controls and one seed of each fault, for a first look."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{task.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another process is at it
        _make_missing(task, shared, folder / f"{task.name}.jsonl", workshop, first)


def _make_missing(task: WardTask, shared: Path, path: Path, workshop: Workshop, first: bool) -> None:
    dataset, started = task.load(shared), time.monotonic()
    known = {about["key"] for about, _ in read_lines(path)} if path.exists() else set()
    with path.open("a", encoding="utf-8") as file:
        begun = time.monotonic()
        for case, scores, evidence in _every_run(task.name, dataset, known, workshop, first):
            about: dict[str, Any] = {name: getattr(case, name) for name in ("name", "severity", "seed", "number")}
            about |= {"key": case.key, "fresh": case.fresh, "scores": asdict(scores)}
            about["seconds"], begun = round(time.monotonic() - begun, 3), time.monotonic()
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
    name: str, dataset: Dataset, known: set[str], workshop: Workshop, first: bool
) -> Iterator[tuple[Case, Scores, str]]:
    cases = [c for c in cases_of(name, dataset.task) if not first or c.among_first]
    prepared = prepare({_place(c): _ground(name, c, dataset) for c in cases})
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
    return "healthy patients", 0, case.seed


def _ground(name: str, case: Case, dataset: Dataset) -> Ground:
    ground, (kind, severity, seed) = make_ground(dataset, case.seed), _place(case)
    if case.fault is None or not case.fault.of_table:
        return ground
    random = np.random.default_rng([zlib.crc32(f"{name} {kind}".encode()), severity, seed])
    return case.fault.table(ground, severity, random)


def examine_tables(task: WardTask, shared: Path, folder: Path) -> None:
    """Writes FOLDER/TASK.data.json: what the data rules say of each ground that has runs."""
    path = folder / f"{task.name}.jsonl"
    known = {about["key"] for about, _ in read_lines(path)} if path.exists() else set()
    dataset = task.load(shared)
    cases = {_place(c): c for c in cases_of(task.name, dataset.task) if c.key in known and not c.fresh}
    found = {"/".join(map(str, place)): _said(_ground(task.name, case, dataset)) for place, case in cases.items()}
    write_whole(folder / f"{task.name}.data.json", json.dumps(found))


def _said(ground: Ground) -> dict[str, Any]:
    findings, absent = examine_data(ground.dataset, ground.split)
    return {"findings": [finding_record(f) for f in findings], "not_applicable": absent}
