"""Where in the user's code an operation stands: the layers around it, and the variable its statement assigns."""

import ast
import re
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

_OWN = str(Path(__file__).resolve().parent)
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
    path, line = frame
    return _assigned(path, line), f"{Path(path).name}:{line}"


def _outermost(frames: Any) -> tuple[str, int] | None:
    """Frames come innermost first; those of the program that asked for the graph stand beyond Rounds' own."""
    found = None
    for frame in frames:
        if frame.file_name.startswith(_OWN):
            break
        if not frame.file_name.startswith(_INSTALLED) and not frame.file_name.startswith("<frozen"):
            found = (frame.file_name, frame.line_num)
    return found


@cache
def _statements(path: str) -> tuple[ast.stmt, ...]:
    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.stmt))


@cache
def _assigned(path: str, line: int) -> str:
    around = [node for node in _statements(path) if node.lineno <= line <= (node.end_lineno or node.lineno)]
    if not around:
        return ""
    statement = min(around, key=lambda node: (node.end_lineno or node.lineno) - node.lineno)
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0])
    if isinstance(statement, ast.AugAssign | ast.AnnAssign):
        return ast.unparse(statement.target)
    return "L" if isinstance(statement, ast.Return) else ""
