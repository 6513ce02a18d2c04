"""Weights & Biases without a network: an offline run that `wandb sync` sends later, if anybody wants it to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from rounds.loggers.logger import FinishedRun, LoggedMember

PROJECT = "rounds"


class WandbOffline:
    """PLACE/wandb/offline-run-...: every network's values by its name, findings as tags, scores as the summary."""

    def __init__(self, place: str) -> None:
        self._place = Path(place)
        self._run: Any = None

    def begin(self, name: str, plan: Mapping[str, Any]) -> None:
        self._place.mkdir(parents=True, exist_ok=True)
        settings = wandb.Settings(silent=True, console="off", disable_git=True, save_code=False, x_disable_stats=True)
        self._run = wandb.init(
            mode="offline", dir=str(self._place), project=PROJECT, name=name, config=dict(plan), settings=settings
        )
        self._run.define_metric("epoch")

    def epoch(self, member: LoggedMember, epoch: int, values: Mapping[str, float]) -> None:
        self._run.define_metric(f"{member.name}/*", step_metric="epoch")
        self._run.log({"epoch": epoch, **{f"{member.name}/{name}": value for name, value in values.items()}})

    def finding(self, code: str, words: str) -> None:
        self._run.tags = (*(self._run.tags or ()), code)

    def finish(self, run: FinishedRun) -> None:
        self._run.summary.update({**run.metrics, **run.verdict})
        self._run.tags = tuple(dict.fromkeys([*(self._run.tags or ()), *run.findings]))
        made = wandb.Artifact(f"{PROJECT}-run", type="run")
        for path in run.artefacts:
            made.add_file(str(path))
        self._run.log_artifact(made)

    def close(self) -> None:
        if self._run is not None:
            self._run.finish()
