"""What members train on: prepared arrays, scaled targets, and the rows of each fold, for one outer fold."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rounds.data.dataset import Dataset, Inputs, Split
from rounds.data.preparation.array_scale import ArrayScale
from rounds.data.preparation.preparation import Preparation, common_shape, pad
from rounds.data.signals import ARRAY_ROW
from rounds.input_shape import InputShape
from rounds.networks.network import ARRAY
from rounds.plan import Plan
from rounds.target_scale import TargetScale
from rounds.task import Task
from rounds.training.augmentation.recordings import kinds_of
from rounds.training.batches.streaming import AnyData, StreamedData, on_disk
from rounds.training.compiled.state import SlabData
from rounds.training.population.members import WHOLE_DEVELOPMENT
from rounds.training.slab import Rows

MEDIAN_LOSS = "mae"  # its least value is at the median, not at the mean


@dataclass(frozen=True)
class FoldData:
    """Development rows prepared for the members of one outer fold.

    preparation and target_scale were fitted on `learned` alone, the development rows that no judging fold holds.
    inputs and targets cover all development rows, in the order of `Split.development`; folds and judged hold
    positions among them. Folds of one outer fold share a preparation: it uses no targets. repeat: of the repeated
    cross-validation that judges, to which the outer fold belongs. halves: which half of its fold's patients each row is
    of, [N] 0/1.
    """

    outer: int
    repeat: int
    preparation: Preparation
    target_scale: TargetScale
    inputs: Inputs
    targets: np.ndarray
    learned: np.ndarray
    judged: np.ndarray
    folds: dict[int, Rows]
    patient_half: np.ndarray


class Scaling(NamedTuple):
    """The plan's choices that decide what the arrays hold; networks of one population share them."""

    scale_inputs: bool = True
    target_transform: str = "auto"
    medians: bool = False  # whether that is what the loss makes of numbers


def scaling_of(plan: Plan) -> Scaling:
    """What a plan says of scales."""
    return Scaling(plan.scale_inputs, plan.target_transform, plan.loss == MEDIAN_LOSS)


def make_folds_data(dataset: Dataset, split: Split, scaling: Scaling = Scaling()) -> list[FoldData]:  # noqa: B008
    """The data of the chosen predictor, and of each judging fold of small data."""
    parts = [(0, np.array([], np.int64)), *((r, rows) for r, repeat in enumerate(split.outer) for rows in repeat)]
    return [
        make_fold_data(dataset, split, rows, (number - 1, repeat), scaling)
        for number, (repeat, rows) in enumerate(parts)
    ]


def make_fold_data(
    dataset: Dataset, split: Split, judged: np.ndarray, place: tuple[int, int], scaling: Scaling
) -> FoldData:
    """Material of the members that never see the table's rows `judged`; place: (outer fold, repeat)."""
    position = np.full(dataset.rows, -1, np.int64)
    position[split.development] = np.arange(len(split.development))
    kept = np.ones(len(split.development), bool)
    kept[position[judged]] = False
    learned = np.flatnonzero(kept)
    whole = len(split.development) == dataset.rows
    frame = dataset.inputs if whole else dataset.inputs[split.development]
    targets = dataset.targets if whole else dataset.targets[split.development]
    array = _array_scale(dataset, split.development[learned], scaling.scale_inputs)
    patients = dataset.cohort.patients[split.development]
    preparation = Preparation.fit(dataset.features, frame, learned, scaling.scale_inputs, array, patients)
    target_scale = TargetScale.fit(dataset.task, targets[learned], scaling.target_transform, scaling.medians)
    folds = {}
    for number, rows in enumerate(split.folds):
        held = position[rows]
        held = held[kept[held]]
        folds[number] = Rows(np.setdiff1d(learned, held, assume_unique=True), held)
    preparation = preparation.model_copy(update={"timeline": dataset.signals.timeline})
    inputs = preparation.apply(frame, dataset.signals.array)
    patient_half = _halves(patients, folds)
    return FoldData(*place, preparation, target_scale, inputs, targets, learned, position[judged], folds, patient_half)


def _halves(patients: np.ndarray, folds: dict[int, Rows]) -> np.ndarray:
    """Each fold's held-out patients in two random halves, [N] float32 0/1."""
    patient_half = np.zeros(len(patients), np.float32)
    for fold, rows in folds.items():
        people, place = np.unique(patients[rows.held], return_inverse=True)
        permuted = np.random.default_rng(fold).permutation(len(people)) % 2
        patient_half[rows.held] = permuted[place.reshape(-1)]
    return patient_half


def _array_scale(dataset: Dataset, rows: np.ndarray, scale: bool) -> ArrayScale | None:
    """From these rows of the table, which need not be the array's: some may have been left out."""
    if dataset.signals.array is None:
        return None
    if not scale:
        return ArrayScale.unscaled(dataset.signals.array)
    places = dataset.inputs[ARRAY_ROW].to_numpy()[rows] if ARRAY_ROW in dataset.inputs.columns else rows
    return ArrayScale.fit(dataset.signals.array, places, dataset.signals.masks)


def shared_shape(folds_data: list[FoldData]) -> InputShape:
    """The widths that all fold data is padded to, so that they share one compiled program."""
    return common_shape([m.preparation.shape for m in folds_data])


def slab_data(fold_data: FoldData, shape: InputShape, task: Task, plan: Plan) -> AnyData:
    """The arrays a slab reads; inputs of width 0 are left out, as they are in the network. Images on disk stay there
    unless a step wants all of them."""
    arrays = list(pad(fold_data.inputs, shape.read(plan.hand_features, plan.has_encoder)).arrays.values())
    scale = fold_data.target_scale
    mean, spread = scale.mean or (0.0,) * task.outputs, scale.spread or (1.0,) * task.outputs
    targets, weights = network_targets(task, scale, fold_data.targets), _class_weights(task, plan, fold_data)
    patient_half = fold_data.patient_half
    rest = jnp.asarray(mean, jnp.float32), jnp.asarray(spread, jnp.float32), _fitted(fold_data)
    if on_disk(arrays) and plan.batch_size != "all":
        return StreamedData(arrays, targets, weights, patient_half, *rest)
    y, w, half = (jnp.asarray(one) for one in (targets, weights, patient_half))
    return SlabData([jnp.asarray(np.asarray(a)) for a in arrays], y, w, half, *rest)


def _fitted(fold_data: FoldData) -> dict[str, jax.Array]:
    """What training rows and the kind of data decide about the array's channels, by name."""
    array, timeline = fold_data.preparation.array, fold_data.preparation.timeline
    if array is None:
        return {}
    scale = {f"{ARRAY}/mean": jnp.asarray(array.mean), f"{ARRAY}/spread": jnp.asarray(array.spread)}
    if timeline is None:
        return scale
    kind, variable = kinds_of(timeline)
    return {**scale, f"{ARRAY}/kind": jnp.asarray(kind), f"{ARRAY}/variable": jnp.asarray(variable)}


def network_targets(task: Task, scale: TargetScale, targets: np.ndarray) -> np.ndarray:
    """Targets as the loss reads them, [N, outputs] float32: scaled numbers, 0/1, or one-hot classes."""
    if task.kind == "multiclass":
        return np.eye(task.outputs, dtype=np.float32)[targets[:, 0].astype(int)]
    return scale.forward(targets).astype(np.float32)


def _class_weights(task: Task, plan: Plan, fold_data: FoldData) -> np.ndarray:
    """Weight of each row, mean 1 over the rows learned from; balanced gives every class the same total."""
    rows = len(fold_data.targets)
    if plan.class_weights == "none" or task.kind not in ("binary", "multiclass"):
        return np.ones(rows, np.float32)
    classes = fold_data.targets[:, 0].astype(int)
    counts = np.bincount(classes[fold_data.learned], minlength=2)
    weights = len(fold_data.learned) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights[classes].astype(np.float32)


def is_candidate(fold_data: FoldData) -> bool:
    return fold_data.outer == WHOLE_DEVELOPMENT
