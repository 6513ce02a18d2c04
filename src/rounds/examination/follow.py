"""Which findings follow from which, and on what that rests: no symptom without the cause, or none before it."""

from dataclasses import replace

from rounds.examination.finding import Finding, Seen
from rounds.examination.rule import Rule
from rounds.examination.run import Run

Found = dict[str, tuple[Rule[Run], Seen]]
SHOWN = " No network without its cause shows it."
BY_TIME = " Every network has its cause: that this came after it is all that is known before the cause is taken away."

GONE = " It was gone once its cause had been treated."
STILL = " It was still there once {cause} had been treated: it did not follow from that."


def following(run: Run, found: Found) -> dict[str, tuple[str, ...]]:
    """For each code, the codes among its possible causes from which it follows."""
    return {code: _causes(run, code, found) for code in found}


def ground(run: Run, causes: tuple[str, ...], found: Found) -> str:
    """What a claim to follow from these causes rests on, in words; empty where there are none."""
    if not causes:
        return ""
    return SHOWN if all(_others(run, found[cause][1]) for cause in causes) else BY_TIME


def _others(run: Run, cause: Seen) -> set[int]:
    """Members without the cause."""
    return {c.member for c in run.curves} - set(cause.members)


def _causes(run: Run, code: str, found: Found) -> tuple[str, ...]:
    rule, seen = found[code]
    causes = [c for c in rule.causes if c in found and _explains(run, found[c], seen)]
    return tuple(c for c in causes if code not in found[c][0].causes or _came_first(found[c][1], seen))


def _came_first(cause: Seen, symptom: Seen) -> bool:
    """Of two that may each follow from the other, the one that was there before."""
    return cause.onset is not None and symptom.onset is not None and cause.onset < symptom.onset


def _explains(run: Run, cause: tuple[Rule[Run], Seen], symptom: Seen) -> bool:
    """Whether the symptom is where the cause is and nowhere else: in members, or (all members share it) in time."""
    rule, seen = cause
    with_cause, with_symptom = set(seen.members), set(symptom.members)
    if not with_symptom & with_cause:
        return False
    if with_symptom - with_cause:
        return False
    if _others(run, seen):
        return True
    if symptom.onset is None:
        return False
    return symptom.onset > 0 if rule.acts == "steps" else symptom.onset == 0 or rule.acts == "start"


def after_treatment(finding: Finding, treated: str, later: frozenset[str]) -> Finding:
    """A finding as it is shown once one of its causes has been treated; later: codes that alarmed afterwards. What is
    still there did not follow."""
    if treated not in finding.follows_from:
        return finding
    words = finding.explanation.removesuffix(BY_TIME).removesuffix(SHOWN)
    if finding.code not in later:
        return replace(finding, explanation=words + GONE)
    others = tuple(cause for cause in finding.follows_from if cause != treated)
    return replace(finding, explanation=words + STILL.format(cause=treated), follows_from=others)
