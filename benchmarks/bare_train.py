"""A contestant of train_step.py: the least that a training step can be, in plain vLLM and torch.

A turn is `LLM.generate`, as vLLM sets itself up, with n completions of each prompt; over these,
without padding, one forward pass without gradient for the old log-probabilities; and a forward and
backward pass with an optimizer step for each of the mini-batches. Rewards are random numbers. Nothing
is graded, measured or handed to the engine, which goes on sampling from the weights it began with.

usage: python benchmarks/bare_train.py MODEL PROBLEMS.jsonl
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM
from turns import GROUP_SIZE, LR, NUM_NEW_TOKENS, NUM_PROMPTS, NUM_UPDATES, Turns

_PASS_TOKENS = 4096
_CLIP = 0.2


def main() -> None:
    model_path, problems = sys.argv[1:]
    turns = Turns()
    generate = _generator(model_path, Path(problems))
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.1, fused=True)
    while True:
        started = time.monotonic()
        sequences = generate()
        generated = time.monotonic()
        old = _old_log_probs(model, sequences)
        scored = time.monotonic()
        for groups in torch.randperm(NUM_PROMPTS).chunk(NUM_UPDATES):
            rows = (groups[:, None] * GROUP_SIZE + torch.arange(GROUP_SIZE)).flatten()
            _update(model, optimizer, sequences, old, rows.tolist())
        turns.finish(
            generate=generated - started,
            old_log_prob=scored - generated,
            update=time.monotonic() - scored,
        )


def _generator(model: str, problems: Path) -> Any:
    """A function without arguments: token ids of prompts with completions, groups together."""
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # faster with few cores
    from vllm import LLM, SamplingParams

    llm = LLM(
        model,
        dtype="float32",
        max_model_len=256,
        generation_config="vllm",
        kv_cache_memory_bytes=2**30,
    )
    lines = problems.read_text().splitlines()[:NUM_PROMPTS]
    chats = [[{"role": "user", "content": json.loads(line)["question"]}] for line in lines]
    render = llm.get_tokenizer().apply_chat_template
    ids = [render(chat, add_generation_prompt=True, return_dict=False) for chat in chats]
    prompts = [{"prompt_token_ids": one} for one in ids]
    params = SamplingParams(
        temperature=1.0, n=GROUP_SIZE, max_tokens=NUM_NEW_TOKENS, ignore_eos=True
    )
    return lambda: [
        torch.tensor([*output.prompt_token_ids, *completion.token_ids])
        for output in llm.generate(prompts, params, use_tqdm=False)
        for completion in output.outputs
    ]


@torch.no_grad()
def _old_log_probs(model: Any, sequences: Sequence[Tensor]) -> Tensor:
    old = torch.empty(len(sequences), NUM_NEW_TOKENS)
    for rows in _rectangles(sequences, range(len(sequences))):
        old[rows] = _log_probs(model, sequences, rows)
    return old


def _update(
    model: Any,
    optimizer: torch.optim.Optimizer,
    sequences: Sequence[Tensor],
    old: Tensor,
    chosen: Sequence[int],
) -> None:
    for rows in _rectangles(sequences, chosen):
        ratio = (_log_probs(model, sequences, rows) - old[rows]).exp()
        advantages = torch.randn(len(rows), 1)
        clipped = ratio.clamp(1 - _CLIP, 1 + _CLIP)
        losses = -torch.minimum(ratio * advantages, clipped * advantages)
        (losses.sum() / (len(chosen) * NUM_NEW_TOKENS)).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def _log_probs(model: Any, sequences: Sequence[Tensor], rows: Sequence[int]) -> Tensor:
    ids = torch.stack([sequences[row] for row in rows])
    output = model(input_ids=ids, use_cache=False, logits_to_keep=NUM_NEW_TOKENS + 1)
    logits = output.logits[:, :-1].flatten(0, 1)
    targets = ids[:, -NUM_NEW_TOKENS:]
    losses = torch.nn.functional.cross_entropy(logits, targets.flatten(), reduction="none")
    return -losses.view_as(targets)


def _rectangles(sequences: Sequence[Tensor], rows: Iterable[int]) -> Iterator[list[int]]:
    """Rows of one length, as many as one pass holds."""

    def length(row: int) -> int:
        return len(sequences[row])

    for num_tokens, members in groupby(sorted(rows, key=length), length):
        same = list(members)
        size = max(_PASS_TOKENS // num_tokens, 1)
        yield from (same[start : start + size] for start in range(0, len(same), size))


if __name__ == "__main__":
    main()
