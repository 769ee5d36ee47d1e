"""The endless stream of problems that training goes through; a position is all its state."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalkit.launch import Model, check_lengths, make_prompts
from evalkit.plan import Plan, limited, sample_seed
from evalkit.types import Problem, Prompt, Request, SamplingParams, UsageError


@dataclass(frozen=True, slots=True)
class TrainingProblem:
    task: str
    grader: str
    problem: Problem
    prompt: Prompt
    sampling: SamplingParams

    def requests(self, num: int, seed: int, position: int) -> list[Request]:
        """`num` samples, with other seeds wherever in the stream the problem comes up again."""
        where = f"{self.task}@{position}"
        return [
            Request(
                task=self.task,
                problem=self.problem,
                index=index,
                seed=sample_seed(seed, where, self.problem.id, index),
                prompt=self.prompt,
                sampling=self.sampling,
            )
            for index in range(num)
        ]


@dataclass(frozen=True, slots=True)
class ProblemStream:
    """All problems in a random order, then all in another, and so on."""

    problems: Sequence[TrainingProblem]
    longest: int
    """Tokens of the longest prompt with its completion."""
    seed: int

    def take(self, position: int, num: int) -> list[tuple[int, TrainingProblem]]:
        """Those at `position` and after it, with their positions."""
        taken = []
        for i in range(position, position + num):
            epoch, offset = divmod(i, len(self.problems))
            order = _order(len(self.problems), f"{self.seed}-{epoch}")
            taken.append((i, self.problems[order[offset]]))
        return taken


@lru_cache(maxsize=2)
def _order(num: int, seed: str) -> list[int]:
    order = list(range(num))
    random.Random(seed).shuffle(order)
    return order


def open_stream(plan: Plan, model: Model) -> ProblemStream:
    """Raises UsageError where a prompt with its completion does not fit into the context."""
    problems = {
        one.task.name: limited(one.task.problems(plan.spec.data_dir), one.limit)
        for one in plan.tasks
    }
    pairs = [(task, problem) for task, members in problems.items() for problem in members]
    prompts = make_prompts(plan.spec, model, pairs)
    longest = check_lengths(plan.spec, model, plan.tasks, prompts)
    members = [
        TrainingProblem(
            one.task.name,
            one.task.grader,
            problem,
            prompts[one.task.name, problem.id],
            one.task.sampling,
        )
        for one in plan.tasks
        for problem in problems[one.task.name]
    ]
    return ProblemStream(members, longest, plan.spec.seed)


def check_not_validated(stream: ProblemStream, validation: Mapping[str, Sequence[Problem]]) -> None:
    """Raises UsageError where a problem that is trained on is validated on, too."""
    trained = {_text(one.problem) for one in stream.problems}
    for task, problems in validation.items():
        if same := [problem.id for problem in problems if _text(problem) in trained]:
            raise UsageError(
                f"{len(same)} problems of the validation task {task} are trained on, "
                f"as problem {same[0]}: its scores would mean nothing"
            )


def _text(problem: Problem) -> str:
    return " ".join(problem.messages[-1]["content"].split())
