"""A new part of the job begins; for whoever watches."""

from dataclasses import dataclass

from rounds.training.population.build import Population


@dataclass(frozen=True)
class Stage:
    """name: what happens now; population: what is trained, where something is."""

    name: str
    population: Population | None = None
