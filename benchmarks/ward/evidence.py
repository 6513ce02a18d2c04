"""From a trained population to what rules read, as `rounds train` would hand it to them, and to scores."""

from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.ward.ground import Ground
from rounds.baselines.baseline import Baseline
from rounds.data.dataset import Dataset
from rounds.ensemble.choose import ChosenEnsemble, choose_ensemble
from rounds.ensemble.judge import fit_fold_baselines, gains_on_baselines, predict_judged
from rounds.ensemble.measurement_pattern import measurement_pattern_record
from rounds.errors import TrainingError
from rounds.examination.linear_by_fold import linear_losses
from rounds.examination.run import Run, constant_loss, curves_of
from rounds.job.run_folder import dataset_record
from rounds.metrics import main_metric, weighted_scores
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.metrics import MeasurementPattern, MetricsFile
from rounds.training.compiled.objective import loss_name
from rounds.training.population.build import Trained
from rounds.training.population.fold_data import FoldData
from rounds.training.result.tables import curves_frame, measures_frame, members_frame, steps_frame

FRAMES = (curves_frame, members_frame, measures_frame, steps_frame)


@dataclass(frozen=True)
class Scores:
    """The main metric (rmse or log loss; lower is better) of what is handed over: on clean test rows, on judged rows,
    and a constant's on clean test rows. None: no network was left that could be handed over."""

    clean: float | None
    judged: float | None
    constant: float


@dataclass
class Beside:
    """What one ground's runs are compared with, made once."""

    ground: Ground
    baselines: list[Baseline] = field(default_factory=list)
    linear_by_fold: dict[str, dict[int, float]] = field(default_factory=dict)
    record: DatasetFile | None = None

    def linear(self, trained: Trained, fold_data: FoldData) -> dict[int, float]:
        plan, task = trained.population.plans[0], trained.population.task
        name = loss_name(plan, task)
        if name not in self.linear_by_fold:
            self.linear_by_fold[name] = linear_losses(fold_data, task, plan)
        return self.linear_by_fold[name]


def make_scores(trained: Trained, ground: Ground) -> tuple[Scores, ChosenEnsemble | None]:
    fold_data = trained.population.folds_data[0]
    constant = _score(ground.clean, _constant(ground.clean, fold_data))
    try:
        made = choose_ensemble(trained, fold_data)
    except TrainingError:
        return Scores(None, None, constant), None
    test = ground.split.test
    judged = replace(ground.dataset, targets=ground.dataset.targets[test])
    rows = (
        (ground.clean.inputs, ground.clean.signals.array),
        (ground.dataset.inputs[test], ground.dataset.signals.array),
    )
    says = [made.predictor.predict(frame, array=array).values for frame, array in rows]
    return Scores(_score(ground.clean, says[0]), _score(judged, says[1]), constant), made


def _constant(clean: Dataset, fold_data: FoldData) -> np.ndarray:
    learned = fold_data.targets[fold_data.learned]
    if clean.task.kind == "multiclass":
        return np.tile(
            np.bincount(learned[:, 0].astype(int), minlength=clean.task.outputs) / len(learned), (clean.rows, 1)
        )
    return np.tile(learned.mean(axis=0), (clean.rows, 1))


def _score(dataset: Dataset, predicted: np.ndarray) -> float:
    metric = main_metric(dataset.task)
    value = weighted_scores(dataset.task, dataset.targets, predicted, None, (metric,))[metric]
    return float(value) if np.isfinite(value) else float("inf")


def make_run(trained: Trained, beside: Beside, made: ChosenEnsemble | None) -> Run:
    """Evidence as in a finished run; without a judgement where nothing could be handed over."""
    population, ground = trained.population, beside.ground
    fold_data, plan, task = population.folds_data[0], population.plans[0], population.task
    if beside.record is None:
        beside.record = dataset_record(ground.dataset, ground.split, ground.seed)
    run = Run(
        curves=curves_of(*(frame(trained) for frame in FRAMES)),
        plans=population.plans,
        task=task,
        constant_loss=constant_loss(task, plan, fold_data.targets[fold_data.learned]),
        dataset=beside.record,
        linear_by_fold={"linear": beside.linear(trained, fold_data)},
    )
    return run if made is None else _judged(run, beside, trained, made)


def _judged(run: Run, beside: Beside, trained: Trained, made: ChosenEnsemble) -> Run:
    ground, fold_data = beside.ground, trained.population.folds_data[0]
    if not beside.baselines:
        beside.baselines = fit_fold_baselines(ground.dataset, ground.split, fold_data, 0)
    rows = ground.split.test
    said = predict_judged(ground.dataset, rows, made, beside.baselines)
    constant = said.predictions["constant"]
    judged = replace(ground.dataset, targets=ground.dataset.targets[rows])
    advantages = gains_on_baselines(ground.dataset, said)
    gaps = _gaps(trained, beside, fold_data, made)
    metrics = None if gaps is None else MetricsFile.model_construct(gaps=gaps)
    return replace(run, advantages=advantages, constant_score=_score(judged, constant), metrics=metrics)


def _gaps(trained: Trained, beside: Beside, fold_data: FoldData, made: ChosenEnsemble) -> MeasurementPattern | None:
    ground = beside.ground
    return measurement_pattern_record(
        trained, fold_data, made, ground.dataset.cohort.patients[ground.split.development]
    )
