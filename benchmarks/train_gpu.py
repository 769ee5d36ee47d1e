"""Training speed, model FLOP utilisation and peak memory of a 1.5B Qwen2 on one CUDA device.

Random weights in the shapes of Qwen2.5-1.5B, evalkit's own Policy and Updater: passes in bfloat16,
float32 master weights, gradient checkpointing. No figures are known yet: it has not run on a GPU.
`--tiny` runs the same code with a small model on any machine, to see that it works.

usage: python benchmarks/train_gpu.py [--lengths 8192,32768] [--peak-tflops 989] [--tiny]

FLOPs are 6 for each weight and token, the head's among them and the embedding's not, and 6 x layers x
width x length for causal attention; what checkpointing computes again does not count.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import torch

from evalkit.train.batches import TokenSequence
from evalkit.train.experience import Experience
from evalkit.train.policy import Policy
from evalkit.train.scoring import score_all
from evalkit.train.spec import TrainSpec
from evalkit.train.update import Updater

_DEMO = Path(__file__).parent.parent / "tasks" / "demo" / "checkpoint"
_SHAPE = {
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "max_position_embeddings": 65_536,
    "tie_word_embeddings": True,
}
_TINY = {**_SHAPE, "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 2}
_PROMPT_TOKENS = 256
_PEAKS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "4090": 165.0}
"""Dense bfloat16 TFLOP/s by a part of the device's name, from NVIDIA's data sheets."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", default="8192,32768")
    parser.add_argument("--sequences", type=int, default=4, help="in a step of one update")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peak-tflops", type=float)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    if not (torch.cuda.is_available() or options.tiny):
        print("there is no CUDA device here; --tiny shows that the code runs", file=sys.stderr)
        sys.exit(2)
    peak = options.peak_tflops or _peak()
    lengths = [64] if options.tiny else [int(one) for one in options.lengths.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        model = _write_model(Path(folder) / "model", _TINY if options.tiny else _SHAPE)
        policy = Policy(model, dtype=torch.bfloat16, gradient_checkpointing=True)
        print("| completion | tokens/s | old log-probs, tokens/s | MFU | peak memory, GiB |")
        print("|--:|--:|--:|--:|--:|")
        for length in lengths:
            print(_row(policy, model, length, options.sequences, options.rounds, peak), flush=True)


def _write_model(path: Path, shape: dict[str, object]) -> Path:
    """With the demo's tokenizer, which has fewer tokens than the model has embeddings."""
    from transformers import AutoConfig, AutoModelForCausalLM

    shutil.copytree(_DEMO, path, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    config = AutoConfig.for_model("qwen2", **shape)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(path)
    return path


def _row(
    policy: Policy, model: Path, length: int, num: int, rounds: int, peak: float | None
) -> str:
    total = length + _PROMPT_TOKENS
    spec = TrainSpec(
        model=str(model),
        tasks=("demo_train",),
        algorithm="aspo-paper",
        algorithm_args={"kl_coefficient": 0.0},
        steps=1,
        out=model.parent / "out",
        prompts_per_step=1,
        group_size=num,
        num_mini_batches=1,
        ppo_epochs=1,
        max_tokens=length,
        micro_batch_tokens=total,
    )
    drawn = torch.randint(300, (num, total)).tolist()
    sequences = tuple(
        TokenSequence(tuple(ids[:_PROMPT_TOKENS]), tuple(ids[_PROMPT_TOKENS:])) for ids in drawn
    )
    updater = Updater(policy, spec)
    old_s, update_s = [], []
    for _ in range(rounds + 1):
        started = time.monotonic()
        old = score_all(policy, sequences, temperature=1.0, budget=total)
        scored = _now()
        updater.update(Experience(sequences, (num,), torch.randn(num), old), 1)
        old_s.append(scored - started)
        update_s.append(_now() - scored)
    tokens = num * total
    seconds = min(update_s[1:])
    flops = tokens * _flops_per_token(_shape_of(model), total)
    share = f"{flops / seconds / (peak * 1e12):.1%}" if peak else "unknown device"
    memory = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0
    return (
        f"| {length} | {tokens / seconds:,.0f} | {tokens / min(old_s[1:]):,.0f} | {share} "
        f"| {memory:.1f} |"
    )


def _shape_of(model: Path) -> dict[str, int]:
    shape: dict[str, int] = json.loads((model / "config.json").read_text())
    return shape


def _flops_per_token(c: dict[str, int], length: int) -> float:
    """Forward and backward."""
    width, layers = c["hidden_size"], c["num_hidden_layers"]
    keys = width * c["num_key_value_heads"] // c["num_attention_heads"]
    per_layer = 2 * width * width + 2 * width * keys + 3 * width * c["intermediate_size"]
    weights = layers * per_layer + width * c["vocab_size"]
    return 6.0 * weights + 6.0 * layers * width * length


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.monotonic()


def _peak() -> float | None:
    if not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    return next((peak for part, peak in _PEAKS.items() if part in name), None)


if __name__ == "__main__":
    main()
