"""Rules about what happens inside a network: gradients that vanish or explode, units that die or saturate."""

import numpy as np

from rounds.examination.curve import Curve
from rounds.examination.evidence import Run
from rounds.examination.finding import NotApplicable, Seen
from rounds.examination.inside import first_to_last, gradient_norms, onset, share_of_layer, table
from rounds.examination.learning import harm
from rounds.examination.rule import Judged, Rule, Threshold

AUTOTRAINER = "AutoTrainer (Zhang et al. 2021)"
VANISHING = Threshold("gradient of the first layer", 1e-3, "share of the last layer's", AUTOTRAINER, "published")
EXPLODING = Threshold("growth of the gradient", 70.0, "times its norm before the first step", AUTOTRAINER, "published")
DEAD = Threshold("dead units", 0.7, "share of a layer", "DeepDiagnosis (Wardat et al. 2022)", "published")
SATURATED = Threshold("saturated outputs", 0.5, "share of a layer", "TheDeepChecker (Ben Braiek 2023)", "published")
_NO_MEASURES = NotApplicable("needs measures inside the network")


def _vanishing(run: Run) -> Judged:
    ratios = {c.member: float(np.median(r)) for c in run.best.curves if (r := first_to_last(c)) is not None}
    if not ratios:
        return NotApplicable("needs the gradient of at least three layers")
    low = {member: r for member, r in ratios.items() if r < VANISHING.value}
    damaged = harm(run)
    if damaged is None or len(low) <= len(ratios) / 2:
        return None
    ratio = float(np.median(list(low.values())))
    started = [first_to_last(c) for c in run.best.curves if c.member in low]
    at_once = np.median([r[0] for r in started if r is not None]) < VANISHING.value
    return Seen(
        "error", f"The gradient of the first layer is {ratio:.1g} of the last layer's, and {damaged.words}.",
        {"first_to_last_gradient": ratio, **damaged.evidence}, 0.85, tuple(low), onset=0 if at_once else 1,
    )  # fmt: skip


def _exploding(run: Run) -> Judged:
    known = [(c, g) for c in run.curves if (g := gradient_norms(c)) is not None and g[0][0] == 0]
    if not known:
        return _NO_MEASURES
    grown = {c.member: growth for c, (_, norms) in known if (growth := _growth(norms)) >= EXPLODING.value}
    best = set(run.best.members) & set(grown)
    damaged = harm(run)
    if not grown:
        return None
    worst = float(max(grown.values()))
    alarm = damaged is not None and len(best) > len(run.best.members) / 2
    epochs = [_first_growth(c) for c, _ in known if c.member in grown]
    return Seen(
        "error" if alarm else "note",
        f"The gradient of {len(grown)} networks grew to {worst:.3g} times its norm before the first step.",
        {"largest_growth": worst if np.isfinite(worst) else None, "members": len(grown),
         **(damaged.evidence if damaged and alarm else {})},
        0.9, tuple(grown), onset=min(epochs),
    )  # fmt: skip


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


def _saturated(run: Run) -> Judged:
    if all(table(c, "saturated_share") is None for c in run.curves):
        return NotApplicable("the activation has no limits, or it was not measured")
    return _layer_share(run, "saturated_share", SATURATED, "of the outputs of {layer} are at the activation's limit")


def _layer_share(run: Run, measure: str, least: Threshold, words: str) -> Judged:
    shares = {c.member: s for c in run.curves if (s := share_of_layer(c, measure)) is not None}
    if not shares:
        return _NO_MEASURES
    high = {member: s for member, s in shares.items() if s[1] >= least.value}
    if not high:
        return None
    best = [m for m in run.best.members if m in high]
    damaged = harm(run)
    alarm = damaged is not None and len(best) > len(run.best.members) / 2
    start, final, layer = high[best[0]] if best else next(iter(high.values()))
    epochs = [e for c in run.curves if c.member in high and (e := onset(c, measure, least.value)) is not None]
    because = f": {damaged.words}" if damaged and alarm else ""
    return Seen(
        "error" if alarm else "note",
        f"At the end {final:.0%} {words.format(layer=layer)} in {len(high)} of {len(shares)} networks{because}.",
        {"share": final, "share_at_start": start, "layer": layer, "networks": len(high),
         **(damaged.evidence if damaged and alarm else {})},
        0.85, tuple(high), onset=min(epochs, default=0),
    )  # fmt: skip


STARTS = ("loss-output-mismatch", "unscaled-inputs", "poor-initialization")
INSIDE_RULES: tuple[Rule[Run], ...] = (
    Rule(
        "vanishing-gradients", "Gradients vanish", "training", _vanishing,
        how="The median over time of the first layer's gradient beside the last layer's, in networks that are worse "
        "than they should be.",
        why="The first layers hardly move: what the inputs say never reaches the output in a useful form.",
        remedies=("use ReLU or SiLU instead of sigmoid or tanh", "normalize layers, or add residual paths",
                  "fewer layers"),
        thresholds=(VANISHING,), causes=("poor-initialization", "learning-rate-too-high", "over-regularized"),
        acts="start",
    ),
    Rule(
        "exploding-gradients", "Gradients explode", "training", _exploding,
        how="The norm of the whole gradient beside its norm before the first step.",
        why="One step undoes what all others did.",
        remedies=("lower the learning rate", "clip the gradient's norm"), thresholds=(EXPLODING,),
        causes=("learning-rate-too-high", *STARTS), acts="steps",
    ),
    Rule(
        "dead-units", "Units are dead", "training", _dead,
        how="Share of a layer's units that give the same for every patient of a minibatch, at the end.",
        why="A dead unit has no gradient and does not come back: the network is smaller than it looks.",
        remedies=("lower the learning rate", "use leaky ReLU or SiLU", "set biases to zeros"), thresholds=(DEAD,),
        causes=("learning-rate-too-high", *STARTS, "over-regularized"), acts="steps",
    ),
    Rule(
        "saturated-units", "Units are saturated", "training", _saturated,
        how="Share of a layer's outputs within a hundredth of the activation's limits, at the end.",
        why="At its limit an activation has no slope: gradients do not pass.",
        remedies=("lower the learning rate", "scale the inputs", "use smaller initial weights, or ReLU"),
        thresholds=(SATURATED,), causes=("learning-rate-too-high", *STARTS), acts="steps",
    ),
)  # fmt: skip
