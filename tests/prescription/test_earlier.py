"""What was found before is told with what became of it: what is still there did not follow from what was treated."""

from typing import Any

from rounds.examination.finding import Answer, Examination, Finding, Verdict
from rounds.examination.follow import BY_TIME, GONE
from rounds.prescription.earlier_findings import earlier_findings
from rounds.prescription.loop import Loop
from rounds.run_folder.prescriptions import PrescriptionRecord

UNSURE = Answer("unknown", "")
RATE, UNITS, BATCHES = "learning-rate-too-high", "dead-units", "not-shuffled"


def examined(number: int, *found: tuple[str, tuple[str, ...]]) -> Examination:
    findings = tuple(
        Finding(
            "training", code, code, "error", f"{code}.{BY_TIME if causes else ''}", follows_from=causes, round=number
        )
        for code, causes in found
    )
    return Examination(findings, (), Verdict(UNSURE, UNSURE, UNSURE))


def loop_of(*examinations: Examination, populations: int, kept: tuple[str, ...]) -> Loop:
    population: Any = object()
    told = ((BATCHES, "dropped"), *((code, "kept") for code in kept))
    entries = tuple(PrescriptionRecord(round=1, finding=c, verdict=v, change={}, effect=None) for c, v in told)
    return Loop((population,) * populations, entries, examinations)


FIRST = examined(0, (RATE, ()), (UNITS, (RATE,)))


def test_what_went_with_its_cause_says_so() -> None:
    found = loop_of(FIRST, populations=2, kept=(RATE,))
    rate, units = earlier_findings(found, examined(1, ("healthy", ())))
    assert (rate.look, rate.round, rate.explanation) == (1, 0, f"{RATE}.")
    assert units.explanation == f"{UNITS}.{GONE}"
    assert units.follows_from == (RATE,)


def test_what_is_still_there_did_not_follow() -> None:
    found = loop_of(FIRST, populations=2, kept=(RATE,))
    _, units = earlier_findings(found, examined(1, (UNITS, ())))
    assert units.follows_from == ()
    assert "was still there once learning-rate-too-high had been treated" in units.explanation
    assert BY_TIME not in units.explanation


def test_each_population_is_told_once_and_the_last_not_at_all() -> None:
    again, second = examined(0, (RATE, ())), examined(1, (BATCHES, ()))
    found = loop_of(FIRST, again, second, populations=3, kept=(RATE, BATCHES))
    told = [(f.look, f.code) for f in earlier_findings(found, examined(2, (UNITS, ())))]
    assert told == [(1, RATE), (1, UNITS), (3, BATCHES)]
    assert earlier_findings(loop_of(FIRST, populations=1, kept=()), FIRST) == ()
