"""Programs on a reward server: the grades are those in process, whether tests are named or sent."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from serving import serving

from evalkit.graders.code_pool import CodePool
from evalkit.graders.remote import RemotePool
from evalkit.grading import sample_of
from evalkit.integrations import rewards
from evalkit.integrations.labels import write_target
from evalkit.integrations.trl_reward import GraderReward
from evalkit.task import parse_tasks
from evalkit.types import CodeTests, Grade, InlineTests, Problem, RewardServerError, Target

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

TASK = "lcb-v6"
COMPLETIONS = {
    "right": "Thus:\n```python\nprint(int(input()) * 2)\n```\n",
    "wrong": "```python\nprint(int(input()) * 3)\n```",
    "crash": "```python\nprint(1 // 0)\n```",
    "none": "I do not know.",
}


@dataclass(frozen=True)
class Place:
    url: str
    problem: Problem
    remote: RemotePool
    local: CodePool

    def grades(self, target: Target, task: str) -> list[tuple[Grade, Grade]]:
        """Of each completion, on the server with this target, and here with the stored tests."""
        problem = replace(self.problem, target=target)
        samples = [replace(sample_of(text), task=task) for text in COMPLETIONS.values()]
        there = [self.remote.submit(problem, sample) for sample in samples]
        here = [self.local.submit(self.problem, sample) for sample in samples]
        return [
            tuple(replace(one.result(), seconds=0) for one in pair)
            for pair in zip(there, here, strict=True)
        ]


@pytest.fixture(scope="module")
def place(
    sandbox_client: "DockerClient",
    tmp_path_factory: pytest.TempPathFactory,
    hub_row: Callable[..., dict[str, str]],
) -> Iterator[Place]:
    """A server that has loaded a task with one problem."""
    folder = tmp_path_factory.mktemp("programs")
    file = folder / "problems.jsonl"
    row = hub_row("double", ("1\n", "2\n"), ("7\n", "14\n"))
    file.write_text(json.dumps({**row, "contest_date": "2025-03-01T00:00:00"}) + "\n")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EVALKIT_CACHE", str(folder / "cache"))
        [request] = parse_tasks(("lcb@v6",))
        [problem] = request.task.bound(file, None).problems()
        options = ("--tasks", "lcb@v6", "--problems", str(file), "--grader-workers", "1")
        with (
            serving("--graders", "code", *options) as server,
            RemotePool([server.url], "code") as remote,
            CodePool(num_workers=1) as local,
        ):
            yield Place(server.url, problem, remote, local)
            rewards.close()


def test_named_tests_give_the_grades_of_tests_here(place: Place) -> None:
    """The server's own, of the task that it has loaded."""
    pairs = place.grades(place.problem.target, TASK)

    assert [there for there, _ in pairs] == [here for _, here in pairs]
    verdicts = [there.verdict for there, _ in pairs]
    assert verdicts == ["correct", "wrong", "runtime_error", "no_answer"]


def test_sent_tests_give_the_grades_of_tests_here(place: Place) -> None:
    """Out of their store, or at hand."""
    inline = InlineTests(inputs=("1\n", "7\n"), outputs=("2\n", "14\n"))
    for target in (place.problem.target, inline):
        pairs = place.grades(target, "")
        assert [there for there, _ in pairs] == [here for _, here in pairs]


@pytest.mark.parametrize(
    ("changes", "task", "message"),
    [
        ({"sha256": "ab"}, TASK, "HTTP 409: .*, not 'ab"),
        ({"problem_id": "treble"}, TASK, "HTTP 404: .*'treble'"),
        ({}, "lcb-v5", "HTTP 404: .*'lcb-v5'"),
    ],
)
def test_tests_that_a_server_does_not_have_are_an_error(
    place: Place, changes: dict[str, str], task: str, message: str
) -> None:
    """Not a score, and not those that it has instead."""
    assert isinstance(place.problem.target, CodeTests)
    problem = replace(place.problem, target=replace(place.problem.target, **changes))
    sample = replace(sample_of(COMPLETIONS["right"]), task=task)

    with pytest.raises(RewardServerError, match=message):
        place.remote.grade(problem, sample)


@pytest.mark.parametrize("task", [TASK, ""])
def test_a_client_grades_programs_by_url(place: Place, task: str) -> None:
    """The column says which task the tests belong to."""
    target = write_target(place.problem.target, task=task)
    completions = list(COMPLETIONS.values())

    found = GraderReward("code", url=place.url)(completions=completions, answer=[target] * 4)
    assert found == [1.0, 0.0, 0.0, 0.0]
