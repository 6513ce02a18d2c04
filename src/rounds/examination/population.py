"""A population just trained as evidence, without a detour over files."""

from rounds.examination.evidence import Run, constant_loss, curves_of
from rounds.examination.reference import linear_losses
from rounds.training.material import is_handed_over
from rounds.training.record import curves_frame, measures_frame, members_frame, steps_frame
from rounds.training.run import Trained


def run_of(trained: Trained, number: int = 0) -> Run:
    """Evidence of the members that are handed over; nothing is judged yet. number: the round."""
    population = trained.population
    material = next(m for m in population.materials if is_handed_over(m))
    frames = (curves_frame, members_frame, measures_frame, steps_frame)
    return Run(
        curves=curves_of(*(frame(trained, number) for frame in frames)),
        plans=population.plans,
        task=population.task,
        constant_loss=constant_loss(population.task, population.plans[0], material.targets[material.learned]),
        round=number,
        references={"linear": linear_losses(material, population.task, population.plans[0])},
    )
