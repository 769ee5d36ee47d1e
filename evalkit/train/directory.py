"""A training directory: one process at a time, and what it was made with in train.json."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalkit import environment
from evalkit.curves.read import METRICS_FILE, TRAIN_FILE
from evalkit.jsonl import encoded, read_lines, write_error
from evalkit.lock import sign_lock, take_lock
from evalkit.manifest import differences
from evalkit.plan import Plan, run_identity
from evalkit.train.spec import TrainSpec
from evalkit.types import RunError

_SCHEMA_VERSION = 1
_MAY_CHANGE = (
    "model",  # its weights are in the identity
    "steps",
    "out",
    "micro_batch_tokens",
    "gradient_checkpointing",
    "max_mismatch",
    "max_gen_batches",  # a step that it stopped was not made
    "grader_workers",
    "reward_url",  # the same graders there
    "data_dir",
    "validate",
    "validate_every",
    "save_every",
    "keep_last",
    "keep_best",
    "log_to",
    "log_rollouts",
    "note",
    "engine_args",  # those that change samples are in the identity
)


def make_record(spec: TrainSpec, plan: Plan, model: Mapping[str, Any]) -> dict[str, Any]:
    """`identity` is all that changes the steps; a command with another one is refused."""
    values = json.loads(json.dumps(asdict(spec), default=str))
    algorithm = json.loads(json.dumps(asdict(spec.rules()), default=str))
    return {
        "schema_version": _SCHEMA_VERSION,
        "created": environment.now(),
        "command": environment.command_line(),
        "spec": values,
        "algorithm": {"name": spec.algorithm, **algorithm},
        "identity": {
            "spec": {name: value for name, value in values.items() if name not in _MAY_CHANGE},
            "algorithm": algorithm,
            "run": json.loads(json.dumps(run_identity(plan.spec, model))),
            "tasks": {one.task.name: one.identity() for one in plan.tasks},
        },
        "environment": environment.describe(),
    }


@contextmanager
def opened(path: Path, record: Mapping[str, Any]) -> Iterator[None]:
    """Makes the directory, or takes up the one that is there.

    Raises RunError where it holds something else or was made with other settings, RunInUseError
    where another process trains in it.
    """
    _check_is_ours(path)
    with ExitStack() as stack:
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(take_lock(path))
            sign_lock(lock)
            record = {**record, **_check(path, record)}
            temporary = path / f".{TRAIN_FILE}.tmp"
            temporary.write_bytes(encoded(record, indent=1) + b"\n")
            temporary.replace(path / TRAIN_FILE)
        except OSError as error:
            raise write_error(path, error) from error
        yield


def read_record(path: Path) -> dict[str, Any]:
    """Raises RunError where `path` is no training directory."""
    try:
        content: dict[str, Any] = json.loads((path / TRAIN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{path} is not a training directory (no {TRAIN_FILE})") from error
    except ValueError as error:
        raise RunError(f"{path / TRAIN_FILE} is damaged: {error}") from error
    return content


def logged_steps(path: Path) -> dict[int, dict[str, float]]:
    """The metrics of each step that is in metrics.jsonl."""
    lines = read_lines(path / METRICS_FILE, dict)
    return {int(line["step"]): line for line in lines}


def _check_is_ours(path: Path) -> None:
    """A start that was stopped may have left the lock, the engine's log and nothing to lose."""
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} exists and is not a directory")
    if not path.exists() or (path / TRAIN_FILE).exists():
        return
    if any(one.name not in (".lock", f".{TRAIN_FILE}.tmp") for one in path.iterdir()):
        raise RunError(f"{path} exists and is not a training directory (no {TRAIN_FILE})")


def _check(path: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """What stays of the record that is there already; nothing where no step was made with it."""
    is_begun = any((path / "checkpoints").glob("step_*")) or logged_steps(path)
    if not ((path / TRAIN_FILE).exists() and is_begun):
        return {}
    before = read_record(path)
    if found := differences(before["identity"], record["identity"]):
        listed = "\n".join(f"  {line}" for line in found)
        raise RunError(
            f"the training directory was begun with other settings:\n{listed}\nUse another --out"
        )
    return {"created": before["created"]}
