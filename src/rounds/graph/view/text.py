"""A graph as text: the forward pass from the top, then the backward pass from the loss down to every input."""

from rounds.graph.view.flow import Flows
from rounds.graph.view.summary import View, block_record, value_record, whole_gradient_norm
from rounds.run_folder.stored import Content


def text_of(view: View) -> str:
    """Two tables, one a direction; single numbers stand in them where the view shows such and an array has few.

    >>> import jax.numpy as jnp
    >>> from rounds.graph.tape.backward import graph_of
    >>> from rounds.graph.view.summary import view_of
    >>> print(text_of(view_of(graph_of(lambda p: p["x"] ** 2, {"x": jnp.asarray(3.0)}), "operations")))
    Forward pass: 1 operation
    value          shape   numbers  made by
    x              scalar  3        input
    integer_pow 0  scalar  9        integer_pow of x
    <BLANKLINE>
    Backward pass, from the loss down: gradient = incoming gradient x local gradient
    at             to  incoming  local gradient  gradient
    integer_pow 0  x   1         6               6
    <BLANKLINE>
    Loss 9; norm of the whole gradient 6
    """
    flows = Flows(view.graph)
    records = [block_record(view, flows, block) for block in view.blocks]
    count = len(view.graph.tape.nodes)
    lines = [f"Forward pass: {count} operation{'s' if count != 1 else ''}", *_table(_forward(view, records)), ""]
    lines += ["Backward pass, from the loss down: gradient = incoming gradient x local gradient"]
    lines += [*_table(_backward(records)), ""]
    return "\n".join(
        [*lines, f"Loss {view.graph.loss:.6g}; norm of the whole gradient {whole_gradient_norm(view.graph):.6g}"]
    )


def _forward(view: View, records: list[Content]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("value", "shape", "numbers", "made by")]
    inputs = [value_record(view, value.number) for value in view.graph.tape.inputs]
    rows += [(one["name"], shape_text(one["shape"]), numbers_text(one["value"]), "input") for one in inputs]
    for block in records:
        made = _made_by(block)
        rows += [(one["name"], shape_text(one["shape"]), numbers_text(one["value"]), made) for one in block["gives"]]
    return rows


def _made_by(block: Content) -> str:
    operations = block["operations"]
    few = ", ".join(operations) if len(operations) <= 3 else f"{len(operations)} operations"
    taken = f" of {', '.join(block['takes'])}" if block["takes"] else ""
    return f"{few}{taken}" + (f" ({block['line']})" if block["line"] else "")


def _backward(records: list[Content]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("at", "to", "incoming", "local gradient", "gradient")]
    for block in reversed(records):
        at = ", ".join(one["name"] for one in block["gives"]) or block["name"]
        for flow in block["back"]:
            incoming = " and ".join(numbers_text(one) for one in flow["incoming"])
            local = flow["local"] if isinstance(flow["local"], str) else numbers_text(flow["local"])
            rows.append((at, flow["to"], incoming, local or "Jacobian, never formed", numbers_text(flow["product"])))
    return rows


def numbers_text(summary: Content) -> str:
    """One number as it is, many by their norm and spread; summary: from `rounds.graph.view.summary.numbers_of`.

    >>> numbers_text({"entries": 3, "norm": 3.5, "mean": 2.0, "standard_deviation": 0.0})
    '2 everywhere'
    """
    if summary["norm"] is None:
        return "not finite, or no numbers"
    if summary["standard_deviation"] == 0:
        return f"{summary['mean']:.6g}" + ("" if summary["entries"] == 1 else " everywhere")
    return f"norm {summary['norm']:.3g}, mean {summary['mean']:.3g}, sd {summary['standard_deviation']:.3g}"


def shape_text(shape: list[int]) -> str:
    """A shape in words.

    >>> shape_text([32, 128]), shape_text([])
    ('32x128', 'scalar')
    """
    return "x".join(map(str, shape)) or "scalar"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
