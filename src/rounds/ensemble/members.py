"""From trained members to the chosen ensemble: who is averaged, and what they say of patients they never saw."""

from collections import defaultdict

import numpy as np

from rounds.data.dataset import Inputs
from rounds.errors import TrainingError
from rounds.metrics import as_probabilities
from rounds.prediction.image_variants import Augmented
from rounds.prediction.numpy_layers.forward import Weights
from rounds.prediction.predictor import NetworkPart
from rounds.target_scale import TargetScale
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData
from rounds.training.population.members import Member

# A configuration (plan and settings) is averaged unless it lost more than this share of the way from the constant
# to the best configuration, on rows its members did not learn from. Wide on purpose: the plain average of all sound
# configurations was ahead of every choice among them on the validation folds of pima, cleveland, flchain and nhanes.
LOST_SHARE = 0.25

Configuration = tuple[int, tuple[tuple[str, float], ...]]


def configuration(member: Member) -> Configuration:
    """What members have in common that differ only in seed and fold; snapshots of another cycle are another one."""
    cycle = () if member.cycle is None else (("cycle", float(member.cycle)),)
    return member.plan, (*sorted(member.settings.items()), *cycle)


def sound_members(trained: Trained, outer: int) -> list[Member]:
    """Networks of one outer fold that are finite: each member's best snapshot, or that of each cycle's end.

    Raises TrainingError where there is none: nothing can be predicted then.
    """
    members = [m for m in trained.population.members if m.outer == outer]
    networks = [n for m in members for n in trained.networks(m)]
    sound = [
        n for n in networks if _kept(trained, n) and all(np.isfinite(w).all() for w in trained.weights(n).values())
    ]
    if not sound:
        expected, advice = "left with a network of finite weights", "Lower the learning rate, or scale the inputs"
        raise TrainingError("Training", expected, name="networks", got=f"{len(members)}, all diverged", advice=advice)
    return sound


def _finite(weights: Weights) -> bool:
    return all(np.isfinite(w).all() for w in weights.values())


def _kept(trained: Trained, member: Member) -> bool:
    result, place = trained.place(member)
    return member.cycle is not None or bool(result.records[-1].best_epoch[place] >= 0)


def make_parts(trained: Trained, members: list[Member], shares: np.ndarray | None = None) -> tuple[NetworkPart, ...]:
    """The members stacked by network; shares: of each in the average [K] (None: all alike)."""
    shares = np.full(len(members), 1.0 / len(members)) if shares is None else shares
    by_plan: dict[int, list[int]] = defaultdict(list)
    for place, member in enumerate(members):
        by_plan[member.plan].append(place)
    return tuple(
        NetworkPart(program.network, _stacked(trained, [members[i] for i in some]), shares[some], program.runner)
        for program, some in ((trained.population.programs[plan], some) for plan, some in sorted(by_plan.items()))
    )


def _stacked(trained: Trained, members: list[Member]) -> Weights:
    each = [trained.weights(m) for m in members]
    return {name: np.stack([w[name] for w in each]) for name in each[0]}


def member_outputs(trained: Trained, member: Member, inputs: Inputs, way: Augmented | None = None) -> np.ndarray:
    """Outputs [N, T] of one member on the scale it learned; way: how it looks at images again."""
    part = make_parts(trained, [member])[0]
    made = part.outputs(inputs) if way is None else way.outputs(part.outputs, inputs)
    return as_probabilities(np.asarray(made[0]), trained.population.task)


def held_out_outputs(trained: Trained, fold_data: FoldData, members: list[Member]) -> dict[Configuration, np.ndarray]:
    """For each configuration, its average output on the development rows it never saw, [N, T]; NaN elsewhere."""
    found: dict[Configuration, np.ndarray] = {}
    counts: dict[Configuration, np.ndarray] = {}
    for member in members:
        key, held = configuration(member), fold_data.folds[member.fold].held
        total = found.setdefault(key, np.zeros((len(fold_data.targets), trained.population.task.outputs)))
        count = counts.setdefault(key, np.zeros((len(fold_data.targets), 1)))
        total[held] += member_outputs(trained, member, fold_data.inputs.take(held))
        count[held] += 1
    return {key: np.where(counts[key] > 0, total / np.maximum(counts[key], 1), np.nan) for key, total in found.items()}


def choose_configurations(losses: dict[Configuration, float], constant: float) -> list[Configuration]:
    """Those worth averaging, by their losses on rows they did not learn from; at least the best one.

    >>> a, b, c = (0, (("learning_rate", 0.1),)), (0, (("learning_rate", 1.0),)), (0, (("learning_rate", 9.0),))
    >>> choose_configurations({a: 0.50, b: 0.52, c: 3.0}, constant=0.7) == [a, b]
    True
    """
    best = min(losses.values())
    limit = best + LOST_SHARE * max(constant - best, 0.0)
    return [key for key, loss in losses.items() if loss <= limit]


def shares_of(members: list[Member], weights: dict[Configuration, float]) -> np.ndarray:
    """[K] each member's share: that of its configuration, divided among its members."""
    keys = [configuration(m) for m in members]
    return np.array([weights[key] / keys.count(key) for key in keys])


def average_outputs(outputs: list[np.ndarray]) -> np.ndarray:
    """Mean over configurations, [N, T]; rows that no member held out stay NaN."""
    return weighted_outputs(outputs, np.ones(len(outputs)))


def weighted_outputs(outputs: list[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Mean over configurations with weights [C], [N, T], of those that say something of a row; NaN where none does."""
    stacked = np.stack(outputs)
    shares = np.where(np.isfinite(stacked), weights[:, None, None], 0.0)
    total = np.nansum(np.where(shares > 0, stacked, 0.0) * shares, axis=0)
    return np.where(shares.sum(0) > 0, total / np.maximum(shares.sum(0), 1e-12), np.nan)


def smeared(scale: TargetScale, outputs: np.ndarray, targets: np.ndarray) -> TargetScale:
    """The way back to the user's unit as a mean, from residuals of rows that were held out."""
    known = np.isfinite(outputs).all(1)
    return scale.with_smearing(outputs[known], targets[known])
