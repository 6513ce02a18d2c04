"""Initial weights by Keras's names, with an argument after a colon where they take one."""

import inspect
from typing import Any

from rounds.errors import PlanError, must_be, nearest
from rounds.networks.layers.embeddings import keras

# Where the number after the colon goes. The wrong ones are wanted too: Rounds finds what they do.
_ARGUMENT = {
    "constant": "value",
    "random_normal": "stddev",
    "truncated_normal": "stddev",
    "random_uniform": "maxval",
    "variance_scaling": "scale",
    "orthogonal": "gain",
    "identity": "gain",
}


def make_initializer(text: str) -> Any:
    """A Keras initializer from text such as "he_normal", "zeros", "constant:0.1" or "random_normal:30".

    Raises PlanError for a name that Keras does not have.

    >>> make_initializer("constant:0.1").value
    0.1
    """
    name, _, argument = text.partition(":")
    known = initializer_names()
    if name not in known:
        advice = nearest(name, sorted(known))
        raise PlanError(must_be("initializer", "one of Keras's names", "initializer", text, advice))
    if not argument:
        return known[name]()
    if name not in _ARGUMENT:
        raise PlanError(f"initializer must be a name without argument, got initializer={text!r}. Write {name}.")
    try:
        value = float(argument)
    except ValueError:
        raise PlanError(f"initializer must be name:number, got initializer={text!r}. Write {name}:0.1 or so.") from None
    extra = {"minval": -value} if name == "random_uniform" else {}
    return known[name](**{_ARGUMENT[name]: value}, **extra)


def initializer_names() -> dict[str, Any]:
    """Keras's initializer classes by their snake-case name."""
    return {name: kind for name, kind in inspect.getmembers(keras.initializers, inspect.isclass) if name.islower()}
