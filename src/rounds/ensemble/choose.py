"""The predictor chosen from the members of one training, and what it says of patients its members never saw."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np

from rounds.baselines.constant import constant_predictions
from rounds.data.dataset import Column
from rounds.ensemble.members import (
    Configuration,
    average_outputs,
    choose_configurations,
    configuration,
    held_out_outputs,
    make_parts,
    shares_of,
    smeared,
    sound_members,
    weighted_outputs,
)
from rounds.ensemble.weights import PLAIN, Candidates, choose_weights
from rounds.errors import TrainingError
from rounds.metrics import score
from rounds.prediction.predictor import Predictor
from rounds.run_folder.evidence import RecalibrationRecord
from rounds.run_folder.metrics import Selection
from rounds.statistics.recalibration import recalibrated_scale
from rounds.task import Task
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData
from rounds.training.population.members import WHOLE_DEVELOPMENT, Member

# What configurations are compared by on held-out rows, lower is better: the loss that their members descend on.
CHOOSING_METRIC = {
    "regression": "rmse",
    "count": "poisson_deviance",
    "binary": "log_loss",
    "multiclass": "log_loss",
    "multilabel": "log_loss",
}
NOT_RECALIBRATED = RecalibrationRecord(kept="none")
NOTHING_CHOSEN = Selection(rule=PLAIN, reason="nothing was chosen")


@dataclass(frozen=True)
class ChosenEnsemble:
    """predictor: the average of all members of the chosen configurations; single: the best single network, chosen on
    validation. validation: the average's predictions [N, T] in the user's unit for the development rows `known`,
    each made by members that did not learn from it, and recalibrated by maps fitted on other patients. scores: every
    configuration's validation score. recalibration, selection: what was tried and kept; weights: each chosen
    configuration's share in the average."""

    predictor: Predictor
    single: Predictor
    members: tuple[Member, ...]
    validation: np.ndarray
    known: np.ndarray
    scores: dict[Configuration, float]
    recalibration: RecalibrationRecord = NOT_RECALIBRATED
    selection: Selection = NOTHING_CHOSEN
    weights: dict[Configuration, float] = field(default_factory=dict)


def choose_ensemble(
    trained: Trained, fold_data: FoldData, columns: tuple[Column, ...] = (), patients: np.ndarray | None = None
) -> ChosenEnsemble:
    """Chooses configurations on held-out development rows and averages their members; no judged row is looked at.

    patients: [N] of the development rows; with them weights are chosen, and probabilities recalibrated, where that
    helps on validation.
    """
    task = trained.population.task
    members = sound_members(trained, fold_data.outer)
    outputs = held_out_outputs(trained, fold_data, members)
    scores = {key: _validation_score(task, fold_data, made) for key, made in outputs.items()}
    chosen = choose_configurations(scores, _constant_score(task, fold_data))
    weights, selection = _weights(trained, fold_data, {key: outputs[key] for key in chosen}, patients)
    kept = [m for m in members if weights.get(configuration(m), 0.0) > 0]
    average = weighted_outputs([outputs[key] for key in weights], np.array(list(weights.values())))
    scale = smeared(fold_data.target_scale, average, fold_data.targets)
    known = np.flatnonzero(np.isfinite(average).all(1))
    validation = scale.backward(average[known])
    mended = NOT_RECALIBRATED
    if patients is not None:
        scale, validation, mended = recalibrated_scale(
            task, scale, average[known], fold_data.targets[known], patients[known]
        )
    best = min(scores, key=lambda key: scores[key])
    single = _best_single(trained, [m for m in members if configuration(m) == best])
    whole = Predictor(task, fold_data.preparation, scale, make_parts(trained, kept, shares_of(kept, weights)), columns)
    one = replace(whole, parts=make_parts(trained, [single]))
    return ChosenEnsemble(whole, one, tuple(kept), validation, known, scores, mended, selection, weights)


def refitted(made: ChosenEnsemble, trained: Trained | None) -> ChosenEnsemble:
    """The same choice and weights of configurations, predicted by networks that learned from validation patients too
    (None: by those that did not). Scores, maps and intervals stay those of members that held patients back."""
    if trained is None:
        return made
    weights: dict[Configuration, float] = defaultdict(float)
    for key, weight in made.weights.items():
        weights[without_warmup(key)] += weight
    try:
        sound = sound_members(trained, WHOLE_DEVELOPMENT)
    except TrainingError:
        return made
    chosen = [(m, key) for m in sound if weights[key := without_warmup(configuration(m))] > 0]
    kept, keys = [m for m, _ in chosen], [key for _, key in chosen]
    shares = np.array([weights[key] / keys.count(key) for key in keys])
    parts = make_parts(trained, kept, shares / shares.sum())
    return replace(made, predictor=replace(made.predictor, parts=parts), members=tuple(kept))


def without_warmup(key: Configuration) -> Configuration:
    """Warm-up is a share of the epochs, of which a refit has fewer."""
    plan, settings = key
    return plan, tuple((name, value) for name, value in settings if name != "warmup_epochs")


def _weights(
    trained: Trained, fold_data: FoldData, outputs: dict[Configuration, np.ndarray], patients: np.ndarray | None
) -> tuple[dict[Configuration, float], Selection]:
    """Share of each configuration in the average, and how it came about."""
    plain = np.full(len(outputs), 1.0 / len(outputs))
    made = np.stack(list(outputs.values()))
    known = np.flatnonzero(np.isfinite(made).all((0, 2)))
    if patients is None or not len(known):
        return dict(zip(outputs, plain.tolist(), strict=True)), NOTHING_CHOSEN
    scale = smeared(fold_data.target_scale, average_outputs(list(made)), fold_data.targets)
    candidates = Candidates(trained.population.task, scale, made[:, known], fold_data.targets[known], patients[known])
    weights, record = choose_weights(candidates, plain)
    return dict(zip(outputs, weights.tolist(), strict=True)), record


def _best_single(trained: Trained, members: list[Member]) -> Member:
    """The one with the best validation value; members of one configuration differ in fold and seed."""
    return min(members, key=lambda m: _validation_value(trained, m))


def _validation_value(trained: Trained, member: Member) -> float:
    """Lower is better: of the epoch kept, or the loss at the cycle's end."""
    result, (group, place) = trained.place(member)
    if member.cycle is None:
        return float(np.asarray(result.records[-1].best_value)[group, place])
    epoch, _ = result.cycles[member.cycle]
    return float(np.asarray(result.records[epoch - 1].validation)[group, place, 0])


def _validation_score(task: Task, fold_data: FoldData, outputs: np.ndarray) -> float:
    known = np.isfinite(outputs).all(1)
    scale = smeared(fold_data.target_scale, outputs, fold_data.targets)
    predicted = scale.backward(outputs[known])
    return score(task, fold_data.targets[known], predicted)[_choosing_metric(task, fold_data)]


def _constant_score(task: Task, fold_data: FoldData) -> float:
    observed = fold_data.targets[fold_data.learned]
    made = constant_predictions(task, fold_data.targets[fold_data.learned], len(observed))
    return score(task, observed, made)[_choosing_metric(task, fold_data)]


def _choosing_metric(task: Task, fold_data: FoldData) -> str:
    return CHOOSING_METRIC[task.kind] if fold_data.target_scale.smears else "mae"
