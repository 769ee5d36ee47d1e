"""Presets: what each changes against the one that it is derived from, as its paper says."""

import math
from dataclasses import fields

import pytest

from evalkit.train.algorithms import ALGORITHMS, Clip

DIFFERENCES = [
    (
        "grpo",
        "dapo",
        {
            "clip": Clip(0.2, 0.28),
            "aggregation": "token-mean",
            "kl_coefficient": 0.0,
            "group_filter": "refill",
            "overlong_buffer": 4096,
        },
    ),
    ("grpo", "aspo-paper", {"surrogate": "flip", "dual_clip_positive": 3.0}),
    (
        "aspo-paper",
        "aspo-archer2",
        {"high_entropy_clip": Clip(0.4, 0.4), "group_filter": "drop", "overlong_buffer": 16},
    ),
    ("grpo", "grpo-no-is", {"ratio": "one"}),
    ("grpo", "grpo-pos-seq-is", {"ratio": "positive-mean"}),
    (
        "aspo-paper",
        "aspo-no-dual-clip",
        {"dual_clip_negative": math.inf, "dual_clip_positive": math.inf},
    ),
    (
        "grpo",
        "dr-grpo",
        {"aggregation": "seq-mean-token-budget", "divide_by_std": False, "kl_coefficient": 0.0},
    ),
    (
        "grpo",
        "gspo",
        {"ratio": "sequence", "clip": Clip(3e-4, 4e-4), "dual_clip_negative": math.inf},
    ),
    (
        "dapo",
        "cispo",
        {"surrogate": "weight", "clip": Clip(1.0, 4.0), "dual_clip_negative": math.inf},
    ),
]


@pytest.mark.parametrize(("base", "name", "expected"), DIFFERENCES)
def test_an_algorithm_differs_as_its_paper_says(base: str, name: str, expected: dict) -> None:
    """In these fields and no other."""
    old, new = ALGORITHMS[base], ALGORITHMS[name]
    found = {
        field.name: getattr(new, field.name)
        for field in fields(new)
        if getattr(new, field.name) != getattr(old, field.name)
    }

    assert found == expected


def test_every_algorithm_is_described() -> None:
    """ASPO has no preset without a profile."""
    assert set(ALGORITHMS) == {"grpo"} | {name for _, name, _ in DIFFERENCES}
