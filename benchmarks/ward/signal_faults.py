"""The faults that the ward plants into networks of images and recordings, and the diagnoses that count.

Those of tables that make sense there, of the same names and diagnoses, and some of their own. The acceptable diagnoses
were written down before any of these networks was trained: the planted cause, and causes that the same single change
mends.
"""

from benchmarks.ward import array_faults as array
from benchmarks.ward.faults import BARE, FAULTS, LAST, Fault, either

# A mark in the corner of an image is no column, but a leak nevertheless.
LEAK = ("target-leak", "implausible-score")
TWICE = ("duplicate-rows", "patient-leak")
_SMALL = {"normalization": "batch", "epochs": 12}


def _as_tables(*names: str) -> tuple[Fault, ...]:
    """Faults of tables that are planted here as they are there."""
    return tuple(next(fault for fault in FAULTS if fault.name == name) for name in names)


BOTH: tuple[Fault, ...] = (
    *_as_tables(
        "learning rate too high",
        "learning rate too low",
        "output and loss do not fit",
        "constant initial weights",
        "large initial weights",
        "dead units by bias",
        "rows sorted, not shuffled",
        "batch too large",
        "too few epochs",
    ),
    Fault(
        "too many epochs, last one kept",
        ("overfitting",),
        either({**LAST, "epochs": 50, "hidden": (64,)}, {**LAST, "epochs": 100, "hidden": (64,)}),
    ),
    Fault(
        "network too large, last epoch kept",
        ("overfitting",),
        either(
            {**LAST, "filters": (16, 32), "recurrent": (48,), "hidden": (128,), "epochs": 20},
            {**LAST, "filters": (16, 32), "recurrent": (48,), "hidden": (128,), "epochs": 40},
        ),
    ),
    Fault(
        "network too small",
        ("underfitting", "dead-units"),
        either(
            {"filters": (2,), "recurrent": (2,), "hidden": (2,)}, {"filters": (1,), "recurrent": (1,), "hidden": (1,)}
        ),
    ),
    *_as_tables("dropout too high", "l2 too strong", "epsilon too large", "decayed too early"),
    Fault(
        "frozen layers",
        ("frozen-layer",),
        either({"frozen_layers": 2}, {"frozen_layers": 2, "initializer": "random_normal:0.05"}),
    ),
    Fault(
        "batch statistics of a handful",
        ("tiny-batch-statistics",),
        either({**_SMALL, "batch_size": 4}, {**_SMALL, "batch_size": 2}),
    ),
    *_as_tables("wrong labels", "copied rows over the split"),
    Fault(
        "patients over the split",
        ("patient-leak", "duplicate-rows"),
        table=array.several_of_each_patient,
        harm="optimism",
    ),
    *_as_tables(
        "validation of other patients",
        "test of other patients",
        "tiny validation",
        "rare outcome chosen by accuracy",
    ),
)
IMAGE_FAULTS: tuple[Fault, ...] = (
    *BOTH,
    Fault(
        "deep sigmoids",
        ("vanishing-gradients", "poor-initialization"),
        either(
            {"activation": "sigmoid", "filters": (8,) * 4, "initializer": "glorot_uniform"},
            {"activation": "sigmoid", "filters": (8,) * 4, "initializer": "random_normal:0.05"},
        ),
    ),
    Fault(
        "pixels not scaled",
        ("unscaled-inputs",),
        either({"scale_inputs": False}, {"scale_inputs": False}),
        array.of_16_bits,
    ),
    Fault(
        "augmentation of images too strong",
        ("augmentation-too-strong",),
        either(
            {**BARE, "shift": 0.5, "rotate": 90.0, "zoom": 0.5, "brightness": 3.0},
            {**BARE, "shift": 0.9, "rotate": 180.0, "zoom": 0.9, "brightness": 10.0},
        ),
    ),
    Fault("images saved again over the split", TWICE, table=array.saved_again, harm="optimism"),
    Fault("a mark gives the outcome away", LEAK, table=array.marked_images, harm="optimism"),
)
RECORDING_FAULTS: tuple[Fault, ...] = (
    *BOTH,
    Fault(
        "recordings not scaled",
        ("unscaled-inputs",),
        either({"scale_inputs": False}, {"scale_inputs": False}),
        array.recorded_in_small_units,
    ),
    Fault(
        "augmentation of recordings too strong",
        ("augmentation-too-strong",),
        either(
            {**BARE, "shift": 0.3, "mask_channels": 0.5, "mask_span": 0.5, "input_noise": 0.8},
            {**BARE, "shift": 0.9, "mask_channels": 0.9, "mask_span": 0.9, "input_noise": 3.0},
        ),
    ),
    Fault("gaps not read", ("gaps-unread",), table=array.unread_measurement_pattern, of_measurement_pattern=True),
)
