"""What a spec means: the tasks with protocol and user's changes applied, seeds, and identities.

The identity of a run covers everything that changes its samples. Two commands with the same
identity extend the same run directory; a larger n, more tasks or another grader do not change it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.code_data.lcb import LcbSource
from evalkit.spec import RunSpec, check_grader
from evalkit.task import Protocol, Task, load_protocol, parse_tasks, with_sampling
from evalkit.types import Problem, UsageError


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task as it will be run: its prompt, n and sampling are final. `ks` are sorted."""

    task: Task
    ks: tuple[int, ...]
    limit: int | None

    def identity(self) -> dict[str, Any]:
        task = self.task
        values = {
            "data_sha256": task.data.sha256,
            "prompt": task.prompt,
            "system_prompt": task.system_prompt,
            "sampling": json.loads(json.dumps(asdict(task.sampling))),
        }
        if task.is_code:
            values["starter_prompt"] = task.starter_prompt
            values["tests_sha256"] = task.tests_sha256
        return values


@dataclass(frozen=True, slots=True)
class Plan:
    """`changes` are the user's own settings that differ from the protocol's, as `name=value`."""

    spec: RunSpec
    protocol: Protocol | None
    changes: tuple[str, ...]
    tasks: tuple[TaskPlan, ...]

    @property
    def protocol_label(self) -> str:
        name = self.protocol.name if self.protocol else "task defaults"
        return f"{name}, but {', '.join(self.changes)}" if self.changes else name


def make_plan(spec: RunSpec) -> Plan:
    protocol = load_protocol(spec.protocol) if spec.protocol else None
    plans, changes = [], {}
    for request in parse_tasks(spec.tasks):
        task = request.task.bound(spec.problems, spec.data_dir, skip_untested=spec.skip_untested)
        base = protocol.apply(task) if protocol else task
        final = _with_changes(base, spec, request.n or spec.n)
        changes[final.name] = _differences(base, final)
        plans.append(TaskPlan(final, _ks(final, spec), spec.limit))
    if spec.problems and not any(isinstance(one.task.data, LcbSource) for one in plans):
        raise UsageError(
            "--problems stands in for the data of LiveCodeBench, but no task was asked for that uses it"
        )
    return Plan(spec, protocol, (*_task_changes(changes), *_run_changes(spec)), tuple(plans))


def run_identity(spec: RunSpec, model: Mapping[str, Any]) -> dict[str, Any]:
    """`model` says what the weights and the tokenizer are."""
    template = spec.chat_template
    return {
        "engine": spec.engine,
        "model": dict(model),
        "chat_template": _file_sha256(template) if template else None,
        "chat_template_kwargs": dict(spec.chat_template_kwargs),
        "plain_prompt": spec.plain_prompt,
        "engine_args": spec.sample_changing_engine_args(),
        "seed": spec.seed,
    }


def directory_name(spec: RunSpec, identity: Mapping[str, Any]) -> str:
    """`<model>-<protocol>-<hash8>`: the same for the same command."""
    model = Path(spec.model).expanduser()
    label = re.sub(r"[^\w.-]+", "-", model.resolve().name if model.is_dir() else model.name)
    covered = [identity, spec.protocol, spec.sampling_changes(), spec.system_prompt]
    digest = hashlib.sha256(json.dumps(covered, sort_keys=True).encode()).hexdigest()
    return f"{label or 'model'}-{spec.protocol or 'default'}-{digest[:8]}"


def sample_seed(run_seed: int, task: str, problem_id: str, index: int) -> int:
    """53 bits (exact in JSON) that depend on nothing but the arguments."""
    text = "\0".join((str(run_seed), task, problem_id, str(index)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 11


def limited(problems: list[Problem], limit: int | None) -> list[Problem]:
    return problems if limit is None else problems[:limit]


def _with_changes(task: Task, spec: RunSpec, n: int | None) -> Task:
    grader = spec.grader or task.grader
    check_grader(grader, task.name, is_code=task.is_code)
    return replace(
        task,
        n=n or task.n,
        system_prompt=task.system_prompt if spec.system_prompt is None else spec.system_prompt,
        sampling=with_sampling(task.sampling, spec.sampling_changes(), "run"),
        grader=grader,
    )


def _differences(base: Task, final: Task) -> list[str]:
    before, after = asdict(base.sampling), asdict(final.sampling)
    changed = [f"{name}={after[name]}" for name in after if after[name] != before[name]]
    if final.n != base.n:
        changed.insert(0, f"n={final.n}")
    if final.system_prompt != base.system_prompt:
        changed.append("another system prompt")
    if final.grader != base.grader:
        changed.append(f"grader={final.grader}")
    return changed


def _task_changes(changes: Mapping[str, list[str]]) -> list[str]:
    """Each change once; one that does not concern all tasks names those that it does."""
    labels = []
    for change in dict.fromkeys(one for found in changes.values() for one in found):
        tasks = [name for name, found in changes.items() if change in found]
        labels.append(change if len(tasks) == len(changes) else f"{change} ({', '.join(tasks)})")
    return labels


def _run_changes(spec: RunSpec) -> list[str]:
    """Settings that no protocol has, and that change what the model reads or how it is graded."""
    changes = [f"{name}={value}" for name, value in spec.chat_template_kwargs.items()]
    if spec.chat_template:
        changes.append("another chat template")
    if spec.plain_prompt:
        changes.append("no chat template")
    if spec.unclosed_thinking != "no_answer":
        changes.append(f"unclosed_thinking={spec.unclosed_thinking}")
    return changes


def _ks(task: Task, spec: RunSpec) -> tuple[int, ...]:
    ks = tuple(sorted({1, task.n} if spec.k is None else set(spec.k)))
    if ks[-1] > task.n:
        raise UsageError(f"task {task.name}: k={ks[-1]} is larger than n={task.n}")
    return ks


def _file_sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(
            f"cannot read the chat template {path.absolute()}: {error.strerror}"
        ) from error
