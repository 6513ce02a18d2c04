"""A column of text becomes what a person means by it, is said, and is read the same from another file."""

import datetime

import polars as pl
import pytest

from rounds.data.tables.cells import FileStyle, Reading, read_again, read_column
from rounds.data.tables.cells.missing_words import ALWAYS, AMONG_NUMBERS
from rounds.data.tables.cells.readers import READERS
from rounds.data.tables.cells.units import conversion

MANY = [str(i / 4) for i in range(40)]


def read(cells: list[str | None], name: str = "crp", **style: object):
    return read_column(pl.Series(name, cells), FileStyle(**{"separator": ",", **style}))


NUMBERS = [
    (["1.5", "<0.5", "2", "3", "4", "7"], [1.5, 0.5, 2, 3, 4, 7], "1 cell below a limit"),
    (["1.5", "> 2000", "2", "3", "4", "7"], [1.5, 2000, 2, 3, 4, 7], "1 cell above a limit"),
    (["90+", "80", "70", "60", "50", "40"], [90, 80, 70, 60, 50, 40], "with the column crp above limit"),
    (["less than 5", "6", "7", "8", "9", "10"], [5, 6, 7, 8, 9, 10], "1 cell below a limit"),
    (["≥ 90", "80", "81", "82", "83", "84"], [90, 80, 81, 82, 83, 84], "1 cell above a limit"),
    (["120 mmHg", "130mmHg", "125"], [120, 130, 125], "2 cells with a unit read as numbers in mmHg"),
    (["54 years", "61 yrs", "70 y"], [54, 61, 70], "numbers in years"),
    (["60 mg/dL", "70 MG/DL"], [60, 70], "numbers in mg/dL"),
    (["$1,234.50", "$12"], [1234.5, 12], "with marks between thousands"),
    (["€ 3425.58", "1200 €"], [3425.58, 1200], "numbers in €"),
    (["441,000", "410,000"], [441000, 410000], "with marks between thousands"),
    (["1 234,5", "12,25"], [1234.5, 12.25], "with a decimal comma"),
    (["1.234.567", "12"], [1234567, 12], "with marks between thousands"),
    (["1'234.5", "7"], [1234.5, 7], "with marks between thousands"),
    (["95 %", "90%"], [95, 90], "numbers in %"),
    (["5.6 H", "7", "8.1 L"], [5.6, 7, 8.1], "with a laboratory's mark"),
    (["12 10^9/L", "13 K/uL"], [12, 13], "numbers in 10^9/L"),
    (["16 kPa", "120 mmHg", "130 mmHg"], [120.00986928, 120, 130], "1 cell converted from another unit"),
    ([*MANY, "hemolysed!"], [*map(float, MANY), None], "1 cell without a number read as missing"),
    ([*MANY, "n.d."], [*map(float, MANY), None], "1 cell without a number (n.d.) read as missing"),
    (["1", "2", "3+", "1", "1"], [1, 2, 3, 1, 1], "with the column crp above limit"),
    (["90 ans et plus", "80 ans", "70 ans", "60", "50", "40"], [90, 80, 70, 60, 50, 40], "1 cell above a limit"),
    (["90 o más", "80", "70", "60", "50", "40"], [90, 80, 70, 60, 50, 40], "with the column crp above limit"),
    (["inf. à 10", "11", "12", "13", "14", "15"], [10, 11, 12, 13, 14, 15], "1 cell below a limit"),
    (["＜0.5", "1.5", "2", "3", "4", "7"], [0.5, 1.5, 2, 3, 4, 7], "with the column crp below limit"),
    (["<20 copies/mL", "25", "30", "40", "50", "60"], [20, 25, 30, 40, 50, 60], "1 cell below a limit"),
    (["(1,234.50)", "12"], [-1234.5, 12], "1 cell in brackets, or with a minus behind, read as below zero"),
    (["$(12.5)", "$7"], [-12.5, 7], "read as below zero"),
    (["1,234-", "12"], [-1234, 12], "read as below zero"),
    (["R$ 12.50", "R$ 7"], [12.5, 7], "numbers in R$"),
    (["USD 12.50", "$7"], [12.5, 7], "numbers in USD"),
    (["USD -12.50", "$ -7"], [-12.5, -7], "numbers in USD"),
]


@pytest.mark.parametrize(("cells", "numbers", "said"), NUMBERS)
def test_numbers_as_people_write_them(cells: list[str], numbers: list[float], said: str) -> None:
    made = read(cells)
    assert made.values[0].to_list() == pytest.approx(numbers)
    assert said in " ".join(note.sentence for note in made.notes)


@pytest.mark.parametrize(("cells", "numbers", "said"), NUMBERS)
def test_a_new_file_is_read_as_the_first_one_was(cells: list[str], numbers: list[float], said: str) -> None:
    reading = Reading.model_validate_json(read(cells).reading.model_dump_json())
    made = read_again(pl.Series("crp", [*cells, "<0.1", "a word", None]), reading)
    assert made.values[0].to_list()[: len(cells)] == pytest.approx(numbers)
    assert made.values[0].to_list()[len(cells) :] == [pytest.approx(0.1), None, None]
    assert [flag.name for flag in made.values[1:]] == [f"crp {side} limit" for side in reading.limits]


DAY = datetime.date
PARTLY_KNOWN = [
    (
        ["32/2020", "366/2020", "5/2021"],
        [DAY(2020, 2, 1), DAY(2020, 12, 31), DAY(2021, 1, 5)],
        "3 dates read as days of",
    ),
    (["2020-032", "2020-366"], [DAY(2020, 2, 1), DAY(2020, 12, 31)], "2 dates read as days of a year"),
    (["2019-05-07", "2019-06-08", "2019"], [DAY(2019, 5, 7), DAY(2019, 6, 8), None], "1 cell without a date"),
    (["2019-05-07", "2019-05-XX", "2019-06-08"], [DAY(2019, 5, 7), None, DAY(2019, 6, 8)], "1 cell without a date"),
    (["05-Jul-2020", "UN-UNK-2019"], [DAY(2020, 7, 5), None], "1 cell without a date"),
]


@pytest.mark.parametrize(("cells", "dates", "said"), PARTLY_KNOWN)
def test_days_of_a_year_and_dates_of_which_a_part_is_not_known(
    cells: list[str], dates: list[DAY | None], said: str
) -> None:
    made = read(cells, "admission_date")
    assert made.values[0].to_list() == dates
    assert said in " ".join(note.sentence for note in made.notes)
    again = read_again(pl.Series("admission_date", cells), Reading.model_validate_json(made.reading.model_dump_json()))
    assert again.values[0].to_list() == dates


def test_days_of_whole_years_tell_themselves_from_numbers_of_cases() -> None:
    assert read([f"{day}/2020" for day in range(1, 367)], "d23").reading.kind == "date"
    assert read([f"{case}/2020" for case in range(1, 400)], "d23").reading.kind == "text"


def test_scores_of_a_total_are_one_column() -> None:
    made = read(["8/15", "15/15", "n.d.", "3/15"], "gcs")
    assert [values.to_list() for values in made.values] == [[8, 15, None, 3]]
    again = read_again(pl.Series("gcs", ["9/15"]), Reading.model_validate_json(made.reading.model_dump_json()))
    assert again.values[0].to_list() == [9]
    assert len(read(["110/120", "100/120", "130/120"], "bp").values) == 3


def test_more_years_than_dates_are_no_dates() -> None:
    assert read(["2019", "2020", "2019-05-07"], "year").reading.kind == "text"


def test_a_limit_has_a_flag_beside_the_number() -> None:
    value, below = read(["1.5", "<0.5", None, "2", "3", "4", "7"]).values
    assert (below.name, below.to_list()) == ("crp below limit", [False, True, False, False, False, False, False])
    assert value.name == "crp"


@pytest.mark.parametrize(
    "cells",
    [
        ["NO", "<30", ">30"],
        ["V57", "250.10"],
        ["008.45", "250"],
        ["00123", "124"],
        ["3A", "3B", "4A"],
        ["20-29", "30-39"],
        ["[50-60)", "[60-70)"],
        ["1st", "2nd"],
        ["12345678901234567890", "1"],
        ["F", "M"],
        ["1,5", "high"],
        ["positive", "negative", "1:80"],
        ["A1", "A2"],
        ["1", "2", "grade x"],
        ["1", "2", "3", "4", "5", "1OT"],
        ["1200", "900", "34k", "35", "36", "37"],
        ["(1)", "(2)", "(3)"],
        ["3+4", "4+3", "3+3"],
        ["123/2020", "124/2020"],
    ],
)
def test_what_is_no_number_stays_text(cells: list[str]) -> None:
    made = read(cells)
    assert made.reading.kind == "text"
    assert made.values[0].to_list() == cells


@pytest.mark.parametrize("word", sorted(ALWAYS | AMONG_NUMBERS))
def test_words_for_missing_among_numbers(word: str) -> None:
    for written in (word, word.upper(), f" {word.capitalize()} "):
        made = read([*MANY, written])
        assert made.values[0].to_list() == [*map(float, MANY), None], written
        assert made.reading.kind == "number"


def test_words_that_may_be_levels_stay_levels() -> None:
    assert read(["none", "minor", "unknown"]).values[0].to_list() == ["none", "minor", "unknown"]
    assert read(["+", "-", "++"]).values[0].to_list() == ["+", "-", "++"]
    assert read(["Na", "K", "N/A"]).values[0].to_list() == ["Na", "K", None]


@pytest.mark.parametrize(
    ("cells", "style", "numbers"),
    [
        (["7.700", "656"], {"separator": ";"}, [7700, 656]),
        (["7.700", "5.841"], {"separator": ";", "decimal": ","}, [7700, 5841]),
        (["7.700", "5.841"], {"separator": ";", "decimal": "."}, [7.7, 5.841]),
        (["7.700", "5.841"], {"separator": ","}, [7.7, 5.841]),
        (["1,500", "2,250"], {"separator": ";", "decimal": "."}, [1500, 2250]),
        (["1,500", "2,250"], {"separator": ";", "decimal": ","}, [1.5, 2.25]),
        (["0,139", "2,250"], {"separator": ";"}, [0.139, 2.25]),
    ],
)
def test_the_file_tells_what_a_mark_means(cells: list[str], style: dict[str, str], numbers: list[float]) -> None:
    assert read(cells, **style).values[0].to_list() == pytest.approx(numbers)


@pytest.mark.parametrize(
    ("cells", "style"),
    [
        (["1,500", "2,250"], {"separator": ";"}),
        (["7.700", "5.841"], {"separator": ";"}),
        (["7.700", "656"], {"decimal": "."}),
        (["1,5", "1.5"], {}),
    ],
)
def test_a_mark_of_two_meanings_is_asked_for(cells: list[str], style: dict[str, str]) -> None:
    made = read(cells, **style)
    assert made.values[0].to_list() == cells
    assert made.notes[0].option == "--decimal"


def test_numbers_in_two_currencies_are_said_and_left_out() -> None:
    (note,) = read(["$12.50", "€7.20"]).notes
    assert (note.role, note.text.startswith("numbers in $, €, which Rounds cannot convert")) == ("dropped", True)


def test_weeks_of_pregnancy() -> None:
    made = read(["28+3", "39w0d", "40 weeks 6 days", "36 1/7"], "gestation")
    assert made.values[0].to_list() == pytest.approx([28 + 3 / 7, 39, 40 + 6 / 7, 36 + 1 / 7])
    assert made.reading.unit == "weeks"


@pytest.mark.parametrize(
    ("cells", "levels"),
    [
        (["Y", "yes", "N", "no"], ["yes", "yes", "no", "no"]),
        (["TRUE", "T", "F", "false"], ["true", "true", "false", "false"]),
        (["Sí", "si", "NO", "no"], ["sí", "sí", "no", "no"]),
        (["décédé", "Decede", "vivant", "vivant"], ["décédé", "décédé", "vivant", "vivant"]),
    ],
)
def test_levels_that_are_one_but_for_accents_or_length(cells: list[str], levels: list[str]) -> None:
    made = read(cells, "outcome")
    reading = Reading.model_validate_json(made.reading.model_dump_json())
    assert made.values[0].to_list() == read_again(pl.Series(cells), reading).values[0].to_list() == levels


def test_letters_that_are_not_yes_and_no_stay() -> None:
    assert read(["y", "yes", "x"]).values[0].to_list() == ["y", "yes", "x"]


DAY = datetime.date(2020, 7, 5)
DATES = [
    (["05-Jul-2020"], DAY),
    (["Jul 05, 2020"], DAY),
    (["July 5th, 2020"], DAY),
    (["05JUL2020"], DAY),
    (["5 juillet 2020"], DAY),
    (["5. Juli 2020"], DAY),
    (["5 de julio de 2020"], DAY),
    (["Sunday, 5 July 2020"], DAY),
    (["2020-Jul-05"], DAY),
    (["05-Jul-20"], DAY),
    (["20200705"], DAY),
    (["2020/7/5"], DAY),
    (["2020年07月05日"], DAY),
    (["2020-W27-7"], DAY),
    (["2020-W27"], datetime.date(2020, 6, 29)),
    (["Sun Jul  5 00:00:00 2020"], datetime.datetime(2020, 7, 5)),
    (["05/07/2020 14h38", "28/07/2020 10h00"], datetime.datetime(2020, 7, 5, 14, 38)),
    (["202007051438"], datetime.datetime(2020, 7, 5, 14, 38)),
    (["2020-07"], datetime.date(2020, 7, 1)),
    (["07/2020"], datetime.date(2020, 7, 1)),
    (["July 2020"], datetime.date(2020, 7, 1)),
    (["2020-07-05", "44020"], DAY),
    (["2020-07-05", "9999-12-31", "31.12.9999"], DAY),
    (["2020.07.05"], DAY),
    (["05.07.2020"], DAY),
    (["5/7/2020", "28/07/2020"], DAY),
    (["7/5/2020", "7/28/2020"], DAY),
    (["5/7/20", "28/07/20"], DAY),
    (["2020-07-05", "0000-00-00"], DAY),
    (["2020-07-05", "unknown"], DAY),
    (["2020-07-05 14:38:00"], datetime.datetime(2020, 7, 5, 14, 38)),
    (["2020-07-05T14:38Z"], datetime.datetime(2020, 7, 5, 14, 38)),
    (["2020-07-05T16:38:00+02:00"], datetime.datetime(2020, 7, 5, 14, 38)),
    (["7/5/2020 2:38 PM", "7/28/2020 2:38 AM"], datetime.datetime(2020, 7, 5, 14, 38)),
    (["05JUL2020:14:38:00"], datetime.datetime(2020, 7, 5, 14, 38)),
    (["7/5/20 12:00 a.m.", "7/28/20 1:00"], datetime.datetime(2020, 7, 5)),
]


@pytest.mark.parametrize(("cells", "moment"), DATES)
def test_dates_as_people_write_them(cells: list[str], moment: datetime.date) -> None:
    made = read(cells, "admitted")
    assert made.reading.kind == "date"
    assert made.values[0][0] == moment
    again = read_again(pl.Series("admitted", [cells[0], "perhaps"]), made.reading)
    assert again.values[0].to_list() == [moment, None]


def test_spellings_mixed_in_a_column() -> None:
    made = read(["05/07/2020", "2020-04-06", "28/04/2019", "6 May 2021"])
    assert made.values[0].to_list() == [
        DAY,
        datetime.date(2020, 4, 6),
        datetime.date(2019, 4, 28),
        datetime.date(2021, 5, 6),
    ]


def test_day_and_month_are_asked_for_or_told_by_the_file() -> None:
    asked = read(["12/09/2019", "04/09/2019"])
    assert (asked.reading.kind, asked.notes[0].option) == ("text", "--dates")
    assert "--dates month-first or --dates day-first" in asked.notes[0].sentence
    assert read(["12/09/2019"], day_first=False).values[0].to_list() == [datetime.date(2019, 12, 9)]
    assert read(["12/09/2019"], day_first=True).values[0].to_list() == [datetime.date(2019, 9, 12)]
    both = read(["13/05/2020", "05/13/2020"])
    assert both.reading.kind == "text"
    assert "left out: some dates are day first and some are month first" in both.notes[0].sentence


def test_dates_that_do_not_exist_are_missing() -> None:
    cells = [*["01/02/2020", "28/02/2020"] * 20, "31/02/2020"]
    assert read(cells).values[0].null_count() == 1
    assert read(["99/99/2020", "88/77/2020"]).reading.kind == "text"


@pytest.mark.parametrize(
    ("name", "cells", "columns"),
    [
        ("bp", ["120/80", "130/90 mmHg", "unknown"], {"bp systolic": [120, 130, None], "bp diastolic": [80, 90, None]}),
        ("acuity", ["6/9", "4/6"], {"acuity first": [6, 4], "acuity second": [9, 6]}),
    ],
)
def test_two_numbers_become_two_columns(name: str, cells: list[str], columns: dict[str, list[float]]) -> None:
    made = read(cells, name)
    assert {v.name: v.to_list() for v in made.values[1:]} == columns
    assert made.values[0].to_list() == cells


@pytest.mark.parametrize(
    ("cells", "values", "unit"),
    [
        (["5'0\"", "6'2\"", "5 ft 11 in"], [60, 74, 71], "in"),
        (["00:07", "14:30", "2:30 PM"], [7 / 60, 14.5, 14.5], "h"),
        (["3 days 12:00:00", "P1DT12H"], [3.5, 1.5], "days"),
        (["1:80", "<1:40", "1:160"], [80, 40, 160], ""),
    ],
)
def test_other_quantities(cells: list[str], values: list[float], unit: str) -> None:
    made = read(cells)
    assert made.values[0].to_list() == pytest.approx(values)
    assert made.reading.unit == unit


def test_levels_spelled_in_several_ways_are_one() -> None:
    made = read(["Yes", "yes", "YES", " yes", "No", "no"])
    assert made.values[0].unique().sort().to_list() == ["no", "yes"]
    assert "5 spellings of 2 levels" in made.notes[0].sentence
    assert read_again(pl.Series("x", ["NO"]), made.reading).values[0].to_list() == ["no"]
    assert read(["Yes", "No"]).values[0].to_list() == ["Yes", "No"]


def test_true_and_false_in_any_case() -> None:
    assert read(["TRUE", "false", None]).values[0].to_list() == [True, False, None]


def test_rare_words_are_not_shown() -> None:
    sentences = " ".join(note.sentence for note in read([*MANY, "Smith"]).notes)
    assert "smith" not in sentences.lower()


def test_units_that_cannot_be_converted_are_said() -> None:
    made = read(["12 mg/dL", "13 mmol/L", "15 mg/dL"], "crp")
    assert made.reading.kind == "text"
    assert "numbers in mg/dL, mmol/L, which Rounds cannot convert" in made.notes[0].sentence
    converted = read(["5.5 mmol/L", "99 mg/dL", "100 mg/dL"], "glucose")
    assert converted.values[0].to_list() == pytest.approx([99.086, 99, 100], rel=1e-4)


@pytest.mark.parametrize(
    ("unit", "into", "column", "value", "made"),
    [
        ("°F", "°C", "temp", 98.6, 37.0),
        ("kg", "lb", "", 1.0, 2.2046),
        ("umol/L", "mg/dL", "creatinine", 88.4, 1.0),
        ("mmol/L", "mg/dL", "total cholesterol", 5.0, 193.35),
        ("mmol/mol", "%", "hba1c", 53.0, 7.0),
        ("months", "years", "age", 18.0, 1.5),
        ("g/L", "g/dL", "albumin", 40.0, 4.0),
    ],
)
def test_conversions(unit: str, into: str, column: str, value: float, made: float) -> None:
    factor, offset = conversion(unit, into, column) or (0.0, 0.0)
    assert factor * value + offset == pytest.approx(made, rel=2e-3)
    back, shift = conversion(into, unit, column) or (0.0, 0.0)
    assert back * made + shift == pytest.approx(value, rel=2e-3)
    assert conversion(unit, "IU/L", column) is None


def test_every_reader_says_what_it_reads() -> None:
    assert len({reader.kind for reader in READERS}) == len(READERS)
    assert all(reader.recognises and reader.makes for reader in READERS)
