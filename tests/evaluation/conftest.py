"""The simulated runs of `tests.simulated_runs`, as fixtures of this folder."""

from tests.simulated_runs import array_build, image_predictor, made_up, native, new_patients, random_predictor, runs

__all__ = ["array_build", "image_predictor", "made_up", "native", "new_patients", "random_predictor", "runs"]
