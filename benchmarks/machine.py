"""What every record of a benchmark says of where and when it was made, and records kept a line each."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

Record = dict[str, Any]
NAMES = {"rounds": "Rounds", "jax": "JAX", "keras": "Keras", "polars": "Polars", "python": "Python", "numpy": "NumPy"}


def about(*packages: str) -> Record:
    """Date, machine and versions, without anything that names the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: version(name) for name in ("rounds", *packages)} | {"python": platform.python_version()}
    machine = f"{cores} cores, {platform.machine()}, {platform.system()}"
    return {"date": datetime.now(UTC).date().isoformat(), "machine": machine, "versions": versions}


def told(about: Record) -> str:
    """The line under a table of docs/results.md."""
    versions = ", ".join(f"{NAMES.get(name, name)} {number}" for name, number in about["versions"].items())
    return f"{about['machine']}; {about['date']}; {versions}."


def better_by(record: Record) -> str:
    """The paired difference to the best baseline, of a record that has metrics.json's."""
    return "{metric} {value:+.4g} ({low:+.4g} to {high:+.4g}) than {baseline}".format(**record["difference"])


def keep(path: Path | None, record: Record) -> None:
    """Printed, and added to the file where there is one: a run that is cut off loses only what it was at."""
    print(json.dumps(record), flush=True)
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def kept(path: Path | None) -> list[Record]:
    """The records of a file; none where there is no file yet."""
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
