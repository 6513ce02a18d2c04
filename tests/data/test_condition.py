"""Conditions on rows (--where): what is evaluated, and what is not even tried."""

import polars as pl
import pytest

from rounds.data.cohort.condition import kept_rows, rows_meeting
from rounds.errors import DataError

PATIENTS = pl.DataFrame({"age": [17, 40, None], "sex": ["F", "M", "F"], "day": ["2020-01-01", "2021-01-01", None]})


@pytest.mark.parametrize(
    ("where", "held"),
    [
        ("age >= 18", [False, True, None]),
        ("age >= 18 OR sex = 'F'", [True, True, True]),
        ("age BETWEEN 1 AND 20", [True, False, None]),
        ("sex IN ('M', 'X') AND age IS NOT NULL", [False, True, False]),
        ("LOWER(sex) = 'f'", [True, False, True]),
        ("sex LIKE 'F%'", [True, False, True]),
        ("CASE WHEN age > 20 THEN TRUE ELSE FALSE END", [False, True, False]),
        ("COALESCE(age, 0) = 0", [False, False, True]),
        ("day >= '2020-06-01'", [False, True, None]),
        ("sex = 'SELECT; -- LPAD(x)'", [False, False, False]),
    ],
)
def test_conditions_hold_or_not(where: str, held: list[bool | None]) -> None:
    assert rows_meeting(PATIENTS, where).to_list() == held


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("LPAD(sex, 1e10, 'x') = 'a'", "lpad is no function that a condition may call"),
        ("repeat(sex, 10) = 'a'", "repeat is no function"),
        ("CAST(age AS DECIMAL(99, 99)) > 1", "decimal is no function"),
        ("age > (SELECT 1)", "SELECT is not allowed"),
        ("age > 1; DROP TABLE x", "; is not allowed"),
        ("age > " + "1+" * 400 + "1", "401 operators, at most 300 are read"),
        ("age > 1 " * 2000, "letters, at most 10,000 are read"),
        ("CAST(sex AS INT) > 1", "conversion from"),
        ("sex ~ '((a{100}){100}){100}'", "regex"),
        ("weight > 1", "weight is not there. Known names: age, sex, day"),
        ("agge > 1", "agge is not there. Did you mean age?"),
        ("age", "it gives Int64, not yes or no"),
        ("TRUE", "it says the same of every row"),
        ("age >", "unable to parse"),
    ],
)
def test_conditions_that_cannot_be_evaluated_are_said(where: str, why: str) -> None:
    with pytest.raises(DataError, match=r"^Where must be a condition on columns, got where=") as refused:
        rows_meeting(PATIENTS, where)
    assert why in str(refused.value)


def test_a_condition_that_no_row_meets_is_refused() -> None:
    assert kept_rows(PATIENTS, None).height == 3
    with pytest.raises(DataError, match="Where must be true of some rows, got where='age > 99'"):
        kept_rows(PATIENTS, "age > 99")
