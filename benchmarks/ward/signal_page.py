"""The section of docs/ward.md about images and recordings."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.ward.ceiling import Harms
from benchmarks.ward.outcome import HURTS
from benchmarks.ward.page_tables import by_fault, false_alarms, harmless, markdown_table, missed, overall
from benchmarks.ward.rates import by_fault_of_task
from benchmarks.ward.signal_tasks import SIGNAL_ROWS, SIGNAL_TASKS
from benchmarks.ward.tasks import Half
from benchmarks.ward.verdicts import Verdict, judged_runs
from benchmarks.ward.wings import FRESH_SEEDS, WINGS
from rounds.data.dataset import Modality

Behind = tuple[str, int, float, int]
KINDS: dict[Modality, str] = {"image": "Images", "recording": "Recordings"}
MODALITY_OF = {task.name: task.modality for task in SIGNAL_TASKS}
HALVES: dict[Half, str] = {"reported": "reported half", "thresholds": "half that thresholds may be set on"}


def signal_page(verdicts: list[Verdict], harms: Harms, remarks: str, times: tuple[list[float], list[Behind]]) -> str:
    """The section; harms: by task; times: processor time of each population, and how healthy plans of each task stand
    beside a linear model."""
    seconds, beside = times
    parts = [_head(verdicts, seconds), remarks, _beside(beside)]
    for half in HALVES:
        parts += _half(half, [v for v in verdicts if v.half == half])
    return "\n".join([*parts, "### Planted into images and recordings, and harmless\n", harmless(harms)])


def behind_linear(task: str, folder: Path) -> Behind:
    """(task, healthy plans, median of how far they are behind the linear model of features by hand on judged patients,
    how many are behind), as a share of the constant's log loss."""
    healthy = [run for about, group, run in judged_runs(task, folder) if group == "healthy"]
    shares = [-run.advantages["linear"].value / abs(run.constant_score or 1.0) for run in healthy]
    return task, len(shares), median(shares), sum(share > 0 for share in shares)


def _beside(found: list[Behind]) -> str:
    rows = [(task, runs, f"{100 * share:+.1f} %", f"{many} of {runs}") for task, runs, share, many in found]
    names = ("task", "healthy plans", "median distance behind a linear model of features by hand", "behind it")
    return f"""How good the good plans are on patients who judge, as a share of the constant's log loss:

{markdown_table(names, rows)}
A healthy plan that a linear model is ahead of counts as a control like any other: an alarm on it is counted as false,
although its networks are worse than they could be.
"""


def looked_at_signals(verdicts: list[Verdict]) -> str:
    """The tables of one half alone, for setting thresholds."""
    return "\n".join(_half("thresholds", [v for v in verdicts if v.half == "thresholds"]))


def _half(half: Half, verdicts: list[Verdict]) -> Iterator[str]:
    for modality, kind in KINDS.items():
        some = [v for v in verdicts if MODALITY_OF[v.task] == modality]
        if some:
            yield f"### {kind}, {HALVES[half]}\n"
            yield overall(some, by_fault_of_task)
            yield by_fault(some, WINGS[modality].faults)
            yield "Missed:\n"
            yield missed(some)
            yield "Alarms on controls:\n"
            yield false_alarms(some)


def _head(verdicts: list[Verdict], seconds: list[float]) -> str:
    count = Counter(v.group for v in verdicts)
    rows = [
        (t.name, KINDS[t.modality].lower(), t.half, t.network["network"], len(WINGS[t.modality].faults))
        for t in SIGNAL_TASKS
    ]
    return f"""## Images and recordings

The same with small networks of images and of recordings, trained on {SIGNAL_ROWS} patients of each set. The acceptable
diagnoses of `benchmarks/ward/signal_faults.py` were written down before any of these networks was trained, and so was
which set is in which half: a set that is above as a table stays in its table's half.

{markdown_table(("task", "kind", "half", "networks", "faults"), rows)}
{count["faulty"]:,} faulty runs, {count["healthy"]:,} healthy controls, {count["harmless"]:,} runs with a planted fault
that did no harm (controls too), {count["no control"]:,} left out because they are no better than a constant. Two
severities and {len(WINGS["image"].seeds)} seeds of each fault; harm is decided on {len(FRESH_SEEDS)} fresh seeds, as
for tables, at {HURTS:.0%} of a constant's error. Each run is a population of three folds, with as many learning rates
as Rounds proposes for its kind of network. One task of a kind in each half says nothing of other tasks: the intervals
are of faults resampled within it.

All {len(seconds):,} populations (those that decide about harm too) took {sum(seconds) / 60:.0f} minutes of processor
time, compiling included; some programs of the reported half had been compiled before.
"""
