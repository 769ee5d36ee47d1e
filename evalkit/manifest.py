"""manifest.json: everything that is needed to repeat a run, and the check that a command fits it."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from evalkit import environment
from evalkit.plan import Plan, TaskPlan
from evalkit.records import SCHEMA_VERSION
from evalkit.types import Problem, Prompt, RunError


def new_manifest(plan: Plan, identity: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "created": environment.now(),
        "model": plan.spec.model,
        "identity": dict(identity),
        "invocations": [],
        "tasks": {},
    }


def check_manifest(manifest: Mapping[str, Any], plan: Plan, identity: Mapping[str, Any]) -> None:
    """Raises RunError, printing the difference, where the run was made in another way."""
    found = {"run": manifest["identity"]}
    asked: dict[str, Any] = {"run": dict(identity)}
    for one in plan.tasks:
        if one.task.name in manifest["tasks"]:
            found[one.task.name] = manifest["tasks"][one.task.name]["identity"]
            asked[one.task.name] = one.identity()
    if found_differences := differences(found, asked):
        listed = "\n".join(f"  {line}" for line in found_differences)
        raise RunError(
            f"the run directory was written with other settings:\n{listed}\nUse another --out"
        )


def extend_manifest(
    manifest: dict[str, Any],
    plan: Plan,
    problems: Mapping[str, list[Problem]],
    prompts: Mapping[tuple[str, str], Prompt],
) -> None:
    """Adds what this command asks for; n and limit only grow, and the environment is the newest."""
    spec = plan.spec
    manifest.update(_protocol(plan))
    manifest["unclosed_thinking"] = spec.unclosed_thinking
    manifest["published_as"] = spec.published_as
    manifest["spec"] = json.loads(json.dumps(dataclasses.asdict(spec), default=str))
    manifest["environment"] = environment.describe()
    for one in plan.tasks:
        before = manifest["tasks"].get(one.task.name, {})
        manifest["tasks"][one.task.name] = {
            **before,
            **_task_entry(one, problems[one.task.name], before),
            **_protocol(plan, one.task.notes),
        }
        if one.task.name not in {task for task, _ in prompts} or "rendered_prompt" in before:
            continue
        first = problems[one.task.name][0]
        manifest["tasks"][one.task.name]["rendered_prompt"] = _rendered(
            first, prompts[one.task.name, first.id]
        )


def _protocol(plan: Plan, notes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Kept for each task: a later command may add tasks under another protocol.

    `notes` are the task's own.
    """
    return {
        "protocol": plan.protocol.name if plan.protocol else None,
        "protocol_label": plan.protocol_label,
        "protocol_changes": list(plan.changes),
        "notes": [*(plan.protocol.notes if plan.protocol else ()), *notes],
    }


def _task_entry(
    plan: TaskPlan, problems: list[Problem], before: Mapping[str, Any]
) -> dict[str, Any]:
    task = plan.task
    planned = len(problems)
    return {
        "title": task.title,
        "identity": plan.identity(),
        "data": task.data.describe(),
        "num_problems": task.data.num_problems,
        "num_planned": max(planned, before.get("num_planned", 0)),
        "n": max(task.n, before.get("n", 0)),
        "ks": list(plan.ks),
        "grader": task.grader,
    }


def _rendered(problem: Problem, prompt: Prompt) -> dict[str, Any]:
    token_ids = ",".join(map(str, prompt.token_ids))
    return {
        "problem_id": problem.id,
        "text": prompt.text,
        "num_tokens": len(prompt.token_ids),
        "token_ids_sha256": hashlib.sha256(token_ids.encode()).hexdigest(),
    }


def differences(found: Any, asked: Any, where: str = "") -> list[str]:
    """A line for each value of nested mappings that is not the same in both."""
    if isinstance(found, dict) and isinstance(asked, dict):
        keys = sorted(set(found) | set(asked))
        return [
            line
            for key in keys
            for line in differences(found.get(key), asked.get(key), f"{where}.{key}".strip("."))
        ]
    return [] if found == asked else [f"{where}: {found!r} in the run, {asked!r} asked for"]
