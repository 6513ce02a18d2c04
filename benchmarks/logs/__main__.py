"""How often the rules for logs are right and wrong, on simulated logs and on real ones.

    python -m benchmarks.logs [SEEDS]        simulated logs, and the rates that findings show
    python -m benchmarks.logs real FOLDER    real ones: FOLDER/expected.json says which codes experts accept of each

Both write their table of docs/logs.md and their part of src/rounds/examination/log_rules/rates.json. A log is right
where its first alarm (without one, any of its notes, or `healthy`) is among what an expert would accept; silent where
it passes for healthy and should not; wrong where another alarm comes first; refused where it cannot be read.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks.logs.simulate import KINDS, Simulated, every
from rounds.errors import DataError
from rounds.examination.finding import HEALTHY, Finding
from rounds.examination.log_rules.examine import examine_log, examine_logs
from rounds.examination.log_rules.rates import MEASURED
from rounds.examination.logs.read import read_logs
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


def outcome(accept: Collection[str], found: Sequence[Finding]) -> str:
    """right, silent or wrong, as the module says."""
    said = said_first(found)
    if said & set(accept):
        return "right"
    return "silent" if HEALTHY in said else "wrong"


def said_first(found: Sequence[Finding]) -> set[str]:
    """The first alarm; where nothing alarms, all that is noted."""
    alarms = [f.code for f in found if f.alarms]
    return set(alarms[:1] or [f.code for f in found])


def measured(seeds: int) -> tuple[dict[str, Counter[str]], Rates]:
    """(outcomes by kind, rates by code: said of logs that were planted with it, alarms on logs that were not)."""
    kinds: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    rates: Rates = {rule.code: {"hits": [0, 0], "alarms": [0, 0]} for rule in rules_of_logs()}
    for log in every(seeds, UNSEEN):
        found = judged(log)
        kinds[log.kind][outcome(log.accept, found)] += 1
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
the log, or it is healthy and passes for healthy: {shares}. The rules were developed on other seeds."""
_REAL = """On {logs} logs of public repositories (`python -m benchmarks.logs real FOLDER`), of which experts had written
down what they saw before a rule was asked: {counts}.
The rules were developed on them, so that logs which nobody has seen will fare worse. By finding: on how many logs it
was the first alarm (or a note where nothing alarmed), of those on which experts accept it and of all others."""


def measured_on_real(folder: Path) -> tuple[Counter[str], dict[str, tuple[int, int, int, int]]]:
    """(outcomes; by code: said where accepted, logs that accept it, said elsewhere, all other logs)."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    counts: Counter[str] = Counter()
    first: dict[str, set[str]] = {}
    accept = {name: set(case["accept"]) for name, case in expected.items()}
    for name, accepted in accept.items():
        try:
            found = examine_logs(read_logs([folder / name])).findings
        except DataError:
            counts["right" if "refused" in accepted else "refused"] += 1
            continue
        counts[outcome(accepted, found)] += 1
        first[name] = said_first(found)
    codes = set().union(*first.values())
    return counts, {code: _of_code(code, first, accept) for code in sorted(codes)}


def _of_code(code: str, first: dict[str, set[str]], accept: dict[str, set[str]]) -> tuple[int, int, int, int]:
    accepted = {name for name, codes in accept.items() if code in codes}
    said = {name for name, codes in first.items() if code in codes}
    return len(said & accepted), len(accepted), len(said - accepted), len(accept) - len(accepted)


def real_table(counts: Counter[str], codes: dict[str, tuple[int, int, int, int]]) -> str:
    """Of real logs, as docs/logs.md has it."""
    outcomes = ", ".join(f"{counts[o]} {o}" for o in (*OUTCOMES, "refused"))
    rows = [f"| `{code}` | {hits} of {of} | {false} of {others} |" for code, (hits, of, false, others) in codes.items()]
    table = "| said | where accepted | elsewhere |\n| --- | --- | --- |"
    return "\n".join([_REAL.format(logs=counts.total(), counts=outcomes), "", table, *rows])


def put(text: str, part: str, content: str) -> str:
    """The page with one of its parts made anew."""
    marks = rf"(<!-- {part}: [^\n]*-->\n).*(<!-- end of {part} -->)"
    return re.sub(marks, lambda m: f"{m[1]}{content}\n{m[2]}", text, flags=re.S)


def main(words: list[str]) -> None:
    """Measures, writes the page (and the rates), and prints the outcomes."""
    text = PAGE.read_text(encoding="utf-8")
    if words[:1] == ["real"]:
        counts, codes = measured_on_real(Path(words[1]))
        PAGE.write_text(put(text, "real", real_table(counts, codes)), encoding="utf-8")
        _keep(real={code: [hits, hits + false] for code, (hits, _, false, _) in codes.items() if code != HEALTHY})
        print(json.dumps({"logs": counts.total(), **counts}))
        return
    kinds, rates = measured(int(words[0]) if words else SEEDS)
    _keep(rules={code: rate for code, rate in rates.items() if rate["hits"][1]})
    PAGE.write_text(put(text, "rates", page_tables(kinds)), encoding="utf-8")
    print(json.dumps({kind: dict(counts) for kind, counts in kinds.items()}, indent=1))


def _keep(**parts: object) -> None:
    """Writes a part of the rates that findings show; the other stays as it was measured last."""
    content = json.loads(MEASURED.read_text(encoding="utf-8")) | parts
    MEASURED.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
