"""Columns that name people or say how to reach them: what a network reads of them goes into the model's files."""

from rounds.data.roles.personal import MOST_VALUES, NAMED_SHARE, personal_kind
from rounds.examination.data_rules.evidence import DataEvidence
from rounds.examination.finding import Seen, Threshold
from rounds.examination.rule import Judged, Rule

SHAPE = Threshold("values of a person's shape", MOST_VALUES, "share of a column's different values")
GIVEN = Threshold("texts with a given name", NAMED_SHARE, "share of a column's different values")
SHOWN = 5  # columns that are named in the sentence


def _names_of_people(evidence: DataEvidence) -> Judged:
    dataset = evidence.dataset
    read = {c.name: personal_kind(dataset.inputs[c.name]) for c in dataset.features if not c.engineered}
    passed = {name: personal_kind(dataset.cohort.identifiers[name]) for name in dataset.cohort.identifiers.columns}
    features, others = ({n: kind for n, kind in some.items() if kind} for some in (read, passed))
    found = features or {n: kind for n, kind in others.items() if n not in read}
    if not found:
        return None
    named = ", ".join(f"{name} ({kind})" for name, kind in list(found.items())[:SHOWN])
    what = "Networks read" if features else "Passed through to predictions, and read by no network, are"
    return Seen(
        "warning" if features else "note",
        f"{what} columns that name people: {named}.",
        {"columns": list(found), "kinds": sorted(set(found.values()))},
        0.9,
    )


NAMES_OF_PEOPLE = Rule(
    "names-of-people",
    "Columns that name people",
    "data",
    _names_of_people,
    how="Columns are recognised by the shape of their values and by their names: names of people, phone numbers, "
    "addresses, e-mail, dates of birth.",
    why="Levels of ten patients and more are written into the model: names go with it wherever it is copied.",
    remedies=("leave the column out (--drop)", "give codes in place of names"),
    thresholds=(SHAPE, GIVEN),
    place=130,
    check="No names of people among the columns",
)
