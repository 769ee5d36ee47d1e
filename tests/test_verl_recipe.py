"""The recipe for verl: verl itself composes and checks its settings, and finds loss and graders."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("verl", reason="verl is not installed; make test-verl")

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from tensordict import TensorDict
from transformers import AutoTokenizer
from verl import DataProto
from verl.trainer.ppo import core_algos
from verl.trainer.ppo.reward import load_reward_manager
from verl.trainer.ppo.utils import need_critic, need_reference_policy
from verl.utils.config import omega_conf_to_dataclass, validate_config

from evalkit.train.algorithms import ASPO_PAPER, Clip

ROOT = Path(__file__).parent.parent


def composed(*overrides: str) -> DictConfig:
    """What verl would run with; hydra refuses settings that verl does not have."""
    script = ROOT / "docs" / "recipes" / "verl_aspo.sh"
    done = subprocess.run(
        ["bash", str(script), "train.parquet", "val.parquet", *overrides, "--cfg", "job"],
        env={**os.environ, "PYTHON": sys.executable, "NUM_NODES": "4"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    config = OmegaConf.create(done.stdout)
    assert isinstance(config, DictConfig)
    return config


@pytest.fixture(scope="module")
def config(checkpoint: Path) -> DictConfig:
    return composed(f"actor_rollout_ref.model.path={checkpoint}")


def test_verl_accepts_the_settings(config: DictConfig) -> None:
    """With its own checks, as its trainer begins."""
    validate_config(
        config, use_reference_policy=need_reference_policy(config), use_critic=need_critic(config)
    )

    assert (need_reference_policy(config), need_critic(config)) == (True, False)
    assert config.trainer.nnodes == 4


def test_settings_are_those_of_the_profile(config: DictConfig) -> None:
    """The preset of `evalkit train` and the recipe are the same algorithm."""
    actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)

    assert Clip(actor.clip_ratio_low, actor.clip_ratio_high) == ASPO_PAPER.clip
    assert {actor.clip_ratio_c} == {ASPO_PAPER.dual_clip_negative, ASPO_PAPER.dual_clip_positive}
    assert actor.loss_agg_mode == ASPO_PAPER.aggregation
    assert (actor.use_kl_loss, actor.kl_loss_coef) == (True, ASPO_PAPER.kl_coefficient)
    assert config.algorithm.norm_adv_by_std_in_grpo == ASPO_PAPER.divide_by_std
    assert config.algorithm.filter_groups.enable == (ASPO_PAPER.group_filter != "keep")


def test_a_worker_that_loads_the_model_knows_the_loss(
    config: DictConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else imports evalkit there."""
    monkeypatch.delitem(sys.modules, "evalkit.integrations.verl", raising=False)
    monkeypatch.delitem(core_algos.POLICY_LOSS_REGISTRY, "aspo", raising=False)

    omega_conf_to_dataclass(config.actor_rollout_ref.model)

    loss_mode = config.actor_rollout_ref.actor.policy_loss.loss_mode
    assert core_algos.get_policy_loss_fn(loss_mode).__module__ == "evalkit.integrations.verl"


def sample_of(tokenizer: Any, completion: str) -> DataProto:
    """A completion as verl's agent loop hands it to a reward manager."""
    ids = torch.tensor([tokenizer.encode(completion)])
    row = {"reward_model": {"ground_truth": "70"}, "extra_info": {}, "data_source": "demo"}
    return DataProto(
        batch=TensorDict({"responses": ids, "attention_mask": torch.ones_like(ids)}, batch_size=1),
        non_tensor_batch={name: np.array([value], dtype=object) for name, value in row.items()},
    )


@pytest.mark.parametrize(
    "overrides", [(), ("reward.custom_reward_function.name=compute_score",)], ids=["async", "sync"]
)
def test_verls_reward_manager_asks_evalkits_graders(
    checkpoint: Path, overrides: tuple[str, ...]
) -> None:
    """It loads the function by the settings of the recipe and gets a score for each completion."""
    config = composed(*overrides)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)

    async def scores() -> list[dict[str, Any]]:
        manager = load_reward_manager(config, tokenizer)
        texts = [r"so</think>\boxed{70}", r"so</think>\boxed{71}", r"\boxed{70}"]
        return [await manager.run_single(sample_of(tokenizer, text)) for text in texts]

    found = asyncio.run(scores())
    assert [one["reward_score"] for one in found] == [1.0, 0.0, 0.0]
    assert {tuple(one["reward_extra_info"]) for one in found} == {("score", "grader_error")}
