"""One step of training: sample and grade, score, update, hand the weights to the engine."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from evalkit.engine import RolloutEngine
from evalkit.train.batches import TokenSequence
from evalkit.train.checkpoints import Progress
from evalkit.train.collection import Collected, Collector, Group
from evalkit.train.dynamics import Metrics, sampling_metrics, training_metrics
from evalkit.train.engine_host import EngineHost
from evalkit.train.experience import Experience
from evalkit.train.mismatch import check_mismatch
from evalkit.train.policy import Policy
from evalkit.train.prompts import ProblemStream
from evalkit.train.rollouts import write_rollouts
from evalkit.train.scoring import Scored, score_all
from evalkit.train.spec import TrainSpec
from evalkit.train.timing import Timer
from evalkit.train.update import Updater
from evalkit.types import RunError


class Trainer:
    """Makes steps. `reference` is the frozen model of the KL penalty, if there is one."""

    def __init__(
        self,
        spec: TrainSpec,
        stream: ProblemStream,
        policy: Policy,
        reference: Policy | None,
        collector: Collector,
        host: EngineHost,
    ) -> None:
        self._spec = spec
        self._rules = spec.rules()
        self._stream = stream
        self.policy = policy
        self._reference = reference
        self._collector = collector
        self._host = host
        self._updater = Updater(policy, spec)
        self.optimizer = self._updater.optimizer

    def step(self, before: Progress) -> Progress:
        """The next step: its metrics, and where the problems go on."""
        timer = Timer()
        number = before.step + 1
        with timer.phase("gen"):
            collected, position = self._host.use(
                lambda engine: self._collect(engine, before.position), self.policy.dtype
            )
        self._host.release()
        if self._spec.log_rollouts:
            graded = [one for some in collected for one in some.graded]
            write_rollouts(self._spec.out, number, graded)
        metrics = sampling_metrics(collected)
        groups = self._chosen([group for one in collected for group in one.groups])
        mismatch = before.mismatch
        if groups:
            experience, found = self._experience(groups, timer)
            mismatch = check_mismatch(found, mismatch, self._spec.max_mismatch, number)
            with timer.phase("update_actor"):
                metrics |= found | self._updater.update(experience, number)
        else:
            metrics["batch/valid"] = 0
        with timer.phase("update_weights"):
            self._host.update(self.policy)
        metrics |= timer.metrics(_num_tokens(collected))
        return replace(before, step=number, position=position, metrics=metrics, mismatch=mismatch)

    def _collect(self, engine: RolloutEngine, position: int) -> tuple[list[Collected], int]:
        """One batch of problems, or with "refill" as many as it takes to fill the step."""
        wanted = self._spec.prompts_per_step
        collected: list[Collected] = []
        while True:
            chosen = self._stream.take(position, wanted)
            collected.append(self._collector.collect(chosen, engine))
            position += wanted
            kept = self._chosen([group for one in collected for group in one.groups])
            if self._rules.group_filter != "refill" or len(kept) == wanted:
                return collected, position
            if len(collected) == self._spec.max_gen_batches:
                raise RunError(
                    f"after {len(collected)} batches only {len(kept)} of {wanted} groups have right "
                    f"and wrong samples: use easier or harder problems, larger groups, more "
                    f"max_gen_batches, or algorithm_args group_filter=drop"
                )

    def _chosen(self, groups: list[Group]) -> list[Group]:
        if self._rules.group_filter == "keep":
            return groups
        mixed = [one for one in groups if not (one.is_solved_by_all or one.is_solved_by_none)]
        return mixed[: self._spec.prompts_per_step]

    def _experience(self, groups: list[Group], timer: Timer) -> tuple[Experience, Metrics]:
        members = [member for group in groups for member in group.members]
        sequences = tuple(member.sequence for member in members)
        with timer.phase("old_log_prob"):
            old = self._score(self.policy, sequences)
        reference = None
        if self._reference:
            with timer.phase("ref"), self._reference.without_adapters():
                reference = self._score(self._reference, sequences)
        advantages = torch.tensor([member.advantage for member in members])
        sizes = tuple(len(group.members) for group in groups)
        metrics = training_metrics(groups, old)
        return Experience(sequences, sizes, advantages, old, reference), metrics

    def _score(self, policy: Policy, sequences: Sequence[TokenSequence]) -> Scored:
        return score_all(
            policy,
            sequences,
            temperature=self._spec.temperature,
            budget=self._spec.micro_batch_tokens,
        )


def _num_tokens(collected: Sequence[Collected]) -> int:
    """Prompts and completions of all samples that were graded."""
    groups = [group for one in collected for group in one.groups]
    return sum(member.sequence.num_tokens for group in groups for member in group.members)
