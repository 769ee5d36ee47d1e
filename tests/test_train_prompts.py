"""The endless stream of problems, and what must not be in it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_parts import PROMPT, sampling

from evalkit.train.prompts import ProblemStream, TrainingProblem, check_not_validated
from evalkit.types import Answer, Problem, UsageError


def problem(name: str) -> Problem:
    return Problem(name, ({"role": "user", "content": f"What is {name}?"},), Answer("5"))


def stream(num: int, seed: int = 0) -> ProblemStream:
    members = [
        TrainingProblem("sums", "math", problem(str(i)), PROMPT, sampling(9)) for i in range(num)
    ]
    return ProblemStream(members, longest=12, seed=seed)


def ids(one: ProblemStream, position: int, num: int) -> list[str]:
    return [taken.problem.id for _, taken in one.take(position, num)]


@given(st.integers(1, 12), st.integers(0, 40), st.integers(1, 30), st.integers(0, 9))
def test_a_stream_has_no_seams(num: int, position: int, first: int, second: int) -> None:
    """Two parts are as the whole, wherever they meet; positions count on."""
    one = stream(num)

    whole = one.take(position, first + second)

    assert whole == [*one.take(position, first), *one.take(position + first, second)]
    assert [at for at, _ in whole] == list(range(position, position + first + second))


@given(st.integers(1, 12), st.integers(0, 5))
def test_every_epoch_has_every_problem_once(num: int, epoch: int) -> None:
    """None comes again before all have come."""
    assert sorted(ids(stream(num), epoch * num, num)) == sorted(map(str, range(num)))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    """And none is that of the file."""
    orders = [ids(stream(30, seed), position, 30) for seed, position in ((0, 0), (0, 30), (1, 0))]

    assert len({tuple(one) for one in orders}) == 3
    assert list(map(str, range(30))) not in orders


def test_every_sample_has_a_seed_of_its_own() -> None:
    """Also where a problem comes up again; and the same ones when a step is repeated."""
    _, one = stream(1).take(0, 1)[0]

    seeds = [[request.seed for request in one.requests(8, 0, at)] for at in (0, 1, 0)]

    assert len({*seeds[0], *seeds[1]}) == 16
    assert seeds[0] == seeds[2]
    assert [request.seed for request in one.requests(8, 1, 0)] != seeds[0]


def test_requests_are_of_the_problem() -> None:
    """With its prompt, its sampling and the numbers of the samples."""
    _, one = stream(1).take(0, 1)[0]

    requests = one.requests(3, 0, 0)

    assert [request.index for request in requests] == [0, 1, 2]
    for request in requests:
        assert (request.task, request.problem) == ("sums", one.problem)
        assert (request.prompt, request.sampling) == (PROMPT, sampling(9))


def test_a_validated_problem_must_not_be_trained_on() -> None:
    """Whatever its id is, and however its spaces are set."""
    spaced = replace(problem("1"), id="x", messages=({"role": "user", "content": "What  is\n1?"},))

    check_not_validated(stream(3), {"exam": [problem("7")]})
    with pytest.raises(UsageError, match=r"1 problems of the validation task exam .* problem x"):
        check_not_validated(stream(3), {"exam": [problem("7"), spaced]})
