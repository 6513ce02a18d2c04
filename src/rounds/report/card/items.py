"""The items of TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378) and what a run knows of each; the rest is asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from rounds.data.preparation.encoding import CLIP, ONE_HOT_LEVELS
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.evidence import EvidenceFile, RecalibrationRecord
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.metrics import Estimate, MetricsFile
from rounds.run_folder.plan import PlanFile
from rounds.statistics.differences import gain_in_words
from rounds.statistics.small_cells import FEWEST_PATIENTS


@dataclass(frozen=True)
class Known:
    """The records of one run folder that the card is filled from."""

    dataset: DatasetFile
    plan: PlanFile
    metrics: MetricsFile
    findings: FindingsFile
    evidence: EvidenceFile | None


@dataclass(frozen=True)
class Item:
    """number: as in TRIPOD+AI; topic: in our words; fill: what the run says ("" where it says nothing); ask: what is
    left to the author, "" where nothing is."""

    number: str
    section: str
    topic: str
    fill: Callable[[Known], str]
    ask: str


def _unknown(known: Known) -> str:
    return ""


def outcome_name(known: Known) -> str:
    task = known.metrics.task
    shown = ", ".join(task.targets[:5]) + (", ..." if len(task.targets) > 5 else "")
    if task.kind == "binary":
        return f"{shown} = {task.classes[1]}"
    return shown + (f" in {task.unit}" if task.unit else "")


def _title(known: Known) -> str:
    simulated = " on simulated patients" if known.dataset.simulated else ""
    return f"Development and internal validation{simulated} of a neural network that predicts {outcome_name(known)}."


def _purpose(known: Known) -> str:
    return f"To predict {outcome_name(known)} and to judge the predictions on patients that no network learned from."


def _sources(known: Known) -> str:
    dataset = known.dataset
    notes = " ".join(f"{note.rstrip('.')}." for note in dataset.notes)
    rows = f"{dataset.rows_read:,} rows read from {dataset.name}, {dataset.patients:,} patients in the analysis"
    return f"{rows} (SHA-256 of the cells {dataset.content_hash[:16]}). {notes}".strip()


def _dates(known: Known) -> str:
    span = known.dataset.time_range
    return f"Rows are dated {span[0]} to {span[1]} (column {known.dataset.time})." if span else ""


def _eligibility(known: Known) -> str:
    excluded = known.dataset.exclusions
    if not excluded:
        return "No row of the file was left out."
    return "Left out: " + "; ".join(f"{rows:,} rows ({reason})" for reason, rows in excluded) + "."


def _preparation(known: Known) -> str:
    scaled = f"centred at the median, divided by the interquartile range, smoothly clipped at {CLIP:g}"
    numbers = scaled if known.plan.main.scale_inputs else "as read"
    return (
        f"Fitted on training rows alone. Numbers: {numbers}. Codes of up to {ONE_HOT_LEVELS} frequent levels: a flag a "
        f"level; with more: a learned embedding. Levels of fewer than {FEWEST_PATIENTS} training patients count as "
        "unknown. The same for all subgroups."
    )


def _outcome(known: Known) -> str:
    task = known.metrics.task
    classes = f" with the classes {', '.join(task.classes)}" if task.classes else ""
    return f"{outcome_name(known)}, as it stands in the table ({task.kind}{classes})."


def _candidates(known: Known) -> str:
    features = [c for c in known.dataset.columns if c.role in ("numeric", "categorical", "boolean")]
    dropped = [c for c in known.dataset.columns if c.role in ("dropped", "constant", "text", "date")]
    left = "; ".join(f"{c.name} ({c.reason})" for c in dropped[:12])
    return f"{len(features)} columns, none chosen by its relation to the outcome." + (
        f" Left out: {left}." if left else ""
    )


def _predictors(known: Known) -> str:
    moment, reason = known.dataset.prediction_moment, known.dataset.prediction_moment_reason
    said = f"All are known at {moment}." if moment else f"When values are known: {reason or 'not declared'}."
    return f"Names, roles, units and time of knowledge stand in dataset.json. {said}"


def _sample_size(known: Known) -> str:
    rows, patients = known.metrics.rows, known.metrics.patients
    events = known.dataset.split.events
    cases = (
        f" Cases: {_count(events['all'])}, of them {_count(events['test'])} among those who judge." if events else ""
    )
    return (
        f"All rows available: {patients['train']:,} patients ({rows['train']:,} rows) train a member, "
        f"{patients['validation']:,} validate it, {patients['test']:,} ({rows['test']:,} rows) judge.{cases}"
    )


def _count(rows: int) -> str:
    return f"{rows:,}" if rows == 0 or rows >= FEWEST_PATIENTS else f"fewer than {FEWEST_PATIENTS}"


def _missing(known: Known) -> str:
    features = [c for c in known.dataset.columns if c.role in ("numeric", "categorical", "boolean")]
    lacking = sorted((c for c in features if c.missing_share > 0), key=lambda c: -c.missing_share)
    if not lacking:
        return "No predictor has missing values."
    most = ", ".join(f"{c.name} {c.missing_share:.1%}" for c in lacking[:6])
    return (
        f"{len(lacking)} of {len(features)} predictors have missing values (most: {most}). They become the median (0 "
        "where unscaled) and an indicator, or a level of their own; rows without outcome are left out."
    )


# Where no column tells patients: only that rows were not shared is known.
ONE_ROW_EACH = "No row is on two sides; no column tells patients, so that whether one has several rows was not checked."


def _partition(known: Known) -> str:
    split = known.dataset.split
    use = "; ".join(f"{what}: {rows}" for what, rows in known.plan.rows_that.items())
    sides = "No patient is on two sides." if known.dataset.group else ONE_ROW_EACH
    return f"{split.how.capitalize()} (seed {split.seed}). {sides} Which rows do what: {use}."


def _handling(known: Known) -> str:
    spread = known.plan.main.number_embedding
    how = "as they are" if spread == "none" else f"as they are and as learned {spread} embeddings of each"
    return f"Prepared numbers enter {how}; no interaction is written by hand."


def _building(known: Known) -> str:
    plan, metrics, tried = known.plan.main, known.metrics, known.metrics.rounds
    widths = "-".join(map(str, plan.hidden)) if plan.network != "linear" else "no hidden layer"
    described = f"{plan.network}, {widths}, {plan.activation}"
    if plan.network == "keras":
        described = "a Keras model of the user's own"
    remedies = (
        f" {tried.remedies_tried} remedies were tried against controls, {tried.remedies_kept} kept." if tried else ""
    )
    return (
        f"Average of {metrics.members} neural networks ({described}; "
        f"{plan.optimizer}, {plan.schedule} schedule, {plan.epochs} epochs, batch {plan.batch_size}), "
        f"configurations compared on validation folds: {metrics.configurations_tried}.{remedies} plan.json holds "
        "every choice and its reason."
    )


def _measures(known: Known) -> str:
    names = ", ".join(known.metrics.test)
    base = ", ".join(known.metrics.baselines)
    return (
        f"{names}, with 95 % intervals over patients; calibration, decision curves or interval coverage; "
        f"compared on the same patients with: {base}. Main metric: {known.metrics.main_metric}."
    )


def _updating(known: Known) -> str:
    record = known.evidence and known.evidence.recalibration
    if not record:
        return ""
    if record.kept == "none":
        return f"No recalibration was applied: {record.reason or _none_kept(record)}."
    applied = "applied to every prediction" if record.applied else "not applied"
    return f"A {record.kept} recalibration helped on validation patients it was not fitted on; it is {applied}."


def _none_kept(record: RecalibrationRecord) -> str:
    reasons = {tried.not_tried for tried in record.tried.values()}
    few = reasons and all(reasons)
    return f"too few patients to fit one ({'; '.join(sorted(reasons))})" if few else "none helped"


def _calculation(known: Known) -> str:
    return (
        "By the model of the run folder (rounds predict RUN DATA); model/description.json says its equations in words."
    )


def _imbalance(known: Known) -> str:
    weights = known.plan.main.class_weights
    return "No resampling and no class weights." if weights == "none" else f"Class weights: {weights}."


def _fairness(known: Known) -> str:
    if known.evidence is None or not known.evidence.subgroups.columns:
        return ""
    columns = ", ".join(known.evidence.subgroups.columns)
    return f"Performance was compared between groups of {columns}; nothing was done to equalise it."


def _output(known: Known) -> str:
    statistic = known.metrics.statistic
    words = {"probability": "a probability", "rate": "an expected count"}.get(statistic, f"the {statistic}")
    decisions, tail = known.evidence and known.evidence.decisions, ""
    if decisions and decisions.outputs:
        on = decisions.chosen_on or "validation patients"
        tail = f" Thresholds were chosen on {on}, for stated sensitivities, shares of right alerts and alert loads."
    return f"{words.capitalize()} of {outcome_name(known)}.{tail}"


def _differences(known: Known) -> str:
    kind = known.metrics.test_kind
    same = "Patients who judge come from the same table as those of training"
    return {
        "given": "Patients who judge come from a table of their own.",
        "held-out": f"{same} ({known.dataset.split.how}).",
        "out-of-fold": f"{same}: every patient is judged by networks that never saw them.",
    }.get(kind, "")


def _code(known: Known) -> str:
    return f"Rounds {known.metrics.versions['rounds']} (Apache-2.0); versions and seeds stand in this card."


def _flow(known: Known) -> str:
    record = known.evidence and known.evidence.flow
    if not record:
        return _sample_size(known)
    parts = "; ".join(f"{n}: {p.patients:,} patients, {p.rows:,} rows" for n, p in record.parts.items())
    left = "; ".join(f"{_count(e.rows)} rows ({e.reason})" for e in record.excluded) or "none"
    return f"{record.rows_read:,} rows read; left out: {left}; {parts}."


def _who(known: Known) -> str:
    rows = known.evidence and known.evidence.characteristics
    return "Table 1 stands in evidence.json and in the report, with missing values by part." if rows else ""


def _specification(known: Known) -> str:
    parameters = known.plan.parameters
    count = f" with {' and '.join(f'{p:,}' for p in parameters)} weights each" if parameters else ""
    return f"model/: {known.metrics.members} networks{count} as plain arrays and JSON, with checksums in this card."


def _performance(known: Known) -> str:
    scores = "; ".join(f"{name} {_interval(score)}" for name, score in known.metrics.test.items())
    groups, difference = known.evidence and known.evidence.subgroups, known.metrics.difference
    tail = f" Subgroups ({groups.comparisons} comparisons) stand in evidence.json." if groups and groups.columns else ""
    against = f" {difference.metric} {gain_in_words(difference, difference.baseline)}." if difference else ""
    return f"On patients who judge: {scores}.{against}{tail}"


def _interval(score: Estimate) -> str:
    """
    >>> _interval(Estimate(value=0.8123, low=0.75, high=0.9))
    '0.812 (95 % 0.75 to 0.9)'
    """
    return f"{score.value:.3g} (95 % {score.low:.3g} to {score.high:.3g})"


def _reading(known: Known) -> str:
    verdict = known.findings.verdict
    answers = {
        "Can the number be believed": verdict.believable,
        "Was it trained well": verdict.well_trained,
        "Was it worth it": verdict.worth_it,
    }
    return " ".join(f"{words}: {said.answer} ({said.reason})." for words, said in answers.items())


def _limits(known: Known) -> str:
    warned = [f.explanation for f in known.findings.findings if f.severity != "note" and f.code != "healthy"]
    unchecked = [n.code for n in known.findings.not_applicable]
    earlier_use = known.metrics.ledger.times_before
    again = [f"These rows judged {earlier_use} runs before."] if earlier_use else []
    simulated = ["The patients are simulated."] if known.dataset.simulated else []
    tail = [f"Not checked: {', '.join(unchecked)}."] if unchecked else []
    return " ".join([*simulated, *warned[:6], *again, *tail])


def _bad_input(known: Known) -> str:
    return (
        "A missing column counts as missing in every row and is said; unseen levels, values out of range and drift are "
        "counted and said with each prediction; a value of another type is refused."
    )


ITEMS: tuple[Item, ...] = (
    Item("1", "Title", "Title", _title, "Name the population."),
    Item("2", "Abstract", "Structured abstract", _unknown, "Write the abstract."),
    Item("3a", "Introduction", "Clinical context and existing models", _unknown, "Say why this model, beside which."),
    Item("3b", "Introduction", "Target population, purpose, users", _unknown, "Say for whom, where, used by whom."),
    Item(
        "3c", "Introduction", "Known health inequalities", _unknown, "Say which are known between groups of patients."
    ),
    Item("4", "Introduction", "Objectives", _purpose, ""),
    Item("5a", "Methods", "Sources of data", _sources, "Say how the data came about and whom it represents."),
    Item("5b", "Methods", "Dates", _dates, "Give start and end of accrual, and of follow-up."),
    Item("6a", "Methods", "Setting", _unknown, "Give the setting, number and place of centres."),
    Item("6b", "Methods", "Eligibility", _eligibility, "Say who was eligible before the file was made."),
    Item("6c", "Methods", "Treatments", _unknown, "Say which treatments were given and how they are handled."),
    Item("7", "Methods", "Data preparation", _preparation, "Say what was done before the file was made."),
    Item("8a", "Methods", "Outcome", _outcome, "Define it: horizon, how and when it was assessed."),
    Item("8b", "Methods", "Outcome assessors", _unknown, "If judged by people: who, with which training."),
    Item("8c", "Methods", "Blinding of the outcome", _unknown, "Say whether assessors knew the predictors."),
    Item("9a", "Methods", "Choice of predictors", _candidates, "Say why these columns were collected."),
    Item("9b", "Methods", "Definition of predictors", _predictors, "Define how and when each was measured."),
    Item("9c", "Methods", "Predictor assessors", _unknown, "If judged by people: who, with which training."),
    Item("10", "Methods", "Sample size", _sample_size, "Justify the size."),
    Item("11", "Methods", "Missing data", _missing, "Say why values are missing."),
    Item("12a", "Methods", "Use and partition of the data", _partition, ""),
    Item("12b", "Methods", "Handling of predictors", _handling, ""),
    Item("12c", "Methods", "Model, building and internal validation", _building, ""),
    Item("12d", "Methods", "Heterogeneity across clusters", _unknown, "Say whether centres differ: --subgroup CENTRE."),
    Item("12e", "Methods", "Measures of performance", _measures, ""),
    Item("12f", "Methods", "Model updating", _updating, ""),
    Item("12g", "Methods", "How predictions are calculated", _calculation, ""),
    Item("13", "Methods", "Class imbalance", _imbalance, ""),
    Item("14", "Methods", "Fairness", _fairness, "Say which approach to fairness was taken, and why."),
    Item("15", "Methods", "Model output", _output, "Say which threshold care will use, and why."),
    Item("16", "Methods", "Training against evaluation", _differences, "Name differences in setting and outcome."),
    Item("17", "Methods", "Ethical approval", _unknown, "Name the committee, approval and consent."),
    Item("18a", "Open science", "Funding", _unknown, "Name funders and their role."),
    Item("18b", "Open science", "Conflicts of interest", _unknown, "Declare them."),
    Item("18c", "Open science", "Protocol", _unknown, "Say where the protocol is, or that there is none."),
    Item("18d", "Open science", "Registration", _unknown, "Give the register and number, or say there is none."),
    Item("18e", "Open science", "Data sharing", _unknown, "Say where the data is and under which licence."),
    Item("18f", "Open science", "Code sharing", _code, "Say where the code of this study is."),
    Item("19", "Patients and public", "Involvement", _unknown, "Say how patients and public were involved."),
    Item("20a", "Results", "Flow of participants", _flow, "Give follow-up times."),
    Item("20b", "Results", "Characteristics", _who, "Add dates and treatments by source."),
    Item("20c", "Results", "Comparison with development data", _unknown, "For new data: rounds evaluate RUN DATA."),
    Item("21", "Results", "Participants and events of each analysis", _sample_size, ""),
    Item("22", "Results", "Full model", _specification, "Say where the model can be had."),
    Item("23a", "Results", "Performance", _performance, ""),
    Item("23b", "Results", "Heterogeneity of performance", _unknown, "If centres were compared: give it."),
    Item("24", "Results", "Results of updating", _updating, ""),
    Item("25", "Discussion", "Interpretation", _reading, "Interpret it, with fairness and other studies."),
    Item("26", "Discussion", "Limitations", _limits, "Add what the data cannot show."),
    Item("27a", "Discussion", "Poor or missing input in use", _bad_input, "Say what staff should do then."),
    Item("27b", "Discussion", "Interaction and expertise of users", _unknown, "Say what users need to do and know."),
    Item("27c", "Discussion", "Next steps", _unknown, "Name next steps: validation elsewhere, and in time."),
)
