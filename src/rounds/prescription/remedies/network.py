"""Remedies that change the network: its layers, its units, the weights it starts from, what it reads."""

from rounds.plan import Plan
from rounds.prescription.remedies.remedy import Change, Remedy, setting

SATURATING = ("sigmoid", "tanh", "hard_sigmoid", "softsign")
NARROW = 8  # units: of a narrower layer, one that has closed is a large part
MANY_LAYERS = 5  # plain layers, from which a signal seldom comes through well

SCALE_INPUTS = setting({"scale_inputs": True}, against={"unscaled-inputs": 1})
SHUFFLE = setting({"shuffle": True}, against={"not-shuffled": 1})
THAW = setting({"frozen_layers": 0}, against={"frozen-layer": 1})
FEATURES = setting({"network": "dense", "hidden": (64, 64), "hand_features": True}, against={"gaps-unread": 1})
SKIP_TO_OUTPUT = setting({"skip_to_output": True}, against={"no-better-than-baseline": 1})
BATCH_NORMALIZATION = setting({"normalization": "batch"}, against={"vanishing-gradients": 3, "exploding-gradients": 3})
LAYER_NORMALIZATION = setting({"normalization": "layer"}, against={"tiny-batch-statistics": 2})


def matched_output(plan: Plan) -> list[Change]:
    """The pair of loss and output; of a model of one's own the last layer is made to fit."""
    return [{"loss": "auto", "output_activation": "matched" if plan.network == "keras" else "auto"}]


MATCH = Remedy(
    "match loss and output to the task",
    matched_output,
    "outputs mean what the loss takes them for",
    against={"loss-output-mismatch": 1},
)


def _start_well(plan: Plan) -> list[Change]:
    """Scaled weights; where units saturate as well, these alone let no gradient through many layers."""
    well: Change = {"initializer": "he_normal", "bias_initializer": "zeros"}
    both = [{**well, "activation": "silu"}] if plan.activation in SATURATING and len(plan.hidden) > 2 else []
    return [*both, well, {**well, "initializer": "glorot_uniform"}]


START_WELL = Remedy(
    "start from scaled random weights",
    _start_well,
    "signals keep their size from layer to layer",
    against={
        "dead-units": 1,
        "poor-initialization": 2,
        "exploding-gradients": 2,
        "saturated-units": 2,
        "not-learning": 2,
        "diverged": 3,
        "vanishing-gradients": 4,
    },
)


def fewer_layers(plan: Plan) -> list[Change]:
    """Two layers in place of many that nothing helps signals through: neither sums around them nor normalization."""
    plain = plan.network == "dense" and plan.normalization == "none" and not plan.residual
    if not plain or len(plan.hidden) < MANY_LAYERS:
        return []
    width = max(max(plan.hidden), 64)
    opened = {"activation": "silu"} if plan.activation in SATURATING else {}
    return [{"hidden": (width, width), "initializer": "he_normal", "bias_initializer": "zeros", **opened}]


FEWER_LAYERS = Remedy(
    "use fewer layers",
    fewer_layers,
    "signals reach both ends of the network",
    against={"poor-initialization": 1, "vanishing-gradients": 1},
)


def _open_activation(plan: Plan) -> list[Change]:
    """Of a model of one's own the first weights as well: in many layers neither lets a gradient through alone."""
    plain = [{"activation": name} for name in ("silu", "leaky_relu") if name != plan.activation]
    both: Change = {"activation": "elu", "initializer": "he_normal", "bias_initializer": "zeros"}
    return [both, *plain] if plan.network == "keras" and plan.activation == "given" else plain


OPEN_ACTIVATION = Remedy(
    "use an activation that does not close",
    _open_activation,
    "gradients pass through the units",
    against={"saturated-units": 1, "vanishing-gradients": 2, "dead-units": 2, "not-learning": 3},
)


def _bend(plan: Plan) -> list[Change]:
    """An activation for a model of one's own that has none, or another one."""
    return [{"activation": "silu"}] if plan.network == "keras" and plan.activation == "given" else []


BEND = Remedy(
    "put an activation after hidden layers", _bend, "what is not linear can be learned", against={"underfitting": 1}
)


def _larger(plan: Plan) -> list[Change]:
    widest = max((*plan.hidden, 1))
    wider = [w for w in (64, 128, 256) if w > widest or len(plan.hidden) < 2 or plan.network == "linear"]
    return [{"network": "dense", "hidden": (w, w)} for w in wider[:2]]


LARGER = Remedy(
    "use a larger network",
    _larger,
    "training and validation loss fall together",
    against={"underfitting": 1, "no-better-than-baseline": 2},
)


def _larger_if_narrow(plan: Plan) -> list[Change]:
    return _larger(plan) if plan.hidden and min(plan.hidden) < NARROW else []


LARGER_IF_NARROW = Remedy(
    "use a larger network",
    _larger_if_narrow,
    "a closed unit no longer closes its layer",
    against={"dead-units": 4, "vanishing-gradients": 5},
)


def _smaller(plan: Plan) -> list[Change]:
    return [{"hidden": tuple(max(width // 4, 4) for width in plan.hidden)}] if plan.hidden else []


SMALLER = Remedy("use a smaller network", _smaller, "validation comes closer to training", against={"overfitting": 5})
