"""Rounds on tables without figures of peers: what the whole job reaches, and whether it says so honestly.

    python -m benchmarks.own_tables SHARED [--tables diabetes,breast_cancer,medpar_los,tcga,d130_readmit] [--rounds 0]
                                    [--records FILE] [--page]

SHARED is a folder with `data/`. Each table is handed over as a user would, with nothing said but the target, the
patient column, and what its description says of single columns; Rounds makes its own split. One JSON record a table is
printed as it comes (and added to FILE), and at the end a Markdown table; --page makes it from FILE alone.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from benchmarks.machine import Record, about, better_by, keep, kept, told
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.loading import load
from rounds.job.request import Request
from rounds.job.train import improve
from rounds.metrics import main_metric

# Every 116th of the complete genes that the description of the table lists as targets.
GENES = (
    "A2M",
    "ANKRA2",
    "BCL2L14",
    "CD82",
    "CS",
    "DOK3",
    "EXOC2",
    "GIPC1",
    "HGS",
    "IREB2",
    "LMNB1",
    "MMP9",
    "NOTCH3",
    "PFDN5",
    "PPP5C",
    "RABGGTA",
    "RRAS2",
    "SMO",
    "TAP1",
    "TTF2",
)
CODES = ("admission_type_id", "discharge_disposition_id", "admission_source_id")


def medpar(data: Path) -> Dataset:
    """Length of stay; death is an outcome, type1 to type3 repeat type."""
    drop = ("died", "type1", "type2", "type3")
    return load(data / "medpar_los" / "medpar.csv", Choices(targets=("los",), group="provnum", drop=drop))


def tcga(data: Path) -> Dataset:
    """Twenty genes from the landmark genes, beside cohort and tissue."""
    folder = data / "tcga_landmark_expression"
    landmarks = pl.read_csv(folder / "genes.csv").filter(pl.col("landmark"))["symbol"].to_list()
    frame = pl.read_parquet(folder / "expression.parquet", columns=["patient", "cohort", "tissue", *landmarks, *GENES])
    return load(frame, Choices(targets=GENES, group="patient"))


def readmitted(data: Path) -> Dataset:
    """Readmission within thirty days, all columns; three numbers are codes."""
    choices = Choices(
        targets=("readmitted",),
        positive="<30",
        group="patient_nbr",
        drop=("encounter_id",),
        as_roles=dict.fromkeys(CODES, "categorical"),
    )
    return load(data / "diabetes130" / "diabetic_data.parquet", choices)


TABLES: dict[str, Callable[[Path], Dataset]] = {
    "diabetes": lambda data: load("diabetes"),
    "breast_cancer": lambda data: load("breast_cancer"),
    "medpar_los": medpar,
    "tcga": tcga,
    "d130_readmit": readmitted,
}


def run(name: str, data: Path, rounds: int) -> Record:
    dataset = TABLES[name](data)
    metric = main_metric(dataset.task)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        made = improve(dataset, {}, Request(out=Path(folder) / "run", rounds=rounds)).record
        verdict = json.loads((Path(folder) / "run" / "findings.json").read_text(encoding="utf-8"))["verdict"]
    return {
        "table": name,
        "rows": dataset.rows,
        "metric": metric,
        "judged": made["test_kind"],
        "test": made["test"][metric],
        "seconds": round(time.monotonic() - started, 1),
        "baselines": {n: scores[metric]["value"] for n, scores in made["baselines"].items() if metric in scores},
        "difference": made["difference"],
        "worth_it": verdict["worth_it"]["answer"],
        "rounds_of_advice": rounds,
        "about": about("jax", "keras", "scikit-learn", "polars"),
    }


def markdown(records: list[Record]) -> str:
    header = ("table", "rows", "metric", "judged on", "Rounds (95 % interval)", "constant", "linear", "trees")
    lines = ["| " + " | ".join((*header, "better by", "worth it", "seconds")) + " |", "|---" * (len(header) + 3) + "|"]
    for one in records:
        value = "{value:.4g} ({low:.4g} to {high:.4g})".format(**one["test"])
        others = [
            f"{one['baselines'][n]:.4g}" if n in one["baselines"] else "" for n in ("constant", "linear", "trees")
        ]
        cells = (one["table"], f"{one['rows']:,}", one["metric"], one["judged"], value, *others, better_by(one))
        lines.append("| " + " | ".join((*cells, one["worth_it"], f"{one['seconds']:.0f}")) + " |")
    return "\n".join([*lines, "", told(records[-1]["about"])])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("shared", type=Path)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--page", action="store_true")
    words = parser.parse_args()
    made = kept(words.records)
    for name in () if words.page else words.tables.split(","):
        made.append(run(name, words.shared / "data", words.rounds))
        keep(words.records, made[-1])
    print(markdown(made))


if __name__ == "__main__":
    main()
