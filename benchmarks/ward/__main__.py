"""The ward: faulty and healthy runs on real tables, and what the rules of `rounds examine` are worth on them.

python -m benchmarks.ward runs --shared ../shared/data [--tasks diabetes,pima]    trains what is missing
python -m benchmarks.ward data --shared ../shared/data                            asks the data rules
python -m benchmarks.ward look       prints the half that thresholds may be set on, and nothing of the other
python -m benchmarks.ward good --shared ../shared/data --tasks pneumoniamnist      compares plans of a set by validation
python -m benchmarks.ward page       writes docs/ward.md, and the rates that findings show, docs/findings.md with them
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

from benchmarks.ward.figure import figure
from benchmarks.ward.good_plans import compare_plans
from benchmarks.ward.make_runs import examine_tables, read_lines, train_all
from benchmarks.ward.outcome import harms
from benchmarks.ward.page import looked_at, rule_rates, ward_page
from benchmarks.ward.verdicts import data_verdicts, every_verdict
from benchmarks.ward.wings import EVERY_TASK, WINGS, first_look
from rounds.examination.rates import MEASURED
from rounds.files import write_json, write_whole

FEWEST_REPORTED = 2  # tasks of the reported half, before which nothing of it is shown
CACHE, PAGE, FIGURE = Path(".cache/ward"), Path("docs/ward.md"), Path("docs/ward.svg")
FINDINGS, THRESHOLDS = Path("docs/findings.md"), Path(__file__).parent / "thresholds.md"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=("runs", "data", "look", "good", "page"))
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=CACHE)
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
        write_page(words.folder)


def look(folder: Path, names: set[str]) -> None:
    """Prints what the rules say of these tasks, wing by wing."""
    for wing in WINGS:
        verdicts = every_verdict(folder, tuple(t.name for t in EVERY_TASK if t.name in names and t.wing == wing))
        if verdicts:
            print(f"{wing}\n\n{looked_at(verdicts)}")


def write_page(folder: Path) -> None:
    """docs/ward.md with its figure, and the rates of the reported half for the package, of the tasks whose first look
    is complete."""
    found = {t.name: folder / f"{t.name}.jsonl" for t in EVERY_TASK}
    runs = {n: [about for about, _ in read_lines(path)] for n, path in found.items() if path.exists()}
    shown = [t for t in EVERY_TASK if len(runs.get(t.name, ())) >= first_look(t)]
    if sum(t.half == "reported" for t in shown) < FEWEST_REPORTED:
        raise SystemExit(f"Fewer than {FEWEST_REPORTED} tasks of the reported half are complete: nothing was written.")
    names = [t.name for t in shown]
    verdicts = every_verdict(folder, tuple(names))
    reported = [v for v in verdicts if v.half == "reported"]
    harm, how = {n: harms(runs[n]) for n in names}, THRESHOLDS.read_text(encoding="utf-8")
    write_whole(PAGE, ward_page(verdicts, harm, data_verdicts(folder), how))
    write_whole(FIGURE, figure(reported))
    content = {"made_by": "python -m benchmarks.ward page", "tables": names, "rules": rule_rates(reported)}
    write_json(MEASURED, content)
    write_whole(FINDINGS, _findings_page())
    print(json.dumps({"runs": sum(len(runs[n]) for n in names), "page": str(PAGE), "tasks": names}))


def _findings_page() -> str:
    """In a process of its own: this one has read the rates of before."""
    return subprocess.run([sys.executable, "-m", "rounds.examination.page"], stdout=PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
