"""What a remedy is: the changes of plan that a finding asks for, in the order in which to try them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rounds.plan import Plan

Change = dict[str, Any]
# Fields that a Keras model of the user's own decides by itself.
FIXED_BY_MODEL = {
    "network",
    "hidden",
    "activation",
    "normalization",
    "residual",
    "skip_to_output",
    "layer",
    "initializer",
    "bias_initializer",
    "dropout",
    "use_dropout",
    "number_embedding",
    "embedding_width",
    "frequencies",
    "frequency_scale",
}


@dataclass(frozen=True)
class Remedy:
    """One way to act on a finding.

    doses: the plan -> changes to try, each of which makes a treated plan; expects: what should become better.
    """

    name: str
    doses: Callable[[Plan], list[Change]]
    expects: str


@dataclass(frozen=True)
class Prescription:
    """One dose of one remedy, for one finding."""

    finding: str
    remedy: str
    change: Change
    expects: str

    def applies(self, plan: Plan) -> bool:
        """Whether it would change anything, and nothing that a model of the user's own fixes."""
        if plan.network == "keras" and set(self.change) & FIXED_BY_MODEL:
            return False
        return treated(plan, self.change) != plan


def treated(plan: Plan, change: Change) -> Plan:
    """The plan with the change.

    >>> treated(Plan(), {"dropout": 0.5}).dropout
    0.5
    """
    return plan.change(**change)
