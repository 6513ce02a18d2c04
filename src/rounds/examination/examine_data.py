"""The examination before training: can a number from this table, split this way, be believed?"""

from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.finding import SEVERITIES, Finding, NotApplicable, Seen
from rounds.examination.rules import rules_of_data

DataSaid = tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]


def examine_data(evidence: DataEvidence) -> DataSaid:
    """Findings of the data rules, errors first, and (code, reason) of those that could not judge."""
    said = [(rule, rule.ask(evidence)) for rule in rules_of_data()]
    found = [rule.finding(seen) for rule, seen in said if isinstance(seen, Seen)]
    absent = tuple((rule.code, answer.reason) for rule, answer in said if isinstance(answer, NotApplicable))
    return tuple(sorted(found, key=lambda f: SEVERITIES.index(f.severity))), absent
