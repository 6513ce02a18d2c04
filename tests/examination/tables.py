"""Tables of patients with a planted fault, as the data room would hand them over."""

from dataclasses import fields
from typing import Any

import numpy as np
import polars as pl

from rounds.data.dataset import Cohort, Column, Dataset, Split
from rounds.data.splitting import split_dataset
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.finding import Seen
from rounds.examination.rule import Judged
from rounds.examination.rules import rules_of_data
from rounds.task import Kind, Task

ROWS = 1000
COHORT = tuple(field.name for field in fields(Cohort))


def table(rows: int = ROWS, kind: Kind = "regression", known: str = "admission", **others: Any) -> Dataset:
    """Patients with four numbers and a level; the outcome follows two of the numbers, with as much noise.

    columns: more input columns, name -> values; outcome: other outcomes; other fields as in Dataset or its Cohort.
    """
    random = np.random.default_rng(3)
    x = random.normal(size=(rows, 4))
    score = x[:, 0] - x[:, 1] + 1.4 * random.normal(size=rows)
    outcome = others.pop("outcome", score if kind == "regression" else (score > 0))
    inputs = {f"x{i}": x[:, i] for i in range(4)} | {"ward": random.choice(["a", "b", "c"], rows)}
    inputs |= others.pop("columns", {})
    frame = pl.DataFrame(inputs)
    roles = ["categorical" if frame[n].dtype == pl.String else "numeric" for n in frame.columns]
    columns = tuple(Column(name=n, role=r, known=known) for n, r in zip(frame.columns, roles, strict=True))  # type: ignore[arg-type]
    name = others.pop("target", "score" if kind == "regression" else "death")
    task = Task(kind=kind, targets=(name,), classes=("0", "1") if kind == "binary" else ())
    targets = np.asarray(outcome, np.float32)[:, None]
    owned = {"patients": np.arange(rows), **{n: others.pop(n) for n in COHORT if n in others}}
    fixed = {"columns": columns, "cohort": Cohort(**owned), **others}
    return Dataset(name="planted", task=task, inputs=frame, targets=targets, **fixed)


def halves(dataset: Dataset) -> Split:
    """A test fifth and five folds, at random by patient."""
    return split_dataset(dataset, nested=False)


def said(code: str, dataset: Dataset, split: Split | None = None) -> Judged:
    """What one data rule says."""
    rule = next(rule for rule in rules_of_data() if rule.code == code)
    return rule.judge(DataEvidence(dataset, split or halves(dataset)))


def seen(code: str, dataset: Dataset, split: Split | None = None) -> Seen:
    """What one data rule saw; fails where it saw nothing."""
    found = said(code, dataset, split)
    assert isinstance(found, Seen), f"{code}: {found}"
    return found
