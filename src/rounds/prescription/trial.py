"""A controlled trial: members with and without a change, from the same weights, on the same folds and minibatches.

Screening follows successive halving: every arm trains on one fold, the better half go on to the others. The winner is
then confirmed with fresh seeds on folds whose patients chose nothing, and that effect is the one that counts: the
winning arm's own is flattered by having won.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.data.dataset import Dataset, Split
from rounds.errors import TrainingError
from rounds.inference.ensemble import average_outputs, held_out_outputs, smeared, sound_members
from rounds.metrics import main_metric
from rounds.metrics.table import score
from rounds.metrics.worth import SMALLEST_WORTHWHILE_SHARE
from rounds.plan import Plan
from rounds.prescription.effect import Effect, Patients, paired_effect
from rounds.prescription.remedy import Prescription, treated
from rounds.task import Task
from rounds.training.material import Material, Scaling, make_material, scaling_of
from rounds.training.pool import Progress
from rounds.training.population import WHOLE_DEVELOPMENT
from rounds.training.run import Trained, make_population, train_to_end

FRESH_SEED = 7919  # added to the seed for confirmation: other weights, orders and masks


@dataclass(frozen=True)
class Bed:
    """Where a trial happens: development rows (never the judged ones), prepared as `scaling` says."""

    dataset: Dataset
    split: Split
    material: Material
    scaling: Scaling
    round: int
    folder: Path | None = None
    minutes: float | None = None

    @property
    def task(self) -> Task:
        return self.dataset.task

    @property
    def patients(self) -> np.ndarray:
        """Patient of each development row [N]."""
        return self.dataset.patients[self.split.development]

    @property
    def choosing(self) -> tuple[int, ...]:
        """Folds on whose patients arms are compared: the first three fifths."""
        folds = sorted(self.material.folds)
        return tuple(folds[: max(1, round(0.6 * len(folds)))])

    @property
    def confirming(self) -> tuple[int, ...]:
        return tuple(f for f in sorted(self.material.folds) if f not in self.choosing) or self.choosing


@dataclass(frozen=True)
class Arm:
    """One dose and what came of it; effect on the folds that choose, confirmed on those that do not."""

    prescription: Prescription
    screened: Effect
    effect: Effect | None = None
    confirmed: Effect | None = None
    verdict: str = "dropped"
    reason: str = ""


@dataclass(frozen=True)
class Trial:
    """Every arm, the kept one (if any), and the network-epochs that were spent."""

    arms: tuple[Arm, ...]
    kept: Arm | None
    member_epochs: int


def run_trial(bed: Bed, plan: Plan, prescriptions: list[Prescription]) -> Generator[Progress, None, Trial]:
    """Tries every prescription on `plan`; yields progress."""
    attempts = len(prescriptions)
    first, others = bed.choosing[:1], bed.choosing[1:]
    screened, spent = yield from _compare(bed, plan, prescriptions, first, "screen", attempts)
    order = sorted(range(attempts), key=lambda i: -_rank(screened[i]))
    going_on = order[: max(1, -(-attempts // 2))]
    arms = [Arm(p, e, reason="the weaker half in the first fold") for p, e in zip(prescriptions, screened, strict=True)]
    if others:
        some = [prescriptions[i] for i in going_on]
        effects, more = yield from _compare(bed, plan, some, bed.choosing, "choose", attempts)
        spent += more
    else:
        effects = [screened[i] for i in going_on]
    for i, effect in zip(going_on, effects, strict=True):
        arms[i] = replace(arms[i], effect=effect, reason="did not win on the folds that choose")
    best = max(going_on, key=lambda i: _rank(arms[i].effect or arms[i].screened))
    won = arms[best].effect or arms[best].screened
    if won.value <= 0:
        return Trial(tuple(arms), None, spent)
    arms[best], more = yield from _confirm(bed, plan, arms[best])
    kept = arms[best] if arms[best].verdict == "kept" else None
    return Trial(tuple(arms), kept, spent + more)


def _rank(effect: Effect) -> float:
    return effect.value if np.isfinite(effect.value) else -np.inf


def _confirm(bed: Bed, plan: Plan, arm: Arm) -> Generator[Progress, None, tuple[Arm, int]]:
    fresh = plan.change(seed=plan.seed + FRESH_SEED * (bed.round + 1))
    effects, spent = yield from _compare(bed, fresh, [arm.prescription], bed.confirming, "confirm", 1)
    effect, least = effects[0], _smallest_worthwhile(bed)
    if effect.low > 0 and effect.value >= least:
        return replace(
            arm, confirmed=effect, verdict="kept", reason="confirmed with fresh seeds on other patients"
        ), spent
    why = "not confirmed" if effect.low <= 0 else f"confirmed, but less than the smallest worthwhile {least:.3g}"
    return replace(arm, confirmed=effect, reason=f"{why} with fresh seeds on other patients"), spent


def _compare(
    bed: Bed, plan: Plan, prescriptions: list[Prescription], folds: tuple[int, ...], stage: str, attempts: int
) -> Generator[Progress, None, tuple[list[Effect], int]]:
    """Trains control and every arm on these folds; effects in the order of the prescriptions, and network-epochs."""
    plans = [plan, *(treated(plan, p.change) for p in prescriptions)]
    outputs: dict[int, np.ndarray] = {}
    spent = 0
    for scaling in sorted({scaling_of(p) for p in plans}):
        material = _material(bed, scaling, folds)
        numbers = [i for i, p in enumerate(plans) if scaling_of(p) == scaling]
        trained = yield from _train(
            bed,
            [plans[i] for i in numbers],
            material,
            f"round_{bed.round}_{stage}_{scaling.scale_inputs}_{scaling.target_transform}",
        )
        outputs |= {i: _predictions(trained, material, place) for place, i in enumerate(numbers)}
        spent += sum(len(r.records) * len(r.slab.members) for r in trained.results)
    rows = np.concatenate([bed.material.folds[f].held for f in folds])
    fold = np.concatenate([np.full(len(bed.material.folds[f].held), f) for f in folds])
    patients = Patients(bed.material.targets[rows], bed.patients[rows], fold)
    arms = [outputs[i][rows] for i in range(len(plans))]
    return [paired_effect(bed.task, patients, arm, arms[0], attempts) for arm in arms[1:]], spent


def _material(bed: Bed, scaling: Scaling, folds: tuple[int, ...]) -> Material:
    whole = bed.material
    if scaling != bed.scaling:
        whole = make_material(bed.dataset, bed.split, np.array([], np.int64), (WHOLE_DEVELOPMENT, 0), scaling)
    return replace(whole, folds={f: whole.folds[f] for f in folds})


def _train(bed: Bed, plans: list[Plan], material: Material, name: str) -> Generator[Progress, None, Trained]:
    folder = bed.folder / name if bed.folder else None
    return (yield from train_to_end(make_population(plans, bed.task, [material]), folder, bed.minutes))


def _predictions(trained: Trained, material: Material, plan: int) -> np.ndarray:
    """Of one plan's members, [N, T] in the user's unit for held-out rows; the constant where all of them diverged."""
    task = trained.population.task
    constant = constant_predictions(material, task.outputs)
    try:
        members = [m for m in sound_members(trained, material.outer) if m.plan == plan]
    except TrainingError:
        members = []
    if not members:
        return constant
    average = average_outputs(list(held_out_outputs(trained, material, members).values()))
    scale = smeared(material.target_scale, average, material.targets)
    known = np.isfinite(average).all(1)
    made = constant.copy()
    made[known] = scale.backward(average[known])
    return np.where(np.isfinite(made), made, constant)


def constant_predictions(material: Material, outputs: int) -> np.ndarray:
    """The mean outcome of the rows learned from, for every row, [N, outputs]."""
    observed = material.targets[material.learned]
    if observed.shape[1] != outputs:
        means: Any = np.bincount(observed[:, 0].astype(int), minlength=outputs) / len(observed)
    else:
        means = observed.mean(0)
    return np.broadcast_to(np.asarray(means, np.float64), (len(material.targets), outputs)).copy()


def _smallest_worthwhile(bed: Bed) -> float:
    """In the main metric, from the constant's score on development rows; for r2, whose constant is 0, of its span."""
    task, material = bed.task, bed.material
    observed = material.targets[material.learned]
    constant = constant_predictions(material, task.outputs)[material.learned]
    value = abs(score(task, observed, constant)[main_metric(task)])
    return SMALLEST_WORTHWHILE_SHARE * (value if value > SMALLEST_WORTHWHILE_SHARE else 1.0)


def arm_record(trial: Trial, arm: Arm, plan: Plan, bed: Bed) -> dict[str, Any]:
    """One entry of prescriptions.json."""
    after = treated(plan, arm.prescription.change)
    change = {k: [_plain(old), _plain(new)] for k, (old, new) in plan.difference(after).items()}
    shown = arm.confirmed or arm.effect or arm.screened
    return {
        "round": bed.round, "finding": arm.prescription.finding, "remedy": arm.prescription.remedy, "change": change,
        "expects": arm.prescription.expects, "metric": main_metric(bed.task),
        "control": {"folds": list(bed.choosing), "seed": plan.seed},
        "treated": {"folds": list(bed.choosing), "seed": plan.seed},
        "effect": shown.record(),
        "chosen_by": (arm.effect or arm.screened).record(),
        "confirmed": arm.confirmed.record() if arm.confirmed else None,
        "confirmed_on": {"folds": list(bed.confirming), "seed": plan.seed + FRESH_SEED * (bed.round + 1)},
        "smallest_worthwhile": _smallest_worthwhile(bed), "remedies_tried": len(trial.arms),
        "verdict": arm.verdict, "reason": arm.reason,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
