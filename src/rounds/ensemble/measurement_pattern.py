"""Whether the pattern of measuring tells anything of the outcome, and whether the networks read it."""

from dataclasses import replace

import numpy as np

from rounds.baselines.baseline import in_unit
from rounds.baselines.constant import constant_predictions
from rounds.baselines.linear import fit_line
from rounds.data.dataset import Inputs
from rounds.data.recordings.engineered_features import COUNTED
from rounds.data.recordings.timeline import Timeline
from rounds.ensemble.choose import ChosenEnsemble
from rounds.ensemble.importance import ensemble_predictions, evenly_taken, permuted
from rounds.metrics import main_metric
from rounds.run_folder.metrics import MeasurementPattern
from rounds.statistics.differences import paired_difference
from rounds.target_scale import TargetScale
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData

PENALTY = 1.0  # of shares between 0 and 1, as `fit_line` has it


def measurement_pattern_record(
    trained: Trained, fold_data: FoldData, made: ChosenEnsemble, patients: np.ndarray
) -> MeasurementPattern | None:
    """Both in the main metric, with intervals over patients.

    pattern_alone: how much better a linear model of the share of steps in which each variable was measured predicts
    than a constant, on validation rows it did not learn from; dealt_anew: how much worse the networks predict when
    presence, time since, and what counts measurements are permuted among patients, values staying as they are.
    None without recordings in which something is missing. patients: [N] of the development rows.
    """
    timeline, task = fold_data.preparation.timeline, trained.population.task
    if timeline is None or not timeline.incomplete or fold_data.inputs.array is None or task.kind == "multiclass":
        return None
    small, rows = evenly_taken(fold_data, made.known)
    before = ensemble_predictions(trained, small, made)
    known = np.isfinite(before).all(1)
    observed, people, metric = small.targets[known], patients[rows][known], main_metric(task)
    shuffled = permuted(small.inputs, pattern_parts(fold_data, timeline), 0)
    after = ensemble_predictions(trained, replace(small, inputs=shuffled), made)[known]
    alone = pattern_predictions(trained, small)[known]
    constant = constant_predictions(task, fold_data.targets[fold_data.learned], len(observed))
    return MeasurementPattern(
        metric=metric,
        rows=int(known.sum()),
        pattern_alone=paired_difference(task, metric, observed, alone, constant, people),
        dealt_anew=paired_difference(task, metric, observed, before[known], after, people),
    )


def pattern_parts(fold_data: FoldData, timeline: Timeline) -> dict[str, list[int]]:
    """Places of all that says whether something was measured, and not what."""
    names = fold_data.preparation.names
    first, count = 1 + len(timeline.variables), len(timeline.incomplete)
    engineered = {e.column for e in fold_data.preparation.encodings if getattr(e, "engineered", False)}
    return {
        "numbers": [i for i, c in enumerate(names.numbers) if c in engineered and c.endswith(COUNTED)],
        "flags": [i for i, c in enumerate(names.flags) if c in engineered],
        "codes": [],
        "channels": list(range(first, first + 2 * count)),
    }


def pattern_predictions(trained: Trained, fold_data: FoldData) -> np.ndarray:
    """[N, T] in the user's unit: for each fold, a linear model fitted on the other rows of the fold data."""
    shares = measured_shares(fold_data.inputs, fold_data.preparation.timeline)
    made = np.full((len(shares), fold_data.targets.shape[1]), np.nan)
    for fold in fold_data.folds.values():
        rest = np.setdiff1d(np.arange(len(shares)), fold.held)
        for held, others in ((fold.held, rest),) if len(rest) else halves_of(fold_data, fold.held):
            made[held] = _fitted(trained, shares, fold_data.targets, others, held)
    return made


def halves_of(fold_data: FoldData, held: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Either half of the patients of the only validation part, and the other, which it is predicted from."""
    first = fold_data.patient_half[held] == 0
    return (held[first], held[~first]), (held[~first], held[first])


def _fitted(
    trained: Trained, shares: np.ndarray, targets: np.ndarray, learned: np.ndarray, held: np.ndarray
) -> np.ndarray:
    task = trained.population.task
    beta, intercept = fit_line(task, shares[learned].astype(np.float64), targets[learned].astype(np.float64), PENALTY)
    return in_unit(task, TargetScale(kind="identity"), shares[held] @ beta + intercept)


def measured_shares(inputs: Inputs, timeline: Timeline | None) -> np.ndarray:
    """[N, V]: share of the steps in which each variable was measured that misses somewhere."""
    assert timeline is not None
    first, count = 1 + len(timeline.variables), len(timeline.incomplete)
    return np.asarray(inputs.array)[:, :, first : first + count].mean(1)
