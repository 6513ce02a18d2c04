"""Both normalizations as ONNX operators, as `rounds.prediction.numpy_layers.normalization` computes them in NumPy."""

from rounds.export.onnx.graph import Graph
from rounds.prediction.numpy_layers.normalization import EPSILON


def add_norm(graph: Graph, kind: str, weights: dict[str, str], name: str, units: str) -> str:
    """Adds the normalization of units [..., H] over H; weights: names of its constants, which broadcast over units."""
    if kind == "batch":
        mean, variance = weights[f"{name}/moving_mean"], weights[f"{name}/moving_variance"]
        apart = graph.add("Sub", units, mean)
    else:
        apart = graph.add("Sub", units, graph.add("ReduceMean", units, graph.whole(-1), keepdims=1))
        variance = graph.add("ReduceMean", graph.add("Mul", apart, apart), graph.whole(-1), keepdims=1)
    spread = graph.add("Sqrt", graph.add("Add", variance, graph.number(float(EPSILON))))
    scaled = graph.add("Mul", graph.add("Div", apart, spread), weights[f"{name}/gamma"])
    return graph.add("Add", scaled, weights[f"{name}/beta"])
