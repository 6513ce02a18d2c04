"""The picture of a finding that no curve shows: what was measured, beside the threshold that it passed."""

from dataclasses import dataclass

import altair as alt

from rounds.report.figures.theme import BLUE, INK, ORANGE, Chart
from rounds.report.run_files import Record


@dataclass(frozen=True)
class Bars:
    """bars: label by the name of a number among the finding's evidence; all must be there for the picture to be drawn,
    unless `some` will do; threshold: its name among the finding's, drawn as a line (empty: none)."""

    title: str
    bars: dict[str, str]
    threshold: str = ""
    some: bool = False


_SIDES = {"test": "test", "validation": "validation", "judging": "judging folds"}
_APART = Bars("How well these patients are told from the others (AUROC)", {"auroc": "told apart"}, "told apart")
_EXPLAINED = "Share of the outcome's variance"
# For each code the first picture whose numbers are there.
DRAWN_BY_NUMBERS: dict[str, tuple[Bars, ...]] = {
    "patient-leak": (
        Bars(
            "Patients on both sides of the split",
            {f"patients_shared_with_{n}": f"shared with {said}" for n, said in _SIDES.items()},
            some=True,
        ),
        Bars(
            _EXPLAINED,
            {"variance_between_share": "between values of the column"},
            "rows of one identifier alike in outcome",
        ),
    ),
    "duplicate-rows": (
        Bars("Pairs of equal rows", {"equal_pairs": "found", "expected_pairs": "expected by chance"}),
        Bars(
            "Share of the images judged on",
            {f"share_of_{n}_rows": f"look known: {said}" for n, said in _SIDES.items()},
            some=True,
        ),
    ),
    "target-leak": (
        Bars(_EXPLAINED, {"explained_share": "this column", "next_share": "the next best"}, "dominates"),
        Bars(
            "Share of the outcome's variance, and rank correlation",
            {"explained_share": "by its values", "rank_correlation": "by its order"},
            "gives the outcome away",
        ),
        Bars(_EXPLAINED, {"explained_share": "this pair"}, "gives the outcome away"),
        Bars(_EXPLAINED, {"explained_share_of_place": "this place"}, "gives the outcome away"),
    ),
    "linked-stays": (Bars("Further stays of a patient", {"linked": "begin as another ends", "further_stays": "all"}),),
    "competing-event": (Bars("Median stay", {"median_died": "who died", "median_others": "who left alive"}),),
    "censored-tail": (Bars("Median stay", {"median_late": "last admissions", "median_before": "those before"}),),
    "shifted-validation": (_APART,),
    "shifted-test": (_APART,),
    "class-imbalance": (Bars("Share of the rows", {"share": "the rarest outcome"}, "rare outcome"),),
    "label-noise": (
        Bars(
            "Share with the other outcome",
            {"other_outcome_low": "who seem safe", "other_outcome_high": "who seem ill"},
            "other outcome among the surest",
        ),
        Bars("Share of another class", {"other_class": "where one is surest"}, "other class among the surest"),
        Bars("Share of the rows", {"share": "equal rows, other outcome"}, "conflicting outcomes"),
    ),
    "gaps-unread": (
        Bars(
            "Change of the score",
            {"pattern_alone_value": "what the gaps say alone", "dealt_anew_value": "what the networks read"},
        ),
    ),
    "implausible-score": (
        Bars(
            "Share of the constant's score",
            {"removed_share": "removed", "ahead_share": "ahead of baselines"},
            "too good",
            some=True,
        ),
    ),
    "validation-too-small": (
        Bars(
            "In all validation folds",
            {"patients": "patients", "events": "of the rarer class"},
            "fewest validation patients",
            some=True,
        ),
    ),
    "no-better-than-baseline": (
        Bars(
            "Gain on the baseline, share of the constant's score",
            {"low": "low end", "gain_share": "gain", "high": "high end"},
            "smallest worthwhile",
        ),
    ),
}


def bars_of(finding: Record) -> Chart | None:
    """Bars of the finding's numbers with its threshold; None where it has none that can be drawn."""
    for bars in DRAWN_BY_NUMBERS.get(finding["code"], ()):
        known = {name: v for name in bars.bars if _is_number(v := finding["evidence"].get(name))}
        if len(known) == len(bars.bars) or (bars.some and known):
            return _drawn(bars, {bars.bars[name]: float(value) for name, value in known.items()}, finding)
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _drawn(bars: Bars, values: dict[str, float], finding: Record) -> Chart:
    rows = alt.InlineData(values=[{"label": n, "value": v, "said": f"{v:,.3g}"} for n, v in values.items()])
    x, y = alt.X("value:Q", title=bars.title), alt.Y("label:N", title=None, sort=list(values))
    shown = alt.Chart(rows).mark_bar(color=ORANGE, height=18).encode(x=x, y=y)
    words = alt.Chart(rows).mark_text(color=INK, align="left", dx=5).encode(x=x, y=y, text="said:N")
    return alt.layer(shown, words, *_limit(finding, bars.threshold))


def _limit(finding: Record, name: str) -> list[alt.Chart]:
    """An upright line at the threshold."""
    found = [t for t in finding.get("thresholds", []) if t["name"] == name]
    if not found:
        return []
    rows = alt.InlineData(values=[{"value": found[0]["value"], "said": f"threshold: {found[0]['name']}"}])
    line = alt.Chart(rows).mark_rule(color=BLUE, strokeWidth=1.5, strokeDash=[4, 3]).encode(x="value:Q")
    words = (
        alt.Chart(rows).mark_text(color=INK, align="center", dy=-6).encode(x="value:Q", y=alt.value(0), text="said:N")
    )
    return [line, words]
