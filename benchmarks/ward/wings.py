"""What is planted into runs on each kind of patients, and what healthy runs beside them are."""

from dataclasses import dataclass

from benchmarks.ward.faults import FAULTS, Changes, Fault
from benchmarks.ward.healthy import AT_FIRST, CONTROLS, GOOD, STRUCTURES
from benchmarks.ward.row_faults import FEW, RARE_FAULTS, REPEATED_FAULTS
from benchmarks.ward.row_tasks import RARE_TASKS, REPEATED_TASKS
from benchmarks.ward.signal_faults import IMAGE_FAULTS, RECORDING_FAULTS
from benchmarks.ward.signal_tasks import SIGNAL_TASKS
from benchmarks.ward.tasks import TASKS, WardTask, WingName

FRESH_SEEDS = (10, 11)  # of the runs that decide whether a fault hurts; no rule sees them
SIGNAL_CONTROLS = 12  # of each task
ROW_CONTROLS = 24


@dataclass(frozen=True)
class Wing:
    """faults: what is planted into the plan `good`; structures: what controls differ in, each equally often of so many
    `controls`; at_first: those trained for a first look; seeds: of the runs that rules look at; always: codes that are
    true of every table here, and count neither as an alarm nor as a name."""

    faults: tuple[Fault, ...]
    good: Changes
    structures: tuple[Changes, ...]
    controls: int
    at_first: int
    seeds: tuple[int, ...]
    always: tuple[str, ...] = ()


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
WINGS: dict[WingName, Wing] = {
    "tables": Wing(FAULTS, GOOD, STRUCTURES, CONTROLS, AT_FIRST, (0, 1, 2)),
    "images": Wing(IMAGE_FAULTS, SIGNAL_GOOD, IMAGE_STRUCTURES, SIGNAL_CONTROLS, SIGNAL_CONTROLS, (0, 1)),
    "recordings": Wing(RECORDING_FAULTS, SIGNAL_GOOD, RECORDING_STRUCTURES, SIGNAL_CONTROLS, SIGNAL_CONTROLS, (0, 1)),
    "repeated rows": Wing(REPEATED_FAULTS, GOOD, STRUCTURES, ROW_CONTROLS, ROW_CONTROLS, (0, 1)),
    "few events": Wing(RARE_FAULTS, GOOD, STRUCTURES, ROW_CONTROLS, ROW_CONTROLS, (0, 1), always=FEW),
}
EVERY_TASK: tuple[WardTask, ...] = (*TASKS, *SIGNAL_TASKS, *REPEATED_TASKS, *RARE_TASKS)
TASK_OF = {task.name: task for task in EVERY_TASK}
BY_NAME = {fault.name: fault for wing in WINGS.values() for fault in wing.faults}


def wing_of(task: str) -> WingName:
    """The wing that a task is in, by its name."""
    return TASK_OF[task].wing


def first_look(task: WardTask) -> int:
    """Runs of a task's first look, those that decide about harm too; without them nobody looks at it."""
    wing = WINGS[task.wing]
    planted = [fault for fault in wing.faults if task.kind in fault.kinds and not fault.of_measurement_pattern]
    fresh = len(FRESH_SEEDS)
    return wing.at_first + fresh + sum(2 * (1 + fresh * (fault.harm == "test rows")) for fault in planted)
