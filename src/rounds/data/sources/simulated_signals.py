"""Small simulated images and recordings, to try networks that read them; nothing here is a patient.

An image shows two dark lungs; a finding is a bright spot in one of them. A recording holds vital signs by the hour;
who deteriorates towards its end dies more often.
"""

import numpy as np
import polars as pl

PIXELS = 16  # height and width
HOURS = 24
_CENTRES = (4.3, 11.7)  # of the lungs, from the left
SIGNS = ("heart_rate", "systolic_pressure", "saturation")
NOTE_OF_IMAGES = "simulated images: no patient in them is real"
NOTE_OF_RECORDINGS = "simulated recordings: no patient in them is real"
_USUAL, _SPREAD, _HOURLY = (82.0, 128.0, 96.5), (9.0, 14.0, 1.2), (3.0, 5.0, 0.6)  # mean; between patients; by hour
_WORSENING = (1.6, -2.2, -0.35)  # an hour of the last eight, where a patient deteriorates by one
_MISSING_SHARE = 0.05
_PER_PATIENT = 2  # images of one patient, one after the other


def simulate_images(rows: int = 400, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """(patient, age and finding; [N, 16, 16, 1] uint8): half of the patients have a finding.

    >>> table, images = simulate_images(6)
    >>> images.shape, table.columns
    ((6, 16, 16, 1), ['patient', 'age', 'finding'])
    """
    random = np.random.default_rng(np.random.SeedSequence([seed, rows, 1]))
    patient = np.arange(rows) // _PER_PATIENT
    age = random.integers(20, 90, patient[-1] + 1)
    ill = random.permutation(np.arange(patient[-1] + 1) % 2 == 1)[patient]
    images = 150 - 85 * _lungs(random, rows) + 45 * ill[:, None, None] * _spots(random, rows)
    images = images * random.normal(1, 0.08, (rows, 1, 1)) + random.normal(0, 14, images.shape)
    table = pl.DataFrame(
        {"patient": patient, "age": age[patient], "finding": np.where(ill, "opacity", "none")},
    )
    return table, images.clip(0, 255).astype(np.uint8)[..., None]


def _lungs(random: np.random.Generator, rows: int) -> np.ndarray:
    """[N, H, W] 0 to 1: two ellipses, a pixel or so to either side."""
    down, across = np.mgrid[:PIXELS, :PIXELS]
    moved = random.normal(0, 0.5, (rows, 2, 1, 1))
    lungs = [((down - 8 - moved[:, 0]) / 6) ** 2 + ((across - centre - moved[:, 1]) / 2.8) ** 2 for centre in _CENTRES]
    return np.asarray(1 / (1 + np.exp(6 * (np.minimum(*lungs) - 1))))


def _spots(random: np.random.Generator, rows: int) -> np.ndarray:
    """[N, H, W] 0 to 1: one soft spot in the left or right lung."""
    down, across = np.mgrid[:PIXELS, :PIXELS]
    y = random.uniform(5, 11, (rows, 1, 1))
    x = random.choice(_CENTRES, (rows, 1, 1)) + random.uniform(-1, 1, (rows, 1, 1))
    width = random.uniform(1.0, 1.6, (rows, 1, 1))
    return np.asarray(np.exp(-((down - y) ** 2 + (across - x) ** 2) / (2 * width**2)))


def simulate_recordings(rows: int = 600, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """(patient, age and died; [N, 24, 3] float32, nan = not measured): about a quarter die.

    >>> table, signs = simulate_recordings(5)
    >>> signs.shape, table.columns
    ((5, 24, 3), ['patient', 'age', 'died'])
    """
    random = np.random.default_rng(np.random.SeedSequence([seed, rows, 2]))
    age = random.integers(20, 90, rows)
    worse = random.gamma(1.0, 0.6, rows)
    usual = np.array(_USUAL) + np.array(_SPREAD) * random.normal(size=(rows, 1, len(SIGNS)))
    signs = usual + np.array(_HOURLY) * random.normal(size=(rows, HOURS, len(SIGNS)))
    last = np.maximum(np.arange(HOURS) - (HOURS - 9), 0)[None, :, None]
    signs = signs + worse[:, None, None] * last * np.array(_WORSENING)
    signs[..., 2] = np.minimum(signs[..., 2], 100)
    signs[random.random(signs.shape) < _MISSING_SHARE] = np.nan
    logit = -2.6 + 2.0 * worse + 0.02 * (age - 55)
    died = random.random(rows) < 1 / (1 + np.exp(-logit))
    return pl.DataFrame({"patient": np.arange(rows), "age": age, "died": died}), signs.astype(np.float32)
