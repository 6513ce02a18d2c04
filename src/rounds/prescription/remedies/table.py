"""The table of remedies: what each finding asks for, first things first.

The order among findings is the examination's: what spoils the start, then a learning rate that is off, since nothing
can be judged under it, then the rest. Against overfitting come more patients (`more_patients`), augmentation,
regularization, then a smaller network; against underfitting a larger network; minor choices last.
"""

import math

from rounds.examination.finding import Examination
from rounds.examination.training_rules.images_and_recordings import AUGMENTING
from rounds.plan import Plan, usual_patience
from rounds.prescription.remedies.remedy import Change, Prescription, Remedy, treated

SATURATING = ("sigmoid", "tanh", "hard_sigmoid", "softsign")
NARROW = 8  # units: of a narrower layer, one that has closed is a large part
MANY_LAYERS = 5  # plain layers, from which a signal seldom comes through well
MOST_ARMS = 6  # treated plans of one trial: each further one widens every interval
SOUND_RATE = 3e-3  # Adam's middle ground on scaled inputs, between the rates that a population averages


def _rates(plan: Plan) -> tuple[float, ...]:
    return plan.learning_rate if isinstance(plan.learning_rate, tuple) else (plan.learning_rate,)


def highest(value: float | tuple[float, ...]) -> float:
    """Of a setting's values, swept or single."""
    return max(value) if isinstance(value, tuple) else value


def _lower_rate(plan: Plan) -> list[Change]:
    return _rate_doses(plan, (1 / 10, 1 / 100, 1 / 1000))


def _higher_rate(plan: Plan) -> list[Change]:
    return _rate_doses(plan, (10.0, 100.0))


def _rate_doses(plan: Plan, factors: tuple[float, ...]) -> list[Change]:
    """What is usual first: adaptive steps of middling size, then rates by how near they are to that."""
    highest = max(_rates(plan))
    rates = sorted((highest * factor for factor in factors), key=lambda rate: abs(math.log(rate / SOUND_RATE)))
    return sound_rate(plan) + [{"learning_rate": rate} for rate in rates]


def sound_rate(plan: Plan) -> list[Change]:
    return [
        {
            "learning_rate": SOUND_RATE,
            "optimizer": "adamw",
            "momentum": 0.9,
            "beta_1": 0.9,
            "beta_2": 0.999,
            "epsilon": 1e-8,
            "schedule": "cosine",
        }
    ]


def _augment(plan: Plan) -> list[Change]:
    """Patients that might have been: numbers with a little noise, or two patients mixed (Zhang et al. 2018)."""
    noise = [{"input_noise": 0.1}] if highest(plan.input_noise) < 0.1 else []
    return noise + ([{"mixup": 0.2}] if highest(plan.mixup) == 0 else [])


def keep_best(plan: Plan) -> list[Change]:
    """Early stopping, where the last epoch is kept whatever validation says."""
    return [{"keep_best": "loss", "patience": usual_patience(plan.epochs)}] if plan.keep_best == "none" else []


def _drop_more(plan: Plan) -> list[Change]:
    return [{"dropout": rate} for rate in (0.3, 0.5) if rate > highest(plan.dropout)]


def _penalise(plan: Plan) -> list[Change]:
    return [{"l2": max(10 * highest(plan.l2), 1e-3)}, {"weight_decay": max(10 * highest(plan.weight_decay), 0.1)}]


def _smaller(plan: Plan) -> list[Change]:
    return [{"hidden": tuple(max(width // 4, 4) for width in plan.hidden)}] if plan.hidden else []


def _larger(plan: Plan) -> list[Change]:
    widest = max((*plan.hidden, 1))
    wider = [w for w in (64, 128, 256) if w > widest or len(plan.hidden) < 2 or plan.network == "linear"]
    return [{"network": "dense", "hidden": (w, w)} for w in wider[:2]]


def _larger_if_narrow(plan: Plan) -> list[Change]:
    return _larger(plan) if plan.hidden and min(plan.hidden) < NARROW else []


def _longer(plan: Plan) -> list[Change]:
    epochs = [plan.epochs * factor for factor in (4, 16)]
    return [{"epochs": n, "warmup_epochs": round(0.03 * n, 2), "patience": usual_patience(n)} for n in epochs]


def weaker_penalties(plan: Plan) -> list[Change]:
    """Penalties first, dropout with them, and at last what blurs inputs and outcomes."""
    free: Change = {"l1": 0.0, "l2": 0.0, "weight_decay": min(highest(plan.weight_decay), 1e-2)}
    dropped: Change = {**free, "dropout": min(highest(plan.dropout), 0.1)}
    blurs = {name: min(highest(getattr(plan, name)), 0.1) for name in ("input_noise", "mixup", "label_smoothing")}
    return [free, dropped, {**dropped, **blurs}]


def _start_well(plan: Plan) -> list[Change]:
    """Scaled weights; where units saturate as well, these alone let no gradient through many layers."""
    well: Change = {"initializer": "he_normal", "bias_initializer": "zeros"}
    both = [{**well, "activation": "silu"}] if plan.activation in SATURATING and len(plan.hidden) > 2 else []
    return [*both, well, {**well, "initializer": "glorot_uniform"}]


def fewer_layers(plan: Plan) -> list[Change]:
    """Two layers in place of many that nothing helps signals through: neither sums around them nor normalization."""
    plain = plan.network == "dense" and plan.normalization == "none" and not plan.residual
    if not plain or len(plan.hidden) < MANY_LAYERS:
        return []
    width = max(max(plan.hidden), 64)
    opened = {"activation": "silu"} if plan.activation in SATURATING else {}
    return [{"hidden": (width, width), "initializer": "he_normal", "bias_initializer": "zeros", **opened}]


def _open_activation(plan: Plan) -> list[Change]:
    return [{"activation": name} for name in ("silu", "leaky_relu") if name != plan.activation]


def _matched(plan: Plan) -> list[Change]:
    return [{"loss": "auto", "output_activation": "auto"}]


def _augmented(plan: Plan) -> Change:
    amounts = {name: highest(getattr(plan, name)) for name in AUGMENTING}
    return {name: amount for name, amount in amounts.items() if amount > 0}


def _weaker_augmentation(plan: Plan) -> list[Change]:
    used = _augmented(plan)
    return [dict.fromkeys(used, 0.0), {name: amount / 3 for name, amount in used.items()}] if used else []


def _larger_batches(plan: Plan) -> list[Change]:
    return [{"batch_size": size} for size in (32, 128) if isinstance(plan.batch_size, int) and size > plan.batch_size]


def _always(change: Change) -> Remedy:
    name = ", ".join(f"{field} = {value}" for field, value in change.items())
    return Remedy(name, lambda plan: [change], "the fault that was seen is taken away")


_LOWER = Remedy("lower the learning rate", _lower_rate, "losses fall instead of jumping")
_HIGHER = Remedy("raise the learning rate", _higher_rate, "losses fall within the epochs that there are")
_SOUND = Remedy("set the optimizer's numbers back", sound_rate, "steps have a sensible length")
_CLIP = _always({"clip_norm": 1.0})
_NORMALIZE = _always({"normalization": "batch"})
_START = Remedy("start from scaled random weights", _start_well, "signals keep their size from layer to layer")
_OPEN = Remedy("use an activation that does not close", _open_activation, "gradients pass through the units")
_LONGER = Remedy("train longer", _longer, "the loss goes on falling")
_LARGER = Remedy("use a larger network", _larger, "training and validation loss fall together")
_SHALLOW = Remedy("use fewer layers", fewer_layers, "signals reach both ends of the network")
_ROOM = Remedy("use a larger network", _larger_if_narrow, "a closed unit no longer closes its layer")
_BEST = Remedy("keep the best epoch, not the last", keep_best, "validation stays where it was best")
_DROP = Remedy("drop more units", _drop_more, "validation comes closer to training")
_AUGMENT = Remedy("augment the patients", _augment, "validation comes closer to training")
_PENALISE = Remedy("penalise large weights", _penalise, "validation comes closer to training")
_SMALLER = Remedy("use a smaller network", _smaller, "validation comes closer to training")
_FREE = Remedy("weaken the penalties", weaker_penalties, "training loss falls again")
_MATCH = Remedy("match loss and output to the task", _matched, "outputs mean what the loss takes them for")
_WEAKER = Remedy("weaken augmentation", _weaker_augmentation, "training loss falls, and validation with it")
_BATCHES = Remedy("use larger minibatches", _larger_batches, "statistics of a minibatch are those of the patients")
_COSINE = _always({"schedule": "cosine"})

REMEDIES: dict[str, tuple[Remedy, ...]] = {
    "unscaled-inputs": (_always({"scale_inputs": True}), _LOWER),
    "not-shuffled": (_always({"shuffle": True}),),
    "loss-output-mismatch": (_MATCH,),
    "frozen-layer": (_always({"frozen_layers": 0}),),
    "poor-initialization": (_SHALLOW, _START),
    "learning-rate-too-high": (_LOWER, _CLIP),
    "learning-rate-too-low": (_HIGHER, _LONGER),
    "diverged": (_LOWER, _CLIP, _START),
    "unstable": (_LOWER, _CLIP, _always({"batch_size": 128})),
    "exploding-gradients": (_CLIP, _START, _NORMALIZE),
    "vanishing-gradients": (_SHALLOW, _OPEN, _NORMALIZE, _START, _ROOM),
    "dead-units": (_START, _OPEN, _LOWER, _ROOM),
    "saturated-units": (_OPEN, _START),
    "not-learning": (_SOUND, _START, _OPEN, _LONGER, _FREE),
    "over-regularized": (_FREE,),
    "decayed-too-early": (_COSINE,),
    "still-improving": (_LONGER, _HIGHER),
    "plateau": (_COSINE, _LOWER),
    "augmentation-too-strong": (_WEAKER,),
    "tiny-batch-statistics": (_BATCHES, _always({"normalization": "layer"})),
    "gaps-unread": (_always({"network": "dense", "hidden": (64, 64), "hand_features": True}),),
    "overfitting": (_BEST, _AUGMENT, _DROP, _PENALISE, _SMALLER),
    "underfitting": (_LARGER, _FREE, _LONGER),
    "validation-better": (_FREE,),
    "no-better-than-baseline": (_always({"skip_to_output": True}), _LARGER, _DROP),
    "label-noise": (_always({"label_smoothing": 0.1}),),
    "class-imbalance": (),
}


def prescribe(examination: Examination, plan: Plan, tried: frozenset[str] = frozenset()) -> list[Prescription]:
    """What to try next: the doses against the first alarm that has any left; causes come before what follows from them.

    tried: changes (as `described`) that were tried before and did not help. Empty where nothing is left, or healthy.

    >>> from rounds.examination.finding import Answer, Finding, Verdict
    >>> unsure = Answer("unknown", "")
    >>> shuffled = Finding("training", "not-shuffled", "Rows in the order of the file", "warning", "")
    >>> said = Examination((shuffled,), (), Verdict(unsure, unsure, unsure))
    >>> [p.change for p in prescribe(said, Plan(shuffle=False))]
    [{'shuffle': True}]
    """
    doses = (doses_against(finding.code, plan, tried) for finding in examination.alarms)
    return next((some for some in doses if some), [])


def doses_against(code: str, plan: Plan, tried: frozenset[str] = frozenset()) -> list[Prescription]:
    """At most MOST_ARMS doses against a finding, in the order of its remedies, one of each remedy first.

    >>> [p.change for p in doses_against("not-shuffled", Plan(shuffle=False))]
    [{'shuffle': True}]
    """
    doses = [[(r, c) for c in r.doses(plan)] for r in REMEDIES.get(code, ())]
    turns = [some[i] for i in range(max(map(len, doses), default=0)) for some in doses if i < len(some)]
    made = [Prescription(code, r.name, c, r.expects) for r, c in turns]
    fresh = [p for p in made if p.applies(plan) and described(p.change) not in tried]
    different = {treated(plan, p.change): p for p in reversed(fresh)}  # of doses that come to the same, the first
    return [p for p in fresh if p in different.values()][:MOST_ARMS]


def described(change: Change) -> str:
    """A change in one line.

    >>> described({"dropout": 0.5})
    'dropout = 0.5'
    """
    return ", ".join(f"{name} = {value}" for name, value in sorted(change.items()))
