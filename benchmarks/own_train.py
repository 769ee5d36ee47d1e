"""A contestant of train_step.py: the steps of `evalkit train`, through the function that it calls.

A turn is one step, whole: sampling by vLLM in its own process, with grades by the real grader; old
log-probabilities with entropies; four updates; weights to the engine; metrics and their line in
metrics.jsonl. No validation and no checkpoint.

usage: python benchmarks/own_train.py MODEL OUT
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from turns import Turns

from evalkit.train.session import train
from evalkit.train.spec import TrainSpec

_MANY = 10**6


class _Watcher:
    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def stage(self, text: str) -> None:
        pass

    def step(self, number: int, total: int, metrics: Mapping[str, float]) -> None:
        prefix = "timing_s/"
        self._turns.finish(
            **{k.removeprefix(prefix): v for k, v in metrics.items() if k.startswith(prefix)}
        )


def main() -> None:
    model, out = sys.argv[1:]
    spec = TrainSpec(
        model=model,
        tasks=("demo_train",),
        algorithm="grpo",
        algorithm_args={"kl_coefficient": 0.0},
        steps=_MANY,
        out=Path(out),
        limit=32,
        prompts_per_step=32,
        group_size=8,
        num_mini_batches=4,
        ppo_epochs=1,
        max_tokens=128,
        dtype="float32",
    )
    train(spec, _Watcher(Turns()))


if __name__ == "__main__":
    main()
