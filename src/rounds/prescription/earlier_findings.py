"""What was found in populations that were treated since, with what became of it."""

from rounds.examination.finding import Examination, finding_record
from rounds.examination.follow import after_treatment
from rounds.prescription.loop import Loop
from rounds.run_folder.findings import FindingRecord


def earlier_findings(found: Loop, final: Examination) -> tuple[FindingRecord, ...]:
    """Records of what alarmed in each population but the last, with the look that saw it first.

    final: the examination of the last population.
    """
    last = len(found.populations) - 1
    looks: dict[int, tuple[int, Examination]] = {}
    for look, examination in enumerate(found.examinations, start=1):
        looks.setdefault(examination.findings[0].round, (look, examination))
    alarms = {number: frozenset(f.code for f in e.alarms) for number, (_, e) in looks.items()}
    alarms[last] = frozenset(f.code for f in final.alarms)
    treated = [entry.finding for entry in found.entries if entry.verdict == "kept"]
    told = (
        (looks[number][0], finding_record(after_treatment(f, treated[number], alarms[number + 1])))
        for number in range(last)
        for f in looks[number][1].alarms
    )
    return tuple(record.model_copy(update={"look": look}) for look, record in told)
