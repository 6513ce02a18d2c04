"""The tables of docs/ward.md."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from benchmarks.ward.outcome import HURTS
from benchmarks.ward.rates import Rate, detected, first, named, rate
from benchmarks.ward.verdicts import ROUNDS, WATCHERS, Verdict
from benchmarks.ward.wings import BY_NAME

CONTROLS = ("healthy", "harmless")


def markdown_table(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    head = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join([*head, *("| " + " | ".join(map(str, row)) + " |" for row in rows)]) + "\n"


def of_groups(verdicts: list[Verdict], *groups: str) -> list[Verdict]:
    """Those that count as one of these groups."""
    return [v for v in verdicts if v.group in groups]


def plain(found: Rate) -> str:
    """A share without its interval."""
    return f"{100 * found.share:.0f} % of {found.runs}" if found.runs else "-"


def by_fault(verdicts: list[Verdict]) -> str:
    """What each watcher says of each fault, where it was planted and hurts."""
    rows = []
    for fault in BY_NAME.values():
        some = [v for v in of_groups(verdicts, "faulty") if v.name == fault.name]
        rates = [(plain(rate(some, detected(w))), plain(rate(some, named(w)))) for w in WATCHERS]
        if some:
            codes = ", ".join(f"`{c}`" for c in fault.acceptable)
            rows.append((fault.name, codes, *(f"{d} / {n}" for d, n in rates)))
    return markdown_table(("fault", "acceptable", *(f"{w}: detected / named" for w in WATCHERS)), rows)


def missed(verdicts: list[Verdict]) -> str:
    """Every faulty run whose first alarm is not acceptable, counted by what was said instead."""
    wrong = [v for v in of_groups(verdicts, "faulty") if not named(ROUNDS)(v)]
    counted = Counter((v.name, first(v.said[ROUNDS])) for v in wrong)
    rows = [(name, f"`{said}`" if said != "nothing" else "nothing", n) for (name, said), n in sorted(counted.items())]
    return markdown_table(("fault that was missed", "said first", "runs"), rows)


def false_alarms(verdicts: list[Verdict]) -> str:
    """Every alarm of Rounds on a control, counted by what was said."""
    alarmed = [v for v in of_groups(verdicts, *CONTROLS) if v.said[ROUNDS].alarms]
    planted = [v for v in alarmed if v.group == "harmless"]
    lost = sum(v.own_loss >= HURTS for v in planted)
    counted = Counter((v.name, first(v.said[ROUNDS])) for v in alarmed)
    rows = [(name, f"`{said}`", n) for (name, said), n in sorted(counted.items())]
    return f"""{markdown_table(("control", "said first", "runs"), rows)}
Of the {len(planted)} alarms on planted faults that count as harmless, {lost} are of runs that did lose at least
{HURTS:.0%} of a constant's error themselves, beside the median good plan of their seed.
"""
