"""What prescriptions.json says of a trial."""

from typing import Any

from pydantic import JsonValue

from rounds.metrics import main_metric
from rounds.plan import Plan
from rounds.prescription.remedies.remedy import treated
from rounds.prescription.trial.design import TrialDesign
from rounds.prescription.trial.trial import Arm, Trial, seeds_of, smallest_worthwhile_effect
from rounds.run_folder.prescriptions import ComparedNetworks, PrescriptionRecord


def arm_record(trial: Trial, arm: Arm, plan: Plan, design: TrialDesign) -> PrescriptionRecord:
    """One entry of prescriptions.json; seeds are those of single networks. plan: with which arms were screened."""
    before = (arm.confirmed and trial.control) or plan
    after = treated(before, arm.prescription.change)
    shown = arm.confirmed or arm.best_known
    compared = _compared(trial, arm, plan, design)
    return PrescriptionRecord(
        round=design.round,
        finding=arm.prescription.finding,
        remedy=arm.prescription.remedy,
        change=change_record(before, after),
        expects=arm.prescription.expects,
        metric=main_metric(design.task),
        control=compared,
        treated=compared,
        effect=shown.record() if shown else None,
        smallest_worthwhile=smallest_worthwhile_effect(design),
        remedies_tried=len(trial.arms),
        verdict=arm.verdict,
        reason=arm.reason,
        chosen_by=arm.best_known.record() if arm.best_known else None,
        confirmed=arm.confirmed.record() if arm.confirmed else None,
        confirmed_on=_confirmed_on(trial) if arm.confirmed else None,
    )


def change_record(before: Plan, after: Plan) -> dict[str, tuple[JsonValue, JsonValue]]:
    """{field: (old, new)} as JSON has them."""
    return {name: (_plain(old), _plain(new)) for name, (old, new) in before.difference(after).items()}


def _compared(trial: Trial, arm: Arm, plan: Plan, design: TrialDesign) -> ComparedNetworks:
    """Folds and seeds of the networks that were compared first: those that confirm, where nothing was chosen."""
    if arm.best_known is None:
        return ComparedNetworks(folds=trial.confirmed_on, seeds=trial.seeds)
    folds = sorted(design.choosing)[:1] if arm.effect is None else sorted(trial.folds)
    return ComparedNetworks(folds=tuple(folds), seeds=tuple(seeds_of(plan, folds, 1)))


def _confirmed_on(trial: Trial) -> ComparedNetworks:
    return ComparedNetworks(folds=trial.confirmed_on, seeds=trial.seeds, looks=trial.looks)


def _plain(value: Any) -> JsonValue:
    return list(value) if isinstance(value, tuple) else value
