"""RUN/live: how far a run has come, and the curves of the population in training so far, for whoever watches it."""

import resource
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rounds.errors import RunFolderError
from rounds.examination.while_training.early import SeenEarly
from rounds.job.run_folder import write_frame
from rounds.job.time_left import Remaining, TimeLeft
from rounds.run_folder.progress import LIVE, ProgressFile, SeenRecord
from rounds.training.pool import Progress, SlabResult
from rounds.training.population.build import Population, Trained
from rounds.training.population.members import WHOLE_DEVELOPMENT
from rounds.training.result.progress import Stage
from rounds.training.result.tables import curves_frame, members_frame, steps_frame

EVERY = 1.0  # seconds between two writings, at least
SHARE = 0.05  # of the time that writing may take


class LiveFiles:
    """Writes what events say, seldom enough to cost next to nothing; a disk that is full is for others to report.

    `close_run` removes the files; those of a run that is broken off stay.
    """

    def __init__(self, folder: Path, time_left: TimeLeft) -> None:
        self._folder, self._time_left = folder, time_left
        self._said = -np.inf  # when it was last said how long it still takes
        self._begun = self._due = time.monotonic()
        self._due += EVERY
        self._stage, self._round = "", -1
        self._population: Population | None = None
        self._parts: dict[int, SlabResult] = {}
        self._done: dict[int, int] = {}
        self._best = np.inf
        self._findings: list[SeenRecord] = []

    def see(self, event: Any) -> Remaining | None:
        """Takes an event of the job in, and writes where it is time to; says now and then how long it still takes."""
        self._time_left.see(event)
        if isinstance(event, Stage):
            self._begin(event)
        elif isinstance(event, Progress):
            self._go_on(event)
        elif isinstance(event, SeenEarly):
            self._see_finding(event)
        if time.monotonic() >= self._due:
            started = time.monotonic()
            with suppress(RunFolderError, OSError):
                self._write()
            now = time.monotonic()
            self._due = now + max(EVERY, (now - started) / SHARE)
        if isinstance(event, Stage) or time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            return self._time_left.remaining()
        return None

    def _begin(self, stage: Stage) -> None:
        self._due = min(self._due, max(time.monotonic(), self._begun + EVERY))
        self._stage, self._population = stage.name, stage.population
        self._round += stage.population is not None
        self._parts, self._done, self._best = {}, {}, np.inf

    def _go_on(self, progress: Progress) -> None:
        self._done[progress.slab] = progress.epoch
        part = progress.result or progress.so_far
        if progress.result is None:
            self._best = min(self._best, progress.best_value)
        if part is not None and part.slab.outer == WHOLE_DEVELOPMENT and part.records:
            self._parts[progress.slab] = part

    def _see_finding(self, seen: SeenEarly) -> None:
        found = seen.finding
        self._findings.append(
            SeenRecord(
                code=found.code,
                name=found.name,
                severity=found.severity,
                explanation=found.explanation,
                epoch=seen.epoch,
                networks=seen.networks,
            )
        )

    def _write(self) -> None:
        self._progress().write(self._folder)
        if self._population is None or not self._parts:
            return
        works = tuple(work for work in self._population.works if work.slab.number in self._parts)
        parts = tuple(self._parts[work.slab.number] for work in works)
        so_far = Trained(replace(self._population, works=works), parts)
        for name, frame in (("curves", curves_frame), ("members", members_frame), ("steps", steps_frame)):
            write_frame(self._folder / LIVE / f"{name}.parquet", frame(so_far, self._round))

    def _progress(self) -> ProgressFile:
        population, done = self._population, sum(self._done.values())
        left = self._time_left.remaining()
        total = None if population is None else sum(population.plans[s.plan].epochs for s in population.slabs)
        return ProgressFile(
            stage=self._stage,
            done=done,
            total=total,
            best=float(self._best) if np.isfinite(self._best) else None,
            seconds=round(time.monotonic() - self._begun, 1),
            seconds_left=None if left is None else (round(left.low, 1), round(left.high, 1)),
            megabytes=round(most_memory() / 1e6, 1),
            updated=time.time(),
            findings=list(self._findings),
        )


def most_memory() -> int:
    """Bytes of memory that this process held at most."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
