"""What of a plan few would choose on purpose, and what is usual in its place: known from the plan alone.

On few patients a plan can be poor and yet nothing alarms: a linear model is as good as what was trained, and the harm
is within the noise of the folds. A trial against a control is the finer instrument, so what is out of the ordinary is
tried before the rounds end. Nothing here says that a plan is wrong; only the trial does.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rounds.examination.finding import HEALTHY
from rounds.examination.training_rules.mismatch import mismatch
from rounds.plan import Plan
from rounds.prescription.remedies.network import SATURATING, fewer_layers, matched_output
from rounds.prescription.remedies.optimizer import keep_best, sound_rate
from rounds.prescription.remedies.prescribe import MOST_ARMS
from rounds.prescription.remedies.regularization import weaker_penalties
from rounds.prescription.remedies.remedy import Change, Prescription, described, highest, treated
from rounds.task import Task

# Conventions of ours: far outside of what is tried on purpose, so that ordinary plans have nothing of it.
SHARPEST_RATE, FLATTEST_RATE = 0.1, 1e-5  # of the highest rate, optimizers with steps of the size of their rate
FLATTEST_GRADIENT_RATE = 1e-3  # of optimizers whose steps are as small as the gradients: a tenth of Keras's default
LARGEST_EPSILON, LARGEST_MOMENTUM, SHORTEST_CLIP = 1e-3, 0.97, 0.1
MOST_DROPOUT, MOST_NOISE, MOST_SMOOTHING, MOST_PENALTY = 0.6, 1.0, 0.3, 1e-2
FEWEST_ROWS = 8  # of a minibatch
FEWEST_UNITS = 4  # of a hidden layer
EARLIEST_DECAY = 1 / 3  # of a schedule, before which a step schedule decays
SCALED = ("he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform", "orthogonal")
CLOSED = ("vanishing-gradients", "saturated-units", "dead-units", "poor-initialization", "not-learning")
ADAPTIVE, GRADIENT = ("adam", "adamw", "rmsprop"), ("sgd", "momentum", "nesterov")


@dataclass(frozen=True)
class Oddity:
    """One thing out of the ordinary. put_back: plan -> the usual in its place; empty where the plan has nothing odd;
    joins: whether it may be tried together with others (the best epoch may not: patients who chose it would judge it
    against a last one that nobody chose)."""

    remedy: str
    put_back: Callable[[Plan, Task], Change]
    joins: bool = True


def against_oddities(
    plan: Plan, task: Task, tried: frozenset[str] = frozenset(), finding: str = HEALTHY
) -> list[Prescription]:
    """What is usual in place of what is not: all of it together first, then one by one; at most MOST_ARMS. Empty for an
    ordinary plan.

    tried: changes (as `described`) that were tried before; finding: for which nothing else is left to try.

    >>> death = Task(kind="binary", targets=("death",), classes=("0", "1"))
    >>> [p.change for p in against_oddities(Plan(activation="linear"), death)]
    [{'activation': 'silu'}]
    >>> against_oddities(Plan(), death)
    []
    """
    found = [(o, _prescription(finding, o.remedy, o.put_back(plan, task))) for o in ODDITIES]
    usable = [(o, p) for o, p in found if p.change and p.applies(plan)]
    joined = [p for o, p in usable if o.joins]
    whole: Change = {field: new for p in joined for field, new in p.change.items()}
    usual = {**whole, **_as_own_networks(plan, finding)}
    together = [_prescription(finding, "all that is usual", usual)] if len(joined) > 1 or usual != whole else []
    return [p for p in (*together, *(p for _, p in usable)) if described(p.change) not in tried][:MOST_ARMS]


def with_the_usual(doses: list[Prescription], plan: Plan, usual: list[Prescription]) -> list[Prescription]:
    """The doses against a finding, and after the first of them all that is usual: what was found may follow from
    something odd of which nobody can say that it did harm (which epoch is kept is no cause of what is found while
    training). Where no dose is left, all that is odd is tried.

    >>> death = Task(kind="binary", targets=("death",), classes=("0", "1"))
    >>> dose, odd = Prescription("not-learning", "", {"dropout": 0.0}, ""), Plan(loss="mae")
    >>> [sorted(p.change) for p in with_the_usual([dose], odd, against_oddities(odd, death))]
    [['dropout'], ['loss', 'output_activation']]
    """
    if not doses:
        return usual
    known = {treated(plan, change) for change in (*(dose.change for dose in doses), *keep_best(plan))}
    fresh = [p for p in usual[:1] if treated(plan, p.change) not in known]
    return [*doses[:1], *fresh, *doses[1:]][:MOST_ARMS]


def _prescription(finding: str, remedy: str, change: Change) -> Prescription:
    return Prescription(finding, remedy, change, "validation improves, or the plan was as good as what is usual")


def _activation(plan: Plan, task: Task) -> Change:
    """Hidden layers without a bend are one linear map; many that saturate let little through."""
    flat = plan.activation == "linear" and plan.network != "linear"
    closing = plan.activation in SATURATING and len(plan.hidden) > 2
    return {"activation": "silu"} if flat or closing else {}


def _outputs(plan: Plan, task: Task) -> Change:
    return matched_output(plan)[0] if mismatch(plan, task) else {}


def _start(plan: Plan, task: Task) -> Change:
    scaled = plan.initializer.partition(":")[0] in SCALED
    changes = {} if scaled else {"initializer": "he_normal"}
    return changes if plan.bias_initializer == "zeros" else {**changes, "bias_initializer": "zeros"}


def _rows(plan: Plan, task: Task) -> Change:
    """How rows are read: scaled, in a new order each epoch, some dozens a step (in a model of the user's own few rows a
    step are as many steps as its epochs were chosen for)."""
    changes: Change = {} if plan.scale_inputs else {"scale_inputs": True}
    changes |= {} if plan.shuffle else {"shuffle": True}
    few = isinstance(plan.batch_size, int) and plan.batch_size < FEWEST_ROWS and plan.network != "keras"
    return {**changes, "batch_size": 32} if few or plan.batch_size == "all" else changes


def _layers(plan: Plan, task: Task) -> Change:
    """Neither deeper than signals reach, nor narrower than a unit can be spared, and all of it learning."""
    frozen: Change = {"frozen_layers": 0} if plan.frozen_layers else {}
    narrow = plan.network == "dense" and bool(plan.hidden) and min(plan.hidden) < FEWEST_UNITS
    deep = fewer_layers(plan)
    return frozen | ({"hidden": (64, 64)} if narrow and not deep else {}) | (deep[0] if deep else {})


def _steps(plan: Plan, task: Task) -> Change:
    adaptive, rate = plan.optimizer in ADAPTIVE, highest(plan.learning_rate)
    sharp = adaptive and rate > SHARPEST_RATE
    flat = rate < (FLATTEST_GRADIENT_RATE if plan.optimizer in GRADIENT else FLATTEST_RATE)
    odd = sharp or flat or highest(plan.epsilon) > LARGEST_EPSILON or highest(plan.momentum) > LARGEST_MOMENTUM
    changes: Change = {"clip_norm": 0.0} if 0 < highest(plan.clip_norm) < SHORTEST_CLIP else {}
    return changes | sound_rate(plan)[0] if odd else changes


def _burdens(plan: Plan, task: Task) -> Change:
    """Penalties, dropout and noise, of which each is beyond what is usual."""
    burdens = (
        (plan.dropout, MOST_DROPOUT),
        (plan.input_noise, MOST_NOISE),
        (plan.label_smoothing, MOST_SMOOTHING),
        (plan.l1, MOST_PENALTY),
        (plan.l2, MOST_PENALTY),
    )
    return weaker_penalties(plan)[-1] if any(highest(value) > most for value, most in burdens) else {}


def _schedule(plan: Plan, task: Task) -> Change:
    """A learning rate that falls over the whole training, and not in its first third."""
    early = plan.schedule == "step" and min(plan.decay_epochs, default=plan.epochs) < EARLIEST_DECAY * plan.epochs
    return {"schedule": "cosine"} if early else {}


def _as_own_networks(plan: Plan, finding: str) -> Change:
    """Steps as Rounds takes them with networks of its own, and units that let gradients through, for a model of the
    user's own in which something alarms: programs that do not train often have several faults, of which none shows
    before the others are mended."""
    if plan.network != "keras" or finding == HEALTHY:
        return {}
    opened: Change = {"activation": "elu"} if plan.activation == "given" and finding in CLOSED else {}
    return {**sound_rate(plan)[0], **opened}


def _kept(plan: Plan, task: Task) -> Change:
    found = keep_best(plan)
    return found[0] if found else {}


ODDITIES: tuple[Oddity, ...] = (
    Oddity("match loss and output to the task", _outputs),
    Oddity("put the learning rate and its optimizer back to what is usual", _steps),
    Oddity("start from scaled random weights", _start),
    Oddity("use an activation that bends and does not close", _activation),
    Oddity("read rows scaled, shuffled, some dozens a step", _rows),
    Oddity("use layers of usual number and width, all of them learning", _layers),
    Oddity("weaken the penalties", _burdens),
    Oddity("let the learning rate fall slowly", _schedule),
    Oddity("keep the best epoch, not the last", _kept, joins=False),
)
