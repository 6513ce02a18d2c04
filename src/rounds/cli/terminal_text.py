"""What reaches a terminal: text of the user's files without letters that a terminal obeys or that turn text round."""

import re
import sys
from typing import Any

from rich.console import Console, ConsoleOptions, RenderHook, RenderResult
from rich.segment import Segment

PIPED_WIDTH = 200  # letters a line where no terminal says how wide it is
# Control letters but new line and tab (ESC begins the sequences that move the cursor and rename the window), and the
# marks that turn the direction of text (Unicode Technical Report 36).
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def readable(text: str) -> str:
    """The text with what a terminal would obey written out.

    >>> readable("age\\x1b[2J of\\u202e tneitap")
    'age\\\\x1b[2J of\\\\u202e tneitap'
    """
    return _OBEYED.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def say(text: str, error: bool = False) -> None:
    """Prints a line for a person; to standard error where `error`."""
    print(readable(text), file=sys.stderr if error else sys.stdout)


def make_console(quiet: bool = False, soft_wrap: bool = True, piped_width: int = PIPED_WIDTH) -> Console:
    """A console as wide as the terminal, which prints what it is given as it stands and nothing that obeys."""
    width = None if sys.stdout.isatty() else piped_width
    console = Console(quiet=quiet, highlight=False, soft_wrap=soft_wrap, markup=False, width=width)
    console.push_render_hook(_Readable())
    return console


class _Readable(RenderHook):
    """Rich's hook: what is drawn passes by before it is written."""

    def process_renderables(self, renderables: list[Any]) -> list[Any]:
        return [one if type(one).__name__ == "Control" else _Cleaned(one) for one in renderables]


class _Cleaned:
    def __init__(self, drawn: Any) -> None:
        self.drawn = drawn

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self.drawn, options):
            yield segment if segment.control else Segment(readable(segment.text), segment.style)
