"""The faults that the ward plants: each a row with what it does to a plan or to a table, and the diagnoses that count.

Catalogues: DeepCrime (Humbatova et al. 2021), TheDeepChecker (Ben Braiek and Khomh 2023), AutoTrainer (Zhang et al.
2021). The acceptable diagnoses were written down before any rule was run on the ward: the planted cause, and causes
that the same single change mends. Severity 0 is mild, 1 severe.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.ward import table_faults as table
from benchmarks.ward.ground import Ground
from rounds.task import Task

Changes = dict[str, Any]
Harm = Literal["test rows", "optimism"]


def _same(ground: Ground, severity: int, random: np.random.Generator) -> Ground:
    return ground


@dataclass(frozen=True)
class Fault:
    """One operator. acceptable: codes of which the first alarm must be one; changes: of the plan, for a severity and a
    task; table: what is done to the patients before they are split anew; kinds: tasks on which it can be planted.
    harm: whether it must hurt on test rows to count, or is exempt because its harm is a score that is too good, or a
    choice by luck. of_measurement_pattern: whether it takes recordings in which something was not measured.
    """

    name: str
    acceptable: tuple[str, ...]
    changes: Callable[[int, Task], Changes] = lambda severity, task: {}
    table: Callable[[Ground, int, np.random.Generator], Ground] = _same
    kinds: tuple[str, ...] = ("regression", "binary", "multiclass")
    harm: Harm = "test rows"
    of_measurement_pattern: bool = False

    @property
    def of_table(self) -> bool:
        """Whether the patients differ from the healthy ones."""
        return self.table is not _same


def either(mild: Changes, severe: Changes) -> Callable[[int, Task], Changes]:
    return lambda severity, task: (mild, severe)[severity]


def output_that_does_not_fit(severity: int, task: Task) -> Changes:
    """An output that cannot reach the outcomes; severe: a loss that judges something else as well."""
    if task.is_classification:
        return ({"output_activation": "tanh"}, {"output_activation": "tanh", "loss": "mae"})[severity]
    return ({"output_activation": "sigmoid"}, {"output_activation": "softmax", "loss": "binary_crossentropy"})[severity]


BARE = {"dropout": 0.0, "weight_decay": 0.0}
LAST = {**BARE, "schedule": "constant", "keep_best": "none"}
SHORT = {"schedule": "constant", "warmup_epochs": 0.0}
MOMENTUM = {"optimizer": "momentum", "dropout": 0.0, "learning_rate": (0.02, 0.1)}
SLOW = ("learning-rate-too-low", "still-improving")
FAULTS: tuple[Fault, ...] = (
    Fault(
        "learning rate too high",
        ("learning-rate-too-high",),
        either({"learning_rate": (0.3, 1.0)}, {"learning_rate": (3.0, 10.0)}),
    ),
    Fault("learning rate too low", SLOW, either({"learning_rate": (1e-5, 3e-5)}, {"learning_rate": (1e-7, 1e-6)})),
    Fault(
        "no activation", ("underfitting",), either({"activation": "linear"}, {"activation": "linear", "hidden": (8,)})
    ),
    Fault(
        "deep sigmoids",
        ("vanishing-gradients", "poor-initialization"),
        either(
            {"activation": "sigmoid", "hidden": (16,) * 6, "initializer": "glorot_uniform"},
            {"activation": "sigmoid", "hidden": (16,) * 6, "initializer": "random_normal:0.05"},
        ),
    ),
    Fault("output and loss do not fit", ("loss-output-mismatch",), output_that_does_not_fit),
    Fault(
        "constant initial weights",
        ("poor-initialization",),
        either({"initializer": "constant:0.01"}, {"initializer": "zeros"}),
    ),
    Fault(
        "large initial weights",
        ("poor-initialization",),
        either({"initializer": "random_normal:3"}, {"initializer": "random_normal:30"}),
    ),
    Fault(
        "dead units by bias",
        ("poor-initialization", "dead-units"),
        either({"bias_initializer": "constant:-5"}, {"bias_initializer": "constant:-50"}),
    ),
    Fault(
        "inputs not scaled",
        ("unscaled-inputs",),
        either({"scale_inputs": False}, {"scale_inputs": False}),
        table.in_small_units,
    ),
    Fault(
        "rows sorted, not shuffled",
        ("not-shuffled",),
        either({"shuffle": False}, {"shuffle": False}),
        table.sorted_by_outcome,
    ),
    Fault(
        "batch too small",
        ("unstable", "learning-rate-too-high"),
        either(
            {**SHORT, "batch_size": 2, "epochs": 8},
            {**SHORT, "batch_size": 2, "epochs": 8, "learning_rate": (0.02, 0.06)},
        ),
    ),
    Fault(
        "batch too large",
        SLOW,
        either(
            {**SHORT, "batch_size": "all", "learning_rate": (1e-3, 2e-3)},
            {**SHORT, "batch_size": "all", "epochs": 12, "learning_rate": (1e-3, 2e-3)},
        ),
    ),
    Fault(
        "too few epochs",
        SLOW,
        either(
            {**SHORT, "epochs": 3, "learning_rate": (5e-4, 2e-3)}, {**SHORT, "epochs": 1, "learning_rate": (5e-4, 2e-3)}
        ),
    ),
    Fault(
        "too many epochs, last one kept",
        ("overfitting",),
        either({**LAST, "epochs": 60, "hidden": (64, 64)}, {**LAST, "epochs": 150, "hidden": (64, 64)}),
    ),
    Fault("network too small", ("underfitting", "dead-units"), either({"hidden": (2,)}, {"hidden": (1, 1)})),
    Fault(
        "network too large, last epoch kept",
        ("overfitting",),
        either({**LAST, "hidden": (128, 128), "epochs": 20}, {**LAST, "hidden": (128, 128), "epochs": 50}),
    ),
    Fault("dropout too high", ("over-regularized",), either({"dropout": 0.85}, {"dropout": 0.97})),
    Fault("l2 too strong", ("over-regularized",), either({"l2": 0.1}, {"l2": 3.0})),
    Fault("l1 too strong", ("over-regularized",), either({"l1": 0.02}, {"l1": 0.5})),
    Fault("input noise too strong", ("over-regularized",), either({"input_noise": 3.0}, {"input_noise": 15.0})),
    Fault("epsilon too large", SLOW, either({"epsilon": 1.0}, {"epsilon": 100.0})),
    Fault(
        "momentum too high",
        ("learning-rate-too-high", "unstable"),
        either({**MOMENTUM, "momentum": 0.99}, {**MOMENTUM, "momentum": 0.999}),
    ),
    Fault(
        "decayed too early",
        ("decayed-too-early", "learning-rate-too-low"),
        either(
            {"schedule": "step", "decay_epochs": (2.0,), "decay_factor": 3e-3},
            {"schedule": "step", "decay_epochs": (2.0,), "decay_factor": 1e-5, "learning_rate": (5e-4, 2e-3)},
        ),
    ),
    Fault(
        "gradients clipped too short", SLOW, either({**MOMENTUM, "clip_norm": 3e-3}, {**MOMENTUM, "clip_norm": 1e-5})
    ),
    Fault(
        "frozen layers",
        ("frozen-layer",),
        either(
            {"frozen_layers": 2, "hidden": (8, 8)},
            {"frozen_layers": 2, "hidden": (8, 8), "initializer": "random_normal:0.05"},
        ),
    ),
    Fault("wrong labels", ("label-noise",), table=table.wrong_labels),
    Fault("copied rows over the split", ("duplicate-rows", "patient-leak"), table=table.copied_rows, harm="optimism"),
    Fault(
        "patients over the split", ("patient-leak", "duplicate-rows"), table=table.repeated_patients, harm="optimism"
    ),
    Fault(
        "a column gives the outcome away",
        ("target-leak", "implausible-score"),
        table=table.leaked_column,
        harm="optimism",
    ),
    Fault(
        "a pair gives the outcome away",
        ("target-leak", "implausible-score"),
        table=table.leaked_pair,
        kinds=("regression",),
        harm="optimism",
    ),
    Fault("validation of other patients", ("shifted-validation",), table=table.shifted_validation, harm="optimism"),
    Fault("test of other patients", ("shifted-test",), table=table.shifted_test, harm="optimism"),
    Fault("tiny validation", ("validation-too-small",), table=table.tiny_validation, harm="optimism"),
    Fault(
        "rare outcome chosen by accuracy",
        ("misleading-metric", "class-imbalance"),
        either({"keep_best": "accuracy"}, {"keep_best": "accuracy"}),
        table.rare_outcome,
        ("binary",),
        harm="optimism",
    ),
)
