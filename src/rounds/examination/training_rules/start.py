"""Rules about how training was set up: first weights, scale of the inputs, loss and output, order of the rows."""

from collections.abc import Callable

import numpy as np

from rounds.examination.curve import Curve, smooth
from rounds.examination.figure import LOSSES
from rounds.examination.finding import BY_HARM, Evidence, NotApplicable, Seen, Threshold
from rounds.examination.harm import harm
from rounds.examination.rule import Judged, Rule
from rounds.examination.run import Run
from rounds.examination.training_rules.inside import VANISHING
from rounds.examination.training_rules.layers import at_start, first_to_last, initial_loss, table
from rounds.examination.training_rules.learning import (
    HEAVY_DROPOUT,
    HEAVY_NOISE,
    HUGE_WEIGHTS,
    TINY_WEIGHTS,
    loss_of_guessing,
    narrow,
    narrow_layers,
    reference_loss,
    strange_size,
)
from rounds.examination.training_rules.mismatch import mismatch
from rounds.examination.training_rules.model_mismatch import model_mismatch
from rounds.model_facts import ModelFacts
from rounds.plan import Plan

RECIPE = "Karpathy 2019, A Recipe for Training Neural Networks: verify the loss at the start"
HIGH_START = Threshold("high first loss", 5.0, "times the constant's loss", RECIPE + "; the factor is a convention")
DEAD_AT_START = Threshold(
    "dead at the start", 0.7, "share of a layer", "DeepDiagnosis (Wardat et al. 2022)", "published"
)
FULL_AT_START = Threshold(
    "saturated at the start", 0.5, "share of a layer", "TheDeepChecker (Ben Braiek 2023)", "published"
)
STILL = Threshold(
    "no gradient at the start", 1e-7, "norm of a layer", "DeepDiagnosis (Wardat et al. 2022)", "published"
)
SLOW_START = Threshold("slow start", 0.3, "share of the epochs before a tenth of the fall")
STEEP_FALL = Threshold("fall that follows a slow start", 0.2, "share of the constant's loss")
LARGE_INPUTS = Threshold("large inputs", 10.0, "root mean square of a column; about 1 for scaled inputs")
SMALL_INPUTS = Threshold("small inputs", 1e-3, "root mean square of the largest column")
SCALING = (
    "Normalization",
    "BatchNormalization",
    "LayerNormalization",
    "Rescaling",
    "Embedding",
    "BatchNorm1d",
    "BatchNorm2d",
    "LayerNorm",
)
WIDE_OUTPUTS = Threshold("spread of the first layer's outputs", 10.0, "about 1 for scaled inputs")
ORDERED = Threshold("order of the rows", 0.2, "serial correlation of step losses, trend over three epochs taken off")
CERTAIN = Threshold("certainty of that", 1.0, "standard errors (1 / root of the steps of an epoch: neighbours recur)")
ONE_NUMBER = ("zeros", "ones", "constant")  # initializers that draw nothing
FEWEST_STEPS = 8  # of an epoch: with fewer, neighbours are too far apart in the file to be alike
TREND = 3  # epochs over which the loss falls, and patients do not come in an order


def _poor_start(run: Run) -> Judged:
    """Symptoms before the first step, confirmed by a start that is slow or an end that is poor."""
    marks = [_marks_at_start(run, c) for c in run.best.curves]
    slow = [_slow_start(run, c) for c in run.best.curves]
    if all(m is None for m in marks):
        return _slow_alone(run, slow)
    marked = [m for m in marks if m]
    if len(marked) <= len(marks) / 2:
        return None
    late = [s for s in slow if s is not None]
    if len(late) <= len(slow) / 2 and harm(run) is None and not any("alike" in m for m in marked):
        return None
    return _poor_start_seen(run, marked, late)


POOR_INITIALIZATION = Rule(
    "poor-initialization",
    "The initial weights are poor",
    "training",
    _poor_start,
    how="Before the first step the loss is far above a constant's, or a layer is dead, saturated, without "
    "gradient, or of tiny or huge weights; and the start was slow or the result is worse than it should be. Weights "
    "that are all the same number show it alone.",
    why="Training first has to undo its start, or cannot leave it.",
    remedies=("use he_normal (ReLU and its kin) or glorot_uniform (tanh, sigmoid)", "set biases to zeros"),
    thresholds=(
        HIGH_START,
        DEAD_AT_START,
        FULL_AT_START,
        STILL,
        TINY_WEIGHTS,
        HUGE_WEIGHTS,
        SLOW_START,
        STEEP_FALL,
    ),
    causes=("unscaled-inputs", "loss-output-mismatch"),
    acts="start",
    place=60,
    seen_at_once=True,
    stops_learning=True,
    figures=(LOSSES,),
)


def _slow_alone(run: Run, slow: list[float | None]) -> Judged:
    """Without measures: a start that is slow, then a steep fall, at a rate that is not only warming up."""
    late = [s for s in slow if s is not None]
    warming = any(c.rate is not None and c.rate.argmax() >= SLOW_START.value * len(c.rate) for c in run.best.curves)
    if len(late) <= len(slow) / 2 or warming:
        return NotApplicable("needs measures taken before the first step")
    return Seen(
        "warning",
        f"Nothing happened in the first {np.median(late):.0%} of the epochs, then the loss fell steeply.",
        {"slow_start_share_of_epochs": float(np.median(late))},
        0.5,
        run.best.members,
        onset=1,
    )


def _poor_start_seen(run: Run, marked: list[Evidence], late: list[float]) -> Seen:
    evidence = {k: float(np.median([m[k] for m in marked if k in m])) for k in sorted({k for m in marked for k in m})}
    words = {
        "loss_over_constant": "the loss was {:.3g} times that of a constant",
        "dead_share": "{:.0%} of a layer's units gave the same for every patient",
        "saturated_share": "{:.0%} of a layer's outputs were at their limit",
        "least_gradient": "a layer had no gradient ({:.1g})",
        "weights_over_usual": "a layer's weights were {:.2g} times their usual size",
        "alike": "{:.0f} hidden layers had a single number for all of their weights, so that their units stay alike",
    }
    said = ", ".join(words[name].format(value) for name, value in evidence.items())
    if late:
        evidence["slow_start_share_of_epochs"] = float(np.median(late))
    after = f"; nothing happened in the first {np.median(late):.0%} of the epochs" if late else ""
    plan = run.plans[run.best.plan] if run.plans else None
    if run.model is not None:
        evidence |= {"initializers": sorted({layer.initializer for layer in run.model.weighted})}  # type: ignore[dict-item]
    elif plan is not None:
        evidence |= {"initializer": plan.initializer, "bias_initializer": plan.bias_initializer}  # type: ignore[dict-item]
    return Seen(
        BY_HARM,
        f"Before the first step {said}{after}.",
        evidence,
        0.9,
        tuple(c.member for c in run.curves if _marks_at_start(run, c)),
        onset=0,
        least="warning" if "alike" in evidence else "note",
    )


def _marks_at_start(run: Run, curve: Curve) -> Evidence | None:
    """What is wrong with a network before its first step; None where that was not measured."""
    loss, gradients = initial_loss(curve), at_start(curve, "gradient_norm")
    dead, full = _dead_at_start(run, curve), at_start(curve, "saturated_share")
    if np.isnan(loss) and gradients is None:
        return None
    marks: Evidence = {}
    dropped = curve.settings.get("dropout", 0.0) >= HEAVY_DROPOUT.value  # multiplies what is left, and the loss with it
    noisy = curve.settings.get("input_noise", 0.0) >= HEAVY_NOISE.value  # and noise drowns what weights make of inputs
    high = loss >= HIGH_START.value * max(run.constant_loss or np.inf, loss_of_guessing(run))
    scale = run.model is not None and run.task is not None and not run.task.is_classification  # that of the targets
    if run.constant_loss and high and not (dropped or noisy or scale):
        marks["loss_over_constant"] = loss / run.constant_loss
    if dead is not None and dead >= DEAD_AT_START.value and not dropped:  # for all rows of a minibatch
        marks["dead_share"] = dead
    if full is not None and full.max() >= FULL_AT_START.value:
        marks["saturated_share"] = float(full.max())
    if (size := strange_size(run, curve)) is not None:
        marks["weights_over_usual"] = size
    if alike := _layers_alike(run, curve):
        marks["alike"] = alike
    still = gradients is not None and gradients.min() < STILL.value and not (dropped or narrow(run, curve))
    if still and (marks or not _fades(curve)):
        marks["least_gradient"] = float(gradients.min())  # type: ignore[union-attr]
    return marks


def _layers_alike(run: Run, curve: Curve) -> int:
    """Hidden layers of several units that all begin with the same weights."""
    if run.model is not None:
        drawn = [(x.initializer, x.width) for x in run.model.hidden]
    else:
        plan = run.plans[curve.plan] if run.plans else Plan()
        drawn = [(plan.initializer, width) for width in plan.hidden]
    return sum(width > 1 and name.partition(":")[0] in ONE_NUMBER for name, width in drawn)


def _fades(curve: Curve) -> bool:
    """Whether the gradient gets lost on its way through the layers: that is no fault of weights of the usual size."""
    passed = first_to_last(curve)
    return passed is not None and bool(0 < passed[0] < VANISHING.value)


def _dead_at_start(run: Run, curve: Curve) -> float | None:
    """Largest share of dead units in a layer; of the narrowest layers any unit may be dead by the luck of the draw."""
    found = table(curve, "dead_share")
    if found is None or found[1][0] != 0:
        return None
    left_out = narrow_layers(run, curve)
    shares = [share for layer, share in zip(found[0], found[2][:, 0], strict=True) if layer not in left_out]
    return float(max(shares, default=0.0))


def _slow_start(run: Run, curve: Curve) -> float | None:
    """Share of the epochs before a tenth of the fall of the loss, where that is slow and the fall steep."""
    values = curve.train if curve.has_train else curve.validation
    if len(values) < 5 or not np.isfinite(values).all():
        return None
    values = smooth(values, 1)
    fall = values[0] - values.min()
    if fall < STEEP_FALL.value * reference_loss(run, curve):
        return None
    share = float((values > values[0] - 0.1 * fall).argmin()) / len(values)
    return share if share >= SLOW_START.value else None


def _unscaled_model(run: Run, model: ModelFacts) -> Judged:
    """Of the user's own model: the numbers themselves that its first layer receives."""
    inputs = model.inputs
    if inputs is None:
        return NotApplicable("needs the numbers that the first layer receives")
    first = next((i for i, layer in enumerate(model.layers) if layer.weighted), 0)
    if any(layer.kind in SCALING for layer in model.layers[: first + 1]) or (inputs.columns == 1 and not model.hidden):
        return None  # of a single column into a single layer, the unit is a matter of the learning rate
    if SMALL_INPUTS.value <= inputs.largest <= LARGE_INPUTS.value:
        return None
    evidence: Evidence = {"largest_input": inputs.largest, "smallest_input": inputs.smallest, "inputs": inputs.columns}
    return Seen(
        BY_HARM,
        f"Inputs are not scaled: the root mean square of a column is {inputs.largest:.3g} (about 1 is healthy)"
        f"{f', of another {inputs.smallest:.2g}' if inputs.smallest < inputs.largest / 10 else ''}.",
        evidence,
        0.9,
        tuple(c.member for c in run.curves),
        onset=0,
    )


def _unscaled(run: Run) -> Judged:
    if run.model is not None:
        return _unscaled_model(run, run.model)
    if run.plan is None:
        return NotApplicable("needs the plan: curves do not say how inputs were scaled")
    if run.plans[run.best.plan].scale_inputs:
        return None
    spreads = [s[0] for c in run.best.curves if (s := at_start(c, "activation_spread")) is not None]
    wide = bool(spreads) and float(np.median(spreads)) >= WIDE_OUTPUTS.value
    high = [initial_loss(c) / reference_loss(run, c) for c in run.best.curves]
    if not (wide or float(np.median(high)) >= HIGH_START.value):
        return None
    evidence: Evidence = {"scale_inputs": False, "first_loss_over_constant": float(np.median(high))}
    evidence |= {"first_layer_spread": float(np.median(spreads))} if spreads else {}
    return Seen(
        BY_HARM,
        "Inputs were not scaled: before the first step the first layer's outputs spread by "
        f"{evidence.get('first_layer_spread', float('nan')):.3g} (about 1 is healthy) and the loss was "
        f"{np.median(high):.3g} times that of a constant.",
        evidence,
        0.95,
        _members_whose(run, lambda p: not p.scale_inputs),
        onset=0,
    )


UNSCALED_INPUTS = Rule(
    "unscaled-inputs",
    "Inputs are not scaled",
    "training",
    _unscaled,
    how="The plan leaves inputs as they are, and before the first step the first layer's outputs are wide or the "
    "loss is far above that of a constant. Of a model of one's own: the size of the numbers that its first layer "
    "receives.",
    why="The column with the largest unit decides every step; the others learn nothing.",
    remedies=("set scale_inputs to true",),
    thresholds=(WIDE_OUTPUTS, HIGH_START, LARGE_INPUTS, SMALL_INPUTS),
    acts="start",
    place=40,
    seen_at_once=True,
    stops_learning=True,
    figures=(LOSSES,),
)


def _members_whose(run: Run, planned: Callable[[Plan], bool]) -> tuple[int, ...]:
    """Members whose plan says so, of every configuration."""
    return tuple(c.member for c in run.curves if planned(run.plans[c.plan]))


def _mismatched(run: Run) -> Judged:
    if run.model is not None:
        return _mismatched_model(run, run.model)
    if run.plan is None or run.task is None:
        return NotApplicable("needs the plan and the task: curves do not name the loss and the output")
    from rounds.training.compiled.objective import loss_name

    plan = run.plans[run.best.plan]
    words = mismatch(plan, run.task)
    if words is None:
        return None
    task = run.task
    members = _members_whose(run, lambda p: mismatch(p, task) is not None)
    evidence: Evidence = {"loss": loss_name(plan, task), "output_activation": plan.output_activation}
    return Seen(BY_HARM, f"{words.capitalize()}.", evidence, 0.95, members, onset=0)


def _mismatched_model(run: Run, model: ModelFacts) -> Judged:
    found = model_mismatch(model)
    if found is None:
        known = model.loss and model.output_activation
        return None if known else NotApplicable("needs the loss and the activation of the last layer")
    evidence: Evidence = {
        "loss": model.loss,
        "output_activation": model.output_activation,
        "output_width": model.output_width,
    }
    words = found.words[0].upper() + found.words[1:]
    return Seen(
        BY_HARM,
        f"{words}.",
        evidence,
        0.95,
        tuple(c.member for c in run.curves),
        onset=0,
        least="warning" if found.certain else "note",
    )


LOSS_OUTPUT_MISMATCH = Rule(
    "loss-output-mismatch",
    "Loss, output and outcome do not fit",
    "training",
    _mismatched,
    how="By the table of losses and outputs that fit each kind of task; an alarm only where the network is also "
    "worse than it should be. Of a model of one's own: its last layer's activation and width beside its loss and the "
    "targets; an alarm always where no weights could make them fit.",
    why="The loss pulls towards values that the output cannot give, or judges something else than the outcome.",
    remedies=("set loss and output_activation to auto",),
    acts="start",
    place=20,
    seen_at_once=True,
    stops_learning=True,
    figures=(LOSSES,),
)


def _not_shuffled(run: Run) -> Judged:
    if run.plan is None:
        return NotApplicable("needs the plan: curves do not say how rows were drawn")
    if run.plans[run.best.plan].shuffle:
        return None
    found = [r for c in run.best.curves if (r := serial_correlation(c)) is not None]
    if not found:
        return NotApplicable(f"needs losses of single steps, at least {FEWEST_STEPS} an epoch")
    correlation, error = (float(np.mean(column)) for column in zip(*found, strict=True))
    if correlation < max(ORDERED.value, CERTAIN.value * error):
        return None
    return Seen(
        BY_HARM,
        "Rows were not shuffled and their order tells something: losses of neighbouring steps are alike (correlation "
        f"{correlation:.2f}; 0 for rows in any order).",
        {"shuffle": False, "serial_correlation": correlation, "standard_error": error},
        0.9,
        _members_whose(run, lambda p: not p.shuffle),
        onset=1,
    )


NOT_SHUFFLED = Rule(
    "not-shuffled",
    "Rows are not shuffled",
    "training",
    _not_shuffled,
    how="The plan does not shuffle, and losses of neighbouring steps are alike, which those of rows in any order "
    "are not.",
    why="Each minibatch shows one kind of patient; the network forgets one kind while it learns the next.",
    remedies=("set shuffle to true",),
    thresholds=(ORDERED, CERTAIN),
    acts="steps",
    place=80,
    stops_learning=True,
    figures=(LOSSES,),
)


def serial_correlation(curve: Curve) -> tuple[float, float] | None:
    """(correlation of the losses of neighbouring steps, its standard error where there is none), the loss's trend taken
    off; None where too few steps were kept.

    Neighbours show rows that stand together in the file. What is asked is not where in an epoch they stand: minibatches
    are cut from a stream of passes over the rows, and an epoch is a whole number of them, a little more than a pass.
    The same neighbours come again with every pass: one pass is all the evidence that there is.
    """
    if curve.steps is None:
        return None
    position, losses = curve.steps
    epoch = np.ceil(position - 1e-9).astype(int)
    epochs = len(np.unique(epoch))
    if len(losses) < FEWEST_STEPS * max(epochs, TREND) or not np.isfinite(losses).all():
        return None
    half = round(TREND * len(losses) / epochs / 2)
    trend = np.convolve(np.pad(losses, half, mode="edge"), np.ones(2 * half + 1) / (2 * half + 1), "valid")
    rest = (losses - trend)[epoch > epoch.max() / 3]
    size = float((rest**2).mean())
    return (float((rest[1:] * rest[:-1]).mean()) / size if size > 0 else 0.0), (epochs / len(losses)) ** 0.5
