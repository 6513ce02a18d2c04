"""Lines for a person: without the letters of the user's files that a terminal obeys or that turn text round."""

import json
import re
import sys
from typing import Any

# Control letters but new line and tab (ESC begins the sequences that move the cursor and rename the window), and the
# marks that turn the direction of text (Unicode Technical Report 36).
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def readable(text: str) -> str:
    """The text with what a terminal would obey written out.

    >>> readable("age\\x1b[2J of\\u202e tneitap")
    'age\\\\u001b[2J of\\\\u202e tneitap'
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def say(text: str, error: bool = False) -> None:
    """Prints a line for a person; to standard error where `error`."""
    print(readable(text), file=sys.stderr if error else sys.stdout)


def print_json(record: Any) -> None:
    """Prints a record as JSON on standard output."""
    print(readable(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)))
