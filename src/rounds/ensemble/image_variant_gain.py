"""Whether looking at images again helps: measured on validation images, by networks that did not learn from them."""

import numpy as np

from rounds.ensemble.members import member_outputs
from rounds.metrics import main_metric
from rounds.plan import Plan
from rounds.prediction.image_variants import WAYS, Augmented, Way
from rounds.prediction.image_variants_record import VariantGain
from rounds.statistics.differences import paired_difference
from rounds.target_scale import TargetScale
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData
from rounds.training.population.members import Member

MOST_IMAGES = 200  # validation images that are looked at up to twenty times each


def mirrors_of(plan: Plan) -> bool:
    """Whether networks were trained on mirror images."""
    values = plan.flip if isinstance(plan.flip, tuple) else (plan.flip,)
    return any(value > 0 for value in values)


def augmented_gains(
    trained: Trained, fold_data: FoldData, members: tuple[Member, ...], scale: TargetScale, patients: np.ndarray
) -> dict[Way, VariantGain]:
    """What each way is worth against looking once: metric, its gain with interval over patients, and whether it is kept
    (the whole interval above 0). patients: [N] of the development rows. Empty where no images are read."""
    task = trained.population.task
    if fold_data.inputs.array is None or fold_data.inputs.array.ndim != 4:
        return {}
    rows = np.unique(np.concatenate([fold_data.folds[m.fold].held for m in members]))
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(MOST_IMAGES, len(rows))).astype(int))]
    mirrors = mirrors_of(trained.population.plans[0])
    plain = _held_out(trained, fold_data, members, rows, None)
    observed, metric = fold_data.targets[rows], main_metric(task)
    found: dict[Way, VariantGain] = {}
    for way in WAYS:
        if way == "max" and not task.is_classification:
            continue
        made = _held_out(trained, fold_data, members, rows, Augmented(way, mirrors))
        predicted = scale.backward(made), scale.backward(plain)
        effect = paired_difference(task, metric, observed, *predicted, patients[rows])
        found[way] = VariantGain(
            metric=metric, images=len(rows), mirrors=mirrors, **effect.content(), kept=effect.low > 0
        )
    return found


def _held_out(
    trained: Trained, fold_data: FoldData, members: tuple[Member, ...], rows: np.ndarray, way: Augmented | None
) -> np.ndarray:
    """Mean output [M, T] for rows, each by the members that held it out."""
    total, count = np.zeros((len(rows), trained.population.task.outputs)), np.zeros((len(rows), 1))
    for member in members:
        own = np.flatnonzero(np.isin(rows, fold_data.folds[member.fold].held))
        if len(own):
            total[own] += member_outputs(trained, member, fold_data.inputs.take(rows[own]), way)
            count[own] += 1
    return total / count
