"""The real vLLM, on whatever this machine has, with the demo checkpoint."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from evalkit.chat import ChatRenderer
from evalkit.engine.process_group import group_members, shared_memory_of
from evalkit.engine.vllm import VllmEngine
from evalkit.task import load_task
from evalkit.types import EngineError, Request, Sample, SamplingParams, UsageError

pytestmark = pytest.mark.vllm


@pytest.fixture(scope="module")
def engine(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmEngine]:
    with VllmEngine(tmp_path_factory.mktemp("engine") / "engine.log") as engine:
        engine.load(checkpoint, {"max_model_len": 256})
        yield engine


@pytest.fixture(scope="module")
def requests(checkpoint: Path) -> list[Request]:
    """Four samples for each of the first ten demo problems."""
    task = load_task("demo")
    renderer = ChatRenderer(checkpoint)
    prompts = [(problem, renderer.render(problem.messages)) for problem in task.problems()[:10]]
    sampling = SamplingParams(max_tokens=64)
    return [
        Request("demo", problem, index, 1000 + 7 * index, prompt, sampling)
        for problem, prompt in prompts
        for index in range(4)
    ]


def _texts(samples: Iterator[Sample]) -> dict[tuple[str, int], str]:
    return {(sample.problem_id, sample.index): sample.text for sample in samples}


def test_every_request_gives_one_sample_with_its_seed(
    engine: VllmEngine, requests: list[Request]
) -> None:
    """One sample per request comes back, with the seed and the number of tokens of its own."""
    samples = list(engine.generate(requests))
    asked = {("demo", r.problem.id, r.index): r.seed for r in requests}
    assert asked == {sample.key: sample.seed for sample in samples}
    assert all(0 < (sample.num_tokens or 0) <= 64 for sample in samples)


def test_results_do_not_depend_on_order_or_company(
    engine: VllmEngine, requests: list[Request]
) -> None:
    """A sample asked for alone, or in reverse order, is the same sample."""
    together = _texts(engine.generate(requests))
    assert together == _texts(engine.generate(requests[::-1]))
    alone = next(engine.generate(requests[17:18]))
    assert together[alone.problem_id, alone.index] == alone.text


def test_samples_of_a_problem_are_not_copies(engine: VllmEngine, requests: list[Request]) -> None:
    """Different seeds give different completions."""
    texts = _texts(engine.generate(requests))
    for problem in {r.problem.id for r in requests}:
        assert len({texts[problem, index] for index in range(4)}) > 1


def test_a_truncated_sample_says_so(engine: VllmEngine, requests: list[Request]) -> None:
    """A completion that reaches max_tokens has the finish reason "length"."""
    first = requests[0]
    short = Request("demo", first.problem, 0, 1, first.prompt, SamplingParams(max_tokens=2))
    sample = next(engine.generate([short]))
    assert (sample.finish_reason, sample.num_tokens, sample.is_truncated) == ("length", 2, True)


def test_unknown_engine_argument_lists_the_known_ones(checkpoint: Path, tmp_path: Path) -> None:
    """An argument that vLLM does not have is refused before the model is loaded."""
    with VllmEngine(tmp_path / "engine.log") as engine, pytest.raises(UsageError) as error:
        engine.load(checkpoint, {"max_model_len": 256, "tensor_paralel_size": 2})
    assert "unknown engine argument 'tensor_paralel_size'" in str(error.value)
    assert "tensor_parallel_size" in str(error.value)


def test_a_killed_engine_is_reported_and_leaves_nothing(
    checkpoint: Path, tmp_path: Path, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After kill -9 of the worker the samples so far are good, the error names the log, and neither
    processes nor shared memory stay: with a process below it, as vLLM has on a GPU."""
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "1")
    with VllmEngine(tmp_path / "engine.log") as engine:
        engine.load(checkpoint, {"max_model_len": 2048})
        group = engine.pid
        sampling = SamplingParams(max_tokens=1500, min_p=0.0, stop=("never",))
        long = [Request("demo", r.problem, r.index, r.seed, r.prompt, sampling) for r in requests]
        samples = engine.generate(requests + long * 20)
        received = [next(samples) for _ in range(5)]
        segments = shared_memory_of(group_members(group))
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match="ended \\(signal SIGKILL\\)"):
            received.extend(samples)
    assert len(received) >= 5
    assert _group_ends(group)
    assert segments
    assert [segment for segment in segments if segment.exists()] == []


def _group_ends(group: int) -> bool:
    """Zombies that init has not yet reaped do not count."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(_is_alive(pid) for pid in group_members(group)):
            return True
        time.sleep(0.1)
    return False


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False
