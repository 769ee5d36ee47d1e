"""What the tests of the trainer share: tiny models, specs of tiny runs, and an engine that recites."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import torch

from evalkit.data import Row, canonical_bytes
from evalkit.engine import Rollout
from evalkit.resources import resource_dir
from evalkit.train.batches import TokenSequence
from evalkit.train.spec import TrainSpec, make_train_spec
from evalkit.types import Prompt, Request, Sample, SamplingParams

DEMO = resource_dir("tasks") / "demo" / "checkpoint"
NUM_TOKENS = 309
"""Of the demo's tokenizer."""

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,  # far from uniform, so that mistakes show
    "eos_token_id": 308,
}


def write_checkpoint(
    path: Path, kind: str = "qwen2", *, tied: bool = False, num_rows: int = NUM_TOKENS, **more: Any
) -> Path:
    """A random model of that kind with the demo's tokenizer; the same one each time."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(
        kind, **{**SMALL, **more}, vocab_size=num_rows, tie_word_embeddings=tied
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(path)
    for file in DEMO.iterdir():
        if file.name not in ("config.json", "model.safetensors"):
            shutil.copyfile(file, path / file.name)
    return path


def make_sequences(*lengths: tuple[int, int], seed: int = 0) -> list[TokenSequence]:
    """Random ones of so many tokens of prompt and of completion."""
    generator = torch.Generator().manual_seed(seed)

    def draw(num: int) -> tuple[int, ...]:
        return tuple(torch.randint(NUM_TOKENS, (num,), generator=generator).tolist())

    return [TokenSequence(draw(prompt), draw(completion)) for prompt, completion in lengths]


def make_spec(out: Path, **changes: Any) -> TrainSpec:
    """Two steps of four problems with four samples each, on the demo's checkpoint and task."""
    values = {
        "model": str(DEMO),
        "tasks": "demo_train",
        "algorithm": "aspo-paper",
        "algorithm_args": {"kl_coefficient": 0.0},
        "steps": 2,
        "out": out,
        "prompts_per_step": 4,
        "group_size": 4,
        "num_mini_batches": 2,
        "ppo_epochs": 2,
        "lr": 1e-4,
        "warmup_steps": 2,
        "max_tokens": 40,
        "engine": "hf",
        "grader_workers": 1,
    }
    return make_train_spec({**values, **changes})


def write_task(folder: Path, name: str = "exam", num_problems: int = 4) -> Path:
    """The first problems of the demo's evaluation, two samples each: for validation."""
    rows = [
        Row(one["id"], one["question"], one["answer"])
        for one in map(json.loads, (DEMO.parent / "arithmetic.jsonl").read_text().splitlines())
    ][:num_problems]
    lines = [json.dumps({"id": r.id, "question": r.question, "answer": r.answer}) for r in rows]
    (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    task = folder / f"{name}.yaml"
    task.write_text(
        f"title: Exam\ndescription: A few sums.\ngrader: math\nn: 2\n"
        f'prompt: "{{problem}}"\nsampling: {{max_tokens: 40}}\n'
        f"data:\n  file: {name}.jsonl\n  bundled: true\n  num_problems: {num_problems}\n"
        f"  sha256: {hashlib.sha256(canonical_bytes(rows)).hexdigest()}\n"
        f"  columns: {{id: id, question: question, answer: answer}}\n"
    )
    return task


@cache
def whole_run(folder: Path) -> TrainSpec:
    """A run of four steps that nothing stopped, with all its checkpoints; made once.

    It is validated at the start and after every second step. Copy it before you change it.
    """
    from evalkit.train.session import train

    spec = make_spec(folder / "whole", **settings_of_whole_run(write_task(folder)))
    train(spec, Silence())
    return spec


def settings_of_whole_run(exam: Path) -> dict[str, Any]:
    return {
        "steps": 4,
        "lr": 2e-4,
        "validate": str(exam),
        "validate_every": 2,
        "save_every": 1,
        "keep_last": 4,
    }


def checkpoint_of(spec: TrainSpec, step: int) -> Path:
    return spec.out / "checkpoints" / f"step_{step:06d}"


def lines_of(out: Path) -> dict[int, dict[str, float]]:
    """What was logged of each step, but for what depends on the clock; no step twice."""
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len({line["step"] for line in lines}) == len(lines)
    timed = ("timing_s/", "perf/time", "perf/throughput")
    return {
        line["step"]: {name: line[name] for name in line if not name.startswith(timed)}
        for line in lines
    }


def assert_same_steps(out: Path, expected: Path) -> None:
    """Metric by metric to 1e-6, whatever stopped one of the two runs."""
    found, wanted = lines_of(out), lines_of(expected)
    assert list(found) == list(wanted)
    for step, line in wanted.items():
        assert found[step] == pytest.approx(line, rel=1e-6, abs=1e-9), f"step {step}"


class Silence:
    """A watcher that remembers the steps that it was told of."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.stages: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)

    def step(self, number: int, total: int, metrics: Mapping[str, float]) -> None:
        self.steps.append(number)


class RecitingEngine:
    """Answers each request with the text that `answer` gives for it; a token for each character."""

    def __init__(self, answer: Callable[[Request], str]) -> None:
        self._answer = answer
        self.num_rollouts = 0

    def rollout(self, requests: Sequence[Request]) -> Iterator[Rollout]:
        """The last first: the order says nothing."""
        self.num_rollouts += 1
        for request in reversed(requests):
            text = self._answer(request)
            limit = request.sampling.max_tokens
            ids = tuple(text.encode())[:limit]
            sample = Sample(
                task=request.task,
                problem_id=request.problem.id,
                index=request.index,
                seed=request.seed,
                text=text[:limit],
                finish_reason="length" if len(text) >= limit else "stop",
                num_tokens=len(ids),
            )
            yield Rollout(sample, ids, (-1.0,) * len(ids))

    def generate(self, requests: Iterable[Request]) -> Iterator[Sample]:
        for rollout in self.rollout(list(requests)):
            yield rollout.sample

    def update_weights(self, path: Path) -> None:
        """It has none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def sampling(max_tokens: int) -> SamplingParams:
    return SamplingParams(max_tokens=max_tokens)


PROMPT = Prompt((1, 2, 3), "abc")
