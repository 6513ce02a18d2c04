"""Curves read from tables whose rows stand in any order."""

import numpy as np
import polars as pl

from rounds.examination.run import curves_of

MEMBERS = pl.DataFrame({"member": [0, 1, 2], "outer": [-1, 0, -1], "plan": [0, 0, 0], "learning_rate": [0.1, 0.1, 0.2]})


def _long(names: tuple[str, str], pairs: list[tuple[str, str]], epochs: int) -> pl.DataFrame:
    rows = [
        {"member": m, "epoch": e, names[0]: a, names[1]: b, "value": 100.0 * m + 10 * i + e}
        for m in range(3)
        for i, (a, b) in enumerate(pairs)
        for e in range(1, epochs + 1)
    ]
    return pl.DataFrame(rows)


def test_members_of_judging_folds_are_left_out_and_every_course_is_in_order() -> None:
    losses = _long(("split", "metric"), [("validation", "loss"), ("train", "loss"), ("validation", "auroc")], 4)
    inside = _long(("layer", "measure"), [("b", "spread"), ("a", "spread")], 2)
    curves = curves_of(losses.sample(fraction=1, shuffle=True, seed=1), MEMBERS, inside, None)
    assert [c.member for c in curves] == [0, 2]
    last = curves[1]
    np.testing.assert_array_equal(last.epochs, [1, 2, 3, 4])
    np.testing.assert_array_equal(last.validation, [201, 202, 203, 204])
    np.testing.assert_array_equal(last.train, [211, 212, 213, 214])
    np.testing.assert_array_equal(last.metrics["auroc"], [221, 222, 223, 224])
    assert list(last.measures) == [("b", "spread"), ("a", "spread")], "layers come in the order of the network"
    np.testing.assert_array_equal(last.measures["a", "spread"][1], [211, 212])


def test_an_epoch_without_a_value_is_a_gap() -> None:
    losses = _long(("split", "metric"), [("validation", "loss"), ("train", "loss")], 3)
    some = losses.filter((pl.col("split") == "train") | (pl.col("epoch") != 2))
    assert np.isnan(curves_of(some, MEMBERS, None, None)[0].validation).tolist() == [False, True, False]
