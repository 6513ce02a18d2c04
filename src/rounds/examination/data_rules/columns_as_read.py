"""What was read otherwise than it is written, or taken for something else than its values alone say."""

from rounds.data.roles.read_columns import column_notes
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.finding import Seen
from rounds.examination.rule import Judged, Rule

LINES = 6  # that the explanation has; the record has all


def _not_as_meant(evidence: DataEvidence) -> Judged:
    dataset = evidence.dataset
    columns = [column for column in dataset.columns if column.said]
    lines = [*(f"{note.rstrip('.')}." for note in dataset.provenance.read), *column_notes(columns)]
    if not lines:
        return None
    left_open = [
        column.name for column in columns if column.role in ("date", "dropped") and column.reason in column.said
    ]
    more = f" And {len(lines) - LINES:,} more." if len(lines) > LINES else ""
    return Seen(
        "warning" if left_open else "note",
        f"Read so, which nobody but you can confirm: {' '.join(lines[:LINES])}{more}",
        {"columns": [column.name for column in columns], "left_open": left_open, "said": lines},
        0.9,
    )


COLUMN_NOT_AS_MEANT = Rule(
    "column-not-as-meant",
    "Columns were read otherwise than they are written",
    "data",
    _not_as_meant,
    how="Every column of text is offered to readers of numbers, dates, pairs and levels; what they change is counted, "
    "and what only the user can decide is asked. Whole numbers that name something, and codes that may mean missing, "
    "are recognised by name and by shape.",
    why="A laboratory value read as a category, or a code read as a number, costs more than any choice of a plan.",
    remedies=(
        "look at `rounds data FILE`, and say otherwise with --as COL=ROLE or a roles file",
        "--dates and --decimal say what a file leaves open",
    ),
    place=130,
    check="Columns read as they are written",
)
