"""Smoothing for the eye; no number that is reported is computed from it."""

import numpy as np

from evalkit.curves.read import Floats, Series


def moving_average(series: Series, weight: float) -> Floats:
    """The mean of each value and all before it, weighing `weight` times less for each step between.

    An exponential moving average that its start does not pull down, and that hardly smooths what is
    measured every tenth step; a weight of 0 leaves values as they are. (N,)
    """
    smooth = np.empty_like(series.values)
    total = norm = 0.0
    decay = weight ** np.diff(series.steps, prepend=series.steps[:1])
    for index, (keep, value) in enumerate(zip(decay, series.values, strict=True)):
        total, norm = keep * total + value, keep * norm + 1.0
        smooth[index] = total / norm
    return smooth
