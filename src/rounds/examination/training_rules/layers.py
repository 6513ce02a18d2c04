"""What the measures say of one network: by layer at the start and at the end, and over time."""

import numpy as np

from rounds.examination.curve import Curve
from rounds.model_facts import ModelFacts

Table = tuple[tuple[str, ...], np.ndarray, np.ndarray]  # layers [L], epochs [T], values [L, T]
_EMBEDDING = "code_"  # kernels of embeddings: most of their rows are not in a minibatch, so norms do not compare


def table(curve: Curve, measure: str) -> Table | None:
    """A measure by layer and epoch, embeddings left out; None where it was not taken."""
    found = {name: series for name, series in curve.measure(measure).items() if not name.startswith(_EMBEDDING)}
    if not found:
        return None
    epochs = next(iter(found.values()))[0]
    rows = {layer: values for layer, (_, values) in found.items() if len(values) == len(epochs)}
    return tuple(rows), epochs, np.stack(list(rows.values()))


def at_start(curve: Curve, measure: str) -> np.ndarray | None:
    """A measure by layer [L] before the first step."""
    found = table(curve, measure)
    return found[2][:, 0] if found is not None and found[1][0] == 0 else None


def at_end(curve: Curve, measure: str) -> np.ndarray | None:
    """A measure by layer [L] at its last taking; None where it was taken before the first step alone."""
    found = table(curve, measure)
    return found[2][:, -1] if found is not None and found[1][-1] > 0 else None


def initial_loss(curve: Curve) -> float:
    """Loss of a minibatch before the first step; nan where it was not taken."""
    found = at_start(curve, "loss")
    return float(found[0]) if found is not None else float("nan")


def first_size(curve: Curve, hidden: tuple[int, ...]) -> float | None:
    """Size of a hidden layer's first weights beside that which keeps the spread of signals, of the layer where it is
    furthest off; None where it was not taken, 0 for weights that are all 0.

    The norm of a kernel of `out` units drawn as by He et al. 2015 (arXiv:1502.01852) is about sqrt(2 out).
    """
    found = table(curve, "weight_norm")
    if found is None or found[1][0] != 0:
        return None
    norms = dict(zip(found[0], found[2][:, 0], strict=True))
    usual = {f"hidden_{i}": float(np.sqrt(2 * width)) for i, width in enumerate(hidden)}
    ratios = [float(norms[layer]) / size for layer, size in usual.items() if layer in norms]
    return max(ratios, key=lambda ratio: abs(np.log(max(ratio, 1e-30)))) if ratios else None


def first_size_of_model(curve: Curve, model: ModelFacts) -> float | None:
    """As `first_size`, of the layers of the user's own model: beside the usual spreads of weights, between that of
    Glorot and Bengio 2010, 2 / (in + out), and that of He et al. 2015, 2 / in, in squares."""
    found = table(curve, "weight_norm")
    if found is None or found[1][0] != 0:
        return None
    norms = dict(zip(found[0], found[2][:, 0], strict=True))
    ratios = []
    for layer in model.hidden:
        if layer.name in norms and layer.fan_in and not layer.kind.startswith("Embedding"):
            spread = float(norms[layer.name]) / np.sqrt(layer.fan_in * layer.fan_out)
            least, most = np.sqrt(2 / (layer.fan_in + layer.fan_out)), np.sqrt(2 / layer.fan_in)
            ratios.append(spread / least if spread < least else max(spread / most, 1.0))
    return max(ratios, key=lambda ratio: abs(np.log(max(ratio, 1e-30)))) if ratios else None


def update_ratio(curve: Curve) -> float:
    """Largest over time of the median over layers of |update| / |weights|; nan where it was not taken.

    Beside the weights before the first step, where known: regularization shrinks weights and steps make them grow.
    The taking before the first step is left out where there are others: warm-up starts at nothing.
    """
    found, norms = table(curve, "update_ratio"), table(curve, "weight_norm")
    if found is None:
        return float("nan")
    layers, epochs, values = found
    if norms is not None and norms[0] == layers and norms[1][0] == 0:
        values = values * norms[2] / np.where(norms[2][:, :1] > 0, norms[2][:, :1], np.maximum(norms[2], 1e-30))
    kept = values[:, epochs > 0] if (epochs > 0).any() else values
    moved = (kept != 0).any(axis=1)
    kept = kept[moved] if moved.any() else kept  # a frozen layer says nothing of the size of steps
    finite = np.where(np.isfinite(kept), kept, np.inf)
    return float(np.median(finite, axis=0).max())


def longest_step(curve: Curve) -> float:
    """Largest over time of the median over layers of |update| / |weights before the first step|, the first step
    included; layers that begin at 0 say nothing. nan where it was not taken."""
    found, norms = table(curve, "update_ratio"), table(curve, "weight_norm")
    if found is None or norms is None or norms[0] != found[0]:
        return float("nan")
    moved = norms[2][:, 0] > 0
    if not moved.any() or norms[1][0] != 0:
        return float("nan")
    sizes = found[2][moved] * norms[2][moved] / norms[2][moved][:, :1]
    return float(np.median(np.where(np.isfinite(sizes), sizes, np.inf), axis=0).max())


def gradient_norms(curve: Curve) -> tuple[np.ndarray, np.ndarray] | None:
    """(epochs [T], norm of the whole gradient [T]) over all layers."""
    found = table(curve, "gradient_norm")
    if found is None:
        return None
    with np.errstate(over="ignore"):
        return found[1], np.sqrt((found[2] ** 2).sum(axis=0))


def first_to_last(curve: Curve) -> np.ndarray | None:
    """Gradient norm of the first layer as a share of the last layer's, by time [T]; None with fewer than 3 layers."""
    found = table(curve, "gradient_norm")
    if found is None or len(found[0]) < 3:
        return None
    return np.divide(found[2][0], np.maximum(found[2][-1], 1e-30))


def share_of_layer(curve: Curve, measure: str) -> tuple[float, float, str] | None:
    """(start, end, layer) of a share in the layer where it ends highest; None where it was not taken in training."""
    found = table(curve, measure)
    if found is None:
        return None
    layers, _, values = found
    worst = int(np.argmax(np.nan_to_num(values[:, -1], nan=-1.0)))
    return float(values[worst, 0]), float(values[worst, -1]), layers[worst]


def onset(curve: Curve, measure: str, least: float) -> int | None:
    """First epoch at which a measure of any layer is at least `least`."""
    found = table(curve, measure)
    if found is None:
        return None
    reached = (found[2] >= least).any(axis=0)
    return int(found[1][reached.argmax()]) if reached.any() else None
