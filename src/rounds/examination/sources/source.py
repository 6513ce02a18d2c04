"""Whatever a user gives to be examined: a run folder, one that was stopped, or logs of other tools."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rounds.errors import DataError
from rounds.examination.finding import Examination
from rounds.examination.log_rules.examination import LogExamination
from rounds.examination.log_rules.examine import examine_logs
from rounds.examination.log_rules.several import TOGETHER, Together
from rounds.examination.logs.objects import is_log_object, read_log_objects
from rounds.examination.logs.read import read_logs
from rounds.examination.logs.runs import Choice

FINDINGS, FACTS = "findings.json", "watch.json"
_OF_ROUNDS = (FINDINGS, "dataset.json", "plan.json", FACTS)


def is_run_folder(path: Path) -> bool:
    """Whether Rounds left it, or a training that it watched."""
    return any((path / name).exists() for name in _OF_ROUNDS)


def examine_source(path: Path) -> Examination:
    """Raises RunFolderError or DataError for what cannot be read."""
    if not is_run_folder(path):
        return examine_log_files([path])
    from rounds.examination.examine import examine_run
    from rounds.examination.sources.run_folder import read_examination, read_run
    from rounds.examination.sources.watched import read_watched

    if (path / FACTS).is_file():
        return examine_run(read_watched(path))

    if (path / FINDINGS).exists() and not (path / "curves.parquet").exists():
        return read_examination(path)
    return examine_run(read_run(path))


def watched_folders(paths: Sequence[Path]) -> list[Path]:
    """Two or more folders that `rounds.watch` left: these, or those in the one folder that is given; else none."""
    places = sorted(paths[0].iterdir()) if len(paths) == 1 and paths[0].is_dir() else list(paths)
    found = [place for place in places if (place / FACTS).is_file()]
    return found if len(found) > 1 and (len(paths) == 1 or len(found) == len(paths)) else []


def examine_seeds(folders: Sequence[Path]) -> Examination:
    """Trainings of one configuration that were watched, judged together; raises DataError where they differ in more."""
    from rounds.examination.examine import examine_run
    from rounds.examination.sources.watched import read_watched_seeds

    return examine_run(read_watched_seeds(folders))


def examine_log_files(
    paths: Sequence[Path], choice: Choice | None = None, together: str | None = None
) -> LogExamination:
    """Logs of other tools. choice: columns named by hand; together: "folds" or "seeds" where that is what they are."""
    for path in paths:
        if is_run_folder(path):
            advice = "Examine a run folder by itself, without options; `rounds report` draws it"
            raise DataError("LOG", "a log of another tool", name="path", got=str(path), advice=advice)
    return examine_logs(read_logs(paths, choice), _checked(together))


def examine_log_objects(
    sources: Sequence[Any], choice: Choice | None = None, together: str | None = None
) -> LogExamination:
    """Logs that are Python objects: Keras's History, a dict of lists, scikit-learn's ScoringMonitor."""
    for source in sources:
        if not is_log_object(source):
            what = "a path, a History, a dict of lists, or a ScoringMonitor"
            raise DataError(
                "What is examined", what, name="type", got=type(source).__name__, advice="Give one of these"
            )
    return examine_logs(read_log_objects(sources, choice), _checked(together))


def _checked(together: str | None) -> Together | None:
    if together is not None and together not in TOGETHER:
        raise DataError(
            "--as", " or ".join(TOGETHER), name="as", got=together, advice="Leave it out to judge runs one by one"
        )
    return together
