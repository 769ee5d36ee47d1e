"""New weights reach the engine while it runs: every one of them, also where the head is tied."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from evalkit.spec import RunSpec
from evalkit.train.batches import TokenSequence
from evalkit.train.engine_host import EngineHost
from evalkit.train.policy import Policy
from evalkit.train.scoring import score_all
from evalkit.types import Answer, Problem, Prompt, Request, SamplingParams

PROMPT = Prompt(tuple(range(5, 30)), "")
NOISE = 0.05


@pytest.fixture(params=[False, True], ids=["untied", "tied"])
def model(request: pytest.FixtureRequest, checkpoint: Path, tmp_path: Path) -> Path:
    """The demo's architecture with random weights in float32."""
    from transformers import AutoConfig, AutoModelForCausalLM

    path = tmp_path / "model"
    shutil.copytree(checkpoint, path)
    config = AutoConfig.from_pretrained(checkpoint, tie_word_embeddings=request.param)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(path)
    assert json.loads((path / "config.json").read_text())["tie_word_embeddings"] is request.param
    return path


def largest_gap(host: EngineHost, policy: Policy) -> float:
    """Between the log-probabilities of the engine's samples and the policy's, in nats."""
    problem = Problem("0", (), Answer("1"))
    requests = [
        Request("t", problem, i, i, PROMPT, SamplingParams(max_tokens=20)) for i in range(8)
    ]
    rollouts = host.use(lambda engine: list(engine.rollout(requests)), policy.dtype)
    sequences = [TokenSequence(PROMPT.token_ids, one.token_ids) for one in rollouts]
    scored = score_all(policy, sequences, temperature=1.0, budget=4096)
    sampled = [torch.tensor(one.log_probs) for one in rollouts]
    gaps = [(a - b).abs().max() for a, b in zip(sampled, scored.log_probs, strict=True)]
    return max(gaps).item()


@pytest.mark.parametrize("engine", [pytest.param("vllm", marks=pytest.mark.vllm), "hf"])
def test_an_update_renews_every_weight(model: Path, tmp_path: Path, engine: str) -> None:
    """After all weights were changed, engine and policy agree as well as they did before."""
    policy = Policy(model, dtype=torch.float32)
    spec = RunSpec(model=str(model), tasks=("demo",), engine=engine)
    with EngineHost(spec, tmp_path, model) as host:
        host.start_up()
        host.load(policy, 64)
        assert largest_gap(host, policy) < 1e-4
        for _ in range(2):
            with torch.no_grad():
                for weight in policy.parameters():
                    weight.add_(torch.randn_like(weight) * NOISE)
            assert largest_gap(host, policy) > 0.1
            host.update(policy)
            assert largest_gap(host, policy) < 1e-4


def test_nothing_of_the_weights_stays_behind(checkpoint: Path, tmp_path: Path) -> None:
    """The directory in memory goes with the engine."""
    policy = Policy(checkpoint, dtype=torch.float32)
    spec = RunSpec(model=str(checkpoint), tasks=("demo",), engine="hf")
    with EngineHost(spec, tmp_path, checkpoint) as host:
        host.start_up()
        host.load(policy, 64)
        folder = host.weights
        assert (folder / "model.safetensors").exists()
    assert not folder.exists()
