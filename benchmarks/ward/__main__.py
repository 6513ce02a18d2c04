"""The ward: faulty and healthy runs on real tables, and what the rules of `rounds examine` are worth on them.

python -m benchmarks.ward runs --shared ../shared/data [--tasks diabetes,pima]    trains what is missing
python -m benchmarks.ward data --shared ../shared/data                            asks the data rules
python -m benchmarks.ward look       prints the half that thresholds may be set on, and nothing of the other
python -m benchmarks.ward page       writes docs/ward.md, and the rates that findings show

How long the ward takes is measured by `runs --folder .cache/ward_timed`, which `page` reads as well.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ward.left_out import left_out
from benchmarks.ward.make_runs import examine_tables, read_lines, train_all
from benchmarks.ward.outcome import harms
from benchmarks.ward.page import Times, looked_at, rule_rates, ward_page
from benchmarks.ward.tasks import TASKS
from benchmarks.ward.verdicts import every_verdict
from benchmarks.ward.wings import EVERY_TASK
from rounds.examination.rates import MEASURED
from rounds.files import write_json, write_whole

FIRST_LOOK, FEWEST_REPORTED = 185, 2  # runs of a table's first look, of which none has fewer; tables
CACHE, PAGE, REMARKS = Path(".cache/ward"), Path("docs/ward.md"), Path(__file__).parent / "remarks.md"
TIMED = Path(".cache/ward_timed")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=("runs", "data", "look", "page"))
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
    elif words.verb == "look":
        names = tuple(t.name for t in tasks if t.half == "thresholds")
        print(looked_at(every_verdict(words.folder, names)))
    else:
        write_page(words.folder, words.timed)


def write_page(folder: Path, timed: Path) -> None:
    """docs/ward.md, and the rates of the reported half for the package, of the tables whose first look is complete;
    of the reported half nothing is shown before FEWEST_REPORTED of them are. timed: runs made anew to measure time."""
    found = {t.name: folder / f"{t.name}.jsonl" for t in TASKS}
    ready = [t for t in TASKS if found[t.name].exists() and len(list(read_lines(found[t.name]))) >= FIRST_LOOK]
    reports = sum(t.half == "reported" for t in ready) >= FEWEST_REPORTED
    shown = [t.name for t in ready if reports or t.half == "thresholds"]
    kept = {name: [about for about, _ in read_lines(found[name])] for name in shown}
    verdicts = every_verdict(folder, tuple(shown))
    apart = left_out(tuple(shown), folder) if len(shown) > 1 else []
    times = Times(tuple(_processor_seconds(timed)), sum(map(len, kept.values())))
    page = ward_page(verdicts, {n: harms(runs) for n, runs in kept.items()}, apart, REMARKS.read_text(), times)
    write_whole(PAGE, page)
    rules = rule_rates([v for v in verdicts if v.half == "reported"]) if reports else {}
    write_json(MEASURED, {"made_by": "python -m benchmarks.ward page", "tables": shown, "rules": rules})
    print(json.dumps({"runs": sum(map(len, kept.values())), "page": str(PAGE), "tables": shown}))


def _processor_seconds(folder: Path) -> Iterator[float]:
    """Of each population in a folder of runs."""
    for path in sorted(folder.glob("*.jsonl")):
        yield from (about["processor_seconds"] for about, _ in read_lines(path) if "processor_seconds" in about)


if __name__ == "__main__":
    main()
