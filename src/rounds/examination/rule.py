"""A rule is one record: a function, the thresholds it stands on, its words, and everything that is known of it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from rounds.errors import RoundsError
from rounds.examination.figure import FindingFigure
from rounds.examination.finding import BY_HARM, Finding, NotApplicable, Question, Seen, Threshold
from rounds.examination.rates import rates_of

FAILED = "the rule failed"  # what the reason begins with where a rule could not judge by a fault of its own
Evidence = TypeVar("Evidence")
Judged = Seen | NotApplicable | None


@dataclass(frozen=True)
class Need(Generic[Evidence]):
    """What a rule cannot judge without. words: as in "needs the plan"; met_by: whether the evidence has it."""

    words: str
    met_by: Callable[[Evidence], bool]


@dataclass(frozen=True)
class Rule(Generic[Evidence]):
    """How one finding is made; a rule is asked because its file lies in `data_rules`, `training_rules` or `log_rules`.

    judge: the evidence -> what was seen, why it cannot be judged, or None (fine).
    how, why, remedies: how it is detected, why it matters, what to do, in words.
    place: the lower, the earlier among the causes; rules are asked and findings ordered by it.
    causes: codes of findings that may explain this one.
    acts: when this finding, as a cause, does its harm: before the first step ("start") or by the steps taken
    ("steps"); None for findings that are never a cause.
    check: what the report calls it where it was looked for and not found; every rule about data has one.
    needs: what it cannot judge without.
    figures: of which the report draws the first for which everything was measured.
    seen_at_once: whether it may be said while networks still train; most of what is said of training is about its end.
    stops_learning: whether it keeps networks from learning at all: what mends it shows within the first epochs.
    refutes_score: whether no score can be believed beside it, though it be a warning only.
    in_good_plans: whether good plans often show it too, so that it says little by itself.
    """

    code: str
    name: str
    question: Question
    judge: Callable[[Evidence], Judged]
    how: str
    why: str
    remedies: tuple[str, ...]
    place: int
    thresholds: tuple[Threshold, ...] = ()
    causes: tuple[str, ...] = ()
    acts: Literal["start", "steps"] | None = None
    check: str = ""
    needs: tuple[Need[Evidence], ...] = ()
    figures: tuple[FindingFigure, ...] = ()
    seen_at_once: bool = False
    stops_learning: bool = False
    refutes_score: bool = False
    in_good_plans: bool = False

    def ask(self, evidence: Evidence) -> Judged:
        """What it says, or what it would need to say anything. A rule that fails costs no other, and no run."""
        for need in self.needs:
            if not need.met_by(evidence):
                return NotApplicable(f"needs {need.words}")
        try:
            return self.judge(evidence)
        except RoundsError:
            raise
        except Exception as error:
            return NotApplicable(f"{FAILED}: {type(error).__name__}: {error}")

    def finding(self, seen: Seen, round_number: int = 0) -> Finding:
        """The rule's words with what it saw. seen: weighed already, where harm decides its severity."""
        assert seen.severity != BY_HARM
        return Finding(
            question=self.question,
            code=self.code,
            name=self.name,
            severity=seen.severity,
            explanation=seen.explanation,
            evidence=as_json(seen.evidence),
            confidence=round(seen.confidence, 3),
            remedies=self.remedies,
            members=tuple(sorted(seen.members)),
            round=round_number,
            epoch=seen.onset,
            thresholds=self.thresholds,
            rates=rates_of(self.code),
        )


def as_json(value: Any) -> Any:
    """Evidence as JSON can keep it: NumPy's numbers become Python's, what is not finite becomes None.

    >>> as_json({"ratio": float("inf"), "epoch": 3})
    {'ratio': None, 'epoch': 3}
    """
    if isinstance(value, dict):
        return {str(name): as_json(content) for name, content in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(content) for content in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
