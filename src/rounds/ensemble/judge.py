"""How good it is, on patients nobody learned from: network, best single network and baselines, row by row."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from rounds.baselines.fit import Baseline, fit_baselines, judged_inputs
from rounds.data.dataset import Dataset, Split
from rounds.ensemble.choose import ChosenEnsemble
from rounds.metrics import main_metric
from rounds.metrics.worth import smallest_worthwhile
from rounds.run_folder.metrics import BaselineDifference, Difference, Estimate, Scores
from rounds.statistics.differences import paired_difference, paired_differences
from rounds.statistics.intervals import score_with_interval
from rounds.task import Task
from rounds.training.machine.device import cores_here
from rounds.training.population.fold_data import FoldData

NETWORK, SINGLE, CONSTANT = "network", "single network", "constant"

Predictions = dict[str, np.ndarray]


@dataclass(frozen=True)
class JudgedRows:
    """Rows of the table [J] and what each contestant says of them, {name: [J, T]} in the user's unit."""

    rows: np.ndarray
    predictions: Predictions


def predict_judged(dataset: Dataset, rows: np.ndarray, made: ChosenEnsemble, baselines: list[Baseline]) -> JudgedRows:
    """What network, single network and baselines predict for the table's rows."""
    frame, array = judged_inputs(dataset, rows), dataset.signals.array
    contestants = {NETWORK: made.predictor, SINGLE: made.single}
    says = {name: predictor.predict(frame, array=array).values for name, predictor in contestants.items()}
    says |= {b.name: b.predict(frame) for b in baselines}
    return JudgedRows(rows, says)


def fit_fold_baselines(dataset: Dataset, split: Split, fold_data: FoldData, seed: int) -> list[Baseline]:
    """The baselines on the very rows that the members of this fold data learn from."""
    return fit_baselines(dataset, split.development[fold_data.learned], fold_data.target_scale, seed)


def fit_judging_baselines(
    dataset: Dataset, split: Split, folds_data: list[FoldData], seed: int
) -> list[list[Baseline]]:
    """The baselines of each judging fold, side by side on the machine's cores."""
    with threadpool_limits(1), ThreadPoolExecutor(cores_here()) as threads:
        return list(threads.map(lambda fold_data: fit_fold_baselines(dataset, split, fold_data, seed), folds_data))


def average_judged(parts: list[JudgedRows]) -> JudgedRows:
    """One prediction a row: the mean over repeats of those made while the row's patient was held out."""
    rows = np.concatenate([p.rows for p in parts])
    unique, place = np.unique(rows, return_inverse=True)
    count = np.bincount(place)[:, None]
    each = {n: np.concatenate([p.predictions[n] for p in parts]) for n in parts[0].predictions}
    return JudgedRows(unique, {n: _summed(values, place, len(unique)) / count for n, values in each.items()})


def _summed(values: np.ndarray, place: np.ndarray, size: int) -> np.ndarray:
    total = np.zeros((size, values.shape[1]))
    np.add.at(total, place, values)
    return total


@dataclass(frozen=True)
class Judgement:
    """What metrics.json says of judged rows, under its names."""

    test: Scores
    single_network: Scores
    baselines: dict[str, Scores]
    difference: BaselineDifference
    differences: dict[str, Estimate]
    gain_over_single: Difference


def judge_rows(dataset: Dataset, judged: JudgedRows) -> Judgement:
    """Scores of all contestants on judged rows, and what the network gains on each."""
    observed, patients = dataset.targets[judged.rows], dataset.cohort.patients[judged.rows]
    scores = {n: score_with_interval(dataset.task, observed, p, patients) for n, p in judged.predictions.items()}
    # The constant of each fold is another share: a slope through them says nothing, yet it can be computed.
    scores.get(CONSTANT, {}).pop("calibration_slope", None)
    baselines = {n: s for n, s in scores.items() if n not in (NETWORK, SINGLE)}
    gains = gains_on_baselines(dataset, judged)
    return Judgement(
        test=scores[NETWORK],
        single_network=scores[SINGLE],
        baselines=baselines,
        difference=_difference(dataset.task, baselines, gains),
        differences=gains,
        gain_over_single=gain_over_single(dataset, judged),
    )


def gain_over_single(dataset: Dataset, judged: JudgedRows) -> Difference:
    """What averaging was worth, on patients who chose neither members, nor weights, nor the best single network."""
    observed, patients = dataset.targets[judged.rows], dataset.cohort.patients[judged.rows]
    metric, says = main_metric(dataset.task), judged.predictions
    gain = paired_difference(dataset.task, metric, observed, says[NETWORK], says[SINGLE], patients)
    return Difference(metric=metric, **gain.content())


def gains_on_baselines(dataset: Dataset, judged: JudgedRows) -> dict[str, Estimate]:
    """How much better the network is than each baseline, in the main metric: what verdict and findings rest on."""
    observed, patients = dataset.targets[judged.rows], dataset.cohort.patients[judged.rows]
    others = {name: said for name, said in judged.predictions.items() if name not in (NETWORK, SINGLE)}
    metric = main_metric(dataset.task)
    return paired_differences(dataset.task, metric, observed, judged.predictions[NETWORK], others, patients)


def _difference(task: Task, baselines: dict[str, Scores], gains: dict[str, Estimate]) -> BaselineDifference:
    """Network against the baseline that scored best on these very rows: the choice favours the baseline."""
    metric = main_metric(task)
    best = min(gains, key=lambda name: gains[name].value)
    smallest = smallest_worthwhile(metric, baselines[CONSTANT][metric].value)
    return BaselineDifference(metric=metric, baseline=best, **gains[best].content(), smallest_worthwhile=smallest)


def predictions_frame(dataset: Dataset, judged: JudgedRows, split: str) -> pl.DataFrame:
    """(row, patient, split, target, observed, one column a contestant): what the report is drawn from."""
    names = dataset.task.output_names
    observed = observed_outputs(dataset.task, dataset.targets[judged.rows])
    frames = [
        pl.DataFrame(
            {
                "row": judged.rows,
                "patient": dataset.cohort.patients[judged.rows],
                "split": [split] * len(judged.rows),
                "target": [name] * len(judged.rows),
                "observed": observed[:, t].astype(np.float64),
                **{n: p[:, t].astype(np.float64) for n, p in judged.predictions.items()},
            }
        )
        for t, name in enumerate(names)
    ]
    return pl.concat(frames)


def observed_outputs(task: Task, targets: np.ndarray) -> np.ndarray:
    """Targets with a column an output: one-hot classes for multiclass."""
    return np.eye(task.outputs)[targets[:, 0].astype(int)] if task.kind == "multiclass" else targets
