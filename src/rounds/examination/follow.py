"""Which findings follow from which: claimed only where the population shows the symptom gone without the cause."""

from rounds.examination.evidence import Run
from rounds.examination.finding import Seen
from rounds.examination.rule import Rule

Found = dict[str, tuple[Rule[Run], Seen]]


def following(run: Run, found: Found) -> dict[str, tuple[str, ...]]:
    """For each code, the codes among its possible causes from which it follows."""
    return {code: _causes(run, code, found) for code in found}


def _causes(run: Run, code: str, found: Found) -> tuple[str, ...]:
    rule, seen = found[code]
    return tuple(c for c in rule.causes if c in found and _explains(run, found[c], seen))


def _explains(run: Run, cause: tuple[Rule[Run], Seen], symptom: Seen) -> bool:
    """Whether the symptom is where the cause is and nowhere else: in members, or (all members share it) in time."""
    rule, seen = cause
    everyone = {c.member for c in run.curves}
    with_cause, with_symptom = set(seen.members), set(symptom.members)
    if not with_symptom & with_cause:
        return False
    if with_symptom - with_cause:
        return False
    if everyone - with_cause:
        return True
    if symptom.onset is None:
        return False
    return symptom.onset > 0 if rule.acts == "steps" else symptom.onset == 0 or rule.acts == "start"
