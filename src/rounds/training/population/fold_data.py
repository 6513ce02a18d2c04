"""What members train on: prepared arrays, scaled targets, and the rows of each fold, for one outer fold."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rounds.data.dataset import GRID_ROW, Dataset, Inputs, InputShape, Split
from rounds.data.preparation.array_scale import GridScale
from rounds.data.preparation.preparation import Preparation, common_shape, pad
from rounds.data.preparation.target_scale import TargetScale
from rounds.networks.network import GRID
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.augmentation.recordings import kinds_of
from rounds.training.batches.streaming import AnyData, StreamedData, on_disk
from rounds.training.compiled.state import SlabData
from rounds.training.population.members import WHOLE_DEVELOPMENT
from rounds.training.slab import Rows

MEDIAN_LOSS = "mae"  # its least value is at the median, not at the mean


@dataclass(frozen=True)
class Material:
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
    halves: np.ndarray


class Scaling(NamedTuple):
    """The plan's choices that decide what the arrays hold; networks of one population share them."""

    scale_inputs: bool = True
    target_transform: str = "auto"
    medians: bool = False  # whether that is what the loss makes of numbers


def scaling_of(plan: Plan) -> Scaling:
    """What a plan says of scales."""
    return Scaling(plan.scale_inputs, plan.target_transform, plan.loss == MEDIAN_LOSS)


def make_materials(dataset: Dataset, split: Split, scaling: Scaling = Scaling()) -> list[Material]:  # noqa: B008
    """One material for the predictor that is handed over, and one for each judging fold of small data."""
    parts = [(0, np.array([], np.int64)), *((r, rows) for r, repeat in enumerate(split.outer) for rows in repeat)]
    return [
        make_material(dataset, split, rows, (number - 1, repeat), scaling)
        for number, (repeat, rows) in enumerate(parts)
    ]


def make_material(
    dataset: Dataset, split: Split, judged: np.ndarray, place: tuple[int, int], scaling: Scaling
) -> Material:
    """Material of the members that never see the table's rows `judged`; place: (outer fold, repeat)."""
    position = np.full(dataset.rows, -1, np.int64)
    position[split.development] = np.arange(len(split.development))
    kept = np.ones(len(split.development), bool)
    kept[position[judged]] = False
    learned = np.flatnonzero(kept)
    whole = len(split.development) == dataset.rows
    frame = dataset.inputs if whole else dataset.inputs[split.development]
    targets = dataset.targets if whole else dataset.targets[split.development]
    grid = _grid_scale(dataset, split.development[learned], scaling.scale_inputs)
    preparation = Preparation.fit(dataset.features, frame, learned, scaling.scale_inputs, grid)
    target_scale = TargetScale.fit(dataset.task, targets[learned], scaling.target_transform, scaling.medians)
    folds = {}
    for number, rows in enumerate(split.folds):
        held = position[rows]
        held = held[kept[held]]
        folds[number] = Rows(np.setdiff1d(learned, held, assume_unique=True), held)
    preparation = preparation.model_copy(update={"timeline": dataset.timeline})
    inputs = preparation.apply(frame, dataset.grid)
    halves = _halves(dataset.patients[split.development], folds)
    return Material(*place, preparation, target_scale, inputs, targets, learned, position[judged], folds, halves)


def _halves(patients: np.ndarray, folds: dict[int, Rows]) -> np.ndarray:
    """Each fold's held-out patients dealt into two halves, [N] float32 0/1."""
    halves = np.zeros(len(patients), np.float32)
    for fold, rows in folds.items():
        people, place = np.unique(patients[rows.held], return_inverse=True)
        dealt = np.random.default_rng(fold).permutation(len(people)) % 2
        halves[rows.held] = dealt[place.reshape(-1)]
    return halves


def _grid_scale(dataset: Dataset, rows: np.ndarray, scale: bool) -> GridScale | None:
    """From these rows of the table, which need not be the grid's: some may have been left out."""
    if dataset.grid is None:
        return None
    if not scale:
        return GridScale.unscaled(dataset.grid)
    places = dataset.inputs[GRID_ROW].to_numpy()[rows] if GRID_ROW in dataset.inputs.columns else rows
    return GridScale.fit(dataset.grid, places, dataset.masks)


def shared_shape(materials: list[Material]) -> InputShape:
    """The widths that every material is padded to, so that they share one compiled program."""
    return common_shape([m.preparation.shape for m in materials])


def slab_data(material: Material, shape: InputShape, task: Task, plan: Plan) -> AnyData:
    """The arrays a slab reads; inputs of width 0 are left out, as they are in the network. Images on disk stay there
    unless a step wants all of them."""
    arrays = list(pad(material.inputs, shape.read(plan.hand_features, plan.has_trunk)).arrays.values())
    scale = material.target_scale
    mean, spread = scale.mean or (0.0,) * task.outputs, scale.spread or (1.0,) * task.outputs
    targets, weights = network_targets(task, scale, material.targets), _class_weights(task, plan, material)
    halves = material.halves
    rest = jnp.asarray(mean, jnp.float32), jnp.asarray(spread, jnp.float32), _fitted(material)
    if on_disk(arrays) and plan.batch_size != "all":
        return StreamedData(arrays, targets, weights, halves, *rest)
    y, w, half = (jnp.asarray(one) for one in (targets, weights, halves))
    return SlabData([jnp.asarray(np.asarray(a)) for a in arrays], y, w, half, *rest)


def _fitted(material: Material) -> dict[str, jax.Array]:
    """What training rows and the kind of data decide about the grid's channels, by name."""
    grid, timeline = material.preparation.grid, material.preparation.timeline
    if grid is None:
        return {}
    scale = {f"{GRID}/mean": jnp.asarray(grid.mean), f"{GRID}/spread": jnp.asarray(grid.spread)}
    if timeline is None:
        return scale
    kind, variable = kinds_of(timeline)
    return {**scale, f"{GRID}/kind": jnp.asarray(kind), f"{GRID}/variable": jnp.asarray(variable)}


def network_targets(task: Task, scale: TargetScale, targets: np.ndarray) -> np.ndarray:
    """Targets as the loss reads them, [N, outputs] float32: scaled numbers, 0/1, or one-hot classes."""
    if task.kind == "multiclass":
        return np.eye(task.outputs, dtype=np.float32)[targets[:, 0].astype(int)]
    return scale.forward(targets).astype(np.float32)


def _class_weights(task: Task, plan: Plan, material: Material) -> np.ndarray:
    """Weight of each row, mean 1 over the rows learned from; balanced gives every class the same total."""
    rows = len(material.targets)
    if plan.class_weights == "none" or task.kind not in ("binary", "multiclass"):
        return np.ones(rows, np.float32)
    classes = material.targets[:, 0].astype(int)
    counts = np.bincount(classes[material.learned], minlength=2)
    weights = len(material.learned) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights[classes].astype(np.float32)


def is_handed_over(material: Material) -> bool:
    return material.outer == WHOLE_DEVELOPMENT
