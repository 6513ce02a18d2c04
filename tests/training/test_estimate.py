"""What training is said to cost before it starts: every weight as often as a row passes it."""

import pytest

from rounds.input_shape import InputShape
from rounds.networks.description import describe_network
from rounds.plan import Plan
from rounds.task import Task
from rounds.training.machine.estimate import multiply_adds
from rounds.training.program import make_program

TASK = Task(kind="binary", targets=("finding",), classes=("no", "yes"))


@pytest.mark.parametrize(
    ("changes", "array", "wanted"),
    [
        (
            {"network": "convolutional", "filters": (2, 3), "stride": 2, "block": "residual", "block_depth": 1},
            (6, 5, 1),
            # 3 x 3 filters and biases at 6 x 5 places, then at 3 x 3, a shortcut of width 1, and the output
            30 * (9 * 1 * 2 + 2 + 1 * 2) + 9 * (9 * 2 * 3 + 3 + 2 * 3) + 4,
        ),
        ({"network": "recurrent", "recurrent": (3,), "cell": "simple"}, (7, 2), 7 * (2 * 3 + 3 * 3 + 3) + 4),
        ({"network": "dense", "hidden": (5,)}, (), 4 * 5 + 5 + 6),
    ],
)
def test_weights_count_as_often_as_a_row_passes_them(changes: dict, array: tuple[int, ...], wanted: int) -> None:
    plan = Plan(**{"hidden": (), "normalization": "none", **changes})
    numbers = 0 if array else 4
    network = describe_network(plan, TASK, InputShape(numbers, 0, array=array), False)
    assert multiply_adds(make_program(plan, TASK, network, False, frozenset(), None)) == wanted
