"""A simulated hospital: linked stays, coded diagnoses, and a known conditional mean of the length of stay.

Nothing here is a patient. Length of stay is Gamma-distributed around a mean that is a known function of what is known
at admission, so the best score that any model can reach is known too.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

NOTE = "simulated hospital: no patient in it is real, and its associations are made up"
DIAGNOSES = 300  # different codes; frequencies fall as 1 / rank (Zipf)
GAMMA_SHAPE = 2.5  # of the length of stay around its mean: coefficient of variation 0.63
TRANSFER_SHARE, MISSING_SHARE = 0.06, 0.15
STAYS_MEAN = 1.6
_WARDS = ("medical", "surgical", "cardiology", "oncology", "neurology")
_ADMISSION = {"known": "admission"}
_DURING = {"known": "stay", "role": "dropped", "reason": "known only during the stay"}
_AFTER = {"known": "outcome", "role": "dropped", "reason": "known only at the end of the stay"}
DECLARED: dict[str, dict[str, Any]] = {
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
    "icu_days": _DURING,
    "discharged": {**_AFTER, "role": "dropped"},
    "died": _AFTER,
    "length_of_stay": {"known": "outcome", "unit": "days"},
}


@dataclass(frozen=True)
class Hospital:
    """table: one row a stay; expected: [N] true mean length of stay given the columns known at admission, in days."""

    table: pl.DataFrame
    expected: np.ndarray


def simulate_admissions(rows: int = 6_000, seed: int = 0) -> Hospital:
    """`rows` stays of about rows / 1.6 patients; the same seed and size give the same stays.

    >>> simulate_admissions(200).table.height
    200
    """
    random = np.random.default_rng(np.random.SeedSequence([seed, rows]))
    patient, earlier = _patients(rows, random)
    person = _people(int(patient.max()) + 1, random)
    diagnosis = np.where(random.random(rows) < 0.4, person["diagnosis"][patient], _draw_diagnoses(rows, random))
    stay = {
        "age": np.floor(person["age"][patient] + 0.7 * earlier),
        "female": person["female"][patient],
        "emergency": random.random(rows) < 0.6,
        "ward": random.choice(len(_WARDS), rows, p=(0.4, 0.25, 0.15, 0.1, 0.1)),
        "diagnosis": diagnosis,
        "earlier": earlier,
        "transferred": random.random(rows) < TRANSFER_SHARE,
        **_measurements(rows, diagnosis, random),
    }
    expected = expected_stay(stay)
    return Hospital(_table(patient, stay, expected, random), expected)


def expected_stay(stay: dict[str, np.ndarray]) -> np.ndarray:
    """Mean days of a stay [N]: a product of effects, with a bend in age, a U in sodium and an interaction.

    A transferred stay counts only its second part, so it is shorter.
    """
    severity = np.random.default_rng(7).gamma(4.0, 0.25, DIAGNOSES)[stay["diagnosis"]]
    ward = np.array([1.0, 1.25, 0.85, 1.4, 1.1])[stay["ward"]]
    age = 1 + 0.012 * np.maximum(stay["age"] - 50, 0)
    sodium = 1 + 0.004 * (stay["sodium"] - 139) ** 2 / 4
    kidney = 1 + 0.15 * np.log(stay["creatinine"])
    both = 1 + 0.25 * (stay["emergency"] & (stay["age"] > 75))
    again = 1 + 0.05 * np.minimum(stay["earlier"], 6)
    return np.asarray(
        3.2 * severity * ward * age * sodium * kidney * both * again * np.where(stay["transferred"], 0.6, 1.0)
    )


def _patients(rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Patient of each stay, in order of admission within a patient, and how many stays came before."""
    stays = random.geometric(1 / STAYS_MEAN, rows)
    patient = np.repeat(np.arange(rows), stays)[:rows]
    first = np.r_[True, patient[1:] != patient[:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(rows), 0))
    return patient, np.arange(rows) - start


def _people(count: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    age = np.clip(random.normal(63, 17, count), 18, 98)
    return {"age": age, "female": random.random(count) < 0.52, "diagnosis": _draw_diagnoses(count, random)}


def _draw_diagnoses(count: int, random: np.random.Generator) -> np.ndarray:
    weight = 1 / np.arange(1, DIAGNOSES + 1)
    return random.choice(DIAGNOSES, count, p=weight / weight.sum())


def _measurements(rows: int, diagnosis: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "sodium": random.normal(139, 4, rows).round(1),
        "creatinine": np.exp(random.normal(0.05 + 0.2 * (diagnosis % 7 == 0), 0.35, rows)).round(2).clip(0.3),
        "pressure": random.normal(132, 20, rows).round(0),
        "heart_rate": random.normal(82, 15, rows).round(0),
    }


def _table(
    patient: np.ndarray, stay: dict[str, np.ndarray], expected: np.ndarray, random: np.random.Generator
) -> pl.DataFrame:
    rows = len(patient)
    planned = random.gamma(GAMMA_SHAPE, expected / GAMMA_SHAPE)
    risk = 1 / (1 + np.exp(5.0 - 0.04 * stay["age"] - 0.1 * (stay["heart_rate"] - 82) / 15))
    died = random.random(rows) < 0.4 * risk
    # The conditional mean stays known: a death does not shorten the stay on average, it only ends it.
    days = np.maximum(planned, 0.1).round(1)
    admitted = np.datetime64("2019-01-01") + random.integers(0, 5 * 365, rows).astype("timedelta64[D]")
    icd = np.array([f"{chr(65 + i % 20)}{10 + i // 20:02d}.{i % 9}" for i in range(DIAGNOSES)])
    # The sicker are measured more often: what is missing says something.
    unmeasured = random.random((2, rows)) < MISSING_SHARE * np.where(stay["emergency"], 0.5, 1.6)
    return pl.DataFrame(
        {
            "stay_id": [f"S{n:07d}" for n in range(rows)],
            "patient_id": [f"P{n:07d}" for n in patient],
            "admitted": admitted,
            "age": stay["age"],
            "sex": np.where(stay["female"], "F", "M"),
            "emergency": stay["emergency"],
            "ward": np.array(_WARDS)[stay["ward"]],
            "diagnosis": icd[stay["diagnosis"]],
            "earlier_stays": stay["earlier"],
            "sodium": _holed(stay["sodium"], unmeasured[0]),
            "creatinine": _holed(stay["creatinine"], unmeasured[1]),
            "systolic_pressure": stay["pressure"],
            "heart_rate": stay["heart_rate"],
            "transferred_in": stay["transferred"],
            "procedures": random.poisson(0.3 * days),
            "icu_days": (days * random.beta(1, 6, rows)).round(1),
            "discharged": admitted + np.ceil(days).astype("timedelta64[D]"),
            "died": died,
            "length_of_stay": days,
        }
    )


def _holed(values: np.ndarray, holes: np.ndarray) -> pl.Series:
    return pl.Series(np.where(holes, np.nan, values)).fill_nan(None)
