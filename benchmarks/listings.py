"""Speed of the four listings of one network, side by side: `python -m benchmarks.listings`.

Each listing of examples/ trains the same network (10-32-1, batch 50) in a process of its own, once with few epochs and
once with many: the difference is what a step costs, without compiling and reading. The fourth validates after every
epoch besides. Prints JSON; intervals are the lowest and highest of the repeats.
"""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LISTINGS = ("numpy_by_hand", "explicit_tape", "keras_listing", "handed_to_rounds")
FEW, MANY, REPEATS = 100, 500, 3
CODE = """
import sys, time, importlib
import starting_point
few, many, name, members = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
listing = importlib.import_module(name)
def seconds(epochs):
    for module in (starting_point, listing):
        if hasattr(module, "EPOCHS"):
            module.EPOCHS = epochs
    if name == "handed_to_rounds":
        listing.PLAN = starting_point.PLAN.change(epochs=epochs)
        return in_training(listing)
    started = time.perf_counter()
    listing.train()
    return time.perf_counter() - started
def in_training(listing):
    from pathlib import Path
    from tempfile import TemporaryDirectory
    import rounds
    with TemporaryDirectory() as folder:
        asked = rounds.Request(members=members, out=Path(folder) / "run")
        made = rounds.train("diabetes", listing.PLAN, asked, model=listing.make_model())
    return made.record["seconds_by_stage"]["training"]
seconds(2)
steps = len(starting_point.minibatches(0)) * (many - few)
print(1e6 * (seconds(many) - seconds(few)) / steps / members)
"""


def microseconds(name: str, members: int = 1) -> float:
    """A member's step."""
    words = [sys.executable, "-c", CODE, str(FEW), str(MANY), name, str(members)]
    done = subprocess.run(words, cwd=EXAMPLES, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def summary(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"median": ordered[len(ordered) // 2], "low": ordered[0], "high": ordered[-1]}


def main() -> None:
    found = {name: summary([microseconds(name) for _ in range(REPEATS)]) for name in LISTINGS}
    print(
        json.dumps(
            {
                "microseconds_a_step": found,
                "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
                "machine": platform.machine(),
                "versions": {name: version(name) for name in ("numpy", "jax", "keras", "optax", "rounds")},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
