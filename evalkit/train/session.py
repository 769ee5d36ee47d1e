"""A training run from spec to final checkpoint: checks, resume, steps, validation, checkpoints."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import torch

from evalkit.graders.opening import check_available, open_reward_pool
from evalkit.launch import Model, check_lengths, make_prompts, open_model
from evalkit.plan import Plan, limited, make_plan
from evalkit.train.checkpoints import Checkpoints, Progress, is_complete
from evalkit.train.collection import Collector
from evalkit.train.directory import logged_steps, make_record, opened
from evalkit.train.engine_host import EngineHost
from evalkit.train.loggers import Sinks, check_sinks, open_sinks
from evalkit.train.loop import Trainer
from evalkit.train.policy import Policy
from evalkit.train.prompts import ProblemStream, check_not_validated, open_stream
from evalkit.train.reward_servers import check_tasks
from evalkit.train.spec import TrainSpec
from evalkit.train.timing import timed
from evalkit.train.validation import comparable_scores, validate


class Watcher(Protocol):
    """Told how training goes."""

    def stage(self, text: str) -> None: ...

    def step(self, number: int, total: int, metrics: Mapping[str, float]) -> None: ...


def train(spec: TrainSpec, watcher: Watcher) -> Path:
    """Trains, or goes on from the last complete checkpoint; returns the final checkpoint.

    The engine starts first, because that takes longest, and gets its weights after all checks.
    """
    check_sinks(spec.log_to)
    plan = make_plan(spec.rollout_spec())
    watcher.stage("reading the checkpoint")
    model = open_model(plan.spec)
    assert model.checkpoint is not None
    start = model.checkpoint.path
    check_available({one.task.grader for one in plan.tasks}, urls=spec.reward_url)
    record = make_record(spec, plan, model.identity)
    with ExitStack() as stack:
        stack.enter_context(opened(spec.out, record))
        if finished := _finished(spec):
            return finished
        host = stack.enter_context(EngineHost(plan.spec, spec.out, start))
        host.start_up()
        watcher.stage("reading the problems")
        stream = open_stream(plan, model)
        context = max(stream.longest, _check_validation(spec, model, stream))
        collector = _collector(spec, plan, stack)
        if spec.reward_url:
            check_tasks(collector.pools, stream.problems)
        watcher.stage("loading the model")
        policy = load_policy(spec, start)
        trainer = Trainer(spec, stream, policy, _reference(spec, policy, start), collector, host)
        session = _Session(spec, start, trainer, host, watcher)
        progress = session.restore()
        watcher.stage("loading the engine")
        host.load(policy, context)
        last = progress.step if progress.step else -1
        sinks = stack.enter_context(open_sinks(spec.log_to, spec.out, record, last))
        return session.run(progress, sinks)


def _finished(spec: TrainSpec) -> Path | None:
    """The final checkpoint, where all steps were made and logged."""
    path = Checkpoints(spec.out / "checkpoints", spec.out).path(spec.steps)
    is_there = is_complete(path) and spec.steps in logged_steps(spec.out)
    return path if is_there else None


def load_policy(spec: TrainSpec, path: Path) -> Policy:
    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    automatic = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    return Policy(
        path,
        dtype=dtypes.get(spec.dtype, automatic),
        gradient_checkpointing=spec.gradient_checkpointing,
        lora_rank=spec.lora_rank,
        lora_alpha=spec.lora_alpha,
        seed=spec.seed,
    )


def _reference(spec: TrainSpec, policy: Policy, path: Path) -> Policy | None:
    """With LoRA the policy holds its own reference, below the adapters."""
    if not spec.rules().kl_coefficient:
        return None
    return policy if spec.lora_rank else Policy(path, dtype=policy.dtype).freeze()


def _collector(spec: TrainSpec, plan: Plan, stack: ExitStack) -> Collector:
    names = sorted({one.task.grader for one in plan.tasks})
    pools = {
        name: open_reward_pool(name, urls=spec.reward_url, num_workers=spec.grader_workers)
        for name in names
    }
    for pool in pools.values():
        stack.enter_context(pool)
    return Collector(pools, spec.rules(), spec.group_size, spec.max_tokens, spec.seed)


def _check_validation(spec: TrainSpec, model: Model, stream: ProblemStream) -> int:
    """The longest prompt with its completion that validation will need."""
    if not spec.validate:
        return 0
    plan = make_plan(spec.validation_spec(spec.model, 0))
    check_available({one.task.grader for one in plan.tasks})
    problems = {
        one.task.name: limited(one.task.problems(spec.data_dir), one.limit) for one in plan.tasks
    }
    check_not_validated(stream, problems)
    pairs = [(task, problem) for task, members in problems.items() for problem in members]
    return check_lengths(plan.spec, model, plan.tasks, make_prompts(plan.spec, model, pairs))


class _Session:
    """The steps of one command, and what is done between them."""

    def __init__(
        self, spec: TrainSpec, start: Path, trainer: Trainer, host: EngineHost, watcher: Watcher
    ) -> None:
        self._spec = spec
        self._trainer = trainer
        self._host = host
        self._watcher = watcher
        self._checkpoints = Checkpoints(spec.out / "checkpoints", start)

    def restore(self) -> Progress:
        """Puts policy and optimizer back where the last complete checkpoint left them."""
        steps = self._checkpoints.steps()
        if not steps:
            return Progress(step=0, position=0)
        self._watcher.stage(f"going on after step {steps[-1]}")
        return self._checkpoints.load(steps[-1], self._trainer.policy, self._trainer.optimizer)

    def run(self, progress: Progress, sinks: Sinks) -> Path:
        if progress.step not in logged_steps(self._spec.out):
            self._finish(progress, sinks)
        while progress.step < self._spec.steps:
            progress = self._trainer.step(progress)
            if progress.step in due(self._spec.save_every, self._spec) | self._validated():
                with timed(progress.metrics, "save_checkpoint"):
                    self._checkpoints.save(progress, self._trainer.policy, self._trainer.optimizer)
            self._finish(progress, sinks)
        return self._checkpoints.path(progress.step)

    def _finish(self, progress: Progress, sinks: Sinks) -> None:
        """Validation, the line of the step, and the checkpoints that are no longer needed."""
        metrics = dict(progress.metrics)
        if progress.step in self._validated():
            self._watcher.stage(f"validating step {progress.step}")
            with timed(metrics, "testing"):
                metrics |= self._validate(progress.step)
        if metrics:
            sinks.log(progress.step, metrics)
            self._watcher.step(progress.step, self._spec.steps, metrics)
        self._checkpoints.prune(self._kept())

    def _validate(self, step: int) -> dict[str, float]:
        """Step 0 is the model that training starts from."""
        model = str(self._checkpoints.path(step)) if step else self._spec.model
        spec = self._spec.validation_spec(model, step)
        return self._host.use(lambda engine: validate(spec, engine), self._trainer.policy.dtype)

    def _validated(self) -> set[int]:
        if not self._spec.validate:
            return set()
        return {0} | due(self._spec.validate_every, self._spec)

    def _kept(self) -> set[int]:
        """The last checkpoints, and the one with the best validation; of equal ones the first."""
        steps = self._checkpoints.steps()
        kept = set(steps[-self._spec.keep_last :])
        lines = logged_steps(self._spec.out)
        scores = comparable_scores({step: lines.get(step, {}) for step in steps})
        if scores and self._spec.keep_best:
            kept.add(max(scores, key=lambda step: scores[step]))
        return kept


def due(every: int | None, spec: TrainSpec) -> set[int]:
    """The multiples of `every`, and the last step."""
    return {*(range(every, spec.steps + 1, every) if every else ()), spec.steps}
