"""A new rule is one function and one record: two files of `toy/`, laid beside the others, and nothing else is told."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rounds.data.choices import Choices
from rounds.data.loading import load
from rounds.errors import DataError
from rounds.examination import data_rules, training_rules
from rounds.examination.page import findings_page
from rounds.examination.rules import rules_of_data, rules_of_training
from rounds.examination.while_training.early import SeenEarly
from rounds.job.request import Request
from rounds.job.stages import Event, stages
from rounds.report.page import write_report
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.read import read_record

TOY = Path(__file__).parent / "toy"


@pytest.fixture(scope="module", autouse=True)
def _toy_rules() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for package in (data_rules, training_rules):
            patch.setattr(package, "__path__", [*package.__path__, str(TOY / package.__name__.rpartition(".")[2])])
        _forget()
        yield
    _forget()


def _forget() -> None:
    for rules in (rules_of_data, rules_of_training):
        rules.cache_clear()
    for name in [n for n in sys.modules if n.endswith((".unit_changed", ".rate_of_one"))]:
        del sys.modules[name]


def write_patients(path: Path) -> Path:
    """A table of glucose in mmol/l at one site and in mg/dl at the other."""
    random = np.random.default_rng(0)
    site = random.choice(["north", "south"], 200)
    x = random.normal(size=200)
    glucose = 6 + x + random.normal(size=200)
    in_units = np.where(site == "north", glucose, 18 * glucose)
    pl.DataFrame({"site": site, "x": x, "glucose": in_units}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_patients(tmp_path_factory.mktemp("toy") / "patients.csv")


def train(table: Path, out: Path, *words: str) -> list[Event]:
    """What is said while a small network trains at a learning rate of 1."""
    changes = {"epochs": 10, "learning_rate": 1.0, "hidden": (4,), "number_embedding": "none"}
    request = Request(rounds=0, members=1, out=out, allow=words, changes=changes)
    return list(stages(load(table, Choices(targets=("glucose",), group="none")), request))


@pytest.fixture(scope="module")
def events(table: Path) -> list[Event]:
    return train(table, table.parent / "run", "unit-changed")


@pytest.fixture(scope="module")
def run(table: Path, events: list[Event]) -> Path:
    return table.parent / "run"


def test_its_error_stops_training_and_names_what_allows_it(table: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--allow unit-changed"):
        train(table, tmp_path / "run")
    assert read_record(tmp_path / "run", "findings.json")["findings"][0]["code"] == "unit-changed"


def test_it_is_said_while_networks_train(events: list[Event]) -> None:
    early = [event.finding.code for event in events if isinstance(event, SeenEarly)]
    assert "rate-of-one" in early


def test_it_is_in_findings_json(run: Path) -> None:
    found = {f["code"]: f for f in read_record(run, "findings.json")["findings"]}
    assert found["unit-changed"]["thresholds"][0]["name"] == "another unit"
    assert found["rate-of-one"]["members"]


def test_it_is_in_the_report_with_its_check_line_and_its_figure(run: Path) -> None:
    page = write_report(run).read_text(encoding="utf-8")
    assert "The target&#39;s unit changed between sites" in page
    assert 'aria-label="The target&#39;s unit changed between sites, where it was seen"' in page
    assert 'aria-label="The learning rate is at least 1, where it was seen"' in page


def test_its_check_line_is_there_where_nothing_was_found(run: Path) -> None:
    from rounds.report.tables.checks import data_checks

    said = FindingsFile.read(run).model_copy(update={"findings": ()})
    assert "One unit at all sites" in [check.name for check in data_checks(said)["passed"]]


def test_it_is_in_the_documentation() -> None:
    page = findings_page()
    assert "## `unit-changed`: the target's unit changed between sites" in page
    assert "## `rate-of-one`" in page
