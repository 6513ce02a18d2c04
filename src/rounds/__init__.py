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
    "improve": "rounds.job.train",
    "train": "rounds.job.train",
    "prescribe": "rounds.prescription.remedies.prescribe",
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

    if name == "watch":
        return import_module("rounds.watch")
    if name not in _PLACES:
        raise AttributeError(f"module 'rounds' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def examine(
    source: Any,
    step: str | None = None,
    loss: str | None = None,
    validation: str | None = None,
    as_: str | None = None,
) -> Any:
    """What is wrong with a training, as an `Examination` (see `rounds.examination`).

    source: a Result or a run folder; logs that another tool left (a file, a folder, or a list of these); a History of
    Keras, a dict of lists or a ScoringMonitor of scikit-learn; or a `Run`, the evidence itself. step, loss, validation:
    columns of a log, named by hand; as_: "folds" or "seeds", where several logs are of one configuration.

    >>> rising = {"loss": [1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05], "val_loss": [1.0, 0.8, 0.7, 0.7, 0.9, 1.1, 1.3]}
    >>> examine(rising).findings[0].code
    'overfitting'
    """
    from pathlib import Path

    from rounds.examination.logs.runs import Choice
    from rounds.examination.sources.source import examine_log_files, examine_log_objects, examine_source, is_run_folder

    place = getattr(source, "folder", source)
    sources = place if isinstance(place, list | tuple) and place else [place]
    if all(isinstance(one, str | Path) for one in sources):
        paths = [Path(one) for one in sources]
        if len(paths) == 1 and is_run_folder(paths[0]):
            return examine_source(paths[0])
        return examine_log_files(paths, Choice(step, loss, validation), as_)
    if hasattr(source, "curves"):
        from rounds.examination.examine import examine as examined

        return examined(source)
    return examine_log_objects(sources, Choice(step, loss, validation), as_)
