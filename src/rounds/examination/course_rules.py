"""Rules about where the losses end: nowhere, at the constant, or still on their way."""

import numpy as np

from rounds.examination.comparison import paired
from rounds.examination.curve import Curve, last
from rounds.examination.evidence import Run
from rounds.examination.finding import NotApplicable, Seen
from rounds.examination.learning import SMALLEST_SHARE, explained, reference_loss
from rounds.examination.rule import Judged, Rule, Threshold

DIVERGED_SHARE = Threshold("members diverged", 0.5, "share of members from which it is an error")
STILL_WINDOW = Threshold("stretch judged", 0.1, "share of the epochs, at the end and before it")


def _diverged(run: Run) -> Judged:
    lost = [c for c in run.curves if c.diverged]
    if not lost:
        return None
    share = len(lost) / len(run.curves)
    first = min(
        int(c.epochs[~np.isfinite(c.train)][0]) if not np.isfinite(c.train).all() else int(c.epochs[-1]) for c in lost
    )
    best_lost = any(c.diverged for c in run.best.curves)
    return Seen(
        "error" if share >= DIVERGED_SHARE.value or best_lost else "note",
        f"The loss of {len(lost)} of {len(run.curves)} networks stopped being a number, first in epoch {first}.",
        {"diverged_members": len(lost), "members": len(run.curves), "first_epoch": first},
        1.0, tuple(c.member for c in lost), onset=first,
    )  # fmt: skip


def _not_learning(run: Run) -> Judged:
    if run.constant_loss is None:
        return NotApplicable("needs the loss of a constant prediction")
    finite = [c for c in run.curves if not c.diverged]
    stuck = [c for c in finite if explained(run, c) < SMALLEST_SHARE.value]
    if not finite or any(c in run.best.curves and c not in stuck for c in finite):
        return None
    shares = [explained(run, c) for c in stuck]
    return Seen(
        "error",
        f"The training loss of {len(stuck)} networks never fell below what one constant prediction reaches.",
        {"explained_share_median": float(np.median(shares)), "constant_loss": run.constant_loss},
        1.0, tuple(c.member for c in stuck), onset=1,
    )  # fmt: skip


def late_gain(run: Run, curve: Curve) -> float:
    """Fall of the validation loss over the last stretch, as a share of the constant's loss per stretch."""
    window = max(1, round(STILL_WINDOW.value * len(curve.epochs)))
    values = curve.validation if curve.has_validation else curve.train
    before = last(values[:-window], window)
    return (before - last(values, window)) / reference_loss(run, curve)


def _still_improving(run: Run) -> Judged:
    curves = [c for c in run.best.curves if c.outcome == "finished" and len(c.epochs) >= 3]
    if not curves:
        return NotApplicable("no network of the best configuration trained for three epochs and to the end")
    gains = np.array([late_gain(run, c) for c in curves])
    mean, low, high = paired(gains)
    if len(gains) < 2:
        low = high = mean
    if not (low > 0 and mean >= SMALLEST_SHARE.value):
        return None
    return Seen(
        "warning",
        f"Validation loss was still falling when training ended: by {100 * mean:.1f} % of the constant's loss over the "
        "last tenth of the epochs.",
        {"late_gain_share": mean, "low": low, "high": high, "epochs": int(curves[0].epochs[-1])},
        0.9 if len(gains) > 1 else 0.6, run.best.members, onset=1,
    )  # fmt: skip


STARTS = ("loss-output-mismatch", "unscaled-inputs", "poor-initialization")
NOT_LEARNING = (
    "learning-rate-too-high", "learning-rate-too-low", "decayed-too-early", *STARTS, "vanishing-gradients",
    "dead-units", "saturated-units", "over-regularized", "not-shuffled",
)  # fmt: skip
COURSE_RULES: tuple[Rule[Run], ...] = (
    Rule(
        "diverged", "The loss is no longer a number", "training", _diverged,
        how="A training loss that is infinite or not a number.",
        why="The weights are lost: whatever is predicted from here on means nothing.",
        remedies=("lower the learning rate", "clip the gradient's norm", "scale inputs and targets"),
        thresholds=(DIVERGED_SHARE,),
        causes=("learning-rate-too-high", *STARTS, "exploding-gradients"),
    ),
    Rule(
        "not-learning", "The networks learned nothing", "training", _not_learning,
        how="The training loss at the end is not below that of the best constant prediction by a worthwhile share.",
        why="A constant is as good: weights, data or the objective are wrong, and more epochs will not help.",
        remedies=("check that inputs and targets belong together", "change learning rate or initial weights"),
        thresholds=(SMALLEST_SHARE,), causes=NOT_LEARNING,
    ),
    Rule(
        "still-improving", "Training ended too early", "training", _still_improving,
        how="The fall of the validation loss over the last tenth of the epochs is worthwhile, and above zero over the "
        "folds.",
        why="The networks would be better if they had trained longer.",
        remedies=("train for more epochs", "raise the learning rate"),
        thresholds=(STILL_WINDOW, SMALLEST_SHARE), causes=("learning-rate-too-low", *STARTS),
    ),
)  # fmt: skip
