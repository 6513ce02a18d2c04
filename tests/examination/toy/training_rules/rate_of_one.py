"""A rule about training that nothing but this file knows of, said while networks still train."""

from rounds.examination.figure import LOSSES
from rounds.examination.finding import Seen, Threshold
from rounds.examination.rule import Judged, Rule
from rounds.examination.run import Run

HIGHEST = Threshold("highest rate", 1.0, "learning rate")


def _rate_of_one(run: Run) -> Judged:
    fast = tuple(curve.member for curve in run.curves if curve.settings["learning_rate"] >= HIGHEST.value)
    words = f"{len(fast)} networks have a learning rate of at least {HIGHEST.value:g}."
    return Seen("warning", words, {"networks": len(fast)}, 0.9, fast, onset=0) if fast else None


RATE_OF_ONE = Rule(
    "rate-of-one",
    "The learning rate is at least 1",
    "training",
    _rate_of_one,
    how="By the settings of each member.",
    why="No step of that length is ever right.",
    remedies=("lower the learning rate",),
    place=1,
    thresholds=(HIGHEST,),
    seen_at_once=True,
    figures=(LOSSES,),
)
