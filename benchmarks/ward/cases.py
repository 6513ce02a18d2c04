"""Every run of the ward: which fault, how severe, on which patients and seed."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.ward.faults import Fault
from benchmarks.ward.healthy import Changes, controls
from benchmarks.ward.tasks import WardTask
from benchmarks.ward.wings import FRESH_SEEDS, Wing
from rounds.data.dataset import Dataset

HEALTHY, GOOD_PLAN = "healthy", "good plan"


@dataclass(frozen=True)
class Case:
    """One population to train. fault: None for good plans; number: of the control; severity: 0 mild, 1 severe; turn:
    when it is trained: 0, a first look at the ward; then a seed of each fault at a time."""

    name: str
    fault: Fault | None
    severity: int
    seed: int
    changes: dict[str, Any]
    number: int = 0
    turn: int = 0

    @property
    def fresh(self) -> bool:
        """Whether it only decides about harm."""
        return self.seed in FRESH_SEEDS

    @property
    def key(self) -> str:
        return f"{self.name}/{self.severity}/{self.seed}/{self.number}"


def cases_of(task: WardTask, dataset: Dataset, wing: Wing) -> list[Case]:
    """All runs on one task: controls, good plans on fresh seeds, faults on both kinds of seeds."""
    random, seeds = np.random.default_rng(zlib.crc32(task.name.encode())), wing.seeds
    good = {**wing.good, **task.network}
    structures = _as_long(wing, good)
    plans = [_with_rates(good, plan) for plan in controls(random, good, structures, wing.controls)]
    healthy = [
        Case(HEALTHY, None, 0, seeds[i % len(seeds)], {**plan, "seed": 100 + i}, i, int(i >= wing.at_first))
        for i, plan in enumerate(plans)
    ]
    fresh = [Case(GOOD_PLAN, None, 0, seed, {**good, "seed": seed}) for seed in FRESH_SEEDS]
    return [*healthy, *fresh, *(case for fault in wing.faults for case in _planted(fault, good, dataset, seeds))]


def _as_long(wing: Wing, good: dict[str, Any]) -> tuple[Changes, ...]:
    """Structures of controls; those that set their epochs are as much longer than the good plan of this task as they
    are than that of its kind."""
    times = good["epochs"] / wing.good["epochs"]
    return tuple({**s, "epochs": round(times * s["epochs"])} if "epochs" in s else s for s in wing.structures)


def _with_rates(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The good plan with these changes, and with as many learning rates as it has."""
    made = {**good, **changes}
    return {**made, "learning_rate": made["learning_rate"][: len(good["learning_rate"])]}


def _planted(fault: Fault, good: dict[str, Any], dataset: Dataset, seeds: tuple[int, ...]) -> Iterator[Case]:
    """Both severities of a fault on all seeds; none where it cannot be planted."""
    gaps = dataset.signals.timeline is not None and bool(dataset.signals.timeline.incomplete)
    if dataset.task.kind not in fault.kinds or (fault.of_measurement_pattern and not gaps):
        return
    for severity in (0, 1):
        changes = _with_rates(good, fault.changes(severity, dataset.task))
        for turn, seed in enumerate(seeds):
            yield Case(fault.name, fault, severity, seed, {**changes, "seed": seed}, turn=turn)
        for seed in FRESH_SEEDS if fault.harm == "test rows" else ():
            yield Case(fault.name, fault, severity, seed, {**changes, "seed": seed, "measure_every": 10_000})
