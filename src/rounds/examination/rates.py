"""How often each rule was right and wrong on the ward, as benchmarks/ward measured it (docs/ward.md)."""

import json
from functools import cache
from pathlib import Path

MEASURED = Path(__file__).parent / "ward.json"
Rates = dict[str, list[int]]


@cache
def _measured() -> dict[str, Rates]:
    content: dict[str, Rates] = json.loads(MEASURED.read_text(encoding="utf-8"))["rules"]
    return content


def rates_of(code: str) -> Rates:
    """{"hits": [alarms, runs with a fault it should name], "alarms": [alarms, runs without a fault]}; empty where the
    rule was not measured."""
    return _measured().get(code, {})


def rates_in_words(rates: Rates) -> str:
    """A rule's measured rates, a sentence for those on planted faults and one for logs that people left; empty where
    there are none.

    >>> rates_in_words({"hits": [9, 10], "alarms": [1, 200]})
    'On runs with faults planted on purpose it was said of 9 in 10 with such a fault, and of 1 in 200 without any.'
    >>> rates_in_words({"real": [8, 9]})
    'On logs that people left it came first in 9, and an expert accepts it in 8 of them.'
    """
    said = []
    if "alarms" in rates:
        hits, runs = rates["hits"]
        alarms, controls = rates["alarms"]
        planted = f"of {hits:,} in {runs:,} with such a fault, and " if runs else ""
        where = "On runs with faults planted on purpose it was said"
        said.append(f"{where} {planted}of {alarms:,} in {controls:,} without any.")
    if "real" in rates:
        right, first = rates["real"]
        said.append(f"On logs that people left it came first in {first}, and an expert accepts it in {right} of them.")
    return " ".join(said)
