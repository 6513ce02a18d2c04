"""Every run of the ward: which fault, how severe, on which patients and seed."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.ward.faults import FAULTS, Fault
from benchmarks.ward.healthy import AT_FIRST, GOOD, controls
from rounds.task import Task

HEALTHY, GOOD_PLAN = "healthy", "good plan"
SEEDS = (0, 1, 2)  # of the runs that rules look at
FRESH_SEEDS = (10, 11)  # of the runs that decide whether a fault hurts; no rule sees them


@dataclass(frozen=True)
class Case:
    """One population to train. fault: None for good plans; number: of the control; severity: 0 mild, 1 severe."""

    name: str
    fault: Fault | None
    severity: int
    seed: int
    changes: dict[str, Any]
    number: int = 0

    @property
    def fresh(self) -> bool:
        """Whether it only decides about harm."""
        return self.seed in FRESH_SEEDS

    @property
    def turn(self) -> int:
        """When it is trained: 0, a first look at the ward; then a seed of each fault at a time."""
        if self.fresh:
            return 0
        return int(self.number >= AT_FIRST) if self.fault is None else SEEDS.index(self.seed)

    @property
    def key(self) -> str:
        return f"{self.name}/{self.severity}/{self.seed}/{self.number}"


def cases_of(task_name: str, task: Task) -> list[Case]:
    """All runs on one task: controls, good plans on fresh seeds, faults on both kinds of seeds."""
    random = np.random.default_rng(zlib.crc32(task_name.encode()))
    healthy = [
        Case(HEALTHY, None, 0, SEEDS[i % len(SEEDS)], {**plan, "seed": 100 + i}, i)
        for i, plan in enumerate(controls(random))
    ]
    good = [Case(GOOD_PLAN, None, 0, seed, {**GOOD, "seed": seed}) for seed in FRESH_SEEDS]
    return [*healthy, *good, *_faulty(task)]


def _faulty(task: Task) -> Iterator[Case]:
    for fault in FAULTS:
        if task.kind not in fault.kinds:
            continue
        for severity in (0, 1):
            changes = {**GOOD, **fault.changes(severity, task)}
            for seed in (*SEEDS, *(FRESH_SEEDS if fault.harm == "test rows" else ())):
                unmeasured = {"measure_every": 10_000} if seed in FRESH_SEEDS else {}
                yield Case(fault.name, fault, severity, seed, {**changes, "seed": seed, **unmeasured})
