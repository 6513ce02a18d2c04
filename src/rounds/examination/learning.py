"""How far the networks of a run came: beside what a constant reaches, beside baselines, beside each other."""

from rounds.examination.curve import Configuration, Curve, last
from rounds.examination.evidence import Run
from rounds.examination.rule import Threshold

# The same share as the answer to "was it worth it": below it, a change of the loss changes no decision.
SMALLEST_SHARE = Threshold(
    "smallest worthwhile change", 0.01, "share of the constant prediction's loss", "convention of Rounds, as for worth"
)


def reference_loss(run: Run, curve: Curve) -> float:
    """The loss that shares are taken of: the constant prediction's, or (not known) the first epoch's."""
    if run.constant_loss is not None and run.constant_loss > 0:
        return run.constant_loss
    values = curve.train if curve.has_train else curve.validation
    return float(abs(values[:1].sum())) or 1.0


def explained(run: Run, curve: Curve) -> float:
    """Share of the constant's loss that training removed, at the end: 0 learned nothing, 1 perfect."""
    values = curve.train if curve.has_train else curve.validation
    return 1 - last(values, curve.window) / reference_loss(run, curve)


def members_of(configurations: tuple[Configuration, ...]) -> tuple[int, ...]:
    return tuple(sorted(m for c in configurations for m in c.members))
