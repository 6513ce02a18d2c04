"""docs/ward.md: what the rules are worth, wing by wing and fault by fault, with what is missed; and the rates that
findings show."""

import platform
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version

from benchmarks.ward.ceiling import JUDGE, Harms, alarms_by_harm, judge
from benchmarks.ward.figure import wings_with
from benchmarks.ward.outcome import ALARMS, DETECTED, HURTS, NAMED
from benchmarks.ward.page_tables import CONTROLS, by_fault, false_alarms, markdown_table, missed, of_groups, plain
from benchmarks.ward.rates import detected, named, rate
from benchmarks.ward.tasks import ROWS, WIDTH
from benchmarks.ward.verdicts import ROUNDS, WATCHERS, DataVerdict, Verdict
from benchmarks.ward.wings import BY_NAME, EVERY_TASK, TASK_OF, WINGS

PACKAGES = ("rounds", "jax", "keras", "numpy", "scikit-learn", "polars")
HALVES = ("reported", "thresholds")


def ward_page(verdicts: list[Verdict], harms: Harms, of_data: list[DataVerdict], thresholds: str) -> str:
    """harms: by task; of_data: what the data rules alone say; thresholds: how they were chosen."""
    half = {name: [v for v in verdicts if v.half == name] for name in HALVES}
    shown = half["reported"]
    return "\n".join(
        [
            _head(verdicts),
            "## Rates on the reported half\n",
            rates_by_wing(shown),
            "![Rates of each wing with intervals, and of each fault beside two published rule sets](ward.svg)\n",
            "## Data rules alone, reported half\n",
            data_rates([v for v in of_data if TASK_OF[v.task].half == "reported"]),
            "## Beside published rule sets\n",
            _watchers(shown),
            "## Alarms by harm\n",
            _by_harm(shown, harms),
            "## Fault by fault\n",
            by_fault(shown),
            "## Missed, and alarms on controls\n",
            missed(shown),
            false_alarms(shown),
            "## The half that thresholds were set on\n",
            rates_by_wing(half["thresholds"]),
            thresholds,
            "## What there is\n",
            _what_there_is(verdicts),
        ]
    )


def looked_at(verdicts: list[Verdict]) -> str:
    """One half alone, for setting thresholds."""
    return "\n".join((rates_by_wing(verdicts), by_fault(verdicts), missed(verdicts), false_alarms(verdicts)))


def _head(verdicts: list[Verdict]) -> str:
    count = Counter(v.group for v in verdicts)
    return f"""# The ward

<!-- Made by: python -m benchmarks.ward page -->

Faults planted into training runs on patients' data, and healthy runs beside them: how often `rounds examine` says that
something is wrong, how often its first finding names the cause, and how often it alarms where nothing is wrong.

    python -m benchmarks.ward runs --shared ../shared/data     trains what is missing of the runs
    python -m benchmarks.ward data --shared ../shared/data     asks the data rules
    python -m benchmarks.ward page                             writes this page and the rates that findings show

{count["faulty"]:,} faulty runs, {count["healthy"]:,} healthy controls, {count["harmless"]:,} runs with a planted fault
that did no harm (controls too); {count["no control"]:,} are left out because they are no better than a constant. Each
run is a population of three folds and one or two learning rates on at most {ROWS:,} rows of {WIDTH} columns (3,000
where a patient has 20), or on 640 images or recordings. {len(BY_NAME)} faults in two severities. A fault of training
counts as faulty where test rows that nothing else uses lose at least {HURTS:.0%} of a constant's error on average over
fresh seeds, and something on each; faults of data are exempt, since their harm is a score that is too good. The
acceptable diagnoses were written down before a rule was run (`faults.py`, `signal_faults.py` and `row_faults.py` in
`benchmarks/ward`). Intervals are 95 %, tasks resampled (faults, where there are only one or two tasks).

Five wings: tables with one row a patient; tables with 4 and 20 rows a patient, as they were measured (physionet2012) or
made of the others; tables with 5 to 20 patients who have the outcome, where that they are few is true and counts as no
alarm; images; recordings. To reach: detected {DETECTED:.0%}, cause named first {NAMED:.0%}, alarms on healthy plans at
most {ALARMS:.0%}.

Trained are {len({v.task for v in verdicts})} of {len(EVERY_TASK)} tasks; the table at the end says which, and on how
many of their seeds.
"""


def rates_by_wing(verdicts: list[Verdict]) -> str:
    """What Rounds says of each wing, and of all."""
    rows = []
    for wing, some in wings_with(verdicts):
        faulty, controls, healthy = (of_groups(some, *groups) for groups in (("faulty",), CONTROLS, ("healthy",)))
        shares = rate(faulty, detected(ROUNDS)), rate(faulty, named(ROUNDS)), rate(healthy, detected(ROUNDS))
        rows.append((wing, *shares, rate(controls, detected(ROUNDS))))
    names = ("wing", "detected", "cause named first", "alarms on healthy plans", "alarms on all controls")
    return markdown_table(names, rows)


def data_rates(verdicts: list[DataVerdict]) -> str:
    """Leaks, copies and shifts that the data rules name first, before anything is trained, and their alarms on tables
    without a fault."""
    rows = []
    for wing in WINGS:
        some = [v for v in verdicts if TASK_OF[v.task].wing == wing]
        planted, healthy = [v for v in some if v.fault], [v for v in some if not v.fault]
        if some:
            named_first, alarmed = sum(v.is_named for v in planted), sum(bool(v.alarms) for v in healthy)
            tasks = len({v.task for v in some})
            rows.append((wing, tasks, f"{named_first} of {len(planted)}", f"{alarmed} of {len(healthy)}"))
    missed_by = Counter((v.fault, v.task) for v in verdicts if v.fault and not v.is_named)
    left = "; ".join(f"{fault} on {task} ({n})" for (fault, task), n in sorted(missed_by.items())) or "none"
    names = ("wing", "tasks", "planted leak, copy or shift named first", "alarms on tables without a fault")
    return f"""Asked of every table of the wings, whether networks were trained on it or not.

{markdown_table(names, rows)}
Not named: {left}.
"""


def _watchers(verdicts: list[Verdict]) -> str:
    faulty, controls, healthy = (of_groups(verdicts, *groups) for groups in (("faulty",), CONTROLS, ("healthy",)))
    rows = [
        (w, rate(faulty, detected(w)), rate(faulty, named(w)), rate(healthy, detected(w)), rate(controls, detected(w)))
        for w in WATCHERS
    ]
    rows.append((JUDGE, rate(faulty, judge), "", rate(healthy, judge), rate(controls, judge)))
    spared = [rate(some, lambda v: v.given_up) for some in (faulty, controls)]
    names = ("", "detected", "cause named first", "alarms on healthy plans", "alarms on all controls")
    return f"""The rule sets of AutoTrainer (Zhang et al. 2021) and DeepDiagnosis (Wardat et al. 2022) on the same runs,
and a judge who sees what no rule sees: what this very run lost on clean test rows.

{markdown_table(names, rows)}
Given up as hopeless after three tenths of the epochs: faulty runs {spared[0]}, controls {spared[1]}.
"""


def _by_harm(verdicts: list[Verdict], harms: Harms) -> str:
    names = ("mean loss on fresh seeds", "alarms of Rounds", "alarms of the judge")
    return f"""Whether a planted fault of training hurts differs from one seed to the next, so that nobody who goes by
harm detects all that hurt and none that do not. By what a fault costs on average (share of a constant's error):

{markdown_table(names, alarms_by_harm(verdicts, harms))}"""


def _what_there_is(verdicts: list[Verdict]) -> str:
    rows = []
    for task in EVERY_TASK:
        some = [v for v in verdicts if v.task == task.name]
        seeds = {v.seed for v in some if v.name in BY_NAME}
        faulty = of_groups(some, "faulty")
        shares = (plain(rate(faulty, detected(ROUNDS))), plain(rate(faulty, named(ROUNDS))))
        alarms = plain(rate(of_groups(some, "healthy"), detected(ROUNDS)))
        of = f"{len(seeds)} of {len(WINGS[task.wing].seeds)}"
        rows.append((task.name, task.wing, task.half, of, *shares, alarms) if some else _missing(task.name))
    names = ("task", "wing", "half", "seeds", "detected", "cause named first", "alarms on healthy plans")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""{markdown_table(names, rows)}
Measured {datetime.now(UTC).date().isoformat()} on {platform.machine()}, Python {platform.python_version()}, {packages}.
"""


def _missing(name: str) -> tuple[str, ...]:
    task = next(t for t in EVERY_TASK if t.name == name)
    return name, task.wing, task.half, "not trained", "", "", ""


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
