"""`FILE.py:function`: a user's own file, run because the user names it, and what a check needs from it.

FILE.py defines

- ``function(inputs)``: one number from a dictionary of arrays;
- ``function_inputs`` or ``inputs``: that dictionary, or a function without arguments that makes it;
- ``function_gradient`` or ``gradient``: takes the same dictionary, gives one array under each of its names. Where it is
  missing, the gradient that JAX derives is taken, with the custom rules (`jax.custom_vjp`) of the file.

Where the name is that of a Keras model, FILE.py defines ``model_batch`` or ``batch``, a pair of inputs and targets, and
may define ``model_loss`` or ``loss``, a function of targets and outputs.
"""

import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from rounds.errors import nearest
from rounds.graph.subjects.keras_model import UserModel, is_keras_model
from rounds.graph.tape.function import FunctionError, place_in_file


@dataclass(frozen=True)
class UserFunction:
    """A function with the inputs it is looked at with, and its hand-written gradient where there is one."""

    name: str
    function: Callable[..., Any]
    inputs: Mapping[str, Any]
    gradient: Callable[..., Any] | None


def read_function(where: str) -> UserFunction:
    """Runs the file of ``FILE.py:function`` and picks out function, inputs and gradient.

    Raises FunctionError where the file is missing or fails, or one of the three is not there or not what it must be.
    """
    path, name = _parts(where)
    return _function(_run(path), path, name)


def _function(module: ModuleType, path: Path, name: str) -> UserFunction:
    function = _named(module, path, name)
    if is_keras_model(function):
        advice = f"Write the loss as a function of a dictionary of its weights; `rounds graph {path}:{name}` shows it"
        raise FunctionError("function", "a function", name=name, got="a Keras model", advice=advice)
    return UserFunction(name, function, _inputs(module, path, name), _gradient(module, name))


def read_model_function(where: str) -> UserModel | UserFunction:
    """As `read_function`, or the Keras model of that name with its batch and loss."""
    path, name = _parts(where)
    module = _run(path)
    found = getattr(module, name, None)
    if not is_keras_model(found):
        return _function(module, path, name)
    batch, loss = _first(module, f"{name}_batch", "batch"), _first(module, f"{name}_loss", "loss")
    if batch is None:
        advice = f"Write {name}_batch = (x, y), a few rows of arrays"
        raise FunctionError(f"{path.name} must define a batch for {name}, got no {name}_batch and no batch. {advice}.")
    return UserModel(name, found, batch, loss)


def read_named(where: str) -> Any:
    """Runs the file of ``FILE.py:NAME`` and gives what has that name: a Keras model, or what a function of it makes.

    Raises FunctionError where the file is missing or fails, or has no such name.
    """
    path, name = _parts(where)
    found = _named(_run(path), path, name)
    if is_keras_model(found):
        return found
    try:
        return found()
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}{place_in_file(error)}"
        advice = "Name a Keras model, or a function without arguments that makes one"
        raise FunctionError("model", "a Keras model", name=name, got=reason, advice=advice) from error


def _parts(where: str) -> tuple[Path, str]:
    file, colon, name = where.rpartition(":")
    if not colon or not file.endswith(".py") or not name.isidentifier():
        advice = "Write the file, a colon, and the name of the function in it"
        raise FunctionError("function", "FILE.py:function", got=where, advice=advice)
    if not Path(file).is_file():
        raise FunctionError("file", "a Python file that is there", file=file, advice="Check the path")
    return Path(file), name


def _run(path: Path) -> ModuleType:
    """The file as a module; its folder is searched for its own imports while it runs."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}{place_in_file(error)}"
        advice = f"Run `python {path}` to see the whole error"
        raise FunctionError(
            "file", "a Python file that runs", name=str(path.name), got=reason, advice=advice
        ) from error
    finally:
        sys.path.remove(folder)
    return module


def _named(module: ModuleType, path: Path, name: str) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if callable(found):
        return found
    known = [key for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")]
    advice = nearest(name, known) if known else "Define it"
    raise FunctionError("function", f"a function of {path.name}", got=name, advice=advice)


def _inputs(module: ModuleType, path: Path, name: str) -> Mapping[str, Any]:
    found = _first(module, f"{name}_inputs", "inputs")
    if found is None:
        advice = (
            f'Write {name}_inputs = {{"w": np.ones(3)}}, or a function {name}_inputs() that gives such a dictionary'
        )
        raise FunctionError(
            f"{path.name} must define the inputs of {name}, got no {name}_inputs and no inputs. {advice}."
        )
    if not callable(found):
        return found
    try:
        return found()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}{place_in_file(error)}"
        advice = "It is called without arguments and gives a dictionary of arrays"
        raise FunctionError(f"inputs of {name}", "a dictionary", name="inputs", got=reason, advice=advice) from error


def _gradient(module: ModuleType, name: str) -> Callable[..., Any] | None:
    found = _first(module, f"{name}_gradient", "gradient")
    if found is None or callable(found):
        return found
    advice = "Write it as a function of the inputs that gives a dictionary of arrays"
    raise FunctionError(f"gradient of {name}", "a function", name="gradient", got=type(found).__name__, advice=advice)


def _first(module: ModuleType, *names: str) -> Any:
    return next((getattr(module, name) for name in names if getattr(module, name, None) is not None), None)
