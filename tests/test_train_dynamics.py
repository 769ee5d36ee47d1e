"""The metrics of a step from samples made by hand, and when a gap to the engine stops training."""

import math
from typing import Any

import pytest
import torch

from evalkit.engine import Rollout
from evalkit.train.batches import TokenSequence
from evalkit.train.collection import Collected, Group, Member
from evalkit.train.dynamics import sampling_metrics, training_metrics
from evalkit.train.mismatch import check_mismatch
from evalkit.train.scoring import Scored
from evalkit.train.timing import Timer
from evalkit.train.validation import comparable_scores
from evalkit.types import RunError, Sample


def member(
    score: float,
    num_tokens: int,
    *,
    reward: float | None = None,
    advantage: float = 0.0,
    text: str = "",
    finish_reason: str = "stop",
) -> Member:
    """After a prompt of three tokens; the engine gave every token -1 nats."""
    sample = Sample(
        task="t",
        problem_id="0",
        index=0,
        seed=0,
        text=text,
        finish_reason=finish_reason,
        num_tokens=num_tokens,
    )
    ids = (1,) * num_tokens
    rollout = Rollout(sample, ids, (-1.0,) * num_tokens)
    sequence = TokenSequence((1, 2, 3), ids)
    return Member(sequence, rollout, score, score if reward is None else reward, advantage)


def group(*members: Member) -> Group:
    scores = {one.score for one in members}
    return Group(members, is_solved_by_all=scores == {1.0}, is_solved_by_none=scores == {0.0})


REPEATING = " ".join(["again and"] * 11)
"""22 words: three 20-grams, of which the third is the first once more."""

MIXED = group(
    member(1.0, 4, reward=0.5, advantage=2.0),
    member(1.0, 9, reward=-0.5, advantage=-1.0, finish_reason="length", text=REPEATING),
    member(0.0, 2, advantage=-1.0),
)
SOLVED = group(member(1.0, 5), member(1.0, 5))
UNSOLVED = group(member(0.0, 1), member(0.0, 7))
COLLECTED = (Collected((MIXED, SOLVED), 6, 1), Collected((UNSOLVED,), 2, 0))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch/solve_all", 1),
        ("batch/solve_none", 1),
        ("train/num_gen_batches", 2),
        ("reward/grader_error_ratio", 1 / 8),
        ("critic/score/mean", 4 / 7),
        ("critic/score/min", 0),
        ("critic/rewards/mean", 2 / 7),
        ("critic/rewards/max", 1),
        ("critic/rewards/min", -0.5),
        ("prompt_length/mean", 3),
        ("response_length/mean", 33 / 7),
        ("response_length/max", 9),
        ("response_length/clip_ratio", 1 / 7),
        ("response_length/pos/mean", 14 / 3),
        ("response_length/pos/clip_ratio", 0),
        ("response_length/neg/mean", 19 / 4),
        ("response_length/neg/clip_ratio", 1 / 4),
        ("token/repetition_ratio", 1 / 3 / 7),
        ("token/maximum_frequency", 2 / 7),
        ("pos_token/repetition_ratio", 0),
        ("neg_token/repetition_ratio", 1 / 3 / 4),
    ],
)
def test_what_was_sampled(name: str, value: float) -> None:
    """Of all samples with a grade, whatever is trained on; "pos" has a reward above 0."""
    assert sampling_metrics(COLLECTED)[name] == pytest.approx(value)


def test_a_step_without_grades_has_no_means() -> None:
    """All of its groups were too small."""
    found = sampling_metrics([Collected((), 2, 2)])

    assert found["reward/grader_error_ratio"] == 1
    assert not any(name.startswith("critic/") for name in found)


def scored() -> Scored:
    """The trainer's -1.5 nats for the first sample of MIXED, -1 for the others; entropies 1, 2, 3."""
    lengths = [len(one.sequence.completion_ids) for one in MIXED.members]
    values = [torch.full((num,), -1.0) for num in lengths]
    return Scored(
        (values[0] - 0.5, *values[1:]),
        tuple(torch.full((num,), float(i)) for i, num in enumerate(lengths, start=1)),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch/valid", 1),
        ("actor/entropy", (4 * 1 + 9 * 2 + 2 * 3) / 15),
        ("critic/advantages/mean", (4 * 2 - 9 - 2) / 15),
        ("critic/advantages/max", 2),
        ("critic/advantages/min", -1),
        ("mismatch/log_prob_diff_mean", 4 * 0.5 / 15),
        ("mismatch/log_prob_diff_max", 0.5),
    ],
)
def test_what_is_trained_on(name: str, value: float) -> None:
    """Means over tokens, so that a long response counts for more."""
    assert training_metrics([MIXED], scored())[name] == pytest.approx(value)


@pytest.mark.parametrize(
    ("found", "first", "limit", "is_too_much"),
    [
        (0.0009, 1e-6, None, False),  # at least 0.001 is allowed
        (0.0011, 1e-6, None, True),
        (0.04, 0.005, None, False),  # ten times that of the first step
        (0.06, 0.005, None, True),
        (0.09, 0.05, None, False),  # but no more than 0.1
        (0.11, 0.05, None, True),
        (0.11, None, None, True),  # also in the first step
        (0.05, None, None, False),
        (0.3, 0.05, 0.5, False),  # as the user says
        (0.02, None, 0.01, True),
        (math.nan, 1e-6, None, True),
    ],
)
def test_a_gap_that_grows_stops_training(
    found: float, first: Any, limit: Any, is_too_much: bool
) -> None:
    """Otherwise the gap of the first step is remembered."""
    metrics = {"mismatch/log_prob_diff_mean": found}

    if is_too_much:
        with pytest.raises(RunError, match="step 7: the engine's log-probabilities differ"):
            check_mismatch(metrics, first, limit, 7)
    else:
        assert check_mismatch(metrics, first, limit, 7) == (found if first is None else first)


def test_phases_are_parts_of_the_step() -> None:
    """A phase that comes twice adds up; tokens count per second of the whole step."""
    timer = Timer()
    for name in ("gen", "ref", "gen"):
        with timer.phase(name):
            pass

    found = timer.metrics(1000)

    phases = [found.pop(f"timing_s/{name}") for name in ("gen", "ref")]
    assert 0 < sum(phases) <= found["timing_s/step"] == found["perf/time_per_step"]
    assert found["perf/throughput"] == pytest.approx(1000 / found["timing_s/step"])
    assert found["perf/total_num_tokens"] == 1000


def test_scores_are_compared_where_they_are_of_the_same_tasks() -> None:
    """A grader error leaves a task without a score, and then the mean would be over the others."""
    lines = {
        1: {"val/a/avg@2": 0.2, "val/b/avg@4": 0.6, "val/a/pass@2": 1.0},
        2: {"val/a/avg@2": 0.9, "actor/entropy": 0.1},
        3: {"actor/entropy": 0.1},
        4: {"val/a/avg@2": 0.5, "val/b/avg@4": 0.5},
    }

    assert comparable_scores(lines) == {1: pytest.approx(0.4), 4: 0.5}
    assert comparable_scores({3: lines[3]}) == {}
