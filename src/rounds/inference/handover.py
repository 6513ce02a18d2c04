"""The predictor that training hands over for one material, and what it says of patients its members never saw."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rounds.data.dataset import Column
from rounds.inference.constant import constant_predictions
from rounds.inference.ensemble import (
    Configuration,
    average_outputs,
    choose_configurations,
    configuration,
    held_out_outputs,
    make_parts,
    smeared,
    sound_members,
)
from rounds.inference.predictor import Predictor
from rounds.inference.recalibration import recalibrated_scale
from rounds.metrics import score
from rounds.task import Task
from rounds.training.material import Material
from rounds.training.pool import SlabResult
from rounds.training.population import Member
from rounds.training.run import Trained

# What configurations are compared by on held-out rows, lower is better: the loss that their members descend on.
CHOOSING_METRIC = {
    "regression": "rmse",
    "count": "poisson_deviance",
    "binary": "log_loss",
    "multiclass": "log_loss",
    "multilabel": "log_loss",
}


@dataclass(frozen=True)
class HandOver:
    """predictor: the average of all members of the chosen configurations; single: the best single network, chosen on
    validation. validation: the average's predictions [N, T] in the user's unit for the development rows `known`,
    each made by members that did not learn from it, and recalibrated by maps fitted on other patients. scores: every
    configuration's validation score. recalibration: what was tried and kept."""

    predictor: Predictor
    single: Predictor
    members: tuple[Member, ...]
    validation: np.ndarray
    known: np.ndarray
    scores: dict[Configuration, float]
    recalibration: dict[str, Any] = field(default_factory=dict)


def hand_over(
    trained: Trained, material: Material, columns: tuple[Column, ...] = (), patients: np.ndarray | None = None
) -> HandOver:
    """Chooses configurations on held-out development rows and averages their members; no judged row is looked at.

    patients: [N] of the development rows; with them probabilities are recalibrated where that helps on validation.
    """
    task = trained.population.task
    members = sound_members(trained, material.outer)
    outputs = held_out_outputs(trained, material, members)
    scores = {key: _validation_score(task, material, made) for key, made in outputs.items()}
    chosen = choose_configurations(scores, _constant_score(task, material))
    kept = [m for m in members if configuration(m) in chosen]
    average = average_outputs([outputs[key] for key in chosen])
    scale = smeared(material.target_scale, average, material.targets)
    known = np.flatnonzero(np.isfinite(average).all(1))
    validation = scale.backward(average[known])
    mended: dict[str, Any] = {}
    if patients is not None:
        scale, validation, mended = recalibrated_scale(
            task, scale, average[known], material.targets[known], patients[known]
        )
    best = min(scores, key=lambda key: scores[key])
    single = _best_single(trained, [m for m in kept if configuration(m) == best])
    whole = Predictor(task, material.preparation, scale, make_parts(trained, kept), columns)
    one = replace(whole, parts=make_parts(trained, [single]))
    return HandOver(whole, one, tuple(kept), validation, known, scores, mended)


def _best_single(trained: Trained, members: list[Member]) -> Member:
    """The one with the best validation value; members of one configuration differ in fold and seed."""
    values = {m.number: value for r in trained.results for m, value in _best_values(r)}
    return min(members, key=lambda m: values[m.number])


def _best_values(result: SlabResult) -> list[tuple[Member, float]]:
    last = np.asarray(result.records[-1].best_value)
    places = [(m, g, i) for g, group in enumerate(result.slab.groups) for i, m in enumerate(group)]
    return [(m, float(last[g, i])) for m, g, i in places if m is not None]


def _validation_score(task: Task, material: Material, outputs: np.ndarray) -> float:
    known = np.isfinite(outputs).all(1)
    scale = smeared(material.target_scale, outputs, material.targets)
    predicted = scale.backward(outputs[known])
    return score(task, material.targets[known], predicted)[CHOOSING_METRIC[task.kind]]


def _constant_score(task: Task, material: Material) -> float:
    observed = material.targets[material.learned]
    return score(task, observed, constant_predictions(task, material, len(observed)))[CHOOSING_METRIC[task.kind]]
