"""A population just trained as evidence, without a detour over files."""

import numpy as np

from rounds.examination.linear_by_fold import linear_losses
from rounds.examination.run import Run, constant_loss, curves_of
from rounds.model_facts import ModelFacts
from rounds.training.compiled.objective import loss_name
from rounds.training.population.build import Population, Trained
from rounds.training.population.fold_data import FoldData, is_candidate, network_targets
from rounds.training.result.tables import curves_frame, measures_frame, members_frame, steps_frame

LinearByFold = dict[str, dict[int, float]]


def run_of(trained: Trained, number: int = 0, linear_by_fold: LinearByFold | None = None) -> Run:
    """Evidence of the chosen members; nothing is judged yet.

    number: the round; linear_by_fold: of an earlier population, where they are the same (None: fitted here).
    """
    population = trained.population
    fold_data = next(m for m in population.folds_data if is_candidate(m))
    frames = (curves_frame, members_frame, measures_frame, steps_frame)
    return Run(
        curves=curves_of(*(frame(trained, number) for frame in frames)),
        plans=population.plans,
        task=population.task,
        constant_loss=constant_loss(population.task, population.plans[0], fold_data.targets[fold_data.learned]),
        round=number,
        model=facts_of(population, fold_data),
        linear_by_fold=linear_by_fold or {"linear": linear_losses(fold_data, population.task, population.plans[0])},
    )


def facts_of(population: Population, fold_data: FoldData) -> ModelFacts | None:
    """What the user's own model is, and what it is fed; None for networks of Rounds's own."""
    if population.model is None:
        return None
    from rounds.networks.user_model.compiled import training_facts

    plan, task = population.plans[0], population.task
    program = population.programs[0]
    table = np.concatenate([fold_data.inputs.numbers, fold_data.inputs.flags], axis=1)[fold_data.learned]
    targets = network_targets(task, fold_data.target_scale, fold_data.targets)[fold_data.learned]
    return training_facts(
        (population.model, program.model), plan, loss_name(plan, task), table if table.shape[1] else None, targets
    )


def same_linear_by_fold(one: Population, other: Population) -> bool:
    """Whether models that networks are held against are the same for both: of the same rows, read the same way, and
    judged by the same loss."""
    plans = one.plans[0], other.plans[0]
    judged = {(loss_name(plan, one.task), plan.class_weights) for plan in plans}
    return one.folds_data[0] is other.folds_data[0] and len(judged) == 1
