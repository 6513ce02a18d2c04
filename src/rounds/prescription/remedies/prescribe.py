"""What each finding asks for, first things first: the remedies of this folder's files, put in order.

The order among findings is the examination's: what spoils the start, then a learning rate that is off, since nothing
can be judged under it, then the rest. Against overfitting come more patients (`more_patients`), augmentation,
regularization, then a smaller network; against underfitting a larger network; minor choices last.
"""

from functools import cache

from rounds.examination.finding import Examination
from rounds.examination.rules import records_in
from rounds.plan import Plan
from rounds.prescription import remedies
from rounds.prescription.remedies.remedy import Prescription, Remedy, described, treated

MOST_ARMS = 6  # treated plans of one trial: each further one widens every interval


@cache
def remedies_by_finding() -> dict[str, tuple[Remedy, ...]]:
    """The remedies of each finding that has any, in the order in which to try them."""
    found = records_in(remedies, Remedy)
    codes = {code for remedy in found for code in remedy.against}
    asked = {code: [remedy for remedy in found if code in remedy.against] for code in sorted(codes)}
    return {code: tuple(sorted(some, key=lambda remedy: remedy.against[code])) for code, some in asked.items()}


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
    doses = [[(r, c) for c in r.doses(plan)] for r in remedies_by_finding().get(code, ())]
    turns = [some[i] for i in range(max(map(len, doses), default=0)) for some in doses if i < len(some)]
    made = [Prescription(code, r.name, c, r.expects) for r, c in turns]
    fresh = [p for p in made if p.applies(plan) and described(p.change) not in tried]
    different = {treated(plan, p.change): p for p in reversed(fresh)}  # of doses that come to the same, the first
    return [p for p in fresh if p in different.values()][:MOST_ARMS]
