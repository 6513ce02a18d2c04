"""How often 95 % intervals hold the truth, and how often subgroups without a difference seem to differ, with few cases.

    python -m benchmarks.few_events [--tables 400] [--events 5,10,20,50]

Scores of cases and of others are normal, normal with a wider spread of cases, or of Student's t with 4 degrees of
freedom; chances follow from them rightly, or are too extreme, or too timid and shifted. Of each table every metric of a
yes/no outcome is judged with its interval, its difference to a rival (who is told the same, with noise) with that, and
the net benefit of alerts; the truth is that of 100,000 patients. With rows of the same patient all have the patient's
outcome. Subgroups are scored alike, and p-values are of a single comparison. Two Markdown tables are printed: the share
of intervals that hold, the mean over populations and the lowest of them; and p-values below 0.05.
"""

import argparse
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from rounds.metrics import METRICS, metrics_for, score
from rounds.statistics.class_intervals import INFLUENCES
from rounds.statistics.decision import net_benefit_interval
from rounds.statistics.differences import paired_difference
from rounds.statistics.group_difference import Group, group_difference
from rounds.statistics.intervals import score_with_interval
from rounds.task import Task

TASK = Task(kind="binary", targets=("death",), classes=("no", "yes"))
PREVALENCES, AREAS, ROWS = (0.05, 0.3), (0.7, 0.9), (1, 4)
SHAPES = ("normal", "wide", "t")
CALIBRATIONS = {"right": (1.0, 0.0), "extreme": (1.5, -0.4), "timid": (0.6, 0.7)}
TRUTH = 100_000  # patients of a population
GROUPS = ((5, 15), (5, 60), (10, 30), (30, 120), (100, 400))  # cases and others of a subgroup
OTHERS = (60, 300)
SHRUNK, NOISE = 0.7, 0.8  # of what a rival is told: share of the log-odds, spread of the noise
DIFFERENCE, NET_BENEFIT = "difference in ", "net benefit"
NAMES = (*metrics_for(TASK), *(DIFFERENCE + name for name in INFLUENCES), NET_BENEFIT)


class Population(NamedTuple):
    """area: nominal AUROC; calibration: slope and shift of the log-odds that are told."""

    prevalence: float
    area: float
    shape: str
    calibration: str


Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


def populations() -> Iterator[Population]:
    """Each shape with chances that are right, and the normal one with those that are not."""
    for prevalence in PREVALENCES:
        for area in AREAS:
            yield from (Population(prevalence, area, shape, "right") for shape in SHAPES)
            yield from (Population(prevalence, area, "normal", name) for name in CALIBRATIONS if name != "right")


def draw(population: Population, happened: np.ndarray, rows: int, random: np.random.Generator) -> Sample:
    """(outcomes [N, 1], chances [N, 1], patients [N]) of patients with these outcomes, with so many rows each."""
    people, shift = len(happened), np.sqrt(2) * norm.ppf(population.area)
    noise = random.standard_t(4, people) if population.shape == "t" else random.normal(size=people)
    spread = np.where(happened, 1.6, 1.0) if population.shape == "wide" else np.ones(people)
    own = noise * spread + shift * happened
    owner = np.repeat(np.arange(people), rows)
    each = own[owner] + (0.3 * random.normal(size=len(owner)) if rows > 1 else 0.0)
    slope, moved = CALIBRATIONS[population.calibration]
    told = moved + slope * (shift * each - shift**2 / 2 + logit(population.prevalence))
    return happened[owner].astype(float)[:, None], expit(told)[:, None], owner


def rival_of(sample: Sample, random: np.random.Generator) -> np.ndarray:
    """Chances [N, 1] of another model, who is told the same with noise, a patient's rows alike."""
    _, told, owner = sample
    noise = NOISE * random.normal(size=owner.max() + 1)[owner]
    return expit(SHRUNK * logit(told) + noise[:, None])


def acted_on(population: Population, sample: Sample) -> tuple[float, np.ndarray]:
    """(threshold, what each row adds to the net benefit of alerts from twice the prevalence on)."""
    threshold, (observed, told, _) = 2 * population.prevalence, sample
    return threshold, np.where(observed > 0.5, 1.0, -threshold / (1 - threshold))[:, 0] * (told[:, 0] >= threshold)


@cache
def true_values(population: Population, rows: int) -> dict[str, float]:
    """Every metric of the population, its differences to the rival, and its net benefit."""
    random = np.random.default_rng(rows)
    outcomes = random.random(TRUTH // rows) < population.prevalence
    sample = draw(population, outcomes, rows, random)
    own, theirs = score(TASK, *sample[:2]), score(TASK, sample[0], rival_of(sample, random))
    gains = {m: METRICS[m].gain(np.array(own[m]), np.array(theirs[m])) for m in INFLUENCES}
    net_benefit = float(acted_on(population, sample)[1].mean())
    return {**own, **{DIFFERENCE + m: float(gain) for m, gain in gains.items()}, NET_BENEFIT: net_benefit}


def limits(population: Population, sample: Sample, random: np.random.Generator) -> Iterator[tuple[str, float, float]]:
    """(name, low, high) of every value of a table."""
    observed, told, owner = sample
    yield from ((name, i.low, i.high) for name, i in score_with_interval(TASK, *sample).items())
    rival = rival_of(sample, random)
    for name in INFLUENCES:
        gain = paired_difference(TASK, name, observed, told, rival, owner)
        yield DIFFERENCE + name, gain.low, gain.high
    yield NET_BENEFIT, *net_benefit_interval(*acted_on(population, sample), owner)


def held(population: Population, events: int, rows: int, tables: int) -> dict[str, list[bool]]:
    """Whether each interval holds the population's value; tables without 5 of each outcome are passed."""
    random, truth = np.random.default_rng([events, rows]), true_values(population, rows)
    found: dict[str, list[bool]] = {name: [] for name in NAMES}
    for _ in range(tables):
        happened = random.random(round(events / population.prevalence)) < population.prevalence
        if min(happened.sum(), (~happened).sum()) < min(events, 5):
            continue
        for name, low, high in limits(population, draw(population, happened, rows, random), random):
            found[name].append(low <= truth[name] <= high)
    return found


def coverage_table(events: list[int], tables: int) -> str:
    """Mean over populations, and the lowest of a population."""
    head = [f"{e} cases, {rows} row{'s' if rows > 1 else ''} a patient" for rows in ROWS for e in events]
    lines = ["| value | " + " | ".join(head) + " |", "| --- |" + " --- |" * len(head)]
    every = {(e, rows): [held(p, e, rows, tables) for p in populations()] for rows in ROWS for e in events}
    for name in NAMES:
        cells = []
        for rows in ROWS:
            for e in events:
                shares = [np.mean(made[name]) for made in every[e, rows] if made[name]]
                cells.append(f"{np.mean(shares):.1%} ({min(shares):.1%})" if shares else "-")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def chances_table(tables: int) -> str:
    """p-values below 0.05 of subgroups that are scored like all others."""
    lines = ["| cases and others of the subgroup | " + " | ".join(f"{r} a patient" for r in ROWS) + " |"]
    lines.append("| --- |" + " --- |" * len(ROWS))
    for cases, others in GROUPS:
        cells = [f"{np.mean([p < 0.05 for p in _chances(cases, others, rows, tables)]):.1%}" for rows in ROWS]
        lines.append(f"| {cases} and {others} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _chances(cases: int, others: int, rows: int, tables: int) -> list[float]:
    random, found = np.random.default_rng([cases, others, rows]), []
    for population in (p for p in populations() if p.calibration == "right" and p.prevalence == PREVALENCES[0]):
        for _ in range(tables // 4):
            sides = []
            for yes, no in ((cases, others), OTHERS):
                sides.append(Group(*draw(population, np.arange(yes + no) < yes, rows, random)))
            made = group_difference(TASK, "auroc", *sides)
            if made is not None:
                found.append(made.p_value)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=400)
    parser.add_argument("--events", default="5,10,20,50")
    asked = parser.parse_args()
    print(coverage_table([int(e) for e in asked.events.split(",")], asked.tables), flush=True)
    print()
    print(chances_table(asked.tables))


if __name__ == "__main__":
    main()
