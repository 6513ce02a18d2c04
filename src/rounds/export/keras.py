"""A predictor as one Keras model of Keras's own layers."""

from typing import Any

from rounds.export.onnx.model import onnx_input_shapes, read_shape, refuse_other_kinds
from rounds.networks.keras.model import ExportedMember, exported_model
from rounds.prediction.predictor import Predictor


def keras_model(predictor: Predictor) -> Any:
    """All members, their average and the inverse transform; inputs: a table as prepared, the array as stored.

    Raises PlanError for networks that are not exported, by name.
    """
    refuse_other_kinds(predictor)
    members = [
        ExportedMember(part.network, {name: array[k] for name, array in part.weights.items()}, float(share))
        for part in predictor.parts
        for k, share in enumerate(part.member_weights)
    ]
    return exported_model(members, onnx_input_shapes(read_shape(predictor)), predictor.target_scale)
