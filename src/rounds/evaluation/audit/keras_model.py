"""What can be said of a Keras model trained elsewhere, from its file and data it reads: nothing in the file is run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from rounds.data.tables.reading import read_table
from rounds.errors import DataError, nearest
from rounds.evaluation.audit.keras_losses import loss_findings, measure_losses
from rounds.evaluation.audit.note import found, sorted_notes, unchecked
from rounds.evaluation.record import AuditedLayer, KerasAudit, Note
from rounds.networks.user_model.keras_file import (
    BatchNormView,
    KerasFile,
    LayerView,
    batch_norm_views,
    layer_views,
    outputs,
    read_keras,
    scaling_layer,
    weights_are_finite,
)

LABEL = "label"  # column or array with the outcome, unless it is named
# Rows looked at: a unit alive on 1 row in 1,000 shows with 98 %, and it stays quick.
MOST_ROWS = 4096
# A unit of a rectifier that is 0 on every row learns nothing (Lu et al. 2019, arXiv:1903.06733); share of a layer's.
DEAD_SHARE = 0.25
RECTIFIERS = ("relu", "relu6")
# Squashed units this near their limits on nearly all rows pass no gradient (Glorot and Bengio 2010).
SATURATED_AT, SATURATED_ROWS, SATURATED_SHARE = 0.99, 0.95, 0.25
SQUASHED = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "hard_sigmoid": (0.0, 1.0)}
# Outputs this near 0 or 1 on more than half the rows claim a certainty that patients seldom allow.
SURE_AT, SURE_ROWS = 0.001, 0.5
# Batch normalization: distance of means in standard deviations, ratio of variances; a unit beyond either disagrees.
MEAN_APART, VARIANCE_RATIO, DISAGREEING_SHARE = 1.0, 4.0, 0.25
# Outputs of training and test mode: root mean square difference in standard deviations of the output.
MODES_APART = 1.0
# Inputs: largest spread or centre beside which weights of one size cannot serve all columns (LeCun et al. 1998).
LARGE_INPUT, SPREAD_RATIO = 10.0, 100.0


@dataclass(frozen=True)
class Looked:
    """A model on rows: inputs as arrays, outputs in both modes, views of layers."""

    file: KerasFile
    rows: list[np.ndarray]
    tested: np.ndarray
    trained: np.ndarray
    layers: list[LayerView]
    norms: list[BatchNormView]


def audit_keras(model: str, data: str | None, label: str | None = None) -> KerasAudit:
    """The record of `rounds audit MODEL.keras DATA`; data: a table of the model's numbers in its order, or an NPZ file
    with one array an input; label: its column or array with the outcome (None: `label`, where there is one), by which
    the loss is held against that of fresh weights.

    Raises DataError where model or data cannot be read, or do not fit together.
    """
    if data is None:
        advice = "Add it: rounds audit MODEL.keras DATA"
        raise DataError("DATA", "given with a .keras file", name="data", got=None, advice=advice)
    file = read_keras(Path(model))
    rows, outcome = read_rows(Path(data), file, label)
    rows = [array[:MOST_ROWS] for array in rows]
    looked = Looked(
        file,
        rows,
        outputs(file, rows),
        outputs(file, rows, training=True),
        layer_views(file, rows),
        batch_norm_views(file, rows),
    )
    losses = None if outcome is None else measure_losses(file, rows, outcome[:MOST_ROWS])
    of_losses = loss_findings(losses) if losses else [WITHOUT_OUTCOME]
    checked = [note for check in KERAS_CHECKS if (note := check(looked))]
    findings, not_checked = sorted_notes([*checked, *of_losses, *UNKNOWABLE])
    return KerasAudit(
        model=Path(model).name,
        parameters=file.parameters,
        rows=len(rows[0]),
        loss=losses,
        layers=tuple(AuditedLayer(name=v.name, kind=v.kind, activation=v.activation) for v in looked.layers),
        findings=findings,
        not_checked=not_checked,
    )


WITHOUT_OUTCOME = unchecked("not-learning", "needs the outcome of each row: --label COL")
UNKNOWABLE = (
    unchecked("overfitting", "the file does not say what was learned from"),
    unchecked("learning-rate-too-high", "needs the curves of training: rounds examine LOG"),
)


def read_rows(path: Path, file: KerasFile, label: str | None) -> tuple[list[np.ndarray], np.ndarray | None]:
    """([N, ...] float32 for each input of the model, outcome of each row or None); DataError where they do not fit."""
    is_npz = path.suffix.lower() == ".npz"
    arrays, outcome = _npz(path, file, label) if is_npz else _table(path, label)
    if outcome is not None and len(outcome) != len(arrays[0]):
        advice = "Give one outcome a row"
        raise DataError("Outcome", f"of {len(arrays[0])} rows", name="rows", got=len(outcome), advice=advice)
    if len(arrays) != len(file.inputs):
        names = ", ".join(name for name, _ in file.inputs)
        advice = f"Give an NPZ file with the arrays {names}"
        raise DataError("Data", f"{len(file.inputs)} arrays", name="arrays", got=len(arrays), advice=advice)
    for array, (name, shape) in zip(arrays, file.inputs, strict=True):
        fits = len(array.shape) == len(shape) + 1 and all(
            w in (None, h) for w, h in zip(shape, array.shape[1:], strict=True)
        )
        if not fits or not len(array):
            wanted = f"of shape {('rows', *shape)}"
            advice = "Give the columns the model reads, in its order, and no others"
            raise DataError(f"Input {name}", wanted, name="shape", got=array.shape, advice=advice)
    return arrays, outcome


def _table(path: Path, label: str | None) -> tuple[list[np.ndarray], np.ndarray | None]:
    table = read_table(path).frame
    name = _named(label, table.columns)
    outcome = table[name].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy() if name else None
    return [_numbers(table.drop(name) if name else table)], outcome


def _named(label: str | None, names: list[str]) -> str | None:
    """The column or array with the outcome, None where nobody named one; raises DataError where it is not there."""
    if label is None:
        return LABEL if LABEL in names else None
    if label not in names:
        raise DataError("Label", "a column of the data", name="label", got=label, advice=nearest(label, names))
    return label


def _numbers(table: pl.DataFrame) -> np.ndarray:
    texts = [c for c in table.columns if not (table[c].dtype.is_numeric() or str(table[c].dtype) == "Boolean")]
    if texts:
        advice = "Give the numbers that the model reads, prepared as for training"
        raise DataError("Data of a Keras model", "numbers", column=texts[0], advice=advice)
    made = table.select(c for c in table.columns).to_numpy().astype(np.float32)
    return _finite(made)


def _npz(path: Path, file: KerasFile, label: str | None) -> tuple[list[np.ndarray], np.ndarray | None]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = [name for name, _ in file.inputs]
            named = _named(label, stored.files)
            rest = [name for name in stored.files if name != named]
            chosen = names if set(names) <= set(rest) else rest[: len(names)]
            outcome = np.asarray(stored[named], np.float64) if named else None
            return [_finite(np.asarray(stored[name], np.float32)) for name in chosen], outcome
    except (OSError, ValueError, KeyError, EOFError) as error:
        advice = "Write it with numpy.savez, numbers only"
        raise DataError("NPZ file", "whole, without objects", file=f"{path.name} ({error})", advice=advice) from None


def _finite(array: np.ndarray) -> np.ndarray:
    if not np.isfinite(array).all():
        advice = "Fill in missing values as for training"
        raise DataError("Data of a Keras model", "finite", name="value", got="nan or infinite", advice=advice)
    return array


def check_finite(looked: Looked) -> Note | None:
    if weights_are_finite(looked.file) and np.isfinite(looked.tested).all():
        return None
    return found("diverged", "error", "Weights or outputs are nan or infinite: training diverged.")


def check_dead(looked: Looked) -> Note | None:
    """Rectified units that are 0 on every row."""
    views = [v for v in looked.layers if v.activation in RECTIFIERS]
    if not views:
        return unchecked("dead-units", "no layer rectifies")
    shares = {v.name: float((v.units <= 0).all(axis=0).mean()) for v in views}
    return _worst("dead-units", shares, DEAD_SHARE, "of its units are 0 on every row and learn nothing")


def check_saturated(looked: Looked) -> Note | None:
    """Squashed hidden units at their limits on nearly all rows."""
    views = [v for v in looked.layers[:-1] if v.activation in SQUASHED]
    if not views:
        return unchecked("saturated-units", "no hidden layer squashes")
    return _worst(
        "saturated-units", {v.name: _saturated(v) for v in views}, SATURATED_SHARE, "of its units stand at their limits"
    )


def _saturated(view: LayerView) -> float:
    low, high = SQUASHED[view.activation]
    place = (view.units - low) / (high - low)
    near = np.abs(2 * place - 1) >= SATURATED_AT
    return float((near.mean(axis=0) >= SATURATED_ROWS).mean())


def _worst(code: str, shares: dict[str, float], limit: float, words: str) -> Note | None:
    name = max(shares, key=lambda layer: shares[layer])
    if shares[name] < limit:
        return None
    return found(code, "warning", f"Layer {name}: {shares[name]:.0%} {words}.", shares=shares)


def check_sure(looked: Looked) -> Note | None:
    """Probabilities that are almost all 0 or 1."""
    if not looked.layers or looked.layers[-1].activation not in ("sigmoid", "softmax"):
        return unchecked("saturated-outputs", "the last layer gives no probabilities")
    p = looked.tested
    share = float(((p < SURE_AT) | (p > 1 - SURE_AT)).all(axis=1).mean())
    if share <= SURE_ROWS:
        return None
    words = f"{share:.0%} of rows get a probability within {SURE_AT:g} of 0 or 1: too sure, or inputs off scale."
    return found("saturated-outputs", "warning", words, share=share)


def check_constant_output(looked: Looked) -> Note | None:
    spread = float(np.ptp(looked.tested, axis=0).max())
    if spread > 1e-6 * max(1.0, float(np.abs(looked.tested).max())):
        return None
    return found("no-better-than-baseline", "error", "Every row gets the same output.", spread=spread)


def check_batch_norm(looked: Looked) -> Note | None:
    """Statistics kept from training against those of these rows."""
    if not looked.norms:
        return unchecked("batch-norm-statistics", "there is no batch normalization")
    shares = {v.name: _disagreeing(v) for v in looked.norms}
    return _worst(
        "batch-norm-statistics", shares, DISAGREEING_SHARE, "of its units keep other statistics than these rows have"
    )


def _disagreeing(view: BatchNormView) -> float:
    spread = np.sqrt(np.maximum(view.moving_variance, 1e-12))
    ratio = np.maximum(view.variance, 1e-12) / np.maximum(view.moving_variance, 1e-12)
    apart = np.abs(view.mean - view.moving_mean) / spread > MEAN_APART
    return float((apart | (ratio > VARIANCE_RATIO) | (ratio < 1 / VARIANCE_RATIO)).mean())


def check_modes(looked: Looked) -> Note | None:
    """Outputs as training sees them (dropout on, batch statistics) against those of test mode."""
    spread = float(looked.tested.std())
    apart = float(np.sqrt(np.mean((looked.trained - looked.tested) ** 2)))
    if not np.isfinite(apart) or spread == 0 or apart / spread < MODES_APART:
        return None
    words = f"Training and test mode differ by {apart / spread:.1f} standard deviations of the output."
    return found("modes-differ", "warning", words, difference=apart, spread=spread)


def check_inputs(looked: Looked) -> Note | None:
    """Columns of other sizes than weights of one size can serve."""
    if name := scaling_layer(looked.file):
        return unchecked("unscaled-inputs", f"layer {name} scales the inputs")
    if len(looked.rows) > 1 or looked.rows[0].ndim != 2:
        return unchecked("unscaled-inputs", "judged for one table of columns only")
    x = looked.rows[0].astype(np.float64)
    spreads = x.std(axis=0)
    size = float(np.abs(x.mean(axis=0)).max() + spreads.max())
    moving = spreads[spreads > 0]
    ratio = float(moving.max() / moving.min()) if len(moving) else 1.0
    if size < LARGE_INPUT and ratio < SPREAD_RATIO:
        return None
    how = "mean and a standard deviation of the largest"
    words = f"Columns are of size {size:.3g} ({how}), spreads differ {ratio:.3g}-fold, and nothing scales them first."
    return found("unscaled-inputs", "warning", words, largest=size, spread_ratio=ratio)


KERAS_CHECKS: tuple[Callable[[Looked], Note | None], ...] = (
    check_finite,
    check_constant_output,
    check_inputs,
    check_batch_norm,
    check_modes,
    check_dead,
    check_saturated,
    check_sure,
)
