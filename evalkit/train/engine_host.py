"""The engine that samples for training: started, fed with new weights, started again if it dies."""

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import torch

from evalkit.engine import RolloutEngine
from evalkit.engine.vllm import VllmEngine
from evalkit.launch import start_engine
from evalkit.spec import RunSpec
from evalkit.train.disk import writing
from evalkit.train.export import write_model, write_weights
from evalkit.train.policy import Policy
from evalkit.types import EngineError

T = TypeVar("T")

_RAM = Path("/dev/shm")
_ROOM = 2  # times the weights: a tied head is written twice
_VLLM = {"logprobs_mode": "processed_logprobs"}  # at the temperature, not at temperature 1
_ON_A_GPU = {"enable_sleep_mode": True, "gpu_memory_utilization": 0.5}
_logger = logging.getLogger(__name__)


class EngineHost:
    """Owns the engine and the directory through which the weights reach it. Used with `with`.

    The directory lies in memory where the system has such a place; its name follows from `out`, so
    that what a killed run left there is found and removed.
    """

    def __init__(self, spec: RunSpec, out: Path, start: Path) -> None:
        self._spec = spec
        self._start = start
        self._context = 0
        self._log = out / "engine.log"
        self._name = f"evalkit-train-{hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:16]}"
        self.weights = Path()
        self._stack = ExitStack()
        self._engines = self._stack.enter_context(ExitStack())
        self._engine: Any = None

    def start_up(self) -> None:
        """Begins the start of the engine's process, which goes on in the background."""
        self._engine = self._engines.enter_context(start_engine(self._spec, self._log))

    def load(self, policy: Policy, context: int) -> None:
        """`context` are the tokens of the longest prompt with its completion."""
        self._context = context
        self.weights = _root_for(policy.num_bytes) / self._name
        shutil.rmtree(self.weights, ignore_errors=True)
        with writing(self.weights):
            self.weights.mkdir()
            self._stack.callback(shutil.rmtree, self.weights, ignore_errors=True)
            write_model(policy, self._start, self.weights)
            write_weights(policy, self.weights, untie=True)
        self._load_engine(policy.dtype)

    def update(self, policy: Policy) -> None:
        """The next rollouts come from the policy as it is now."""
        with writing(self.weights):
            write_weights(policy, self.weights, untie=True)
        self.use(lambda engine: engine.update_weights(self.weights), policy.dtype)

    def release(self) -> None:
        """Gives the GPU to the trainer until `update`, where the engine can (vLLM's sleep mode).

        An engine that has died is left for `update` to find.
        """
        if isinstance(self._engine, VllmEngine) and torch.cuda.is_available():
            with suppress(EngineError):
                self._engine.sleep()

    def use(self, work: Callable[[RolloutEngine], T], dtype: torch.dtype) -> T:
        """Does `work`; if the engine dies on it, once more with a new one that has the same weights."""
        try:
            return work(self._engine)
        except EngineError as error:
            _logger.warning("%s; starting the engine again", error)
        self._engines.close()
        self.start_up()
        self._load_engine(dtype)
        return work(self._engine)

    def _load_engine(self, dtype: torch.dtype) -> None:
        args = {
            "max_model_len": self._context,
            "dtype": str(dtype).removeprefix("torch."),
            **self._spec.engine_args,
        }
        if isinstance(self._engine, VllmEngine):
            args = {**_VLLM, **(_ON_A_GPU if torch.cuda.is_available() else {}), **args}
        self._engine.load(self.weights, args)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.close()


def _root_for(num_bytes: int) -> Path:
    """Memory, where it has room for the weights: containers often have 64 MB there."""
    if _RAM.is_dir() and shutil.disk_usage(_RAM).free > _ROOM * num_bytes:
        return _RAM
    return Path(tempfile.gettempdir())
