"""Tables of measurements: shapes they come in, what is left out and counted, what is refused and how."""

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from rounds.data.recordings.assemble import binned, choose_timeline, read_recordings
from rounds.data.recordings.channels import channels_of, incomplete_variables, inside_of, unscaled_channels
from rounds.data.recordings.engineered_features import STATISTICS, summarise_measurements, summary_names
from rounds.data.recordings.measurements import read_measurements
from rounds.data.recordings.timeline import Timeline, choose_steps, rounded_width
from rounds.data.tables.cells.reading import FileStyle
from rounds.errors import DataError, ForcedChoiceError

SUBJECTS = pl.Series("id", [7, 9, 4])
LONG = pl.DataFrame(
    {
        "id": [7, 7, 7, 9, 9, 1],
        "minute": [0, 30, 90, 10, 70, 5],
        "parameter": ["HR", "HR", "Temp", "HR", "HR", "HR"],
        "value": [80.0, 90.0, 37.5, 60.0, 70.0, 99.0],
    }
)
LAYOUT = Timeline(
    variables=("HR", "Temp"),
    step=60,
    steps=2,
    unit="minute",
    key="id",
    time="minute",
    variable="parameter",
    value="value",
    incomplete=("HR", "Temp"),
)


def many(subjects: int = 40, variables: tuple[str, ...] = ("HR", "Temp"), seed: int = 0) -> pl.DataFrame:
    """Irregular measurements of many subjects."""
    random = np.random.default_rng(seed)
    rows = [
        {"id": s, "minute": int(m), "parameter": v, "value": float(random.normal())}
        for s in range(subjects)
        for v in variables
        for m in np.cumsum(random.integers(20, 90, random.integers(2, 9)))
    ]
    return pl.DataFrame(rows)


def test_strangers_and_silent_subjects_are_counted() -> None:
    found = read_measurements(LONG, SUBJECTS)
    assert found.frame["subject"].to_list() == [0, 0, 0, 1, 1]
    assert found.notes == (
        "1 measurements of subjects that the table does not have: left out",
        "1 subjects without a measurement: kept, everything missing",
    )


def test_a_column_a_variable_reads_like_a_long_table() -> None:
    wide = LONG.pivot(on="parameter", index=["id", "minute"], values="value")
    columns = ["subject", "time", "variable", "value"]
    one, other = (read_measurements(t, SUBJECTS).frame.sort(columns[:3]) for t in (LONG, wide))
    assert one.equals(other.select(columns))


def test_dates_become_hours_since_the_first_of_each_subject() -> None:
    start = datetime(2024, 5, 1, 8)
    dated = LONG.with_columns(charttime=pl.lit(start) + pl.duration(minutes=pl.col("minute"))).drop("minute")
    found = read_measurements(dated, SUBJECTS)
    assert found.unit == "hours since the subject's first measurement"
    assert found.frame["time"].to_list() == pytest.approx([0, 0.5, 1.5, 0, 1])


def test_names_of_meds_are_known() -> None:
    """Medical Event Data Standard: subject_id, time, code, numeric_value; events without a time are left out."""
    meds = pl.DataFrame(
        {
            "subject_id": [7, 7, 9],
            "time": [None, datetime(2024, 5, 1), datetime(2024, 5, 1)],
            "code": ["BIRTH", "HR", "HR"],
            "numeric_value": [None, 80.0, 60.0],
        }
    )
    found = read_measurements(meds, SUBJECTS.alias("subject_id"))
    assert found.frame["value"].to_list() == [80.0, 60.0]
    assert found.notes[0] == "1 measurements without a time: left out"


def test_keys_as_text_meet_keys_as_numbers() -> None:
    found = read_measurements(LONG.with_columns(pl.col("id").cast(pl.String)), SUBJECTS)
    assert found.frame.height == 5


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (pl.lit("soon").alias("minute"), "Time must be a number or a date, got minute='soon', row=2"),
        (pl.lit("high").alias("value"), "Measured value must be a number, got value='high', row=2"),
        (pl.lit(float("inf")).alias("value"), "Measured value must be a number, got value=inf, row=2"),
        (pl.col("id").alias("other"), "Table of measurements must be one of known columns"),
    ],
)
def test_what_cannot_be_read_is_named(change: pl.Expr, text: str) -> None:
    table = LONG.with_columns(change)
    table = table.drop("minute") if "other" in table.columns else table
    with pytest.raises(DataError) as refused:
        read_measurements(table, SUBJECTS)
    assert str(refused.value).startswith(text)


def test_a_missing_key_names_the_nearest_column() -> None:
    with pytest.raises(
        DataError, match=r"Key must be a column of the table of measurements, got key='ids'\. .*mean id"
    ):
        read_measurements(LONG, SUBJECTS.alias("ids"))
    with pytest.raises(DataError, match="Key must be a column of DATA, got key='ids'"):
        read_recordings(LONG, pl.DataFrame([SUBJECTS]), "ids")


@pytest.mark.parametrize(
    ("keys", "shown"),
    [([7, 7, 9], "1 rows of a key that an earlier row has"), ([7, None, 9], "missing in 1 rows")],
)
def test_every_row_has_a_key_of_its_own(keys: list[int | None], shown: str) -> None:
    with pytest.raises(DataError, match=f"Key must be known and different in every row, got id='{shown}'"):
        read_recordings(LONG, pl.DataFrame({"id": keys}), "id")


def test_measurements_of_nobody_are_refused() -> None:
    with pytest.raises(DataError, match="Measurements must be some of these subjects, got measurements=0"):
        read_recordings(LONG, pl.DataFrame({"id": [100, 101]}), "id")


def test_new_tables_need_the_columns_of_training() -> None:
    with pytest.raises(DataError, match="Table of measurements must be as in training, got missing='minute'"):
        read_measurements(LONG.rename({"minute": "hour"}), SUBJECTS, LAYOUT)


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    LONG[:3].write_parquet(tmp_path / "0.parquet")
    LONG[3:].write_parquet(tmp_path / "1.parquet")
    assert read_measurements(tmp_path, SUBJECTS).frame.height == 5
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="Sequences must be measurements, got folder="):
        read_measurements(tmp_path / "empty", SUBJECTS)


def test_a_folder_of_text_files_is_a_table_of_the_subjects_they_are_named_after(tmp_path: Path) -> None:
    for name, rows in {"p1": "00:07,HR,80", "p2": "01:30,HR,90"}.items():
        (tmp_path / f"{name}.txt").write_text(f"Time,Parameter,Value\n00:00,id,{name}\n{rows}\n")
    (tmp_path / "p3.txt").write_text("")
    found = read_measurements(tmp_path, pl.Series("id", ["p1", "p2"]))
    assert found.frame.select("subject", "value").rows() == [(0, 80.0), (1, 90.0)]
    assert found.frame["time"].to_list() == pytest.approx([7 / 60, 1.5])
    assert found.notes[:2] == (
        "2 files of measurements, one a subject, were read",
        "1 files without a row (p3.txt): left out",
    )


def test_files_of_a_folder_may_be_laid_out_otherwise(tmp_path: Path) -> None:
    (tmp_path / "1.psv").write_text("HR|Temp|ICULOS\n80|NaN|1\n82|37.5|2\n")
    (tmp_path / "2.csv").write_text("HR;ICULOS\n90,5;1\n91,5;2\n")
    found = read_measurements(tmp_path, pl.Series("id", [1, 2]))
    assert found.frame.filter(pl.col("variable") == "HR")["value"].to_list() == [80.0, 82.0, 90.5, 91.5]


def test_dates_of_two_orders_are_asked_for_and_kept(tmp_path: Path) -> None:
    place = tmp_path / "m.csv"
    place.write_text("id,time,name,value\n1,03/04/2020 10:00,HR,80\n1,05/04/2020 11:00,HR,81\n")
    subjects = pl.Series("id", [1])
    with pytest.raises(ForcedChoiceError, match="--dates month-first or --dates day-first"):
        read_measurements(place, subjects)
    hours = {first: read_measurements(place, subjects, style=FileStyle(day_first=first)) for first in (True, False)}
    assert hours[True].frame["time"].to_list() == [0.0, 49.0]
    assert hours[False].frame["time"].to_list() == [0.0, 61 * 24 + 1.0]
    again = read_measurements(place, subjects, choose_timeline(hours[False]))
    assert again.frame["time"].to_list() == hours[False].frame["time"].to_list()


def test_bins_hold_means_and_count_what_they_leave_out() -> None:
    frame = read_measurements(
        LONG.vstack(pl.DataFrame({"id": [7, 9], "minute": [1, 500], "parameter": ["pH", "HR"], "value": [7.4, 1.0]})),
        SUBJECTS,
    ).frame
    array, notes = binned(frame, LAYOUT, 3)
    want = np.full((3, 2, 2), np.nan, np.float32)
    want[0, 0, 0], want[0, 1, 1], want[1, 0, 0], want[1, 1, 0] = 85, 37.5, 60, 70
    np.testing.assert_array_equal(array, want)
    assert notes == (
        "1 measurements of 1 variables that are unknown or too rare: left out",
        "1 measurements after the last of 2 steps: only in the engineered features",
    )


def test_steps_follow_the_rhythm_of_measuring() -> None:
    slow = pl.DataFrame({"subject": [0] * 4, "variable": ["Na"] * 4, "time": [0.0, 1440.0, 2880.0, 4320.0]})
    step, steps, _ = choose_steps(slow)
    assert steps >= 8
    assert step * steps > 4320
    often = pl.DataFrame({"subject": [0] * 2000, "variable": ["ecg"] * 2000, "time": np.arange(2000) / 100})
    step, steps, _ = choose_steps(often)
    assert steps <= 96
    assert step * 96 >= 19.99


@pytest.mark.parametrize("width", [0.003, 0.7, 1.0, 7.0, 59.0, 61.0, 1000.0])
def test_widths_are_rounded_up_to_what_people_count_in(width: float) -> None:
    assert width <= rounded_width(width) <= 2 * width


def naive_channels(array: np.ndarray, timeline: Timeline) -> np.ndarray:
    """As `channels_of`, cell by cell."""
    rows, steps, _ = array.shape
    made = np.zeros((rows, steps, 1 + len(timeline.variables) + 2 * len(timeline.incomplete)), np.float32)
    places = [timeline.variables.index(v) for v in timeline.incomplete]
    for n in range(rows):
        length = max((t + 1 for t in range(steps) if np.isfinite(array[n, t]).any()), default=0)
        for t in range(steps):
            made[n, t, 0] = t < length
            for v in range(len(timeline.variables)):
                seen = [s for s in range(t + 1) if np.isfinite(array[n, s, v])]
                made[n, t, 1 + v] = array[n, seen[-1], v] if seen and t < length else np.nan
            for i, v in enumerate(places):
                seen = [s for s in range(t + 1) if np.isfinite(array[n, s, v])]
                since = t - seen[-1] if seen else steps
                first = 1 + len(timeline.variables)
                made[n, t, first + i] = np.isfinite(array[n, t, v])
                made[n, t, first + len(places) + i] = np.log1p(since) / np.log1p(steps) if t < length else 0
    return made


def test_channels_equal_their_naive_twin() -> None:
    random = np.random.default_rng(3)
    array = np.where(random.random((9, 7, 4)) < 0.6, np.nan, random.normal(size=(9, 7, 4))).astype(np.float32)
    array[:, :, 0] = np.where(inside_of(array), 1.0, np.nan)
    timeline = Timeline(variables=tuple("abcd"), step=1, steps=7, unit="hour")
    timeline = timeline.model_copy(update={"incomplete": incomplete_variables(array, timeline.variables)})
    assert timeline.incomplete == ("b", "c", "d")
    np.testing.assert_allclose(channels_of(array, timeline), naive_channels(array, timeline), atol=1e-6)
    assert unscaled_channels(timeline) == (0, 5, 6, 7, 8, 9, 10)


def test_summaries_equal_their_naive_twin() -> None:
    table, subjects = many(), pl.DataFrame({"id": list(range(41))})
    found = read_recordings(table, subjects, "id")
    assert tuple(found.summaries.columns) == summary_names(found.timeline)
    for subject in (0, 17, 39):
        own = table.filter((pl.col("id") == subject) & (pl.col("parameter") == "HR")).sort("minute")
        time, value = own["minute"].to_numpy().astype(float), own["value"].to_numpy()
        slope = np.polyfit(time, value, 1)[0]
        want = [value[0], value[-1], value.min(), value.max(), value.mean(), value.std(ddof=1), slope, len(value)]
        got = [found.summaries[f"HR {s}"][subject] for s in STATISTICS]
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=1e-5)
    assert found.summaries["HR count"][40] == 0
    assert found.summaries["HR mean"][40] is None


def test_one_measurement_has_no_slope() -> None:
    frame = pl.DataFrame({"subject": [0], "time": [5.0], "variable": ["HR"], "value": [80.0]})
    made = summarise_measurements(frame, LAYOUT, 1)
    assert made["HR slope"].to_list() == [None]
    assert made["HR last"].to_list() == [80.0]


def test_real_stays_are_read(shared: Path) -> None:
    folder = shared / "physionet2012_a"
    found = read_recordings(folder / "measurements.parquet", pl.read_csv(folder / "stays.csv")[:200], "RecordID")
    assert found.timeline.step == 60
    assert found.channels.shape[:2] == (200, 49)
    assert np.isfinite(found.channels[:, :, list(unscaled_channels(found.timeline))]).all()
