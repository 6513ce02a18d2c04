"""The ward: faulty and healthy runs on real tables, and what the rules of `rounds examine` are worth on them.

python -m benchmarks.ward runs --shared ../shared/data [--tasks diabetes,pima]    trains (minutes a task)
python -m benchmarks.ward data --shared ../shared/data                            asks the data rules
"""

import argparse
from pathlib import Path

from benchmarks.ward.make_runs import examine_tables, make_runs
from benchmarks.ward.tasks import TASKS

CACHE = Path(".cache/ward")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=("runs", "data"))
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=CACHE)
    parser.add_argument("--tasks", default=",".join(t.name for t in TASKS))
    words = parser.parse_args()
    do = {"runs": make_runs, "data": examine_tables}[words.verb]
    for task in TASKS:
        if task.name in words.tasks.split(","):
            do(task, words.shared, words.folder)


if __name__ == "__main__":
    main()
