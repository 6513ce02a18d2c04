"""Rules about losses that are lost or jump: no number, blown up, fallen back, rough."""

import numpy as np

from rounds.examination.finding import NotApplicable, Seen, Threshold, in_words
from rounds.examination.log_rules.evidence import (
    FEWEST,
    ONE_NETWORK,
    called,
    is_loss,
    log_place,
    train_curve,
    validation_curve,
)
from rounds.examination.log_rules.loss_curve import DIFFERENCE_NOISE, MAD, LossCurve
from rounds.examination.logs.logged_run import LoggedRun, Series
from rounds.examination.rule import Judged, Rule

BLOWN_UP = Threshold("blown up", 2.0, "times the level after the first epochs, at the end")
ABOVE_LOWEST = Threshold("above the lowest", 3.0, "times the lowest level, of a loss that blew up")
LEARNED = Threshold("learned before", 0.2, "share of the level after the first epochs that was gone at best")
LOST_AGAIN = Threshold("lost again", 0.8, "share of what had been gained")
NOTED_JUMPS = Threshold("typical jump that is noted", 0.1, "natural logarithm, as below")
JUMPS = Threshold("typical jump", 0.18, "natural logarithm, of one point about its neighbours, over the second half")
LARGE_JUMPS = Threshold("size of jumps", 0.08, "share of the level after the first epochs")
FEWEST_TURNS = Threshold(
    "turns", 2, "points that stand far above or below both neighbours: a single spike is no unrest"
)
WILD_JUMPS = Threshold("jumps of validation alone", 0.3, "natural logarithm, where training is smooth")


def _diverged(run: LoggedRun) -> Judged:
    for series in (run.loss.train, run.loss.validation):
        if series is not None and (seen := _no_number(run, series)) is not None:
            return seen
    if run.adversarial:
        return None
    curve, side = train_curve(run), "training"
    if curve is None:
        curve, side = validation_curve(run), "validation"
    if curve is None:
        return NotApplicable(f"needs {FEWEST.value:g} points")
    return _blown_up(run, curve, side) or _fallen_back(run, curve, side)


def _no_number(run: LoggedRun, series: Series) -> Seen | None:
    """A loss that is no number at the end, for far longer than between values before: some are logged now and then."""
    known = np.flatnonzero(np.isfinite(series.values))
    last = int(known[-1]) if len(known) else -1
    usual = int(np.diff(known).max(initial=1)) - 1
    if not len(series) or len(series) - 1 - last <= 2 * usual:
        return None
    first = float(series.at[last + 1])
    return Seen(
        "error",
        f"{series.column} stopped being a number at {log_place(run, first)}.",
        {"first_at": first},
        1.0,
        onset=int(first),
    )


def _blown_up(run: LoggedRun, curve: LossCurve, side: str) -> Seen | None:
    positive = curve.lowest > 0
    if not positive or curve.end < BLOWN_UP.value * curve.start or curve.end < ABOVE_LOWEST.value * curve.lowest:
        return None
    at = _since(curve, 0.5 * (curve.lowest + curve.end))
    return Seen(
        "error",
        f"The {side} loss blew up: {curve.lowest:.3g} at best, {curve.end:.3g} at the end, above where it began "
        f"({curve.start:.3g}); it has stayed up since {log_place(run, at)}.",
        {"lowest": curve.lowest, "end": curve.end, "start": curve.start},
        0.9,
        onset=int(at),
    )


def _fallen_back(run: LoggedRun, curve: LossCurve, side: str) -> Seen | None:
    """The loss had been learned and is back where it began, all of the last points with it."""
    gained, last = curve.start - curve.lowest, curve.values[-max(3, curve.window) :]
    half = curve.lowest + 0.5 * gained
    if side == "validation" or gained < LEARNED.value * curve.unit or (last < half).any():
        return None
    if curve.end - curve.lowest < LOST_AGAIN.value * gained:
        return None
    at = _since(curve, half)
    return Seen(
        "error",
        f"The {side} loss fell to {curve.lowest:.3g} and went back to {curve.end:.3g} (it began at "
        f"{curve.start:.3g}); what had been learned is lost since {log_place(run, at)}.",
        {"lowest": curve.lowest, "end": curve.end, "start": curve.start},
        0.9,
        onset=int(at),
    )


def _since(curve: LossCurve, level: float) -> float:
    """Since when the loss has stayed above a level."""
    below = np.flatnonzero(curve.values <= level)
    return float(curve.at[min(int(below[-1]) + 1, len(curve) - 1)]) if len(below) else float(curve.at[0])


def roughness(curve: LossCurve, first: int) -> tuple[float, float]:
    """(typical jump as a logarithm, typical jump as a share of the unit) of one point about its neighbours, from one
    index on; the logarithm is 0 for losses that are not positive."""
    half = curve.values[first:]
    share = float(np.abs(np.diff(half, n=2)).mean()) / np.sqrt(DIFFERENCE_NOISE) / curve.unit
    if (half <= 0).any():
        return 0.0, share
    return MAD * float(np.median(np.abs(np.diff(np.log(half), n=2)))) / np.sqrt(DIFFERENCE_NOISE), share


def _turns(values: np.ndarray, far_away: float = NOTED_JUMPS.value) -> int:
    """Points that stand far above or far below both neighbours; far_away: as a logarithm."""
    moves = np.diff(np.log(np.maximum(values, 1e-300)))
    there, back = moves[:-1], moves[1:]
    far = np.minimum(np.abs(there), np.abs(back)) >= far_away
    return int((far & (there * back < 0)).sum())


def _unstable(run: LoggedRun) -> Judged:
    train, validation = train_curve(run), validation_curve(run)
    curve, name = (validation, called(run.loss.validation)) if validation else (train, called(run.loss.train))
    if curve is None:
        return NotApplicable(f"needs {FEWEST.value:g} points")
    half = len(curve) - max(len(curve) // 2, min(len(curve), 7))
    jump, share = roughness(curve, half)
    large = LARGE_JUMPS.value if is_loss(run.loss.validation or run.loss.train) else LARGE_JUMPS.value / curve.unit
    if jump < NOTED_JUMPS.value or share < large / 2 or _turns(curve.values[half:]) < FEWEST_TURNS.value:
        return _unstable_at_first(run, curve, name, half)
    smooth_training = train is not None and train is not curve and roughness(train, len(train) // 2)[0] < JUMPS.value
    least = (WILD_JUMPS if smooth_training else JUMPS).value
    wild = _turns(curve.values[half:], JUMPS.value) >= FEWEST_TURNS.value
    alarms = wild and share >= large and jump >= least and roughness(_without_spike(curve, half), 0)[0] >= least
    why = "; training is smooth, so these may be too few validation patients" if smooth_training else ""
    return Seen(
        "warning" if alarms else "note",
        f"From one point to the next the {name} typically jumps by {np.expm1(jump):.0%} of itself, "
        f"{in_words(share)} of its level after the first epochs{why}.",
        {"jump_log": jump, "jump_share": share},
        0.8,
        onset=int(curve.at[half]),
    )


def _without_spike(curve: LossCurve, first: int) -> LossCurve:
    """The points from an index on, but for the one that stands farthest from its neighbours."""
    values = curve.values[first:]
    middle = 0.5 * (values[:-2] + values[2:])
    spike = 1 + int(np.abs(values[1:-1] - middle).argmax())
    return LossCurve(np.delete(curve.at[first:], spike), np.delete(values, spike))


def _unstable_at_first(run: LoggedRun, curve: LossCurve, name: str, half: int) -> Seen | None:
    """Wild in the first half, and settled afterwards."""
    if half < FEWEST.value or not is_loss(run.loss.validation or run.loss.train):
        return None
    early = LossCurve(curve.at[:half], curve.values[:half])
    jump, share = roughness(early, 0)
    if jump < WILD_JUMPS.value or share < LARGE_JUMPS.value or _turns(early.values) < FEWEST_TURNS.value:
        return None
    return Seen(
        "note",
        f"Up to {log_place(run, float(curve.at[half]))} the {name} jumped by {np.expm1(jump):.0%} of itself from one "
        "point to the next, and settled afterwards: shorter first steps (a warm-up) would not have lost that time.",
        {"jump_log": jump, "jump_share": share},
        0.6,
        onset=int(curve.at[0]),
    )


DIVERGED: Rule[LoggedRun] = Rule(
    "diverged",
    "The loss is lost",
    "training",
    _diverged,
    how="The loss is no number at the end; or it ends above twice the level after the first epochs; or it is back "
    "where it began after it had fallen.",
    why="The weights are lost: whatever is predicted from here on means nothing.",
    remedies=("lower the learning rate", "clip the gradient's norm", "scale inputs and targets"),
    thresholds=(BLOWN_UP, ABOVE_LOWEST, LEARNED, LOST_AGAIN),
    place=10,
    seen_at_once=True,
)
UNSTABLE: Rule[LoggedRun] = Rule(
    "unstable",
    "The loss jumps",
    "training",
    _unstable,
    how="Typical second difference of the logarithm of the loss over the second half of the points.",
    why="Which epoch is kept is a matter of luck.",
    remedies=("lower or decay the learning rate", "larger minibatches", "more validation patients"),
    thresholds=(NOTED_JUMPS, JUMPS, LARGE_JUMPS, FEWEST_TURNS, WILD_JUMPS),
    causes=("diverged",),
    place=20,
    needs=(ONE_NETWORK,),
    seen_at_once=True,
)
