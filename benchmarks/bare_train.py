"""A contestant of train_step.py: the least that a training step can be, in plain vLLM and torch.

A turn is `LLM.generate` with n completions of each prompt; then over them, without padding, one
forward pass without gradient for the old log-probabilities; then a forward and backward pass with
an optimizer step for each mini-batch. The advantages are random numbers. Nothing is graded, measured
or handed back to the engine, which goes on sampling from the weights that it was loaded with.

usage: python benchmarks/bare_train.py MODEL PROBLEMS.jsonl
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from turns import Turns

os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
NUM_PROMPTS = 32
GROUP_SIZE = 8
NUM_UPDATES = 4
NUM_TOKENS = 128
PASS_TOKENS = 16384


def main() -> None:
    from transformers import AutoModelForCausalLM
    from vllm import LLM, SamplingParams

    model_path, problems = sys.argv[1:]
    turns = Turns()
    llm = LLM(
        model_path,
        dtype="float32",
        max_model_len=256,
        kv_cache_memory_bytes=2**30,
        generation_config="vllm",
        **json.loads(os.environ.get("LLMARGS","{}")),
    )
    lines = Path(problems).read_text().splitlines()[:NUM_PROMPTS]
    chats = [[{"role": "user", "content": json.loads(line)["question"]}] for line in lines]
    render = llm.get_tokenizer().apply_chat_template
    prompts = [render(one, add_generation_prompt=True, return_dict=False) for one in chats]
    params = SamplingParams(temperature=1.0, n=GROUP_SIZE, max_tokens=NUM_TOKENS, ignore_eos=True)
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.1, fused=True)
    while True:
        start = time.monotonic()
        outputs = llm.generate([{"prompt_token_ids": one} for one in prompts], params, use_tqdm=False)
        sequences = [
            torch.tensor([*output.prompt_token_ids, *completion.token_ids])
            for output in outputs
            for completion in output.outputs
        ]
        generated = time.monotonic()
        old = _old_log_probs(model, sequences)
        scored = time.monotonic()
        for chosen in torch.randperm(NUM_PROMPTS).chunk(NUM_UPDATES):
            rows = (chosen[:, None] * GROUP_SIZE + torch.arange(GROUP_SIZE)).flatten().tolist()
            _update(model, optimizer, sequences, old, rows)
        turns.finish(
            generate=generated - start,
            old_log_prob=scored - generated,
            update=time.monotonic() - scored,
        )


@torch.no_grad()
def _old_log_probs(model, sequences):
    old = torch.empty(len(sequences), NUM_TOKENS)
    for rows in _rectangles(sequences, range(len(sequences))):
        old[rows] = _log_probs(model, torch.stack([sequences[i] for i in rows]))
    return old


def _update(model, optimizer, sequences, old, rows) -> None:
    advantages = torch.randn(len(sequences), 1)
    for part in _rectangles(sequences, rows):
        log_probs = _log_probs(model, torch.stack([sequences[i] for i in part]))
        ratio = (log_probs - old[part]).exp()
        loss = -torch.minimum(ratio * advantages[part], ratio.clamp(0.8, 1.2) * advantages[part])
        (loss.sum() / (len(rows) * NUM_TOKENS)).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def _log_probs(model, ids: Tensor) -> Tensor:  # (B, NUM_TOKENS)
    logits = model(input_ids=ids, use_cache=False, logits_to_keep=NUM_TOKENS + 1).logits[:, :-1]
    return -torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), ids[:, -NUM_TOKENS:], reduction="none"
    )


def _rectangles(sequences: Sequence[Tensor], rows) -> Iterator[list[int]]:
    """Sequences of one length, at most PASS_TOKENS tokens of them at a time."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        by_length[len(sequences[row])].append(row)
    for length, members in by_length.items():
        size = max(int(os.environ.get("PT", PASS_TOKENS)) // length, 1)
        for start in range(0, len(members), size):
            yield members[start : start + size]


if __name__ == "__main__":
    main()
