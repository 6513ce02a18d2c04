"""How often data rules raise an alarm on tables in which nothing is wrong, at 1, 4 and 20 rows a patient.

    python -m benchmarks.null_tables [--tables 200] [--first 0] [--records FILE] [--page]

Every table is drawn anew: patients of both sexes and all ages, numbers of theirs that hardly change from row to row,
numbers that do, a ward, values that are missing for some of them; an outcome that is a coin or a number of each
patient or of each row and follows two of the columns a little. One patient in a hundred died, which is no input. The
split is Rounds's own, by patient. A rule that says `warning` or `error` of such a table is wrong, and one that notes
deaths among its stays, which are too few to shorten them. --page prints the Markdown table of FILE.
"""

import argparse
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from benchmarks.machine import keep, kept
from rounds.data.dataset import Cohort, Column, Dataset, Provenance, Role
from rounds.data.splitting import split_dataset
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.examine_data import examine_data
from rounds.examination.rules import rules_of_data
from rounds.task import Kind, Task

ROWS = (1, 4, 20)  # of each patient
PATIENTS = (35, 100, 300)
KINDS: tuple[Kind, ...] = ("binary", "regression", "multiclass")
ALWAYS = ("class-imbalance",)  # says how many cases there are, which is no claim about a difference
NOTES = ("competing-event",)  # says no more than a note
DEATHS = 100  # one patient of so many died
MOST_ROWS = 6_000


def null_table(seed: int, rows: int, patients: int, kind: Kind, of: Literal["patient", "row"]) -> Dataset:
    """A table of patients without a fault. of: what an outcome belongs to; rows: of each patient.

    >>> null_table(0, 4, 35, "binary", "patient").rows
    140
    """
    random = np.random.default_rng([seed, rows, patients])
    owner = np.repeat(np.arange(patients), rows)
    own, each = random.normal(size=(patients, 6))[owner], random.normal(size=(len(owner), 6))
    inputs = {
        "age": np.round(60 + 15 * own[:, 0]),
        "sex": np.where(own[:, 1] > 0, "f", "m"),
        "height": 170 + 10 * np.random.default_rng(seed).normal(size=patients)[owner],
        "weight": 75 + 12 * own[:, 2] + each[:, 2],
        "lactate": np.where(random.random(len(owner)) < 0.3, np.nan, np.exp(0.5 * own[:, 3] + 0.5 * each[:, 3])),
        "troponin": np.where((random.random(patients) < 0.4)[owner], np.nan, np.exp(each[:, 4])),
        "ward": random.choice(["a", "b", "c", "d"], len(owner)),
        "stays_before": np.floor(np.abs(own[:, 5]) * 2),
    }
    score = 0.4 * own[:, 0] + 0.3 * own[:, 3] + (own[:, 4] if of == "patient" else each[:, 0] + 0.5 * own[:, 4])
    frame = pl.DataFrame(inputs).with_columns(pl.col(pl.Float64).fill_nan(None))
    roles: dict[str, Role] = dict.fromkeys(frame.columns, "numeric") | {"sex": "categorical", "ward": "categorical"}
    columns = tuple(Column(name=name, role=role, known="admission") for name, role in roles.items())
    task, targets = _outcome(kind, score)
    begins = [datetime(2020, 1, 1) + timedelta(days=float(day)) for day in random.uniform(0, 2_000, len(owner))]
    died = owner % DEATHS == DEATHS - 1
    return Dataset(
        name="null",
        task=task,
        inputs=frame,
        columns=columns,
        targets=targets,
        provenance=Provenance(rows_read=len(owner), unused=pl.DataFrame({"admitted": begins, "died": died})),
        cohort=Cohort(patients=owner, group="patient", identifiers=pl.DataFrame({"patient": owner})),
    )


def _outcome(kind: Kind, score: np.ndarray) -> tuple[Task, np.ndarray]:
    if kind == "regression":
        return Task(kind=kind, targets=("length_of_stay",), unit="days"), np.exp(1 + score)[:, None].astype(np.float32)
    if kind == "binary":
        return Task(kind=kind, targets=("death",), classes=("no", "yes")), (score > 0.7)[:, None].astype(np.float32)
    stages = np.digitize(score, (-0.6, 0.6))[:, None].astype(np.int32)
    return Task(kind=kind, targets=("stage",), classes=("1", "2", "3")), stages


def alarms(dataset: Dataset, split_seed: int) -> tuple[list[str], list[str]]:
    """(codes of the rules that say warning or error, codes of those that could not judge) on Rounds's own split."""
    found, absent = examine_data(DataEvidence(dataset, split_dataset(dataset, split_seed=split_seed, nested=False)))
    wrong = [f.code for f in found if (f.alarms or f.code in NOTES) and f.code not in ALWAYS]
    return wrong, [code for code, _ in absent]


def record(seed: int, rows: int) -> dict[str, Any]:
    """What the rules say of one table; sizes, kinds and what the outcome belongs to go round with the seed."""
    patients = min(PATIENTS[seed % 3], MOST_ROWS // rows)
    kind, of = KINDS[seed // 3 % 3], ("patient", "row")[seed // 9 % 2]
    dataset = null_table(seed, rows, patients, kind, of)  # type: ignore[arg-type]
    said, absent = alarms(dataset, seed)
    return {"seed": seed, "rows": rows, "patients": patients, "kind": kind, "of": of, "alarms": said, "absent": absent}


def page(records: list[dict[str, Any]]) -> str:
    """False alarms of each rule by rows a patient, as shares of the tables that it judged."""
    lines = ["| rule | " + " | ".join(f"{rows} a patient" for rows in ROWS) + " |", "| --- |" + " --- |" * len(ROWS)]
    for rule in rules_of_data():
        if rule.code not in ALWAYS:
            lines.append(f"| `{rule.code}` | " + " | ".join(_rate(records, rule.code, rows) for rows in ROWS) + " |")
    return "\n".join(lines)


def _rate(records: list[dict[str, Any]], code: str, rows: int) -> str:
    judged = [r for r in records if r["rows"] == rows and code not in r["absent"]]
    wrong = sum(code in r["alarms"] for r in judged)
    return f"{wrong} of {len(judged)}" if judged else "not judged"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--records", type=Path)
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if asked.page:
        print(page(kept(asked.records)))
        return
    made = []
    for rows in ROWS:
        for seed in range(asked.first, asked.first + asked.tables):
            made.append(record(seed, rows))
            keep(asked.records, made[-1])
    print(page(made))


if __name__ == "__main__":
    main()
