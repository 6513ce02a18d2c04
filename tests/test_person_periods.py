"""Times to events as rows of periods: whom they count, what incidence follows, and what networks make of them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import rounds
from rounds.data.sources.simulated_hospital import simulate_admissions
from rounds.errors import DataError
from rounds.metrics.survival import aalen_johansen, kaplan_meier
from rounds.person_periods import Periods, incidence_of_hazards, make_periods, median_days, restricted_mean_days

STAYS = pl.DataFrame({"age": [50, 60, 70, 80], "days": [1.0, 2.6, 2.4, 9.0], "end": ["home", "died", None, "home"]})
CAUSES = ("home", "died")
ENDS = ("discharge", "death", "transfer")


def admissions(rows: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Stays with what ended them, and the true chances of discharge, death and transfer by days 3, 7 and 14."""
    hospital = simulate_admissions(rows)
    ended = pl.when("died").then(pl.lit("death")).when("transferred_out").then(None).otherwise(pl.lit("discharge"))
    kept = ("age", "emergency", "ward", "sodium", "heart_rate", "earlier_stays", "length_of_stay", "patient_id")
    return hospital.table.select(*kept, ended=ended), hospital.incidence(np.array([3.0, 7.0, 14.0]))


def test_a_row_for_each_period_that_was_followed() -> None:
    periods = make_periods(STAYS, "days", "end", CAUSES, bounds=(1.0, 2.0, 3.0))
    rows = periods.learning_rows(STAYS)
    assert rows["age"].to_list() == [50, 60, 60, 60, 70, 70, 80, 80, 80]
    causes = ["home", None, None, "died", None, None, None, None, None]
    assert rows["outcome"].to_list() == [cause or "no event" for cause in causes]
    assert rows["period"].to_list()[:4] == ["to day 1", "to day 1", "to day 2", "to day 3"]
    assert set(rows.columns) == {"age", "table_row", "period", "outcome"}
    assert rows["table_row"].n_unique() == 4
    assert periods.every_period(STAYS).height == 12


def test_a_patient_column_takes_the_place_of_the_row_s() -> None:
    table = STAYS.with_columns(patient=pl.Series(["a", "a", "b", "c"]))
    periods = make_periods(table, "days", "end", CAUSES, group="patient")
    assert periods.group == "patient"
    assert "table_row" not in periods.learning_rows(table).columns


def test_censored_after_the_middle_of_a_period_was_followed_through_it() -> None:
    table = STAYS.with_columns(days=pl.Series([1.0, 2.6, 2.5, 9.0]))
    rows = make_periods(table, "days", "end", CAUSES, bounds=(1.0, 2.0, 3.0)).learning_rows(table)
    assert rows.filter(age=70).height == 3


def test_hazards_counted_in_the_rows_are_kaplan_and_meier_s() -> None:
    """Without censoring inside a period, shares of the rows multiply to the curves of the group."""
    random = np.random.default_rng(0)
    table = pl.DataFrame({"days": random.integers(1, 9, 500).astype(float), "end": random.choice(["a", "b"], 500)})
    periods = make_periods(table, "days", "end", ("a", "b"), bounds=tuple(np.arange(1.0, 9.0)))
    rows = periods.learning_rows(table)
    hazard = [
        [(rows.filter(period=f"to day {day}")["outcome"] == cause).mean() for day in range(1, 9)] for cause in "ab"
    ]
    days = np.arange(1.0, 9.0)
    incidence = incidence_of_hazards(np.array(hazard, float)[:, None], days, days)
    for curve, found in zip(aalen_johansen(periods.known(table)), incidence[:, 0], strict=True):
        np.testing.assert_allclose(found, curve.at(days), atol=1e-12)
    np.testing.assert_allclose(1 - incidence.sum(axis=0)[0], kaplan_meier(periods.known(table)).at(days), atol=1e-12)


def test_a_later_table_need_not_hold_every_cause() -> None:
    periods = make_periods(STAYS, "days", "end", CAUSES)
    assert set(periods.learning_rows(STAYS.filter(pl.col("end") == "home"))["outcome"]) == {"home", "no event"}


def test_bounds_are_quantiles_of_events() -> None:
    periods = make_periods(STAYS, "days", "end", CAUSES)
    assert periods.bounds == (2.6, 9.0)
    assert make_periods(pl.DataFrame({"t": [1.0, 2.0], "e": [True, False]}), "t", "e").causes == ("true",)
    assert make_periods(pl.DataFrame({"t": [1.0, 2.0], "e": [1.0, 0.0]}), "t", "e").causes == ("1",)


def test_median_and_restricted_mean() -> None:
    days = np.linspace(0.0, 40.0, 401)
    incidence = (1 - np.exp(-0.1 * days))[None, None]
    assert float(median_days(incidence, days)[0]) == pytest.approx(np.log(2) / 0.1, abs=0.01)
    assert float(restricted_mean_days(incidence, days)[0]) == pytest.approx((1 - np.exp(-4)) / 0.1, abs=0.01)
    assert np.isnan(median_days(incidence[:, :, :50], days[:50])[0])


def test_true_incidence_of_the_simulated_hospital_is_what_happens_in_it() -> None:
    stays, truth = admissions(20_000)
    days, ended = stays["length_of_stay"].to_numpy(), stays["ended"].fill_null("transfer").to_numpy()
    for cause, chances in zip(("discharge", "death", "transfer"), truth, strict=True):
        for day, chance in zip((3.0, 7.0, 14.0), chances.T, strict=True):
            happened = (days <= day) & (ended == cause)
            assert abs(happened.mean() - chance.mean()) < 3.5 * np.sqrt(chance.mean() / len(days))


class Parts(NamedTuple):
    """Stays of other patients to learn from and to judge on, and the true chances of the latter by days 3, 7 and 14."""

    periods: Periods
    train: pl.DataFrame
    test: pl.DataFrame
    truth: np.ndarray


@pytest.fixture(scope="module")
def parts() -> Parts:
    stays, truth = admissions(1_500)
    stays = stays.with_columns(ended=pl.col("ended").fill_null("transfer"))
    late = stays["patient_id"].rank("dense").to_numpy() % 3 == 0
    train, test = stays.filter(~late), stays.filter(late)
    return Parts(make_periods(train, "length_of_stay", "ended", ENDS, group="patient_id"), train, test, truth[:, late])


def assert_recovered(made: np.ndarray, truth: np.ndarray) -> None:
    """Along with the truth by day 7, and calibrated in the large, of discharge and of death."""
    for cause, least in ((0, 0.5), (1, 0.4)):
        found, known = made[cause][:, 1], truth[cause][:, 1]
        assert np.corrcoef(found, known)[0, 1] > least
        assert abs(found.mean() - known.mean()) < 0.04


def test_a_logistic_model_of_periods_recovers_known_chances(parts: Parts) -> None:
    """Brown's own, by scikit-learn: what networks of these rows have to beat."""
    numbers = ["age", "emergency", "heart_rate", "earlier_stays"]

    def inputs(rows: pl.DataFrame) -> np.ndarray:
        bounds = [f"to day {bound:g}" for bound in parts.periods.bounds]
        each = np.array([rows["period"].to_numpy() == bound for bound in bounds], float).T
        return np.hstack([each, rows.select(pl.col(numbers).cast(float)).to_numpy() / 50])

    learned = parts.periods.learning_rows(parts.train)
    model = LogisticRegression(max_iter=200).fit(inputs(learned), learned["outcome"].to_numpy())
    made = model.predict_proba(inputs(parts.periods.every_period(parts.test)))
    named = pl.DataFrame({f"probability_{c}": made[:, i] for i, c in enumerate(model.classes_)})
    assert_recovered(parts.periods.incidence(named, (3.0, 7.0, 14.0)), parts.truth)


@pytest.mark.slow
def test_networks_of_periods_recover_known_chances(parts: Parts, tmp_path: Path) -> None:
    plan = rounds.Plan(network="dense", hidden=(32,), epochs=15, batch_size=128, learning_rate=3e-3)
    request = rounds.Request(members=1, rounds=0, out=tmp_path / "run")
    rows = parts.periods.learning_rows(parts.train)
    result = rounds.train(rows, plan, request, target="outcome", group=parts.periods.group, task="multiclass")
    predicted = result.predict(parts.periods.every_period(parts.test), intervals=True)
    assert_recovered(parts.periods.incidence(predicted, (3.0, 7.0, 14.0)), parts.truth)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"days": "day"}, "Column must be one of the table, got column='day'. Did you mean days?"),
        ({"event": "ends"}, "Column must be one of the table, got column='ends'. Did you mean end?"),
        ({"causes": ("home", "dead")}, "Causes must be values of end, got cause='dead'"),
        ({"causes": None}, "Event must be a column of 0 and 1, got end='died, home'"),
        ({"table": STAYS.rename({"age": "period"})}, "Columns must be of other names than period"),
        ({"bounds": (2.0, 1.0)}, r"Bounds must be rising numbers above 0, got bounds=\[2.0, 1.0\]"),
    ],
)
def test_what_cannot_be_periods(changes: dict[str, object], text: str) -> None:
    with pytest.raises(DataError, match=text):
        make_periods(**{"table": STAYS, "days": "days", "event": "end", "causes": CAUSES, **changes})


def test_times_that_cannot_be() -> None:
    with pytest.raises(DataError, match=r"Times must be 0 days or more, got days=-1\.0, row=1"):
        make_periods(STAYS.with_columns(days=pl.lit(-1.0)), "days", "end", CAUSES)
    censored = pl.DataFrame({"days": [1.0, 2.0], "died": [0, 0]})
    with pytest.raises(DataError, match=r"Events must be at least 1, got events=0\. All rows are censored"):
        make_periods(censored, "days", "died")


def test_predictions_of_other_rows() -> None:
    periods = make_periods(STAYS, "days", "end", CAUSES, bounds=(2.0, 4.0))
    with pytest.raises(DataError, match="Predictions must be with column probability_home"):
        periods.incidence(pl.DataFrame({"probability_die": [0.1]}), (1.0,))
    with pytest.raises(DataError, match="Predictions must be 2 rows for each row of the table, got rows=1"):
        periods.incidence(pl.DataFrame({"probability_home": [0.1], "probability_died": [0.1]}), (1.0,))
