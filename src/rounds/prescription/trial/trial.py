"""A controlled trial: members with and without a change, from the same weights, on the same folds and minibatches.

Screening follows successive halving: every arm trains on one fold (for a share of its epochs where the fault stops
learning altogether), and the better ones go on. The winner is then confirmed on patients who chose nothing, by members
of other weights and minibatches, and that effect is the one that counts: the winning arm's own is flattered by having
won, and by a population whose bad luck may have raised the finding; it tells only how much pairs of members vary. So
those that confirm are trained again, with the change and without. Arms are screened at the best of the settings that a
plan sweeps, so that many cost little; the winner is confirmed at all of them, as it would be used: where one
setting hides a fault the others show it. Nobody judges a network whose epoch they chose: it is taken at the epoch that
the other half of its fold's patients chose. Confirmation takes two looks at most, the second where the first leaves
doubt and the budget has room for it.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from rounds.baselines.constant import constant_predictions
from rounds.metrics import main_metric
from rounds.metrics.table import score
from rounds.metrics.worth import smallest_worthwhile as smallest_of
from rounds.plan import Plan
from rounds.prescription.budget import screened
from rounds.prescription.remedies.remedy import Prescription, treated
from rounds.prescription.trial.arms import Tried, against_control, effects_of, gains_of, try_arms
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.effect import Effect, Gain
from rounds.training.pool import Progress
from rounds.training.population.build import Trained
from rounds.training.population.members import make_members, sweep

# Patients who confirm, at least. A convention: below, an interval over patients is itself a matter of luck.
FEWEST_CONFIRMING = 20
# Looks at the winner, each with its share of the error probability: an early one has few pairs of members, and must be
# overwhelming (as O'Brien and Fleming 1979, Biometrics 35:549, would have it). Divisors of effect.ALPHA.
LOOKS = (10.0, 10.0 / 9.0)
ONE_LOOK = (1.0,)
BEST_OF_BRIEF = 1 / 3  # of the arms go on from a brief training, at least two of them: it ranks more coarsely
CUT_SHORT = "the time was up before the trial ended"
WEAKER = "among the weaker remedies on the first fold of patients"


@dataclass(frozen=True)
class Arm:
    """One dose and what came of it; effect on the folds that choose, confirmed on patients who did not."""

    prescription: Prescription
    screened: Effect | None = None
    effect: Effect | None = None
    confirmed: Effect | None = None
    verdict: Literal["kept", "dropped"] = "dropped"
    reason: str = ""

    @property
    def best_known(self) -> Effect | None:
        """The effect on the most patients who had a say in choosing."""
        return self.effect or self.screened


@dataclass(frozen=True)
class Trial:
    """Every arm, the kept one (if any), the member-epochs that were spent, the networks that were trained, the place of
    the winner, the folds that chose it, its gains there, one of each pair; and of its confirmation the control, the
    folds, the seeds of single networks, and how often was looked."""

    arms: tuple[Arm, ...]
    kept: Arm | None = None
    member_epochs: int = 0
    parts: tuple[Trained, ...] = ()
    best: int | None = None
    folds: tuple[int, ...] = ()
    gains: tuple[Gain, ...] = ()
    control: Plan | None = None
    confirmed_on: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    looks: int = 0


@dataclass(frozen=True)
class Look:
    """Networks that confirm, with and without: so many `each` of the control and of the treated plan on a fold, from so
    many starts; setting: of the swept ones, the first that the control has."""

    control: Plan
    each: int
    starts: int
    setting: int = 0


def run_trial(design: TrialDesign, plan: Plan, prescriptions: list[Prescription]) -> Generator[Progress, None, Trial]:
    """Tries every prescription on `plan`, which sweeps nothing; yields progress. Of a single one nothing has to be
    chosen: all folds confirm."""
    design = design.for_arms(len(prescriptions))
    if design.alone:
        return (yield from _confirm(design, plan, Trial((Arm(prescriptions[0]),)), 0))
    trial = yield from _choose(design, plan, tuple(Arm(p) for p in prescriptions))
    if design.over:
        return _cut_short(trial)
    if trial.best is None:
        return trial
    return (yield from _confirm(design, plan, trial, trial.best))


def _choose(design: TrialDesign, plan: Plan, arms: tuple[Arm, ...]) -> Generator[Progress, None, Trial]:
    """All arms on one fold, the better ones on the other folds that choose, for their whole training."""
    plans = [plan, *(treated(plan, arm.prescription.change) for arm in arms)]
    numbers = list(range(1, len(plans)))
    brief = [plan, *(screened(p, arms[0].prescription.finding) for p in plans[1:])]
    first, *others = design.choosing.items()
    tried = yield from against_control(design, brief, dict([first]), "screen")
    effects = effects_of(design, tried, plans, numbers, len(arms))
    why = WEAKER if brief == plans else f"{WEAKER}, after a part of the training"
    arms = tuple(replace(arm, screened=e, reason=why) for arm, e in zip(arms, effects, strict=True))
    going_on = _better(arms, numbers, brief != plans)
    doubt = not any(effects[i - 1].helps for i in going_on)
    again = [0, *going_on]
    if brief != plans and not design.over:
        held = design.choosing if doubt else dict([first])
        more = yield from against_control(design, [plans[i] for i in again], held, "choose")
        tried = Tried({}, {}, tried.spent).joined(more, again)
    elif doubt and others and not design.over:
        more = yield from against_control(design, [plans[i] for i in again], dict(others), "choose")
        tried = tried.joined(more, again)
    known = dict(zip(going_on, effects_of(design, tried, plans, going_on, len(arms)), strict=True))
    why = "not the best on the patients who choose, where no treatment counts as one"
    chosen = (replace(a, effect=known[i], reason=why) if i in known else a for i, a in enumerate(arms, start=1))
    best = _best(design, tried, plans, known)
    folds, gains = (
        tuple({pair.fold for pair in tried.rows}),
        () if best is None else gains_of(design, tried, plans, best + 1),
    )
    return Trial(tuple(chosen), None, tried.spent, tried.parts, best=best, folds=folds, gains=gains)


def _best(design: TrialDesign, tried: Tried, plans: list[Plan], effects: dict[int, Effect]) -> int | None:
    """Place of the arm with the largest effect, or of one listed before it (doses come in the order of what is usual)
    that is within a standard error of it (Breiman et al. 1984); None where none is better than the control."""
    best = max(effects, key=lambda i: _rank(effects[i]))
    if _rank(effects[best]) <= 0:
        return None

    def behind(other: int) -> Effect:
        made = {(arm, pair): tried.predictions[i, pair] for pair in tried.rows for arm, i in ((0, other), (1, best))}
        return effects_of(design, Tried(tried.rows, made), [plans[other], plans[best]], [1], 1)[0]

    before = [i for i in effects if i < best and _rank(effects[i]) > 0]
    return next((i for i in before if behind(i).within_error), best) - 1


def _better(arms: tuple[Arm, ...], numbers: list[int], briefly: bool) -> list[int]:
    """Numbers of the arms that go on: the better half, or a third of those that were screened briefly."""
    count = max(min(2, len(arms)), round(BEST_OF_BRIEF * len(arms))) if briefly else -(-len(arms) // 2)
    return sorted(sorted(numbers, key=lambda i: -_rank(arms[i - 1].screened))[:count])


def _rank(effect: Effect | None) -> float:
    return float(effect.value) if effect is not None and np.isfinite(effect.value) else -np.inf


def _confirm(design: TrialDesign, plan: Plan, trial: Trial, best: int) -> Generator[Progress, None, Trial]:
    """The trial with its winner judged by patients who chose nothing."""
    arm, held = trial.arms[best], design.confirming
    patients = len(np.unique(design.patients[np.concatenate(list(held.values()))]))
    if patients < FEWEST_CONFIRMING:
        few = f"{patients} patients are left to confirm it, too few to tell (at least {FEWEST_CONFIRMING})"
        return _with(trial, best, replace(arm, reason=few))
    least, tried = smallest_worthwhile_effect(design), Tried({}, {})
    looks: list[Look] = []
    effect = Effect(0.0, -np.inf, np.inf)
    for number, share in enumerate(_shares(design, plan, trial, arm)):
        if (
            design.over
            or not _in_doubt(effect, least)
            or (looks and not _payable(design, plan, trial, arm, tried.spent))
        ):
            break
        look = _look(design, plan, number)
        plans = [look.control, treated(look.control, arm.prescription.change)]
        settings = len(sweep(look.control))
        more = yield from try_arms(design, plans, held, f"confirm_{number}", look.each, settings, by_halves=True)
        tried = tried.joined(more.at(sum(before.starts for before in looks), look.setting), [0, 1])
        effect = effects_of(design, tried, plans, [1], share, at_setting(trial.gains, best_setting(design, plan)))[0]
        looks.append(look)
    trial = replace(trial, member_epochs=trial.member_epochs + tried.spent, parts=(*trial.parts, *tried.parts))
    seeds = tuple(seed for look in looks for seed in seeds_of(look.control, sorted(held), look.each))
    control = looks[0].control if looks else None
    trial = replace(trial, control=control, seeds=seeds, looks=len(looks), confirmed_on=tuple(sorted(held)))
    trial = _with(trial, best, _judged(arm, effect, least, patients, design.alone))
    return _cut_short(trial) if design.over else trial


def _in_doubt(effect: Effect, least: float) -> bool:
    """Whether another look could change the verdict: neither clearly worthwhile, nor clearly not."""
    return not (worthwhile(effect, least) or effect.high < least)


def worthwhile(effect: Effect, least: float) -> bool:
    return effect.helps and effect.value >= least


def _look(design: TrialDesign, plan: Plan, number: int) -> Look:
    """Fresh seeds: at all settings of the population's plan in a first look, at the best ones in a second, or where a
    single fold has to choose as well."""
    seed = design.seed_of_look(plan.seed, number)
    each = design.networks_a_look if number == 0 else 0
    if each:
        assert design.trained is not None
        whole = design.trained.population.plans[0].change(seed=seed)
        return Look(whole, each, each // len(sweep(whole)))
    fresh = plan.change(seed=seed)
    return Look(fresh, design.seeds_a_look, design.seeds_a_look, best_setting(design, plan))


def best_setting(design: TrialDesign, plan: Plan) -> int:
    """Place of the plan's only setting among those that the population sweeps."""
    swept = sweep(design.trained.population.plans[0]) if design.trained else []
    own = sweep(plan)[0]
    return swept.index(own) if own in swept else 0


def at_setting(gains: tuple[Gain, ...], setting: int) -> tuple[Gain, ...]:
    return tuple((pair._replace(setting=setting), gain) for pair, gain in gains)


def _shares(design: TrialDesign, plan: Plan, trial: Trial, arm: Arm) -> tuple[float, ...]:
    """What ALPHA is divided by at each look: a first look keeps nothing back for a second that could not be paid.

    That is settled before anything is looked at, by the epochs that the first takes at most.
    """
    epochs = treated(plan, arm.prescription.change).epochs + plan.epochs
    first = epochs * len(design.confirming) * _look(design, plan, 0).each
    return LOOKS if _payable(design, plan, trial, arm, first) else ONE_LOOK


def _payable(design: TrialDesign, plan: Plan, trial: Trial, arm: Arm, spent: int) -> bool:
    """Whether the budget has room for a second look, both arms on fresh seeds; spent: by the first."""
    both = plan.epochs + treated(plan, arm.prescription.change).epochs
    return trial.member_epochs + spent + both * len(design.confirming) * design.seeds_a_look <= design.most


def _judged(arm: Arm, effect: Effect, least: float, patients: int, alone: bool) -> Arm:
    who = f"{patients:,}{'' if alone else ' other'} patients"
    reason = f"{confirmation_words(effect, least)} with fresh seeds on {who}, at this budget"
    return replace(arm, confirmed=effect, verdict="kept" if worthwhile(effect, least) else "dropped", reason=reason)


def confirmation_words(effect: Effect, least: float) -> str:
    """Whether an effect is confirmed, in words; least: the smallest worthwhile."""
    if worthwhile(effect, least):
        return "confirmed"
    return f"confirmed, but less than the smallest worthwhile {least:.3g}," if effect.helps else "not confirmed"


def _with(trial: Trial, place: int, arm: Arm) -> Trial:
    arms = (*trial.arms[:place], arm, *trial.arms[place + 1 :])
    return replace(trial, arms=arms, kept=arm if arm.verdict == "kept" else None)


def _cut_short(trial: Trial) -> Trial:
    """Arms of a trial that the clock ended: slabs that began late are no match for those that began early."""
    arms = tuple(replace(arm, verdict="dropped", reason=CUT_SHORT) for arm in trial.arms)
    return replace(trial, arms=arms, kept=None)


def seeds_of(plan: Plan, folds: list[int], each: int) -> tuple[int, ...]:
    """Of the networks of a plan at one setting, on these folds."""
    return tuple(m.seed for m in make_members([plan], tuple(folds), (), each * len(folds)))


def smallest_worthwhile_effect(design: TrialDesign) -> float:
    """In the main metric, from the constant's score on development rows."""
    task, fold_data = design.task, design.fold_data
    observed = fold_data.targets[fold_data.learned]
    constant = constant_predictions(task, fold_data.targets[fold_data.learned], len(observed))
    return smallest_of(main_metric(task), score(task, observed, constant)[main_metric(task)])
