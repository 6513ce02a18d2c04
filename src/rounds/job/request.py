"""What is asked for beside the data."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rounds.plan import Changes

ROUNDS = 2  # of examination and trial, unless the user says otherwise


@dataclass(frozen=True)
class Request:
    """What the user asked for beside the data.

    changes: plan fields; members: networks per judging fold; minutes: limit on training; out: run folder (None: made
    up under runs/); resume: go on with what is there; allow: codes of findings about the data to train in spite of;
    subgroups: columns to compare by (None: sex and age where they are recognised); rounds: of advice and trial.
    model: a keras.Model of the user's own to train; allow_code: import what the plan names as module:name;
    cache: keep compiled programs on disk for the next run.
    """

    changes: Changes = field(default_factory=dict)
    members: int | None = None
    minutes: float | None = None
    split_seed: int = 0
    out: Path | str | None = None
    resume: bool = False
    allow: tuple[str, ...] = ()
    subgroups: tuple[str, ...] | None = None
    rounds: int = ROUNDS
    model: Any = None
    allow_code: bool = False
    cache: bool = True
