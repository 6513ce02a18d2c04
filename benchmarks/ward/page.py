"""docs/ward.md: what the rules are worth, fault by fault, with what is missed; and the rates that findings show."""

import os
import platform
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.ward.ceiling import Harms, alarms_by_harm
from benchmarks.ward.faults import FAULTS
from benchmarks.ward.left_out import CHOICES, TRIED, Counts, LeftOut
from benchmarks.ward.outcome import ALARMS, DETECTED, HURTS, NAMED
from benchmarks.ward.page_tables import (
    CONTROLS,
    by_fault,
    false_alarms,
    harmless,
    how_near,
    markdown_table,
    missed,
    of_groups,
    overall,
    plain,
)
from benchmarks.ward.rates import detected, named, rate
from benchmarks.ward.tasks import ROWS, TASKS, WIDTH
from benchmarks.ward.verdicts import ROUNDS, Verdict
from benchmarks.ward.wings import BY_NAME, WINGS
from rounds.examination import harm

SEEDS = WINGS["table"].seeds
PACKAGES = ("rounds", "jax", "keras", "numpy", "scikit-learn", "polars")
UNFINISHED = """Not measured yet: its runs are not complete, and nobody has looked at those that there are. The tables
below are of the half that thresholds were set on, and say nothing of what the rules are worth elsewhere.
"""
FIRST_CONTROLS = 40  # of each task, which were there before
WANTED_CONTROLS = 400  # good plans: what the ward is meant to have
WANTED_MINUTES, CORES = 60, 2  # of the whole ward


@dataclass(frozen=True)
class Times:
    """seconds: processor time of populations that were trained anew for timing; populations: of the whole ward."""

    seconds: tuple[float, ...]
    populations: int


def ward_page(
    verdicts: list[Verdict],
    signals: list[Verdict],
    harms: Harms,
    apart: list[LeftOut],
    remarks: str,
    times: Times,
) -> str:
    """The page up to its section on images and recordings (signals). harms: by task; apart: each task with thresholds
    set on the others; remarks: what a reader must know of how thresholds were set. Where no verdict is of the reported
    half, it is said to be unfinished."""
    halves = {half: [v for v in verdicts if v.half == half] for half in ("reported", "thresholds")}
    shown = "reported" if halves["reported"] else "thresholds"
    parts = [_head(verdicts, remarks, times), "## The reported half\n"]
    parts.append(_reported(halves["reported"]) if halves["reported"] else UNFINISHED)
    parts += [
        "### Runs of it that nobody had looked at when thresholds of harm were set\n",
        overall(_new(halves["reported"])),
    ]
    if every := [v for v in signals if v.half == "reported"]:
        parts += ["### Tables, images and recordings together\n", overall([*halves["reported"], *every])]
    parts += ["## The half that thresholds were set on\n", overall(halves["thresholds"])]
    parts += [f"## Alarms by harm, {shown} half\n", _by_harm(halves[shown], harms)]
    parts += ["## Task by task\n", _by_task(verdicts), "## One task left out at a time\n", _apart(apart)]
    parts += [f"## Fault by fault, {shown} half\n", by_fault(halves[shown], FAULTS)]
    parts += [f"## Missed, {shown} half\n", missed(halves[shown]), f"## Alarms on controls, {shown} half\n"]
    parts += [false_alarms(halves[shown]), "## Planted and harmless\n", harmless(harms)]
    return "\n".join([*parts, f"## Rule by rule, {shown} half\n", _by_rule(halves[shown])])


def _reported(verdicts: list[Verdict]) -> str:
    return "\n".join([overall(verdicts), how_near(verdicts)])


def looked_at(verdicts: list[Verdict]) -> str:
    """The tables of one half alone, for setting thresholds."""
    parts = (overall(verdicts), by_fault(verdicts, FAULTS), missed(verdicts), false_alarms(verdicts))
    return "\n".join(parts)


def _head(verdicts: list[Verdict], remarks: str, times: Times) -> str:
    count = Counter(v.group for v in verdicts)
    halves = {h: ", ".join(t.name for t in TASKS if t.half == h) for h in ("thresholds", "reported")}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""# The ward

<!-- Made by: python -m benchmarks.ward page -->

Faults planted into training runs on real tables, and healthy runs beside them: how often `rounds examine` says that
something is wrong, how often its first finding names the cause, and how often it alarms where nothing is wrong. Beside
it, on the same runs, the published rule sets of AutoTrainer (Zhang et al. 2021) and DeepDiagnosis (Wardat et al. 2022).

    python -m benchmarks.ward runs --shared ../shared/data     trains what is missing of the runs
    python -m benchmarks.ward data --shared ../shared/data     asks the data rules
    python -m benchmarks.ward page                             writes this page and the rates that findings show

{count["faulty"]:,} faulty runs, {count["healthy"]:,} healthy controls, {count["harmless"]:,} runs with a planted fault
that did no harm (controls too), {count["no control"]:,} left out because they are no better than a constant. Each run
is a population of six networks (three folds, two learning rates) on at most {ROWS:,} patients and {WIDTH} columns.
{len(FAULTS)} faults in two severities. A training fault counts as faulty where test rows that nothing else uses
lose at least {HURTS:.0%} of a constant's error on average over fresh seeds, and something on each; data faults are
exempt, since their harm is a score that is too good. Acceptable diagnoses stand in `benchmarks/ward/faults.py`; they
were written down before a rule was run.

Thresholds may be set on {halves["thresholds"]}; reported is on {halves["reported"]}.
Trained so far: {", ".join(sorted({v.task for v in verdicts}))}. Intervals are 95 %, tasks resampled.
To reach: detected {DETECTED:.0%}, first finding acceptable {NAMED:.0%}, alarms on controls at most {ALARMS:.0%}.

{remarks}
{_missing(verdicts, times)}
Measured {datetime.now(UTC).date().isoformat()} on {platform.machine()} with {cores} cores, Python
{platform.python_version()}, {packages}.
"""


def _missing(verdicts: list[Verdict], times: Times) -> str:
    """What the ward was meant to have and has not: seeds, controls, time."""
    planted = [v for v in verdicts if v.name in BY_NAME]
    good = [v for v in verdicts if v.group == "healthy"]
    rows = [
        (
            half,
            *(sum(v.half == half and v.seed == seed for v in planted) for seed in SEEDS),
            sum(v.half == half for v in good),
        )
        for half in ("reported", "thresholds")
    ]
    counts = markdown_table(("half", *(f"faults, seed {seed}" for seed in SEEDS), "healthy controls"), rows)
    return f"""What there is, of {len(SEEDS)} seeds of each fault and {WANTED_CONTROLS} healthy controls that should be:

{counts}
{_timed(times)}
"""


def _timed(times: Times) -> str:
    """Minutes of two cores for the whole ward: measured on some of its populations, the others at their mean."""
    known = len(times.seconds)
    if not known:
        return f"The whole ward should take less than {WANTED_MINUTES} minutes on two cores. That is not measured."
    spent = sum(times.seconds)
    minutes = spent / known * times.populations / 60 / CORES
    head = f"""The whole ward should take less than {WANTED_MINUTES} minutes on two cores. Trained anew for timing, with
nothing compiled before: {known:,} of its {times.populations:,} populations (those that decide about harm too) in
{spent / 60:.0f} minutes of processor time, compiling included."""
    if known == times.populations:
        return f"{head} That is {minutes:.0f} minutes of both cores."
    return f"{head} At that mean the whole takes {minutes:.0f} minutes of\nboth cores."


def _apart(apart: list[LeftOut]) -> str:
    """Each task with thresholds set on the others."""
    if not apart:
        return "Not computed: fewer than two tasks.\n"
    every = sum((found.counts for found in apart), Counts())
    rows = [(found.task, *(f"{value:g}" for value in found.choice), *_shares(found.counts)) for found in apart]
    rows.append(("all", *("" for _ in TRIED), *_shares(every)))
    names = ("left out", *(getattr(harm, name).name for name in TRIED))
    return f"""The thresholds that decide most are those of harm. Set anew on all tasks but one, from
{len(CHOICES)} combinations, so that as little as possible is missing of what is to be reached:

{markdown_table((*names, "detected", "first finding acceptable", "alarms on controls"), rows)}"""


def _shares(counts: Counts) -> tuple[str, ...]:
    of = (counts.faulty, counts.faulty, counts.controls)
    return tuple(f"{100 * share:.0f} % of {runs}" for share, runs in zip(counts.rates, of, strict=True))


def _by_harm(verdicts: list[Verdict], harms: Harms) -> str:
    names = ("loss on fresh seeds", "alarms of Rounds", "alarms of the judge")
    table = markdown_table(names, alarms_by_harm(verdicts, harms))
    return f"""Whether a planted training fault hurts differs from one seed to the next, and it counts as harmful or not
by its mean over fresh seeds. Who goes by harm alone can therefore not detect {DETECTED:.0%} of the harmful ones and
alarm on {ALARMS:.0%} of the harmless: even a judge who sees what this very run lost on clean test rows, which no rule
and no user does, is as far from it as the tables above say. By how much a fault costs on average over fresh seeds
(share of a constant's error):

{table}
"""


def _new(verdicts: list[Verdict]) -> list[Verdict]:
    """Of the seeds and controls that a first look did not have."""
    return [v for v in verdicts if (v.seed != SEEDS[0] if v.name in BY_NAME else v.number >= FIRST_CONTROLS)]


def _by_task(verdicts: list[Verdict]) -> str:
    rows = []
    for task in TASKS:
        some = [v for v in verdicts if v.task == task.name]
        faulty = of_groups(some, "faulty")
        shares = (plain(rate(faulty, detected(ROUNDS))), plain(rate(faulty, named(ROUNDS))))
        rows.append((task.name, task.half, *shares, plain(rate(of_groups(some, *CONTROLS), detected(ROUNDS)))))
    return markdown_table(("task", "half", "detected", "first finding acceptable", "alarms on controls"), rows)


def _by_rule(verdicts: list[Verdict]) -> str:
    rows = [
        (f"`{code}`", _counted(found["hits"]), _counted(found["alarms"]))
        for code, found in rule_rates(verdicts).items()
    ]
    return markdown_table(("finding", "said where its fault was planted", "said of controls"), rows)


def _counted(found: list[int]) -> str:
    return f"{found[0]} of {found[1]}" if found[1] else "never planted"


def rule_rates(verdicts: list[Verdict]) -> dict[str, dict[str, list[int]]]:
    """For each code: [runs in which it alarmed, runs] where a fault it should name was planted, and on controls."""
    planted = {c for v in verdicts if v.name in BY_NAME for c in BY_NAME[v.name].acceptable}
    codes = sorted(planted | {c for v in verdicts for c in v.said[ROUNDS].alarms})
    faulty, controls = of_groups(verdicts, "faulty"), of_groups(verdicts, *CONTROLS)
    return {
        code: {
            "hits": _count([v for v in faulty if code in BY_NAME[v.name].acceptable], code),
            "alarms": _count(controls, code),
        }
        for code in codes
    }


def _count(verdicts: list[Verdict], code: str) -> list[int]:
    return [sum(code in v.said[ROUNDS].alarms for v in verdicts), len(verdicts)]
