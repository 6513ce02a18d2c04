"""Tables of measurements as hospitals export them: clock times, units, times before the start."""

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from rounds.data.recordings.assemble import read_recordings
from rounds.data.recordings.measurement_columns import MeasurementColumns, recognised
from rounds.data.recordings.measurements import read_measurements
from rounds.data.recordings.timeline import choose_steps
from rounds.data.recordings.times import HOURS_SINCE_START, read_times
from rounds.data.tables.cells.units import conversion
from rounds.errors import DataError, ForcedChoiceError

SUBJECTS = pl.Series("stay_id", [1, 2])
KEYS = pl.Series([1] * 5 + [2] * 5)


def hospital(**columns: list[object]) -> pl.DataFrame:
    """Two stays of five measurements each."""
    usual = {"stay_id": KEYS, "charttime": [datetime(2150, 3, 1, hour) for hour in range(10)], "itemid": [220045] * 10}
    return pl.DataFrame({**usual, **columns}, strict=False)


@pytest.mark.parametrize(
    ("cells", "hours"),
    [
        (["00:07", "1:30", "23:59", "47:30", "00:00"], [7 / 60, 1.5, 23 + 59 / 60, 47.5, 0]),
        (["0:00:36", "-2:00:00", "10:00:00", "1:00:00.5", None], [0.01, -2, 10, 1 + 0.5 / 3600, None]),
        (
            ["1 days 02:00:00", "0 days 00:30:00", "-1 days +23:00:00", "2 days", "1 day, 1:00:00"],
            [26, 0.5, -1, 48, 25],
        ),
        (["PT30M", "P1DT2H", "-PT1H", "P1W", "PT0.5H"], [0.5, 26, -1, 168, 0.5]),
        ([time(0, 7), time(23, 59), None, time(1), time(0)], [7 / 60, 23 + 59 / 60, None, 1, 0]),
        ([timedelta(hours=-3), timedelta(days=2), None, timedelta(0), timedelta(minutes=6)], [-3, 48, None, 0, 0.1]),
    ],
)
def test_clock_times_and_durations_count_from_the_start(cells: list[object], hours: list[float | None]) -> None:
    found = read_times(pl.Series("Time", cells * 2), KEYS)
    assert found.unit == HOURS_SINCE_START
    assert found.values.to_list() == pytest.approx(hours * 2, abs=1e-9)
    assert "Time is read as hours and minutes since the start of the recording" in found.notes


def test_a_time_that_is_none_is_left_out_where_most_are() -> None:
    found = read_times(pl.Series("Time", ["00:07", "soon", "01:00"] + ["2:00"] * 7), KEYS)
    assert found.values.null_count() == 1
    assert found.notes[0] == "1 measurements whose Time is no time: left out"
    with pytest.raises(DataError, match="Time must be a number or a date, got Time='soon', row=2"):
        read_times(pl.Series("Time", ["soon", "later", "now", "00:07", "x"] * 2), KEYS)


def test_times_of_day_join_the_date_beside_them() -> None:
    table = hospital(time=[time(hour) for hour in range(10)], date=[date(2020, 1, 1)] * 10, value=[1.0] * 10)
    found = read_measurements(table.drop("charttime"), SUBJECTS)
    assert found.columns.day == "date"
    assert found.frame["time"].to_list() == [0, 1, 2, 3, 4] * 2


def test_the_layout_of_mimic_is_known() -> None:
    table = hospital(
        subject_id=[5] * 10,
        storetime=[datetime(2150, 3, 2)] * 10,
        value=["97.1"] * 9 + ["ERROR"],
        valuenum=[97.1] * 9 + [None],
        valueuom=["bpm"] * 10,
        warning=[0] * 10,
    )
    found = read_measurements(table, SUBJECTS)
    assert found.columns == MeasurementColumns("stay_id", "charttime", "", "itemid", "valuenum", "valueuom")
    assert found.frame.height == 9
    assert found.units == {"220045": "bpm"}
    assert found.notes[0] == (
        "Measurements: itemid names the variable, valuenum is the value, charttime the time; "
        "not read: subject_id, storetime, value, warning"
    )


EXPORTS = {
    "labid patientunitstayid* labresultoffset labtypeid labname. labresult labresulttext. labmeasurenamesystem. "
    "labresultrevisedoffset": ("labresultoffset", "labname", "labresult", "labmeasurenamesystem"),
    "patientunitstayid* nursingchartoffset nursingchartentryoffset nursingchartcelltypevalname. nursingchartvalue": (
        "nursingchartoffset",
        "nursingchartcelltypevalname",
        "nursingchartvalue",
        "",
    ),
    "measurement_id person_id* measurement_concept_id measurement_date measurement_datetime value_as_number "
    "unit_source_value.": ("measurement_datetime", "measurement_concept_id", "value_as_number", "unit_source_value"),
    "admissionid* itemid item. tag. value unitid unit. measuredat registeredat": (
        "measuredat",
        "itemid",
        "value",
        "unit",
    ),
    "patientid* datetime entertime status variableid value": ("datetime", "variableid", "value", ""),
    "CaseID* Offset DataID Val cnt": ("Offset", "DataID", "Val", ""),
    "stay_id* starttime endtime itemid amount amountuom.": ("starttime", "itemid", "amount", "amountuom"),
    "id* ICULOS HR O2Sat Temp Age": ("ICULOS", "", "", ""),
    "fall* Messzeitpunkt. Parameter. Messwert Einheit.": ("Messzeitpunkt", "Parameter", "Messwert", "Einheit"),
    "sejour* heure. examen. valeur unité.": ("heure", "examen", "valeur", "unité"),
    "id* elapsed variable. val": ("elapsed", "variable", "val", ""),
    "id* offset_min vital. value": ("offset_min", "vital", "value", ""),
}


@pytest.mark.parametrize(("columns", "wanted"), EXPORTS.items(), ids=[c.split("*")[0] for c in EXPORTS])
def test_columns_of_public_exports_are_known(columns: str, wanted: tuple[str, ...]) -> None:
    words = columns.split()
    table = pl.DataFrame({w.strip("*."): ["x"] if w.endswith(".") else [1.0] for w in words})
    found = recognised(table, next(w[:-1] for w in words if w.endswith("*")))
    assert (found.time, found.variable, found.value, found.unit) == wanted


def test_measurements_before_the_start_are_kept() -> None:
    minutes = [-300, -60, 0, 600, 1200] * 2
    table = pl.DataFrame({"stay_id": KEYS, "labresultoffset": minutes, "name": ["Na"] * 10, "result": range(10)})
    found = read_recordings(table, pl.DataFrame([SUBJECTS]), "stay_id")
    assert "4 measurements before the start (labresultoffset below 0): kept as before it" in found.notes
    assert found.timeline.start <= -300
    assert found.timeline.start + found.timeline.step * found.timeline.steps > 1200
    assert np.isfinite(found.channels[:, 0, 1]).all()


def test_steps_begin_no_longer_before_the_start_than_they_go_on() -> None:
    frame = pl.DataFrame({"subject": [0] * 5, "variable": ["Na"] * 5, "time": [-9000.0, -10.0, 0.0, 50.0, 100.0]})
    step, steps, start = choose_steps(frame)
    assert -100 - step < start <= -100
    assert start + step * steps >= 100


@pytest.mark.parametrize("years", [100, -100, 1])
def test_a_wrong_year_is_left_out_and_named(years: int) -> None:
    times = [datetime(2150, 3, 1) + timedelta(hours=3 * i) for i in range(100)]
    times[40] = times[40].replace(year=2150 + years)
    found = read_times(pl.Series("charttime", times), pl.Series([0] * 50 + [1] * 50))
    assert found.values.null_count() == 1
    assert found.values.max() == pytest.approx(147)
    assert found.values.min() == 0
    (said,) = found.notes
    assert said == f"1 of 100 measurements lie up to {abs(years)} years from the others (charttime, rows 42): left out"


def test_long_stays_are_no_wrong_years() -> None:
    days = np.concatenate([np.linspace(0, 5, 900), np.linspace(0, 400, 100)])
    times = pl.Series("charttime", [datetime(2020, 1, 1) + timedelta(days=float(d)) for d in days])
    assert read_times(times, pl.Series([0] * 900 + [1] * 100)).notes == ()


@pytest.mark.parametrize(
    ("variable", "units", "values", "wanted"),
    [
        ("Temp", ("C", "F"), (37.0, 98.6), 37.0),
        ("Glucose", ("mg/dL", "mmol/L"), (180.156, 10.0), 180.156),
        ("creatinine", ("mg/dL", "µmol/L"), (1.0, 88.402), 1.0),
        ("weight", ("kg", "lbs"), (70.0, 154.3236), 70.0),
        ("Potassium", ("mEq/L", "mmol/L"), (4.0, 4.0), 4.0),
        ("WBC", ("K/uL", "x10^9/L"), (7.0, 7.0), 7.0),
        ("pO2", ("mmHg", "kPa"), (75.0, 10.0), 75.0),
        ("HR", ("bpm", "BPM"), (70.0, 70.0), 70.0),
    ],
)
def test_two_units_of_one_variable_become_one(
    variable: str, units: tuple[str, str], values: tuple[float, float], wanted: float
) -> None:
    table = hospital(
        itemid=[variable] * 10,
        valuenum=[values[i % 3 == 2] for i in range(10)],
        valueuom=[units[i % 3 == 2] for i in range(10)],
    )
    found = read_measurements(table, SUBJECTS)
    assert found.frame["value"].to_list() == pytest.approx([wanted] * 10, rel=1e-3)
    same = units[0].lower() == units[1].lower()
    said = f"{variable}: 3 measurements in {units[1]} converted to {units[0]}"
    assert (said in found.notes) == (not same and values[0] != values[1])


def test_units_that_cannot_be_told_from_each_other_are_asked() -> None:
    table = hospital(valuenum=[1.0] * 10, valueuom=["mg/dL", "mmol/L"] * 5)
    with pytest.raises(
        ForcedChoiceError, match="Unit of a variable must be one, or of a known pair, got units='220045"
    ):
        read_measurements(table, SUBJECTS)


def test_rare_units_that_cannot_be_converted_are_left_out() -> None:
    many = pl.concat([hospital(valuenum=[1.0] * 10, valueuom=["mg/dL"] * 10)] * 20)
    odd = hospital(valuenum=[1.0] * 10, valueuom=["mg/dL"] * 9 + ["%"])
    found = read_measurements(pl.concat([many, odd]), SUBJECTS)
    assert found.frame.height == 209
    assert "220045: 1 measurements in % left out, the others are in mg/dL" in found.notes


def test_new_measurements_take_the_units_of_training() -> None:
    learned = hospital(itemid=["Temp"] * 10, valuenum=[37.0 + i / 10 for i in range(10)], valueuom=["C"] * 10)
    timeline = read_recordings(learned, pl.DataFrame([SUBJECTS]), "stay_id").timeline
    new = hospital(itemid=["Temp"] * 10, valuenum=[98.6] * 10, valueuom=["F"] * 10)
    assert read_measurements(new, SUBJECTS, timeline).frame["value"].to_list() == pytest.approx([37.0] * 10)


def test_conversions_go_both_ways() -> None:
    for one, other, variable in (
        ("F", "K", ""),
        ("mg/dL", "umol/L", "Bilirubin, total"),
        ("in", "cm", ""),
        ("ug/L", "pg/mL", ""),
    ):
        there, back = conversion(one, other, variable), conversion(other, one, variable)
        assert there is not None and back is not None  # noqa: PT018
        assert back.factor * (there.factor * 7.0 + there.offset) + back.offset == pytest.approx(7.0)


def test_cells_that_are_no_numbers_are_left_out_and_counted() -> None:
    found = read_measurements(hospital(value=["97.1", "<0.5", "> 89", "ERROR", "hemolyzed"] * 2), SUBJECTS)
    assert found.frame["value"].to_list() == [97.1, 0.5, 89.0] * 2
    assert "4 cells of value are no numbers: left out" in found.notes


def test_wide_tables_leave_names_and_other_times_out() -> None:
    table = hospital(HR=[70.0] * 10, hadm_id=[3] * 10, storetime=[datetime(2150, 3, 2)] * 10, rhythm=["SR"] * 10)
    found = read_measurements(table.drop("itemid"), SUBJECTS)
    assert found.frame["variable"].unique().to_list() == ["HR"]
    assert "10 cells of rhythm are no numbers: left out" in found.notes


def test_seconds_since_1970_are_dates() -> None:
    seconds = pl.Series("time", [1_577_836_800, 1_577_840_400, 1_577_923_200])
    for column, unit in ((seconds, "seconds"), (seconds * 1000, "milliseconds"), (seconds.cast(pl.String), "seconds")):
        found = read_times(column, pl.Series([1, 1, 2]))
        assert found.values.to_list() == [0, 1, 0]
        assert found.notes == (f"time is read as {unit} since 1970",)


def test_measurements_say_how_their_cells_were_read() -> None:
    cells = ["<0.5", "pending", "7.1", *map(str, range(20, 60))]
    table = pl.DataFrame({"id": 1, "time": range(len(cells)), "item": "CRP", "value": cells})
    found = read_measurements(table, pl.Series("id", [1]))
    assert "value: 1 cell below a limit read as the limit, with the column value below limit" in found.notes
    assert "value: 1 cell without a number (pending) read as missing" in found.notes
    assert not any("not read" in note for note in found.notes)
