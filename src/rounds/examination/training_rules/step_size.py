"""Rules about the step size: too large, too small, lowered too early, or never lowered."""

import numpy as np

from rounds.examination.curve import Configuration, Curve, smooth
from rounds.examination.figure import LOSSES, MeasureByLayer
from rounds.examination.finding import BY_HARM, NotApplicable, Seen, Threshold, in_words
from rounds.examination.harm import harm, harm_is_known
from rounds.examination.rule import Judged, Rule
from rounds.examination.run import Run
from rounds.examination.training_rules.inside import VANISHING
from rounds.examination.training_rules.layers import (
    at_start,
    first_to_last,
    gradient_norms,
    longest_step,
    share_of_layer,
    update_ratio,
)
from rounds.examination.training_rules.learning import (
    BEHIND_SIBLING,
    SMALLEST_SHARE,
    STEADY,
    contrast,
    learned_half,
    loss_of_guessing,
    narrow_layers,
    of_what,
    on_its_way,
    rates,
    reference_loss,
    starting_loss,
    strange_size,
)

KARPATHY = "about 1e-3 is healthy (CS231n notes, neural networks 3)"
LARGE_STEPS = Threshold("large steps", 2e-2, "|update| / |first weights|; Adam at 0.01 comes to about 0.015")
SMALL_STEPS = Threshold("small steps", 3e-4, "|update| / |first weights|; " + KARPATHY)
SMALLER_STEPS = Threshold("small steps that did harm", 8e-4, "|update| / |first weights|, beside known harm")
DEAD_AT_START = Threshold(
    "dead at the start", 0.7, "share of a layer", "DeepDiagnosis (Wardat et al. 2022)", "published"
)
LONG_STEP = Threshold("one long step", 0.5, "|update| / |first weights|, the first step included")
RISE = Threshold("rise above the start", 2.0, "times the larger of first loss and constant's loss")
LOST_UNITS = Threshold("units lost in training", 0.5, "share of a layer")
STRAY_START = Threshold("a sane first loss", 10.0, "times the constant's loss or that of guessing, at most")
DEAD_GRADIENT = Threshold(
    "no gradient", 1e-7, "norm", "DeepDiagnosis (Wardat et al. 2022): mean |gradient| < 1e-7", "published"
)
PENALTY = Threshold("penalty before the first step", 0.5, "share of the objective")
DECAYED = Threshold("decayed", 0.1, "share of the highest learning rate")
EARLY = Threshold("early", 0.5, "share of the epochs")


def _overshoots(run: Run, curve: Curve) -> dict[str, float]:
    """Marks of steps that were too long, by name; empty where there are none."""
    marks: dict[str, float] = {}
    start = max(starting_loss(run, curve), reference_loss(run, curve))
    finite = curve.train[np.isfinite(curve.train)]
    without = float("inf") if curve.diverged else 0.0  # lost, or never recorded
    highest = float(finite.max()) / start if len(finite) else without
    if highest >= RISE.value:
        marks["highest_loss_over_start"] = highest
    dead = share_of_layer(curve, "dead_share")
    if dead is not None and dead[1] - dead[0] >= LOST_UNITS.value and dead[2] not in narrow_layers(run, curve):
        marks["units_lost_share"] = dead[1] - dead[0]
    ratio = update_ratio(curve)
    if ratio >= LARGE_STEPS.value:
        marks["update_ratio"] = ratio
    if (longest := longest_step(curve)) >= LONG_STEP.value:
        marks["longest_step"] = longest
    if curve.diverged:
        marks["diverged_epoch"] = float(curve.epochs[np.isfinite(curve.train)].max(initial=0) + 1)
    return marks


def _sane_start(run: Run, curve: Curve) -> bool:
    """Whether the first loss and gradient are those of usable initial weights, and no penalty outweighs the loss."""
    penalty = at_start(curve, "penalty_share")
    if penalty is not None and penalty[0] >= PENALTY.value:
        return False
    dead = at_start(curve, "dead_share")
    norms = gradient_norms(curve)
    alive = dead is None or bool((dead < DEAD_AT_START.value).all())
    flows = norms is None or bool(norms[1][0] > DEAD_GRADIENT.value)
    passed = first_to_last(curve)
    flows &= passed is None or bool(passed[0] >= VANISHING.value)
    sized = strange_size(run, curve) is None
    stray = starting_loss(run, curve) >= STRAY_START.value * max(reference_loss(run, curve), loss_of_guessing(run))
    return alive and flows and sized and not (stray and run.model is None)  # of a model, targets have any scale


def _rate_too_high(run: Run) -> Judged:
    swept = rates(run, run.best)
    marks = [_overshoots(run, c) for c in run.best.curves]
    sane = all(_sane_start(run, c) for c in run.best.curves)
    if sane and _many_marks(run, marks) and not _lower_is_no_better(run, swept):
        return _too_high_everywhere(run, swept, marks)
    return _too_high_above(run, swept)


LEARNING_RATE_TOO_HIGH = Rule(
    "learning-rate-too-high",
    "The learning rate is too high",
    "training",
    _rate_too_high,
    how="In the best configuration: the loss rises far above its start, units die, single steps are large beside "
    "the weights, or the loss is lost (two of these; one, where harm is known or untold), with a sane start. In a "
    "sweep: the same folds train worse at the higher rate, by an interval or with two of these in each network.",
    why="Steps overshoot: the weights jump over good values, and units are thrown where no gradient is.",
    remedies=("divide the learning rate by 10", "warm up over the first epochs", "clip the gradient's norm"),
    thresholds=(RISE, LOST_UNITS, LARGE_STEPS, LONG_STEP, STRAY_START, BEHIND_SIBLING),
    acts="steps",
    place=70,
    seen_at_once=True,
    stops_learning=True,
    figures=(MeasureByLayer("update_ratio", "Step / weights, median layer", LARGE_STEPS, equal_factors=True), LOSSES),
)


def _many_marks(run: Run, marks: list[dict[str, float]]) -> bool:
    """Two marks in most members, or one where harm is known or nothing could tell it."""
    needed = 1 if harm(run) is not None or not harm_is_known(run) else 2
    return float(np.mean([len(m) >= needed for m in marks])) > 0.5


def _marked(run: Run, configuration: Configuration) -> bool:
    """Whether each of its members shows two marks, where folds are too few to tell a difference."""
    return all(len(_overshoots(run, c)) >= 2 for c in configuration.curves)


def _lower_is_no_better(run: Run, swept: tuple[Configuration, ...]) -> bool:
    """Whether a lower rate without any mark was tried on the same folds and trained no better."""
    lower = [c for c in swept if c.learning_rate < run.best.learning_rate]
    unmarked = [c for c in lower if not any(_overshoots(run, curve) for curve in c.curves)]
    differences = [contrast(run, run.best, c) for c in unmarked]
    return any(d is not None and d[0] <= 0 for d in differences)


def _too_high_everywhere(run: Run, swept: tuple[Configuration, ...], marks: list[dict[str, float]]) -> Seen:
    names = sorted({name for m in marks for name in m})
    evidence = {name: float(np.median([m[name] for m in marks if name in m])) for name in names}
    rate = run.best.learning_rate
    words = {
        "highest_loss_over_start": "the loss rose to {:.3g} times where it began",
        "units_lost_share": "{:.0%} of a layer's units died",
        "update_ratio": "one step changed the weights by {:.2g} of their size (about 0.001 is healthy)",
        "longest_step": "one step was {:.2g} times as long as the first weights",
        "diverged_epoch": "the loss was no number from epoch {:.0f}",
    }
    said = ", ".join(words[n].format(evidence[n]) for n in names if np.isfinite(evidence[n]))
    known = bool(np.isfinite(rate))
    place = f"At a learning rate of {rate:g}" if known else "At a learning rate that was not logged"
    rates = {"learning_rate": rate, "rates_tried": [c.learning_rate for c in swept]} if known else {}
    return Seen(
        BY_HARM,
        f"{place} {said or 'steps had no finite length'}.",
        {**rates, **evidence},
        min(0.99, 0.6 + 0.15 * len(names)),
        tuple(m for c in swept if c.learning_rate >= rate for m in c.members),
        onset=1,
        least="warning" if len(swept) < 2 and len(names) > 1 and "highest_loss_over_start" in names else "note",
    )


def _too_high_above(run: Run, swept: tuple[Configuration, ...]) -> Judged:
    """Rates above the best whose networks train worse on the same folds: the sweep did its work, a note."""
    if len(swept) < 2:
        return None
    above = [c for c in swept if c.learning_rate > run.best.learning_rate]
    worse = [(c, contrast(run, c, run.best)) for c in above]
    behind = [(c, d) for c, d in worse if d is not None and d[0] >= BEHIND_SIBLING.value]
    clear = [(c, d) for c, d in behind if d[1] > 0 or _marked(run, c)]
    if not clear:
        return None
    first, difference = clear[0]
    return Seen(
        "note",
        f"A learning rate of {first.learning_rate:g} is too high here: on the same folds the training loss "
        f"stays {in_words(difference[0])} {of_what(run)} above that at {run.best.learning_rate:g}.",
        {
            "learning_rate": first.learning_rate,
            "best_rate": run.best.learning_rate,
            "difference_share": difference[0],
            "low": difference[1],
            "high": difference[2],
        },
        0.95,
        tuple(m for c, _ in clear for m in c.members),
        onset=1,
    )


def _rate_too_low(run: Run) -> Judged:
    if isinstance(high := _rate_too_high(run), Seen) and run.best.learning_rate in high.evidence.get("rates_tried", []):
        return None  # the same steps are never both
    swept = rates(run, run.best)
    if all(on_its_way(run, c) for c in run.best.curves):
        return _far_to_go(run)
    ratios = np.array([update_ratio(c) for c in run.best.curves])
    if np.isnan(ratios).all():
        return _too_low_by_sweep(run, swept)
    healthy_start = all(_sane_start(run, c) for c in run.best.curves)
    falling = np.array([_fall(run, c) for c in run.best.curves])
    damaged = None if learned_half(run) else harm(run)
    slow = ratios < (SMALL_STEPS if damaged is None else SMALLER_STEPS).value
    if not (healthy_start and slow.mean() > 0.5 and (damaged or np.median(falling) >= SMALLEST_SHARE.value)):
        return None
    top = run.best.learning_rate == swept[-1].learning_rate
    ratio = float(np.median(ratios))
    return Seen(
        BY_HARM,
        f"At a learning rate of {run.best.learning_rate:g} a step changes the weights by no more than {ratio:.1g} of "
        f"their size (about 0.001 is healthy); at the end the loss fell by {np.median(falling):.1%} {of_what(run)}.",
        {
            "learning_rate": run.best.learning_rate,
            "update_ratio": ratio,
            "late_fall_share": float(np.median(falling)),
            "highest_rate_tried": swept[-1].learning_rate,
        },
        0.9 if top else 0.6,
        tuple(m for c in swept if c.learning_rate <= run.best.learning_rate for m in c.members),
        onset=1,
    )


LEARNING_RATE_TOO_LOW = Rule(
    "learning-rate-too-low",
    "The learning rate is too low",
    "training",
    _rate_too_low,
    how="Steps stay small beside the weights at all times, gradients do arrive, and the loss is still falling at "
    "the end or worse than it should be; or the loss fell steadily from the first epoch to the last and never came "
    "down to a constant's: targets that far away are not reached by such steps.",
    why="Training ends before the weights have gone anywhere.",
    remedies=("multiply the learning rate by 10", "train for more epochs"),
    thresholds=(SMALL_STEPS, SMALLER_STEPS, SMALLEST_SHARE, DEAD_GRADIENT, STEADY),
    causes=("decayed-too-early", "still-improving"),
    acts="steps",
    place=140,
    stops_learning=True,
    figures=(MeasureByLayer("update_ratio", "Step / weights, median layer", SMALL_STEPS, equal_factors=True), LOSSES),
)


def _far_to_go(run: Run) -> Seen:
    times = [c.train[-1] / reference_loss(run, c) for c in run.best.curves]
    return Seen(
        BY_HARM,
        f"At a learning rate of {run.best.learning_rate:g} the training loss fell steadily, and at the end was still "
        f"{np.median(times):.3g} times a constant's.",
        {"learning_rate": run.best.learning_rate, "loss_over_constant": float(np.median(times))},
        0.7,
        run.best.members,
        onset=1,
    )


def _too_low_by_sweep(run: Run, swept: tuple[Configuration, ...]) -> Judged:
    if len(swept) < 2:
        return NotApplicable("needs measures of the size of steps, or several learning rates")
    return None


def _fall(run: Run, curve: Curve) -> float:
    """Fall of the training loss over the last tenth of the epochs, as a share of the constant's loss."""
    values = curve.train if curve.has_train else curve.validation
    window = curve.window
    if len(values) < 2 * window or not np.isfinite(values).all():
        return 0.0
    return float(values[-2 * window : -window].mean() - values[-window:].mean()) / reference_loss(run, curve)


def _decayed_too_early(run: Run) -> Judged:
    known = [c for c in run.best.curves if c.rate is not None and len(c.epochs) >= 5]
    if not known:
        return NotApplicable("needs the learning rate over five epochs")
    found = [cut for c in known if (cut := _early_cut(run, c)) is not None]
    if len(found) <= len(known) / 2:
        return None
    epoch, before, after = (float(np.median(column)) for column in zip(*found, strict=True))
    return Seen(
        BY_HARM,
        f"The learning rate was down to a tenth after epoch {epoch:.0f} of {known[0].epochs[-1]}, while the loss was "
        f"still falling by {before:.1%} {of_what(run)} an epoch; afterwards it fell by {after:.2%}.",
        {"epoch": epoch, "epochs": int(known[0].epochs[-1]), "fall_before_share": before, "fall_after_share": after},
        0.9,
        run.best.members,
        onset=int(epoch),
    )


DECAYED_TOO_EARLY = Rule(
    "decayed-too-early",
    "The learning rate was lowered too early",
    "training",
    _decayed_too_early,
    how="The rate is below a tenth of its highest in the first half of the epochs while the loss was still "
    "falling; afterwards it falls less than a third as fast.",
    why="The rest of the training is spent on steps too small to matter.",
    remedies=("decay later, or by a cosine over all epochs",),
    thresholds=(DECAYED, EARLY, SMALLEST_SHARE),
    acts="steps",
    place=130,
    stops_learning=True,
    figures=(LOSSES,),
)


def _early_cut(run: Run, curve: Curve) -> tuple[float, float, float] | None:
    """(last epoch at a high rate, fall an epoch before it, fall an epoch after it) where the cut came too early."""
    assert curve.rate is not None
    peak = int(np.nanargmax(curve.rate))
    low = np.flatnonzero(curve.rate[peak:] <= DECAYED.value * curve.rate[peak])
    values = smooth(curve.train if curve.has_train else curve.validation, 1)
    if not len(low) or not np.isfinite(values).all():
        return None
    cut = peak + int(low[0])
    if cut < 1 or cut + 1 > EARLY.value * len(values):
        return None
    scale = reference_loss(run, curve)
    span = max(1, min(cut - 1, curve.window)) if cut > 1 else 1
    start = starting_loss(run, curve) if cut == 1 else values[cut - 1 - span]
    before = (start - values[cut - 1]) / span / scale
    after = (values[cut] - values[-1]) / max(len(values) - 1 - cut, 1) / scale
    if before < SMALLEST_SHARE.value or after > before / 3:
        return None
    return float(curve.epochs[cut - 1]), float(before), float(after)
