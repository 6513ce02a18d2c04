"""The ward: faulty and healthy runs on real tables, and what the rules of `rounds examine` are worth on them.

python -m benchmarks.ward runs --shared ../shared/data [--tasks diabetes,pima]    trains (minutes a task)
python -m benchmarks.ward data --shared ../shared/data                            asks the data rules
"""

import argparse
from pathlib import Path

from benchmarks.ward.make_runs import examine_tables, make_runs
from benchmarks.ward.tasks import TASKS, WardTask
from benchmarks.ward.training import Workshop

CACHE = Path(".cache/ward")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=("runs", "data"))
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=CACHE)
    parser.add_argument("--tasks", default=",".join(t.name for t in TASKS))
    words = parser.parse_args()
    tasks = [task for task in TASKS if task.name in words.tasks.split(",")]
    if words.verb == "data":
        for task in tasks:
            examine_tables(task, words.shared, words.folder)
    else:
        train_all(tasks, words.shared, words.folder)


def train_all(tasks: list[WardTask], shared: Path, folder: Path) -> None:
    """All tasks once for a first look, then the rest; programs are kept, since tables have one shape."""
    workshop = Workshop()
    for first in (True, False):
        for task in tasks:
            make_runs(task, shared, folder, workshop, first)


if __name__ == "__main__":
    main()
