"""The faults that the ward plants into networks of images and recordings, and the diagnoses that count.

Those of tables that make sense there, of the same names and diagnoses, and some of their own. The acceptable diagnoses
were written down before any of these networks was trained: the planted cause, and causes that the same single change
mends.
"""

from benchmarks.ward import grid_faults as grid
from benchmarks.ward import table_faults as table
from benchmarks.ward.faults import BARE, LAST, SHORT, SLOW, Fault, either, output_that_does_not_fit

# A mark in the corner of an image is no column, but a leak nevertheless.
LEAK = ("target-leak", "implausible-score")
TWICE = ("duplicate-rows", "patient-leak")
_SMALL = {"normalization": "batch", "epochs": 12}

BOTH: tuple[Fault, ...] = (
    Fault("learning rate too high", ("learning-rate-too-high",),
          either({"learning_rate": (0.3, 1.0)}, {"learning_rate": (3.0, 10.0)})),
    Fault("learning rate too low", SLOW,
          either({"learning_rate": (1e-5, 3e-5)}, {"learning_rate": (1e-7, 1e-6)})),
    Fault("output and loss do not fit", ("loss-output-mismatch",), output_that_does_not_fit),
    Fault("constant initial weights", ("poor-initialization",),
          either({"initializer": "constant:0.01"}, {"initializer": "zeros"})),
    Fault("large initial weights", ("poor-initialization",),
          either({"initializer": "random_normal:3"}, {"initializer": "random_normal:30"})),
    Fault("dead units by bias", ("poor-initialization", "dead-units"),
          either({"bias_initializer": "constant:-5"}, {"bias_initializer": "constant:-50"})),
    Fault("rows sorted, not shuffled", ("not-shuffled",), either({"shuffle": False}, {"shuffle": False}),
          table.sorted_by_outcome),
    Fault("batch too large", SLOW,
          either({**SHORT, "batch_size": "all", "learning_rate": (1e-3, 2e-3)},
                 {**SHORT, "batch_size": "all", "epochs": 12, "learning_rate": (1e-3, 2e-3)})),
    Fault("too few epochs", SLOW, either({**SHORT, "epochs": 3, "learning_rate": (5e-4, 2e-3)},
                                         {**SHORT, "epochs": 1, "learning_rate": (5e-4, 2e-3)})),
    Fault("too many epochs, last one kept", ("overfitting",),
          either({**LAST, "epochs": 50, "hidden": (64,)}, {**LAST, "epochs": 100, "hidden": (64,)})),
    Fault("network too large, last epoch kept", ("overfitting",),
          either({**LAST, "filters": (16, 32), "recurrent": (48,), "hidden": (128,), "epochs": 20},
                 {**LAST, "filters": (16, 32), "recurrent": (48,), "hidden": (128,), "epochs": 40})),
    Fault("network too small", ("underfitting", "dead-units"),
          either({"filters": (2,), "recurrent": (2,), "hidden": (2,)},
                 {"filters": (1,), "recurrent": (1,), "hidden": (1,)})),
    Fault("dropout too high", ("over-regularized",), either({"dropout": 0.85}, {"dropout": 0.97})),
    Fault("l2 too strong", ("over-regularized",), either({"l2": 0.1}, {"l2": 3.0})),
    Fault("epsilon too large", SLOW, either({"epsilon": 1.0}, {"epsilon": 100.0})),
    Fault("decayed too early", ("decayed-too-early", "learning-rate-too-low"),
          either({"schedule": "step", "decay_epochs": (2.0,), "decay_factor": 3e-3},
                 {"schedule": "step", "decay_epochs": (2.0,), "decay_factor": 1e-5, "learning_rate": (5e-4, 2e-3)})),
    Fault("frozen layers", ("frozen-layer",),
          either({"frozen_layers": 2}, {"frozen_layers": 2, "initializer": "random_normal:0.05"})),
    Fault("batch statistics of a handful", ("tiny-batch-statistics",),
          either({**_SMALL, "batch_size": 4}, {**_SMALL, "batch_size": 2})),
    Fault("wrong labels", ("label-noise",), table=table.wrong_labels),
    Fault("copied rows over the split", ("duplicate-rows", "patient-leak"), table=table.copied_rows, harm="optimism"),
    Fault("patients over the split", ("patient-leak", "duplicate-rows"), table=grid.several_of_each_patient,
          harm="optimism"),
    Fault("validation of other patients", ("shifted-validation",), table=table.shifted_validation, harm="optimism"),
    Fault("test of other patients", ("shifted-test",), table=table.shifted_test, harm="optimism"),
    Fault("tiny validation", ("validation-too-small",), table=table.tiny_validation, harm="optimism"),
    Fault("rare outcome chosen by accuracy", ("misleading-metric", "class-imbalance"),
          either({"keep_best": "accuracy"}, {"keep_best": "accuracy"}), table.rare_outcome, ("binary",),
          harm="optimism"),
)  # fmt: skip
IMAGE_FAULTS: tuple[Fault, ...] = (
    *BOTH,
    Fault("deep sigmoids", ("vanishing-gradients", "poor-initialization"),
          either({"activation": "sigmoid", "filters": (8,) * 4, "initializer": "glorot_uniform"},
                 {"activation": "sigmoid", "filters": (8,) * 4, "initializer": "random_normal:0.05"})),
    Fault("pixels not scaled", ("unscaled-inputs",), either({"scale_inputs": False}, {"scale_inputs": False}),
          grid.of_16_bits),
    Fault("augmentation of images too strong", ("augmentation-too-strong",),
          either({**BARE, "shift": 0.5, "rotate": 90.0, "zoom": 0.5, "brightness": 3.0},
                 {**BARE, "shift": 0.9, "rotate": 180.0, "zoom": 0.9, "brightness": 10.0})),
    Fault("images saved again over the split", TWICE, table=grid.saved_again, harm="optimism"),
    Fault("a mark gives the outcome away", LEAK, table=grid.marked_images, harm="optimism"),
)  # fmt: skip
RECORDING_FAULTS: tuple[Fault, ...] = (
    *BOTH,
    Fault("recordings not scaled", ("unscaled-inputs",), either({"scale_inputs": False}, {"scale_inputs": False}),
          grid.recorded_in_small_units),
    Fault("augmentation of recordings too strong", ("augmentation-too-strong",),
          either({**BARE, "shift": 0.3, "mask_channels": 0.5, "mask_span": 0.5, "input_noise": 0.8},
                 {**BARE, "shift": 0.9, "mask_channels": 0.9, "mask_span": 0.9, "input_noise": 3.0})),
    Fault("gaps not read", ("gaps-unread",), table=grid.unread_gaps, of_gaps=True),
)  # fmt: skip
