"""The published rule sets of AutoTrainer and DeepDiagnosis, on the same runs: what Rounds has to be ahead of.

Both watch one network. Here each of their symptoms counts where most networks of the best configuration show it, which
spares them alarms. A symptom stands for every cause that their published repairs aim at, so that they are given credit
for any of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.ward.outcome import Said
from rounds.examination.curve import Curve
from rounds.examination.run import Run
from rounds.examination.training_rules.layers import at_end, gradient_norms, table

# AutoTrainer (Zhang et al. 2021, ICSE).
VANISHED_RATIO, VANISHED_NORM, EXPLODED, ZERO_SHARE = 1e-3, 1e-4, 70.0, 0.7
SWING, SWING_EPOCHS, SLOW = 0.03, 0.2, 0.01
# DeepDiagnosis (Wardat et al. 2022, ICSE).
NO_GRADIENT, DEAD_SHARE, FULL_SHARE = 1e-7, 0.7, 0.5


@dataclass(frozen=True)
class Symptom:
    """shown: whether a network of this run shows it; means: the causes that its repairs aim at, in their order."""

    name: str
    shown: Callable[[Run, Curve], bool]
    means: tuple[str, ...]


def said_by(symptoms: tuple[Symptom, ...], run: Run) -> tuple[tuple[str, ...], ...]:
    """Causes meant by each symptom seen, in the order in which the rule set looks for them."""
    curves = run.best.curves
    with np.errstate(all="ignore"):
        seen = [s for s in symptoms if np.mean([s.shown(run, c) for c in curves]) > 0.5]
    return tuple(s.means for s in seen)


def as_said(meant: tuple[tuple[str, ...], ...], acceptable: tuple[str, ...]) -> Said:
    """Alarms of an anchor; where the first symptom means an acceptable cause, that cause is its first alarm."""
    firsts = [next((code for code in codes if code in acceptable), codes[0]) for codes in meant]
    return Said(tuple(firsts))


def _ratio(curve: Curve) -> np.ndarray | None:
    found = table(curve, "gradient_norm")
    return None if found is None or len(found[0]) < 2 else found[2][0] / np.maximum(found[2][-1], 1e-30)


def _vanished(run: Run, curve: Curve) -> bool:
    ratio, norms = _ratio(curve), table(curve, "gradient_norm")
    if ratio is None or norms is None:
        return False
    return bool((ratio[-1] < VANISHED_RATIO) and (norms[2][0, -1] < VANISHED_NORM))


def _exploded(run: Run, curve: Curve) -> bool:
    norms, ratio = gradient_norms(curve), _ratio(curve)
    if curve.diverged or (norms is not None and not np.isfinite(norms[1]).all()):
        return True
    return ratio is not None and bool(ratio[-1] > EXPLODED)


def _dying(run: Run, curve: Curve) -> bool:
    dead = at_end(curve, "dead_share")
    return "relu" in run.plans[0].activation and dead is not None and bool(dead.max() >= ZERO_SHARE)


def _accuracy(run: Run, curve: Curve) -> np.ndarray:
    """Accuracy [E] on validation patients; of numbers, the share of a constant's loss that is gone."""
    if "accuracy" in curve.metrics:
        return curve.metrics["accuracy"]
    return np.clip(1 - curve.validation / (run.constant_loss or 1.0), -1.0, 1.0)


def _oscillates(run: Run, curve: Curve) -> bool:
    steps = np.diff(_accuracy(run, curve))
    turns = (np.sign(steps[1:]) != np.sign(steps[:-1])) & (np.abs(steps[1:]) >= SWING)
    return len(turns) > 0 and bool(turns.sum() >= SWING_EPOCHS * len(steps))


def _slow(run: Run, curve: Curve) -> bool:
    values = _accuracy(run, curve)
    return bool(values[-1] - values[0] < SLOW)


AUTOTRAINER = (
    Symptom("vanishing gradient", _vanished, ("vanishing-gradients", "poor-initialization", "saturated-units")),
    Symptom("exploding gradient", _exploded, ("exploding-gradients", "learning-rate-too-high", "poor-initialization")),
    Symptom("dying ReLU", _dying, ("dead-units", "poor-initialization")),
    Symptom("oscillating loss", _oscillates, ("unstable", "learning-rate-too-high")),
    Symptom("slow convergence", _slow, ("learning-rate-too-low", "still-improving", "poor-initialization")),
)


def _lost(run: Run, curve: Curve) -> bool:
    return curve.diverged


def _dead_node(run: Run, curve: Curve) -> bool:
    dead = at_end(curve, "dead_share")
    return dead is not None and bool(dead.max() >= DEAD_SHARE)


def _saturated(run: Run, curve: Curve) -> bool:
    """Sigmoid and tanh beyond +-5 are within a hundredth of their limits."""
    full = at_end(curve, "saturated_share")
    return full is not None and bool(full.max() >= FULL_SHARE)


def _unchanged(run: Run, curve: Curve) -> bool:
    found = table(curve, "weight_norm")
    return found is not None and bool((np.ptp(found[2], axis=1) == 0).any())


def _no_gradient(run: Run, curve: Curve) -> bool:
    """Mean |gradient|, from its norm over as many numbers as the narrowest layer has."""
    found = table(curve, "gradient_norm")
    numbers = np.sqrt(max(min(run.plans[0].hidden, default=1), 1))
    return found is not None and bool((found[2][:, -1] / numbers < NO_GRADIENT).any())


def _out_of_range(run: Run, curve: Curve) -> bool:
    """An output whose range is not that of the outcomes."""
    plan, task = run.plans[0], run.task
    if plan.output_activation == "auto" or task is None:
        return False
    return plan.output_activation not in {"regression": ("linear",)}.get(task.kind, ("sigmoid", "softmax"))


def _loss_rests(run: Run, curve: Curve) -> bool:
    return bool(curve.train[-1] >= curve.train[0])


def _accuracy_rests(run: Run, curve: Curve) -> bool:
    values = _accuracy(run, curve)
    return bool(values[-1] <= values[0])


_ANY = ("learning-rate-too-low", "learning-rate-too-high", "loss-output-mismatch", "still-improving")
DEEPDIAGNOSIS = (
    Symptom("invalid loss", _lost, ("diverged", "loss-output-mismatch", "learning-rate-too-high", "unscaled-inputs")),
    Symptom("exploding tensor", _exploded, ("exploding-gradients", "learning-rate-too-high", "unscaled-inputs")),
    Symptom("out of range", _out_of_range, ("loss-output-mismatch",)),
    Symptom("saturated activation", _saturated, ("saturated-units", "poor-initialization", "unscaled-inputs")),
    Symptom("dead node", _dead_node, ("dead-units", "poor-initialization", "learning-rate-too-high")),
    Symptom("unchanged weight", _unchanged, ("learning-rate-too-low", "frozen-layer", "poor-initialization")),
    Symptom("vanishing gradient", _no_gradient, ("vanishing-gradients", "poor-initialization")),
    Symptom("accuracy not increasing", _accuracy_rests, _ANY),
    Symptom("loss not decreasing", _loss_rests, _ANY),
)
ANCHORS = {"AutoTrainer": AUTOTRAINER, "DeepDiagnosis": DEEPDIAGNOSIS}
