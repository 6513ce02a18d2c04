"""How true the time left is: what is said at a fifth of a run, against how long the run then took.

    python -m benchmarks.time_left

Prints JSON: for each run the estimate of its whole length at a fifth of it, its error as a share of the length, whether
the length lay within the span that was said, and the longest time in which nothing was said; and the median error.
"""

import json
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from rounds.data.loading import load
from rounds.job.request import Request
from rounds.job.result import Result
from rounds.job.stages import stages
from rounds.job.time_left import Remaining

SHARE = 0.2
RUNS: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("diabetes", 0, {"epochs": 60}),
    ("breast_cancer", 0, {"hidden": (32,)}),
    ("admissions:2000", 0, {}),
    ("diabetes", 2, {"epochs": 40, "hidden": (32,)}),
    ("admissions:2000", 2, {"learning_rate": 10.0, "epochs": 20, "hidden": (32,)}),
)
MEMBERS = 8


def measured(name: str, rounds: int, changes: dict[str, Any]) -> dict[str, Any]:
    """One run, and what was said of it."""
    said: list[tuple[float, Remaining]] = []
    with tempfile.TemporaryDirectory() as place:
        request = Request(changes={"seed": 0, **changes}, members=MEMBERS, rounds=rounds, out=Path(place) / "run")
        data, started = load(name), time.monotonic()
        for event in stages(data, request):
            if isinstance(event, Remaining):
                said.append((time.monotonic() - started, event))
            elif isinstance(event, Result):
                break
        length = time.monotonic() - started
    assert isinstance(event, Result)
    at, left = next((when, left) for when, left in said if when >= SHARE * length)
    times = [0.0, *(when for when, _ in said), length]
    return {
        "run": f"{name}, {rounds} rounds",
        "seconds": round(length, 1),
        "said_at": round(at / length, 2),
        "estimate": round(at + left.likely, 1),
        "error": round(abs(at + left.likely - length) / length, 3),
        "within": at + left.low <= length <= at + left.high,
        "longest_silence": round(max(b - a for a, b in pairwise(times)), 1),
        "stages": event.record["seconds_by_stage"],
    }


if __name__ == "__main__":
    found = []
    for run in RUNS:
        found.append(measured(*run))
        print(json.dumps(found[-1]), flush=True)
    errors = [one["error"] for one in found]
    print(json.dumps({"median_error": statistics.median(errors), "within": sum(one["within"] for one in found)}))
