"""Rules about validation beside training: learned by heart, another scale, an accuracy that says nothing."""

import numpy as np

from rounds.examination.finding import NotApplicable, Seen, Threshold, in_words
from rounds.examination.log_rules.evidence import (
    FEWEST,
    LEARNED_ON,
    ONE_NETWORK,
    SURE,
    called,
    fall_of_noise,
    is_loss,
    log_place,
    rises,
    score_curve,
    train_curve,
    validation_curve,
)
from rounds.examination.log_rules.loss_curve import LossCurve
from rounds.examination.logs.logged_run import LoggedRun, Measured
from rounds.examination.rule import Judged, Rule

RISE = Threshold(
    "rise of the validation loss", 0.10, "share of its level after the first epochs, from its lowest level to the end"
)
SMALL_RISE = Threshold("rise that is noted", 0.02, "the same")
GAVE_BACK = Threshold("given back", 0.05, "share of what a score had gained, noted")
CERTAIN = Threshold("certainty of an alarm", 4.0, "standard errors: the lowest of many levels is lower by chance")
SCORE_GAIN = Threshold("gain of a score", 0.05, "share of what it left after the first epochs")
FURTHER = Threshold("score that gains all the same", 0.05, "share of what it left when the loss was best")
BY_HEART = Threshold("learned by heart at once", 0.5, "share of the training loss that is gone")
STILL = Threshold("validation that never moves", 0.02, "share of its level after the first epochs")
SCALE = Threshold(
    "another scale", 10.0, "times the training loss's level after the first epochs, or one part in that many"
)
FEWEST_ROWS = Threshold(
    "validation rows", 50, "rows that steps of the accuracy give away", "1/50 is a step of two percent"
)
SAME = Threshold("accuracy that stays", 0.8, "share of the points with the very same value")
GOOD = Threshold("good", 0.95, "accuracy, from which one that stays has learned all there is")
PERFECT = Threshold("perfect", 0.9999, "score")
LEAST = 3  # validation points that may show the beginning of something
AT_ONCE = Threshold("at once", 0.25, "share of the points")


def _overfitting(run: LoggedRun) -> Judged:
    validation, train = validation_curve(run), train_curve(run)
    if validation is None:
        return _perhaps_overfitting(run) or NotApplicable(f"needs {FEWEST.value:g} validation points")
    losses = [(called(run.loss.validation), validation, train)] if is_loss(run.loss.validation) else []
    losses += [
        (f"validation {p.name} loss", c, LossCurve.of(p.train)) for p in run.parts if (c := score_curve(p)) is not None
    ]
    seen = [_rising(run, *loss) for loss in losses]
    seen += [_score_falls(run, s, train, alone=not losses) for s in run.scores if s.validation is not None]
    seen += [_at_once(run, validation, train)] if losses else []
    found = [f for f in seen if f is not None]
    return next((f for f in found if f.severity == "warning"), next(iter(found), None))


def _perhaps_overfitting(run: LoggedRun) -> Seen | None:
    """Of three or four points: validation was best before the last two, and training goes on."""
    validation, train = LossCurve.of(run.loss.validation), LossCurve.of(run.loss.train)
    if validation is None or train is None or len(validation) < LEAST or not is_loss(run.loss.validation):
        return None
    place_of_best = int(validation.values.argmin())
    lowest, after = float(validation.values.min()), validation.values[place_of_best + 1 :]
    if len(after) < 2 or after.min() - lowest < RISE.value * abs(lowest) or train.values[-1] >= train.values[0]:
        return None
    since = float(validation.at[place_of_best])
    return Seen(
        "note",
        f"The validation loss was lowest at {log_place(run, since)} of {len(validation)} points ({lowest:.4g}) and is "
        f"{after[-1]:.4g} at the last, while the training loss fell: perhaps the beginning of overfitting.",
        {"best_at": since, "lowest": lowest, "end": float(after[-1])},
        0.4,
        onset=int(since),
    )


def _rising(run: LoggedRun, name: str, curve: LossCurve, train: LossCurve | None) -> Seen | None:
    rise, error = rises(curve)
    if rise < max(SMALL_RISE.value, SURE.value * error) or not _went_on(curve, train):
        return None
    since, (at, value) = float(curve.at[curve.best_index]), curve.best
    better = _better_score(run, since)
    what = ", while the training loss went on falling" if train is not None else "; there is no training loss beside it"
    sure = f" {better} rose all the same: the network grows too sure of itself, and ranks no worse." if better else ""
    return Seen(
        "warning" if rise >= max(RISE.value, CERTAIN.value * error) and not better else "note",
        f"From {log_place(run, since)} the {name} rose from {curve.lowest:.4g} to {curve.end:.4g}, by {in_words(rise)} "
        f"of its level after the first epochs{what}.{sure} The lowest single value is {value:.4g} at "
        f"{log_place(run, at)}: keep the weights of then.",
        {"rise_share": rise, "standard_error": error, "best_at": since, "lowest": curve.lowest, "end": curve.end},
        0.9 if rise >= RISE.value else 0.6,
        onset=int(since),
    )


def _better_score(run: LoggedRun, since: float) -> str:
    """A validation score that still gained after the loss was best; empty where there is none."""
    for score in run.scores:
        curve = score_curve(score) if score.validation is not None and score.bounded else None
        if curve is None:
            continue
        gain = curve.level_at(since) - curve.end
        if gain > max(FURTHER.value * abs(curve.level_at(since)), SURE.value * curve.noise() / curve.window**0.5):
            return score.validation.column if score.validation else ""
    return ""


def _score_falls(run: LoggedRun, score: Measured, train: LossCurve | None, alone: bool) -> Seen | None:
    """A score that had gained gives it back. alone: there is no validation loss to tell more."""
    curve = score_curve(score)
    if curve is None or score.validation is None:
        return None
    gained, (rise, error) = curve.fall, rises(curve)
    if gained < max(SCORE_GAIN.value, 2 * SURE.value * error) or rise < max(
        GAVE_BACK.value * gained, SURE.value * error
    ):
        return None
    if not _went_on(curve, train):
        return None
    since = float(curve.at[curve.best_index])
    return Seen(
        "warning" if alone and rise >= RISE.value else "note",
        f"{score.validation.column} was best at {log_place(run, since)} and has given back {rise / gained:.0%} of what "
        f"it had gained{', while the training loss went on falling' if train is not None else ''}.",
        {"given_back_share": rise / gained, "best_at": since},
        0.6,
        onset=int(since),
    )


def _went_on(curve: LossCurve, train: LossCurve | None) -> bool:
    """Whether the training loss fell further after validation was best; where none is known nothing speaks against."""
    if train is None or len(train) < FEWEST.value:
        return True
    return train.level_at(float(curve.at[curve.best_index])) - train.end > LEARNED_ON.value * abs(train.end) or (
        train.end < LEARNED_ON.value * train.unit
    )


def _at_once(run: LoggedRun, validation: LossCurve, train: LossCurve | None) -> Seen | None:
    """Validation never moves while the training loss goes."""
    moved, error = validation.moved
    if train is None or train.fall < BY_HEART.value or moved >= STILL.value + SURE.value / 2 * error:
        return None
    if validation.fall >= max(STILL.value, fall_of_noise(validation)) or validation.fall >= BY_HEART.value / 4:
        return None
    if any(c.fall >= 5 * STILL.value for s in run.scores if s.validation and (c := score_curve(s)) is not None):
        return None
    return Seen(
        "warning",
        f"The training loss lost {in_words(train.fall)} of its level, and the validation loss never moved "
        f"(at best {in_words(max(validation.fall, 0.0))} below its level after the first epochs).",
        {"train_fall_share": train.fall, "validation_fall_share": validation.fall},
        0.8,
        onset=int(validation.at[0]),
    )


def _another_scale(run: LoggedRun) -> Judged:
    validation, train = validation_curve(run), train_curve(run)
    if validation is None or train is None or not run.loss.comparable:
        return NotApplicable("needs the same loss of both splits")
    if train.start <= 0 or validation.start <= 0:
        return NotApplicable("needs losses above zero")
    ratio, first = validation.start / train.start, float(validation.values[0] / max(train.values[0], 1e-300))
    if not (min(ratio, first) >= SCALE.value or max(ratio, first) <= 1 / SCALE.value):
        return None
    return Seen(
        "note",
        f"From the start the validation loss is on another scale than the training loss ({validation.start:.3g} "
        f"beside {train.start:.3g}): other patients, other preprocessing, or another formula (a sum, weights).",
        {"ratio": ratio},
        0.6,
        onset=int(validation.at[0]),
    )


def _few_rows(run: LoggedRun) -> Judged:
    scores = [s for s in run.scores if s.name.split("_")[-1] in ("acc", "accuracy") and s.validation]
    counts = [n for s in scores if (n := rows_behind(s)) is not None]
    if not scores:
        return NotApplicable("needs a validation accuracy")
    if not counts:
        return None
    return Seen(
        "note",
        f"The validation accuracy moves in steps of 1/{min(counts)}: so few patients stand behind it, and one of "
        "them more or less is a step.",
        {"rows": min(counts)},
        0.7,
    )


ROUNDED = 6e-5  # error of a share that was written with four digits


def rows_behind(score: Measured) -> int | None:
    """The smallest number of rows of which every accuracy is a share, where that is small and the values differ."""
    assert score.validation is not None
    values = np.unique(np.round(score.validation.finite.values, 6))
    if len(values) < 3:
        return None
    counts = np.arange(2, int(FEWEST_ROWS.value) + 1)
    off = np.abs(values[:, None] * counts - np.round(values[:, None] * counts)).max(0)
    fits = counts[off < ROUNDED * counts]
    return int(fits[0]) if len(fits) else None


def _says_nothing(run: LoggedRun) -> Judged:
    scores = [s.validation.finite for s in run.scores if s.name.split("_")[-1] in ("acc", "accuracy") and s.validation]
    if not scores:
        return NotApplicable("needs a validation accuracy")
    for known in scores:
        values, counts = np.unique(known.values, return_counts=True)
        if len(known) < FEWEST.value or counts.max() < SAME.value * len(known):
            continue
        stays = float(values[counts.argmax()])
        if stays < GOOD.value:
            return Seen(
                "note",
                f"The validation accuracy is {stays:.4g} at {counts.max()} of {len(known)} points: most likely the "
                "share of the largest class, which it names for every patient.",
                {"accuracy": stays},
                0.7,
            )
    return None


def _too_good(run: LoggedRun) -> Judged:
    scores = [s for s in run.scores if s.bounded and s.validation is not None and len(s.validation)]
    validation, train = LossCurve.of(run.loss.validation), LossCurve.of(run.loss.train)
    for score in scores:
        assert score.validation is not None
        first = score.validation.finite.values[: max(1, round(AT_ONCE.value * len(score.validation)))]
        if len(first) and first.min() >= PERFECT.value:
            return Seen(
                "note", f"The validation {score.name} is {first[0]:.4g} from the first: look for a leak.", {}, 0.5
            )
    if (
        validation is not None
        and train is not None
        and run.loss.comparable
        and 0 <= validation.values[0] < 1e-3 * train.values[0]
    ):
        return Seen(
            "note",
            f"The validation loss is {validation.values[0]:.2g} from the first, next to nothing beside the "
            f"{train.values[0]:.2g} that training began with: look for a leak.",
            {},
            0.5,
        )
    return None


OVERFITTING: Rule[LoggedRun] = Rule(
    "overfitting",
    "The networks learn patients by heart",
    "training",
    _overfitting,
    how="Rise of the level of the validation loss (of one of its parts, or of what a score leaves) from its "
    "lowest to the end, in standard errors of the curve's own roughness, while the training loss goes on falling; or a "
    "validation loss that never moves while the training loss goes.",
    why="What is learned late is true of these patients only; new ones are judged worse.",
    remedies=(
        "keep the weights of the epoch that is best on validation",
        "more data, or stronger regularization (augmentation, dropout, weight decay)",
        "a smaller network",
    ),
    thresholds=(RISE, SMALL_RISE, CERTAIN, GAVE_BACK, SCORE_GAIN, FURTHER, SURE, LEARNED_ON, BY_HEART, STILL),
    place=40,
    needs=(ONE_NETWORK,),
    seen_at_once=True,
)
SHIFTED_VALIDATION: Rule[LoggedRun] = Rule(
    "shifted-validation",
    "Validation is on another scale",
    "data",
    _another_scale,
    how="Levels of the two losses after the first epochs.",
    why="The two losses cannot be compared, or validation patients are others.",
    remedies=("compute both losses by the same formula", "prepare both splits the same way"),
    thresholds=(SCALE,),
    place=80,
    needs=(ONE_NETWORK,),
    seen_at_once=True,
)
VALIDATION_TOO_SMALL: Rule[LoggedRun] = Rule(
    "validation-too-small",
    "Few validation patients",
    "data",
    _few_rows,
    how="The smallest number of rows of which every validation accuracy is a share.",
    why="What validation says is a matter of luck.",
    remedies=("keep more patients for validation", "cross-validate"),
    thresholds=(FEWEST_ROWS,),
    place=100,
    needs=(ONE_NETWORK,),
)
MISLEADING_METRIC: Rule[LoggedRun] = Rule(
    "misleading-metric",
    "The accuracy does not move",
    "training",
    _says_nothing,
    how="One value of the validation accuracy at nearly all points.",
    why="Where one class is common an accuracy says nothing about the other.",
    remedies=("judge by AUROC, by average precision, or by the loss", "weight the classes"),
    thresholds=(SAME, GOOD),
    place=90,
    needs=(ONE_NETWORK,),
)
IMPLAUSIBLE_SCORE: Rule[LoggedRun] = Rule(
    "implausible-score",
    "Validation is perfect at once",
    "data",
    _too_good,
    how="A perfect validation score, or next to no validation loss, at the first of the points.",
    why="Hardly any task is that easy: the outcome is in the inputs, or patients are on both sides.",
    remedies=("look for the outcome among the inputs", "split by patient"),
    thresholds=(PERFECT, AT_ONCE),
    place=70,
    needs=(ONE_NETWORK,),
    seen_at_once=True,
)
