"""Images: pneumonia on chest X-rays of 28 x 28 pixels, with the division that the set brings.

    python -m benchmarks.images SHARED [--seeds 0,1,2,3,4] [--records FILE] [--set NAME=VALUE]
    python -m benchmarks.images SHARED --records FILE --page        the section of docs/results.md from such records

SHARED is a folder with `data/pneumoniamnist/pneumoniamnist.npz` (MedMNIST v2, Yang et al. 2023). Nothing is said but
the seed: the network, its augmentation and how long it trains are Rounds' own choice. The threshold at which accuracy
is counted is the one of the highest Youden index (sensitivity + specificity - 1) on the set's validation images; test
images are scored once a seed. One JSON record a seed is printed, and appended to FILE.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from rounds.data.loading import load
from rounds.job.request import Request
from rounds.job.train import improve
from rounds.plan import parse_value

WANTED = {"auroc": 0.96, "accuracy": 0.88}
PUBLISHED = "ResNet-18 at 28 x 28 in a study of three seeds: AUC 0.950 +- 0.003, accuracy 0.831 +- 0.011"


def youden_threshold(observed: np.ndarray, predicted: np.ndarray) -> float:
    """The score from which on "yes" is said, between the two scores where sensitivity + specificity is highest."""
    order = np.argsort(-predicted)
    cases, controls = np.cumsum(observed[order]), np.cumsum(1 - observed[order])
    best = int(np.argmax(cases / cases[-1] - controls / controls[-1]))
    following = predicted[order[min(best + 1, len(order) - 1)]]
    return float(predicted[order[best]] + following) / 2


def run(source: Path, seed: int, changes: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        started, burnt = time.monotonic(), time.process_time()
        made = improve(load(source), {**changes, "seed": seed}, Request(out=Path(folder) / "run", rounds=0))
        seconds, processor = time.monotonic() - started, time.process_time() - burnt
        said = pl.read_parquet(made.folder / "predictions.parquet")
        plan = json.loads((made.folder / "plan.json").read_text(encoding="utf-8"))
    parts = {name: said.filter(pl.col("split") == name) for name in ("validation", "test")}
    (seen, scores), (observed, predicted) = (
        (part["observed"].to_numpy(), part["network"].to_numpy()) for part in (parts["validation"], parts["test"])
    )
    threshold = youden_threshold(seen, scores)
    return {
        "seed": seed,
        "auroc": float(roc_auc_score(observed, predicted)),
        "accuracy": float(((predicted > threshold) == (observed > 0.5)).mean()),
        "accuracy_at_half": float(((predicted > 0.5) == (observed > 0.5)).mean()),
        "validation_auroc": float(roc_auc_score(seen, scores)),
        "threshold": threshold,
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "members": plan["members"],
        "epochs": plan["epochs"],
        "parameters": plan["parameters"][0],
    }


def interval(values: list[float]) -> tuple[float, float]:
    """Mean over seeds and half the width of its 95 % interval (Student's t)."""
    half = student.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return statistics.mean(values), float(half)


def page(records: list[dict[str, Any]]) -> str:
    """The section of docs/results.md."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("jax", "keras", "numpy"))
    rows = []
    for name, wanted in WANTED.items():
        mean, half = interval([record[name] for record in records])
        rows.append(f"| test {name} | {mean:.3f} | {mean - half:.3f} to {mean + half:.3f} | {wanted} |")
    first = records[0]
    spent = sum(record["processor_seconds"] for record in records)
    waited = sum(record["seconds"] for record in records)
    return "\n".join(
        [
            "## Images: pneumonia on chest X-rays",
            "",
            f"`benchmarks/images.py`, {datetime.now(UTC):%Y-%m-%d}, {machine}, {packages}. pneumoniamnist "
            f"(28 x 28 pixels), its own division, {len(records)} seeds; networks a seed: {first['members']}, of "
            f"{first['parameters']:,} weights each, {first['epochs']} epochs. "
            "The threshold of the accuracy is that of the highest Youden index on validation "
            "images. The interval is of the mean over seeds (Student's t): it says nothing of other patients.",
            "",
            "| figure | mean | 95 % interval | wanted |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            f"All seeds together: {spent / 60:.1f} minutes of processor time, {waited / 60:.1f} minutes on the clock "
            f"of a machine that other work may have shared. Published: {PUBLISHED}. Augmentation was set before any "
            "test figure was seen. Passes and the number of networks were set by the validation AUC of three runs "
            "(one network, 8 passes: 0.982 and 0.994; two networks, 10 passes: 0.996), whose test figures were seen as "
            "well (AUC 0.940, 0.963, 0.971).",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--records", type=Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    if given.page:
        lines = given.records.read_text(encoding="utf-8").splitlines()
        print(page(sorted((json.loads(line) for line in lines), key=lambda record: record["seed"])))
        return
    changes = {name: parse_value(name, value) for name, value in (one.split("=", 1) for one in given.set)}
    for seed in map(int, given.seeds.split(",")):
        line = json.dumps(run(given.shared / "data" / "pneumoniamnist" / "pneumoniamnist.npz", seed, changes))
        print(line, flush=True)
        if given.records:
            with given.records.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


if __name__ == "__main__":
    main()
