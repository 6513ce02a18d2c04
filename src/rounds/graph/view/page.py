"""A graph as one self-contained HTML page: drawn by a small script of its own, readable without any network."""

import html
import json
import re
from importlib.resources import files

from rounds.graph.view.drawing import drawing_of
from rounds.graph.view.summary import View, whole_gradient_norm
from rounds.run_folder.stored import Content

FOLDER = "page_files"


def page_of(view: View, title: str) -> str:
    """The whole page; groups fold, boxes show their values, and colour is the size of the gradient.

    >>> import jax.numpy as jnp
    >>> from rounds.graph.tape.backward import graph_of
    >>> from rounds.graph.view.summary import view_of
    >>> page = page_of(view_of(graph_of(lambda p: jnp.sum(p["w"] ** 2), {"w": jnp.ones(2)})), "a <loss>")
    >>> "<title>a &lt;loss&gt;: graph</title>" in page, "://" in page.replace("http://www.w3.org/2000/svg", "")
    (True, False)
    """
    drawing = drawing_of(view)
    graph = {"boxes": drawing.boxes, "arrows": drawing.arrows}
    parts = {
        "title": html.escape(title),
        "summary": html.escape(_summary(view)),
        "style": _read("page.css"),
        "script": _read("layout.js") + _read("page.js"),
        "graph": _safe_json(graph),
    }
    return re.sub(r"\{\{ (\w+) \}\}", lambda place: parts[place[1]], _read("page.html"))


def _summary(view: View) -> str:
    count = len(view.graph.tape.nodes)
    operations = f"{count:,} operation{'s' if count != 1 else ''}"
    return (
        f"{operations}. Loss {view.graph.loss:.6g}. Norm of the whole gradient {whole_gradient_norm(view.graph):.4g}."
    )


def _read(name: str) -> str:
    return files("rounds.graph.view").joinpath(FOLDER, name).read_text(encoding="utf-8")


def _safe_json(record: Content) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
