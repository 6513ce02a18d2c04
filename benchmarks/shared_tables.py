"""Rounds on real tables, on the rows on which its peers were measured.

    python -m benchmarks.shared_tables SHARED [--tasks pima,cleveland] [--seeds 0,1,2] [--set NAME=VALUE] [--rounds 0]
                                       [--records FILE] [--page]

SHARED is a folder with `tables/tasks.py` (development and test rows by task and seed), `tables/peers.jsonl` (what
peers reached on them) and `data/`. Development rows are handed to Rounds as DATA and test rows as --test, with nothing
said but the target, the patient column, and which numbers are codes. One JSON record a run is printed as it comes (and
added to FILE), and at the end two Markdown tables: beside the peers, and division by division; --page makes them from
FILE alone.
"""

import argparse
import importlib.util
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.machine import Record, about, better_by, keep, kept, told
from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.job.request import Request
from rounds.job.train import improve
from rounds.plan import parse_value

# Numbers that are codes, as the descriptions of the data sets say; a user would say so with --as COL=categorical.
CODES = {
    "d130_los": ("admission_type_id", "discharge_disposition_id", "admission_source_id"),
    "d130_admission": ("admission_type_id", "admission_source_id"),
    "d130_readmit": ("admission_type_id", "discharge_disposition_id", "admission_source_id"),
    "cleveland": ("cp", "restecg", "slope", "thal"),
}
ORDER = ("pima", "cleveland", "flchain_death", "nhanes_bps", "d130_admission", "d130_los", "d130_readmit")


def protocol(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("tasks", shared / "tables" / "tasks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(tasks: ModuleType, task: str, seed: int, changes: dict[str, Any], rounds: int) -> Record:
    dev, test, target, kind, group = tasks.load(task, seed)
    codes = {name: "categorical" for name in CODES.get(task, ()) if name in dev.columns}
    choices = Choices(targets=(target,), kind=kind, group=group or "none", as_roles=codes)
    folder = Path(tempfile.mkdtemp()) / "run"
    started = time.monotonic()
    made = improve(load(dev, choices, test=test), changes, Request(out=folder, rounds=rounds)).record
    shutil.rmtree(folder.parent)
    metric = "log_loss" if kind == "binary" else "r2"
    return {
        "task": task,
        "seed": seed,
        "metric": metric,
        "seconds": round(time.monotonic() - started, 1),
        "rows": dev.height,
        "value": made["test"][metric]["value"],
        "interval": made["test"][metric],
        "validation": made["validation"][metric]["value"],
        "single_network": made["single_network"][metric]["value"],
        "baselines": {name: scores[metric]["value"] for name, scores in made["baselines"].items() if metric in scores},
        "difference": made["difference"],
        "rounds": made["rounds"],
        "about": about("jax", "keras", "scikit-learn", "polars"),
    }


def peers(shared: Path) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for line in (shared / "tables" / "peers.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        value = one.get("log_loss", one.get("r2"))
        if value is not None:
            found.setdefault((one["task"], one["peer"]), []).append(value)
    return found


def markdown(records: list[Record], known: dict[tuple[str, str], list[float]]) -> str:
    names = ("linear", "hgb", "catboost", "realmlp", "tabm")
    header = ["table", "metric", "splits", "Rounds", *names, "seconds"]
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for task in ORDER:
        mine = [r for r in records if r["task"] == task]
        if not mine:
            continue
        values = [known.get((task, name), []) for name in names]
        shown = [f"{statistics.mean(v):.4f}" + ("" if len(v) == 3 else f" ({len(v)})") if v else "" for v in values]
        value = statistics.mean(r["value"] for r in mine)
        seconds = max(r["seconds"] for r in mine)
        cells = [task, mine[0]["metric"], str(len(mine)), f"**{value:.4f}**", *shown, f"{seconds:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def divisions(records: list[Record]) -> str:
    header = ("table", "division", "Rounds (95 % interval over patients)", "single network", "linear", "trees")
    lines = ["| " + " | ".join((*header, "better by", "seconds")) + " |", "|---" * (len(header) + 2) + "|"]
    for one in sorted(records, key=lambda r: (ORDER.index(r["task"]), r["seed"])):
        value = "{value:.4f} ({low:.4f} to {high:.4f})".format(**one["interval"])
        others = [f"{v:.4f}" for v in (one["single_network"], *(one["baselines"][n] for n in ("linear", "trees")))]
        cells = (one["task"], str(one["seed"]), value, *others, better_by(one), f"{one['seconds']:.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shared", type=Path)
    parser.add_argument("--tasks", default=",".join(ORDER))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--page", action="store_true")
    words = parser.parse_args()
    changes = {name: parse_value(name, value) for name, value in (w.split("=", 1) for w in words.set)}
    tasks, made = protocol(words.shared), kept(words.records)
    for task in () if words.page else words.tasks.split(","):
        for seed in map(int, words.seeds.split(",")):
            made.append(run(tasks, task, seed, changes, words.rounds))
            keep(words.records, made[-1])
    print(markdown(made, peers(words.shared)), divisions(made), told(made[-1]["about"]), sep="\n\n")


if __name__ == "__main__":
    main()
