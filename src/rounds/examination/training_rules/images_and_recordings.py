"""Rules about networks of images and recordings: too much augmentation, statistics of a handful, gaps unread."""

import numpy as np

from rounds.examination.curve import Configuration, side_by_side
from rounds.examination.figure import LOSSES, Bars
from rounds.examination.finding import BY_HARM, NotApplicable, Seen, Threshold
from rounds.examination.harm import Harm, harm, kept_loss
from rounds.examination.rule import Judged, Rule
from rounds.examination.run import Run
from rounds.examination.training_rules.learning import HEAVY_DROPOUT, SMALLEST_SHARE, end, reference_loss
from rounds.statistics.fold_differences import paired

# Settings by which training sees patients otherwise than they are.
AUGMENTING = (
    "shift",
    "zoom",
    "rotate",
    "shear",
    "elastic",
    "crop",
    "flip",
    "brightness",
    "contrast",
    "scaling",
    "mask_channels",
    "mask_span",
    "input_noise",
    "mixup",
)
NOISE = "input_noise"  # alone it is a matter of regularization
# What two images or recordings of one patient differ by, about what `rounds train` proposes.
USUAL = {
    "shift": 0.06,
    "zoom": 0.1,
    "rotate": 7.0,
    "shear": 7.0,
    "elastic": 0.04,
    "crop": 0.1,
    "brightness": 0.3,
    "contrast": 0.3,
    "scaling": 0.1,
    "mask_channels": 0.1,
    "mask_span": 0.1,
}
HEAVY = Threshold("heavy augmentation", 5.0, "times the usual (shift 0.06, rotate 7, brightness 0.3, masks 0.1 ...)")
COST = Threshold("what augmentation costs", 0.05, "share of the constant's loss, validation, beside members without")
RAISED = Threshold("training above validation", 0.10, "share of the constant's loss, at the end")
FEW_ROWS = Threshold(
    "rows that batch statistics rest on",
    8.0,
    "rows a minibatch",
    "Wu and He 2018 (arXiv:1803.08494), figure 1: the error of batch normalization rises from here down",
    "published",
)


def _too_strong(run: Run) -> Judged:
    if run.plan is None:
        return NotApplicable("needs the plan")
    strong = [c for c in run.configurations if _amounts(c)]
    if not strong:
        return NotApplicable("training sees patients as they are")
    costs = [(c, cost) for c in strong if (cost := _cost(run, c)) is not None]
    if costs:
        return _beside_control(run, *max(costs, key=lambda pair: pair[1][0]))
    return _without_control(run)


AUGMENTATION_TOO_STRONG = Rule(
    "augmentation-too-strong",
    "Augmentation asks too much",
    "training",
    _too_strong,
    how="Validation loss above that of members which differ in augmentation alone and have none; where no such "
    "member trained, heavy amounts, or (dropout not being heavy) training loss far above validation loss, in "
    "networks that are worse than they should be.",
    why="Training sees patients that cannot exist: what it learns of them says little of those that do.",
    remedies=("weaker augmentation", "none, as a control"),
    thresholds=(COST, RAISED, HEAVY, HEAVY_DROPOUT),
    causes=("learning-rate-too-high",),
    place=100,
    figures=(LOSSES,),
)


def _amounts(configuration: Configuration) -> dict[str, float]:
    return {name: configuration.settings[name] for name in AUGMENTING if configuration.settings.get(name, 0.0) > 0}


def _cost(run: Run, strong: Configuration) -> tuple[float, float, float] | None:
    """Validation loss above that of members which differ in augmentation alone and have none: (mean, low, high)."""

    def rest(c: Configuration) -> tuple[object, ...]:
        return (c.plan, *sorted((n, v) for n, v in c.settings.items() if n not in AUGMENTING))

    controls = [c for c in run.configurations if not _amounts(c) and rest(c) == rest(strong)]
    pairs = side_by_side(strong.curves, [curve for control in controls for curve in control.curves])
    if not pairs:
        return None
    return paired(np.array([(kept_loss(run, a) - kept_loss(run, b)) / reference_loss(run, b) for a, b in pairs]))


def _beside_control(run: Run, strong: Configuration, cost: tuple[float, float, float]) -> Judged:
    mean, low, high = cost
    single = not np.isfinite(low)
    if mean < COST.value or not (single or low > 0):
        return None
    words = ", ".join(f"{name} {value:g}" for name, value in _amounts(strong).items())
    return Seen(
        "warning",
        f"Validation loss with augmentation ({words}) is {mean:.1%} of the constant's loss above that of the same "
        "networks without.",
        {"cost_share": mean, "low": None if single else low, "high": None if single else high, **_amounts(strong)},
        0.6 if single else 0.9,
        strong.members,
    )


def _without_control(run: Run) -> Judged:
    """No member trained without: heavy amounts, or training far above validation, in networks that are worse than they
    should be. Of the second, usual amounts are no explanation beside heavy dropout, which does the same."""
    curves = [c for c in run.best.curves if c.has_train and c.has_validation]
    damaged = harm(run)
    if not curves or damaged is None or set(_amounts(run.best)) <= {NOISE}:
        return None
    if heavy := {n: v for n, v in _amounts(run.best).items() if v >= HEAVY.value * USUAL.get(n, np.inf)}:
        return _heavy(run, heavy, damaged)
    if run.best.settings.get("dropout", 0.0) >= HEAVY_DROPOUT.value:
        return None
    above = float(np.median([(end(c) - end(c, "validation")) / reference_loss(run, c) for c in curves]))
    if above < RAISED.value:
        return None
    words = ", ".join(f"{name} {value:g}" for name, value in _amounts(run.best).items())
    return Seen(
        "warning",
        f"With augmentation ({words}) training loss ends {above:.1%} of the constant's loss above validation loss, and "
        f"{damaged.words}. No member trained without it.",
        {"above_share": above, **_amounts(run.best), **damaged.evidence},
        0.6,
        run.best.members,
    )


def _heavy(run: Run, amounts: dict[str, float], damaged: Harm) -> Seen:
    words = ", ".join(f"{name} {value:g}" for name, value in amounts.items())
    return Seen(
        "warning",
        f"Augmentation ({words}) is at least {HEAVY.value:g} times what is usual, and {damaged.words}. No member "
        "trained without it.",
        {**amounts, **damaged.evidence},
        0.7,
        run.best.members,
    )


def _tiny_batches(run: Run) -> Judged:
    if run.plan is None or run.plan.normalization != "batch":
        return NotApplicable("no batch normalization")
    rows = run.plan.batch_size
    if not isinstance(rows, int) or rows >= FEW_ROWS.value:
        return None
    return Seen(
        BY_HARM,
        f"Batch normalization takes its statistics from {rows} row{'s' * (rows != 1)} a minibatch.",
        {"batch_size": rows},
        0.8,
        tuple(c.member for c in run.curves if c.plan == 0),
        onset=0,
    )


TINY_BATCH_STATISTICS = Rule(
    "tiny-batch-statistics",
    "Batch statistics of a handful",
    "training",
    _tiny_batches,
    how="Batch normalization with very few rows a minibatch; an alarm only in networks that are worse than they "
    "should be.",
    why="Means and spreads of a handful of patients are noise: training sees other numbers than prediction does.",
    remedies=("larger minibatches", "layer normalization, or none"),
    thresholds=(FEW_ROWS,),
    acts="start",
    place=50,
    figures=(LOSSES,),
)


def _measurement_pattern_unread(run: Run) -> Judged:
    said = None if run.metrics is None else run.metrics.gaps
    if said is None:
        return NotApplicable("needs judged recordings in which something was not measured")
    least = SMALLEST_SHARE.value * run.left_by_constant
    tells, read = said.pattern_alone, said.dealt_anew
    if not (tells.low > 0 and tells.value >= least) or read.high >= least:
        return None
    parts, limits = {"pattern_alone": tells, "dealt_anew": read}, ("value", "low", "high")
    return Seen(
        "warning",
        f"What was measured, and when, says by itself something of the outcome ({tells.value:.3g} of "
        f"{said.metric} better than a constant), and the networks make nothing of it: permuted among "
        f"patients it changes {said.metric} by {read.value:.2g} ({read.low:.2g} to {read.high:.2g}).",
        {f"{name}_{limit}": getattr(part, limit) for name, part in parts.items() for limit in limits},
        0.7,
        run.best.members,
    )


GAPS_UNREAD = Rule(
    "gaps-unread",
    "What was not measured is not read",
    "training",
    _measurement_pattern_unread,
    how="A linear model of how often each variable was measured predicts better than a constant, and predictions "
    "do not get worse when presence and time since are permuted among patients.",
    why="Clinicians measure what worries them: the pattern of measuring is information that these networks miss.",
    remedies=("networks of engineered features, which count measurements", "let the network read presence channels"),
    thresholds=(SMALLEST_SHARE,),
    place=270,
    figures=(
        Bars(
            "Change of the score",
            {"pattern_alone_value": "what the gaps say alone", "dealt_anew_value": "what the networks read"},
        ),
    ),
)
