"""A CSV file for each network, a line an epoch, as Keras's CSVLogger leaves them."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from rounds.loggers.logger import FinishedRun, LoggedMember


class CsvFiles:
    """PLACE/round_0_member_000.csv and so on; a run that goes on adds lines."""

    def __init__(self, place: str) -> None:
        self._place = Path(place)
        self._files: dict[str, TextIO] = {}

    def begin(self, name: str, plan: Mapping[str, Any]) -> None:
        self._place.mkdir(parents=True, exist_ok=True)

    def epoch(self, member: LoggedMember, epoch: int, values: Mapping[str, float]) -> None:
        row = {"epoch": epoch, **values}
        if member.name not in self._files:
            path = self._place / f"{member.name}.csv"
            begun = path.exists()
            self._files[member.name] = path.open("a", newline="", encoding="utf-8", buffering=1)
            if not begun:
                csv.writer(self._files[member.name]).writerow(row)
        csv.writer(self._files[member.name]).writerow(row.values())

    def finding(self, code: str, words: str) -> None:
        """Curves alone go into these files."""

    def finish(self, run: FinishedRun) -> None:
        """All else is in the run folder."""

    def close(self) -> None:
        for file in self._files.values():
            file.close()
