"""A contestant of train_step.py: the steps of `evalkit train`, through the function that it calls.

A turn is a whole step: samples from vLLM in a process of its own, with their log-probabilities, and
their grades by the task's grader; the old log-probabilities and entropies; the updates; the weights
written and loaded by the engine; all metrics and their line in metrics.jsonl. There is no
validation, no checkpoint and no reference model.

usage: python benchmarks/own_train.py MODEL OUT
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from turns import GROUP_SIZE, LR, NUM_NEW_TOKENS, NUM_PROMPTS, NUM_UPDATES, Turns

from evalkit.train.session import train
from evalkit.train.spec import TrainSpec

_PHASES = {"gen", "old_log_prob", "update_actor", "update_weights"}


class _Watcher:
    """Gives the next step when it is this contestant's turn."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def stage(self, text: str) -> None:
        pass

    def step(self, number: int, total: int, metrics: Mapping[str, float]) -> None:
        seconds = {name: metrics[f"timing_s/{name}"] for name in _PHASES}
        self._turns.finish(**seconds)


def main() -> None:
    model, out = sys.argv[1:]
    spec = TrainSpec(
        model=model,
        tasks=("demo_train",),
        algorithm="grpo",
        algorithm_args={"kl_coefficient": 0.0},
        steps=10**6,  # until there are no more turns
        out=Path(out),
        limit=NUM_PROMPTS,
        prompts_per_step=NUM_PROMPTS,
        group_size=GROUP_SIZE,
        num_mini_batches=NUM_UPDATES,
        ppo_epochs=1,
        lr=LR,
        max_tokens=NUM_NEW_TOKENS,
        micro_batch_tokens=4096,
        dtype="float32",
    )
    train(spec, _Watcher(Turns()))


if __name__ == "__main__":
    main()
