"""One line that says how far a training from Python is: in a terminal by rich, in a notebook by one display."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from rounds.run_folder.progress import duration

Seen = Callable[[Any], None]
SECONDS_BETWEEN = 0.5  # of two updates of a notebook, each of which is a message to the browser


@dataclass
class _Line:
    """What happens now, and how many epochs of all networks are done; `see` takes the events of a run."""

    doing: str = "reading"
    total: int | None = None
    left: str = ""
    epochs: dict[int, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return sum(self.epochs.values())

    def see(self, event: Any) -> None:
        if hasattr(event, "name"):
            self.epochs.clear()
            some = event.population
            self.doing = event.name
            self.total = None if some is None else sum(some.plans[slab.plan].epochs for slab in some.slabs)
        elif hasattr(event, "likely"):
            self.left = f"about {duration(event.likely)} left"
        elif hasattr(event, "slab"):
            self.epochs[event.slab] = event.epoch

    @property
    def text(self) -> str:
        counted = f"{self.done:,} of {self.total:,} epochs of all slabs" if self.total else ""
        return ", ".join(part for part in (self.doing, counted, self.left) if part)


def progress_line(quiet: bool) -> AbstractContextManager[Seen]:
    """What is given every event of a run; nothing is shown where `quiet`, or where nobody looks (a pipe)."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not (console.is_jupyter or console.is_terminal):
        return nullcontext(lambda event: None)
    return _in_notebook() if console.is_jupyter else _in_terminal(console)


@contextmanager
def _in_notebook() -> Iterator[Seen]:
    """One display that is written over, and empty in the end; rich would want ipywidgets for it."""
    from IPython.display import display

    line, shown = _Line(), [time.monotonic()]
    handle = display({"text/plain": line.text}, raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def see(event: Any) -> None:
        line.see(event)
        if time.monotonic() - shown[0] >= SECONDS_BETWEEN or hasattr(event, "name"):
            handle.update({"text/plain": line.text}, raw=True)
            shown[0] = time.monotonic()

    try:
        yield see
    finally:
        handle.update({"text/plain": ""}, raw=True)


@contextmanager
def _in_terminal(console: Any) -> Iterator[Seen]:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    line = _Line()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task(line.doing, total=None, left="")

        def see(event: Any) -> None:
            line.see(event)
            bars.update(task, description=line.doing, total=line.total, completed=line.done, left=line.left)

        yield see
