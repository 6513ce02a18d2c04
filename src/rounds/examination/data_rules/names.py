"""Names that say what a column holds: an outcome, or something that only the end of a stay tells."""

import re
from collections.abc import Iterable

# Words of outcomes by what they are about: death, length of stay and discharge, coming back, and what follows.
FAMILIES: dict[str, re.Pattern[str]] = {
    "death": re.compile(
        r"^(died?|dead|death|deaths|deathtime|dod|deceased|decease|mortality|mort|expired?|exitus|autopsy|surviv\w*|alive|"
        r"fatal\w*|lethal\w*)$"
    ),
    "stay": re.compile(r"^(los|stay|lengthofstay|discharged?|disch|dischtime|dispo|disposition|outtime)$"),
    "return": re.compile(r"^(readmit\w*|readmission\w*|rehospitali\w*)$"),
    "later": re.compile(r"^(outcomes?|followup|endpoint|prognosis)$"),
}
# Words that put a column before the stay, or make it somebody's guess: "prior_los", "mortality_risk".
_BEFORE = re.compile(
    r"^(prior|previous\w*|prev|past|history|hx|last|before|earlier|since|family|father|mother|parent\w*|expected|predicted|"
    r"risk|score|prob\w*|planned)$"
)
_PHRASES = {"length of stay": "stay", "time in hospital": "stay", "days in hospital": "stay", "follow up": "later"}
# Words that two columns share without being about the same.
_COMMON = re.compile(
    r"^(time|date|days?|hours?|minutes?|years?|months?|values?|number|count|total|mean|max|min|minimum|maximum|first|"
    r"last|score|rate|level|index|type|code|group|class|status|flag|the|has|was)$"
)
_FEWEST_LETTERS = 3


def name_words(name: str) -> tuple[str, ...]:
    """Lower-case words of a column's name, however they are joined.

    >>> name_words("HoursToDeath"), name_words("discharge_location 2")
    (('hours', 'to', 'death'), ('discharge', 'location', '2'))
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(re.findall(r"[a-z]+|\d+", spaced.lower()))


def outcome_family(name: str) -> str | None:
    """What kind of outcome a column is named like; None where it is not, or where it speaks of the time before.

    >>> [outcome_family(n) for n in ("hours_to_death", "length_of_stay", "prior_los", "age")]
    ['death', 'stay', None, None]
    """
    words = name_words(name)
    if any(_BEFORE.match(word) for word in words):
        return None
    joined = " ".join(words)
    for phrase, family in _PHRASES.items():
        if phrase in joined:
            return family
    return next((f for f, pattern in FAMILIES.items() if any(pattern.match(word) for word in words)), None)


def outcome_names(names: Iterable[str]) -> list[str]:
    """Those that are named like an outcome.

    >>> outcome_names(["age", "died_30d", "discharge_location"])
    ['died_30d', 'discharge_location']
    """
    return [name for name in names if outcome_family(name)]


def same_subject(name: str, target: str) -> bool:
    """Whether a column's name speaks of what the target's speaks of: the same kind of outcome, or a word of its own.

    >>> same_subject("los_hours", "length_of_stay"), same_subject("bp_24h", "age")
    (True, False)
    """
    family = outcome_family(name)
    if family is not None and family == outcome_family(target):
        return True
    shared = set(name_words(name)) & set(name_words(target))
    return any(len(word) >= _FEWEST_LETTERS and word.isalpha() and not _COMMON.match(word) for word in shared)
