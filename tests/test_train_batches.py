"""Batches of sequences: where each token lies, which state predicts it, and how little is padding."""

import random
from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evalkit.train.batches import Batch, TokenSequence, micro_batches
from evalkit.train.experience import mini_batches

IDS = st.integers(1, 300)
SEQUENCES = st.lists(
    st.builds(
        TokenSequence,
        st.lists(IDS, min_size=1, max_size=6).map(tuple),
        st.lists(IDS, min_size=1, max_size=9).map(tuple),
    ),
    min_size=1,
    max_size=12,
)
FIRST_CALL_IS_SLOW = settings(deadline=None)


def of_lengths(*lengths: int) -> list[TokenSequence]:
    """One token of prompt, the others of completion."""
    return [TokenSequence((1,), (2,) * (length - 1)) for length in lengths]


def test_a_batch_by_hand() -> None:
    """Two prompts of two and one tokens; the last token of each prompt predicts the first new one."""
    batch = Batch.of([TokenSequence((5, 6), (7, 8, 9)), TokenSequence((4,), (3,))])

    assert batch.input_ids.tolist() == [[5, 6, 7, 8, 9], [4, 3, 0, 0, 0]]
    assert batch.targets.tolist() == [7, 8, 9, 3]
    assert batch.rows.tolist() == [0, 0, 0, 1]
    assert batch.predecessors.tolist() == [1, 2, 3, 0]
    assert batch.mask.tolist() == [[True, True, True], [True, False, False]]


@FIRST_CALL_IS_SLOW
@given(SEQUENCES)
def test_targets_are_the_completions_in_order(sequences: list[TokenSequence]) -> None:
    """And each stands right after the position that predicts it."""
    batch = Batch.of(sequences)

    completions = [token for one in sequences for token in one.completion_ids]
    assert batch.targets.tolist() == completions
    assert batch.input_ids[batch.rows, batch.predecessors + 1].tolist() == completions
    assert batch.mask.sum(1).tolist() == [len(one.completion_ids) for one in sequences]


@FIRST_CALL_IS_SLOW
@given(SEQUENCES)
def test_values_are_spread_over_the_places_of_their_tokens(sequences: list[TokenSequence]) -> None:
    """Row by row, zeros to the right; reading them back through the mask undoes it."""
    batch = Batch.of(sequences)
    values = torch.arange(1.0, len(batch.targets) + 1)

    spread = batch.spread(values)

    assert torch.equal(spread[batch.mask], values)
    assert spread[~batch.mask].eq(0).all()


def test_gradients_go_through_spreading() -> None:
    """Each value gets the gradient of its place."""
    batch = Batch.of([TokenSequence((1,), (2, 3)), TokenSequence((1,), (4,))])
    values = torch.ones(3, requires_grad=True)

    (batch.spread(values) * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()

    assert values.grad is not None
    assert values.grad.tolist() == [1.0, 2.0, 3.0]


@FIRST_CALL_IS_SLOW
@given(SEQUENCES, st.integers(1, 60))
@example(of_lengths(4, 4, 4), 8)
def test_micro_batches_hold_each_sequence_once_within_the_budget(
    sequences: list[TokenSequence], budget: int
) -> None:
    """Rows times the longest row stay in the budget, but for one sequence that alone exceeds it."""
    found = micro_batches(sequences, budget)

    assert sorted(position for one in found for position in one) == list(range(len(sequences)))
    for one in found:
        size = len(one) * max(sequences[position].num_tokens for position in one)
        assert size <= budget or len(one) == 1


@FIRST_CALL_IS_SLOW
@given(SEQUENCES, st.integers(1, 60))
def test_micro_batches_are_full_and_of_similar_lengths(
    sequences: list[TokenSequence], budget: int
) -> None:
    """Only the last has room for one more row, and none has one shorter than any that follow."""
    found = micro_batches(sequences, budget)
    lengths = [[sequences[position].num_tokens for position in one] for one in found]

    assert all((len(one) + 1) * max(one) > budget for one in lengths[:-1])
    assert all(min(one) >= max(following) for one, following in pairwise(lengths))


@pytest.mark.parametrize(
    ("lengths", "budget", "expected"),
    [
        ((5, 3, 8, 2), 16, [[2, 0], [1, 3]]),  # two rows of 8, then up to five rows of 3
        ((4, 4, 4), 8, [[0, 1], [2]]),
        ((9, 4), 8, [[0], [1]]),  # longer than the budget: by itself
        ((2, 2, 2), 1000, [[0, 1, 2]]),
    ],
)
def test_micro_batches_by_hand(
    lengths: tuple[int, ...], budget: int, expected: list[list[int]]
) -> None:
    """The longest first; the first of a batch says how many rows fit."""
    assert micro_batches(of_lengths(*lengths), budget) == expected


def test_padding_is_what_is_not_of_a_sequence() -> None:
    """Prompts count as well: rows of 5, 3 and 8 tokens in three times 8 positions."""
    assert Batch.of(of_lengths(5, 3, 8)).num_padding == 3 + 5
    assert Batch.of(of_lengths(4, 4)).num_padding == 0


@FIRST_CALL_IS_SLOW
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=9), st.integers(1, 6), st.integers(0, 2**32)
)
def test_mini_batches_keep_groups_whole(sizes: list[int], num: int, seed: int) -> None:
    """Every sequence once; as many groups in each as in any other, or one more; none empty."""
    found = list(mini_batches(sizes, num, random.Random(seed)))
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]

    assert sorted(position for one in found for position in one) == list(range(len(groups)))
    counts = [len({groups[position] for position in one}) for one in found]
    assert sum(counts) == len(sizes)
    assert len(found) == min(num, len(sizes))
    assert max(counts) - min(counts) <= 1


def test_mini_batches_differ_from_epoch_to_epoch() -> None:
    """Groups meet in other company, in an order that the generator alone decides."""
    orders = [tuple(mini_batches([1] * 20, 4, random.Random(seed))) for seed in (0, 1, 0)]

    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
