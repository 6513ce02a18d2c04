"""Rounds trains neural networks on patient data, says what is wrong with them, and proves what a remedy was worth.

    result = rounds.train("stays.csv", target="length_of_stay", group="patient_id")   # what `rounds train` does
    result.scores, result.findings, result.predict(new), result.evaluate(later), result.report()
    model.fit(..., callbacks=[rounds.watch.KerasWatch("runs/mine")])                    # anybody's loop
    rounds.examine("runs/mine")
    cross_val_score(rounds.RoundsClassifier(), X, y, cv=GroupKFold(), groups=patients)  # scikit-learn's own estimators

Importing it costs nothing: each name is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rounds import datasets as datasets
    from rounds import watch as watch
    from rounds.data.choices import Choices as Choices
    from rounds.errors import RoundsError as RoundsError
    from rounds.estimators import RoundsClassifier as RoundsClassifier
    from rounds.estimators import RoundsRegressor as RoundsRegressor
    from rounds.graph.gradient_check.check import check_gradient as check_gradient
    from rounds.job.load import load as load
    from rounds.job.request import Request as Request
    from rounds.job.result import Result as Result
    from rounds.job.train import improve as improve
    from rounds.job.train import train as train
    from rounds.person_periods import make_periods as make_periods
    from rounds.plan import Plan as Plan
    from rounds.prescription.remedies.prescribe import prescribe as prescribe

_PLACES = {
    "Choices": "rounds.data.choices",
    "load": "rounds.job.load",
    "make_periods": "rounds.person_periods",
    "Plan": "rounds.plan",
    "Request": "rounds.job.request",
    "Result": "rounds.job.result",
    "improve": "rounds.job.train",
    "train": "rounds.job.train",
    "prescribe": "rounds.prescription.remedies.prescribe",
    "check_gradient": "rounds.graph.gradient_check.check",
    "RoundsClassifier": "rounds.estimators",
    "RoundsRegressor": "rounds.estimators",
    "RoundsError": "rounds.errors",
}

__all__ = [
    "Choices",
    "Plan",
    "Request",
    "Result",
    "RoundsClassifier",
    "RoundsError",
    "RoundsRegressor",
    "check_gradient",
    "datasets",
    "examine",
    "improve",
    "load",
    "make_periods",
    "prescribe",
    "train",
    "watch",
]


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> Any:
    if name in ("watch", "datasets"):
        return import_module(f"rounds.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("rounds")
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

    source: a Result or a run folder; several folders that `rounds.watch` left, one a seed; logs that another tool left
    (a file, a folder, or a list of these); a History of Keras, a dict of lists or a ScoringMonitor of scikit-learn; or
    a `Run`, the evidence itself. step, loss, validation: columns of a log, named by hand; as_: "folds" or "seeds",
    where several logs are of one configuration.

    >>> rising = {"loss": [1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05], "val_loss": [1.0, 0.8, 0.7, 0.7, 0.9, 1.1, 1.3]}
    >>> examine(rising).findings[0].code
    'overfitting'
    """
    from rounds.examination.logs.runs import Choice
    from rounds.job.speaking_python import speaking_python

    with speaking_python():
        return _examined(source, Choice(step, loss, validation), as_)


def _examined(source: Any, choice: Any, as_: str | None) -> Any:
    from pathlib import Path

    from rounds.examination.sources import source as sources_of

    place = getattr(source, "folder", source)
    sources = place if isinstance(place, list | tuple) and place else [place]
    if all(isinstance(one, str | Path) for one in sources):
        paths = [Path(one) for one in sources]
        if len(paths) == 1 and sources_of.is_run_folder(paths[0]):
            return sources_of.examine_source(paths[0])
        if seeds := sources_of.watched_folders(paths):
            return sources_of.examine_seeds(seeds)
        return sources_of.examine_log_files(paths, choice, as_)
    if hasattr(source, "curves"):
        from rounds.examination.examine import examine_run as examined

        return examined(source)
    return sources_of.examine_log_objects(sources, choice, as_)
