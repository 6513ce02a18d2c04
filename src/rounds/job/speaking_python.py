"""Errors in the words of Python: `target=` where the command line says --target."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from rounds.errors import RoundsError


@contextmanager
def speaking_python() -> Iterator[None]:
    """While open, errors speak of arguments: `target=` where the command line says --target."""
    try:
        yield
    except RoundsError as error:
        words = in_python(str(error))
        if words == str(error):
            raise
        spoken = type(error)(words)
        vars(spoken).update(vars(error))
        raise spoken from error.__cause__


# Words after an option that belong to the sentence and not to it.
_SENTENCE = {"must", "or", "and", "where", "to", "out", "with", "say", "by", "needs", "is", "if", "for"}
_SENTENCE |= {"removed", "fits"}
_OPTION = re.compile(r"--([a-z][a-z-]*)(?: ([A-Za-z0-9_.*|-]+(?:=[^\s,;]*[^\s,;.])?))?")
_SEVERAL, _FLAGS = ("allow", "drop", "known", "subgroup"), ("resume", "skip-bad", "allow-code", "show-images", "quiet")


def in_python(message: str) -> str:
    """A message of the command line in the words of Python.

    >>> in_python("Choose the column with --group ID, or --group none; leave it out with --drop age")
    'Choose the column with group="ID", or group="none"; leave it out with drop=["age"]'
    >>> in_python("lower --set folds, or add --resume")
    'lower folds, or add resume=True'
    """
    return _OPTION.sub(_argument, message)


def _argument(found: re.Match[str]) -> str:
    option, value = found[1], (found[2] or "").rstrip(".")
    rest = (found[2] or "")[len(value) :]
    name = {"as": "as_"}.get(option, option.replace("-", "_"))
    if option in _FLAGS:
        return f"{name}=True{f' {value}' if value else ''}{rest}"
    if not value or value in _SENTENCE:
        return f"{name}{f' {value}' if value else ''}{rest}"
    if option == "set":
        return f"{value}{rest}"
    if option == "as":
        column, _, role = value.partition("=")
        return f'{name}={{"{column}": "{role}"}}{rest}'
    if option in _SEVERAL:
        return f'{name}=["{value}"]{rest}'
    return f"{name}={value if value.isdigit() else chr(34) + value + chr(34)}{rest}"
