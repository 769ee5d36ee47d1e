"""How far a computed tensor is from the expected one."""

from dataclasses import dataclass

import torch
from torch import Tensor

TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-5, torch.bfloat16: 1e-5}
"""Of what is computed from inputs of these types; bfloat16 is computed in float32."""
SHARE_TOLERANCE = 1e-6
"""Of clip fractions, which the reference computes in float32."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`error` is the largest |found - expected| / (1 + |expected|); infinite where NaN differs."""

    what: str
    error: float
    tolerance: float

    @property
    def is_equal(self) -> bool:
        return self.error <= self.tolerance


def compare(what: str, found: Tensor, expected: Tensor, tolerance: float) -> Comparison:
    """NaN equals NaN."""
    if found.shape != expected.shape:
        return Comparison(what, torch.inf, tolerance)
    found, expected = found.detach().double(), expected.double()
    errors = (found - expected).abs() / (1 + expected.abs())
    errors[found.eq(expected) | (found.isnan() & expected.isnan())] = 0
    error = float(errors.nan_to_num(torch.inf).max()) if errors.numel() else 0.0
    return Comparison(what, error, tolerance)
