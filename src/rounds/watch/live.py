"""What the rules say of a training while it is watched: each finding once, and whether to go on."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rounds.watch.recorder import Watch

LOOKS = (0.3, 0.6)  # shares of the epochs after which rules are asked
EVERY = 10  # epochs, where it is not known how many there will be


class Live:
    """Looks at a folder while it grows.

    stop: say so where training is lost; quiet: print nothing.
    """

    def __init__(self, folder: Path, *, stop: bool, quiet: bool) -> None:
        self._folder, self._stop, self._quiet = folder, stop, quiet
        self._said: set[str] = set()
        self._looked = 0.0

    def look(self, watch: "Watch", epoch: float, epochs: int | None) -> bool:
        """Asks the rules where it is time to; whether training is lost and is to end."""
        lost = watch.last_loss is not None and not math.isfinite(watch.last_loss)
        if not (lost or self._is_time(epoch, epochs)):
            return False
        self._looked = epoch
        watch.flush()
        codes = self._say(True, f"after epoch {epoch:g}")
        return self._stop and (lost or "diverged" in codes)

    def end(self, watch: "Watch") -> None:
        """Asks all rules, once training is over."""
        if watch.last_loss is not None:
            self._say(False, "at the end")

    def _is_time(self, epoch: float, epochs: int | None) -> bool:
        if epochs is None:
            return epoch - self._looked >= EVERY
        return any(self._looked < share * epochs <= epoch < epochs for share in LOOKS)

    def _say(self, at_once: bool, when: str) -> set[str]:
        """Prints what was not said before; the codes of all alarms. at_once: only what can be seen before the end."""
        from rounds.errors import RoundsError
        from rounds.examination.examine import examine_run
        from rounds.examination.rules import rules_of_training
        from rounds.examination.sources.watched import read_watched

        try:
            run = read_watched(self._folder)
        except RoundsError:  # nothing to judge yet
            return set()
        if at_once:  # a linear model is ahead of every network that has only begun
            run = replace(run, linear_by_fold={})
        alarms = examine_run(run).alarms
        soon = {rule.code for rule in rules_of_training() if rule.seen_at_once}
        seen = [f for f in alarms if (f.code in soon or not at_once) and not f.follows_from]
        for finding in seen:
            if finding.code not in self._said and not self._quiet:
                print(f"rounds, {when}: {finding.name}. {finding.explanation}", flush=True)
            self._said.add(finding.code)
        return {f.code for f in seen}
