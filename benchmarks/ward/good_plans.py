"""Which of some plans is good on a set of images or recordings: by its validation loss alone, on a seed no run has.

Beside it the loss of a linear model of features by hand on the same validation folds. Plans with normalization are
shown and not taken: with it many faults do nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.ward.evidence import Beside
from benchmarks.ward.ground import make_ground
from benchmarks.ward.healthy import Changes
from benchmarks.ward.signal_tasks import CONVOLUTIONAL, LONGER, RECURRENT, USUAL_AUGMENTATION
from benchmarks.ward.tasks import WardTask
from benchmarks.ward.training import HEALTHY_PATIENTS, Workshop, prepare, train
from benchmarks.ward.wings import RECORDING_STRUCTURES, WINGS
from rounds.data.signals import Modality
from rounds.examination.run import constant_loss
from rounds.plan import Plan
from rounds.training.population.build import Trained

SEED = 99
_NORMALIZED: Changes = {"normalization": "batch", "hidden": ()}
_SIGNAL: Changes = {name: RECORDING_STRUCTURES[2][name] for name in ("shift", "scaling", "input_noise")}
_AUGMENTED: dict[Modality, Changes] = {"image": USUAL_AUGMENTATION, "recording": _SIGNAL}
_NETWORKS: dict[object, Changes] = {one["network"]: one for one in (CONVOLUTIONAL, RECURRENT)}
_FASTER: Changes = {"learning_rate": (1.5e-2,)}


def candidates(modality: Modality) -> dict[str, Changes]:
    """Plans that are compared, by name."""
    augmented = {**LONGER, **_AUGMENTED[modality]}
    found = {
        "20 epochs": {"epochs": 20},
        "60 epochs": LONGER,
        "60 epochs, augmented": augmented,
        "60 epochs, twice the filters": {**LONGER, "filters": (16, 32, 64)},
        "60 epochs, dropout of 0.3": {**LONGER, "dropout": 0.3},
        "20 epochs, normalized": {"epochs": 20, **_NORMALIZED},
        "60 epochs, normalized, residual": {**LONGER, **_NORMALIZED, "block": "residual"},
        "60 epochs, normalized, residual, augmented": {**augmented, **_NORMALIZED, "block": "residual"},
    }
    for epochs in (120, 180):
        longer = {**augmented, "epochs": epochs}
        found[f"{epochs} epochs, augmented"] = longer
        found[f"{epochs} epochs, augmented, rate of 0.015"] = {**longer, **_FASTER}
    return found


def compare_plans(task: WardTask, shared: Path) -> Iterator[tuple[str, float, float]]:
    """(plan, mean validation loss at the best epochs, how far that is behind the linear model as a share of the
    constant's loss) of each candidate."""
    dataset, place, workshop = task.load(shared), (HEALTHY_PATIENTS, 0, SEED), Workshop()
    ground = make_ground(dataset, SEED)
    prepared, beside = prepare({place: ground}), Beside(ground)
    own = _NETWORKS[task.network["network"]]
    for name, changes in candidates(task.modality).items():
        plan = Plan(**{**WINGS[task.wing].good, **own, **changes, "seed": SEED})
        trained = train(workshop, plan, dataset.task, prepared, place)
        fold_data = trained.population.folds_data[0]
        loss, linear = _validation(trained), float(np.mean(list(beside.linear(trained, fold_data).values())))
        whole = constant_loss(dataset.task, plan, fold_data.targets[fold_data.learned])
        yield name, loss, (loss - linear) / whole


def _validation(trained: Trained) -> float:
    each = [np.stack([r.validation[..., 0] for r in result.records]).min(0) for result in trained.results]
    return float(np.mean(np.concatenate([one.ravel() for one in each])))
