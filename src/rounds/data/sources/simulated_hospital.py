"""A simulated hospital: linked stays, coded diagnoses, and a known conditional mean of the length of stay.

Nothing here is a patient. Each patient comes, stays, and is discharged, transferred to another ward, or dies; who goes
home may come back. How long a stay lasts depends on what is known at admission alone (`simulated_stays`), so the
best score that any model can reach is known too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from rounds.data.sources.simulated_stays import (
    CREATININE_LOG_SPREAD,
    DIAGNOSES,
    GAMMA_SHAPE,
    SODIUM_MEAN,
    SODIUM_SPREAD,
    Stays,
    creatinine_log_mean,
    death_rate,
    expected_stay,
    median_stay,
    transfer_rate,
    true_incidence,
    uncut_mean,
)
from rounds.foreign_files import JsonObject

NOTE = "simulated hospital: no patient in it is real, and its associations are made up"
MISSING_SHARE = 0.15
RETURN_SHARE = 0.35  # of patients discharged home who come back
RETURN_DAYS = 120.0  # mean time until they do
MINUTES = 1440  # a day
_WARDS = ("medical", "surgical", "cardiology", "oncology", "neurology")
_ADMISSION = {"known": "admission"}
_DURING = {"known": "stay", "role": "dropped", "reason": "known only during the stay"}
_AFTER = {"known": "outcome", "role": "dropped", "reason": "known only at the end of the stay"}
DECLARED: dict[str, JsonObject] = {
    "stay_id": {**_ADMISSION, "role": "identifier"},
    "patient_id": {**_ADMISSION, "role": "identifier"},
    "admitted": {**_ADMISSION, "role": "date"},
    "age": {**_ADMISSION, "unit": "years"},
    "sex": {**_ADMISSION, "role": "categorical"},
    "emergency": {**_ADMISSION, "role": "boolean"},
    "ward": {**_ADMISSION, "role": "categorical"},
    "diagnosis": {**_ADMISSION, "role": "categorical"},
    "earlier_stays": {**_ADMISSION, "role": "numeric"},
    "sodium": {**_ADMISSION, "unit": "mmol/L"},
    "creatinine": {**_ADMISSION, "unit": "mg/dL"},
    "systolic_pressure": {**_ADMISSION, "unit": "mmHg"},
    "heart_rate": {**_ADMISSION, "unit": "1/min"},
    "transferred_in": {**_ADMISSION, "role": "boolean"},
    "procedures": _DURING,
    "icu_days": {**_DURING, "unit": "days"},
    "discharged": _AFTER,
    "transferred_out": _AFTER,
    "died": _AFTER,
    "length_of_stay": {"known": "outcome", "unit": "days"},
}


@dataclass(frozen=True)
class Hospital:
    """table: one row a stay; expected: [N] true mean length of stay in days given the columns known at admission;
    death: [N] true probability that the stay ends in death, given the same; stays, unmeasured: what they follow from.
    """

    table: pl.DataFrame
    expected: np.ndarray
    death: np.ndarray
    stays: Stays
    unmeasured: Stays

    def best_scores(self) -> dict[str, float]:
        """R2 and RMSE of the true mean and MAE of the true median: no model can be better but by luck."""
        days = self.table["length_of_stay"].to_numpy()
        squared = float(((days - self.expected) ** 2).mean())
        median = median_stay(self.stays, self.unmeasured)
        return {"r2": 1 - squared / float(days.var()), "rmse": squared**0.5, "mae": float(np.abs(days - median).mean())}

    def incidence(self, days: np.ndarray) -> np.ndarray:
        """True chance of discharge, death and transfer by each day, [3, N, K]."""
        return true_incidence(self.stays, self.unmeasured, days)


def simulate_admissions(rows: int = 6_000, seed: int = 0) -> Hospital:
    """`rows` stays of about 0.6 patients each; the same seed and size give the same stays.

    >>> simulate_admissions(200).table.height
    200
    """
    random = np.random.default_rng(np.random.SeedSequence([seed, rows]))
    parts = list(_generations(_people(rows, random), random))
    stays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(stays["patient"], kind="stable")[:rows]  # whole courses, but for the last patient's
    stays = {name: values[order] for name, values in stays.items()}
    # The sicker are measured more often: what is missing says something, though only through `emergency`.
    holes = random.random((2, rows)) < MISSING_SHARE * np.where(stays["emergency"], 0.5, 1.6)
    unmeasured = {"sodium": holes[0], "creatinine": holes[1]}
    expected = expected_stay(stays, unmeasured)
    table = _table(stays, unmeasured, random)
    return Hospital(table, expected, death_rate(stays) * expected, stays, unmeasured)


def _people(count: int, random: np.random.Generator) -> Stays:
    """One a patient: age at the first admission, sex, the diagnosis that comes back, and when they first come."""
    return {
        "born": np.clip(random.normal(63, 17, count), 18, 98),
        "female": random.random(count) < 0.52,
        "chronic": _draw_diagnoses(count, random),
        "first": random.integers(0, 5 * 365 * MINUTES, count),
    }


def _draw_diagnoses(count: int, random: np.random.Generator) -> np.ndarray:
    """Few are frequent, most are rare: shares fall as 1 / rank (Zipf)."""
    weight = 1 / np.arange(1, DIAGNOSES + 1)
    return random.choice(DIAGNOSES, count, p=weight / weight.sum())


def _generations(people: Stays, random: np.random.Generator) -> Iterator[Stays]:
    """Everybody's first stay, then the second stays of those who have one, and so on."""
    patients = np.arange(len(people["born"]))
    before = None
    while len(patients):
        stay = _lasting(_admitted(people, patients, before, random), random)
        yield stay
        home = ~stay["died"] & ~stay["moved"]
        again = stay["moved"] | (home & (random.random(len(patients)) < RETURN_SHARE))
        before = {name: values[again] for name, values in stay.items()}
        patients = patients[again]


def _admitted(people: Stays, patients: np.ndarray, before: Stays | None, random: np.random.Generator) -> Stays:
    """What is known at admission. A transfer goes on where the last stay ended, in another ward."""
    count, first = len(patients), people["first"][patients]
    moved = np.zeros(count, bool) if before is None else before["moved"]
    gap = np.where(moved, 0, MINUTES + random.exponential(RETURN_DAYS * MINUTES, count).astype(np.int64))
    admitted = first if before is None else before["discharged"] + gap
    chronic = people["chronic"][patients]
    stay = {
        "patient": patients,
        "female": people["female"][patients],
        "admitted": admitted,
        "age": np.floor(people["born"][patients] + (admitted - first) / (365.25 * MINUTES)),
        "earlier": np.zeros(count, np.int64) if before is None else before["earlier"] + 1,
        "transferred": moved,
        "emergency": random.random(count) < 0.6,
        "ward": random.choice(len(_WARDS), count, p=(0.4, 0.25, 0.15, 0.1, 0.1)),
        "diagnosis": np.where(random.random(count) < 0.4, chronic, _draw_diagnoses(count, random)),
    }
    if before is not None:
        other = (before["ward"] + random.integers(1, len(_WARDS), count)) % len(_WARDS)
        stay |= {name: np.where(moved, before[name], stay[name]) for name in ("emergency", "diagnosis")}
        stay["ward"] = np.where(moved, other, stay["ward"])
    return {**stay, **_measurements(stay["diagnosis"], random)}


def _measurements(diagnosis: np.ndarray, random: np.random.Generator) -> Stays:
    rows = len(diagnosis)
    return {
        "sodium": random.normal(SODIUM_MEAN, SODIUM_SPREAD, rows).round(1),
        "creatinine": np.exp(random.normal(creatinine_log_mean(diagnosis), CREATININE_LOG_SPREAD)).round(2),
        "pressure": random.normal(132, 20, rows).round(0),
        "heart_rate": random.normal(82, 15, rows).round(0),
    }


def _lasting(stay: Stays, random: np.random.Generator) -> Stays:
    """How long it lasts, and what ends it: the planned discharge, death or a transfer, whichever is first."""
    planned = random.gamma(GAMMA_SHAPE, uncut_mean(stay) / GAMMA_SHAPE)
    death = random.exponential(1 / death_rate(stay))
    rate = transfer_rate(stay)
    transfer = np.where(rate > 0, random.exponential(1 / np.maximum(rate, 1e-12)), np.inf)
    days = np.minimum(np.minimum(planned, death), transfer)
    minutes = np.maximum(np.rint(days * MINUTES), 1).astype(np.int64)
    ended = {"died": death == days, "moved": transfer == days, "discharged": stay["admitted"] + minutes}
    return {**stay, **ended, "days": (minutes / MINUTES).round(4)}


def _table(stay: Stays, unmeasured: Stays, random: np.random.Generator) -> pl.DataFrame:
    rows, days = len(stay["days"]), stay["days"]
    icd = np.array([f"{chr(65 + i % 20)}{10 + i // 20:02d}.{i % 9}" for i in range(DIAGNOSES)])
    return pl.DataFrame(
        {
            "stay_id": [f"S{n:07d}" for n in range(rows)],
            "patient_id": [f"P{n:07d}" for n in stay["patient"]],
            "admitted": _moments(stay["admitted"]),
            "age": stay["age"],
            "sex": np.where(stay["female"], "F", "M"),
            "emergency": stay["emergency"],
            "ward": np.array(_WARDS)[stay["ward"]],
            "diagnosis": icd[stay["diagnosis"]],
            "earlier_stays": stay["earlier"],
            "sodium": _holed(stay["sodium"], unmeasured["sodium"]),
            "creatinine": _holed(stay["creatinine"], unmeasured["creatinine"]),
            "systolic_pressure": stay["pressure"],
            "heart_rate": stay["heart_rate"],
            "transferred_in": stay["transferred"],
            "procedures": random.poisson(0.3 * days),
            "icu_days": (days * random.beta(1, 6, rows)).round(2),
            "discharged": _moments(stay["discharged"]),
            "transferred_out": stay["moved"],
            "died": stay["died"],
            "length_of_stay": days,
        }
    )


def _moments(minutes: np.ndarray) -> np.ndarray:
    return np.datetime64("2019-01-01T00:00", "us") + minutes.astype("timedelta64[m]")


def _holed(values: np.ndarray, holes: np.ndarray) -> pl.Series:
    return pl.Series(np.where(holes, np.nan, values)).fill_nan(None)
