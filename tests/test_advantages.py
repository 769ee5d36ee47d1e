"""Advantages, overlong penalties and the group filter by hand, and what holds for any rewards."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.train.advantages import (
    group_advantages,
    overlong_penalty,
    per_token,
    solved_groups,
)

REWARDS = st.lists(
    st.tuples(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]), st.integers(0, 3)),
    min_size=1,
    max_size=12,
)


def advantages(
    rewards: list[float], groups: list[int], *, divide_by_std: bool = True
) -> list[float]:
    found = group_advantages(
        torch.tensor(rewards, dtype=torch.float64),
        torch.tensor(groups),
        divide_by_std=divide_by_std,
    )
    return found.tolist()


def test_advantages_are_deviations_in_units_of_the_spread() -> None:
    """Group 7 has mean 1/2 and standard deviation sqrt(1/2), with Bessel's correction."""
    found = advantages([1.0, 4.0, 0.0, 2.0], [7, 2, 7, 2])

    one = 0.5 / (math.sqrt(1 / 2) + 1e-6)
    two = 1.0 / (math.sqrt(2) + 1e-6)
    assert found == pytest.approx([one, two, -one, -two], rel=1e-12)


def test_dr_grpo_does_not_divide() -> None:
    """Only the mean of the group is taken off."""
    found = advantages([1.0, 4.0, 0.0, 2.0], [7, 2, 7, 2], divide_by_std=False)

    assert found == [0.5, 1.0, -0.5, -1.0]


@pytest.mark.parametrize("divide_by_std", [True, False])
@pytest.mark.parametrize(("reward", "size"), [(0.1, 7), (0.3, 6), (1.0, 2), (-1 / 3, 5)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_equal_rewards_give_exactly_zero(
    dtype: torch.dtype, reward: float, size: int, divide_by_std: bool
) -> None:
    """Whatever the reward: rounding of the mean must not become an advantage."""
    rewards, groups = torch.full((size,), reward, dtype=dtype), torch.zeros(size, dtype=torch.int64)

    found = group_advantages(rewards, groups, divide_by_std=divide_by_std)

    assert found.dtype == dtype
    assert found.tolist() == [0.0] * size


def test_a_group_of_one_keeps_its_reward() -> None:
    """As in the reference, with mean 0 and standard deviation 1."""
    assert advantages([0.5, 1.0, 0.0], [0, 1, 1])[0] == pytest.approx(0.5, rel=2e-6)
    assert advantages([0.5], [0], divide_by_std=False) == [0.5]


@pytest.mark.parametrize("reward", [math.nan, math.inf])
def test_a_reward_that_is_no_number_is_an_error(reward: float) -> None:
    """It would make all advantages of its group NaN."""
    with pytest.raises(ValueError, match="NaN or infinite"):
        advantages([1.0, reward], [0, 0])


@settings(deadline=None)
@given(REWARDS, st.booleans(), st.randoms(use_true_random=False))
def test_advantages_depend_on_the_group_alone(rewards: list, divide: bool, random: object) -> None:
    """They sum to 0 in a group of two or more, and follow their responses through any order."""
    values, groups = map(list, zip(*rewards, strict=True))
    found = advantages(values, groups, divide_by_std=divide)
    order = list(range(len(values)))
    random.shuffle(order)
    moved = advantages([values[i] for i in order], [groups[i] for i in order], divide_by_std=divide)

    assert moved == pytest.approx([found[i] for i in order], abs=1e-9)
    for group in set(groups):
        members = [a for a, g in zip(found, groups, strict=True) if g == group]
        assert len(members) == 1 or sum(members) == pytest.approx(0, abs=1e-9)


def test_each_valid_token_gets_the_advantage_of_its_response() -> None:
    """The others get 0."""
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])

    assert per_token(torch.tensor([2.0, -1.0]), mask).tolist() == [[2, 2, 0], [-1, 0, 0]]


@pytest.mark.parametrize(
    ("length", "penalty"), [(1, 0.0), (80, 0.0), (81, -0.1), (90, -1.0), (100, -2.0), (110, -3.0)]
)
def test_the_overlong_penalty_falls_linearly_in_the_buffer(length: int, penalty: float) -> None:
    """From 80 of 100 tokens on, by 2 over 20 tokens."""
    found = overlong_penalty(torch.tensor([length]), max_length=100, buffer=20, factor=2.0)

    assert found.tolist() == pytest.approx([penalty])


@pytest.mark.parametrize("buffer", [0, -1, 101])
def test_a_buffer_has_to_fit(buffer: int) -> None:
    """An empty one has no slope."""
    with pytest.raises(ValueError, match="does not fit into 100"):
        overlong_penalty(torch.tensor([1]), max_length=100, buffer=buffer)


def test_groups_that_teach_nothing() -> None:
    """All exactly 1 or all exactly 0; a penalty, or -1 for wrong answers, keeps a group."""
    rewards = torch.tensor([1.0, 0.0, 1.0, 0.0, -0.5, 0.0, -1.0, -1.0, 1.0, 0.0])
    groups = torch.tensor([5, 1, 5, 1, 2, 2, 3, 3, 4, 4])

    found = solved_groups(rewards, groups)

    assert found.by_all.tolist() == [True, False, True] + [False] * 7
    assert found.by_none.tolist() == [False, True, False, True] + [False] * 6
    assert found.kept.tolist() == [False] * 4 + [True] * 6
