"""What can be wrong with images and recordings that a table cannot have: each a function Ground -> Ground.

What can be wrong with any patients (labels, copies, splits) is in `table_faults.py`. severity, random, clean rows: as
there.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from benchmarks.ward.ground import Ground, with_patients
from benchmarks.ward.table_faults import COPIED, LEAK_ERRORS, as_strangers, repeated_patients
from benchmarks.ward.tasks import take
from rounds.data.dataset import Dataset
from rounds.data.images.engineered_features import image_features
from rounds.data.signals import ARRAY_ROW

Random = np.random.Generator
DEEPER = 257  # what makes 16 bits of 8: white stays white
UNITS = 1_000.0  # factor of all measurements: millivolts instead of volts
BRIGHTER, GRAIN = 0.1, 2.0  # an image saved again: largest change of brightness, share; noise, grey levels
MOVED, STIR = 1, (8.0, 3.0)  # images of one patient: pixels moved at most; noise, grey levels
TREMBLE = (0.1, 0.03)  # recordings of one patient: noise, standard deviations of each channel
MARK = 3  # pixels a side of a mark in the corner
WHITE = 255.0


def user_array(dataset: Dataset) -> np.ndarray:
    """The image or recording of each row [N, *space, channels]."""
    assert dataset.signals.array is not None
    return np.asarray(dataset.signals.array)[dataset.inputs[ARRAY_ROW].to_numpy()]


def with_array(dataset: Dataset, array: np.ndarray) -> Dataset:
    """The same rows with these images (and their features by hand) or recordings."""
    places = np.arange(dataset.rows)
    columns = [pl.Series(ARRAY_ROW, places)]
    if dataset.signals.modality == "image":
        made = image_features(array, places)
        columns += [made[name] for name in made.columns if name in dataset.inputs.columns]
    return replace(dataset, inputs=dataset.inputs.with_columns(columns), signals=replace(dataset.signals, array=array))


def _measured(dataset: Dataset) -> slice:
    """Channels of a recording that are measurements: behind the one that says that it goes on."""
    assert dataset.signals.timeline is not None
    return slice(1, 1 + len(dataset.signals.timeline.variables))


def of_16_bits(ground: Ground, severity: int, random: Random) -> Ground:
    """Images with 16 bits a pixel; mild: the 8 bits that they have."""
    if severity == 0:
        return ground

    def deeper(dataset: Dataset) -> Dataset:
        return with_array(dataset, user_array(dataset).astype(np.uint16) * DEEPER)

    return replace(ground, dataset=deeper(ground.dataset), clean=deeper(ground.clean))


def recorded_in_small_units(ground: Ground, severity: int, random: Random) -> Ground:
    """Measurements in a unit of a thousandth; mild: in their own."""
    if severity == 0:
        return ground

    def larger(dataset: Dataset) -> Dataset:
        array = user_array(dataset)
        array[:, :, _measured(dataset)] *= UNITS
        return with_array(dataset, array)

    return replace(ground, dataset=larger(ground.dataset), clean=larger(ground.clean))


def saved_again(ground: Ground, severity: int, random: Random) -> Ground:
    """Images that stand twice, each counted as a patient of its own, the second one brighter or darker and grained."""

    def change(dataset: Dataset) -> Dataset:
        copies = random.choice(dataset.rows, round(COPIED[severity] * dataset.rows), replace=False)
        made = take(dataset, np.concatenate([np.arange(dataset.rows), copies]))
        array = user_array(made)
        shape = (len(copies), *[1] * (array.ndim - 1))
        factor = 1 + BRIGHTER * random.uniform(-1, 1, shape)
        array[dataset.rows :] = _as_stored(array[dataset.rows :] * factor, GRAIN, random)
        return as_strangers(take(with_array(made, array), random.permutation(made.rows)))

    return with_patients(ground, change)


def _as_stored(pixels: np.ndarray, noise: float, random: Random) -> np.ndarray:
    """Pixels with noise, of 8 bits."""
    return np.clip(np.round(pixels + noise * random.standard_normal(pixels.shape)), 0, WHITE).astype(np.uint8)


def several_of_each_patient(ground: Ground, severity: int, random: Random) -> Ground:
    """Several images or recordings a patient, nearly alike, with the patient's number in a column that the split does
    not use."""
    repeated = repeated_patients(ground, severity, random)
    stir = _moved if ground.dataset.signals.modality == "image" else _trembling
    array = stir(repeated.dataset, severity, random)
    return replace(repeated, dataset=with_array(repeated.dataset, array))


def _moved(dataset: Dataset, severity: int, random: Random) -> np.ndarray:
    """Images [N, H, W, C] moved by a pixel at most, and grained."""
    moves = random.integers(-MOVED, MOVED + 1, size=(dataset.rows, 2))
    moved = [np.roll(image, move, axis=(0, 1)) for image, move in zip(user_array(dataset), moves, strict=True)]
    return _as_stored(np.stack(moved), STIR[severity], random)


def _trembling(dataset: Dataset, severity: int, random: Random) -> np.ndarray:
    array, channels = user_array(dataset), _measured(dataset)
    values = array[:, :, channels]
    noise = random.standard_normal(values.shape) * np.nanstd(values, axis=(0, 1)) * TREMBLE[severity]
    array[:, :, channels] = values + noise
    return array


def marked_images(ground: Ground, severity: int, random: Random) -> Ground:
    """A mark in the corner that is as bright as the outcome says (who is too ill to walk is imaged in bed, and marked
    so). New patients have one that says nothing."""

    def marked(dataset: Dataset, brightness: np.ndarray) -> Dataset:
        array = user_array(dataset)
        array[:, :MARK, :MARK] = np.round(brightness * WHITE).astype(np.uint8)[:, None, None, None]
        return with_array(dataset, array)

    mine, others = (_told(dataset, severity, random) for dataset in (ground.dataset, ground.clean))
    return replace(ground, dataset=marked(ground.dataset, mine), clean=marked(ground.clean, random.permutation(others)))


def _told(dataset: Dataset, severity: int, random: Random) -> np.ndarray:
    """The outcome [N] in 0 to 1, in some rows another's."""
    outcome = dataset.targets[:, 0] / max(dataset.task.outputs - 1, 1)
    wrong = random.random(len(outcome)) < LEAK_ERRORS[severity]
    return np.where(wrong, random.permutation(outcome), outcome)


def unread_measurement_pattern(ground: Ground, severity: int, random: Random) -> Ground:
    """Networks that cannot see what was measured when; mild: they still see how long ago."""
    timeline = ground.dataset.signals.timeline
    assert timeline is not None
    first, count = 1 + len(timeline.variables), len(timeline.incomplete)
    return replace(ground, unread=tuple(range(first, first + (2 if severity else 1) * count)))
