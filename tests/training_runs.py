"""Training directories as `evalkit train` writes them, made up for tests."""

import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

CLIPPED_BY = {
    "aspo-paper": ("actor/pg_clipfrac_upper", "actor/pg_clipfrac_lower"),
    "grpo": ("actor/pg_clipfrac", "actor/pg_clipfrac_lower"),
}


def write_training(
    path: Path,
    lines: Iterable[Mapping[str, Any]],
    *,
    algorithm: str = "grpo",
    seed: int = 1,
    **spec: Any,
) -> Path:
    path.mkdir(parents=True)
    covered = {"seed": seed, "algorithm_args": {}, **spec}
    content = {
        "spec": {**covered, "model": "start", "out": str(path)},
        "algorithm": {"name": algorithm, "clip": {"low": 0.2}},
        "identity": {"spec": covered},
    }
    (path / "train.json").write_text(json.dumps(content))
    (path / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def lifelike(algorithm: str, seed: int, num_steps: int = 20) -> Iterator[dict[str, Any]]:
    """Noisy curves of the usual shapes, with a validation every tenth step from step 0."""
    chance = random.Random(f"{algorithm} {seed}")
    yield {"step": 0, "val/sums/avg@8": 0.3}
    for step in range(1, num_steps + 1):
        learned = 1 - math.exp(-step / 7)
        line: dict[str, Any] = {
            "step": step,
            "critic/score/mean": 0.3 + 0.3 * learned + chance.gauss(0, 0.03),
            "actor/entropy": 0.18 - 0.1 * learned + chance.gauss(0, 0.003),
            "actor/ppo_kl": abs(chance.gauss(2e-4, 1e-4)),
            "token/repetition_ratio": 0.0,
            "response_length/mean": chance.gauss(30, 1),
            "mismatch/log_prob_diff_mean": abs(chance.gauss(4e-7, 1e-7)),
            "timing_s/step": chance.gauss(3, 0.3),
        }
        line |= {name: abs(chance.gauss(0.01, 0.002)) for name in CLIPPED_BY[algorithm]}
        if step % 10 == 0:
            line["val/sums/avg@8"] = 0.3 + 0.28 * learned + chance.gauss(0, 0.01)
        yield line
