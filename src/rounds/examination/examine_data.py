"""The examination before training: can a number from this table, split this way, be believed?"""

from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.finding import SEVERITIES, Finding, NotApplicable, Seen
from rounds.examination.rules import rules_of_data

DataSaid = tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]


def examine_data(evidence: DataEvidence) -> DataSaid:
    """Findings of the data rules, and (code, reason) of those that could not judge.

    Errors first; before them what makes all others doubtful, though it only warn: rows of one patient that count as
    several patients tell of each other.
    """
    said = [(rule, rule.ask(evidence)) for rule in rules_of_data()]
    found = [rule.finding(seen) for rule, seen in said if isinstance(seen, Seen)]
    absent = tuple((rule.code, answer.reason) for rule, answer in said if isinstance(answer, NotApplicable))
    first = {rule.code for rule, _ in said if rule.refutes_score}
    return tuple(sorted(found, key=lambda f: (f.code not in first, SEVERITIES.index(f.severity)))), absent
