"""A console that prints what it is given as it stands, and nothing that a terminal obeys."""

import os
import sys
from contextlib import suppress
from typing import Any

from rich.console import Console, ConsoleOptions, RenderHook, RenderResult
from rich.segment import Segment

from rounds.cli.readable import readable, say

PIPED_WIDTH = 200  # letters a line where no terminal says how wide it is


def make_console(
    quiet: bool = False, soft_wrap: bool = True, piped_width: int = PIPED_WIDTH, goes_on: bool = False
) -> Console:
    """A console as wide as the terminal, which prints what it is given as it stands and nothing that obeys.

    goes_on: an output that cannot be written any more is said once, and what runs is not ended by it.
    """
    width = None if sys.stdout.isatty() else piped_width
    console = (_Lasting if goes_on else _Console)(
        quiet=quiet, highlight=False, soft_wrap=soft_wrap, markup=False, width=width
    )
    console.push_render_hook(_Readable())
    return console


class _Console(Console):
    """Rich ends the program where nobody reads its output any more; here every command ends in one place."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class _Lasting(_Console):
    """A console of a command whose work is worth more than its words."""

    def print(self, *objects: Any, **options: Any) -> None:
        try:
            super().print(*objects, **options)
            sys.stdout.flush()
        except OSError as error:
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            reason = error.strerror or "nobody reads it"
            with suppress(OSError):
                say(f"Output cannot be written ({reason}): the run goes on without it.", error=True)


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
