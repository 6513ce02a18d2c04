"""One row of the table of rules: a function, the thresholds it stands on, and the words that explain it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from rounds.examination.finding import BY_HARM, Finding, NotApplicable, Question, Seen
from rounds.examination.rates import rates_of

Evidence = TypeVar("Evidence")
Judged = Seen | NotApplicable | None
CONVENTION = "convention of Rounds"


@dataclass(frozen=True)
class Threshold:
    """One number that a rule stands on.

    source: where it comes from; standing: "published", "convention" (to be set on measured runs), or "measured".
    """

    name: str
    value: float
    unit: str
    source: str = CONVENTION
    standing: Literal["published", "convention", "measured"] = "convention"


@dataclass(frozen=True)
class Rule(Generic[Evidence]):
    """How one finding is made. judge: the evidence -> what was seen, why it cannot be judged, or None (fine).

    causes: codes of findings that may explain this one; acts: when this finding, as a cause, does its harm: before
    the first step ("start") or by the steps taken ("steps"); None for findings that are never a cause; in_good_plans:
    whether good plans often show it too, so that it says little by itself.
    """

    code: str
    name: str
    question: Question
    judge: Callable[[Evidence], Judged]
    how: str
    why: str
    remedies: tuple[str, ...]
    thresholds: tuple[Threshold, ...] = ()
    causes: tuple[str, ...] = ()
    acts: Literal["start", "steps"] | None = None
    in_good_plans: bool = False


def make_finding(rule: Rule[Evidence], seen: Seen, round_number: int = 0) -> Finding:
    """The rule's words with what it saw. seen: weighed already, where harm decides its severity."""
    assert seen.severity != BY_HARM
    return Finding(
        question=rule.question,
        code=rule.code,
        name=rule.name,
        severity=seen.severity,
        explanation=seen.explanation,
        evidence=plain(seen.evidence),
        confidence=round(seen.confidence, 3),
        remedies=rule.remedies,
        members=tuple(sorted(seen.members)),
        round=round_number,
        epoch=seen.onset,
        thresholds=tuple((t.name, t.value, t.unit, t.source) for t in rule.thresholds),
        rates=rates_of(rule.code),
    )


def plain(value: Any) -> Any:
    """Evidence as JSON can keep it: NumPy's numbers become Python's, what is not finite becomes None.

    >>> plain({"ratio": float("inf"), "epoch": 3})
    {'ratio': None, 'epoch': 3}
    """
    if isinstance(value, dict):
        return {str(name): plain(content) for name, content in value.items()}
    if isinstance(value, list | tuple):
        return [plain(content) for content in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
