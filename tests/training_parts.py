"""What the tests of the trainer share: tiny models, specs of tiny runs, and an engine that recites."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

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
