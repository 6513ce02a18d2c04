"""What a generator of the loop or of a training comes to."""

from collections.abc import Generator
from typing import Any


def end_of(events: Generator[Any, None, Any]) -> Any:
    """The value that the generator returns, its events passed over."""
    while True:
        try:
            next(events)
        except StopIteration as stop:
            return stop.value
