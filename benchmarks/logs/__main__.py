"""python -m benchmarks.logs [SEEDS]: how often the rules for logs are right and wrong on simulated logs.

Writes src/rounds/examination/log_rules/rates.json and the table of docs/logs.md. A log is right where its first alarm
(without one, any of its notes, or `healthy`) is among what an expert would accept; silent where it passes for healthy
and should not; wrong where another alarm comes first.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

from benchmarks.logs.simulate import KINDS, Simulated, every
from rounds.examination.finding import HEALTHY, Finding
from rounds.examination.log_rules.examine import examine_log
from rounds.examination.log_rules.rates import MEASURED
from rounds.examination.logs.runs import Choice, runs_of
from rounds.examination.logs.table import LogTable
from rounds.examination.rules import rules_of_logs

SEEDS = 200
UNSEEN = 1000  # the first seed that is measured: the rules were developed on those below
PAGE = Path(__file__).parents[2] / "docs" / "logs.md"
OUTCOMES = ("right", "silent", "wrong")
Rates = dict[str, dict[str, list[int]]]


def judged(log: Simulated) -> tuple[Finding, ...]:
    """Findings of one simulated log."""
    (run,) = runs_of(LogTable(log.kind, log.rows), Choice())
    return examine_log(run)[0]


def outcome(log: Simulated, found: tuple[Finding, ...]) -> str:
    """right, silent or wrong, as the module says."""
    alarms = [f.code for f in found if f.alarms]
    said = alarms[:1] or [f.code for f in found]
    if set(said) & set(log.accept):
        return "right"
    return "silent" if HEALTHY in said else "wrong"


def measured(seeds: int) -> tuple[dict[str, Counter[str]], Rates]:
    """(outcomes by kind, rates by code: said of logs that were planted with it, alarms on logs that were not)."""
    kinds: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    rates: Rates = {rule.code: {"hits": [0, 0], "alarms": [0, 0]} for rule in rules_of_logs()}
    for log in every(seeds, UNSEEN):
        found = judged(log)
        kinds[log.kind][outcome(log, found)] += 1
        said, alarms = {f.code for f in found}, {f.code for f in found if f.alarms and not f.follows_from}
        for code, rate in rates.items():
            if code in log.accept:
                _count(rate["hits"], code == log.planted and code in said, code == log.planted)
            else:
                _count(rate["alarms"], code in alarms, True)
    return kinds, rates


def _count(rate: list[int], said: bool, asked: bool) -> None:
    rate[0] += said
    rate[1] += asked


def page_tables(kinds: dict[str, Counter[str]]) -> str:
    """What is said of each kind of log, as docs/logs.md has it."""
    rows = [f"| {kind} | {' | '.join(str(counts[o]) for o in OUTCOMES)} |" for kind, counts in kinds.items()]
    total = sum(kinds.values(), Counter())
    shares = ", ".join(f"{100 * total[o] / total.total():.1f} % {o}" for o in OUTCOMES)
    table = "| planted | right | silent | wrong |\n| --- | --- | --- | --- |"
    return "\n".join([_SIMULATED.format(logs=total.total(), shares=shares), "", table, *rows])


_SIMULATED = """## How often it is right

Measured on {logs:,} simulated logs (`python -m benchmarks.logs`): courses of many shapes, scales and lengths with
planted faults, and with the noise of real logs. The first alarm (without one, the notes) is what an expert accepts of
the log, or it is healthy and passes for healthy: {shares}. The rules were developed on other seeds.

On 54 logs of public repositories, of which experts had written down what they saw: 27 of the 27 on which the rules were
developed were right, and 22 of the other 27 when they were first read; 53 of 54 since."""


def main(seeds: int) -> None:
    """Measures, writes both files, and prints the outcomes."""
    kinds, rates = measured(seeds)
    MEASURED.write_text(json.dumps({"rules": {c: r for c, r in rates.items() if r["hits"][1]}}, indent=1) + "\n")
    text = PAGE.read_text(encoding="utf-8")
    marks = r"(<!-- rates: [^\n]*-->\n).*(<!-- end of rates -->)"
    PAGE.write_text(re.sub(marks, lambda m: f"{m[1]}{page_tables(kinds)}\n{m[2]}", text, flags=re.S), encoding="utf-8")
    print(json.dumps({kind: dict(counts) for kind, counts in kinds.items()}, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS)
