"""Good plans: what the faults are planted into, and the varied controls on which a rule must stay silent."""

from typing import Any

import numpy as np

Changes = dict[str, Any]
CONTROLS, AT_FIRST = 50, 20  # of each task; for a first look at it

GOOD: Changes = {
    "hidden": (32, 32),
    "activation": "relu",
    "initializer": "he_normal",
    "dropout": 0.1,
    "weight_decay": 1e-2,
    "optimizer": "adamw",
    "learning_rate": (2e-3, 1e-2),
    "schedule": "cosine",
    "warmup_epochs": 1.0,
    "batch_size": 32,
    "epochs": 24,
    "keep_best": "loss",
    "folds": 3,
    "measure_every": 3,
    "target_transform": "none",
}
# Structures, each compiled once a task; settings below vary within each.
STRUCTURES: tuple[Changes, ...] = (
    {},
    {"hidden": (64,), "activation": "silu"},
    {"hidden": (32, 24, 16), "activation": "tanh", "initializer": "glorot_uniform"},
    {"normalization": "batch", "activation": "gelu", "epochs": 20},
    {"number_embedding": "periodic", "hidden": (32,), "epochs": 20},
    {"optimizer": "momentum", "schedule": "one_cycle", "learning_rate": (0.02, 0.05), "hidden": (64, 32)},
    {"initializer": "he_uniform"},
    {"optimizer": "adam", "schedule": "constant", "batch_size": 64, "epochs": 40, "learning_rate": (1e-3, 5e-3)},
)
DROPOUTS, DECAYS, FACTORS = (0.05, 0.1, 0.2, 0.3), (1e-4, 1e-3, 1e-2, 3e-2), (0.6, 1.0, 1.5)


def controls(
    random: np.random.Generator,
    good: Changes = GOOD,
    structures: tuple[Changes, ...] = STRUCTURES,
    count: int = CONTROLS,
) -> list[Changes]:
    """So many good plans: every structure equally often, dropout, decay and rates drawn.

    >>> len(controls(np.random.default_rng(0))) == CONTROLS
    True
    """
    made = []
    for number in range(count):
        plan = {**good, **structures[number % len(structures)]}
        factor = float(random.choice(FACTORS))
        drawn = {
            "dropout": float(random.choice(DROPOUTS)),
            "weight_decay": float(random.choice(DECAYS)),
            "learning_rate": tuple(factor * rate for rate in plan["learning_rate"]),
        }
        made.append({**plan, **drawn})
    return made
