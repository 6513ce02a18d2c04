"""The ward: faulty and healthy runs on real tables, and what the rules of `rounds examine` are worth on them.

python -m benchmarks.ward runs --shared ../shared/data [--tasks diabetes,pima]    trains what is missing
python -m benchmarks.ward data --shared ../shared/data                            asks the data rules
python -m benchmarks.ward look       prints the half that thresholds may be set on, and nothing of the other
python -m benchmarks.ward good --shared ../shared/data --tasks pneumoniamnist      compares plans of a set by validation
python -m benchmarks.ward page       writes docs/ward.md, and the rates that findings show, docs/findings.md with them

How long the ward takes is measured by `runs --folder .cache/ward_timed`, which `page` reads as well.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

from benchmarks.ward.good_plans import compare_plans
from benchmarks.ward.left_out import left_out
from benchmarks.ward.make_runs import examine_tables, read_lines, train_all
from benchmarks.ward.outcome import harms
from benchmarks.ward.page import Times, looked_at, rule_rates, ward_page
from benchmarks.ward.signal_page import behind_linear, looked_at_signals, signal_page
from benchmarks.ward.signal_tasks import SIGNAL_TASKS
from benchmarks.ward.tasks import TASKS
from benchmarks.ward.verdicts import every_verdict
from benchmarks.ward.wings import EVERY_TASK
from rounds.examination.rates import MEASURED
from rounds.files import write_json, write_whole

FIRST_LOOK, FEWEST_REPORTED = 185, 2  # runs of a table's first look, of which none has fewer; tables
FEWEST_OF_SIGNALS = 190  # runs of a task of images or recordings, of which none has fewer
CACHE, PAGE, REMARKS = Path(".cache/ward"), Path("docs/ward.md"), Path(__file__).parent / "remarks.md"
FINDINGS = Path("docs/findings.md")
SIGNAL_REMARKS = Path(__file__).parent / "signal_remarks.md"
TIMED = Path(".cache/ward_timed")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=("runs", "data", "look", "good", "page"))
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=CACHE)
    parser.add_argument("--timed", type=Path, default=TIMED)
    parser.add_argument("--tasks", default=",".join(t.name for t in EVERY_TASK))
    words = parser.parse_args()
    tasks = [next(t for t in EVERY_TASK if t.name == name) for name in words.tasks.split(",")]
    if words.verb == "runs":
        train_all(tasks, words.shared, words.folder)
    elif words.verb == "data":
        for task in tasks:
            examine_tables(task, words.shared, words.folder)
    elif words.verb == "good":
        for task in tasks:
            for name, loss, behind in compare_plans(task, words.shared):
                print(
                    f"{task.name}, {name}: validation loss {loss:.4f}, {100 * behind:+.1f} % behind linear", flush=True
                )
    elif words.verb == "look":
        look(words.folder, {t.name for t in tasks if t.half == "thresholds"})
    else:
        write_page(words.folder, words.timed)


def look(folder: Path, names: set[str]) -> None:
    """Prints what the rules say of these tasks, tables apart from images and recordings."""
    for some, shown in ((TASKS, looked_at), (SIGNAL_TASKS, looked_at_signals)):
        verdicts = every_verdict(folder, tuple(t.name for t in some if t.name in names))
        if verdicts:
            print(shown(verdicts))


def write_page(folder: Path, timed: Path) -> None:
    """docs/ward.md, and the rates of the reported half for the package, of the tables whose first look is complete;
    of the reported half nothing is shown before FEWEST_REPORTED of them are. Images and recordings are shown when all
    of them are complete. timed: runs made anew to measure time."""
    found = {t.name: folder / f"{t.name}.jsonl" for t in EVERY_TASK}
    runs = {n: [about for about, _ in read_lines(path)] for n, path in found.items() if path.exists()}
    ready = [t for t in TASKS if len(runs.get(t.name, ())) >= FIRST_LOOK]
    reports = sum(t.half == "reported" for t in ready) >= FEWEST_REPORTED
    shown = [t.name for t in ready if reports or t.half == "thresholds"]
    verdicts = every_verdict(folder, tuple(shown))
    apart = left_out(tuple(shown), folder) if len(shown) > 1 else []
    times = Times(tuple(_processor_seconds(timed)), sum(len(runs[n]) for n in shown))
    signals = [t.name for t in SIGNAL_TASKS if len(runs.get(t.name, ())) >= FEWEST_OF_SIGNALS]
    more = every_verdict(folder, tuple(signals)) if len(signals) == len(SIGNAL_TASKS) else []
    page = ward_page(verdicts, more, {n: harms(runs[n]) for n in shown}, apart, REMARKS.read_text(), times)
    if more:
        seconds = [about["processor_seconds"] for name in signals for about in runs[name]]
        harm_of_signals = {n: harms(runs[n]) for n in signals}
        beside = [behind_linear(name, folder) for name in signals]
        page += "\n" + signal_page(more, harm_of_signals, SIGNAL_REMARKS.read_text(), (seconds, beside))
        verdicts, shown = [*verdicts, *more], [*shown, *signals]
    write_whole(PAGE, page)
    rules = rule_rates([v for v in verdicts if v.half == "reported"]) if reports else {}
    write_json(MEASURED, {"made_by": "python -m benchmarks.ward page", "tables": shown, "rules": rules})
    write_whole(FINDINGS, _findings_page())
    print(json.dumps({"runs": sum(len(runs[n]) for n in shown), "page": str(PAGE), "tables": shown}))


def _findings_page() -> str:
    """In a process of its own: this one has read the rates of before."""
    return subprocess.run([sys.executable, "-m", "rounds.examination.page"], stdout=PIPE, text=True, check=True).stdout


def _processor_seconds(folder: Path) -> Iterator[float]:
    """Of each population of tables in a folder of runs."""
    for path in (folder / f"{task.name}.jsonl" for task in TASKS):
        if path.exists():
            yield from (about["processor_seconds"] for about, _ in read_lines(path) if "processor_seconds" in about)


if __name__ == "__main__":
    main()
