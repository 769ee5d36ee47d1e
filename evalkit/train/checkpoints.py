"""Checkpoints that are whole or not there: a Hugging Face directory with the trainer's state in it."""

import json
import os
import shutil
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from evalkit.train.disk import writing
from evalkit.train.export import write_model
from evalkit.train.policy import Policy
from evalkit.train.spec import step_name

_MARKER = "complete.json"
_STATE = "trainer/state.safetensors"  # not beside the weights, where engines read all files
_PARAMETERS = "parameters."
_OPTIMIZER = "optimizer."


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands after a step. All randomness follows from seed, step and position.

    `metrics` are those of the step, before validation; `mismatch` is that of the first step, in nats.
    """

    step: int
    position: int
    metrics: dict[str, float] = field(default_factory=dict)
    mismatch: float | None = None


class Checkpoints:
    """The directory `checkpoints` of a training run; the steps in it are complete."""

    def __init__(self, path: Path, start: Path) -> None:
        """`start` is the checkpoint that training started from: its tokenizer goes into all."""
        self._path = path
        self._start = start

    def path(self, step: int) -> Path:
        return self._path / step_name(step)

    def steps(self) -> list[int]:
        """Of complete checkpoints, ascending."""
        return sorted(int(one.parent.name[5:]) for one in self._path.glob(f"step_*/{_MARKER}"))

    def save(self, progress: Progress, policy: Policy, optimizer: torch.optim.Optimizer) -> Path:
        """Raises RunError where the disk is full; what was there before is intact."""
        target = self.path(progress.step)
        unfinished = target.with_name(f".{target.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            with writing(target):
                (unfinished / _STATE).parent.mkdir(parents=True)
                write_model(policy, self._start, unfinished)
                save_file(_state(policy, optimizer), unfinished / _STATE)
                for file in unfinished.rglob("*"):
                    _sync(file)
                (unfinished / _MARKER).write_text(json.dumps(asdict(progress)), encoding="utf-8")
                _sync(unfinished / _MARKER)
                _sync(unfinished)
                shutil.rmtree(target, ignore_errors=True)
                unfinished.rename(target)
                _sync(self._path)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return target

    def load(self, step: int, policy: Policy, optimizer: torch.optim.Optimizer) -> Progress:
        path = self.path(step)
        state = load_file(path / _STATE, device=str(policy.device))
        policy.load_trained_state(_below(_PARAMETERS, state))
        moments: dict[int, dict[str, Tensor]] = defaultdict(dict)
        for name, value in _below(_OPTIMIZER, state).items():
            number, _, kind = name.partition(".")
            moments[int(number)][kind] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": dict(moments), "param_groups": groups})
        return read_progress(path)

    def prune(self, keep: set[int]) -> None:
        """Removes all others, and what a killed process left unfinished."""
        for step in self.steps():
            if step not in keep:
                _remove(self.path(step))
        incomplete = [one for one in self._path.glob("step_*") if not is_complete(one)]
        for one in (*incomplete, *self._path.glob(".step_*")):
            shutil.rmtree(one)


def _state(policy: Policy, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The master weights, and the optimizer's tensors of each of them, by its number."""
    state = {f"{_PARAMETERS}{name}": value for name, value in policy.trained_state().items()}
    for number, tensors in optimizer.state_dict()["state"].items():
        state |= {f"{_OPTIMIZER}{number}.{kind}": value for kind, value in tensors.items()}
    return {name: value.contiguous() for name, value in state.items()}


def _below(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)}


def is_complete(path: Path) -> bool:
    return (path / _MARKER).exists()


def read_progress(path: Path) -> Progress:
    values = json.loads((path / _MARKER).read_text(encoding="utf-8"))
    return Progress(**values)


def _remove(path: Path) -> None:
    """The marker first: a directory that is half removed is not complete."""
    (path / _MARKER).unlink()
    shutil.rmtree(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
