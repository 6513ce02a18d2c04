"""What rules say while a population trains: at `LOOKS` of its epochs, of the networks that have come so far or ended.

The rules are those of the examination. Only what is seen at once is asked, since most of what is said of a training is
about its end; and harm is measured against the constant alone, since a linear model is ahead of every network that has
only begun.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace

from rounds.examination.examine import examine_run
from rounds.examination.finding import Finding
from rounds.examination.rules import rules_of_training
from rounds.examination.sources.population import run_of
from rounds.training.pool import Progress, SlabResult, looked_at
from rounds.training.population.build import Population, Trained
from rounds.training.population.members import WHOLE_DEVELOPMENT

NO_PEERS: dict[str, dict[int, float]] = {"linear": {}}


@dataclass(frozen=True)
class SeenEarly:
    """What a rule says of `networks` networks after their first epochs; epoch: of the last that came so far."""

    finding: Finding
    epoch: int
    networks: int


Training = Generator[Progress, None, Trained]


def watched(population: Population, training: Training) -> Generator[Progress | SeenEarly, None, Trained]:
    """The training, and beside its progress each finding once, as soon as it is seen; returns what was trained."""
    parts: dict[int, SlabResult] = {}
    said: set[str] = set()
    while True:
        try:
            progress = next(training)
        except StopIteration as end:
            trained: Trained = end.value
            return trained
        yield progress
        part = progress.result or progress.so_far
        if part is not None and _is_of_use(population, part, progress):
            parts[progress.slab] = part
            for finding in _alarms(population, parts):
                if finding.code not in said:
                    said.add(finding.code)
                    yield SeenEarly(finding, progress.epoch, sum(len(part.slab.members) for part in parts.values()))


def _is_of_use(population: Population, part: SlabResult, progress: Progress) -> bool:
    """Whether it is of the chosen folds, is due for a look, and comes before its last epoch: what came to its end is
    examined with the others."""
    epochs = population.plans[part.slab.plan].epochs
    due = progress.result is not None or progress.epoch in looked_at(epochs)
    return due and part.slab.outer == WHOLE_DEVELOPMENT and progress.epoch < epochs


def _alarms(population: Population, parts: dict[int, SlabResult]) -> list[Finding]:
    """Causes that the rules see in what was done so far; what follows from them is left to the end."""
    works = tuple(work for work in population.works if work.slab.number in parts)
    so_far = Trained(replace(population, works=works), tuple(parts.values()))
    found = examine_run(run_of(so_far, linear_by_fold=NO_PEERS))
    at_once = {rule.code for rule in rules_of_training() if rule.seen_at_once}
    return [f for f in found.alarms if f.code in at_once and not f.follows_from]
