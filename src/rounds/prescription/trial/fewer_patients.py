"""Would more patients help? Members trained on a quarter, a half and all of them, judged by the same others."""

from collections.abc import Generator
from dataclasses import replace

import numpy as np

from rounds.metrics import main_metric
from rounds.metrics.table import score
from rounds.plan import Plan
from rounds.prescription.trial.arms import Tried, against_control, effects_of, try_arms
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.effect import Effect
from rounds.prescription.trial.shorter_plan import stretched
from rounds.prescription.trial.trial import smallest_worthwhile_effect
from rounds.run_folder.prescriptions import ComparedNetworks, LearningPoint, PrescriptionRecord
from rounds.training.pool import Progress
from rounds.training.slab import Rows

REMEDY = "more patients"
QUARTER, HALF = 0.25, 0.5
# Patients in a quarter, at least: a network that learns from fewer says nothing about the next hundred.
FEWEST_PATIENTS = 20
FOLDS_ASKED = 3  # at most: fewer pairs of networks leave the answer to their luck


def try_fewer_patients(
    design: TrialDesign, plan: Plan, finding: str
) -> Generator[Progress, None, tuple[PrescriptionRecord | None, int]]:
    """(an entry of prescriptions.json, whose effect is the gain from half of the patients to all, or None where
    patients are too few or the time was up; member-epochs spent, each as long as one on all patients).

    plan: the population's main one at a single setting, whose members have learned from all patients already. Members
    on fewer patients take as many steps, so that the difference is the patients'.
    """
    learned = len(np.unique(design.patients[design.fold_data.learned]))
    if QUARTER * learned < FEWEST_PATIENTS:
        return None, 0
    held = design.held(FOLDS_ASKED)
    tried = yield from against_control(design, [plan], held, "share_1")
    for arm, share in ((1, HALF), (2, QUARTER)):
        fewer = with_share(design, share)
        made = yield from try_arms(fewer, [stretched(plan, 1 / share)], held, f"share_{share}")
        tried = tried.joined(replace(made, spent=round(share * made.spent)), [arm])
    if design.over:
        return None, tried.spent
    # An effect is the gain over arm 0: all patients, so those of fewer are losses.
    plans = [plan, plan, plan]
    doubled, quadrupled = (_reversed(e) for e in effects_of(design, tried, plans, [1, 2], 1))
    return _entry(design, plan, finding, tried, (doubled, quadrupled)), tried.spent


def asked_members(folds: int) -> int:
    """Networks that it takes, with so many validation folds.

    >>> asked_members(5)
    6
    """
    return 2 * min(folds, FOLDS_ASKED)


def with_share(design: TrialDesign, share: float) -> TrialDesign:
    """A trial design whose members learn from a share of each fold's patients, smaller shares within larger ones."""
    people = np.unique(design.patients)
    place = np.empty(len(people))
    place[np.random.default_rng(0).permutation(len(people))] = np.arange(len(people))
    rank = place[np.searchsorted(people, design.patients)]

    def some(train: np.ndarray) -> np.ndarray:
        owners = np.unique(rank[train])
        most = owners[: max(1, round(share * len(owners)))]
        return train[np.isin(rank[train], most)]

    folds = {f: Rows(some(rows.train), rows.held) for f, rows in design.fold_data.folds.items()}
    return replace(design, fold_data=replace(design.fold_data, folds=folds))


def _reversed(effect: Effect) -> Effect:
    return Effect(-effect.value, -effect.high, -effect.low)


def _entry(
    design: TrialDesign, plan: Plan, finding: str, tried: Tried, gains: tuple[Effect, Effect]
) -> PrescriptionRecord:
    doubled, quadrupled = gains
    learned = np.mean(
        [len(np.unique(design.patients[design.fold_data.folds[f].train])) for f in design.held(FOLDS_ASKED)]
    )
    counts = {0: round(learned), 1: round(HALF * learned), 2: round(QUARTER * learned)}
    least, folds = smallest_worthwhile_effect(design), tuple(sorted(design.held(FOLDS_ASKED)))
    control, treated = (ComparedNetworks(folds=folds, seed=plan.seed, patients=counts[arm]) for arm in (1, 0))
    return PrescriptionRecord(
        round=design.round,
        finding=finding,
        remedy=REMEDY,
        change={"patients": (counts[1], counts[0])},
        expects="validation comes closer to training",
        metric=main_metric(design.task),
        control=control,
        treated=treated,
        effect=doubled.record(),
        smallest_worthwhile=least,
        remedies_tried=1,
        verdict="advice",
        reason=more_patients_words(doubled, least),
        from_a_quarter=quadrupled.record(),
        curve=tuple(LearningPoint(patients=counts[arm], score=_score(design, tried, arm)) for arm in (2, 1, 0)),
    )


def _score(design: TrialDesign, tried: Tried, arm: int) -> float:
    rows = np.concatenate(list(tried.rows.values()))
    predicted = np.concatenate([tried.predictions[arm, pair] for pair in tried.rows])
    return score(design.task, design.fold_data.targets[rows], predicted)[main_metric(design.task)]


def more_patients_words(doubled: Effect, least: float) -> str:
    """Whether more patients would help, in words.

    >>> more_patients_words(Effect(0.2, 0.1, 0.3), 0.05)[:29], more_patients_words(Effect(0.0, -0.01, 0.01), 0.05)[:33]
    ('more patients would help: all', 'more patients would hardly help: ')
    """
    if doubled.helps and doubled.value >= least:
        return "more patients would help: all are clearly better than half of them, and twice as many may be again"
    if doubled.high < least:
        return "more patients would hardly help: all are not worth more than half of them"
    return "whether more patients would help cannot be decided: half of them are not clearly worse than all"
