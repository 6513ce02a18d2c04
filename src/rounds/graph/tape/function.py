"""A user's own function and gradient as checked callables: what they must take and give, said in one line each."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rounds.errors import RoundsError

Arrays = Mapping[str, np.ndarray]


class FunctionError(RoundsError):
    """A user's function, gradient or inputs are not what a graph or a gradient check can work with."""


def checked_inputs(inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The inputs as float64 arrays by name; raises FunctionError for what has no gradient (integers, complex, nan).

    >>> checked_inputs({"w": [1.0, 2.0]})["w"].dtype
    dtype('float64')
    """
    if not isinstance(inputs, Mapping) or not inputs:
        advice = 'Write inputs = {"w": np.ones(3)}'
        raise FunctionError("inputs", "a dictionary of arrays by name", got=_kind(inputs), advice=advice)
    return {str(name): _checked_input(str(name), value) for name, value in inputs.items()}


def _checked_input(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if not _is_real_float(array):
        advice = "Give an array of floating numbers; what is not differentiated belongs outside of the inputs"
        raise FunctionError(f"input {name}", "real floating numbers", name="dtype", got=str(array.dtype), advice=advice)
    if array.size == 0:
        raise FunctionError(
            f"input {name}", "an array with entries", name="shape", got=array.shape, advice="Give some numbers"
        )
    if not np.isfinite(array).all():
        advice = "There is no slope at a missing or infinite number: replace it"
        raise FunctionError(
            f"input {name}", "finite everywhere", name="values", got=_first_unfinite(array), advice=advice
        )
    return array.astype(np.float64)


def _is_real_float(array: np.ndarray) -> bool:
    # Short floats of machine learning (bfloat16) are not NumPy's own: their kind is "V", their name says it.
    return array.dtype.kind == "f" or "float" in array.dtype.name


def _first_unfinite(array: np.ndarray) -> str:
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    return f"{array[place]} at {list(place)}"


def make_loss(function: Callable[..., Any], inputs: Arrays) -> Callable[[Arrays], float]:
    """`function` as arrays -> one float; called once on `inputs` to see that it is a loss.

    Raises FunctionError where it fails, gives anything but one finite number, or another number the second time.
    """

    def loss(arrays: Arrays) -> float:
        return _one_number(_call(function, "function", arrays))

    value = loss(inputs)
    if not np.isfinite(value):
        advice = "Choose inputs at which the loss is finite"
        raise FunctionError("value of the function", "finite", name="value", got=value, advice=advice)
    if loss(inputs) != value:
        advice = (
            "Fix its random numbers: draw dropout masks and noise once, outside of the function, or from a fixed key"
        )
        raise FunctionError(
            "function", "the same for the same inputs", name="second value", got=loss(inputs), advice=advice
        )
    return loss


def _one_number(value: Any) -> float:
    array = np.asarray(value)
    if array.size != 1:
        advice = "Take the mean or the sum over the examples, so that it is one loss"
        raise FunctionError("value of the function", "one number", name="shape", got=array.shape, advice=advice)
    if array.dtype.kind not in "fiu" and not _is_real_float(array):
        raise FunctionError(
            "value of the function", "a real number", name="dtype", got=str(array.dtype), advice="Return a loss"
        )
    return float(array.reshape(()))


def call_gradient(gradient: Callable[..., Any], inputs: Arrays) -> dict[str, np.ndarray]:
    """What the user's gradient gives, by the inputs' names, in their order.

    Raises FunctionError where it fails, or its names are not those of the inputs.
    """
    found = _call(gradient, "gradient", inputs)
    if not isinstance(found, Mapping):
        advice = f"Return a dictionary with {', '.join(inputs)}"
        raise FunctionError("gradient", "a dictionary of arrays by name", got=_kind(found), advice=advice)
    expected = f"one array for each of {', '.join(inputs)}"
    for problem, names in (("missing", set(inputs) - set(found)), ("unknown", set(found) - set(inputs))):
        if names:
            advice = "Return one array under the name of each input"
            raise FunctionError(
                "gradient", expected, name=problem, got=", ".join(sorted(map(str, names))), advice=advice
            )
    return {name: _gradient_array(name, found[name]) for name in inputs}


def _gradient_array(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fiu" and not _is_real_float(array):
        raise FunctionError(
            f"gradient of {name}", "real numbers", name="dtype", got=str(array.dtype), advice="Return an array of them"
        )
    return array


def _call(function: Callable[..., Any], what: str, arrays: Arrays) -> Any:
    """Calls with copies, so that a function which changes its inputs in place does not change the next call."""
    try:
        return function({name: array.copy() for name, array in arrays.items()})
    except RoundsError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}{place_in_file(error)}"
        advice = f"It is called with one dictionary of arrays: {', '.join(arrays)}"
        raise FunctionError(what, "callable on the inputs", got=reason, advice=advice) from error


def place_in_file(error: BaseException) -> str:
    """Where in the user's own file it happened: the deepest frame that is not an installed package's."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if "site-packages" not in path and path != __file__ and not path.startswith("<"):
            place = f" (line {trace.tb_lineno} of {path.rsplit('/', 1)[-1]})"
        trace = trace.tb_next
    return place


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
