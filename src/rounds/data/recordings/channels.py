"""What a network reads at each time step: whether it lies inside, values, and where values miss, that they do."""

import numpy as np

from rounds.data.recordings.timeline import Timeline

INSIDE = "inside the recording"


def channel_names(timeline: Timeline) -> tuple[str, ...]:
    """Names in the order of `channels_of`.

    >>> channel_names(Timeline(variables=("HR",), step=1, steps=4, unit="hour", incomplete=("HR",)))
    ('inside the recording', 'HR', 'HR seen', 'HR time since seen')
    """
    seen = (f"{v} seen" for v in timeline.incomplete)
    return (INSIDE, *timeline.variables, *seen, *(f"{v} time since seen" for v in timeline.incomplete))


def unscaled_channels(timeline: Timeline) -> tuple[int, ...]:
    """Places of the channels that are no measurements: they stay as they are."""
    first = 1 + len(timeline.variables)
    return (0, *range(first, first + 2 * len(timeline.incomplete)))


def channels_of(array: np.ndarray, timeline: Timeline) -> np.ndarray:
    """[N, T, V] with nan where nothing was measured -> [N, T, C] float32 in the order of `channel_names`.

    Inside is 1 up to the last step with a measurement. A value is the last one seen (nan before the first, and after
    the end); seen is 1 where the step itself has one; time since seen is log(1 + steps) / log(1 + T), 1 before the
    first (the ideas of GRU-D, Che et al. 2018, doi:10.1038/s41598-018-24271-9).
    """
    rows, steps, _ = array.shape
    made = np.zeros((rows, steps, len(channel_names(timeline))), np.float32)
    inside = inside_of(array)
    made[:, :, 0] = inside
    since = np.full((rows, array.shape[2]), steps, np.float32)
    last = np.full((rows, array.shape[2]), np.nan, np.float32)
    places = [timeline.variables.index(v) for v in timeline.incomplete]
    first, count = 1 + len(timeline.variables), len(places)
    for step in range(steps):
        known = np.isfinite(array[:, step])
        last = np.where(known, array[:, step], last)
        since = np.where(known, 0, np.minimum(since + 1, steps))
        here = inside[:, step, None]
        made[:, step, 1:first] = np.where(here, last, np.nan)
        made[:, step, first : first + count] = known[:, places]
        made[:, step, first + count :] = here * np.log1p(since[:, places]) / np.log1p(steps)
    return made


def inside_of(array: np.ndarray) -> np.ndarray:
    """[N, T] bool: steps up to the last with a measurement.

    >>> inside_of(np.array([[[1.0], [np.nan], [2.0], [np.nan]]])).tolist()
    [[True, True, True, False]]
    """
    measured = np.isfinite(array).any(axis=2)
    return np.asarray(np.maximum.accumulate(measured[:, ::-1], axis=1)[:, ::-1])


def incomplete_variables(array: np.ndarray, variables: tuple[str, ...]) -> tuple[str, ...]:
    """Variables that miss in some step inside a recording."""
    missing = (~np.isfinite(array) & inside_of(array)[:, :, None]).any(axis=(0, 1))
    return tuple(v for v, misses in zip(variables, missing, strict=True) if misses)
