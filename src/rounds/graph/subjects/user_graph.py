"""The graph of a user's own function, in float64, NumPy functions included where JAX can follow a copy of them."""

from rounds.graph.subjects.python_file import UserFunction
from rounds.graph.tape.autodiff import in_float64, traceable
from rounds.graph.tape.backward import Graph, graph_of
from rounds.graph.tape.function import FunctionError, checked_inputs, make_loss


def graph_of_user(user: UserFunction, open_scans: bool = False) -> Graph:
    """The graph of ``user.function`` at its inputs.

    Raises FunctionError where it is no loss, or JAX cannot follow it.

    >>> import numpy as np
    >>> user = UserFunction("loss", lambda p: np.tanh(p["w"]).sum(), {"w": np.zeros(3)}, None)
    >>> graph_of_user(user).input_gradients["w"].tolist()
    [1.0, 1.0, 1.0]
    """
    inputs = checked_inputs(user.inputs)
    with in_float64():
        make_loss(user.function, inputs)
        followed = traceable(user.function, inputs)
        if followed is None:
            advice = "Write it in jax.numpy, without filling arrays in place and without float(...) of an array"
            raise FunctionError("function", "one that JAX can follow", got=user.name, advice=advice)
        return graph_of(followed, inputs, open_scans)
