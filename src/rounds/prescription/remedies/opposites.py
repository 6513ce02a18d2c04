"""Findings that ask for opposite changes: the main cause is treated, and the others are listed, not forgotten."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rounds.plan import Plan
from rounds.prescription.remedies.prescribe import doses_against
from rounds.run_folder.metrics import ContradictionRecord


@dataclass(frozen=True)
class Contradiction:
    """`treated` and `set_aside` are findings of one look; `fields` of the plan are pulled both ways by them."""

    round: int
    treated: str
    set_aside: str
    fields: tuple[str, ...]

    def record(self) -> ContradictionRecord:
        """As metrics.json has it."""
        reason = (
            f"{self.set_aside} asks for the opposite change of {', '.join(self.fields)}; {self.treated} comes first, "
            f"as the more likely cause, and what is left of the other is looked at again afterwards"
        )
        return ContradictionRecord(**asdict(self), reason=reason)


def contradictions(treated: str, others: list[str], plan: Plan, number: int) -> list[Contradiction]:
    """Which of the `others` pull a field of the plan the other way than `treated`; number: of the round.

    >>> plan = Plan(learning_rate=0.01)
    >>> [c.fields for c in contradictions("learning-rate-too-high", ["learning-rate-too-low"], plan, 1)]
    [('learning_rate',)]
    """
    mine = _pulls(treated, plan)
    found = []
    for other in others:
        theirs = _pulls(other, plan)
        both = tuple(sorted(f for f in mine.keys() & theirs.keys() if mine[f] * theirs[f] < 0))
        found += [Contradiction(number, treated, other, both)] if both else []
    return found


def _pulls(code: str, plan: Plan) -> dict[str, int]:
    """Which way most doses take each number that they change: above 0 up, below 0 down. A dose that resets an optimizer
    as a whole may take one number the other way."""
    pulls: dict[str, int] = {}
    for prescription in doses_against(code, plan):
        for field, new in prescription.change.items():
            old = getattr(plan, field)
            if _is_number(old) and _is_number(new) and _size(old) != _size(new):
                pulls[field] = pulls.get(field, 0) + (1 if _size(new) > _size(old) else -1)
    return pulls


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | tuple) and not isinstance(value, bool)


def _size(value: Any) -> float:
    return float(np.max(value)) if isinstance(value, tuple) and value else float(value or 0.0)
