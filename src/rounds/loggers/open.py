"""The table of tools: how each is asked for, where it writes by default, and what it needs."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from rounds.errors import PlanError, nearest
from rounds.loggers.logger import Logger

LOGS = "logs"  # folder of a run
MLFLOW_PLACE = "MLFLOW_TRACKING_URI"  # MLflow's own variable: who sets it has decided


@dataclass(frozen=True)
class Tool:
    """One tool. module, writer: where its logger is; extra: of the package, which installs what it needs ("": nothing);
    place: where it writes, of the run's folder."""

    module: str
    writer: str
    extra: str
    place: Callable[[Path], str]


TOOLS = {
    "tensorboard": Tool("tensorboard", "TensorBoard", "tensorboard", lambda run: str(run / LOGS / "tensorboard")),
    "mlflow": Tool("mlflow", "MLflow", "mlflow", lambda run: os.environ.get(MLFLOW_PLACE) or "mlruns"),
    "wandb-offline": Tool("wandb", "WandbOffline", "wandb", lambda run: str(run / LOGS)),
    "csv": Tool("csv_files", "CsvFiles", "", lambda run: str(run / LOGS / "csv")),
}


def check_tools(asked: tuple[str, ...]) -> None:
    """Raises PlanError for a tool that is not known or not installed, before anything is trained."""
    for one in asked:
        _writer(one)


def open_logger(asked: str, run: Path) -> Logger:
    """The logger of TOOL or TOOL=PLACE for the run in a folder.

    Raises PlanError for a tool that is not known, or not installed.
    """
    place = asked.partition("=")[2] or TOOLS[asked].place(run)
    return _writer(asked)(place)


def _writer(asked: str) -> Callable[[str], Logger]:
    name = asked.partition("=")[0]
    if name not in TOOLS:
        advice = nearest(name, list(TOOLS))
        raise PlanError("Log", f"one of {', '.join(TOOLS)}", name="log", got=asked, advice=advice)
    tool = TOOLS[name]
    try:
        module = import_module(f"rounds.loggers.{tool.module}")
    except ImportError as error:
        advice = f"Install it: pip install 'rounds[{tool.extra}]'"
        raise PlanError("Log", "a tool that is installed", name="package", got=error.name, advice=advice) from None
    made: Callable[[str], Logger] = getattr(module, tool.writer)
    return made
