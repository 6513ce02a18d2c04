"""What could be known of harm at best: a judge who sees the test rows that no rule sees, and alarms by harm."""

from benchmarks.ward.outcome import HURTS
from benchmarks.ward.rates import Rate, detected, rate
from benchmarks.ward.verdicts import ROUNDS, Verdict
from benchmarks.ward.wings import BY_NAME

Harms = dict[str, dict[tuple[str, int], tuple[float, ...]]]
JUDGE = "A judge who sees the loss on clean test rows"
# Mean loss of a planted training fault on fresh seeds, as a share of a constant's error: upper ends of the bins.
BINS = (0.0, 0.02, HURTS, 0.08, 0.15, float("inf"))


def judge(verdict: Verdict) -> bool:
    """Whether a judge alarms who looks at clean test rows: where this very run lost what counts as harm beside the
    median good plan of its seed; data faults, whose harm is of another kind, he always sees."""
    fault = BY_NAME.get(verdict.name)
    return (fault is not None and fault.harm == "optimism") or verdict.own_loss >= HURTS


def alarms_by_harm(verdicts: list[Verdict], harms: Harms) -> list[tuple[str, Rate, Rate]]:
    """(bin of the mean loss on fresh seeds, alarms of Rounds, of the judge) of planted training faults."""
    counted = [v for v in verdicts if v.name in BY_NAME and v.group in ("faulty", "harmless")]
    planted = [(v, harms[v.task].get((v.name, v.severity))) for v in counted]
    known = [(v, sum(lost) / len(lost)) for v, lost in planted if lost]
    found, low = [], float("-inf")
    for high in BINS:
        some = [v for v, lost in known if low <= lost < high]
        found.append((_named(low, high), rate(some, detected(ROUNDS)), rate(some, judge)))
        low = high
    return found


def _named(low: float, high: float) -> str:
    if low == float("-inf"):
        return "none, or a gain"
    return f"{low:.0%} and more" if high == float("inf") else f"{low:.0%} to {high:.0%}"
