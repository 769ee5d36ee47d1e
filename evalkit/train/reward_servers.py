"""Whether reward servers can grade what a run trains on, found out before anything is sampled."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evalkit.graders.opening import Pool
from evalkit.grading import sample_of
from evalkit.train.prompts import TrainingProblem
from evalkit.types import RewardServerError


def check_tasks(pools: Mapping[str, Pool], problems: Sequence[TrainingProblem]) -> None:
    """Has an empty completion of each task graded, for its first problem.

    Raises RewardServerError where a server does not have the task or its grader, has other tests,
    or fails to grade.
    """
    firsts = {one.task: one for one in reversed(problems)}
    grades = {
        task: pools[one.grader].submit(one.problem, replace(sample_of(""), task=task))
        for task, one in firsts.items()
    }
    for task, future in grades.items():
        if (grade := future.result()).score is None:
            raise RewardServerError(
                f"the reward server cannot grade {task}: {grade.rule}: {grade.detail}"
            )
