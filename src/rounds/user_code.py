"""Code of the user's own, named by import path: imported only when the user says so."""

import importlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from rounds.errors import PlanError, RunFolderError

_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
ALLOW = "Look at that module, then add --allow-code (in Python: Request(allow_code=True), or with code_allowed():)"


def is_import_path(text: object) -> bool:
    """Whether a plan's value names something outside Rounds, as module:name.

    >>> is_import_path("my_hospital.losses:focal"), is_import_path("mse"), is_import_path("constant:-20")
    (True, False, False)
    """
    return isinstance(text, str) and _PATH.fullmatch(text) is not None


def refuse_code(fields: Mapping[str, Any], allowed: bool) -> None:
    """Raises PlanError for the first field that names code to import, unless the user allowed it."""
    for name, value in fields.items():
        for one in value if isinstance(value, tuple | list) else (value,):
            if is_import_path(one) and not allowed:
                raise PlanError(name, "a name of Rounds's own unless code is allowed", got=one, advice=ALLOW)


def refuse_modules(paths: Sequence[str], allowed: bool) -> None:
    """Raises RunFolderError for a saved model that names code to import, unless the user allowed it."""
    if paths and not allowed:
        modules = sorted({path.partition(":")[0] for path in paths})
        expected = "of Keras's own layers unless code is allowed"
        raise RunFolderError("Model", expected, name="modules", got=modules, advice=ALLOW)


_allowed: ContextVar[bool] = ContextVar("code of the user's own may be imported", default=False)


@contextmanager
def code_allowed(allowed: bool = True) -> Iterator[None]:
    """While open, models may be loaded whose layers come from modules of the user's own.

    >>> with code_allowed():
    ...     is_code_allowed()
    True
    """
    token = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(token)


def is_code_allowed() -> bool:
    return _allowed.get()


def other_backend(name: str) -> PlanError:
    """The error that says how to set the backend of Keras."""
    advice = "Set it before Keras is imported: export KERAS_BACKEND=jax in the shell, or in Python, first of all, "
    advice += 'import os; os.environ["KERAS_BACKEND"] = "jax"'
    return PlanError("Keras backend", "jax", name="KERAS_BACKEND", got=name, advice=advice)


def import_named(path: str, what: str) -> Any:
    """What module:name names; the working folder is searched first. what: the plan's field, for the error.

    >>> import_named("math:floor", "activation")(1.5)
    1

    Raises PlanError where the module cannot be imported or has no such name.
    """
    module, _, name = path.partition(":")
    try:
        with working_folder_first():
            return getattr(importlib.import_module(module), name)
    except Exception as error:  # a module of the user's may fail in any way
        reason = f"{path} ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        advice = "Write module:name of something that Python can import from here"
        raise PlanError(what, "importable", got=reason, advice=advice) from error


@contextmanager
def working_folder_first() -> Iterator[None]:
    """While open, modules of the working folder can be imported, whatever the command was started from."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
