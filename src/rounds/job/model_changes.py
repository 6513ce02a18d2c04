"""What rounds changed of a user's own Keras model, as the lines of code that its user would write."""

from collections.abc import Iterable

from rounds.model_facts import ModelFacts
from rounds.networks.user_model.planned import planned_optimizer
from rounds.plan import Plan
from rounds.run_folder.prescriptions import PrescriptionRecord


def code_lines(entries: Iterable[PrescriptionRecord], plan: Plan, model: ModelFacts | None) -> list[str]:
    """A line for each change that was kept. plan: the main one; model: as it is now.

    >>> kept = PrescriptionRecord(round=1, finding="", verdict="kept", change={"epochs": (5, 20)}, effect=None)
    >>> code_lines([kept], Plan(epochs=20), None)
    ['model.fit(..., epochs=20)']
    """
    changed = {name for entry in entries if entry.verdict == "kept" for name in entry.change}
    lines = []
    if "scale_inputs" in changed and plan.scale_inputs:
        lines.append("scale = keras.layers.Normalization(); scale.adapt(x)  # in front of the first layer")
    if model is not None:
        lines += _layers(changed, plan, model)
    if changed & {"optimizer", "learning_rate", "momentum", "clip_norm", "weight_decay", "schedule"}:
        lines.append(f"model.compile(optimizer={_optimizer(plan)}, loss=...)")
    if "loss" in changed and model is not None:
        lines.append(f'model.compile(..., loss="{model.loss}")')
    fitted = ", ".join(
        f"{name}={getattr(plan, name)!r}" for name in ("epochs", "batch_size", "shuffle") if name in changed
    )
    return [*lines, f"model.fit(..., {fitted})"] if fitted else lines


def _layers(changed: set[str], plan: Plan, model: ModelFacts) -> list[str]:
    lines = []
    if "activation" in changed:
        lines += [f'Dense({x.width}, activation="{x.activation}")  # {x.name}' for x in model.hidden]
    if "initializer" in changed:
        lines.append(f'kernel_initializer="{plan.initializer}"  # in every layer')
    if "output_activation" in changed and model.weighted:
        last = model.weighted[-1]
        lines.append(f'Dense({last.width}, activation="{model.output_activation}")  # {last.name}, the last layer')
    return lines


def _optimizer(plan: Plan) -> str:
    name, arguments = planned_optimizer(plan)
    rate = "..." if isinstance(plan.learning_rate, tuple) else f"{plan.learning_rate:g}"
    if plan.schedule == "cosine":
        rate = f"keras.optimizers.schedules.CosineDecay({rate}, steps)"
    rest = [f"{key}={value!r}" for key, value in arguments.items() if key != "learning_rate"]
    return f"keras.optimizers.{name or 'Adam'}({', '.join([rate, *rest])})"
