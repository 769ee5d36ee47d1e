"""vLLM in a child process group of its own, so that nothing it does can hang or kill evalkit."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from evalkit.engine import Rollout
from evalkit.engine.process_group import end_group
from evalkit.types import EngineError, Request, Sample, UsageError


class VllmEngine:
    """Starts importing vLLM at once; the model is loaded by `load`, after the caller's checks.

    `log` receives everything that vLLM prints. The child dies with this process, however it ends.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("ab") as stream:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "evalkit.engine.vllm_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                start_new_session=True,
                env={"VLLM_LOGGING_LEVEL": "INFO", "VLLM_NO_USAGE_STATS": "1", **os.environ},
            )
        self.version: str | None = None

    @property
    def pid(self) -> int:
        """The child's process id, which is also the id of its group."""
        return self._child.pid

    def load(self, model: Path, args: Mapping[str, Any]) -> None:
        """Loads the model; raises UsageError for an argument that vLLM does not have."""
        self.version = self._receive("imported")["vllm"]
        self._send({"op": "load", "args": {"model": str(model), **args}})
        self._receive("ready")

    def generate(self, requests: Iterable[Request]) -> Iterator[Sample]:
        todo = list(requests)
        sender = threading.Thread(target=self._send_all, args=(todo,), daemon=True)
        sender.start()
        for _ in todo:
            answer = self._receive("sample")
            yield _sample(todo[answer["id"]], answer)
        sender.join()

    def rollout(self, requests: Sequence[Request]) -> Iterator[Rollout]:
        """Equal requests with equal weights give equal rollouts, to the last bit on a CPU.

        The log-probabilities are at temperature 1, unless the engine was loaded with
        `logprobs_mode="processed_logprobs"`; then top-k and top-p count, too.
        """
        self._send({"op": "rollout", "requests": list(_messages(requests))})
        for _ in requests:
            answer = self._receive("sample")
            sample = _sample(requests[answer["id"]], answer)
            yield Rollout(sample, tuple(answer["token_ids"]), tuple(answer["log_probs"]))

    def update_weights(self, path: Path) -> None:
        self._send({"op": "update", "path": str(path)})
        self._receive("done")

    def sleep(self) -> None:
        """Gives the GPU's memory back until `update_weights`; loaded with `enable_sleep_mode`."""
        self._send({"op": "sleep"})
        self._receive("done")

    def _send_all(self, requests: list[Request]) -> None:
        for message in _messages(requests):
            try:
                self._send({"op": "add", **message})
            except EngineError:
                return  # the reader of the child's answers reports why it is gone

    def _send(self, message: dict[str, Any]) -> None:
        stdin = _pipe(self._child.stdin)
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise EngineError("the vLLM process is gone") from error

    def _receive(self, op: str) -> dict[str, Any]:
        line = _pipe(self._child.stdout).readline()
        if not line.endswith(b"\n"):
            raise EngineError(self._obituary())
        answer: dict[str, Any] = json.loads(line)
        if answer["op"] == "error":
            if answer["kind"] == "usage":
                raise UsageError(answer["message"])
            raise EngineError(f"vLLM: {answer['message']} (its whole log: {self._log})")
        if answer["op"] != op:
            raise EngineError(f"vLLM sent {answer['op']!r} where {op!r} was due")
        return answer

    def _obituary(self) -> str:
        code = self._child.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n".join(f"  | {line}" for line in lines[-8:])
        return f"the vLLM process ended ({how}). The end of {self._log}:\n{tail}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kills the group: vLLM's own shutdown takes seconds and can hang."""
        end_group(self.pid)
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            with contextlib.suppress(BrokenPipeError):
                _pipe(stream).close()


def _messages(requests: Iterable[Request]) -> Iterator[dict[str, Any]]:
    """What the child needs of each request; null stands for "as in the one before"."""
    last: Request | None = None
    for number, request in enumerate(requests):
        is_same_prompt = last is not None and request.prompt is last.prompt
        is_same_sampling = last is not None and request.sampling == last.sampling
        yield {
            "id": number,
            "seed": request.seed,
            "token_ids": None if is_same_prompt else request.prompt.token_ids,
            "sampling": None if is_same_sampling else _sampling(request),
        }
        last = request


def _sample(request: Request, answer: Mapping[str, Any]) -> Sample:
    return Sample(
        task=request.task,
        problem_id=request.problem.id,
        index=request.index,
        seed=request.seed,
        text=answer["text"],
        finish_reason=answer["finish_reason"],
        num_tokens=answer["num_tokens"],
        thinking_opened=request.prompt.opens_thinking,
    )


def _sampling(request: Request) -> dict[str, Any]:
    return {**asdict(request.sampling), "stop": list(request.sampling.stop)}


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
