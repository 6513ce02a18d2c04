"""How often each rule for logs was right and wrong, on simulated logs and on those that people left, as benchmarks/logs
measured it (docs/logs.md)."""

import json
from functools import cache
from pathlib import Path

from rounds.examination.rates import Rates

MEASURED = Path(__file__).parent / "rates.json"


@cache
def _measured() -> dict[str, Rates]:
    content = json.loads(MEASURED.read_text(encoding="utf-8"))
    rates: dict[str, Rates] = content["rules"]
    real: Rates = content["real"]
    return {
        code: rates.get(code, {}) | ({"real": real[code]} if code in real else {})
        for code in dict.fromkeys((*rates, *real))
    }


def log_rates(code: str) -> Rates:
    """{"hits": [said, logs with a fault it should name], "alarms": [alarms, logs on which it should not], "real": [logs
    on which an expert accepts it, logs of which it was said first]}; what was not measured is absent."""
    return _measured().get(code, {})
