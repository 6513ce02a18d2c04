"""What a remedy is: the changes of plan that a finding asks for, in the order in which to try them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rounds.plan import Plan

Change = dict[str, Any]


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
        """Whether it would change anything."""
        return treated(plan, self.change) != plan


def treated(plan: Plan, change: Change) -> Plan:
    """The plan with the change.

    >>> treated(Plan(), {"dropout": 0.5}).dropout
    0.5
    """
    return plan.change(**change)
