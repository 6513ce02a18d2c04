"""The page of public sets is the script's, and the script says what is planted."""

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import found_in_the_wild as wild


def planted(folder: Path) -> Path:
    """A shared folder with one set, whose outcome stands in another column as well."""
    random = np.random.default_rng(0)
    outcome = random.integers(0, 2, 400)
    table = pl.DataFrame({"age": random.normal(60, 9, 400), "glucose": outcome * 10 + 90, "outcome": outcome})
    (folder / "pima_diabetes").mkdir()
    table.write_csv(folder / "pima_diabetes" / "pima_diabetes.csv")
    return folder


def test_a_planted_leak_is_found_and_stands_on_the_page(tmp_path: Path) -> None:
    (one,) = wild.shared_sets(planted(tmp_path))
    said = wild.examine(one)
    assert (said.rows, said.patients) == (400, 400)
    assert "target-leak" in [finding.code for finding in said.findings]
    page = wild.page_of([said])
    assert "[pima_diabetes](#pima_diabetes)" in page
    assert "`target-leak`, error" in page


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (one,) = wild.shared_sets(planted(tmp_path))
    pl.DataFrame({"outcome": [1, 0]}).write_csv(tmp_path / "pima_diabetes" / "pima_diabetes.csv")
    assert "Not read: " in wild.page_of([wild.examine(one)])


def test_every_set_of_scikit_learn_stands_on_the_page() -> None:
    page = wild.PAGE.read_text(encoding="utf-8")
    for one in wild.scikit_learn_sets():
        assert f"[{one.name}](#{one.name})" in page
