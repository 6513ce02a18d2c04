"""The table of sections below the first screen: what each is called, and what its template is filled with."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from rounds.report import pictures
from rounds.report.run_files import RunFiles
from rounds.report.tables import evidence as evidence_tables
from rounds.report.tables import importance as importance_tables
from rounds.report.tables import rounds
from rounds.report.tables import scores as tables
from rounds.run_folder.stored import Content


@dataclass(frozen=True)
class Section:
    """One row of the table. name: of its figures and (where `fill` is given) of its template under sections/; lead:
    what it shows; fill: None where the run has nothing to say here."""

    name: str
    title: str
    lead: str
    fill: Callable[[RunFiles], Content | None] | None = None


@dataclass(frozen=True)
class Filled:
    """A section as the page shows it; content None where it has figures alone."""

    section: Section
    content: Content | None


SECTIONS: tuple[Section, ...] = (
    Section("judged", "How well it predicts", "On patients that no part of the training has seen.", tables.scores),
    Section(
        "calibration",
        "Calibration",
        "Whether predictions mean what they say, on the patients who judge; maps that would mend it were tried on "
        "validation patients.",
        evidence_tables.calibration_table,
    ),
    Section(
        "importance",
        "What predictions rest on",
        "How much worse they get when a column is permuted among the patients, or a span of time is hidden.",
        importance_tables.importance,
    ),
    Section("looks", "What the networks look at", "In images of validation patients.", pictures.looks),
    Section("decisions", "Decisions", "What acting on a threshold does to patients.", evidence_tables.decisions),
    Section(
        "intervals", "Intervals of single predictions", "How far off one prediction may be.", evidence_tables.intervals
    ),
    Section("subgroups", "Subgroups", "Whether it serves some patients worse.", evidence_tables.subgroups),
    Section("found", "Findings", "What was found in data and training, main cause first.", tables.findings),
    Section("stay", "The rounds, one by one", "What was found, what was given, and what it did.", rounds.rounds_table),
    Section("prescribed", "Prescriptions", "What was changed, and what a trial showed it to be worth.", tables.trials),
    Section("trained", "How training went", "Only networks that make the predictor are drawn."),
    Section(
        "inside",
        "Inside the networks",
        "Each row is a layer, each column an epoch, each colour the median over the networks.",
    ),
    Section("data", "Patients and columns", "What was read, left out, and taken for what.", tables.columns),
    Section(
        "characteristics",
        "Table 1",
        "Who the patients are, by part of the split, and what is missing.",
        evidence_tables.characteristics_table,
    ),
    Section("plan", "Every choice of the plan", "What was chosen for this data, and why.", tables.plan_section),
    Section("tried", "Everything that was tried", "What it took to get here, so that it can be weighed.", tables.tried),
)


def missing_sections(run: RunFiles, shown: Collection[str]) -> list[tuple[Section, str]]:
    """Sections that the page does not have, each with the reason."""
    return [(section, _why_missing(run, section.name)) for section in SECTIONS if section.name not in shown]


def _why_missing(run: RunFiles, name: str) -> str:
    evidence = run.evidence
    if name == "importance" and evidence is not None and evidence.importance and evidence.importance.reason:
        return evidence.importance.reason
    if name in EVIDENCE and evidence is None:
        return "the run was made by a version that did not measure it, or it failed"
    return ABSENT[name]


EVIDENCE = ("calibration", "importance", "decisions", "intervals", "subgroups", "characteristics")
ABSENT = {
    "judged": "no patients judged",
    "calibration": "too few patients to tell what predictions mean",
    "importance": "it was not measured",
    "looks": "only networks of images have it",
    "decisions": "thresholds are chosen where the outcome is yes or no",
    "intervals": "probabilities carry no intervals; numbers have them where enough patients were left to measure them",
    "subgroups": "no column of sex, age or another group was recognised; --subgroup COL names one",
    "found": "no rules were asked",
    "stay": "one population was trained, without advice (--rounds 0), or nothing called for a change",
    "prescribed": "nothing was tried: no finding called for it, or --rounds 0 asked for none",
    "trained": "no curves were kept",
    "inside": "nothing was measured inside the networks",
    "data": "the table's columns are not on record",
    "characteristics": "the run has no table of its patients",
    "plan": "the plan is not on record",
    "tried": "nothing but one population was trained",
}


def fill_sections(run: RunFiles, drawn: set[str]) -> list[Filled]:
    """The sections that this run has something for; drawn: names of sections that have figures."""
    filled = [Filled(section, section.fill(run) if section.fill else None) for section in SECTIONS]
    return [f for f in filled if f.content is not None or f.section.name in drawn]
