"""A new part of the job begins; for whoever watches."""

from dataclasses import dataclass
from pathlib import Path

from rounds.training.population.build import Population


@dataclass(frozen=True)
class Stage:
    """name: what happens now; population: what is trained, where something is; folder: of the run, once it is there."""

    name: str
    population: Population | None = None
    folder: Path | None = None
