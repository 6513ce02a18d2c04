"""The tree baseline: scikit-learn's histogram gradient boosting, stopped on patients left out, as arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rounds.baselines.baseline import ABSENT, certain_outputs
from rounds.baselines.trees import LEVELS, TreeColumn
from rounds.task import Task

# Trees at most; growing stops when PATIENCE trees in a row did not help on the patients left out.
MOST_TREES, PATIENCE = 500, 15
# Few rows: small trees (8 leaves) in small steps on half of the columns a split. Against scikit-learn's defaults this
# lowers log loss by 0.02, 0.01 and 0.005 on pima, cleveland and flchain (3 splits each, `benchmarks`' tables).
SMALL_TREES = {"max_leaf_nodes": 8, "learning_rate": 0.05, "max_features": 0.5}

Forest = dict[str, np.ndarray]


@dataclass(frozen=True)
class TreeData:
    """What trees learn from: values [N, F] float64, rows left out in turn, levels of each column [F], options."""

    values: np.ndarray
    folds: list[np.ndarray]
    levels: tuple[np.ndarray, ...]
    options: dict[str, Any]

    @property
    def order(self) -> np.ndarray:
        """Columns in scikit-learn's order: those with levels come first."""
        return np.argsort([len(levels) == 0 for levels in self.levels], kind="stable")


def fit_forest(task: Task, data: TreeData, targets: np.ndarray) -> tuple[Forest, np.ndarray]:
    """One boosted model for each target, as the arrays that `forest_outputs` reads, and what it says of rows left out.

    targets: [N, T] on the fitted scale. The second is [L, T], in the order of the folds (regression only).
    """
    start, trees, left_out = np.full(task.outputs, ABSENT), [], []
    for target in range(targets.shape[1]):
        begins, grown, outputs = _grow(task, data, targets[:, target], target)
        start[list(begins)] = list(begins.values())
        trees += grown
        left_out.append(outputs)
    known = np.zeros((data.values.shape[1], LEVELS), np.uint8)
    for feature, levels in enumerate(data.levels):
        known[feature, levels] = 1
    return {**_joined(trees), "known": known, "start": start}, np.stack(left_out, axis=1)


def tree_data(
    columns: tuple[TreeColumn, ...], values: np.ndarray, folds: list[np.ndarray], seed: int, small: bool
) -> TreeData:
    """values: [N, F] float64 (`tree_inputs`); small: whether the table has few rows."""
    levels = [_levels(x if c.role == "categorical" else x[:0]) for c, x in zip(columns, values.T, strict=True)]
    by_level = [len(known) > 0 for known in levels]
    options = {"categorical_features": by_level if any(by_level) else None, "random_state": seed}
    return TreeData(values, folds, tuple(levels), {**options, **(SMALL_TREES if small else {})})


def _levels(codes: np.ndarray) -> np.ndarray:
    """The levels that are there, in order; nan is none of them."""
    return np.unique(codes[~np.isnan(codes)]).astype(np.int64)


def _grow(task: Task, data: TreeData, y: np.ndarray, target: int) -> tuple[dict[int, float], list[Forest], np.ndarray]:
    """Where the outputs of one target [N] begin, its trees as arrays, and its outputs for the rows left out."""
    present = np.unique(y)
    if len(present) < 2:
        said = np.concatenate([y[f] for f in data.folds]) if task.kind == "regression" else np.empty(0)
        return certain_outputs(task, target, float(present[0])), [], said
    count, left_out = _count(task, data, y)
    model = _model(task, data, max_iter=count, early_stopping=False).fit(without_empty_columns(data.values), y)
    begins = model._baseline_prediction.ravel().tolist()
    places = present.astype(int)[-len(begins) :].tolist() if task.kind == "multiclass" else [target]
    reference = dict.fromkeys(present.astype(int).tolist(), 0.0) if task.kind == "multiclass" else {}
    pairs = [pair for step in model._predictors for pair in zip(step, places, strict=True)]
    trees = [_tree(tree, place, data) for tree, place in pairs]
    return {**reference, **dict(zip(places, begins, strict=True))}, trees, left_out


def _count(task: Task, data: TreeData, y: np.ndarray) -> tuple[int, np.ndarray]:
    """How many trees are best on the rows left out, and (for numbers) what so many say of them."""
    models = [_model_without(task, data, y, fold) for fold in data.folds]
    curves = [m.validation_score_ for m in models if m is not None]
    if not curves:
        return 1, np.zeros(0)
    length = max(map(len, curves))
    count = max(1, int(np.mean([np.pad(c, (0, length - len(c)), mode="edge") for c in curves], axis=0).argmax()))
    if task.kind != "regression":
        return count, np.zeros(0)
    for model in models:
        del model._predictors[count:]
    outputs = [model.predict(data.values[fold]) for model, fold in zip(models, data.folds, strict=True)]
    return count, np.concatenate(outputs)


def _model_without(task: Task, data: TreeData, y: np.ndarray, fold: np.ndarray) -> Any:
    """Grown until it no longer helps on the fold's rows; None where the others have one class only."""
    others = np.setdiff1d(np.arange(len(y)), fold)
    # A fold at the end leaves a slice, which is not copied: of a large table the values are half of the memory.
    seen = slice(len(others)) if fold.min() == len(others) else others
    if len(np.unique(y[seen])) < 2 and task.kind != "regression":
        return None
    held = fold[np.isin(y[fold], y[seen])] if task.is_classification else fold
    model = _model(task, data, max_iter=MOST_TREES, n_iter_no_change=PATIENCE, early_stopping=True)
    return model.fit(without_empty_columns(data.values[seen]), y[seen], X_val=data.values[held], y_val=y[held])


def without_empty_columns(values: np.ndarray) -> np.ndarray:
    """Values [N, F] with 0 in columns that have none: scikit-learn's trees cannot put these in bins, and never split
    a column of one value.

    >>> without_empty_columns(np.array([[1.0, np.nan], [np.nan, np.nan]]))
    array([[ 1.,  0.],
           [nan,  0.]])
    """
    empty = np.array([bool(np.isnan(column).all()) for column in values.T], bool)
    return np.where(empty, 0.0, values) if empty.any() else values


def _model(task: Task, data: TreeData, **options: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    if task.is_classification:
        return HistGradientBoostingClassifier(**data.options, **options)
    loss = "poisson" if task.kind == "count" else "squared_error"
    return HistGradientBoostingRegressor(loss=loss, **data.options, **options)


def _tree(tree: Any, place: int, data: TreeData) -> Forest:
    """One of scikit-learn's trees with the columns and levels of `TreeColumn`."""
    nodes = tree.nodes
    feature = data.order[nodes["feature_idx"]]
    category = np.where(nodes["is_categorical"] == 1, nodes["bitset_idx"].astype(np.int64), -1)
    bits = np.unpackbits(tree.raw_left_cat_bitsets.astype("<u4").view(np.uint8), axis=1, bitorder="little")
    go_left = np.zeros((len(bits), LEVELS), np.uint8)
    for split, column in zip(category[category >= 0], feature[category >= 0], strict=True):
        levels = data.levels[column]
        go_left[split, levels] = bits[split, : len(levels)]
    numbers = {"feature": feature, "left": nodes["left"], "right": nodes["right"], "category": category}
    arrays: Forest = {name: np.asarray(a, np.int32) for name, a in numbers.items()}
    arrays |= {"missing_left": nodes["missing_go_to_left"].copy(), "leaf": nodes["is_leaf"].copy()}
    arrays |= {"threshold": nodes["num_threshold"].copy(), "value": nodes["value"].copy(), "go_left": go_left}
    return {**arrays, "output": np.array([place], np.int32)}


def _joined(trees: list[Forest]) -> Forest:
    """One after the other, their places moved along."""
    if not trees:
        return _joined([_LEAF])
    starts = np.cumsum([0, *(len(t["leaf"]) for t in trees)])[:-1]
    splits = np.cumsum([0, *(len(t["go_left"]) for t in trees)])[:-1]
    joined = {name: np.concatenate([t[name] for t in trees]) for name in trees[0]}
    for name in ("left", "right"):
        joined[name] = np.concatenate([t[name] + s for t, s in zip(trees, starts, strict=True)]).astype(np.int32)
    moved = [np.where(t["category"] >= 0, t["category"] + s, -1) for t, s in zip(trees, splits, strict=True)]
    return {**joined, "category": np.concatenate(moved).astype(np.int32), "root": starts.astype(np.int32)}


# A tree that says 0 to everyone: what is left when no tree helped.
_LEAF: Forest = {
    **{name: np.zeros(1, np.int32) for name in ("feature", "left", "right", "output")},
    **{name: np.zeros(1) for name in ("threshold", "value")},
    "category": np.full(1, -1, np.int32),
    "missing_left": np.zeros(1, np.uint8),
    "leaf": np.ones(1, np.uint8),
    "go_left": np.zeros((0, LEVELS), np.uint8),
}
