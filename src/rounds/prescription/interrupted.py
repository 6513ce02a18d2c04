"""What the clock or a full disk leaves of a round: whether a population came to its end, or is the better one all the
same, and what is said of its remedy."""

from typing import Any

import numpy as np

from rounds.run_folder.prescriptions import ComparedNetworks, PrescriptionRecord
from rounds.training.compiled.objective import loss_name
from rounds.training.population.build import Population, Trained
from rounds.training.population.fold_data import scaling_of
from rounds.training.population.members import WHOLE_DEVELOPMENT

NOT_AHEAD = "confirmed, but the time was up before the networks with it were any better: those of before are kept"

Entries = tuple[PrescriptionRecord, ...]


def complete(trained: Trained) -> bool:
    """Whether every slab came to its end, instead of being cut short by the clock."""
    plans = trained.population.plans
    return all(
        len(r.records) >= plans[r.slab.plan].epochs or not np.asarray(r.records[-1].running).any()
        for r in trained.results
    )


def ahead_on_validation(one: Trained, other: Trained) -> bool:
    """Whether the networks of one population keep better epochs than those of another: by their medians on validation
    patients of the same folds. No where the two are not measured alike."""
    return _measured(one.population) == _measured(other.population) and _kept(one) < _kept(other)


def _measured(population: Population) -> tuple[Any, ...]:
    """What a kept epoch's value depends on beside the network."""
    plan = population.plans[0]
    return scaling_of(plan), loss_name(plan, population.task), plan.keep_best, plan.class_weights, plan.label_smoothing


def _kept(trained: Trained) -> float:
    """Median value of the epochs kept, lower is better; infinite where most networks never had a finite one."""
    members = [m for m in trained.population.members if m.outer == WHOLE_DEVELOPMENT]
    places = (trained.place(m) for m in members)
    values = [float(np.asarray(result.records[-1].best_value)[place]) for result, place in places]
    return float(np.median(np.nan_to_num(values, nan=np.inf, posinf=np.inf)))


def as_untried(number: int, finding: str, remedy: str, reason: str) -> PrescriptionRecord:
    """The entry of a round that came to no trial."""
    return PrescriptionRecord(
        round=number,
        finding=finding,
        remedy=remedy,
        change={},
        control=ComparedNetworks(),
        treated=ComparedNetworks(),
        effect=None,
        verdict="dropped",
        reason=reason,
    )


def as_dropped(entries: Entries, number: int, reason: str) -> Entries:
    """A remedy kept in a round whose networks were not trained to their end, and are not used."""
    return _with(entries, number, {"verdict": "dropped", "reason": reason})


def as_cut_short(entries: Entries, number: int) -> Entries:
    """A remedy kept in a round whose networks the clock cut short, and that are ahead nonetheless."""
    why = "confirmed; the time was up before the networks with it had ended, but on validation they are ahead already"
    return _with(entries, number, {"reason": why})


def _with(entries: Entries, number: int, changed: dict[str, str]) -> Entries:
    kept = (number, "kept")
    return tuple(e.model_copy(update=changed) if (e.round, e.verdict) == kept else e for e in entries)
