"""TensorBoard's event files by tensorboardX: a run for each network, and one for what was found and scored."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.summary import text

from rounds.loggers.logger import FinishedRun, LoggedMember

WHOLE_RUN = "run"


class TensorBoard:
    """PLACE/round_0_member_000/events... and so on, and PLACE/run/events..."""

    def __init__(self, place: str) -> None:
        self._place = Path(place)
        self._writers: dict[str, EventsWriter] = {}

    def begin(self, name: str, plan: Mapping[str, Any]) -> None:
        lines = "\n".join(f"    {field} = {value}" for field, value in plan.items())
        self._write(WHOLE_RUN, 0, text("plan", lines))

    def epoch(self, member: LoggedMember, epoch: int, values: Mapping[str, float]) -> None:
        self._write(member.name, epoch, _scalars(values))

    def finding(self, code: str, words: str) -> None:
        self._write(WHOLE_RUN, 0, text(f"seen early/{code}", words))

    def finish(self, run: FinishedRun) -> None:
        self._write(WHOLE_RUN, 0, _scalars(run.metrics))
        for kind, said in (("findings", run.findings), ("verdict", run.verdict)):
            for name, words in said.items():
                self._write(WHOLE_RUN, 0, text(f"{kind}/{name}", words))
        self._write(WHOLE_RUN, 0, text("run folder", str(run.folder)))

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()

    def _write(self, name: str, step: int, summary: Any) -> None:
        if name not in self._writers:
            folder = self._place / name
            folder.mkdir(parents=True, exist_ok=True)
            self._writers[name] = EventsWriter(str(folder / "events"))
        self._writers[name].write_event(Event(wall_time=time.time(), step=step, summary=summary))
        self._writers[name].flush()


def _scalars(values: Mapping[str, float]) -> Any:
    return Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
