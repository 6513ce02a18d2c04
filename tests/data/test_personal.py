"""Columns that name people are told by their shape and name, and clinical words are none."""

from datetime import date

import polars as pl
import pytest

from rounds.data.roles.personal import personal_kind

PEOPLE = [
    ("seen_by", ["Anna Meier", "Karl Wolf", "Ines Braun", "Bernd Koch"], "names"),
    ("x", ["Smith, John", "O'Neill, Mary", "de Souza, Ana", "Jones, Peter"], "names"),
    ("surname", ["Meier", "Wolf", "Kanarienvogel"], "names"),
    ("attending", ["Meier", "Wolf", "Braun"], "names"),
    ("contact", ["a.b@example.org", "carla@klinik.de"], "e-mail addresses"),
    ("reach", ["+49 170 5550001", "0170/5550002", "(0170) 555-0003"], "phone or identity numbers"),
    ("call", ["555-123-4567", "(555) 123-4568"], "phone or identity numbers"),
    ("phone", [1705550001, 1705550002], "phone or identity numbers"),
    ("home", ["12 Long Lane", "Hauptstraße 7", "4 rue de la Paix", "1600 Main Street"], "postal addresses"),
    ("zip", ["04109", "80331"], "postal addresses"),
    ("postcode", [10115, 80331], "postal addresses"),
    ("when", ["1931-02-03", "1954-12-01", "1978-07-09", "2001-01-01"], "dates of birth"),
    ("dob", ["01.02.1950", "03.04.1951"], "dates of birth"),
    ("x", [date(1931, 2, 3), date(1954, 1, 1), date(1999, 1, 1)], "dates of birth"),
]
CLINICAL = [
    ("diagnosis", ["Heart Failure", "Type 2 Diabetes", "Chronic Pain", "Sepsis"]),
    ("race", ["African American", "Caucasian", "Hispanic", "Asian", "Other"]),
    ("ward", ["North", "South", "Intensive Care", "General Surgery"]),
    ("drug_name", ["Metformin", "Insulin Glargine", "Aspirin"]),
    ("discharge", ["Home", "Skilled Nursing Facility", "Expired"]),
    ("icd", ["I10", "E11.9", "250.83", "V57"]),
    ("admitted", ["2019-01-01", "2020-05-06", "2024-07-08"]),
    ("admitted", [date(2019, 1, 1), date(2024, 1, 1)]),
    ("birth_weight", [3200, 2800, 3500]),
    ("platelets", [150000, 220000, 310000]),
    ("pressure", ["120-80", "140-95"]),
    ("note", ["stable overnight", "seen by cardiology"]),
    ("empty", [None, None]),
    ("code", ["123456789", "987654321"]),
    ("sex", ["Male", "Female"]),
    ("name", ["SBP", "HR"]),
    ("loss", ["0.6818384528160095", "0.5823256373405457"]),
    ("admit", ["05-02-2019", "08-02-2019"]),
    ("payer", ["Medicare", "Blue Cross", "Self Pay"]),
]


@pytest.mark.parametrize(("name", "values", "kind"), PEOPLE, ids=lambda p: str(p)[:24])
def test_what_names_people_is_told(name: str, values: list[object], kind: str) -> None:
    assert personal_kind(pl.Series(name, values)) == kind


def test_a_column_of_blanks_names_nobody_whatever_it_is_called() -> None:
    assert personal_kind(pl.Series("patient_name", ["", "  ", None])) is None


@pytest.mark.parametrize(("name", "values"), CLINICAL, ids=lambda p: str(p)[:24])
def test_clinical_words_name_nobody(name: str, values: list[object]) -> None:
    assert personal_kind(pl.Series(name, values)) is None
