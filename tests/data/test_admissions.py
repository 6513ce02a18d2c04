"""The simulated hospital has the conditional mean it says it has, and says everywhere that it is simulated."""

import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

from rounds.data.choices import Choices
from rounds.data.dataset import Dataset
from rounds.data.description import describe
from rounds.data.loading import examine_table, load
from rounds.data.sources.simulated_hospital import DECLARED, Hospital, simulate_admissions
from rounds.data.sources.simulated_stays import GAMMA_SHAPE, cut_mean, expected_stay, uncut_mean
from rounds.run_folder.dataset import DatasetFile, SplitRecord

ROWS = 150_000
FARTHEST = 4.0  # standard errors; beyond, chance explains one test in 16,000


def described(dataset: Dataset) -> DatasetFile:
    """dataset.json, of a split that is of no interest here."""
    return describe(dataset, SplitRecord(kind="held-out", how="", seed=0, rows={}, patients={}, events=None))


@pytest.fixture(scope="module")
def hospital() -> Hospital:
    return simulate_admissions(ROWS, seed=3)


GROUPS = {
    "all": pl.lit(True),
    "under 50": pl.col("age") < 50,
    "50 to 75": pl.col("age").is_between(50, 75),
    "over 75": pl.col("age") > 75,
    "over 90": pl.col("age") > 90,
    "emergencies over 75": pl.col("emergency") & (pl.col("age") > 75),
    "planned": ~pl.col("emergency"),
    "transferred in": pl.col("transferred_in"),
    "oncology": pl.col("ward") == "oncology",
    "first stays": pl.col("earlier_stays") == 0,
    "fourth stays and later": pl.col("earlier_stays") > 2,
    "sodium not measured": pl.col("sodium").is_null(),
    "neither measured": pl.col("sodium").is_null() & pl.col("creatinine").is_null(),
    "low sodium": pl.col("sodium") < 133,
    "high creatinine": pl.col("creatinine") > 1.8,
    "fast heart": pl.col("heart_rate") > 105,
    "frequent diagnosis": pl.col("diagnosis") == "A10.0",
    "rare diagnoses": pl.col("diagnosis").str.contains("24"),
    "men": pl.col("sex") == "M",
    "later years": pl.col("admitted").dt.year() > 2022,
}


def standard_errors(difference: np.ndarray) -> float:
    return float(difference.mean() / (difference.std() / np.sqrt(len(difference))))


@pytest.mark.parametrize("group", GROUPS)
def test_mean_stay_is_the_expected_one(hospital: Hospital, group: str) -> None:
    chosen = hospital.table.select(GROUPS[group].fill_null(False).alias("x")).to_series().to_numpy()
    chosen = np.broadcast_to(chosen, ROWS)
    assert chosen.sum() > 300
    difference = hospital.table["length_of_stay"].to_numpy() - hospital.expected
    assert abs(standard_errors(difference[chosen])) < FARTHEST


@pytest.mark.parametrize("quarter", range(4))
def test_mean_stay_and_deaths_are_the_expected_ones_at_every_risk(hospital: Hospital, quarter: int) -> None:
    edges = np.quantile(hospital.death, [0, 0.25, 0.5, 0.75, 1])
    chosen = (hospital.death >= edges[quarter]) & (hospital.death <= edges[quarter + 1])
    days, died = (hospital.table[name].to_numpy() for name in ("length_of_stay", "died"))
    assert abs(standard_errors((days - hospital.expected)[chosen])) < FARTHEST
    assert abs(standard_errors((died - hospital.death)[chosen])) < FARTHEST


def test_deaths_and_transfers_cut_stays_short(hospital: Hospital) -> None:
    difference = hospital.table["length_of_stay"].to_numpy() - uncut_mean(hospital.stays)
    assert standard_errors(difference) < -20
    assert 0.03 < hospital.table["died"].mean() < 0.08  # type: ignore[operator]
    assert 0.05 < hospital.table["transferred_in"].mean() < 0.12  # type: ignore[operator]


def test_formula_equals_integration() -> None:
    for uncut, rate in ((0.5, 0.01), (4.0, 0.05), (20.0, 0.3)):
        lasting = gamma(GAMMA_SHAPE, scale=uncut / GAMMA_SHAPE)
        integral, _ = quad(lambda t, s=lasting, r=rate: s.sf(t) * np.exp(-r * t), 0, np.inf, epsabs=1e-12)
        assert cut_mean(np.array([uncut]), np.array([rate]))[0] == pytest.approx(integral, rel=1e-8)


def test_unmeasured_values_are_averaged_over(hospital: Hospital) -> None:
    """One patient whose sodium nobody knows: the expected stay is that of many patients who differ in sodium only."""
    one = {name: values[:1] for name, values in hospital.stays.items()}
    many = {name: np.repeat(values, 400_000) for name, values in one.items()}
    many["sodium"] = np.random.default_rng(0).normal(139, 4, 400_000)
    measured = {name: np.zeros(400_000, bool) for name in ("sodium", "creatinine")}
    known = expected_stay(many, measured)
    unknown = expected_stay(one, {"sodium": np.array([True]), "creatinine": np.array([False])})
    assert abs(standard_errors(known - unknown[0])) < FARTHEST
    assert abs(known[0] - unknown[0]) > 0.001


def test_no_admission_column_says_more_than_the_expected_stay(hospital: Hospital) -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    known = [n for n, d in DECLARED.items() if d["known"] == "admission" and not n.endswith("_id")]
    columns = hospital.table.select(known).with_columns(
        pl.col("admitted").dt.epoch("s"), pl.col("diagnosis", "ward", "sex").rank("dense")
    )
    inputs = columns.cast(pl.Float64).to_numpy()[:60_000]
    days = hospital.table["length_of_stay"].to_numpy()[:60_000]
    left = days - hospital.expected[:60_000]
    model = HistGradientBoostingRegressor(max_iter=40, learning_rate=0.1, random_state=0)
    model.fit(inputs[:40_000], left[:40_000])
    assert model.score(inputs[40_000:], left[40_000:]) < 0.001
    # The same learner does find the stay itself, so that it would have found a leak.
    model.fit(inputs[:40_000], days[:40_000])
    assert model.score(inputs[40_000:], days[40_000:]) > 0.1


def test_best_scores_are_best(hospital: Hospital) -> None:
    part = simulate_admissions(20_000, seed=4)
    days, best = part.table["length_of_stay"].to_numpy(), part.best_scores()
    for factor in (0.95, 1.05):
        worse = days - factor * part.expected
        assert 1 - (worse**2).mean() / days.var() < best["r2"]
        assert np.abs(worse).mean() > best["mae"]
    assert np.abs(days - part.expected).mean() > best["mae"]
    assert best["rmse"] == pytest.approx(np.sqrt(((days - part.expected) ** 2).mean()))


def test_transfers_are_two_linked_rows(hospital: Hospital) -> None:
    table = hospital.table.with_columns(pl.all().shift(-1).name.prefix("next_")).head(-1)
    moved = table.filter("transferred_out")
    assert moved.height > 1000
    assert (moved["next_patient_id"] == moved["patient_id"]).all()
    assert (moved["next_admitted"] == moved["discharged"]).all()
    assert (moved["next_ward"] != moved["ward"]).all()
    assert (moved["next_diagnosis"] == moved["diagnosis"]).all()
    assert moved["next_transferred_in"].all()
    assert not table.filter(~pl.col("transferred_out"))["next_transferred_in"].any()


def test_courses_are_possible(hospital: Hospital) -> None:
    table = hospital.table.with_columns(pl.all().shift(-1).name.prefix("next_")).head(-1)
    linked = table.filter(pl.col("patient_id") == pl.col("next_patient_id"))
    assert (linked["next_admitted"] >= linked["discharged"]).all()
    assert (linked["next_earlier_stays"] == linked["earlier_stays"] + 1).all()
    assert (linked["next_age"] >= linked["age"]).all()
    assert not linked["died"].any()
    assert not (hospital.table["died"] & hospital.table["transferred_out"]).any()
    days = (hospital.table["discharged"] - hospital.table["admitted"]).dt.total_minutes() / 1440
    assert (days - hospital.table["length_of_stay"]).abs().max() < 1e-4  # type: ignore[operator]
    assert 1.3 < ROWS / hospital.table["patient_id"].n_unique() < 2.0


def test_same_seed_same_rows() -> None:
    first, again, other = simulate_admissions(500, 1), simulate_admissions(500, 1), simulate_admissions(500, 2)
    assert first.table.equals(again.table)
    assert np.array_equal(first.expected, again.expected)
    assert not first.table.equals(other.table)


@pytest.mark.parametrize("rows", [1, 2, 37])
def test_any_size(rows: int) -> None:
    made = simulate_admissions(rows)
    assert made.table.height == len(made.expected) == len(made.death) == rows


def test_every_column_is_declared_and_simulated_is_said() -> None:
    dataset = load("admissions:600")
    said = described(dataset)
    assert set(DECLARED) == {c.name for c in dataset.columns}
    assert said.simulated is True
    assert "simulated" in said.name
    assert "no patient in it is real" in said.notes[0]
    assert (said.prediction_moment, dataset.cohort.group) == ("admission", "patient_id")
    dropped = {c.name: c.reason for c in dataset.columns if c.role == "dropped"}
    assert set(dropped) == {"procedures", "icu_days", "discharged", "transferred_out", "died"}
    assert dropped["procedures"] == "known only during the stay"


def test_death_can_be_the_target() -> None:
    dataset = load("admissions:600", Choices(targets=("died",)))
    assert dataset.task.kind == "binary"
    assert "length_of_stay" not in {c.name for c in dataset.features}
    assert dataset.cohort.group == "patient_id"


def test_columns_known_during_the_stay_move_the_moment_of_prediction() -> None:
    choices = Choices(targets=("length_of_stay",), as_roles={"procedures": "numeric"})
    said = described(load("admissions:600", choices))
    assert said.prediction_moment == "stay"
    assert "procedures" in said.prediction_moment_reason


def test_columns_known_with_the_outcome_stay_out_whatever_is_said() -> None:
    columns = {c.name: c for c in examine_table("admissions:600", Choices(as_roles={"died": "boolean"})).columns}
    assert columns["died"].role == "dropped"
    assert columns["died"].reason == "boolean, but known only with the outcome: after any moment of prediction"
