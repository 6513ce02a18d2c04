"""Where in the user's code an operation stands: the layers around it, and the variable its statement assigns."""

import ast
import linecache
import re
import sysconfig
from functools import lru_cache
from pathlib import Path
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

# What a function returns is the loss, where its code has no name for it.
LOSS = "L"

_OWN = str(Path(__file__).resolve().parents[1])
_INSTALLED = tuple({sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")})
# What JAX writes into the name stack for its own transformations: `vmap(...)`, `jvp(...)`; the name within is kept.
_TRANSFORMED = re.compile(r"^\w+\((.*)\)$")


def scope_of(stack: str) -> tuple[str, ...]:
    """Layer names of a jaxpr's name stack.

    >>> scope_of("model/vmap(dense)/vmap()")
    ('model', 'dense')
    """
    return tuple(name for part in stack.split("/") if (name := _TRANSFORMED.sub(r"\1", part)))


def assigned_at(traceback: Any) -> tuple[str, str]:
    """Name that the user's statement assigns, and its place ``file.py:12``; both empty where there is no user's code.

    The statement is the outermost one of the traced function: what `h = sigmoid(z)` computes within `sigmoid` is `h`.
    """
    frame = _outermost(traceback.frames if traceback is not None else ())
    if frame is None:
        return "", ""
    path, line = frame.file_name, frame.line_num
    statement = _statement(path, line)
    first = line if statement is None else statement.lineno
    place = "" if path.startswith("<") else f"{Path(path).name}:{first}"
    # A lambda computes what is not what the statement around it assigns.
    apart = statement is None or frame.function_name.endswith("<lambda>")
    return "" if apart else _assigned(statement), place


def _outermost(frames: Any) -> Any:
    """Frames come innermost first; those of the program that asked for the graph stand beyond Rounds' own."""
    found = None
    for frame in frames:
        if frame.file_name.startswith(_OWN):
            break
        if not frame.file_name.startswith(_INSTALLED) and not frame.file_name.startswith("<frozen"):
            found = frame
    return found


def _statement(path: str, line: int) -> ast.stmt | None:
    """The smallest statement around a line: what stands on several lines is one step. Notebook cells have lines too."""
    linecache.checkcache(path)
    around = [
        node
        for node in _statements("".join(linecache.getlines(path)))
        if node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return min(around, key=lambda node: (node.end_lineno or node.lineno) - node.lineno, default=None)


@lru_cache
def _statements(code: str) -> tuple[ast.stmt, ...]:
    try:
        return tuple(node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.stmt))
    except (SyntaxError, ValueError):
        return ()


def _assigned(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0])
    if isinstance(statement, ast.AugAssign | ast.AnnAssign):
        return ast.unparse(statement.target)
    return LOSS if isinstance(statement, ast.Return) else ""


def function_arrays(function: Any) -> dict[str, np.ndarray]:
    """Arrays that a Python function, or a function of its module that it calls, reads by a name of its own.

    >>> rows = np.ones(3)
    >>> list(function_arrays(lambda p: p["w"] @ rows))
    ['rows']
    """
    found: dict[str, np.ndarray] = {}
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, FunctionType) or id(one) in seen or one.__code__.co_filename.startswith(_INSTALLED):
            continue
        seen.add(id(one))
        for name, value in _read(one).items():
            if hasattr(value, "dtype") and hasattr(value, "shape"):
                found.setdefault(name, value)
            waiting.append(value)
    return found


def _read(function: FunctionType) -> dict[str, Any]:
    names = {name: function.__globals__[name] for name in read_names(function) if name in function.__globals__}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return names | {name: value for name, cell in cells for value in _held(cell)}


def _held(cell: CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # a variable that is not assigned yet
        return ()


def read_names(function: FunctionType) -> set[str]:
    """Names that a function's code, and the code of functions within it, may look up."""
    names: set[str] = set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return names
