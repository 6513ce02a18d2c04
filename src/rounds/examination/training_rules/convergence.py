"""Rules about where the losses end: nowhere, at the constant, or still on their way."""

import numpy as np

from rounds.examination.curve import Curve, last, smooth
from rounds.examination.figure import LOSSES
from rounds.examination.finding import BY_HARM, NotApplicable, Seen, Threshold, in_words
from rounds.examination.harm import harm
from rounds.examination.rule import Judged, Rule
from rounds.examination.run import Run
from rounds.examination.training_rules.layers import initial_loss
from rounds.examination.training_rules.learning import (
    BAD_STARTS,
    SMALLEST_SHARE,
    explained,
    learned_nothing,
    median_explained,
    noise_of_mean,
    of_what,
    reference_loss,
)
from rounds.statistics.fold_differences import paired

DIVERGED_SHARE = Threshold("members diverged", 0.5, "share of members from which it is an error")
SURE_ERRORS = Threshold("certainty of one curve", 3.0, "standard errors, from its own roughness")
CLEAR_GAIN = Threshold("fall of a single curve, or of a user's own model", 0.02, "share of the constant's loss")
FEWEST_EPOCHS = 5  # below which no trend can be seen
FEW_STEPS = Threshold("few steps", 100, "steps in all")
STILL_WINDOW = Threshold("stretch judged", 0.1, "share of the epochs, at the end and before it")


KEEP_FROM_LEARNING = (
    "learning-rate-too-high",
    "learning-rate-too-low",
    "decayed-too-early",
    *BAD_STARTS,
    "vanishing-gradients",
    "dead-units",
    "saturated-units",
    "over-regularized",
    "not-shuffled",
    "frozen-layer",
)


def _diverged(run: Run) -> Judged:
    lost = [c for c in run.curves if c.diverged]
    if not lost:
        return None
    share = len(lost) / len(run.curves)
    first = min(_lost_from(c) for c in lost)
    best_lost = any(c.diverged for c in run.best.curves)
    return Seen(
        "error" if share >= DIVERGED_SHARE.value or best_lost else "note",
        f"The loss of {len(lost)} of {len(run.curves)} networks stopped being a number, first in epoch {first}.",
        {"diverged_members": len(lost), "members": len(run.curves), "first_epoch": first},
        1.0,
        tuple(c.member for c in lost),
        onset=first,
    )


DIVERGED = Rule(
    "diverged",
    "The loss is no longer a number",
    "training",
    _diverged,
    how="A training loss that is infinite or not a number.",
    why="The weights are lost: whatever is predicted from here on means nothing.",
    remedies=("lower the learning rate", "clip the gradient's norm", "scale inputs and targets"),
    thresholds=(DIVERGED_SHARE,),
    causes=("learning-rate-too-high", *BAD_STARTS, "exploding-gradients"),
    place=190,
    seen_at_once=True,
    stops_learning=True,
    figures=(LOSSES,),
)


def _lost_from(curve: Curve) -> int:
    """The first epoch without a finite loss, of those that were recorded."""
    recorded = [values for values in (curve.train, curve.validation) if np.isfinite(values).any()]
    wrong = ~np.all([np.isfinite(values) for values in recorded or [curve.train]], axis=0)
    return int(curve.epochs[wrong][0]) if wrong.any() else int(curve.epochs[-1])


def _not_learning(run: Run) -> Judged:
    if run.constant_loss is None:
        return _never_fell(run)
    stuck = [c for c in run.curves if not c.diverged and learned_nothing(run, c)]
    stuck_members = {c.member for c in stuck}
    if not stuck or any(c.member not in stuck_members for c in run.best.curves if not c.diverged):
        return None
    shares = [explained(run, c) for c in stuck]
    return Seen(
        "error",
        f"Neither loss of {len(stuck)} of {len(run.curves)} networks ever fell below what one constant prediction "
        "reaches.",
        {"explained_share_median": float(np.median(shares)), "constant_loss": run.constant_loss},
        1.0,
        tuple(c.member for c in stuck),
        onset=1,
    )


NOT_LEARNING = Rule(
    "not-learning",
    "The networks learned nothing",
    "training",
    _not_learning,
    how="Neither the training nor the validation loss ever came below that of the best constant prediction by a "
    "worthwhile share.",
    why="A constant is as good: weights, data or the objective are wrong, or training had hardly begun.",
    remedies=(
        "check that inputs and targets belong together",
        "change learning rate or initial weights",
        "train for more epochs, where the loss is still falling",
    ),
    thresholds=(SMALLEST_SHARE,),
    causes=KEEP_FROM_LEARNING,
    place=260,
    seen_at_once=True,
    stops_learning=True,
    figures=(LOSSES,),
)


def _never_fell(run: Run) -> Judged:
    """Without the constant's loss: flat from the first epoch on, on both sides."""
    long = [c for c in run.curves if len(c.epochs) >= FEWEST_EPOCHS and not c.diverged and c.has_train]
    if not long:
        return NotApplicable(f"needs the constant's loss, or training losses of {FEWEST_EPOCHS} epochs")
    falls = [max(_fall(c.train), _fall(c.validation) if c.has_validation else 0.0) for c in long]
    if np.median(falls) >= SMALLEST_SHARE.value:
        return None
    return Seen(
        "warning",
        f"The loss fell by {max(float(np.median(falls)), 0):.2%} after the first epoch: nothing is learned, or all of "
        "it was in the first.",
        {"fall_share": float(np.median(falls)), "epochs": int(long[0].epochs[-1])},
        0.6,
        tuple(c.member for c in long),
        onset=1,
    )


def _fall(values: np.ndarray) -> float:
    """Fall from the first value to the lowest three neighbours, as a share of the first."""
    return float((values[0] - smooth(values, 3).min()) / abs(values[0])) if values[0] else 0.0


def late_gain(run: Run, curve: Curve) -> tuple[float, float]:
    """(fall of the loss over the last stretch, its standard error), as shares of the reference loss."""
    values = curve.validation if curve.has_validation else curve.train
    values = values[np.isfinite(values)] / reference_loss(run, curve)
    window = max(1, round(STILL_WINDOW.value * len(values)))
    gain = last(values[:-window], window) - last(values, window)
    return gain, float(np.sqrt(2) * noise_of_mean(values[-max(4 * window, 8) :], window))


def _still_improving(run: Run) -> Judged:
    if (few := _few_steps(run)) is not None:
        return few
    curves = [c for c in run.best.curves if c.outcome == "finished" and len(c.epochs) >= FEWEST_EPOCHS]
    if not curves:
        return NotApplicable(f"no network of the best configuration trained for {FEWEST_EPOCHS} epochs and to the end")
    found = [late_gain(run, c) for c in curves]
    mean, low, high = paired(np.array([gain for gain, _ in found]))
    by_fold = low > 0 and mean >= (SMALLEST_SHARE if run.model is None else CLEAR_GAIN).value
    each = min(gain - SURE_ERRORS.value * error for gain, error in found)
    if not (by_fold or (each > 0 and mean >= CLEAR_GAIN.value)):
        return None
    if not by_fold:
        low, high = each, 2 * mean - each
    split = "Validation" if curves[0].has_validation else "Training"
    return Seen(
        "warning",
        f"{split} loss was still falling at the end of training: by {in_words(mean)} {of_what(run)} over the last "
        "tenth of the epochs.",
        {"late_gain_share": mean, "low": low, "high": high, "epochs": int(curves[0].epochs[-1])},
        0.9 if len(found) > 1 else 0.6,
        run.best.members,
        onset=max(2, int((1 - STILL_WINDOW.value) * curves[0].epochs[-1])),
    )


STILL_IMPROVING = Rule(
    "still-improving",
    "Training ended too early",
    "training",
    _still_improving,
    how="The fall of the validation loss over the last tenth of the epochs is worthwhile, and above zero over the "
    "folds or, by its own roughness, in each of them; or few steps were taken in all and the result is worse than it "
    "should be.",
    why="The networks would be better if they had trained longer.",
    remedies=("train for more epochs", "raise the learning rate"),
    thresholds=(STILL_WINDOW, SMALLEST_SHARE, CLEAR_GAIN, SURE_ERRORS, FEW_STEPS),
    causes=("learning-rate-too-high", "learning-rate-too-low", *BAD_STARTS),
    acts="steps",
    place=200,
    figures=(LOSSES,),
)


def _few_steps(run: Run) -> Judged:
    """Networks that are worse than they should be after a handful of steps that did bring something."""
    counts = [len(c.steps[1]) for c in run.best.curves if c.steps is not None]
    damaged = harm(run)
    if not counts or max(counts) >= FEW_STEPS.value or damaged is None or not _brought_something(run):
        return None
    return Seen(
        BY_HARM,
        f"Training took only {max(counts)} steps.",
        {"steps": max(counts), "epochs": int(run.best.curves[0].epochs[-1])},
        0.7,
        run.best.members,
        onset=0,
    )


def _brought_something(run: Run) -> bool:
    """Whether one of the losses came below the constant's (that of training is an epoch's mean, the first too) or,
    where networks began above it, well below that beginning."""
    reached = (median_explained(run, run.best, split) for split in ("train", "validation"))
    return max(reached) >= SMALLEST_SHARE.value or _fell_from_start(run) >= SMALLEST_SHARE.value


def _fell_from_start(run: Run) -> float:
    """Fall of the loss from before the first step to the last validation, as a share of the constant's; 0 where the
    beginning was not measured."""
    falls = [(initial_loss(c) - c.validation[-1]) / reference_loss(run, c) for c in run.best.curves if c.has_validation]
    return float(np.nan_to_num(np.median(falls))) if falls else 0.0
