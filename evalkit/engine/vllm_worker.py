"""The process that holds vLLM: JSON lines in on stdin, JSON lines out on stdout, logs on stderr.

This is the only module that touches vLLM: `LLM`, `add_request` and `step` of its engine, prompts
as token ids, `SamplingParams`, and for training `reload_weights` and the sleep mode. In: one `load`,
then any number of `add`, where `token_ids` and `sampling` may be null for "as in the line before",
and, while nothing is being generated, `rollout` with a list of such requests, `update` and `sleep`.
Out: `imported`, `ready`, then one `sample` per request and one `done` for each `update` and `sleep`,
or `error`. When stdin ends, whatever the reason, the whole process group ends.
"""

import json
import os
import queue
import sys
import threading
from dataclasses import fields
from typing import Any, BinaryIO

from evalkit.engine.process_group import end_group

VLLM_VERSIONS = ((0, 32), (0, 33))
"""Tested versions: from the first, below the second."""

_WINDOW = 4
"""Requests kept in the engine, as a multiple of what it can run at once."""


class Refused(Exception):
    """What was asked for does not exist in vLLM, or vLLM cannot do it."""


def main() -> None:
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(commands,), daemon=True).start()
    try:
        import vllm

        _check_version(vllm.__version__)
        _send(out, op="imported", vllm=vllm.__version__)
        llm = _load(vllm, commands.get()["args"])
        _send(out, op="ready")
        _serve(vllm, llm, commands, out)
    except (Refused, ImportError, ValueError, RuntimeError, OSError, MemoryError) as error:
        kind = "usage" if isinstance(error, Refused) else "engine"
        _send(out, op="error", kind=kind, message=f"{error}")
        sys.exit(1)


def _read(commands: "queue.SimpleQueue[dict[str, Any]]") -> None:
    with os.fdopen(os.dup(0), "rb") as lines:
        for line in lines:
            commands.put(json.loads(line))
    end_group(os.getpgid(0))


def _send(out: BinaryIO, **message: Any) -> None:
    out.write(json.dumps(message).encode("utf-8") + b"\n")


def _check_version(version: str) -> None:
    low, high = VLLM_VERSIONS
    found = tuple(int(part) for part in version.split(".")[:2])
    if not low <= found < high:
        raise Refused(
            f"vLLM {version} is not supported: evalkit is tested with "
            f">={'.'.join(map(str, low))},<{'.'.join(map(str, high))}"
        )


def _load(vllm: Any, args: dict[str, Any]) -> Any:
    from vllm.engine.arg_utils import EngineArgs
    from vllm.platforms import current_platform

    known = {field.name for field in fields(EngineArgs)}
    if strange := sorted(set(args) - known):
        raise Refused(
            f"unknown engine argument {strange[0]!r}; vLLM has: {', '.join(sorted(known))}"
        )
    if current_platform.is_cpu():
        args = _cpu_defaults(args)
    return vllm.LLM(**{"generation_config": "vllm", "disable_log_stats": True, **args})


def _cpu_defaults(args: dict[str, Any]) -> dict[str, Any]:
    """Settings with which vLLM works on any machine without a GPU.

    Chunked prefill and per-request seeds crash the CPU worker together (vLLM 0.32). Its own memory
    default asks for 92 % of the machine and refuses to start when anything else runs. Compiling
    takes longer than it saves in a small run. A process of its own for the model's steps would take
    the cores that the steps need: without it a small model is a fifth faster, and ready sooner.
    """
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    longest = int(args["max_model_len"])
    if not {"kv_cache_memory_bytes", "gpu_memory_utilization"} & set(args):
        import psutil

        free = psutil.virtual_memory().available
        args = {"kv_cache_memory_bytes": min(4 * 2**30, free // 4), **args}
    return {
        "enable_chunked_prefill": False,
        "enforce_eager": True,
        "max_num_batched_tokens": max(longest, 8192),
        **args,
    }


def _serve(
    vllm: Any, llm: Any, commands: "queue.SimpleQueue[dict[str, Any]]", out: BinaryIO
) -> None:
    """Keeps a window of requests in the engine, so that results flow before all have been read."""
    engine = llm.llm_engine
    window = _WINDOW * engine.vllm_config.scheduler_config.max_num_seqs
    last: dict[str, Any] = {}
    num_running = 0
    while True:
        while num_running < window and (num_running == 0 or not commands.empty()):
            command = commands.get()
            if command["op"] == "rollout":
                _rollout(vllm, engine, command["requests"], out)
            elif command["op"] in _WEIGHTS:
                _WEIGHTS[command["op"]](llm, command)
                _send(out, op="done")
            else:
                last = {k: last.get(k) if v is None else v for k, v in command.items()}
                _add(engine, last, _params(vllm, last))
                num_running += 1
        for output in engine.step():
            if output.finished:
                num_running -= 1
                _send_sample(out, output)


def _add(engine: Any, request: dict[str, Any], params: Any) -> None:
    engine.add_request(str(request["id"]), {"prompt_token_ids": request["token_ids"]}, params)


def _rollout(vllm: Any, engine: Any, requests: list[dict[str, Any]], out: BinaryIO) -> None:
    """All requests enter before the first step, so that batches, and with them rounding, repeat.

    For the same reason nothing of earlier prompts is in the cache.
    """
    engine.reset_prefix_cache()
    last: dict[str, Any] = {}
    for request in requests:
        last = {k: last.get(k) if v is None else v for k, v in request.items()}
        _add(engine, last, _params(vllm, last, logprobs=0, flat_logprobs=True))
    num_running = len(requests)
    while num_running:
        for output in engine.step():
            if output.finished:
                num_running -= 1
                completion = output.outputs[0]
                tokens = {
                    "token_ids": list(completion.token_ids),
                    "log_probs": list(completion.logprobs.logprobs),
                }
                _send_sample(out, output, **tokens)


def _update(llm: Any, command: dict[str, Any]) -> None:
    """With sleep mode the memory of the weights comes back first, that of the cache afterwards."""
    is_asleep = llm.llm_engine.vllm_config.model_config.enable_sleep_mode and (
        llm.llm_engine.is_sleeping()
    )
    if is_asleep:
        llm.wake_up(tags=["weights"])
    llm.collective_rpc("reload_weights", kwargs={"weights_path": command["path"]})
    if is_asleep:
        llm.wake_up(tags=["kv_cache"])
    llm.reset_prefix_cache()


def _sleep(llm: Any, command: dict[str, Any]) -> None:
    """Gives the memory of weights and cache back; does nothing where vLLM has no sleep mode."""
    if llm.llm_engine.vllm_config.model_config.enable_sleep_mode:
        llm.sleep(level=1)


_WEIGHTS = {"update": _update, "sleep": _sleep}


def _params(vllm: Any, request: dict[str, Any], **more: Any) -> Any:
    return vllm.SamplingParams(
        **request["sampling"],
        **more,
        seed=request["seed"],
        output_kind=vllm.sampling_params.RequestOutputKind.FINAL_ONLY,
    )


def _send_sample(out: BinaryIO, output: Any, **more: Any) -> None:
    completion = output.outputs[0]
    _send(
        out,
        op="sample",
        id=int(output.request_id),
        text=completion.text,
        finish_reason=completion.finish_reason,
        num_tokens=len(completion.token_ids),
        **more,
    )


if __name__ == "__main__":
    main()
