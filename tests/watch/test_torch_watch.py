"""A loop of PyTorch's, watched by hooks; skipped where PyTorch is not installed."""

from pathlib import Path

import numpy as np
import pytest

import rounds
from rounds.examination.sources.watched import read_watched

torch = pytest.importorskip("torch")
hooks = pytest.importorskip("rounds.watch.torch")

RNG = np.random.default_rng(0)
X = torch.tensor(RNG.normal(size=(160, 4)).astype("float32"))
CLASSES = (X[:, 0] > 0).long() + (X[:, 1] > 0).long()
NUMBERS = X[:, :1] - X[:, 1:2]


def trained(
    folder: Path, last: list, loss: object, targets: object, rate: float = 0.01, scale: float = 1.0
) -> hooks.TorchWatch:
    torch.manual_seed(0)
    width = 3 if targets is CLASSES else 1
    model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, width), *last)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    watch = hooks.TorchWatch(model, optimizer, folder, epochs=12, quiet=True)
    for epoch in range(12):
        for start in range(0, 128, 32):
            rows = slice(start, start + 32)
            value = loss(model(scale * X[rows]), targets[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            watch.log(train_loss=value, targets=targets[rows])
        with torch.no_grad():
            watch.log(epoch=epoch + 1, validation_loss=loss(model(scale * X[128:]), targets[128:]))
    watch.close()
    return watch


def test_what_is_kept(tmp_path: Path) -> None:
    trained(tmp_path / "run", [], torch.nn.MSELoss(), NUMBERS)
    run = read_watched(tmp_path / "run")
    assert run.model is not None
    assert (run.model.loss, run.model.output_activation, run.model.optimizer) == ("mse", "linear", "adam")
    assert len(run.curves[0].epochs) == 12
    assert run.curves[0].steps is not None
    assert len(run.curves[0].steps[1]) == 48
    assert {"gradient_norm", "update_ratio", "dead_share"} <= {name for _, name in run.curves[0].measures}


def test_a_softmax_before_cross_entropy_is_found(tmp_path: Path) -> None:
    trained(tmp_path / "run", [torch.nn.Softmax(-1)], torch.nn.CrossEntropyLoss(), CLASSES)
    assert rounds.examine(tmp_path / "run").findings[0].code == "loss-output-mismatch"


def test_a_rate_that_is_too_high_is_found(tmp_path: Path) -> None:
    trained(tmp_path / "run", [], torch.nn.MSELoss(), NUMBERS, rate=3.0)
    assert rounds.examine(tmp_path / "run").findings[0].code == "learning-rate-too-high"


def test_unscaled_inputs_are_found(tmp_path: Path) -> None:
    trained(tmp_path / "run", [], torch.nn.MSELoss(), NUMBERS, scale=1e4)
    assert rounds.examine(tmp_path / "run").findings[0].code == "unscaled-inputs"


@pytest.mark.parametrize(
    ("loss", "name", "from_logits"),
    [
        (torch.nn.BCEWithLogitsLoss(), "binary_crossentropy", True),
        (torch.nn.L1Loss(), "mae", None),
        (torch.nn.HuberLoss(), "huber", None),
    ],
)
def test_losses_are_known_by_their_gradient(loss: object, name: str, from_logits: bool | None) -> None:
    outputs = torch.zeros(4, 1, requires_grad=True)
    assert hooks.torch_loss(loss(outputs * 2, torch.ones(4, 1))) == (name, from_logits)


def test_hooks_are_taken_off(tmp_path: Path) -> None:
    watch = trained(tmp_path / "run", [], torch.nn.MSELoss(), NUMBERS)
    assert not watch._model._forward_pre_hooks


def test_frozen_layers_are_facts() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    model[0].weight.requires_grad_(False)
    model[0].bias.requires_grad_(False)
    assert [layer.trainable for layer in hooks.torch_facts(model).layers] == [False, True]
