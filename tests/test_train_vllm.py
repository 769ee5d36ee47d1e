"""Training with the real vLLM: weights reach it, also those of tied models, and it is replaced."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from training_parts import Silence, lines_of, make_spec, write_checkpoint

from evalkit.train.session import train

pytestmark = pytest.mark.vllm


class Killer(Silence):
    """Kills the engine after the first step."""

    def step(self, number: int, total: int, metrics: Mapping[str, float]) -> None:
        super().step(number, total, metrics)
        if number == 1:
            os.killpg(engine().pid, signal.SIGKILL)


def engine() -> psutil.Process:
    (found,) = (
        child
        for child in psutil.Process().children()
        if "evalkit.engine.vllm_worker" in child.cmdline()
    )
    return found


def test_a_tied_model_stays_in_step_with_an_engine_that_dies(tmp_path: Path) -> None:
    """Over large updates, not at temperature 1, and with a second engine from the second step on."""
    path = write_checkpoint(tmp_path / "model", tied=True, hidden_size=64, head_dim=32)
    spec = make_spec(
        tmp_path / "run",
        model=str(path),
        engine="vllm",
        steps=3,
        group_size=8,
        lr=1e-2,
        temperature=0.7,
        algorithm_args={"kl_coefficient": 0.0, "overlong_buffer": 30},
    )
    watcher = Killer()

    train(spec, watcher)

    assert watcher.steps == [1, 2, 3]
    lines = lines_of(spec.out).values()
    assert max(line["mismatch/log_prob_diff_mean"] for line in lines) < 1e-4
    assert max(line["actor/grad_norm"] for line in lines) > 0
    assert not [one for one in psutil.Process().children() if "vllm_worker" in str(one.cmdline())]
