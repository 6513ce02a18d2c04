"""One tree of errors; the command line turns each into one line on standard error and an exit status."""

_UNSAID = object()


class RoundsError(Exception):
    """Anything Rounds says no to: what must be, what was got, and what to do, as one sentence and as fields.

    what: the thing that is wrong, or the whole sentence where `expected` is left out; expected: what it must be; got:
    what it is; name: what the user knows it by (left out where that is the column, or `what`); file, column, row: where
    it stands, as far as it is known (rows count from 1); advice: what to do, a sentence.

    >>> str(PlanError("learning_rate", "a number > 0", got=-1, advice="Give a positive number"))
    'learning_rate must be a number > 0, got learning_rate=-1. Give a positive number.'
    >>> wrong = DataError("Outcome", "a number", got="old", file="stays.csv", column="age", row=7)
    >>> str(wrong), wrong.row
    ("Outcome must be a number, got age='old', row=7, file='stays.csv'.", 7)
    """

    exit_status = 2

    def __init__(
        self,
        what: str,
        expected: str = "",
        *,
        name: str = "",
        got: object = _UNSAID,
        file: str | None = None,
        column: str | None = None,
        row: int | None = None,
        advice: str = "",
    ):
        self.what, self.expected, self.advice = what, expected, advice
        self.got = None if got is _UNSAID else got
        self.file, self.column, self.row = file, column, row
        where: dict[str, object] = {"row": row, "column": column, "file": file}
        found = {key: value for key, value in where.items() if value is not None}
        if got is not _UNSAID:
            found = {name or str(found.pop("column", what)): got} | found
        super().__init__(_sentence(what, expected, found, advice) if expected else what)


def _sentence(what: str, expected: str, found: dict[str, object], advice: str) -> str:
    got = ", ".join(f"{name}={value!r}" for name, value in found.items())
    sentence = f"{what} must be {expected}" + (f", got {got}" if got else "") + "."
    if advice:
        sentence += f" {advice.rstrip('.')}" + ("" if advice.endswith("?") else ".")
    return sentence


class DataError(RoundsError):
    """The table, image folder or recording cannot be used as it is; names file, column and row where it can."""


class PlanError(RoundsError):
    """A plan field has an unknown name, a wrong type, or a value that cannot run."""


class RunFolderError(RoundsError):
    """A run folder is missing, belongs to other data, or holds a file that is damaged."""


class BrokenOffError(RunFolderError):
    """A run that had begun cannot be written any further: its disk is full, or its folder was deleted."""

    exit_status = 1


class ForcedChoiceError(RoundsError):
    """The data allows two readings with different results, and the user has to say which."""


class TrainingError(RoundsError):
    """Training itself failed (no member gave a finite prediction, the disk filled up)."""

    exit_status = 1


class RunInterruptedError(RoundsError):
    """The user, a cluster or a closed terminal ended a run, which goes on from where it was."""

    exit_status = 130


class DrawingError(RoundsError):
    """A figure cannot be drawn here, though all that it shows is there."""

    exit_status = 1


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
