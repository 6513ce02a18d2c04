"""How far the networks of a run came: beside what a constant reaches, beside baselines, beside each other."""

import numpy as np

from rounds.examination.curve import Configuration, Curve, last, side_by_side, smooth
from rounds.examination.finding import Threshold
from rounds.examination.run import Run
from rounds.examination.training_rules.layers import first_size, first_size_of_model, initial_loss
from rounds.statistics.fold_differences import paired

# The same share as the answer to "was it worth it": below it, a change of the loss changes no decision.
SMALLEST_SHARE = Threshold(
    "smallest worthwhile change", 0.01, "share of the constant prediction's loss", "convention of Rounds, as for worth"
)
BEHIND_SIBLING = Threshold("behind another configuration", 0.05, "share of the constant's loss")
LEAST_LEARNED = Threshold("least that is learned", 0.05, "share of the constant's loss that training removes")

TINY_WEIGHTS = Threshold("tiny first weights", 0.05, "times the size that keeps the spread of signals")
HUGE_WEIGHTS = Threshold("huge first weights", 5.0, "times the size that keeps the spread of signals")
HEAVY_DROPOUT = Threshold("heavy dropout", 0.6, "share of units dropped")
HEAVY_NOISE = Threshold("heavy noise", 1.0, "input noise beside the spread of scaled inputs")

HALF_LEARNED = Threshold("learned well enough", 0.5, "share of the constant's loss, of a user's own model")
STEADY = Threshold("steady fall", 0.5, "fall in the second half of the epochs, share of that in the first")
FEWEST_ON_WAY = 10  # epochs, in which a steady fall can be seen

BAD_STARTS = ("loss-output-mismatch", "unscaled-inputs", "poor-initialization")  # causes before the first step
FEWEST_UNITS = 4  # of a layer, below which a dead unit or a weak gradient is the luck of the draw


def narrow(run: Run, curve: Curve) -> tuple[int, ...]:
    """Hidden layers, by number, that are too narrow to say anything of how they were drawn or what passes through."""
    if run.model is not None:
        return tuple(i for i, layer in enumerate(run.model.hidden) if layer.width < FEWEST_UNITS)
    hidden = run.plans[curve.plan].hidden if run.plans else ()
    return tuple(i for i, width in enumerate(hidden) if width < FEWEST_UNITS)


def narrow_layers(run: Run, curve: Curve) -> set[str]:
    """The same, by the name under which outputs of their activations are measured."""
    if run.model is not None:
        return {run.model.hidden[i].name for i in narrow(run, curve)}
    return {f"activation_{i}" for i in narrow(run, curve)}


def on_its_way(run: Run, curve: Curve) -> bool:
    """Whether the training loss never reached the constant's and fell as fast in the second half as in the first."""
    values = curve.train
    if run.constant_loss is None or len(values) < FEWEST_ON_WAY or not np.isfinite(values).all():
        return False
    half = len(values) // 2
    first, second = values[0] - values[half], values[half] - values[-1]
    steady = second > 3 * np.sqrt(2) * noise_of_mean(values, 1) and second >= STEADY.value * first
    return bool(steady and values[-1] > run.constant_loss)


def reference_loss(run: Run, curve: Curve) -> float:
    """The loss that shares are taken of: the constant prediction's, or (not known) the highest of the curve."""
    if run.constant_loss is not None and run.constant_loss > 0:
        return run.constant_loss
    values = np.concatenate([curve.train, curve.validation])
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if len(finite) and finite.max() > 0 else 1.0


def loss_of_guessing(run: Run) -> float:
    """Loss of saying that all classes are equally likely, as networks start out; 0 for numbers."""
    task = run.task
    return float(np.log(max(task.outputs, 2))) if task is not None and task.is_classification else 0.0


def of_what(run: Run) -> str:
    """What shares of a loss are shares of, in words."""
    return "of the constant's loss" if run.constant_loss else "of the highest loss"


def noise_of_mean(values: np.ndarray, window: int) -> float:
    """Standard error of the mean of `window` neighbours of one curve, from its second differences (trends drop out).

    >>> noise_of_mean(np.arange(10.0), 2)
    0.0
    """
    if len(values) < 4:
        return float("inf")
    second = np.diff(values, n=2)
    return float(np.sqrt((second**2).mean() / 6 / window))


def explained(run: Run, curve: Curve, split: str = "train") -> float:
    """Share of the constant's loss that is gone at best (smoothed): 0 learned nothing, 1 perfect, nan not known."""
    if run.constant_loss is None:
        return float("nan")
    values = getattr(curve, split) if np.isfinite(getattr(curve, split)).any() else curve.validation
    finite = values[np.isfinite(values)]
    return 1 - float(smooth(finite, curve.window).min()) / reference_loss(run, curve) if len(finite) else -np.inf


def learned_nothing(run: Run, curve: Curve) -> bool:
    """Whether neither loss ever came below the constant's by a worthwhile share; False where that is not known."""
    return max(explained(run, curve), explained(run, curve, "validation")) < SMALLEST_SHARE.value


def median_explained(run: Run, configuration: Configuration, split: str = "train") -> float:
    return float(np.median([explained(run, c, split) for c in configuration.curves]))


def learned_half(run: Run) -> bool:
    """Whether a model of the user's own learned so much that a linear one ahead of it is no sign of a fault."""
    return run.model is not None and median_explained(run, run.best) >= HALF_LEARNED.value


def linear_explained(run: Run) -> float | None:
    """Share of the constant's loss that the linear model removes on validation patients; None where not known."""
    linear = list(run.linear_by_fold.get("linear", {}).values())
    return 1 - float(np.mean(linear)) / run.constant_loss if linear and run.constant_loss else None


def contrast(run: Run, worse: Configuration, better: Configuration) -> tuple[float, float, float] | None:
    """Best training loss of `worse` minus `better` on the same folds, as a share of the constant's loss: (mean, low,
    high) by `paired`; None where they share no fold."""
    pairs = side_by_side(worse.curves, better.curves)
    if not pairs:
        return None
    return paired(np.array([(level(run, a) - level(run, b)) / reference_loss(run, b) for a, b in pairs]))


def level(run: Run, curve: Curve) -> float:
    """Lowest smoothed training loss (validation where none is known); the start's or the constant's where diverged."""
    values = curve.train if curve.has_train else curve.validation
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 10 * reference_loss(run, curve)
    return float(smooth(finite, curve.window).min())


def starting_loss(run: Run, curve: Curve) -> float:
    """Loss before the first step, or of the first epoch where it was not taken."""
    known = initial_loss(curve)
    return known if np.isfinite(known) else float(curve.train[0] if curve.has_train else curve.validation[0])


def strange_size(run: Run, curve: Curve) -> float | None:
    """Size of a layer's first weights beside the usual, where it is tiny or huge."""
    if not run.plans:
        return None
    if run.model is not None:
        ratio = first_size_of_model(curve, run.model)
    else:
        ratio = first_size(curve, run.plans[curve.plan].hidden)
    return ratio if ratio is not None and not TINY_WEIGHTS.value <= ratio <= HUGE_WEIGHTS.value else None


def rates(run: Run, configuration: Configuration) -> tuple[Configuration, ...]:
    """Configurations that differ from this one in the learning rate alone, by rising rate (itself among them)."""

    def others(c: Configuration) -> dict[str, float]:
        return {name: value for name, value in c.settings.items() if name != "learning_rate"}

    same = [c for c in run.configurations if c.plan == configuration.plan and others(c) == others(configuration)]
    return tuple(sorted(same, key=lambda c: c.learning_rate))


def end(curve: Curve, split: str = "train") -> float:
    return last(getattr(curve, split), curve.window)
