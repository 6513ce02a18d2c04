"""Whether a model's last layer, its loss and its targets fit: read from the model itself, not from a plan."""

import math
from typing import NamedTuple

from rounds.model_facts import ModelFacts, TargetFacts
from rounds.user_code import is_import_path

# Outputs that each activation can give.
REACH = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "softplus": (0.0, math.inf),
    "exponential": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "elu": (-1.0, math.inf),
    "selu": (-1.7581, math.inf),
    "log_softmax": (-math.inf, 0.0),
    "log_sigmoid": (-math.inf, 0.0),
}
BY_ONE = ("sigmoid", "hard_sigmoid")  # a probability for each unit by itself
PROBABILITIES = (*BY_ONE, "softmax")
LABELS = ("binary_crossentropy", "binary_focal_crossentropy")
CLASSES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "categorical_focal_crossentropy")
NUMBERS = ("mse", "mae", "mape", "msle", "huber", "log_cosh")
MARGINS = ("hinge", "squared_hinge")
TOLERANCE = 0.01  # of the targets' range, that they may lie beyond what an output reaches


class Mismatch(NamedTuple):
    """What does not fit, in words; certain: whatever was measured, since no weights could make it fit."""

    words: str
    certain: bool = True


def model_mismatch(model: ModelFacts) -> Mismatch | None:
    """The first thing that does not fit, or None.

    >>> facts = ModelFacts(layers=(), loss="binary_crossentropy", output_activation="softmax", output_width=1)
    >>> model_mismatch(facts).words
    'a softmax over a single unit is 1 whatever the inputs are'
    """
    activation, loss = model.output_activation, model.loss
    if not activation or is_import_path(activation) or is_import_path(loss) or not loss:
        return None  # the user's own: what it means is not known
    if activation == "softmax" and model.output_width == 1:
        return Mismatch("a softmax over a single unit is 1 whatever the inputs are")
    for losses, judge in _JUDGES:
        if loss in losses:
            return judge(model)
    return None


def _probabilities(model: ModelFacts) -> Mismatch | None:
    """Cross-entropies: what they are given, and what they are compared with."""
    activation, loss, targets = model.output_activation, model.loss, model.targets
    if model.from_logits and activation in (*PROBABILITIES, "log_softmax", "log_sigmoid"):
        return Mismatch(
            f"{loss} applies an activation of its own, and the model's outputs have passed {activation} already"
        )
    if model.from_logits and activation in REACH:
        return Mismatch(f"{loss} takes logits of either sign, and an output of {activation} has limits", certain=False)
    if not model.from_logits and activation not in PROBABILITIES:
        return Mismatch(
            f"{loss} needs probabilities, an output of {activation} gives none, and from_logits is not said"
        )
    if loss in LABELS and targets is not None and (targets.low < -TOLERANCE or targets.high > 1 + TOLERANCE):
        return Mismatch(
            f"{loss} compares with targets from 0 to 1, and these go from {targets.low:g} to {targets.high:g}"
        )
    return _classes(model) if loss in CLASSES else _labels(model)


def _classes(model: ModelFacts) -> Mismatch | None:
    activation, loss, targets = model.output_activation, model.loss, model.targets
    if model.output_width == 1:
        return Mismatch(f"{loss} compares classes, and the model has a single output")
    if not model.from_logits and activation in BY_ONE:
        return Mismatch(f"{loss} takes classes that exclude each other, and an output of {activation} is one by one")
    if targets is not None and _together(targets):
        return Mismatch("labels that occur together share a softmax, which makes them exclude each other")
    if targets is not None and targets.classes and targets.high >= model.output_width:
        return Mismatch(f"the targets name class {targets.high:g}, and the model has {model.output_width} outputs")
    return None


def _labels(model: ModelFacts) -> Mismatch | None:
    targets = model.targets
    if model.output_activation != "softmax" or targets is None:
        return None
    if _together(targets):
        return Mismatch("labels that occur together share a softmax, which makes them exclude each other")
    return Mismatch(f"{model.loss} judges each class by itself, and a softmax gives them all at once", certain=False)


def _together(targets: TargetFacts) -> bool:
    """Whether several columns of 0 and 1 do not exclude each other."""
    return targets.width > 1 and targets.binary and not targets.exclusive


def _numbers(model: ModelFacts) -> Mismatch | None:
    """Losses of numbers: whether the outputs reach the targets, and whether the targets are numbers at all."""
    activation, targets = model.output_activation, model.targets
    if targets is None:
        return None
    if activation == "softmax" and not targets.exclusive:
        what = "labels that occur together" if targets.binary else "numbers"
        return Mismatch(f"outputs of a softmax sum to 1, and the targets are {what}")
    low, high = REACH.get(activation, (-math.inf, math.inf))
    margin = TOLERANCE * (targets.high - targets.low)
    if targets.low < low - margin:
        return Mismatch(
            f"an output of {activation} gives nothing below {low:g}, and the targets go down to {targets.low:g}"
        )
    if targets.high > high + margin:
        return Mismatch(
            f"an output of {activation} gives nothing above {high:g}, and the targets go up to {targets.high:g}"
        )
    if targets.categories:
        return Mismatch(f"a loss of {model.loss} is for numbers, and the targets are classes", certain=False)
    return None


def _margins(model: ModelFacts) -> Mismatch | None:
    low, _ = REACH.get(model.output_activation, (-math.inf, math.inf))
    if low < 0:
        return None
    return Mismatch(
        f"{model.loss} wants scores on both sides of 0, and an output of {model.output_activation} gives none below"
    )


def _rates(model: ModelFacts) -> Mismatch | None:
    low, _ = REACH.get(model.output_activation, (-math.inf, math.inf))
    return (
        Mismatch(f"poisson takes rates above 0, and an output of {model.output_activation} goes below")
        if low < 0
        else None
    )


_JUDGES = (
    ((*LABELS, *CLASSES), _probabilities),
    (NUMBERS, _numbers),
    (MARGINS, _margins),
    (("poisson",), _rates),
)
