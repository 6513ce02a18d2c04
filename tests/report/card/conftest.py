"""The simulated runs of `tests.simulated_runs`, of which the card is written."""

from tests.simulated_runs import runs

__all__ = ["runs"]
