"""What keeps the scores of new patients from being believed as they stand, in words."""

from rounds.errors import nearest
from rounds.evaluation.new_patients import NewPatients
from rounds.evaluation.record import Evaluation
from rounds.metrics import unjudged_targets
from rounds.prediction.predictor import Predictor
from rounds.statistics.small_cells import FEWEST_PATIENTS

# Patients below which a score says next to nothing, and is given with that word. Collins et al. 2016 (Statistics in
# Medicine 35) ask for 100 events to validate a model; a hundred patients are less than that.
FEW_PATIENTS, FEW_EVENTS = 100, 100
MOST_NAMED = 10  # columns named in one sentence


def limitations(record: Evaluation, predictor: Predictor, new: NewPatients) -> list[str]:
    """What keeps these scores from being believed as they stand, most serious first."""
    found = [*_absent_words(record, new), *_overlap_words(record), *_size_words(record, predictor, new)]
    group = next((c.name for c in predictor.columns if c.role == "group"), None)
    if group is not None and new.named is None:
        found.append(
            f"The patient column {group} is not in the table: every row counts as another patient, and intervals are "
            "too narrow if patients repeat."
        )
    if new.left_out:
        found.append(f"{new.left_out:,} rows without outcome were left out.")
    return found


def _absent_words(record: Evaluation, new: NewPatients) -> list[str]:
    """Columns that the networks read and the table does not have, with what they may be called there."""
    absent = [note.column for note in record.notes if note.kind == "absent"]
    if not absent:
        return []
    shown = ", ".join(absent[:MOST_NAMED]) + (", ..." if len(absent) > MOST_NAMED else "")
    hint = nearest(absent[0], [name for name in new.table.columns if name not in new.inputs.columns])
    hint += "" if hint.endswith("?") else "."
    return [f"Columns that the networks read are not in the table, and count as missing in every row: {shown}. {hint}"]


def _overlap_words(record: Evaluation) -> list[str]:
    overlap = record.overlap
    if overlap.development is None:
        return [f"Whether these patients were in the training table was not looked at: {overlap.reason}."]
    rows, total = overlap.development.rows, record.rows_read
    if not rows:
        return []
    who = "their patients were" if overlap.compared == "patient" else "rows of the same values were"
    if rows == total:
        return [f"All {total:,} rows were in training ({who} learned from): these scores say nothing of new patients."]
    said = f"{rows:,} of {total:,} rows were in training ({who} learned from)"
    if record.with_overlap is None:
        return [f"{said}, and too few others are left to be scored by themselves."]
    return [f"{said}: the scores are of the {record.rows:,} others."]


def _size_words(record: Evaluation, predictor: Predictor, new: NewPatients) -> list[str]:
    found = []
    if record.patients < FEW_PATIENTS:
        found.append(f"Only {record.patients} patients: intervals are wide and calibration can hardly be judged.")
    task = predictor.task
    if same := unjudged_targets(task, new.targets):
        metrics = "discrimination and calibration slope are" if task.is_classification else "r2 is"
        shown = ", ".join(same[:5])
        found.append(f"All rows have the same outcome for {shown}: {metrics} not defined there.")
    elif task.kind == "binary":
        events = int(min(new.targets.sum(), len(new.targets) - new.targets.sum()))
        if events < FEW_EVENTS:
            shown = f"fewer than {FEWEST_PATIENTS}" if events < FEWEST_PATIENTS else f"only {events}"
            found.append(
                f"{shown.capitalize()} rows of the rarer outcome: {FEW_EVENTS} are wanted to validate a model."
            )
    return found
