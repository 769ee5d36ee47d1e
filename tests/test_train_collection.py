"""From problems to groups: real graders, an engine that recites, and what a step then consists of."""

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training_parts import PROMPT, RecitingEngine, Silence, make_spec, sampling

from evalkit.graders.pool import GraderPool
from evalkit.train import engine_host
from evalkit.train.algorithms import GRPO, Algorithm
from evalkit.train.collection import Collected, Collector
from evalkit.train.directory import logged_steps
from evalkit.train.prompts import TrainingProblem
from evalkit.train.session import train
from evalkit.types import Answer, Grade, Problem, Request, RunError, Sample, Verdict

MAX_TOKENS = 40
RIGHT, WRONG, NOTHING = r"\boxed{5}", r"\boxed{6}", "I give up."
HANGING = r"\boxed{10000000!}"
"""Math-Verify, with no guards before it, does not come to an end with this."""


@pytest.fixture(scope="module")
def pool() -> Iterator[GraderPool]:
    with GraderPool("math-verify", num_workers=1, deadline_s=1) as pool:
        yield pool


def problems(num: int) -> list[tuple[int, TrainingProblem]]:
    """At positions 0, 1, ..., all with the answer 5."""
    return [
        (
            position,
            TrainingProblem(
                "sums",
                "math-verify",
                Problem(str(position), (), Answer("5")),
                PROMPT,
                sampling(MAX_TOKENS),
            ),
        )
        for position in range(num)
    ]


def collector(pool: Any, group_size: int, rules: Algorithm = GRPO) -> Collector:
    return Collector({"math-verify": pool}, rules, group_size, MAX_TOKENS, seed=0)


def collect(pool: Any, texts: list[list[str]], rules: Algorithm = GRPO) -> Collected:
    """A group for each list; sample i of problem p says `texts[p][i]`."""
    engine = RecitingEngine(lambda request: texts[int(request.problem.id)][request.index])
    return collector(pool, len(texts[0]), rules).collect(problems(len(texts)), engine)


def test_samples_meet_their_grades_in_any_order(pool: GraderPool) -> None:
    """The engine gives the last first; groups and their members are in the order of the requests."""
    texts = [[RIGHT, WRONG, NOTHING], [WRONG, WRONG, RIGHT]]

    found = collect(pool, texts)

    said = [[one.rollout.sample.text for one in group.members] for group in found.groups]
    assert said == texts
    scores = [[one.score for one in group.members] for group in found.groups]
    assert scores == [[1, 0, 0], [0, 0, 1]]
    assert (found.num_samples, found.num_errors) == (6, 0)


def test_a_member_holds_what_is_trained_on(pool: GraderPool) -> None:
    """The prompt's tokens and all of the completion's."""
    member = collect(pool, [[RIGHT, WRONG]]).groups[0].members[0]

    assert member.sequence.prompt_ids == PROMPT.token_ids
    assert member.sequence.completion_ids == member.rollout.token_ids == tuple(RIGHT.encode())


def test_advantages_are_within_each_group(pool: GraderPool) -> None:
    """One of four right is one and a half spreads above; one of two right is the square root of 1/2."""
    found = collect(pool, [[RIGHT, WRONG, WRONG, WRONG], [RIGHT, RIGHT, WRONG, WRONG]])

    advantages = [[one.advantage for one in group.members] for group in found.groups]
    assert advantages[0] == pytest.approx([1.5, -0.5, -0.5, -0.5], rel=1e-5)
    half = math.sqrt(3 / 4)  # 0.5 over the spread sqrt(1/3) of two ones and two zeros
    assert advantages[1] == pytest.approx([half, half, -half, -half], rel=1e-5)


def test_without_division_advantages_are_differences(pool: GraderPool) -> None:
    """As in Dr. GRPO."""
    found = collect(pool, [[RIGHT, WRONG, WRONG, WRONG]], replace(GRPO, divide_by_std=False))

    assert [one.advantage for one in found.groups[0].members] == [0.75, -0.25, -0.25, -0.25]


def test_the_overlong_penalty_lowers_rewards_and_not_scores(pool: GraderPool) -> None:
    """A right answer of 35 of 40 tokens, the last 10 of which are the buffer: half of the factor."""
    rules = replace(GRPO, overlong_buffer=10, overlong_factor=2.0)

    found = collect(pool, [[RIGHT.rjust(35), RIGHT, WRONG]], rules).groups[0].members

    assert [one.score for one in found] == [1, 1, 0]
    assert [one.reward for one in found] == pytest.approx([0, 1, 0], abs=1e-6)
    assert found[0].advantage < 0 < found[1].advantage


@pytest.mark.parametrize(
    ("texts", "by_all", "by_none"),
    [
        ([RIGHT, RIGHT], True, False),
        ([WRONG, NOTHING], False, True),
        ([RIGHT, WRONG], False, False),
    ],
)
def test_groups_say_whether_they_teach_anything(
    pool: GraderPool, texts: list[str], by_all: bool, by_none: bool
) -> None:
    """Those that all or none solved do not, and have no advantage."""
    group = collect(pool, [texts]).groups[0]

    assert (group.is_solved_by_all, group.is_solved_by_none) == (by_all, by_none)
    if by_all or by_none:
        assert {one.advantage for one in group.members} == {0.0}


@pytest.mark.parametrize(("group_filter", "is_none"), [("drop", False), ("refill", True)])
def test_what_counts_as_solved_by_none(pool: GraderPool, group_filter: Any, is_none: bool) -> None:
    """A wrong answer that is too long: Archer2.0 goes by rewards, DAPO by right and wrong."""
    rules = replace(GRPO, overlong_buffer=10, group_filter=group_filter)

    group = collect(pool, [[WRONG, "x" * 50]], rules).groups[0]

    assert group.is_solved_by_none is is_none


def test_a_few_grader_errors_are_left_out(pool: GraderPool) -> None:
    """One of 120: its group goes on with the others, and is no group of a wrong answer."""
    texts = [[RIGHT, HANGING, WRONG]] + [[RIGHT, WRONG, WRONG]] * 39

    found = collect(pool, texts)

    assert (found.num_samples, found.num_errors) == (120, 1)
    assert [one.score for one in found.groups[0].members] == [1, 0]
    assert found.groups[0].members[0].advantage == pytest.approx(math.sqrt(1 / 2), rel=1e-5)


def test_a_group_of_one_is_left_out(pool: GraderPool) -> None:
    """There is nothing to compare a single sample with. One error of 100 is not more than 1 %."""
    found = collect(pool, [[RIGHT, HANGING]] + [[RIGHT, WRONG]] * 49)

    assert len(found.groups) == 49
    assert (found.num_samples, found.num_errors) == (100, 1)


def test_more_grader_errors_stop_training(pool: GraderPool) -> None:
    """One of fifty is more than 1 %; the message has the first one's reason."""
    texts = [[RIGHT, HANGING]] + [[RIGHT, WRONG]] * 24

    with pytest.raises(
        RunError, match=r"1 of 50 samples could not be graded, more than 1%"
    ) as error:
        collect(pool, texts)
    assert "no verdict within 1" in str(error.value)


class NumberlessPool(GraderPool):
    """Gives a score that is no number, as a grader of the user's own might."""

    def submit(self, problem: Problem, sample: Sample) -> "Future[Grade]":
        future: Future[Grade] = Future()
        future.set_result(Grade(verdict=Verdict.WRONG, score=math.nan, rule="odd"))
        return future


def test_a_reward_that_is_no_number_stops_training() -> None:
    """It would make the advantages of its group NaN, and then the model."""
    with NumberlessPool() as pool, pytest.raises(RunError, match=r"the score nan \(odd"):
        collect(pool, [[RIGHT, WRONG]])


def by_number(request: Request) -> str:
    """A third of the demo's problems is solved by all, a third by none, and a third by sample 0."""
    assert isinstance(request.problem.target, Answer)
    kind = int(request.problem.id) % 3
    is_right = kind == 0 or (kind == 2 and request.index == 0)
    return rf"\boxed{{{request.problem.target.text if is_right else 'x'}}}"


class LoadedEngine(RecitingEngine):
    def load(self, model: Path, args: Any) -> None:
        """There is nothing to load."""


Steps = list[dict[str, float]]


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Steps]:
    """The lines of two steps of six problems, of which `by_number` decides who solves them."""

    def run(group_filter: str, answer: Callable[[Request], str] = by_number, **more: Any) -> Steps:
        engine = LoadedEngine(answer)
        monkeypatch.setattr(engine_host, "start_engine", lambda spec, log: engine)
        args = {"kl_coefficient": 0.0, "group_filter": group_filter}
        spec = make_spec(
            tmp_path, prompts_per_step=6, algorithm_args=args, max_mismatch=99.0, **more
        )
        train(spec, Silence())
        return list(logged_steps(tmp_path).values())

    return run


def test_keep_trains_on_all_groups(steps: Callable[..., Steps]) -> None:
    """Those that teach nothing count in the denominators."""
    for line in steps("keep"):
        assert line["batch/valid"] == 6
        assert line["train/num_gen_batches"] == 1
        assert line["batch/solve_all"] + line["batch/solve_none"] <= 6


def test_drop_trains_on_mixed_groups(steps: Callable[..., Steps]) -> None:
    """On as many as there are."""
    for line in steps("drop"):
        assert line["batch/valid"] == 6 - line["batch/solve_all"] - line["batch/solve_none"]
        assert line["train/num_gen_batches"] == 1


def test_refill_samples_until_the_step_is_full(steps: Callable[..., Steps], tmp_path: Path) -> None:
    """Six mixed groups in each; the next step goes on behind the last problem that was sampled."""
    lines = steps("refill")

    assert [line["batch/valid"] for line in lines] == [6, 6]
    num_batches = [line["train/num_gen_batches"] for line in lines]
    assert min(num_batches) > 1
    done = json.loads((tmp_path / "checkpoints" / "step_000002" / "complete.json").read_text())
    assert done["position"] == 6 * sum(num_batches)


def test_a_step_that_cannot_be_filled_is_an_error(steps: Callable[..., Steps]) -> None:
    """It says how far it got and what helps."""
    with pytest.raises(RunError, match="after 3 batches only 0 of 6 groups") as error:
        steps("refill", lambda request: "I do not know.", max_gen_batches=3)
    assert "max_gen_batches" in str(error.value)


def test_a_step_without_a_mixed_group_updates_nothing(steps: Callable[..., Steps]) -> None:
    """It is a step all the same, with the metrics of its samples."""
    for line in steps("drop", lambda request: "I do not know."):
        assert line["batch/valid"] == 0
        assert line["batch/solve_none"] == 6
        assert line["critic/score/mean"] == 0
        assert "actor/grad_norm" not in line
