"""Student's t-interval for a mean over seeds, as for any few values that need not lie in [0, 1]."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special


def t_half_width(values: ArrayLike, *, level: float = 0.95) -> NDArray[np.float64]:
    """Half the width of the interval around the mean over the first axis, (S, ...) to (...).

    Assumes independent values from a normal distribution. Raises ValueError for S < 2.
    """
    sample = np.asarray(values, dtype=np.float64)
    size = len(sample)
    if size < 2:
        raise ValueError(f"an interval over seeds needs at least 2 of them, got {size}")
    quantile = special.stdtrit(size - 1, (1 + level) / 2)
    half: NDArray[np.float64] = quantile * sample.std(axis=0, ddof=1) / np.sqrt(size)
    return half
