"""What a column is taken for when nobody says: realistic columns, one a row."""

import datetime

import numpy as np
import polars as pl
import pytest

from rounds.data.roles.guess import examine_column, guess_role, may_name_patients
from rounds.data.roles.sentinels import proposed_missing

N = 400
RANDOM = np.random.default_rng(0)
DAYS = [datetime.date(2020, 1, 1) + datetime.timedelta(days=int(d)) for d in RANDOM.integers(0, 900, N)]
NOTES = ["Patient arrived with shortness of breath and fever, " + "stable " * int(k) for k in RANDOM.integers(1, 9, N)]


def pick(values: list, share: tuple[float, ...] | None = None) -> list:
    return [values[i] for i in RANDOM.choice(len(values), N, p=share)]


COLUMNS = [
    ("age", RANDOM.integers(18, 95, N), "numeric", "numbers, 77 different"),
    ("bmi", RANDOM.normal(27, 4, N), "numeric", "numbers, 400 different"),
    ("los", RANDOM.integers(1, 15, N).astype(float), "numeric", "numbers, 14 different"),
    ("creatinine", [None, *RANDOM.lognormal(0, 0.3, N - 1)], "numeric", "numbers, 399 different"),
    ("apache", list(range(N)), "identifier", "400 whole numbers, a different one in every row"),
    ("row_id", RANDOM.permutation(N), "identifier", "a different one in every row"),
    ("encounter", RANDOM.permutation(N) + 2_000_000, "identifier", "a different one in every row"),
    ("Unnamed: 0", RANDOM.permutation(2 * N)[:N] + 7, "identifier", "row numbers: 400 whole numbers"),
    ("S.No", RANDOM.permutation(N) + 1, "identifier", "row numbers: 400 whole numbers"),
    ("column_1", RANDOM.permutation(N), "identifier", "row numbers: 400 whole numbers"),
    ("platelets", RANDOM.permutation(N) + 100, "numeric", "numbers, 400 different"),
    ("mrn", RANDOM.integers(10_000, 90_000, N), "identifier", "named like a patient's number"),
    ("patient_nbr", RANDOM.integers(1, 150, N), "identifier", "named like a patient's number"),
    ("subject_id", RANDOM.integers(1, 150, N).astype(float), "identifier", "named like a patient's number"),
    ("patient", pick([0, 1]), "boolean", "0 or 1"),
    ("patient_type", pick(["in", "out"]), "categorical", "2 levels"),
    ("stay", [f"S{i:05d}" for i in range(N)], "identifier", "400 different texts in 400 rows"),
    ("icd9", pick(["250.83", "V57", "428", "E909", "008.45"]), "categorical", "5 levels"),
    ("icd9_few_letters", pick(["250.83", "V57", "428"], (0.5, 0.05, 0.45)), "categorical", "3 levels"),
    ("icd9_numbers", pick(["250.10", "428", "008.45"]), "categorical", "3 levels, zeros in front kept as written"),
    ("diagnosis", [f"I{k % 97}" for k in RANDOM.zipf(1.3, N)], "categorical", "levels"),
    ("crp", pick(["1.5", "2.5", "30", "<0.5"], (0.3, 0.3, 0.35, 0.05)), "categorical", "% of the cells are numbers"),
    ("ferritin", pick(["1.5", "30", "unknown"], (0.3, 0.3, 0.4)), "categorical", "% of the cells are numbers"),
    ("discharge_disposition_id", pick([1, 2, 3, 11]), "categorical", "4 whole numbers in a column named like a code"),
    ("drg_code", pick([1.0, 2.0, None]), "categorical", "2 whole numbers in a column named like a code"),
    ("sex", pick(["F", "M"]), "categorical", "2 levels"),
    ("smoker", pick(["yes", "no", None]), "boolean", "yes or no"),
    ("dialysis", pick(["Y", "N"]), "boolean", "y or n"),
    ("died", pick([0, 1]), "boolean", "0 or 1"),
    ("shock", pick([0.0, 1.0, None]), "boolean", "0 or 1"),
    ("ventilated", pick([True, False]), "boolean", "true or false"),
    ("admitted", DAYS, "date", "it becomes a feature only as days since a reference (--as COL=date:REFERENCE)"),
    ("note", NOTES, "text", "free text"),
    ("hospital", ["north"] * N, "constant", "the same value in every row"),
    ("height", [None] * N, "constant", "no value in any row"),
    ("weight", [None] * (N - 1) + [70.0], "constant", "the same value in every row"),
]


@pytest.mark.parametrize(("name", "values", "role", "reason"), COLUMNS, ids=[c[0] for c in COLUMNS])
def test_roles_of_realistic_columns(name, values, role, reason):
    guess = guess_role(pl.Series(name, list(values), strict=False))
    assert guess.role == role
    assert reason in guess.reason
    assert ("of the cells are numbers" in guess.reason) == (name in ("crp", "ferritin"))


REPEATING = [
    ("patient_nbr", RANDOM.integers(1, 150, N), True),
    ("patient_id", RANDOM.integers(1, 4, N), True),
    ("subject", [f"case {k}" for k in RANDOM.integers(1, 150, N)], True),
    ("Patient ID".replace(" ", "_"), RANDOM.integers(1, 150, N).astype(float), True),
    ("mrn", [None, *RANDOM.integers(1, 150, N - 1)], True),
    ("fallnr", [f"F{k:05d}" for k in RANDOM.integers(1, 300, N)], True),
    ("zip", [f"{k:05d}" for k in RANDOM.integers(1, 60, N)], False),
    ("age", RANDOM.integers(18, 95, N), False),
    ("glucose", RANDOM.integers(60, 400, N), False),
    ("patient", pick([0, 1]), False),
    ("patient_age", RANDOM.integers(18, 95, N), False),
    ("stay_id", np.arange(N), False),
    ("admission_id", RANDOM.integers(1, 300, N), True),
    ("diagnosis", [f"I{k % 97}" for k in RANDOM.zipf(1.3, N)], False),
    ("admitted", DAYS, False),
    ("weight", RANDOM.normal(70, 9, N).round(1), False),
    ("patient_score", RANDOM.normal(70, 9, N), False),
]


@pytest.mark.parametrize(("name", "values", "may"), REPEATING, ids=[c[0] for c in REPEATING])
def test_columns_that_may_name_patients(name, values, may):
    assert may_name_patients(pl.Series(name, list(values), strict=False)) is may


def test_ten_rows_say_nothing_about_identifiers():
    assert not may_name_patients(pl.Series("patient_id", [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]))


SENTINELS = [
    ("a code below", [*RANDOM.integers(40, 90, N), *[-9] * 20], ("-9",)),
    ("a code above", [*RANDOM.integers(40, 90, N), *[999] * 20], ("999",)),
    ("both", [*RANDOM.normal(5, 1, N), *[-9.0] * 9, *[99.0] * 9], ("-9", "99")),
    ("too rare", [*RANDOM.integers(40, 90, N), -9, 999], ()),
    ("base excess", RANDOM.normal(-1, 3, N).round(0), ()),
    ("difference around 0", [*RANDOM.normal(0, 5, N).round(1), *[-9.0] * 9], ()),
    ("scores to 9", RANDOM.integers(1, 10, N), ()),
    ("ages with 99", [*RANDOM.integers(18, 98, N), *[99] * 9], ()),
    ("blood pressure of 0", [*RANDOM.integers(90, 180, N), *[0] * 20], ("0",)),
    ("counts with 0", RANDOM.poisson(3, N), ()),
    ("few values", pick([1, 2, 3, -9]), ("-9",)),
    ("refused and not known", pick([1, 2, 3, 4, 5, 7, 9]), ("7", "9")),
    ("not known beside six answers", pick([1, 2, 3, 4, 5, 6, 9]), ("9",)),
    ("infinite values", [*RANDOM.normal(60, 9, N), *[float("inf")] * 20], ()),
]


@pytest.mark.parametrize(("name", "values", "codes"), SENTINELS, ids=[c[0] for c in SENTINELS])
def test_sentinels_are_proposed_and_real_values_are_not(name, values, codes):
    assert proposed_missing(pl.Series(name, list(values))) == codes
    assert examine_column(pl.Series(name, list(values), strict=False)).missing == ()


SAID_BY_NAME = ("id", "num_sejour", "accession", "childid")  # identifiers whose names say so
CODES = [
    ("icd_code", RANDOM.integers(100, 900, N), "categorical"),
    ("provider_id", RANDOM.integers(1, 150, N), "categorical"),
    ("ZIP", RANDOM.integers(10_000, 99_999, N), "categorical"),
    ("drg", RANDOM.integers(100, 999, N), "categorical"),
    ("race", RANDOM.integers(1, 6, N), "categorical"),
    ("discharge_disposition", RANDOM.integers(1, 29, N), "categorical"),
    ("where", RANDOM.integers(50_000, 50_100, N), "categorical"),  # by shape
    ("kassen_id", RANDOM.integers(1, 30, N), "categorical"),
    ("apache_dx", RANDOM.integers(1, 300, N), "categorical"),
    ("Fachabteilung", RANDOM.integers(100, 3700, N), "categorical"),
    ("código_hospital", RANDOM.integers(1, 50, N), "categorical"),
    ("sexe", RANDOM.integers(1, 3, N), "categorical"),
    ("num_sejour", RANDOM.permutation(9 * N)[:N], "identifier"),
    ("accession", RANDOM.permutation(9 * N)[:N], "identifier"),
    ("childid", RANDOM.integers(1, 300, N), "identifier"),
    ("Zeile", 3 * np.arange(N) // 2, "identifier"),
    ("n_procedures_icd", RANDOM.integers(1, 9, N), "numeric"),
    ("total_charges", 200_000 + RANDOM.permutation(9 * N)[:N], "numeric"),
    ("step_count", RANDOM.integers(10_000, 10_090, N), "numeric"),
    ("hadm_id", RANDOM.integers(20_000_000, 20_000_300, N), "identifier"),
    ("stay", 30_000_000 + RANDOM.permutation(9 * N)[:N], "identifier"),
    ("visit_no", RANDOM.integers(1, 300, N), "identifier"),
    ("id", RANDOM.integers(1, 300, N), "identifier"),
    ("column_1", RANDOM.permutation(9 * N)[:N], "identifier"),
    ("rank", RANDOM.permutation(N), "identifier"),  # 0 to N - 1: numbers the rows, whatever it is called
    ("platelets", 1000 * RANDOM.integers(100, 450, N), "numeric"),
    ("wbc", RANDOM.integers(4_000, 12_000, N), "numeric"),
    ("number_of_visits", RANDOM.integers(1, 9, N), "numeric"),
    ("year", RANDOM.integers(1990, 2024, N), "numeric"),
    ("admitted", 43_000 + RANDOM.integers(0, 900, N), "date"),  # a spreadsheet's days
    ("heart_rate", RANDOM.integers(50, 120, N), "numeric"),
]


@pytest.mark.parametrize(("name", "values", "role"), CODES, ids=[c[0] for c in CODES])
def test_numbers_that_are_names(name, values, role):
    column = examine_column(pl.Series(name, values))
    assert column.role == role, column.reason
    assert bool(column.said) == (role != "numeric" and name not in SAID_BY_NAME)


def test_missing_and_levels_are_counted():
    column = examine_column(pl.Series("sex", ["F", "M", None, "F"]))
    assert (column.levels, column.missing_share, column.as_written) == (2, 0.25, True)
    assert not examine_column(pl.Series("ward_code", [1, 2, 1])).as_written
