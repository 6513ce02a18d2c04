"""A column that names people is said; with codes in its place, nothing is."""

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.data.splitting import split_dataset
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.data_rules.people import NAMES_OF_PEOPLE
from rounds.examination.finding import Seen
from rounds.examination.rule import Judged

ROWS = 240
DOCTORS = ["Dr. Anna Meier", "Karl Wolf", "Ines Braun", "Bernd Koch"]


def said(column: str, values: list[str], **choices: object) -> Judged:
    random = np.random.default_rng(0)
    table = pl.DataFrame({"age": random.normal(60, 9, ROWS), column: values, "y": random.normal(size=ROWS)})
    dataset = load(table, Choices(targets=("y",), group="none", **choices))  # type: ignore[arg-type]
    return NAMES_OF_PEOPLE.ask(DataEvidence(dataset, split_dataset(dataset)))


def test_names_that_networks_read_are_a_warning() -> None:
    seen = said("seen_by", [DOCTORS[i % 4] for i in range(ROWS)])
    assert isinstance(seen, Seen)
    assert (seen.severity, seen.evidence) == ("warning", {"columns": ["seen_by"], "kinds": ["names"]})
    assert "seen_by (names)" in seen.explanation
    assert "Meier" not in seen.explanation


def test_what_only_passes_through_is_a_note() -> None:
    seen = said("email", [f"patient{i}@example.org" for i in range(ROWS)])
    assert isinstance(seen, Seen)
    assert seen.severity == "note"


@pytest.mark.parametrize("values", [["A", "B", "C", "D"], ["Heart Failure", "Sepsis", "Stroke", "Type 2 Diabetes"]])
def test_codes_and_diagnoses_name_nobody(values: list[str]) -> None:
    assert said("seen_by", [values[i % 4] for i in range(ROWS)]) is None
