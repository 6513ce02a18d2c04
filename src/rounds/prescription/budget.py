"""What all rounds may cost: member-epochs (epochs of single networks), in those of the first population."""

import math
from collections.abc import Callable

import numpy as np

from rounds.examination.rules import rule_of
from rounds.plan import Plan
from rounds.prescription.remedies.remedy import Prescription, treated
from rounds.prescription.trial.shorter_plan import stretched
from rounds.training.population.build import Population
from rounds.training.population.members import sweep

# First population, trials and what follows from them, in member-epochs of the first one. A convention of ours.
MOST_SPENT = 3.5
# Epochs that each member is counted with at least: where training was too short, its own length is no measure.
SHORTEST_TRAINING = 20
# Networks that are counted at least: a trial of one network needs others to tell its effect from luck.
SMALLEST_POPULATION = 6
FEW_ARMS = 3  # from here on certainty about the winner is worth more than another arm
BRIEF_SHARE = 1 / 3  # of a training, in which a fault shows that stops learning altogether
FEWEST_BRIEF = 4  # epochs of a brief training: the first are warm-up


def allowance(population: Population) -> float:
    """Member-epochs that the rounds with this first population may take in all.

    It is reckoned from the plan, not from what was trained: members that stopped early leave more for treatment.
    """
    plans, members = population.plans, population.members
    epochs = np.mean([max(plans[m.plan].epochs, SHORTEST_TRAINING) for m in members])
    return MOST_SPENT * float(epochs) * max(len(members), SMALLEST_POPULATION)


def cost_of(population: Population, plans: list[Plan]) -> int:
    """Member-epochs of a population of these plans in the place of the first `len(plans)` of `population`."""
    shares = [len(sweep(new)) / len(sweep(old)) for new, old in zip(plans, population.plans, strict=False)]
    mine = [m for m in population.members if m.plan < len(plans)]
    return math.ceil(sum(shares[m.plan] * plans[m.plan].epochs for m in mine))


def screened(plan: Plan, finding: str) -> Plan:
    """The plan as it is screened: for a share of its epochs where the fault stops learning altogether.

    What makes a network that learns a little better (against overfitting, say) shows at the end of training.
    """
    rule = rule_of(finding)
    brief = rule is not None and rule.stops_learning and BRIEF_SHARE * plan.epochs >= FEWEST_BRIEF
    return stretched(plan, BRIEF_SHARE) if brief else plan


def affordable(
    prescriptions: list[Prescription],
    plan: Plan,
    most: float,
    cost_after: Callable[[Prescription], float],
    second_look: Callable[[Prescription], float],
) -> list[Prescription]:
    """The prescriptions, in their order, that can be screened while what follows from each could still be paid: fewer,
    but at least FEW_ARMS, where that leaves room to look at the winner twice.

    most: member-epochs that are left; cost_after: those of confirming a prescription and of the population with it;
    second_look: those of confirming it once more.
    """
    every = _fitting(prescriptions, plan, most, cost_after)
    looked_at_twice = _fitting(prescriptions, plan, most, lambda p: cost_after(p) + second_look(p))
    return looked_at_twice if len(looked_at_twice) >= min(FEW_ARMS, len(every)) else every


def _fitting(
    prescriptions: list[Prescription], plan: Plan, most: float, cost_after: Callable[[Prescription], float]
) -> list[Prescription]:
    chosen: list[Prescription] = []
    screening, after = 0.0, 0.0
    for prescription in prescriptions:
        cost = screened(treated(plan, prescription.change), prescription.finding).epochs
        most_after = max(after, cost_after(prescription))
        if screening + cost + most_after <= most:
            chosen.append(prescription)
            screening, after = screening + cost, most_after
    return chosen
