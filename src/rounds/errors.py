"""One tree of errors; the command line turns each into one line on standard error and an exit status."""


class RoundsError(Exception):
    """Anything Rounds says no to; the text is ``"<what> must be <expected>, got <name>=<value>. <what to do>."``"""

    exit_status = 2


class DataError(RoundsError):
    """The table, image folder or recording cannot be used as it is; names file, column and row where it can."""


class PlanError(RoundsError):
    """A plan field has an unknown name, a wrong type, or a value that cannot run."""


class RunFolderError(RoundsError):
    """A run folder is missing, belongs to other data, or holds a file that is damaged."""


class ForcedChoiceError(RoundsError):
    """The data allows two readings with different results, and the user has to say which."""


class TrainingError(RoundsError):
    """Training itself failed (no member gave a finite prediction, the disk filled up)."""

    exit_status = 1


class DrawingError(RoundsError):
    """A figure cannot be drawn here, though all that it shows is there."""

    exit_status = 1


def must_be(what: str, expected: str, name: str, value: object, advice: str) -> str:
    """The one shape of an error text.

    >>> must_be("learning_rate", "a number > 0", "learning_rate", -1, "Give a positive number")
    'learning_rate must be a number > 0, got learning_rate=-1. Give a positive number.'
    """
    end = "" if advice.endswith("?") else "."
    return f"{what} must be {expected}, got {name}={value!r}. {advice.rstrip('.')}{end}"


def nearest(name: str, known: list[str]) -> str:
    """A hint that names the closest known name, or lists them.

    >>> nearest("targt", ["target", "age"])
    'Did you mean target?'
    >>> nearest("age", ["stage", "AGE"])
    'Did you mean AGE?'
    """
    import difflib

    if same := [other for other in known if other.lower() == name.lower()]:
        return f"Did you mean {same[0]}?"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]}?"
    shown = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
    return f"Known names: {shown}"
