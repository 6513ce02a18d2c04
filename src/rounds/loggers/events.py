"""From the events of a job to what loggers write."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rounds.errors import PlanError, RoundsError
from rounds.loggers.logger import ARTEFACTS, FinishedRun, LoggedMember, Logger
from rounds.loggers.open import check_tools, open_logger
from rounds.plan import Changes, setting_names
from rounds.run_folder.read import read_record
from rounds.training.population.build import Population
from rounds.training.population.members import WHOLE_DEVELOPMENT, Member
from rounds.training.result.tables import last_values


@contextmanager
def logging_to(asked: tuple[str, ...]) -> Iterator["EventLog"]:
    """Tells the tools that are asked for (TOOL or TOOL=PLACE) what happens; when closed, all of it is on disk.

    Raises PlanError for a tool that is not known, or not installed.
    """
    check_tools(asked)
    with ExitStack() as opened:
        yield EventLog(asked, opened)


class EventLog:
    """Networks of every population that is chosen, and what is seen of them; those of trials are not logged."""

    def __init__(self, asked: tuple[str, ...], opened: ExitStack) -> None:
        self._asked, self._opened = asked, opened
        self._loggers: list[Logger] = []
        self._population: Population | None = None
        self._round = -1

    def see(self, event: Any) -> None:
        """Passes an event of `stages` on."""
        if not self._asked:
            return
        if hasattr(event, "population"):
            self._begin(event)
        elif getattr(event, "so_far", None) is not None:
            self._epoch(event)
        elif hasattr(event, "finding"):
            for logger in self._loggers:
                logger.finding(event.finding.code, event.finding.explanation)

    def finished(self, folder: Path) -> None:
        """The run is done, and its report drawn."""
        for logger in self._loggers:
            logger.finish(_finished(folder))

    def _begin(self, stage: Any) -> None:
        if stage.folder is not None:
            for asked in self._asked:
                self._open(asked, stage.folder)
        self._population = stage.population
        self._round += stage.population is not None

    def _open(self, asked: str, folder: Path) -> None:
        try:
            logger = open_logger(asked, folder)
            self._opened.callback(logger.close)
            logger.begin(folder.resolve().name, read_record(folder, "plan.json")["asked"]["plan"])
        except RoundsError:
            raise
        except Exception as error:  # a server that does not answer, a folder that cannot be written
            got, advice = f"{asked} ({str(error).partition(chr(10))[0]})", "Check the place that --log names"
            raise PlanError("Log", "a tool that can be written to", name="log", got=got, advice=advice) from error
        self._loggers.append(logger)

    def _epoch(self, progress: Any) -> None:
        if self._population is None or progress.so_far.slab.outer != WHOLE_DEVELOPMENT:
            return
        for member, values in last_values(self._population, progress.so_far):
            logged = LoggedMember(self._round, member.number, _own_settings(self._population, member))
            for logger in self._loggers:
                logger.epoch(logged, progress.epoch, values)


def _own_settings(population: Population, member: Member) -> Changes:
    """What tells a member from others: swept settings, its plan, fold and seed."""
    plan = population.plans[member.plan]
    swept = {name: member.settings[name] for name in setting_names() if isinstance(getattr(plan, name), tuple)}
    return {**swept, "hidden": list(plan.hidden), "plan": member.plan, "fold": member.fold, "seed": member.seed}


def _finished(folder: Path) -> FinishedRun:
    metrics, found = read_record(folder, "metrics.json"), read_record(folder, "findings.json")
    models = {"test": metrics["test"], **{f"{name}_test": scores for name, scores in metrics["baselines"].items()}}
    return FinishedRun(
        folder,
        {
            f"{model}_{metric}": score["value"]
            for model, scores in models.items()
            for metric, score in scores.items()
            if score["value"] is not None
        },
        {finding["code"]: finding["explanation"] for finding in found["findings"]},
        {question: f"{answer['answer']}: {answer['reason']}" for question, answer in found["verdict"].items()},
        tuple(folder / name for name in ARTEFACTS if (folder / name).exists()),
    )
