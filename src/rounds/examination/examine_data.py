"""The examination before training: can a number from this table, split this way, be believed?"""

from rounds.data.dataset import Dataset, Split
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.data_rules.hospital_stays import STAY_RULES
from rounds.examination.data_rules.leaks import LEAK_RULES
from rounds.examination.data_rules.populations import SAMPLE_RULES
from rounds.examination.finding import Finding, NotApplicable, Seen
from rounds.examination.rule import Judged, Rule, make_finding

DATA_RULES: tuple[Rule[DataEvidence], ...] = (*LEAK_RULES, *STAY_RULES, *SAMPLE_RULES)
# Rules that look at the columns of a table one by one, and those that look at features by hand as well; where images or
# recordings stand alone, there are none.
_OF_COLUMNS = {"known-after-outcome", "identifier-as-number"}
_OF_DESCRIPTIONS = {"shifted-validation", "shifted-test", "label-noise"}
DataSaid = tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]


def examine_data(dataset: Dataset, split: Split) -> DataSaid:
    """Findings of the data rules, errors first, and (code, reason) of those that could not judge."""
    evidence = DataEvidence(dataset, split)
    said = [(rule, _answer(rule, evidence)) for rule in DATA_RULES]
    found = [make_finding(rule, seen) for rule, seen in said if isinstance(seen, Seen)]
    absent = tuple((rule.code, answer.reason) for rule, answer in said if isinstance(answer, NotApplicable))
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(found, key=lambda f: order[f.severity])), absent


def _answer(rule: Rule[DataEvidence], evidence: DataEvidence) -> Judged:
    nothing = (rule.code in _OF_COLUMNS and not evidence.columns) or (
        rule.code in _OF_DESCRIPTIONS and not evidence.described
    )
    if nothing:
        return NotApplicable(f"the networks read {evidence.dataset.modality}s and no columns")
    return rule.judge(evidence)
