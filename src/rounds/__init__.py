"""Rounds trains neural networks on patient data, says what is wrong with them, and proves what a remedy was worth.

    dataset = rounds.load("stays.csv", rounds.Choices(targets=("length_of_stay",), group="patient_id"))
    result = rounds.improve(dataset)                 # the closed loop; what `rounds train` does
    result.predict(table), result.write_report(path)

Importing it costs nothing: each name is loaded when it is first used.
"""

from typing import Any

_PLACES = {
    "Choices": "rounds.data.choices",
    "load": "rounds.data.loading",
    "Plan": "rounds.plan",
    "Request": "rounds.job.stages",
    "improve": "rounds.job.stages",
    "train": "rounds.job.stages",
    "prescribe": "rounds.prescription.remedies.table",
    "check_gradient": "rounds.graph.gradient_check.check",
    "RoundsError": "rounds.errors",
}

__all__ = [
    "Choices",
    "Plan",
    "Request",
    "RoundsError",
    "check_gradient",
    "examine",
    "improve",
    "load",
    "prescribe",
    "train",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module 'rounds' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def examine(source: Any) -> Any:
    """What is wrong with a training, as an `Examination` (see `rounds.examination`).

    source: a Result, a run folder, or curves that another tool left; or a `Run`, the evidence itself.
    """
    from pathlib import Path

    from rounds.examination.examine import examine as examined
    from rounds.examination.sources.source import examine_source

    place = getattr(source, "folder", source)
    return examine_source(Path(place)) if isinstance(place, str | Path) else examined(place)
