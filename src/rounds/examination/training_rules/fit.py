"""Rules about the two losses side by side: learned by heart, too stiff, held back, or oddly related."""

import numpy as np

from rounds.examination.curve import Curve, smooth
from rounds.examination.figure import LOSSES, MeasureByLayer
from rounds.examination.finding import BY_HARM, NotApplicable, Seen, Threshold, in_words
from rounds.examination.harm import harm, has_peers
from rounds.examination.rule import Judged, Rule
from rounds.examination.run import Run
from rounds.examination.training_rules.images_and_recordings import AUGMENTING
from rounds.examination.training_rules.layers import at_end, at_start
from rounds.examination.training_rules.learning import (
    BAD_STARTS,
    HALF_LEARNED,
    HEAVY_DROPOUT,
    HEAVY_NOISE,
    LEAST_LEARNED,
    SMALLEST_SHARE,
    end,
    explained,
    learned_half,
    linear_explained,
    median_explained,
    noise_of_mean,
    of_what,
    reference_loss,
)
from rounds.model_facts import ModelFacts
from rounds.plan import Plan
from rounds.statistics.fold_differences import paired

RISE = Threshold("rise of the validation loss", 0.05, "share of the constant's loss, from its lowest to the end")
GAP = Threshold("gap that a rise must go with", 0.05, "share of the constant's loss, validation above training")
WIDE_GAP = Threshold("gap without a rise", 0.10, "share of the constant's loss, with known harm")
SINGLE_RISE = Threshold("rise that needs no test", 0.10, "share of the constant's loss, in every fold or one curve")
PENALTY = Threshold("penalty", 0.5, "share of the objective")
SHRUNK = Threshold("weights shrunk", 0.5, "times the norm of a layer at the start")
BETTER = Threshold("validation below training", 0.05, "share of the constant's loss")
ROUGH = Threshold("roughness at the end", 0.05, "mean change an epoch, share of the constant's loss")
ROUGH_SHARE = Threshold("stretch judged for roughness", 0.2, "share of the epochs, at the end")
FLAT = Threshold("flat", 0.005, "change over the last quarter, share of the constant's loss")
CONSTANT_RATE = Threshold("rate not lowered", 0.5, "share of the highest rate at the end")
PLAIN_LAYERS = ("Dense", "Dropout", "Flatten", "Reshape", "Normalization", "BatchNormalization", "Rescaling")
# Settings that make the training loss higher than the same network's loss with everything switched on.
NOISY = ("dropout", "label_smoothing", *AUGMENTING)


RATE_CAUSES = ("learning-rate-too-high", "learning-rate-too-low", "decayed-too-early")


def validation_rises(run: Run, curves: tuple[Curve, ...]) -> np.ndarray:
    """Rise of the smoothed validation loss from its lowest to the end, by member [K], as a share of the constant's.

    The lowest epoch is taken from the other members' mean curve, so that noise is not counted as a rise.
    """
    length = min(len(c.epochs) for c in curves)
    table = np.stack([smooth(c.validation[:length], c.window) / reference_loss(run, c) for c in curves])
    if len(curves) == 1:
        return table[:, -1] - table.min(axis=1)
    others = (table.sum(axis=0) - table) / (len(curves) - 1)
    return table[:, -1] - table[np.arange(len(curves)), others.argmin(axis=1)]


def _both_splits(curves: tuple[Curve, ...]) -> tuple[Curve, ...]:
    """Curves with two finite losses over at least three epochs."""
    return tuple(
        c for c in curves if len(c.epochs) >= 3 and np.isfinite(c.train).all() and np.isfinite(c.validation).all()
    )


def _overfitting(run: Run) -> Judged:
    curves = _both_splits(run.best.curves)
    if not curves:
        return NotApplicable("needs training and validation losses over at least three epochs")
    rise = validation_rises(run, curves)
    gap = float(np.median([end(c, "validation") / reference_loss(run, c) for c in curves])) - float(
        np.median([end(c) / reference_loss(run, c) for c in curves])
    )
    mean, low, high = paired(rise)
    everywhere = len(rise) > 1 and rise.min() > 0 and mean >= SINGLE_RISE.value
    own_noise = noise_of_mean(curves[0].validation / reference_loss(run, curves[0]), curves[0].window)
    sure = low > 0 or everywhere if len(rise) > 1 else mean >= max(SINGLE_RISE.value, 3 * own_noise)
    learned = _went_on_falling(curves) if run.constant_loss is None else median_explained(run, run.best) > 0
    if not (sure and mean >= RISE.value and gap >= GAP.value and learned):
        return _by_heart_at_once(run)
    snapshot = run.plan is not None and run.plans[run.best.plan].keep_best != "none"
    epoch = int(np.median([c.epochs[int(smooth(c.validation, c.window).argmin())] for c in curves]))
    kept = "; the snapshot of the best epoch was kept" if snapshot else ""
    return Seen(
        BY_HARM,
        f"From epoch {epoch} the validation loss rose by {in_words(mean)} {of_what(run)} while the training loss "
        f"went on to {in_words(gap)} below it{kept}.",
        {
            "rise_share": mean,
            "low": _finite(low),
            "high": _finite(high),
            "gap_share": gap,
            "best_epoch": epoch,
            "epochs": int(curves[0].epochs[-1]),
            "snapshot_kept": snapshot,
        },
        0.95 if len(rise) > 1 else 0.7,
        tuple(c.member for c in curves),
        epoch,
        "note" if snapshot or has_peers(run) else "warning",
    )


OVERFITTING = Rule(
    "overfitting",
    "The networks learn patients by heart",
    "training",
    _overfitting,
    how="Rise of the validation loss from its lowest epoch (found on the other folds) to the end, tested over "
    "folds, with a gap to the training loss. With the best snapshot kept it is a note.",
    why="What is learned late is true of these patients only; new ones are judged worse.",
    remedies=(
        "more data, or stronger regularization (dropout, weight decay)",
        "a smaller network",
        "keep the snapshot that is best on validation",
    ),
    thresholds=(RISE, GAP, SINGLE_RISE, WIDE_GAP),
    causes=("not-shuffled",),
    in_good_plans=True,
    place=210,
    figures=(LOSSES,),
)


def _went_on_falling(curves: tuple[Curve, ...]) -> bool:
    """Whether the training loss ended below where it stood when validation was best; rising on both sides is no
    learning by heart."""
    since = [smooth(c.train, c.window)[[int(smooth(c.validation, c.window).argmin()), -1]] for c in curves]
    return float(np.median([best - last for best, last in since])) > 0


def _by_heart_at_once(run: Run) -> Judged:
    """Without a rise: training patients were learned far better than others, who are judged worse than they should."""
    damaged, linear = harm(run, alone=True), linear_explained(run)
    if damaged is None or linear is None:
        return None
    learned = median_explained(run, run.best)
    gap = learned - median_explained(run, run.best, "validation")
    if gap < WIDE_GAP.value or learned < linear:
        return None
    return Seen(
        "error",
        f"Training removes {learned:.1%} of the constant's loss on its own patients, {gap:.1%} more than at "
        f"best on validation patients; {damaged.words}.",
        {"explained_share_training": learned, "gap_share": gap, **damaged.evidence},
        0.7,
        run.best.members,
        onset=1,
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _over_regularized(run: Run) -> Judged:
    if run.plan is None:
        return NotApplicable("needs the plan: curves do not say how training was regularized")
    damaged = harm(run)
    if damaged is None:
        return None
    plan, best = run.plans[run.best.plan], run.best
    dropout = best.settings.get("dropout", 0.0)
    penalties = [float(p[0]) for c in best.curves if (p := at_end(c, "penalty_share")) is not None]
    shrunk = [_shrinkage(c) for c in best.curves if at_start(c, "weight_norm") is not None]
    marks: dict[str, float] = {}
    if dropout >= HEAVY_DROPOUT.value:
        marks["dropout"] = dropout
    noise = best.settings.get("input_noise", 0.0)
    if noise >= HEAVY_NOISE.value:
        marks["input_noise"] = noise
    if penalties and np.median(penalties) >= PENALTY.value:
        marks["penalty_share"] = float(np.median(penalties))
    if _is_penalized(plan, best.settings) and shrunk and np.median(shrunk) <= SHRUNK.value:
        marks["weights_left_share"] = float(np.median(shrunk))
    if not marks:
        return None
    words = {
        "dropout": "{:.0%} of the units are dropped at every step",
        "input_noise": "noise of {:.2g} times their spread is added to the inputs",
        "penalty_share": "the penalty is {:.0%} of what is minimised",
        "weights_left_share": "a layer's weights shrank to {:.2g} of their norm",
    }
    said = ", ".join(words[n].format(v) for n, v in marks.items())
    return Seen(
        "error",
        f"Regularization is too strong: {said}, and {damaged.words}.",
        {**marks, "l1": best.settings.get("l1", 0.0), "l2": best.settings.get("l2", 0.0), **damaged.evidence},
        0.9,
        _as_regularized(run),
        onset=1,
    )


OVER_REGULARIZED = Rule(
    "over-regularized",
    "Regularization is too strong",
    "training",
    _over_regularized,
    how="Dropout, input noise, the penalty's share of the objective, or the shrinking of weights, in networks that "
    "are worse than they should be.",
    why="The networks are kept from fitting even what is there.",
    remedies=("lower dropout, input noise, l1, l2 or weight decay",),
    thresholds=(HEAVY_DROPOUT, HEAVY_NOISE, PENALTY, SHRUNK),
    causes=("learning-rate-too-high",),
    acts="steps",
    place=110,
    stops_learning=True,
    figures=(MeasureByLayer("weight_norm", "Size of each layer's weights"), LOSSES),
)


def _as_regularized(run: Run) -> tuple[int, ...]:
    """Members that carry at least the best configuration's dropout and penalties."""
    names = ("dropout", "input_noise", "l1", "l2", "weight_decay")
    own = run.best.settings
    same = [c for c in run.configurations if all(c.settings.get(n, 0.0) >= own.get(n, 0.0) for n in names)]
    return tuple(m for c in same for m in c.members)


def _is_penalized(plan: Plan, settings: dict[str, float]) -> bool:
    decays = plan.optimizer == "adamw" and settings.get("weight_decay", 0.0) > 0
    return settings.get("l1", 0.0) > 0 or settings.get("l2", 0.0) > 0 or decays


def _shrinkage(curve: Curve) -> float:
    """Smallest over layers of weight norm at the end beside the start."""
    start, final = at_start(curve, "weight_norm"), at_end(curve, "weight_norm")
    if start is None or final is None:
        return 1.0
    return float(np.min(final / np.maximum(start, 1e-30), where=start > 0, initial=np.inf))


def _underfitting(run: Run) -> Judged:
    damaged = harm(run, alone=True)
    curves = _both_splits(run.best.curves)
    if not curves:
        return NotApplicable("needs training and validation losses over at least three epochs")
    if run.model is not None and nothing_bends(run.model):
        return _plain_layers(run, run.model)
    if run.constant_loss is None or (damaged is None and not run.advantages and len(run.configurations) < 2):
        return NotApplicable("needs something that does better: a baseline, or a larger network beside this one")
    if damaged is None:
        return None
    learned = median_explained(run, run.best)
    gap = learned - median_explained(run, run.best, "validation")
    most = max(explained(run, c, split) for c in curves for split in ("train", "validation"))
    if most < SMALLEST_SHARE.value or _learned_enough(run, learned, gap):
        return None  # nothing learned at all, by any of them, is a finding of its own
    bottleneck = "" if run.model is None else _bottleneck(run.model)
    if learned_half(run) and not bottleneck:
        return None
    removed = f"{in_words(learned)} of the constant's loss removed in training, gap {in_words(gap)}"
    how_high = removed if learned > 0 else "training no lower than a constant's"
    return Seen(
        "error",
        f"Training and validation loss are both high ({how_high}{bottleneck}): {damaged.words}.",
        {"explained_share_training": learned, "gap_share": gap, **damaged.evidence},
        0.7,
        run.best.members,
        onset=1,
    )


UNDERFITTING = Rule(
    "underfitting",
    "The networks are too stiff",
    "training",
    _underfitting,
    how="Both losses are high with no gap, in networks that are worse than a baseline or a constant; or a model of "
    "one's own is a linear one, since none of its layers has an activation, and learned less than half.",
    why="The network cannot express what is there, or was kept from learning it.",
    remedies=(
        "an activation such as relu in hidden layers that have none",
        "a larger network (more units, then more layers)",
        "an easier problem (cleaner data, easier task)",
    ),
    thresholds=(GAP, HALF_LEARNED),
    causes=(
        *RATE_CAUSES,
        *BAD_STARTS,
        "vanishing-gradients",
        "dead-units",
        "saturated-units",
        "over-regularized",
        "not-shuffled",
        "still-improving",
        "frozen-layer",
    ),
    in_good_plans=True,
    place=250,
    figures=(LOSSES,),
)


def nothing_bends(model: ModelFacts) -> bool:
    """Whether several dense layers follow each other without any activation: together they are a linear model."""
    last = model.weighted[-1:]
    inside = [layer for layer in model.layers if layer not in last]
    plain = all(layer.kind in PLAIN_LAYERS and layer.activation == "linear" for layer in inside)
    return plain and bool(model.hidden) and last[0].kind == "Dense"


def _bottleneck(model: ModelFacts) -> str:
    """In words, that a dense layer is so narrow that even a linear model says more; empty where none is."""
    widths = [layer.width for layer in model.hidden if layer.kind == "Dense"]
    outputs = model.weighted[-1].width if widths else 0
    return f", through {min(widths)} units to {outputs} outputs" if widths and 1 < min(widths) < outputs - 1 else ""


def _plain_layers(run: Run, model: ModelFacts) -> Judged:
    learned = median_explained(run, run.best)
    if not learned < HALF_LEARNED.value:  # not known, or what there is to learn is linear
        return None
    return Seen(
        BY_HARM,
        f"Its {len(model.hidden)} hidden layers have no activation: with the last one they are a linear model, which "
        f"removed {in_words(max(learned, 0.0))} of the constant's loss in training.",
        {"explained_share_training": learned, "hidden_layers": len(model.hidden)},
        0.9,
        run.best.members,
        onset=0,
        least="warning",
    )


def _learned_enough(run: Run, learned: float, gap: float) -> bool:
    """Whether the training patients at least were learned: better than a linear model does on others, or with a gap."""
    linear = linear_explained(run)
    return gap >= GAP.value and learned >= linear if linear is not None else gap >= max(GAP.value, 0.25 * learned)


def _validation_better(run: Run) -> Judged:
    curves = _both_splits(run.best.curves)
    if not curves or run.plan is None:
        return NotApplicable("needs both losses and the plan: dropout and noise raise the training loss")
    if any(run.best.settings.get(name, 0.0) > 0 for name in NOISY):
        quiet = [c for c in run.configurations if not any(c.settings.get(n, 0.0) > 0 for n in NOISY)]
        if not quiet:
            return NotApplicable("dropout or noise raises the training loss, and no member trained without")
        curves = _both_splits(min(quiet, key=lambda c: c.best_validation).curves)
    if not curves:
        return None
    below = np.array([(end(c) - end(c, "validation")) / reference_loss(run, c) for c in curves])
    mean, low, high = paired(below)
    if len(curves) < 2 or not (low > 0 and mean >= BETTER.value):
        return None
    return Seen(
        "warning",
        f"Validation loss is {mean:.1%} of the constant's loss below training loss, over all folds, without "
        "dropout or noise that would explain it.",
        {"below_share": mean, "low": low, "high": high},
        0.8,
        tuple(c.member for c in curves),
    )


VALIDATION_BETTER = Rule(
    "validation-better",
    "Validation is better than training",
    "training",
    _validation_better,
    how="Training loss at the end above validation loss over all folds, in members without dropout or noise.",
    why="Validation patients are easier than training patients, or are among them.",
    remedies=("look for patients on both sides of the split", "split again at random by patient"),
    thresholds=(BETTER,),
    place=240,
    figures=(LOSSES,),
)


def _unstable(run: Run) -> Judged:
    curves = [c for c in run.best.curves if c.has_validation and len(c.epochs) >= 5]
    if not curves:
        return NotApplicable("needs a validation loss over at least five epochs")
    rough = np.array([_roughness(run, c) for c in curves])
    if np.median(rough) < ROUGH.value:
        return None
    kept = run.plans[run.best.plan].keep_best if run.plans else None
    return Seen(
        "note" if kept is None else BY_HARM,
        f"The validation loss still jumps by {in_words(float(np.median(rough)))} {of_what(run)} an epoch at the end.",
        {"mean_change_share": float(np.median(rough))},
        0.8,
        tuple(c.member for c, r in zip(curves, rough, strict=True) if r >= ROUGH.value),
        1,
        "warning" if kept == "none" and not has_peers(run) else "note",
    )


UNSTABLE = Rule(
    "unstable",
    "The validation loss jumps",
    "training",
    _unstable,
    how="Mean change of the validation loss from epoch to epoch at the end, its trend taken off.",
    why="Which epoch is kept is a matter of luck.",
    remedies=("lower or decay the learning rate", "larger minibatches", "more validation patients"),
    thresholds=(ROUGH, ROUGH_SHARE),
    causes=("learning-rate-too-high", "not-shuffled", *BAD_STARTS),
    place=230,
    stops_learning=True,
    figures=(LOSSES,),
)


def _roughness(run: Run, curve: Curve) -> float:
    """Mean change an epoch of the validation loss over the last stretch, its trend taken off."""
    finite = curve.validation[np.isfinite(curve.validation)]
    tail = finite[-max(4, round(ROUGH_SHARE.value * len(finite))) :]
    steps = np.diff(tail)
    return float(np.abs(steps - steps.mean()).mean()) / reference_loss(run, curve) if len(steps) else 0.0


def _plateau(run: Run) -> Judged:
    known = [c for c in run.best.curves if c.rate is not None and len(c.epochs) >= 8 and c.has_train]
    if not known:
        return NotApplicable("needs the learning rate over at least eight epochs")
    high = [c for c in known if c.rate is not None and c.rate[-1] >= CONSTANT_RATE.value * np.nanmax(c.rate)]
    if len(high) <= len(known) / 2:
        return None
    flat = [c for c in high if abs(_late_change(run, c)) < FLAT.value]
    damaged = harm(run)
    if len(flat) > len(high) / 2 and run.constant_loss is None:
        return _flat_elsewhere(run, flat)
    if len(flat) <= len(high) / 2 or damaged is None or median_explained(run, run.best) < LEAST_LEARNED.value:
        return None
    return Seen(
        "warning",
        f"The training loss has been flat over the last quarter at a rate that was never lowered, and {damaged.words}.",
        {"late_change_share": float(np.median([_late_change(run, c) for c in flat])), **damaged.evidence},
        0.6,
        tuple(c.member for c in flat),
        onset=int(0.75 * len(flat[0].epochs)),
    )


PLATEAU = Rule(
    "plateau",
    "The loss is flat at a high learning rate",
    "training",
    _plateau,
    how="The rate was never lowered, the training loss no longer falls, and the result is worse than it should be.",
    why="Steps of this length circle around good weights; smaller ones would reach them.",
    remedies=("decay the learning rate",),
    thresholds=(CONSTANT_RATE, FLAT),
    causes=("learning-rate-too-high",),
    place=220,
    figures=(LOSSES,),
)


def _flat_elsewhere(run: Run, flat: list[Curve]) -> Judged:
    """Of curves alone it cannot be said whether the level is the best there is: a note."""
    if np.median([c.train[0] - c.train[-1] for c in flat]) <= 0:
        return None
    return Seen(
        "note",
        "The training loss has been flat over the last quarter at a rate that was never lowered: more epochs "
        "like these bring nothing.",
        {"late_change_share": float(np.median([_late_change(run, c) for c in flat]))},
        0.6,
        tuple(c.member for c in flat),
        onset=int(0.75 * len(flat[0].epochs)),
    )


def _late_change(run: Run, curve: Curve) -> float:
    quarter = max(2, len(curve.train) // 4)
    early, late = curve.train[-quarter : -quarter // 2], curve.train[-quarter // 2 :]
    return float(early.mean() - late.mean()) / reference_loss(run, curve)
