"""What Rounds and the anchors say of every run that was kept: seconds, without training."""

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.ward.anchors import ANCHORS, as_said, said_by
from benchmarks.ward.make_runs import read_lines
from benchmarks.ward.outcome import Group, Said, error_share, good_by_seed, groups
from benchmarks.ward.record import read_run
from benchmarks.ward.tasks import Half
from benchmarks.ward.wings import BY_NAME, EVERY_TASK, TASK_OF, WINGS, wing_of
from rounds.examination.examine import examine_run
from rounds.examination.finding import read_finding
from rounds.examination.rules import rules_of_data
from rounds.examination.run import Run
from rounds.examination.while_training.lost import without_hope
from rounds.run_folder.findings import FindingRecord

ROUNDS = "Rounds"
WATCHERS = (ROUNDS, *ANCHORS)


@dataclass(frozen=True)
class Verdict:
    """One run. said: by watcher; everything: codes of all findings of Rounds, notes too; given_up: whether training
    would have been ended early as hopeless; own_loss: what this very run lost on clean test rows beside the median good
    plan of its seed, as a share of a constant's error (no rule sees it, and it decides nothing)."""

    task: str
    name: str
    severity: int
    seed: int
    number: int
    group: Group
    said: dict[str, Said]
    everything: tuple[str, ...] = ()
    given_up: bool = False
    own_loss: float = 0.0

    @property
    def half(self) -> Half:
        return TASK_OF[self.task].half


def judged_runs(task: str, folder: Path) -> Iterator[tuple[dict[str, Any], Group, Run]]:
    """Runs of one task that rules look at, with what each counts as, and what the data rules said of its patients."""
    lines = list(read_lines(folder / f"{task}.jsonl"))
    tables = _tables(folder / f"{task}.data.json")
    evidence = {about["key"]: text for about, text in lines}
    for about, group in groups([about for about, _ in lines]):
        yield about, group, _with_table(read_run(json.loads(evidence[about["key"]])), tables, about)


def verdicts_of(task: str, folder: Path) -> list[Verdict]:
    """Verdicts on the runs of one task."""
    good = good_by_seed([about for about, _ in read_lines(folder / f"{task}.jsonl")])
    found = [(about, _verdict(task, about, group, run)) for about, group, run in judged_runs(task, folder)]
    return [
        replace(verdict, own_loss=error_share(about["scores"]) - good[about["seed"]])
        if about["seed"] in good
        else verdict
        for about, verdict in found
    ]


def every_verdict(folder: Path, tasks: tuple[str, ...]) -> list[Verdict]:
    """Of all tasks that have runs, on all cores."""
    have = [task for task in tasks if (folder / f"{task}.jsonl").exists()]
    with ProcessPoolExecutor(2) as pool:
        return [v for part in pool.map(partial(verdicts_of, folder=folder), have) for v in part]


@dataclass(frozen=True)
class DataVerdict:
    """What the data rules alone say of one table, without a network: name of the planted fault, "" where there is none;
    alarms: codes, the first one first."""

    task: str
    fault: str
    alarms: tuple[str, ...]

    @property
    def is_named(self) -> bool:
        return bool(self.alarms) and self.alarms[0] in BY_NAME[self.fault].acceptable


def data_verdicts(folder: Path) -> list[DataVerdict]:
    """Of every table with a fault that data rules name, and of those without any fault."""
    codes, found = {rule.code for rule in rules_of_data()}, []
    for task in EVERY_TASK:
        always = WINGS[task.wing].always
        for place, said in _tables(folder / f"{task.name}.data.json").items():
            fault = BY_NAME.get(place.rsplit("/", 2)[0])
            alarms = tuple(f["code"] for f in said["findings"] if f["severity"] != "note" and f["code"] not in always)
            if fault is None or (fault.harm == "optimism" and fault.acceptable[0] in codes):
                found.append(DataVerdict(task.name, fault.name if fault else "", alarms))
    return found


def _tables(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _with_table(run: Run, tables: dict[str, Any], about: dict[str, Any]) -> Run:
    """With what the data rules said of its patients."""
    fault = BY_NAME.get(about["name"])
    of_table = fault is not None and fault.of_table
    place = f"{about['name']}/{about['severity']}" if of_table else "healthy patients/0"
    said = tables.get(f"{place}/{about['seed']}")
    if said is None:
        return run
    findings = tuple(read_finding(FindingRecord.model_validate(f)) for f in said["findings"])
    absent = tuple((code, why) for code, why in said["not_applicable"])
    return replace(run, data_findings=findings, data_not_applicable=absent, data_examined=True)


def _verdict(task: str, about: dict[str, Any], group: Group, run: Run) -> Verdict:
    found = examine_run(run)
    fault = BY_NAME.get(about["name"])
    acceptable = fault.acceptable if fault else ()
    always = WINGS[wing_of(task)].always
    said = {ROUNDS: Said(tuple(f.code for f in found.alarms if f.code not in always))}
    said |= {name: as_said(said_by(symptoms, run), acceptable) for name, symptoms in ANCHORS.items()}
    place = {name: about[name] for name in ("name", "severity", "seed", "number")}
    every = tuple(f.code for f in found.findings)
    return Verdict(task=task, group=group, said=said, everything=every, given_up=_given_up(run), **place)


def _given_up(run: Run) -> bool:
    constant, epochs = run.constant_loss or 0.0, run.plans[0].epochs
    return all(without_hope(c.train, c.validation, epochs, constant) or c.diverged for c in run.curves)
