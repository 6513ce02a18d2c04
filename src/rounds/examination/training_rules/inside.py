"""Rules about what happens inside a network: gradients that vanish or explode, units that die or saturate."""

import numpy as np

from rounds.examination.curve import Curve
from rounds.examination.figure import LOSSES, MeasureByLayer
from rounds.examination.finding import BY_HARM, NotApplicable, Seen, Threshold
from rounds.examination.harm import harm
from rounds.examination.rule import Judged, Rule
from rounds.examination.run import Run
from rounds.examination.training_rules.layers import first_to_last, gradient_norms, onset, share_of_layer, table
from rounds.examination.training_rules.learning import BAD_STARTS, FEWEST_UNITS, narrow

AUTOTRAINER = "AutoTrainer (Zhang et al. 2021)"
VANISHING = Threshold("gradient of the first layer", 1e-3, "share of the last layer's", AUTOTRAINER, "published")
EXPLODING = Threshold("growth of the gradient", 70.0, "times its norm before the first step", AUTOTRAINER, "published")
DEAD = Threshold("dead units", 0.7, "share of a layer", "DeepDiagnosis (Wardat et al. 2022)", "published")
SATURATED = Threshold("saturated outputs", 0.5, "share of a layer", "TheDeepChecker (Ben Braiek 2023)", "published")
STILL = Threshold("weights that stay", 0.0, "change of a layer's norm, with a gradient above the next number")
GRADIENT = Threshold(
    "a gradient that should move them", 1e-7, "norm", "DeepDiagnosis (Wardat et al. 2022): mean |gradient|", "published"
)
_NO_MEASURES = NotApplicable("needs measures inside the network")


def _vanishing(run: Run) -> Judged:
    ratios = {c.member: float(min(np.median(r), r[0])) for c in run.best.curves if (r := first_to_last(c)) is not None}
    if not ratios:
        return NotApplicable("needs the gradient of at least three layers")
    if any(narrow(run, c) for c in run.best.curves):
        return NotApplicable(f"a layer has fewer than {FEWEST_UNITS} units: the luck of the draw decides what passes")
    low = {member: r for member, r in ratios.items() if r < VANISHING.value}
    damaged = harm(run)
    if damaged is None or len(low) <= len(ratios) / 2:
        return None
    ratio = float(np.median(list(low.values())))
    started = [first_to_last(c) for c in run.best.curves if c.member in low]
    at_once = np.median([r[0] for r in started if r is not None]) < VANISHING.value
    return Seen(
        "error",
        f"The gradient of the first layer is {ratio:.1g} of the last layer's, and {damaged.words}.",
        {"first_to_last_gradient": ratio, **damaged.evidence},
        0.85,
        tuple(low),
        onset=0 if at_once else 1,
    )


VANISHING_GRADIENTS = Rule(
    "vanishing-gradients",
    "Gradients vanish",
    "training",
    _vanishing,
    how="The first layer's gradient beside the last layer's, at the start or in the median over time, in networks "
    "that are worse than they should be.",
    why="The first layers hardly move: what the inputs say never reaches the output in a useful form.",
    remedies=(
        "use ReLU or SiLU instead of sigmoid or tanh",
        "normalize layers, or add residual paths",
        "fewer layers",
    ),
    thresholds=(VANISHING,),
    causes=("poor-initialization", "learning-rate-too-high", "over-regularized"),
    acts="start",
    place=120,
    seen_at_once=True,
    stops_learning=True,
    figures=(MeasureByLayer("gradient_norm", "Gradient of each layer", equal_factors=True), LOSSES),
)


def _frozen(run: Run) -> Judged:
    """Layers that have a gradient and do not move, while others do."""
    if run.model is not None and (frozen := [x.name for x in run.model.weighted if not x.trainable]):
        return Seen(
            BY_HARM,
            f"The weights of {', '.join(frozen)} are not trained (trainable=False).",
            {"layers": frozen},
            0.9,
            tuple(c.member for c in run.curves),
            onset=0,
        )
    known = {c.member: layers for c in run.best.curves if (layers := _still_layers(c)) is not None}
    if not known:
        return NotApplicable("needs measures inside the network, before the first step and later")
    still = {member: layers for member, layers in known.items() if layers}
    if len(still) <= len(known) / 2:
        return None
    layers = next(iter(still.values()))
    return Seen(
        BY_HARM,
        f"The weights of {', '.join(layers)} never moved, although they have a gradient.",
        {"layers": list(layers), "networks": len(still)},
        0.95,
        _members_with_still(run),
        onset=0,
    )


FROZEN_LAYER = Rule(
    "frozen-layer",
    "A layer does not learn",
    "training",
    _frozen,
    how="Weights whose norm is the same to the last digit from before the first step to the end, although the "
    "layer has a gradient and other layers move; an alarm only in networks that are worse than they should be.",
    why="The layer passes on what it was drawn with: the others have to make do with it.",
    remedies=("set frozen_layers to 0", "check which weights the optimizer was given"),
    thresholds=(STILL, GRADIENT),
    acts="start",
    place=30,
    seen_at_once=True,
    stops_learning=True,
    figures=(MeasureByLayer("weight_norm", "Size of each layer's weights"), LOSSES),
)


def _members_with_still(run: Run) -> tuple[int, ...]:
    return tuple(c.member for c in run.curves if _still_layers(c))


def _still_layers(curve: Curve) -> tuple[str, ...] | None:
    """Layers whose weights stayed to the last digit under a gradient; None where too little was measured."""
    weights, gradients = table(curve, "weight_norm"), table(curve, "gradient_norm")
    if weights is None or gradients is None or len(weights[1]) < 3 or weights[0] != gradients[0]:
        return None
    still = np.ptp(weights[2], axis=1) <= STILL.value
    if still.all():
        return ()
    pull = np.median(gradients[2], axis=1)
    pulled = (pull > GRADIENT.value) & (pull > VANISHING.value * pull.max())  # else it is the gradient that vanished
    return tuple(layer for layer, s, p in zip(weights[0], still, pulled, strict=True) if s and p)


def _exploding(run: Run) -> Judged:
    known = [(c, g) for c in run.curves if (g := gradient_norms(c)) is not None and g[0][0] == 0]
    if not known:
        return _NO_MEASURES
    grown = {c.member: growth for c, (_, norms) in known if (growth := _growth(norms)) >= EXPLODING.value}
    best = set(run.best.members) & set(grown)
    if not grown:
        return None
    worst = float(max(grown.values()))
    epochs = [_first_growth(c) for c, _ in known if c.member in grown]
    return Seen(
        BY_HARM if len(best) > len(run.best.members) / 2 else "note",
        f"The gradient of {len(grown)} of {len(run.curves)} networks grew to {worst:.3g} times its norm before the "
        "first step.",
        {"largest_growth": worst if np.isfinite(worst) else None, "members": len(grown)},
        0.9,
        tuple(grown),
        onset=min(epochs),
    )


EXPLODING_GRADIENTS = Rule(
    "exploding-gradients",
    "Gradients explode",
    "training",
    _exploding,
    how="The norm of the whole gradient beside its norm before the first step.",
    why="One step undoes what all others did.",
    remedies=("lower the learning rate", "clip the gradient's norm"),
    thresholds=(EXPLODING,),
    causes=("learning-rate-too-high", *BAD_STARTS),
    acts="steps",
    place=180,
    seen_at_once=True,
    stops_learning=True,
    figures=(MeasureByLayer("gradient_norm", "Gradient of each layer", equal_factors=True), LOSSES),
)


def _growth(norms: np.ndarray) -> float:
    if norms[0] <= 0:
        return 0.0
    return float("inf") if not np.isfinite(norms).all() else float(norms.max() / norms[0])


def _first_growth(curve: Curve) -> int:
    found = gradient_norms(curve)
    assert found is not None
    epochs, norms = found
    grown = ~np.isfinite(norms) | (norms >= EXPLODING.value * norms[0])
    return int(epochs[grown.argmax()])


def _dead(run: Run) -> Judged:
    return _layer_share(run, "dead_share", DEAD, "of the units of {layer} give the same for every patient")


DEAD_UNITS = Rule(
    "dead-units",
    "Units are dead",
    "training",
    _dead,
    how="Share of a layer's units that give the same for every patient of a minibatch, at the end.",
    why="A dead unit has no gradient and does not come back: the network is smaller than it looks.",
    remedies=("lower the learning rate", "use leaky ReLU or SiLU", "set biases to zeros"),
    thresholds=(DEAD,),
    causes=("learning-rate-too-high", *BAD_STARTS, "over-regularized"),
    acts="steps",
    place=160,
    seen_at_once=True,
    stops_learning=True,
    figures=(MeasureByLayer("dead_share", "Share of units that are dead", DEAD), LOSSES),
)


def _saturated(run: Run) -> Judged:
    if all(table(c, "saturated_share") is None for c in run.curves):
        return NotApplicable("the activation has no limits, or it was not measured")
    return _layer_share(run, "saturated_share", SATURATED, "of the outputs of {layer} are at the activation's limit")


SATURATED_UNITS = Rule(
    "saturated-units",
    "Units are saturated",
    "training",
    _saturated,
    how="Share of a layer's outputs within a hundredth of the activation's limits, at the end.",
    why="At its limit an activation has no slope: gradients do not pass.",
    remedies=("lower the learning rate", "scale the inputs", "use smaller initial weights, or ReLU"),
    thresholds=(SATURATED,),
    causes=("learning-rate-too-high", *BAD_STARTS),
    acts="steps",
    place=170,
    seen_at_once=True,
    stops_learning=True,
    figures=(MeasureByLayer("saturated_share", "Share of outputs at their limit", SATURATED), LOSSES),
)


def _layer_share(run: Run, measure: str, least: Threshold, words: str) -> Judged:
    shares = {c.member: s for c in run.curves if (s := share_of_layer(c, measure)) is not None}
    if not shares:
        return _NO_MEASURES
    high = {member: s for member, s in shares.items() if s[1] >= least.value}
    if not high:
        return None
    best = [m for m in run.best.members if m in high]
    start, final, layer = high[best[0]] if best else next(iter(high.values()))
    epochs = [e for c in run.curves if c.member in high and (e := onset(c, measure, least.value)) is not None]
    return Seen(
        BY_HARM if len(best) > len(run.best.members) / 2 else "note",
        f"At the end {final:.0%} {words.format(layer=layer)} in {len(high)} of {len(shares)} networks.",
        {"share": final, "share_at_start": start, "layer": layer, "networks": len(high)},
        0.85,
        tuple(high),
        onset=min(epochs, default=0),
    )
