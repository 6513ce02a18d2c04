"""A rule that nothing but this file knows of: one function and one record."""

import polars as pl

from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.figure import Bars
from rounds.examination.finding import Seen, Threshold
from rounds.examination.rule import Judged, Need, Rule

TIMES = Threshold("another unit", 5.0, "times the median outcome of the site with the lowest")
SITE = Need[DataEvidence]("a column named site", lambda evidence: "site" in evidence.dataset.inputs.columns)


def _unit_changed(evidence: DataEvidence) -> Judged:
    outcomes = pl.DataFrame({"site": evidence.dataset.inputs["site"], "outcome": evidence.dataset.targets[:, 0]})
    medians = outcomes.group_by("site").agg(pl.col("outcome").median()).sort("outcome")["outcome"]
    lowest, highest = float(medians[0]), float(medians[-1])
    if lowest <= 0 or highest < TIMES.value * lowest:
        return None
    words = f"The median outcome is {lowest:.3g} at one site and {highest:.3g} at another."
    return Seen("error", words, {"median_lowest": lowest, "median_highest": highest}, 0.9)


UNIT_CHANGED = Rule(
    "unit-changed",
    "The target's unit changed between sites",
    "data",
    _unit_changed,
    how="Median outcomes of the sites side by side.",
    why="The networks learn to tell sites apart, and predict in no unit.",
    remedies=("convert all outcomes to one unit",),
    place=900,
    thresholds=(TIMES,),
    check="One unit at all sites",
    needs=(SITE,),
    figures=(Bars("Median outcome", {"median_lowest": "lowest site", "median_highest": "highest site"}),),
)
