"""The table of figures: where each stands, what it is called, and the one sentence that explains it to a clinician."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from altair.utils.schemapi import debug_mode

from rounds.report.figures.classes import calibration_figure, confusions, ranking_by_outcome, risks, roc
from rounds.report.figures.curves import learning_curve, metric_curve, schedule_curve, sweep_curves, sweep_outcome
from rounds.report.figures.evidence import (
    importance_figure,
    net_benefit,
    reliability,
    single_interval,
    subgroup_forest,
)
from rounds.report.figures.layers import MEASURE_TERMS, measure_map
from rounds.report.figures.numbers import density, misses, misses_by_predicted, observed_by_predicted
from rounds.report.figures.scores import forest, gains, ranking_forest, target_scores
from rounds.report.figures.theme import Chart, to_svg
from rounds.report.figures.trials import stay, trial_effects
from rounds.report.run_files import RunFiles


@dataclass(frozen=True)
class Figure:
    """One row of the table. section: where it stands; sentence: what is to be seen; draw: None where the run has
    nothing to draw it from."""

    name: str
    section: str
    title: str
    sentence: str
    draw: Callable[[RunFiles], Chart | None]


@dataclass(frozen=True)
class Drawn:
    """A figure as the page shows it."""

    figure: Figure
    svg: str


FIGURES: tuple[Figure, ...] = (
    Figure(
        "forest",
        "first",
        "Is it better than simpler ways?",
        "Each point is a way to predict, its line the 95 % interval over patients; the dashed line marks the ensemble.",
        forest,
    ),
    Figure(
        "gains",
        "first",
        "How much better, on the same patients?",
        "The difference to each simpler way with its 95 % interval: where it reaches the first dashed line, "
        "at 0, there may be none; the second marks the smallest gain that counts.",
        gains,
    ),
    Figure(
        "calibration",
        "first",
        "Do the probabilities mean what they say?",
        "Of patients with a predicted risk of 20 %, one in five should have the outcome: points on the dashed line do.",
        calibration_figure,
    ),
    Figure(
        "observed-by-predicted",
        "first",
        "What happened to patients with this prediction?",
        "Patients in groups of like predictions: points are their true mean with its interval, broad bars hold the "
        "middle half of them, and the dashed line is perfect.",
        observed_by_predicted,
    ),
    Figure(
        "ranking-forest",
        "judged",
        "Who ranks patients best?",
        "The chance that a patient with the outcome is ranked above one without; half is guessing.",
        ranking_forest,
    ),
    Figure(
        "roc",
        "judged",
        "Cases found against false alarms",
        "Further to the upper left is better: more cases found for the same false alarms.",
        roc,
    ),
    Figure(
        "risks",
        "judged",
        "Which risk is predicted for whom?",
        "The further apart the two colours lie, the better the model discriminates.",
        risks,
    ),
    Figure(
        "confusions",
        "judged",
        "Which classes are taken for which?",
        "Dark cells on the diagonal are right predictions; cells of fewer than 10 patients are left empty.",
        confusions,
    ),
    Figure(
        "ranking-by-outcome",
        "judged",
        "Which outcomes are discriminated?",
        "AUROC of each outcome against all others; a half is guessing.",
        ranking_by_outcome,
    ),
    Figure(
        "target-scores",
        "judged",
        "Which targets can be predicted?",
        "Share of each target's variation that is explained; 0 is what a constant reaches.",
        target_scores,
    ),
    Figure(
        "density",
        "judged",
        "Predicted against observed",
        "The stronger the colour, the more patients; on the dashed line the prediction came true. Cells of fewer than "
        "10 patients are left empty.",
        density,
    ),
    Figure(
        "misses",
        "judged",
        "By how much do predictions miss?",
        "Right of the line the prediction was too high, left of it too low.",
        misses,
    ),
    Figure(
        "misses-by-predicted",
        "judged",
        "Does it miss more for some patients?",
        "From low to high predictions: the middle mark should stay at zero; thick bars hold half of the patients, thin "
        "lines eight in ten.",
        misses_by_predicted,
    ),
    Figure(
        "reliability",
        "calibration",
        "Do the probabilities of each outcome mean what they say?",
        "Points on the dashed line do; lines are 95 % intervals. The most frequent outcomes are drawn.",
        reliability,
    ),
    Figure(
        "importance",
        "importance",
        "What is lost without it",
        "Right of the dashed line predictions get worse when the column is permuted; lines are 95 % intervals.",
        importance_figure,
    ),
    Figure(
        "net-benefit",
        "decisions",
        "Does acting on it help more than treating all or nobody?",
        "Where the line of the model lies above both others, at the threshold at which one would treat, it helps; the "
        "band is its 95 % interval. Thresholds between which fewer than 10 patients lie are left out.",
        net_benefit,
    ),
    Figure(
        "single-interval",
        "intervals",
        "What a prediction promises",
        "Read upwards from a prediction: the band holds the promised share of such patients' outcomes.",
        single_interval,
    ),
    Figure(
        "subgroup-forest",
        "subgroups",
        "Score of each group",
        "Each point is a group with its 95 % interval; the dashed line marks all patients.",
        subgroup_forest,
    ),
    Figure(
        "stay",
        "stay",
        "Validation from round to round",
        "Each point is a network, the line joins the medians: it should improve with every change that was kept.",
        stay,
    ),
    Figure(
        "trial-effects",
        "prescribed",
        "What the changes were worth",
        "Treated and control networks trained side by side: only changes whose line stays above zero are kept; for "
        "more patients, the gain from half of them to all.",
        trial_effects,
    ),
    Figure(
        "learning-curve",
        "trained",
        "Learning curve of the best single network",
        "Training loss at single steps (points) and on average, beside the loss on validation patients; thin lines are "
        "the other networks' validation.",
        learning_curve,
    ),
    Figure(
        "metric-curve",
        "trained",
        "The metric that matters, epoch by epoch",
        "On validation patients; the band holds half of the networks. Where the line no longer improves, more "
        "training gains nothing.",
        metric_curve,
    ),
    Figure(
        "sweep-curves",
        "trained",
        "Learning rates side by side",
        "Too low learns slowly, too high is restless or gets stuck early; thick lines are medians, thin ones single "
        "networks.",
        sweep_curves,
    ),
    Figure(
        "sweep-outcome",
        "trained",
        "Which learning rate worked best?",
        "Each point is a network; the line joins the medians. A best value at either end says the sweep should go "
        "further.",
        sweep_outcome,
    ),
    Figure(
        "schedule",
        "trained",
        "Learning rate over time",
        "As it was in use: it rises while the network settles in and then falls.",
        schedule_curve,
    ),
    *(
        Figure(f"measure-{name}", "inside", term.title, term.meaning, partial(measure_map, measure=name))
        for name, term in MEASURE_TERMS.items()
    ),
)


def draw_figures(run: RunFiles, sections: Collection[str] | None = None) -> dict[str, list[Drawn]]:
    """The figures that this run has, by section, in the order of the table; sections: of these alone."""
    found: dict[str, list[Drawn]] = {figure.section: [] for figure in FIGURES}
    with debug_mode(False):  # the charts are our own: checking each against the schema costs a third of their time
        for figure in FIGURES:
            chart = figure.draw(run) if sections is None or figure.section in sections else None
            if chart is not None:
                found[figure.section].append(Drawn(figure, to_svg(chart, figure.name, figure.title)))
    return found
