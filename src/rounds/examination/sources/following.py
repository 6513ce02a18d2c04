"""Logs that grow while a training runs: examined again whenever they have changed."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rounds.errors import RoundsError
from rounds.examination.finding import Examination
from rounds.examination.sources.source import examine_log_files, examine_source, is_run_folder

State = tuple[tuple[str, int, int], ...]  # of each file: path, size in bytes, time of the last change in nanoseconds


def follow(
    paths: Sequence[Path], every: float, idle: float | None = None, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Examination]:
    """An examination at once, and one after every change; nothing while there is no loss to read yet.

    every: seconds between looks; idle: ends after so many seconds without a change (None: never).
    """
    before: State | None = None
    waited = 0.0
    while idle is None or waited < idle:
        state = _state(paths)
        if state != before:
            before, waited = state, 0.0
            found = None
            with suppress(RoundsError):  # not begun yet, or in the middle of a line
                found = _examined(paths)
            if found is not None:
                yield found
        sleep(every)
        waited += every


def _examined(paths: Sequence[Path]) -> Examination:
    return examine_source(paths[0]) if len(paths) == 1 and is_run_folder(paths[0]) else examine_log_files(paths)


def _state(paths: Sequence[Path]) -> State:
    files = [f for path in paths for f in (sorted(path.rglob("*")) if path.is_dir() else [path]) if f.is_file()]
    states = []
    for file in files:
        with suppress(FileNotFoundError):  # a checkpoint that was removed meanwhile
            about = file.stat()
            states.append((str(file), about.st_size, about.st_mtime_ns))
    return tuple(states)
