"""From problems to graded groups: sampling, grading, rewards, advantages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from evalkit.engine import Rollout, RolloutEngine
from evalkit.graders.opening import Pool
from evalkit.train.advantages import group_advantages, overlong_penalty, solved_groups
from evalkit.train.algorithms import Algorithm
from evalkit.train.batches import TokenSequence
from evalkit.train.prompts import TrainingProblem
from evalkit.types import Grade, Request, RunError, Verdict

MAX_ERROR_SHARE = 0.01
"""Of the samples; above it the grader is broken, and training on what is left would be biased."""


@dataclass(frozen=True, slots=True)
class Member:
    """A sample of a group. `score` is the grader's, `reward` the score with the overlong penalty."""

    sequence: TokenSequence
    rollout: Rollout
    score: float
    reward: float
    advantage: float


@dataclass(frozen=True, slots=True)
class Group:
    """The graded samples of one problem, at least two."""

    members: tuple[Member, ...]
    is_solved_by_all: bool
    is_solved_by_none: bool


@dataclass(frozen=True, slots=True)
class Graded:
    """A sample with its grade, whether or not it comes into a group."""

    problem: TrainingProblem
    rollout: Rollout
    grade: Grade


@dataclass(frozen=True, slots=True)
class Collected:
    groups: tuple[Group, ...]
    num_samples: int
    num_errors: int
    graded: tuple[Graded, ...] = ()


@dataclass(frozen=True, slots=True)
class Collector:
    """Samples with `engine` and grades with `pools`, by grader; each sample while others come."""

    pools: Mapping[str, Pool]
    rules: Algorithm
    group_size: int
    max_tokens: int
    seed: int

    def collect(
        self, chosen: Sequence[tuple[int, TrainingProblem]], engine: RolloutEngine
    ) -> Collected:
        """Samples without a grade are left out, and groups of which fewer than two are left.

        Raises RunError where more than 1 % have none.
        """
        requests = [one.requests(self.group_size, self.seed, position) for position, one in chosen]
        graders = {
            r.seed: self.pools[one.grader]
            for (_, one), rs in zip(chosen, requests, strict=True)
            for r in rs
        }
        graded = _graded([r for members in requests for r in members], graders, engine)
        num_errors = _count_errors([grade for _, grade in graded.values()])
        groups = [[graded[r.seed] for r in members] for members in requests]
        kept = [[one for one in members if one[1].score is not None] for members in groups]
        full = [(chosen[i][1], members) for i, members in enumerate(kept) if len(members) > 1]
        all_graded = tuple(
            Graded(one, *found)
            for (_, one), members in zip(chosen, groups, strict=True)
            for found in members
        )
        return Collected(self._groups(full), len(graded), num_errors, all_graded)

    def _groups(
        self, graded: list[tuple[TrainingProblem, list[tuple[Rollout, Grade]]]]
    ) -> tuple[Group, ...]:
        flat = [one for _, members in graded for one in members]
        if not flat:
            return ()
        index = torch.tensor([i for i, (_, members) in enumerate(graded) for _ in members])
        scores = torch.tensor([_score(grade) for _, grade in flat], dtype=torch.float64)
        rewards = scores.clone()
        if self.rules.overlong_buffer:
            rewards += overlong_penalty(
                torch.tensor([len(rollout.token_ids) for rollout, _ in flat]),
                max_length=self.max_tokens,
                buffer=self.rules.overlong_buffer,
                factor=self.rules.overlong_factor,
            )
        advantages = group_advantages(rewards, index, divide_by_std=self.rules.divide_by_std)
        # DAPO goes by accuracy (section 3.2 of 2503.14476), Archer2.0 by the rewards with penalty.
        judged = scores if self.rules.group_filter == "refill" else rewards
        solved = solved_groups(judged, index)
        members = [
            _member(graded[i][0], rollout, grade, reward, advantage)
            for i, (rollout, grade), reward, advantage in zip(
                index.tolist(), flat, rewards.tolist(), advantages.tolist(), strict=True
            )
        ]
        groups, start = [], 0
        for _, one in graded:
            end = start + len(one)
            by_all, by_none = bool(solved.by_all[start]), bool(solved.by_none[start])
            groups.append(Group(tuple(members[start:end]), by_all, by_none))
            start = end
        return tuple(groups)


def _score(grade: Grade) -> float:
    """Raises RunError for a score that is not a finite number."""
    if grade.score is None or not math.isfinite(grade.score):
        raise RunError(f"the grader gave the score {grade.score} ({grade.rule}: {grade.detail})")
    return grade.score


def _member(
    problem: TrainingProblem, rollout: Rollout, grade: Grade, reward: float, advantage: float
) -> Member:
    sequence = TokenSequence(problem.prompt.token_ids, rollout.token_ids)
    return Member(sequence, rollout, _score(grade), reward, advantage)


def _graded(
    requests: list[Request], pools: Mapping[int, Pool], engine: RolloutEngine
) -> dict[int, tuple[Rollout, Grade]]:
    """By the seeds of the requests, which are all different."""
    problems = {request.seed: request.problem for request in requests}
    waiting = {}
    for rollout in engine.rollout(requests):
        seed = rollout.sample.seed
        assert seed is not None
        waiting[seed] = rollout, pools[seed].submit(problems[seed], rollout.sample)
    return {seed: (rollout, future.result()) for seed, (rollout, future) in waiting.items()}


def _count_errors(grades: Sequence[Grade]) -> int:
    failed = [grade for grade in grades if grade.verdict is Verdict.GRADER_ERROR]
    if len(failed) > MAX_ERROR_SHARE * len(grades):
        raise RunError(
            f"{len(failed)} of {len(grades)} samples could not be graded, more than "
            f"{MAX_ERROR_SHARE:.0%}; the first: {failed[0].rule}: {failed[0].detail}"
        )
    return len(failed)
