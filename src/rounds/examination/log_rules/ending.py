"""Rules about where a loss ends: nowhere, still on its way, flat, or too few points to say."""

import numpy as np

from rounds.examination.finding import NotApplicable, Seen, Threshold, in_words
from rounds.examination.log_rules.evidence import (
    FEWEST,
    ONE_NETWORK,
    SURE,
    WORTHWHILE,
    called,
    fall_of_noise,
    log_place,
    rises,
    score_curve,
    sure_of,
    train_curve,
    validation_curve,
)
from rounds.examination.log_rules.loss_curve import END_SHARE, LossCurve
from rounds.examination.logs.logged_run import LoggedRun
from rounds.examination.rule import Judged, Rule

NOTHING = Threshold("nothing learned", 0.02, "share of the level after the first epochs, fall of either loss")
LEARNED_AT_LEAST = Threshold("something learned", 0.2, "share of the level, a fall that is no noise whatever the noise")
SCORE_MOVED = Threshold("a score that moved", 0.05, "share of what it left after the first epochs")
LEARNED_ALREADY = Threshold("learned already", 0.9, "score at the start, from which a flat loss is no failure")
LATE_FALL = Threshold("late fall", 0.02, "share of the level after the first epochs, over the last third")
LEAST = 3  # points that may show a beginning
LAST_FALL = Threshold("last fall", 0.05, "share of the loss before, of three or four points that all fall")
OF_LEVEL = Threshold("late fall of a low loss", 0.1, "share of its level at the end")
WITH_TRAINING = Threshold("certainty beside a training loss that falls", 1.0, "standard errors")
STEEP = Threshold("steep", 0.2, "share of the whole fall, over the last third")
SLOW = Threshold("slow", 0.25, "share of the level that is gone at the end of a fall that is as steep as ever")
RISEN = Threshold(
    "no plateau", 0.03, "share of the level after the first epochs, rise from the lowest level to the end"
)
MOST_NOISE = Threshold("noise that a plateau may have", 0.05, "share of the level after the first epochs")
FLAT_SHARE = Threshold("flat stretch", 0.3, "share of the points, at the end")


def _too_few_points(run: LoggedRun) -> Judged:
    if run.adversarial:
        words = "Two networks play against each other here: neither loss has to fall, and its trend says nothing."
        return Seen("note", words, {}, 0.8)
    points = max(len(s.finite) for s in (run.loss.train, run.loss.validation) if s is not None)
    validation = 0 if run.loss.validation is None else len(run.loss.validation.finite)
    if points >= FEWEST.value:
        if not 0 < validation < FEWEST.value:
            return None
        words = f"Validation has {validation} point{'s' if validation > 1 else ''}: too few to see a trend (at "
        f"least {FEWEST.value:g})."
        return Seen("note", f"{words} What is said is of training alone.", {"points": validation}, 1.0)
    return Seen(
        "note",
        f"{points} point{'s' if points != 1 else ''}: too few to see a trend (at least {FEWEST.value:g}).",
        {"points": points},
        1.0,
    )


def _judged(run: LoggedRun) -> LossCurve | None:
    return validation_curve(run) or train_curve(run)


def _not_learning(run: LoggedRun) -> Judged:
    curves = [c for c in (train_curve(run), validation_curve(run)) if c is not None]
    if not curves:
        return NotApplicable(f"needs {FEWEST.value:g} points")
    if any(c.fall >= max(NOTHING.value, min(fall_of_noise(c), LEARNED_AT_LEAST.value)) for c in curves):
        return None
    scores = [c for s in run.scores if s.validation and (c := score_curve(s)) is not None]
    good = any(s.bounded and s.judged.finite.values[:1].max(initial=0) >= LEARNED_ALREADY.value for s in run.scores)
    if good or any(c.fall >= SCORE_MOVED.value and c.fall > SURE.value * c.noise() / c.unit for c in scores):
        return None
    most = max(c.fall for c in curves)
    return Seen(
        "warning",
        f"The loss fell by {in_words(max(most, 0.0))} of its level after the first epochs: no more than its noise, "
        "or than is worth anything. Nothing is learned, or all of it was in the first epoch.",
        {"fall_share": most},
        0.8,
        onset=int(curves[0].at[0]),
    )


def _still_improving(run: LoggedRun) -> Judged:
    train, validation = train_curve(run), validation_curve(run)
    curve = validation or train
    if curve is None:
        return _falls_at_every_point(run) or NotApplicable(f"needs {FEWEST.value:g} points")
    fall, error = curve.late_trend
    of_level = fall * curve.unit / max(abs(curve.end + fall * curve.unit), 1e-300)
    sure = SURE.value if train is None or train is curve or not _falls(train) else WITH_TRAINING.value
    worth_it = fall >= LATE_FALL.value or (of_level >= OF_LEVEL.value and fall >= LATE_FALL.value / 4)
    if not worth_it or fall < sure * error or curve.best_index < (1 - END_SHARE) * (len(curve) - 1):
        return _perhaps_improving(run, train, validation)
    share = fall / max(curve.fall, fall)
    return Seen(
        "warning"
        if share >= STEEP.value and fall >= max(2 * LATE_FALL.value, sure_of(curve.late_points) * error)
        else "note",
        f"The {called(run.loss.validation if validation else run.loss.train)} is still falling: over the last third by "
        f"{in_words(fall)} of its level after the first epochs, {share:.0%} of the whole fall. More epochs would "
        "bring more.",
        {"late_fall_share": fall, "standard_error": error, "share_of_fall": share},
        0.8,
        onset=int(curve.at[-1]),
    )


def _falls_at_every_point(run: LoggedRun) -> Seen | None:
    """Of three or four points: each loss that was logged is lower at each, and by a worthwhile share at the last."""
    known = [c for s in (run.loss.train, run.loss.validation) if (c := LossCurve.of(s)) is not None]
    if not known or min(len(c) for c in known) < LEAST or any((np.diff(c.values) >= 0).any() for c in known):
        return None
    last = min(float(c.values[-2] - c.values[-1]) / max(abs(float(c.values[-2])), 1e-300) for c in known)
    if last < LAST_FALL.value:
        return None
    return Seen(
        "note",
        f"What was logged fell at every one of {min(len(c) for c in known)} points, at the last by {last:.0%} or "
        "more: more epochs would most likely bring more.",
        {"last_fall_share": last},
        0.4,
    )


def _perhaps_improving(run: LoggedRun, train: LossCurve | None, validation: LossCurve | None) -> Seen | None:
    """The training loss still falls, and validation was never better than lately; noise hides how far it follows."""
    if train is None or validation is None or not _falls(train):
        return None
    late = len(validation) - max(1, round(END_SHARE * len(validation)))
    before, after = float(validation.values[:late].min()), float(validation.values[late:].min())
    fall, error = validation.late_trend
    if (before - after) / validation.unit < WORTHWHILE.value or fall < -error:
        return None
    at, value = validation.best
    return Seen(
        "note",
        f"The training loss is still falling, and the {called(run.loss.validation)} was never lower than "
        f"{value:.4g} at "
        f"{log_place(run, at)}, in the last third; from one point to the next it changes too much to tell how far it "
        "follows.",
        {"best_at": at, "gain_share": (before - after) / validation.unit},
        0.5,
        onset=int(validation.at[-1]),
    )


def _falls(curve: LossCurve) -> bool:
    """Whether the loss falls beyond doubt over the last third."""
    fall, error = curve.late_trend
    return fall >= LATE_FALL.value and fall >= SURE.value * error


def _too_slow(run: LoggedRun) -> Judged:
    curve = train_curve(run)
    if curve is None:
        return NotApplicable(f"needs {FEWEST.value:g} training points")
    fall, error = curve.late_trend
    if curve.fall > SLOW.value or fall < SURE.value * error or fall < 0.8 * END_SHARE * curve.fall or fall <= 0:
        return None
    return Seen(
        "note",
        f"The training loss falls slowly and as steadily as ever: {in_words(curve.fall)} of its level in the whole "
        f"training, {in_words(fall)} in the last third. Longer steps would get there sooner.",
        {"fall_share": curve.fall, "late_fall_share": fall},
        0.5,
        onset=int(curve.at[0]),
    )


def _plateau(run: LoggedRun) -> Judged:
    curve = _judged(run)
    if curve is None:
        return NotApplicable(f"needs {FEWEST.value:g} points")
    since = _flat_since(curve)
    rise, error = rises(curve)
    if len(curve) - since < max(FLAT_SHARE.value * len(curve), 4) or curve.fall < NOTHING.value:
        return None
    if rise > max(RISEN.value, SURE.value * error):
        return None
    train = train_curve(run)
    further = (
        train is not None
        and train is not curve
        and train.level_at(float(curve.at[since])) - train.end > 0.1 * train.unit
    )
    name = called(run.loss.train if curve is train else run.loss.validation)
    on = ", while the training loss went on falling" if further else ""
    return Seen(
        "note",
        f"Since {log_place(run, float(curve.at[since]))} the {name} has gained nothing worth having{on}: it stands at "
        f"{curve.end:.4g}.",
        {"since": float(curve.at[since])},
        0.6,
        onset=int(curve.at[since]),
    )


def _flat_since(curve: LossCurve) -> int:
    """The first point after which the smoothed loss never falls by what is worthwhile."""
    ahead = np.minimum.accumulate(curve.smooth[::-1])[::-1]
    gains = (curve.smooth - ahead) / curve.unit
    of_noise = min(2 * curve.noise() / curve.unit / curve.window**0.5, MOST_NOISE.value)
    within = gains <= max(WORTHWHILE.value, of_noise)
    return int(np.flatnonzero(within)[0]) if within.any() else len(curve)


CANNOT_BE_TOLD: Rule[LoggedRun] = Rule(
    "cannot-be-told",
    "Too few points",
    "training",
    _too_few_points,
    how="The number of points of the losses.",
    why="A curve of so few points fits every diagnosis.",
    remedies=("log the loss of every epoch, or of every hundred steps",),
    thresholds=(FEWEST,),
    place=120,
)
NOT_LEARNING: Rule[LoggedRun] = Rule(
    "not-learning",
    "The networks learned nothing",
    "training",
    _not_learning,
    how="Neither loss falls by a worthwhile share of its level after the first epochs, or by more than its "
    "noise; no score moves, and none was good to begin with.",
    why="A constant is as good: weights, data or the objective are wrong, or the steps are far too small or large.",
    remedies=(
        "check that inputs and targets belong together",
        "change the learning rate by factors of ten",
        "try to learn ten patients by heart first",
    ),
    thresholds=(NOTHING, LEARNED_AT_LEAST, SCORE_MOVED, LEARNED_ALREADY),
    causes=("diverged", "unstable"),
    place=30,
    needs=(ONE_NETWORK,),
    seen_at_once=True,
)
STILL_IMPROVING: Rule[LoggedRun] = Rule(
    "still-improving",
    "Training ended too early",
    "training",
    _still_improving,
    how="A robust line (Theil-Sen) through the last third of the points falls by a worthwhile share, beyond its "
    "error, and the lowest level is in that third.",
    why="The networks would be better if they had trained longer.",
    remedies=("train for more epochs", "raise the learning rate"),
    thresholds=(LATE_FALL, LAST_FALL, OF_LEVEL, STEEP, SURE, WITH_TRAINING),
    place=50,
    needs=(ONE_NETWORK,),
)
LEARNING_RATE_TOO_LOW: Rule[LoggedRun] = Rule(
    "learning-rate-too-low",
    "The learning rate is too low",
    "training",
    _too_slow,
    how="The training loss has lost little of its level, and falls in the last third as steeply as before.",
    why="Training ends before the weights have gone anywhere.",
    remedies=("multiply the learning rate by 3 to 10", "train for more epochs"),
    thresholds=(SLOW,),
    place=60,
    needs=(ONE_NETWORK,),
)
PLATEAU: Rule[LoggedRun] = Rule(
    "plateau",
    "Nothing more is gained",
    "training",
    _plateau,
    how="The smoothed loss no longer falls by a worthwhile share, for a third of the points or more.",
    why="More epochs like these bring nothing.",
    remedies=("stop earlier", "decay the learning rate, if it was not"),
    thresholds=(FLAT_SHARE, WORTHWHILE, MOST_NOISE, RISEN),
    place=110,
    needs=(ONE_NETWORK,),
)
