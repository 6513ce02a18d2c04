"""Which losses judge which outcomes, and which outputs reach them: known from the plan alone."""

from rounds.plan import Plan
from rounds.task import Task
from rounds.user_code import is_import_path

# Output activations with which each loss can reach every target that it has to; "linear" reaches all.
REACHES = {
    "mse": ("linear",),
    "mae": ("linear",),
    "huber": ("linear",),
    "poisson": ("exponential", "softplus", "relu"),
    "binary_crossentropy": ("sigmoid",),
    "categorical_crossentropy": ("softmax",),
}
FITS = {
    "regression": ("mse", "mae", "huber"),
    "count": ("poisson", "mse", "mae", "huber"),
    "binary": ("binary_crossentropy",),
    "multilabel": ("binary_crossentropy",),
    "multiclass": ("categorical_crossentropy",),
}


def judges(plan: Plan | None, task: Task | None) -> bool:
    """Whether the plan's loss judges the task's outcome; assumed of the user's own losses.

    >>> judges(Plan(loss="mae"), Task(kind="binary", targets=("death",), classes=("0", "1")))
    False
    """
    from rounds.training.compiled.objective import loss_name

    if plan is None or task is None:
        return True
    loss = loss_name(plan, task)
    return is_import_path(loss) or loss in FITS[task.kind]


def mismatch(plan: Plan, task: Task) -> str | None:
    """What does not fit between task, loss and output activation, in words; None where they fit.

    >>> mismatch(Plan(output_activation="tanh"), Task(kind="regression", targets=("los",)))
    'an output of tanh cannot reach every value of the target'
    """
    from rounds.training.compiled.objective import loss_name

    loss = loss_name(plan, task)
    if is_import_path(loss) or is_import_path(plan.output_activation):
        return None  # the user's own: what it means is not known
    if loss not in FITS[task.kind]:
        return f"a loss of {loss} does not judge a {task.kind} outcome"
    if plan.output_activation == "auto" or plan.output_activation in REACHES[loss]:
        return None
    if loss == "binary_crossentropy" or loss == "categorical_crossentropy":
        return f"{loss} needs probabilities, and an output of {plan.output_activation} gives none"
    return f"an output of {plan.output_activation} cannot reach every value of the target"
