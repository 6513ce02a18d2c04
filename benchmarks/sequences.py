"""Recordings: intensive-care stays and heartbeats beside gradient boosting on features by hand.

    python -m benchmarks.sequences SHARED --records FILE [--parts death,scored,stay,beats] [--divisions 0,1,2,3,4]
    python -m benchmarks.sequences SHARED --records FILE --summary

SHARED is a folder with `data/physionet2012_a` and `data/ecg5000_binary`. Every finished piece is a line of FILE, so
that pieces can run on their own; `--summary` prints Markdown from it. Stays: five divisions by stay, alike in outcome;
four fifths are handed to Rounds, with their measurements, as DATA and --sequences, the others as --test and
--test-sequences.
The floor of the same division is what the data's README names: scikit-learn's histogram gradient boosting, learning
rate 0.05, on mean, min, max, last and count of every variable and the static columns; for days with absolute error as
its loss, which Rounds is given too. SAPS-I, SOFA and Survival are not used; but part `scored` is death with both
severity scores among the static columns and divided without regard to the outcome, which comes nearest to the floor's
0.859 in the README (it does not name its folds).
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

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold

TARGETS = {"death": "In-hospital_death", "scored": "In-hospital_death", "stay": "Length_of_stay"}
SHOWN = {"scored": "In-hospital_death, severity scores known"}
SEVERITY, OUTCOMES = ("SAPS-I", "SOFA"), {*TARGETS.values(), "Survival"}
FLOOR_STATISTICS = ("mean", "min", "max", "last", "count")
DIVISIONS, RESAMPLES, BINS = 5, 2000, 10


def divide(stays: pl.DataFrame, part: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """(rows handed over, rows that judge) of each division."""
    y = stays[TARGETS[part]].to_numpy()
    if part == "scored":
        return list(KFold(DIVISIONS, shuffle=True, random_state=0).split(y))
    strata = y if part == "death" else np.digitize(y, np.quantile(y, np.linspace(0, 1, BINS + 1)[1:-1]))
    return list(StratifiedKFold(DIVISIONS, shuffle=True, random_state=0).split(strata, strata))


def run_stays(shared: Path, part: str, division: int) -> dict[str, Any]:
    from rounds.data.choices import Choices
    from rounds.data.loading import load
    from rounds.job.request import Request
    from rounds.job.train import improve

    folder = shared / "data" / "physionet2012_a"
    measured = pl.read_parquet(folder / "measurements.parquet")
    unused = (OUTCOMES - {TARGETS[part]}) | (set() if part == "scored" else set(SEVERITY))
    stays = pl.read_csv(folder / "stays.csv").drop(unused)
    stays = stays.filter(pl.col(TARGETS[part]) >= 0)
    learned, judged = divide(stays, part)[division]
    started = time.monotonic()
    choices = Choices(targets=(TARGETS[part],), key="RecordID", sequences=measured, test_sequences=measured)
    dataset = load(stays[learned], choices, test=stays[judged])
    with tempfile.TemporaryDirectory() as place:
        changes = {"loss": "mae"} if part == "stay" else {}
        result = improve(dataset, changes, Request(out=Path(place) / "run", rounds=0))
        said = pl.read_parquet(result.folder / "predictions.parquet").filter(pl.col("split") == "test").sort("row")
    seconds = time.monotonic() - started
    floor = floor_predictions(dataset, part)
    return {
        "part": part,
        "division": division,
        "seconds": round(seconds, 1),
        "rows": len(learned),
        "observed": said["observed"].to_list(),
        "network": said["network"].to_list(),
        "trees": said["trees"].to_list(),
        "floor": floor[dataset.cohort.given_test].tolist(),
        "members": result.record["members"],
    }


def floor_predictions(dataset: Any, part: str) -> np.ndarray:
    """[N] of the boosted floor, fitted on the rows handed over."""
    static = [c.name for c in dataset.features if not c.engineered]
    wanted = [c.name for c in dataset.features if c.engineered and c.name.rsplit(" ", 1)[1] in FLOOR_STATISTICS]
    x = dataset.inputs.select(*static, *wanted).to_numpy()
    y, test = dataset.targets[:, 0], dataset.cohort.given_test
    if part != "stay":
        model = HistGradientBoostingClassifier(learning_rate=0.05, random_state=0).fit(x[~test], y[~test])
        return np.asarray(model.predict_proba(x)[:, 1])
    model = HistGradientBoostingRegressor(learning_rate=0.05, random_state=0, loss="absolute_error")
    return np.asarray(model.fit(x[~test], y[~test]).predict(x))


def run_beats(shared: Path) -> dict[str, Any]:
    from rounds.data.loading import load
    from rounds.job.request import Request
    from rounds.job.train import improve

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        request = Request(out=Path(place) / "run", rounds=0)
        result = improve(load(shared / "data" / "ecg5000_binary" / "ecg5000.npz"), {}, request)
        said = pl.read_parquet(result.folder / "predictions.parquet").filter(pl.col("split") == "test")
    return {
        "part": "beats",
        "seconds": round(time.monotonic() - started, 1),
        "observed": said["observed"].to_list(),
        "network": said["network"].to_list(),
        "linear": said["linear"].to_list(),
        "trees": said["trees"].to_list(),
        "members": result.record["members"],
    }


def score(part: str, observed: np.ndarray, predicted: np.ndarray) -> float:
    if part in ("death", "scored"):
        return float(roc_auc_score(observed, predicted))
    if part == "beats":
        return float(accuracy_score(observed, predicted > 0.5))
    return float(mean_absolute_error(observed, predicted))


def stays_row(part: str, records: list[dict[str, Any]]) -> str:
    """Mean over divisions, and the mean difference with its 95 % interval: stays resampled within divisions."""
    names = ("network", "trees", "floor")
    arrays = [{n: np.array(r[n]) for n in ("observed", *names)} for r in records]
    means = [statistics.mean(score(part, a["observed"], a[n]) for a in arrays) for n in names]
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        rows = [random.integers(0, len(a["observed"]), len(a["observed"])) for a in arrays]
        pairs = [(a["observed"][r], a["network"][r], a["floor"][r]) for a, r in zip(arrays, rows, strict=True)]
        drawn.append(statistics.mean(score(part, o, n) - score(part, o, f) for o, n, f in pairs))
    low, high = np.quantile(drawn, (0.025, 0.975))
    metric = "mean absolute error, days" if part == "stay" else "AUROC"
    shown = " | ".join(f"{m:.4f}" for m in means)
    gain, seconds = means[0] - means[2], max(r["seconds"] for r in records)
    difference = f"{gain:+.4f} ({low:+.4f} to {high:+.4f})"
    return f"| {SHOWN.get(part, TARGETS[part])} | {metric} | {len(records)} | {shown} | {difference} | {seconds:.0f} |"


def summary(records: list[dict[str, Any]]) -> str:
    lines = [
        "| outcome | metric | divisions | Rounds | its own trees | floor | Rounds less floor | seconds |",
        "|---" * 8 + "|",
    ]
    for part in TARGETS:
        own = [r for r in records if r["part"] == part]
        lines += [stays_row(part, own)] if own else []
    for r in (r for r in records if r["part"] == "beats"):
        shown = {n: score("beats", np.array(r["observed"]), np.array(r[n])) for n in ("network", "linear", "trees")}
        right = np.random.default_rng(0).binomial(len(r["observed"]), shown["network"], RESAMPLES) / len(r["observed"])
        low, high = np.quantile(right, (0.025, 0.975))
        lines += [
            "",
            f"Heartbeats, accuracy on {len(r['observed']):,} test beats of one patient: Rounds "
            f"{shown['network']:.4f} ({low:.4f} to {high:.4f}), linear {shown['linear']:.4f}, trees "
            f"{shown['trees']:.4f}; {r['seconds']:.0f} s.",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shared", type=Path)
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--parts", default="death,scored,stay,beats")
    parser.add_argument("--divisions", default="0,1,2,3,4")
    parser.add_argument("--summary", action="store_true")
    words = parser.parse_args()
    for part in () if words.summary else words.parts.split(","):
        divisions = map(int, words.divisions.split(",")) if part in TARGETS else (0,)
        for division in divisions:
            made = {"beats": lambda: run_beats(words.shared)}.get(
                part, lambda part=part, division=division: run_stays(words.shared, part, division)
            )()
            with words.records.open("a", encoding="utf-8") as file:
                file.write(json.dumps(made) + "\n")
    packages = ("rounds", "jax", "keras", "scikit-learn", "polars")
    about = {name: version(name) for name in packages} | {"python": platform.python_version()}
    print(summary([json.loads(line) for line in words.records.read_text(encoding="utf-8").splitlines()]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(json.dumps({"date": datetime.now(UTC).date().isoformat(), "cores": cores, "versions": about}))


if __name__ == "__main__":
    main()
