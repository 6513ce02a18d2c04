"""Recurrent layers over the steps of a recording; steps after its end leave the state as it is."""

from typing import Any

from rounds.networks.initial_weights.names import make_initializer
from rounds.networks.layers.embeddings import keras
from rounds.networks.network import Network
from rounds.plan import Plan

# Keras's own layers: within a compiled loop they take 0.4 of the time of PyTorch's (benchmarks/network_speed.py), and
# their input products inside the loop are no slower than one large product before it.
_CELLS = {"simple": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def recurrent(scaled: Any, network: Network, plan: Plan) -> Any:
    """[B, T, C] whose first channel says what lies inside the recording -> last states [B, units]."""
    inside = scaled[:, :, 0] > 0.5
    units = scaled
    for layer in range(len(network.recurrent)):
        units = _layer(units, inside, layer, network, plan)
    return units


def _layer(units: Any, inside: Any, layer: int, network: Network, plan: Plan) -> Any:
    goes_on = layer + 1 < len(network.recurrent)
    forward = _cell(f"forward_{layer}", layer, network, plan, goes_on)(units, mask=inside)
    if not network.bidirectional:
        return forward
    backward = _cell(f"backward_{layer}", layer, network, plan, goes_on, go_backwards=True)(units, mask=inside)
    backward = keras.ops.flip(backward, axis=1) if goes_on else backward
    return keras.layers.Concatenate(name=f"both_ways_{layer}")([forward, backward])


def _cell(name: str, layer: int, network: Network, plan: Plan, goes_on: bool, **options: Any) -> Any:
    return _CELLS[network.cell](
        network.recurrent[layer],
        return_sequences=goes_on,
        name=name,
        kernel_initializer=make_initializer(plan.initializer),
        **options,
    )
