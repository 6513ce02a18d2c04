"""What is drawn of a graph: a tree of groups and operations with their places among each other, as plain records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isqrt, log10
from typing import Any

from rounds.graph.view.blocks import Block
from rounds.graph.view.flow import Flows
from rounds.graph.view.summary import View, block_record, value_record
from rounds.graph.view.text import numbers_text, shape_text
from rounds.run_folder.stored import Content

# More operations than this side by side are drawn as groups of neighbours: a screen shows no more.
MOST_CHILDREN = 40
Details = list[tuple[str, str]]


@dataclass
class Drawing:
    """Boxes in the order of computing, groups before what they hold, and the arrows between single operations.

    Each box: name, kind (group, operation, input, constant), parent (a box's number, -1 at the top), log10 of the norm
    of the gradient there (null where none flows), value and slope (its own number and its gradient's, in short),
    details in words, and the chain rule in words.
    """

    boxes: list[Content] = field(default_factory=list)
    arrows: list[tuple[int, int]] = field(default_factory=list)

    def add(self, name: str, kind: str, parent: int, **others: Any) -> int:
        self.boxes.append({"name": name, "kind": kind, "parent": parent, **others})
        return len(self.boxes) - 1


def drawing_of(view: View) -> Drawing:
    """Every operation once, in its groups; inputs stand beside those who take them.

    >>> import jax.numpy as jnp
    >>> from rounds.graph.tape.backward import graph_of
    >>> from rounds.graph.view.summary import view_of
    >>> drawing = drawing_of(view_of(graph_of(lambda p: jnp.sum(p["w"] * 2), {"w": jnp.ones(2)}), "operations"))
    >>> [box["name"] for box in drawing.boxes], drawing.arrows
    (['mul', 'reduce_sum', 'w'], [(0, 1), (2, 0)])
    """
    drawing, flows = Drawing(), Flows(view.graph)
    places: dict[int, int] = {}
    for block in grouped(view.blocks):
        _add_block(drawing, view, flows, block, -1, places)
    makers = {number: node.number for node in view.graph.tape.nodes for number in node.gives}
    arrows = [
        (places[makers[number]], places[node.number])
        for node in view.graph.tape.nodes
        for number in node.takes
        if number in makers
    ]
    drawing.arrows += sorted(set(arrows))
    _add_leaves(drawing, view, flows, places)
    return drawing


def grouped(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The same blocks with no more than `MOST_CHILDREN` side by side, wherever there were more.

    >>> len(grouped([Block("add", (number,)) for number in range(1000)]))
    32
    """
    inner = [Block(block.name, block.nodes, grouped(block.blocks)) for block in blocks]
    while len(inner) > MOST_CHILDREN:
        size = max(2, isqrt(len(inner) - 1) + 1)
        parts = [inner[start : start + size] for start in range(0, len(inner), size)]
        inner = [_joined(part) for part in parts]
    return tuple(inner)


def _joined(part: Sequence[Block]) -> Block:
    if len(part) == 1:
        return part[0]
    nodes = tuple(number for block in part for number in block.nodes)
    return Block(f"{part[0].name} … {part[-1].name}", nodes, tuple(part))


def _add_block(drawing: Drawing, view: View, flows: Flows, block: Block, parent: int, places: dict[int, int]) -> None:
    record = block_record(view, flows, block)
    kind = "group" if block.blocks else "operation"
    given = [number for number in flows.gives(block) if number in view.graph.gradients]
    own = drawing.add(
        block.name,
        kind,
        parent,
        gradient=_strongest(view, given),
        details=_block_details(record),
        back=_back(record),
        shape=", ".join(shape_text(one["shape"]) for one in record["gives"][:2]),
        **_in_box(record["gives"][-1:]),
        holds=len(block.nodes),
    )
    if not block.blocks:
        places[block.nodes[0]] = own
    for inner in block.blocks:
        _add_block(drawing, view, flows, inner, own, places)


def _strongest(view: View, numbers: Sequence[int]) -> float | None:
    """log10 of the largest norm of the gradient at these values."""
    norms = [float((view.graph.gradients[number].astype(float) ** 2).sum()) ** 0.5 for number in numbers]
    largest = max((norm for norm in norms if norm > 0), default=0.0)
    return round(log10(largest), 3) if 0 < largest < float("inf") else None


def _block_details(record: Content) -> Details:
    details: Details = [("operations", _few(record["operations"]))] if len(record["operations"]) > 1 else []
    details += [("code", record["line"])] if record["line"] else []
    details += [("takes", _few(record["takes"]))] if record["takes"] else []
    for one in record["gives"][:4]:
        details += _value_details(one, f"{one['name']} ")
    return details


def _in_box(values: Sequence[Content]) -> Content:
    """What stands in a box without pointing at it: its value and its gradient, a number or mean and spread."""
    texts = {"value": "", "slope": ""}
    for one in values:
        texts["value"] = _short(one["value"])
        texts["slope"] = f"gradient {_short(one['gradient'])}" if one["gradient"] is not None else ""
    return dict(texts)


def _short(numbers: Content) -> str:
    if numbers["entries"] == 1 and numbers.get("mean") is not None:
        return f"{numbers['mean']:.3g}"
    return f"{numbers['mean']:.2g} ± {numbers['standard_deviation']:.2g}" if numbers.get("mean") is not None else ""


def _few(names: Sequence[str], most: int = 8) -> str:
    """
    >>> _few(["x", "w", "b"], most=2), _few(["x"])
    ('x, w and 1 more', 'x')
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _value_details(record: Content, name: str = "") -> Details:
    details: Details = [(f"{name}shape", f"{shape_text(record['shape'])} {record['dtype']}")]
    details.append((f"{name}value", _with_first(record["value"])))
    if record["gradient"] is not None:
        details.append((f"{name}gradient", _with_first(record["gradient"])))
    return details


def _with_first(numbers: Content) -> str:
    first = [f"{value:.4g}" for value in numbers.get("first", []) if value is not None]
    if numbers["entries"] < 2 or not first:
        return numbers_text(numbers)
    dots = ", …" if numbers["entries"] > len(first) else ""
    return f"{numbers_text(numbers)}; entries {', '.join(first)}{dots}"


def _back(record: Content) -> list[tuple[str, str, str, str]]:
    rows = []
    for flow in record["back"]:
        incoming = " and ".join(numbers_text(one) for one in flow["incoming"])
        local = flow["local"] if isinstance(flow["local"], str) else numbers_text(flow["local"])
        rows.append((flow["to"], incoming, local or "Jacobian, never formed", numbers_text(flow["product"])))
    return rows


def _add_leaves(drawing: Drawing, view: View, flows: Flows, places: dict[int, int]) -> None:
    """Inputs and named constants, each beside those who take it."""
    takers: dict[int, list[int]] = {}
    for node in view.graph.tape.nodes:
        for number in dict.fromkeys(node.takes):
            takers.setdefault(number, []).append(places[node.number])
    for value in view.graph.tape.values:
        wanted = value.kind == "input" or (value.kind == "constant" and value.name and value.shape)
        if not wanted or value.number not in takers:
            continue
        record = value_record(view, value.number)
        given = [value.number] if value.number in view.graph.gradients else []
        own = drawing.add(
            record["name"],
            value.kind,
            _shared(drawing, takers[value.number]),
            gradient=_strongest(view, given),
            details=_value_details(record),
            back=[],
            shape=shape_text(record["shape"]),
            **_in_box([record]),
            holds=0,
        )
        drawing.arrows += [(own, taker) for taker in takers[value.number]]


def _shared(drawing: Drawing, boxes: Sequence[int]) -> int:
    """The group to stand in beside these boxes, -1 for none: around the smallest that holds them all, so that a weight
    is seen while its layer is folded; outermost groups keep theirs."""
    ways = [_above(drawing, box) for box in boxes]
    common = set(ways[0]).intersection(*ways[1:])
    around = [box for box in ways[0] if box in common]
    return around[min(1, len(around) - 1)] if around else -1


def _above(drawing: Drawing, box: int) -> list[int]:
    way = []
    while (box := drawing.boxes[box]["parent"]) >= 0:
        way.append(box)
    return way
