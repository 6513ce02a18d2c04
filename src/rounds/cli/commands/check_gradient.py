"""The command that checks a hand-written or custom gradient."""

from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AsJson
from rounds.cli.readable import print_json, say

Function = Annotated[str, typer.Argument(metavar="FILE.py:FUNCTION", help="the loss, in a Python file that is run")]


@app.command("check-gradient")
def check_gradient_command(function: Function, as_json: AsJson = False) -> None:
    """Check a gradient against central differences and autodiff: which tensor is wrong, where, and how.

    FILE.py defines FUNCTION(inputs), one number from a dictionary of arrays; FUNCTION_inputs (or inputs), that
    dictionary; and FUNCTION_gradient (or gradient), a function of the same dictionary that gives one array under each
    name. Without the last, the gradient that JAX derives is checked, custom rules included. Exit status 1: a gradient
    is wrong.
    """
    from rounds.graph.gradient_check.check import check_gradient as check
    from rounds.graph.subjects.python_file import read_function

    read = read_function(function)
    found = check(read.function, read.gradient, read.inputs)
    print_json(found.record()) if as_json else say(str(found))
    raise typer.Exit(1 if found.wrong else 0)
