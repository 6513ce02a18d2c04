"""An examination for the terminal: three answers, then each finding with its numbers and what to do."""

import textwrap

from rounds.examination.finding import Examination, Finding
from rounds.examination.rates import rates_in_words

WIDTH = 110


def examination_text(found: Examination) -> str:
    """Plain text, no wider than WIDTH.

    >>> from rounds.examination.finding import Answer, Verdict
    >>> yes = Answer("yes", "tried")
    >>> print(examination_text(Examination((), (), Verdict(yes, yes, yes))))
    Can the number be believed: yes (tried).
    Was it trained well: yes (tried).
    Was it worth it: yes (tried).
    """
    questions = (
        ("Can the number be believed", found.verdict.believable),
        ("Was it trained well", found.verdict.well_trained),
        ("Was it worth it", found.verdict.worth_it),
    )
    answers = [_wrapped(f"{asked}: {said.answer} ({said.reason.rstrip('.')}).", "") for asked, said in questions]
    blocks = ["\n".join(answers), *(finding_text(f) for f in found.findings)]
    if found.not_applicable:
        lines = [_wrapped(f"{code}: {reason}", "  ") for code, reason in found.not_applicable]
        blocks.append("Could not be judged:\n" + "\n".join(lines))
    return "\n\n".join(blocks)


def finding_text(finding: Finding) -> str:
    """A finding in a few lines."""
    lines = [f"{finding.severity}: {finding.code} ({finding.name}; confidence {finding.confidence:.2f})"]
    lines.append(_wrapped(finding.explanation, "  "))
    if finding.follows_from:
        lines.append(f"  follows from: {', '.join(finding.follows_from)}")
    lines += [_wrapped(f"{number}. {remedy}", "    ") for number, remedy in enumerate(finding.remedies, 1)]
    lines += [_wrapped(said, "  ")] if (said := rates_in_words(finding.rates)) else []
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent or "  ")
