"""What is planted into runs on each kind of patients, and what healthy runs beside them are."""

from dataclasses import dataclass

from benchmarks.ward.faults import FAULTS, Changes, Fault
from benchmarks.ward.healthy import AT_FIRST, CONTROLS, GOOD, STRUCTURES
from benchmarks.ward.signal_faults import IMAGE_FAULTS, RECORDING_FAULTS
from benchmarks.ward.signal_tasks import SIGNAL_TASKS
from benchmarks.ward.tasks import TASKS, WardTask
from rounds.data.dataset import Modality

FRESH_SEEDS = (10, 11)  # of the runs that decide whether a fault hurts; no rule sees them
SIGNAL_CONTROLS = 12  # of each task


@dataclass(frozen=True)
class Wing:
    """faults: what is planted into the plan `good`; structures: what controls differ in, each equally often of so many
    `controls`; at_first: those trained for a first look; seeds: of the runs that rules look at."""

    faults: tuple[Fault, ...]
    good: Changes
    structures: tuple[Changes, ...]
    controls: int
    at_first: int
    seeds: tuple[int, ...]


# Small networks without normalization: with it many faults do nothing.
SIGNAL_GOOD: Changes = {
    "block": "plain",
    "block_depth": 1,
    "hidden": (16,),
    "activation": "relu",
    "initializer": "he_normal",
    "dropout": 0.1,
    "weight_decay": 1e-2,
    "optimizer": "adamw",
    "schedule": "cosine",
    "warmup_epochs": 1.0,
    "batch_size": 32,
    "epochs": 20,
    "keep_best": "loss",
    "folds": 3,
    "measure_every": 4,
    "target_transform": "none",
}
_LIKE_PROPOSED: Changes = {"normalization": "batch", "hidden": ()}
IMAGE_STRUCTURES: tuple[Changes, ...] = (
    {},
    {**_LIKE_PROPOSED, "block": "residual"},
    {"activation": "silu", "shift": 0.06, "zoom": 0.1, "rotate": 7.0, "brightness": 0.3, "contrast": 0.3},
    {"optimizer": "adam", "schedule": "constant", "epochs": 30, "learning_rate": (2e-3, 5e-3)},
)
RECORDING_STRUCTURES: tuple[Changes, ...] = (
    {},
    {**_LIKE_PROPOSED, "bidirectional": True},
    {"activation": "silu", "cell": "lstm", "shift": 0.02, "scaling": 0.1, "input_noise": 0.1},
    {"optimizer": "adam", "schedule": "constant", "epochs": 30, "learning_rate": (2e-3, 5e-3)},
)
WINGS: dict[Modality, Wing] = {
    "table": Wing(FAULTS, GOOD, STRUCTURES, CONTROLS, AT_FIRST, (0, 1, 2)),
    "image": Wing(IMAGE_FAULTS, SIGNAL_GOOD, IMAGE_STRUCTURES, SIGNAL_CONTROLS, SIGNAL_CONTROLS, (0, 1)),
    "recording": Wing(RECORDING_FAULTS, SIGNAL_GOOD, RECORDING_STRUCTURES, SIGNAL_CONTROLS, SIGNAL_CONTROLS, (0, 1)),
}
EVERY_TASK: tuple[WardTask, ...] = (*TASKS, *SIGNAL_TASKS)
BY_NAME = {fault.name: fault for wing in WINGS.values() for fault in wing.faults}
