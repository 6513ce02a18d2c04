"""What a gradient check found: one record a tensor, printed as a table, or plain for JSON."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from rounds.run_folder.stored import Content


@dataclass(frozen=True)
class Entry:
    """One entry of a tensor: where it is, what the user's gradient says, what the differences say."""

    place: tuple[int, ...]
    given: float
    expected: float
    relative_error: float


@dataclass(frozen=True)
class TensorCheck:
    """The gradient of one tensor, checked.

    verdict: right, wrong, or not differentiable (no entry has a slope here). checked, entries: how many entries were
    differenced, of how many. kinks: those without a slope, not counted. relative_error: the largest over entries.
    autodiff_error: largest relative error against automatic differentiation, None where that was not to be had.
    """

    name: str
    shape: tuple[int, ...]
    given_shape: tuple[int, ...]
    verdict: str
    checked: int
    entries: int
    kinks: int
    wrong_entries: int = 0
    relative_error: float | None = None
    autodiff_error: float | None = None
    mistake: str = ""
    worst: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class GradientCheck:
    """The whole check; prints as a table with the worst entries and the likely mistakes."""

    loss: float
    tolerance: float
    tensors: tuple[TensorCheck, ...]
    notes: tuple[str, ...] = ()

    @property
    def wrong(self) -> list[str]:
        """Names of the tensors whose gradient is wrong, in the order of the inputs."""
        return [tensor.name for tensor in self.tensors if tensor.verdict == "wrong"]

    def record(self) -> Content:
        """The check as plain values for JSON, in which numbers that are not finite are null."""
        return {"wrong": self.wrong, **_plain(asdict(self))}

    def __str__(self) -> str:
        header = ("gradient of", "shape", "verdict", "largest relative error", "entries checked")
        lines = _aligned([header, *(_row(tensor) for tensor in self.tensors)])
        for tensor in self.tensors:
            lines += _explanation(tensor)
        return "\n".join([*lines, *self.notes, _summary(self)])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _row(tensor: TensorCheck) -> tuple[str, ...]:
    error = "-" if tensor.relative_error is None else f"{tensor.relative_error:.1e}"
    kinks = f", {tensor.kinks} without a slope" if tensor.kinks else ""
    some = str(tensor.checked) if tensor.checked == tensor.entries else f"{tensor.checked} of {tensor.entries}"
    shape = _shape(tensor.shape)
    if tensor.given_shape != tensor.shape:
        shape = f"{_shape(tensor.given_shape)}, not {shape}"
    return (tensor.name, shape, tensor.verdict, error, some + kinks)


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _explanation(tensor: TensorCheck) -> list[str]:
    if tensor.verdict == "right":
        return []
    lines = [f"{tensor.name}: {tensor.mistake}"] if tensor.mistake else []
    for entry in tensor.worst:
        place = f"{tensor.name}{list(entry.place)}" if entry.place else tensor.name
        lines.append(f"  {place}: given {entry.given:.6g}, expected {entry.expected:.6g}")
    return lines


def _summary(check: GradientCheck) -> str:
    if check.wrong:
        return f"Wrong: {', '.join(check.wrong)} ({len(check.wrong)} of {len(check.tensors)})."
    right = [tensor.name for tensor in check.tensors if tensor.verdict == "right"]
    which = "All" if len(right) == len(check.tensors) else f"{len(right)} of"
    return f"{which} {len(check.tensors)} gradients agree with central differences to {check.tolerance:.0e} or better."
