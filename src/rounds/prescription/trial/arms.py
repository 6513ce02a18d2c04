"""Members with and without a change, trained side by side, and what they say of patients they never saw."""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rounds.baselines.constant import constant_predictions
from rounds.ensemble.members import average_outputs, member_outputs, smeared, sound_members
from rounds.errors import TrainingError
from rounds.examination.while_training.lost import hopeless_in
from rounds.metrics import METRICS, main_metric, weighted_scores
from rounds.plan import Plan
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.effect import Effect, Gain, Pair, Patients, gains_of_pairs, paired_effect
from rounds.statistics.recalibration import recalibrated_scale
from rounds.task import Task
from rounds.training.compiled.best_snapshots import FIRST_HALF, SECOND_HALF
from rounds.training.pool import Progress
from rounds.training.population.build import Trained, make_population, train_to_end
from rounds.training.population.fold_data import FoldData, Scaling, scaling_of
from rounds.training.population.members import WHOLE_DEVELOPMENT, Member, make_members, sweep
from rounds.training.population.reuse import structure_of, trained_as
from rounds.training.result.best_epoch import at_epoch_of, without_halves
from rounds.training.result.tables import member_epochs


@dataclass(frozen=True)
class Tried:
    """rows: held-out rows [n] of each pair; predictions: [n, T] of each arm and pair; spent: member-epochs; parts: the
    networks that were trained."""

    rows: dict[Pair, np.ndarray]
    predictions: dict[tuple[int, Pair], np.ndarray]
    spent: int = 0
    parts: tuple[Trained, ...] = ()

    def joined(self, other: "Tried", arms: list[int]) -> "Tried":
        """With what other folds say of some arms; `other` numbers them in the order of `arms`."""
        more = {(arms[i], pair): p for (i, pair), p in other.predictions.items()}
        parts = (*self.parts, *other.parts)
        return Tried(self.rows | other.rows, self.predictions | more, self.spent + other.spent, parts)

    def at(self, start: int, setting: int) -> "Tried":
        """The same with later starts, after the first so many, and at later settings."""

        def later(pair: Pair) -> Pair:
            return Pair(pair.fold, pair.start + start, pair.setting + setting)

        rows = {later(pair): rows for pair, rows in self.rows.items()}
        made = {(arm, later(pair)): predicted for (arm, pair), predicted in self.predictions.items()}
        return replace(self, rows=rows, predictions=made)


def against_control(
    design: TrialDesign, plans: list[Plan], held: dict[int, np.ndarray], stage: str, each: int = 1
) -> Generator[Progress, None, Tried]:
    """What every plan says, the first being the control. Where the population has trained the control on these folds,
    its networks are taken: same weights, same minibatches, nothing is trained twice."""
    known = _already_trained(design, plans[0], held, each)
    if known is None:
        return (yield from try_arms(design, plans, held, stage, each, len(sweep(plans[0]))))
    made = yield from try_arms(design, plans[1:], held, stage, each, len(sweep(plans[0])))
    return known.joined(made, list(range(1, len(plans))))


def _already_trained(design: TrialDesign, plan: Plan, held: dict[int, np.ndarray], each: int) -> Tried | None:
    """What the population's own networks of this plan say; None where it lacks one of them."""
    if design.trained is None or structure_of(plan) != structure_of(design.trained.population.plans[0]):
        return None
    known = {trained_as(m): m for m in design.trained.population.members if m.plan == 0}
    wanted = make_members([plan], tuple(sorted(held)), (), each * len(held))
    if any(trained_as(m) not in known for m in wanted):
        return None
    settings = len(sweep(plan))
    pairs = {known[trained_as(m)].number: place for m, place in zip(wanted, _places(wanted, settings), strict=True)}
    rows = _rows(held, each, settings)
    return Tried(rows, arm_predictions(design.trained, design.fold_data, rows, pairs))


def _rows(held: dict[int, np.ndarray], each: int, settings: int) -> dict[Pair, np.ndarray]:
    return {Pair(fold, *divmod(i, settings)): some for fold, some in held.items() for i in range(each)}


def try_arms(
    design: TrialDesign,
    plans: list[Plan],
    held: dict[int, np.ndarray],
    stage: str,
    each: int = 1,
    settings: int = 1,
    by_halves: bool = False,
) -> Generator[Progress, None, Tried]:
    """Trains so many networks of every plan on each of the folds of `held`, at its settings in turn and then with
    further seeds, and predicts the rows that `held` names; what is clearly lost ends early. each: a multiple of the
    settings of each plan; settings: of the control; by_halves: no patient is predicted at an epoch that they chose."""
    tried = Tried(_rows(held, each, settings), {})
    for scaling, own in sorted({(scaling_of(p), len(sweep(p))) for p in plans}):
        numbers = [i for i, p in enumerate(plans) if (scaling_of(p), len(sweep(p))) == (scaling, own)]
        some = [plans[i] for i in numbers]
        fold_data = design.fold_data_for(scaling, tuple(held))
        folder = design.folder / _name(design, f"{stage}_{own}", scaling) if design.folder else None
        count = each * len(held) * len(some)
        population = make_population(some, design.task, [fold_data], count, model=design.model, by_halves=by_halves)
        trained = yield from train_to_end(population, folder, design.minutes, hopeless_in(population))
        places = _places(population.members, settings)
        pairs = {m.number: place for m, place in zip(population.members, places, strict=True)}
        made = arm_predictions(trained, fold_data, tried.rows, pairs)
        tried = tried.joined(Tried({}, made, member_epochs(trained), (without_halves(trained),)), numbers)
    return tried


def _places(members: Sequence[Member], settings: int) -> Iterator[tuple[int, Pair]]:
    """Plan and pair of each member: those of a plan and fold stand beside the control's in their order."""
    seen: Counter[tuple[int, int]] = Counter()
    for m in members:
        yield m.plan, Pair(m.fold, *divmod(seen[m.plan, m.fold], settings))
        seen[m.plan, m.fold] += 1


def _name(design: TrialDesign, stage: str, scaling: Scaling) -> str:
    return f"round_{design.round}_{stage}_{scaling.scale_inputs}_{scaling.target_transform}"


def arm_predictions(
    trained: Trained, fold_data: FoldData, rows: dict[Pair, np.ndarray], pairs: dict[int, tuple[int, Pair]]
) -> dict[tuple[int, Pair], np.ndarray]:
    """Of each arm and pair; pairs: both, of a member by its number."""
    try:
        sound = sound_members(trained, WHOLE_DEVELOPMENT)
    except TrainingError:
        sound = []
    by_pair: dict[tuple[int, Pair], list[Member]] = {place: [] for place in pairs.values()}
    for m in sound:
        if m.number in pairs:
            by_pair[pairs[m.number]].append(m)
    views = _views(trained)
    made = {}
    for (arm, pair), members in by_pair.items():
        outputs = _pair_outputs(views, fold_data, members, rows[pair])
        made[arm, pair] = _in_unit(trained.population.task, fold_data, outputs, rows[pair])
    return made


def _views(trained: Trained) -> tuple[Trained, ...]:
    """The networks as they are used, and where they chose an epoch and left snapshots: at the epochs that the
    second and the first half of the patients chose."""
    plans = trained.population.plans
    chosen = tuple(r for r in trained.results if r.best_snapshots and plans[r.slab.plan].keep_best != "none")
    if not chosen:
        return (trained,)
    return (trained, *(at_epoch_of(replace(trained, results=chosen), half) for half in (SECOND_HALF, FIRST_HALF)))


def _pair_outputs(
    views: tuple[Trained, ...], fold_data: FoldData, members: list[Member], rows: np.ndarray
) -> np.ndarray | None:
    """Of members averaged, [n, T], each half of the patients by networks at the epochs that the other half chose; None
    where all diverged."""
    if not members:
        return None

    def of(view: Trained, some: np.ndarray) -> np.ndarray:
        return average_outputs([member_outputs(view, m, fold_data.inputs.take(some)) for m in members])

    trained = views[0]
    if len(views) == 1 or trained.population.plans[members[0].plan].keep_best == "none":
        return of(trained, rows)
    outputs = np.empty((len(rows), trained.population.task.outputs))
    for half, view in enumerate(views[1:]):
        some = fold_data.patient_half[rows] == half
        outputs[some] = of(view, rows[some])
    return outputs


def _in_unit(task: Task, fold_data: FoldData, outputs: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """Predictions [n, T] in the user's unit; the constant where there are none, or are worse than it: nobody would use
    those."""
    observed = fold_data.targets[rows]
    constant = constant_predictions(task, fold_data.targets[fold_data.learned], len(rows))
    if outputs is None or not np.isfinite(outputs).all():
        return constant
    made = smeared(fold_data.target_scale, outputs, observed).backward(outputs)
    metric = METRICS[main_metric(task)]
    reached, least = (weighted_scores(task, observed, p, None, (metric.name,))[metric.name] for p in (made, constant))
    return constant if metric.gain(reached, least) < 0 else made


def effects_of(
    design: TrialDesign,
    tried: Tried,
    plans: list[Plan],
    arms: list[int],
    attempts: float,
    before: tuple[Gain, ...] = (),
) -> list[Effect]:
    """The effect of each arm against the control (arm 0) on the pairs that both have; plans: of all arms; before: gains
    of earlier pairs, as `paired_effect` takes them."""
    compared = (_compared(design, tried, plans, arm) for arm in arms)
    return [
        paired_effect(design.task, rows, treated, control, attempts, before=before)
        for rows, treated, control in compared
    ]


def gains_of(design: TrialDesign, tried: Tried, plans: list[Plan], arm: int) -> tuple[Gain, ...]:
    """The gain of an arm in each pair."""
    return gains_of_pairs(design.task, *_compared(design, tried, plans, arm))


def _compared(
    design: TrialDesign, tried: Tried, plans: list[Plan], arm: int
) -> tuple[Patients, np.ndarray, np.ndarray]:
    """Rows of the pairs that the arm and the control (arm 0) have, and what both say of them."""
    pairs = [pair for pair in tried.rows if (arm, pair) in tried.predictions and (0, pair) in tried.predictions]
    rows = np.concatenate([tried.rows[pair] for pair in pairs])
    judges = np.concatenate([np.full(len(tried.rows[pair]), i) for i, pair in enumerate(pairs)])
    patients = Patients(design.fold_data.targets[rows], design.patients[rows], judges, tuple(pairs))
    control, treated = (np.concatenate([tried.predictions[a, pair] for pair in pairs]) for a in (0, arm))
    if any(_moves_risks(plans[a]) for a in (0, arm)):
        control, treated = (_recalibrated(design, patients, p) for p in (control, treated))
    return patients, treated, control


def _moves_risks(plan: Plan) -> bool:
    """Whether predicted risks are meant to differ from shares of patients: the chosen ensemble is recalibrated then,
    so arms are compared after recalibration."""
    mixed = (getattr(plan, name) for name in ("label_smoothing", "mixup"))
    moved = any(max(v) > 0 if isinstance(v, tuple) else v > 0 for v in mixed)
    return moved or plan.class_weights != "none"


def _recalibrated(design: TrialDesign, rows: Patients, predicted: np.ndarray) -> np.ndarray:
    """By maps fitted on other patients, where they help; tasks that get no map stay as they are."""
    plain = design.fold_data.target_scale
    if not design.task.is_classification:
        return predicted
    return recalibrated_scale(design.task, plain, predicted, rows.observed, rows.patients)[1]
