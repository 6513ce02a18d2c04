"""The tables of docs/ward.md that tables, images and recordings share."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from benchmarks.ward.ceiling import JUDGE, Harms, judge
from benchmarks.ward.faults import Fault
from benchmarks.ward.outcome import DETECTED, HURTS, hurts
from benchmarks.ward.rates import Cluster, Rate, by_task, detected, first, named, rate
from benchmarks.ward.verdicts import ROUNDS, WATCHERS, Verdict

CONTROLS = ("healthy", "harmless")
SEVERITIES = ("mild", "severe")


def markdown_table(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    head = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join([*head, *("| " + " | ".join(map(str, row)) + " |" for row in rows)]) + "\n"


def of_groups(verdicts: list[Verdict], *groups: str) -> list[Verdict]:
    """Those that count as one of these groups."""
    return [v for v in verdicts if v.group in groups]


def overall(verdicts: list[Verdict], cluster: Cluster = by_task) -> str:
    """What each watcher and the judge say of faulty runs, controls, and healthy plans among these."""
    faulty, controls, healthy = (of_groups(verdicts, *g) for g in (("faulty",), CONTROLS, ("healthy",)))
    said = [(w, *(rate(some, detected(w), cluster) for some in (faulty, controls, healthy))) for w in WATCHERS]
    rows = [(w, found, rate(faulty, named(w), cluster), alarms, of_healthy) for w, found, alarms, of_healthy in said]
    seen, alarms, of_healthy = (rate(some, judge, cluster) for some in (faulty, controls, healthy))
    names = ("", "detected", "first finding acceptable", "alarms on controls", "of these, healthy plans")
    spared = [rate(some, lambda v: v.given_up, cluster) for some in (faulty, controls)]
    table = markdown_table(names, [*rows, (JUDGE, seen, "", alarms, of_healthy)])
    return f"""{table}
Given up early as hopeless, after three tenths of the epochs: faulty runs {spared[0]}, controls {spared[1]}.
"""


def how_near(verdicts: list[Verdict]) -> str:
    """How near detection comes to what is asked, and what bounds it; nothing where it is reached."""
    faulty = of_groups(verdicts, "faulty")
    found, best = rate(faulty, detected(ROUNDS)).share, rate(faulty, judge).share
    if found >= DETECTED:
        return ""
    lacking = [v for v in faulty if not detected(ROUNDS)(v)]
    unknown = [v for v in lacking if not v.harm_known]
    spared = sum(not judge(v) for v in unknown)
    share = f"{100 * found:.1f} %, {100 * (DETECTED - found):.1f} points short of {DETECTED:.0%}"
    lost = f"{spared} of these lost less than {HURTS:.0%} of a constant's error themselves"
    return f"""Detected are {share}. The bound is what a run lets one know of harm: of
the {len(lacking)} runs missed, {len(unknown)} are too little behind a linear model and trees, which is all there is
to compare with, and {lost}; the judge reaches {100 * best:.1f} %.
"""


def plain(found: Rate) -> str:
    """A share without its interval."""
    return f"{100 * found.share:.0f} % of {found.runs}" if found.runs else "-"


def by_fault(verdicts: list[Verdict], faults: tuple[Fault, ...]) -> str:
    """What each watcher says of each of these faults, where it was planted and hurts."""
    rows = []
    for fault in faults:
        some = [v for v in of_groups(verdicts, "faulty") if v.name == fault.name]
        rates = [(plain(rate(some, detected(w))), plain(rate(some, named(w)))) for w in WATCHERS]
        rows.append((fault.name, ", ".join(f"`{c}`" for c in fault.acceptable), *(f"{d} / {n}" for d, n in rates)))
    return markdown_table(("fault", "acceptable", *(f"{w}: detected / named" for w in WATCHERS)), rows)


def missed(verdicts: list[Verdict]) -> str:
    """Every faulty run whose first alarm is not acceptable, counted by what was said instead."""
    wrong = [v for v in of_groups(verdicts, "faulty") if not named(ROUNDS)(v)]
    counted = Counter((v.name, v.severity, v.task, first(v.said[ROUNDS])) for v in wrong)
    rows = [
        (name, SEVERITIES[s], task, f"`{said}`" if said != "nothing" else "nothing", n)
        for (name, s, task, said), n in sorted(counted.items())
    ]
    return markdown_table(("fault", "severity", "task", "said first", "runs"), rows)


def false_alarms(verdicts: list[Verdict]) -> str:
    """Every alarm of Rounds on a control, counted by what was said."""
    alarmed = [v for v in of_groups(verdicts, *CONTROLS) if v.said[ROUNDS].alarms]
    planted = [v for v in alarmed if v.group == "harmless"]
    lost = sum(v.own_loss >= HURTS for v in planted)
    counted = Counter((v.name, v.task, first(v.said[ROUNDS])) for v in alarmed)
    table = markdown_table(("control", "task", "said first", "runs"), [(*key, n) for key, n in sorted(counted.items())])
    return f"""{table}
Harm of a fault is decided on other seeds than those that rules see. Of the {len(planted)} alarms on planted faults that
count as harmless, {lost} are of runs that did lose at least {HURTS:.0%} of a constant's error themselves, beside the
median good plan of their seed, on the clean rows that no rule sees.
"""


def harmless(harms: Harms) -> str:
    """Faults that did no harm, and where."""
    rows = []
    for name, severity in sorted({key for found in harms.values() for key in found}):
        spared = [task for task, found in harms.items() if not hurts(found.get((name, severity), (1.0,)))]
        if spared:
            rows.append((name, SEVERITIES[severity], ", ".join(spared)))
    return markdown_table(("fault", "severity", "no harm on"), rows)
