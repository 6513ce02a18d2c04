"""Subgroups are cut where a reader expects it, hidden where they are small, and compared with a word on how often."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from rounds.errors import DataError
from rounds.statistics.subgroups import default_subgroups, group_labels, make_groups, subgroup_record
from rounds.task import Task

BINARY = Task(kind="binary", targets=("died",), classes=("no", "yes"))
DAYS = Task(kind="regression", targets=("los",), unit="days")


def cases(seed: int, rows: int = 600, spoilt: float = 0.0):
    """Outcomes, their true chances (with noise for men), and sex."""
    draw = np.random.default_rng(seed)
    x = draw.normal(0, 1.5, rows)
    y = (draw.random(rows) < 1 / (1 + np.exp(-x))).astype("f4")
    sex = draw.choice(["F", "M"], rows)
    said = x + np.where(sex == "M", draw.normal(0, 1, rows) * spoilt, 0)
    return y[:, None], 1 / (1 + np.exp(-said))[:, None], pl.Series("sex", sex)


def test_groups_have_scikit_learns_score() -> None:
    y, p, sex = cases(0)
    made = subgroup_record(BINARY, y, p, np.arange(600), {"sex": sex})
    women = made.columns["sex"][0]
    inside = (sex == "F").to_numpy()
    assert women.group == "F"
    assert women.rows == inside.sum()
    assert women.metrics["auroc"].value == pytest.approx(roc_auc_score(y[inside], p[inside]))
    assert women.bias["died"].value == pytest.approx(float((p - y)[inside].mean()))
    assert made.comparisons == 1
    expected = roc_auc_score(y[inside], p[inside]) - roc_auc_score(y[~inside], p[~inside])
    assert women.difference.value == pytest.approx(expected)


def test_a_worse_group_is_found_and_equal_ones_are_not() -> None:
    found = [
        subgroup_record(BINARY, *cases(s, 600, 4.0)[:2], np.arange(600), {"sex": cases(s, 600, 4.0)[2]})
        for s in (1, 2, 3)
    ]
    assert all(f.columns["sex"][0].difference.p_value < 0.01 for f in found)
    equal = []
    for seed in range(40):
        y, p, sex = cases(100 + seed, 300)
        other = pl.Series(np.random.default_rng(seed).choice(["a", "b", "c"], 300))
        made = subgroup_record(BINARY, y, p, np.arange(300), {"sex": sex, "ward": other})
        assert made.comparisons == 4
        groups = [g for column in made.columns.values() for g in column if g.difference is not None]
        equal.append(min(g.difference.p_value for g in groups) < 0.05)
    assert np.mean(equal) <= 0.15, "5 % over all comparisons, three standard errors of 40 repetitions"


def few_cases(seed: int, cases: int, controls: int, rows: int = 1) -> float | None:
    """p-value between a group of so many patients and one of 240, scored alike; None where it is not said."""
    draw = np.random.default_rng(seed)
    happened = np.repeat([1.0, 0.0, 1.0, 0.0], [cases, controls, 40, 200])
    group = np.repeat(["small", "large"], [cases + controls, 240])
    score = draw.normal(size=len(group)) + 1.2 * happened
    y, p, sex = (values.repeat(rows) for values in (happened, 1 / (1 + np.exp(-score)), group))
    patients = np.repeat(np.arange(len(group)), rows)
    made = subgroup_record(BINARY, y[:, None], p[:, None], patients, {"group": pl.Series(sex)})
    found = [g.difference.p_value for g in made.columns["group"] if g.difference is not None]
    return found[0] if found else None


@pytest.mark.parametrize(("cases", "controls", "rows"), [(5, 10, 1), (6, 40, 1), (10, 30, 4)])
def test_groups_with_few_cases_differ_by_no_more_than_chance(cases: int, controls: int, rows: int) -> None:
    found = [few_cases(seed, cases, controls, rows) for seed in range(150)]
    assert None not in found
    assert np.mean([p < 0.05 for p in found if p is not None]) <= 0.09  # 5 %; above 0.09 of 150 has a chance of 1 %


def test_one_case_says_nothing_of_a_group() -> None:
    assert {few_cases(seed, 1, 14) for seed in range(10)} == {None}


def test_few_patients_are_hidden_even_with_many_rows() -> None:
    y = np.random.default_rng(3).normal(5, 1, (400, 1))
    ward = np.array(["A"] * 300 + ["B"] * 90 + ["C"] * 10)
    patients = np.concatenate([np.arange(300), np.arange(300, 390), np.full(10, 999)])
    made = subgroup_record(DAYS, y, y + 1, patients, {"ward": pl.Series(ward)}).columns["ward"]
    assert [g.suppressed for g in made] == [False, False, True]
    assert [(g.rows, g.rounded) for g in made[:2]] == [(300, False), (90, True)], "in tens, or C follows"
    assert made[2].content() == {"group": "fewer than 10 patients", "suppressed": True}, "nor is it named"


def test_ages_make_bands_and_other_numbers_thirds() -> None:
    ages = group_labels(pl.Series("Age", [*range(0, 100, 5), None]))
    assert ages.unique().sort().to_list() == ["0 to 17", "18 to 39", "40 to 64", "65 to 79", "80 and over", "missing"]
    scaled = group_labels(pl.Series("age", np.linspace(-0.1, 0.1, 50)))
    assert scaled.unique(maintain_order=True).to_list() == ["below -0.03333", "-0.03333 to 0.03333", "0.03333 and over"]
    assert group_labels(pl.Series("stage", [1, 2, 3] * 20)).unique().sort().to_list() == ["1", "2", "3"]


def test_bands_stand_in_order() -> None:
    y = np.random.default_rng(4).normal(5, 1, (500, 1))
    ages = pl.Series("age", np.random.default_rng(5).integers(0, 100, 500))
    made = subgroup_record(DAYS, y, y + 1, np.arange(500), make_groups(ages.to_frame()))
    names = [g.group for g in made.columns["age"]]
    assert names == ["0 to 17", "18 to 39", "40 to 64", "65 to 79", "80 and over"]
    thirds = make_groups(pl.DataFrame({"bmi": np.linspace(15, 40, 500)}), ["bmi"])
    named = [g.group for g in subgroup_record(DAYS, y, y + 1, np.arange(500), thirds).columns["bmi"]]
    assert named == ["below 23.33", "23.33 to 31.67", "31.67 and over"]


def test_asked_columns_are_checked() -> None:
    table = pl.DataFrame({"sex": ["F", "M"], "ward": ["A", "B"]})
    assert default_subgroups(["id", "GENDER", "Alter"]) == ["GENDER", "Alter"]
    assert list(make_groups(table)) == ["sex"]
    assert list(make_groups(table, ["ward"])) == ["ward"]
    with pytest.raises(
        DataError, match=r"Subgroup must be a column of the table, got subgroup='wart'\. Did you mean ward"
    ):
        make_groups(table, ["wart"])
    with pytest.raises(DataError, match="Levels of a subgroup must be at most 20"):
        group_labels(pl.Series("code", [f"c{i}" for i in range(30)]))


def test_one_class_in_a_group_leaves_its_difference_out() -> None:
    y, p, sex = cases(6, 200)
    y[(sex == "F").to_numpy()] = 0
    made = subgroup_record(BINARY, y, p, np.arange(200), {"sex": sex})
    assert made.comparisons == 0
    assert "auroc" not in made.columns["sex"][0].metrics
