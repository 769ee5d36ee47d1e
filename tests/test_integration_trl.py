"""ASPO as a trainer of TRL, on the demo task: its loss, its steps, its metrics, its rewards."""

import asyncio
import importlib.util
import pickle
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

if not importlib.util.find_spec("trl"):
    pytest.skip("trl is not installed", allow_module_level=True)
with warnings.catch_warnings():
    # It warns of every version of vLLM that it was not tested with.
    warnings.simplefilter("ignore")
    from trl import GRPOConfig, GRPOTrainer

import torch
from datasets import Dataset
from serving import serving
from torch import Tensor

from evalkit.graders.pool import GraderPool
from evalkit.integrations import rewards
from evalkit.integrations.labels import write_target
from evalkit.integrations.trl import ASPOTrainer
from evalkit.integrations.trl_reward import AsyncGraderReward, GraderReward
from evalkit.task import load_task
from evalkit.train.aggregation import StepSize
from evalkit.train.algorithms import ASPO_PAPER, Algorithm, Clip
from evalkit.train.kl import kl_penalty
from evalkit.train.losses import LossInputs, policy_loss
from evalkit.types import UsageError

Make = Callable[..., Any]
IN_PROCESS = GraderReward()


@pytest.fixture(autouse=True, scope="module")
def _graders_end() -> Iterator[None]:
    """The processes that grade stay for later completions; other tests count processes."""
    yield
    rewards.close()


@pytest.fixture
def make(checkpoint: Path, tmp_path: Path) -> Make:
    """A trainer of the demo checkpoint; TRL's settings where nothing else is asked for."""
    rows = [
        {"prompt": [dict(one) for one in problem.messages], "answer": write_target(problem.target)}
        for problem in load_task("demo").problems()[:8]
    ]

    def make(
        kind: type[GRPOTrainer] = ASPOTrainer, reward: Any = IN_PROCESS, **settings: Any
    ) -> Any:
        config = GRPOConfig(
            output_dir=str(tmp_path),
            model_init_kwargs={"dtype": "float32"},
            use_cpu=True,
            bf16=False,
            report_to=[],
            disable_tqdm=True,
            save_strategy="no",
            logging_steps=1,
            num_generations=4,
            max_completion_length=40,
            **{"loss_type": "grpo", "per_device_train_batch_size": 4, **settings},
        )
        return kind(str(checkpoint), reward, args=config, train_dataset=Dataset.from_list(rows))

    return make


def step_of(trainer: Any, num_parts: int = 1) -> dict[str, Tensor]:
    """Four completions, one of them short, as TRL hands them to its loss."""
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = num_parts
    torch.manual_seed(0)
    mask = torch.ones(4, 6, dtype=torch.long)
    mask[1, 2:] = 0
    return {
        "prompt_ids": torch.randint(60, 90, (4, 5)),
        "prompt_mask": torch.ones(4, 5, dtype=torch.long),
        "completion_ids": torch.randint(60, 90, (4, 6)),
        "completion_mask": mask,
        "advantages": torch.tensor([1.0, -0.5, 0.7, -1.2]),
    }


def gradients(trainer: Any, *parts: dict[str, Any]) -> Tensor:
    """Of all weights, from the sum of the micro-batches of a step."""
    trainer.model.zero_grad()
    for part in parts:
        trainer._compute_loss(trainer.model, part).backward()
    return torch.cat([one.grad.flatten() for one in trainer.model.parameters()])


def log_probs(trainer: Any, inputs: dict[str, Tensor]) -> Tensor:
    return trainer._scored(trainer.model, inputs)[0]


def off_policy(trainer: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """The same with ratios on both sides of each bound."""
    spread = torch.tensor([-1.5, -0.9, -0.15, 0.15, 0.9, 1.5])
    return {**inputs, "old_per_token_logps": log_probs(trainer, inputs).detach() - spread}


def by_evalkit(trainer: Any, inputs: dict[str, Any], algorithm: Algorithm) -> Tensor:
    """The gradients of evalkit's loss on the whole step at once."""
    mask = inputs["completion_mask"] * inputs.get("tool_mask", 1)
    log_prob = log_probs(trainer, inputs)
    batch = LossInputs(
        log_prob=log_prob,
        old_log_prob=inputs["old_per_token_logps"],
        advantages=inputs["advantages"][:, None].expand_as(log_prob),
        mask=mask,
    )
    trainer.model.zero_grad()
    policy_loss(batch, algorithm, StepSize.of(mask)).loss.backward()
    return torch.cat([one.grad.flatten() for one in trainer.model.parameters()])


def test_with_ratio_1_the_gradient_is_grpos(make: Make) -> None:
    """On policy both trainers take the same step."""
    aspo, grpo = make(), make(GRPOTrainer)

    found, expected = gradients(aspo, step_of(aspo)), gradients(grpo, step_of(grpo))
    assert expected.norm() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def test_off_policy_the_gradient_is_not_grpos(make: Make) -> None:
    """The weights of tokens with a positive advantage are flipped."""
    aspo, grpo = make(), make(GRPOTrainer)

    found = gradients(aspo, off_policy(aspo, step_of(aspo)))
    other = gradients(grpo, off_policy(aspo, step_of(grpo)))
    assert (found - other).norm() > 0.1 * other.norm()


@pytest.mark.parametrize(
    ("settings", "algorithm"),
    [
        ({}, ASPO_PAPER),
        (
            {"epsilon": 0.1, "epsilon_high": 0.3, "delta": 2.0},
            replace(
                ASPO_PAPER, clip=Clip(0.1, 0.3), dual_clip_negative=2.0, dual_clip_positive=2.0
            ),
        ),
    ],
    ids=["profile", "bounds"],
)
def test_micro_batches_add_up_to_evalkits_step(
    make: Make, settings: dict[str, Any], algorithm: Algorithm
) -> None:
    """Two of two responses each, with TRL's scaling for accumulation."""
    trainer = make(**settings)
    whole = off_policy(trainer, step_of(trainer, num_parts=2))
    parts = [{name: value[rows] for name, value in whole.items()} for rows in halves()]

    found = gradients(trainer, *parts)
    expected = by_evalkit(trainer, whole, algorithm)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def halves() -> tuple[slice, slice]:
    return slice(0, 2), slice(2, 4)


def test_tokens_that_a_tool_wrote_do_not_count(make: Make) -> None:
    """Neither in the loss nor in a metric; the model reads them all the same."""
    trainer = make()
    inputs = off_policy(trainer, step_of(trainer))
    inputs["tool_mask"] = torch.tensor([1, 1, 0, 0, 1, 1]).expand(4, 6)

    found = gradients(trainer, inputs)
    torch.testing.assert_close(found, by_evalkit(trainer, inputs, ASPO_PAPER), rtol=1e-5, atol=1e-7)
    is_counted = (inputs["completion_mask"] * inputs["tool_mask"]).bool()
    entropy = trainer._scored(trainer.model, inputs)[1][is_counted].mean()
    assert logged(trainer)["entropy"] == pytest.approx(float(entropy))


def test_the_correction_for_the_sampler_multiplies_the_loss_of_tokens(make: Make) -> None:
    """TRL has one weight for each token, or for each response."""
    trainer = make()
    inputs = off_policy(trainer, step_of(trainer))
    weights = torch.tensor([[0.5], [2.0], [1.0], [0.0]])

    found = gradients(trainer, {**inputs, "importance_sampling_ratio": weights})
    weighted = {**inputs, "advantages": inputs["advantages"] * weights[:, 0]}
    torch.testing.assert_close(found, gradients(trainer, weighted))


def test_the_penalty_is_evalkits(make: Make) -> None:
    """k3 without the ratio, aggregated like the loss."""
    trainer = make(beta=0.1, use_bias_correction_kl=False)
    inputs = step_of(trainer)
    log_prob = log_probs(trainer, inputs)
    reference = (log_prob - 0.5).detach()

    with_penalty = trainer._compute_loss(
        trainer.model, {**inputs, "ref_per_token_logps": reference}
    )
    mask = inputs["completion_mask"]
    penalty = (kl_penalty(log_prob, reference) * mask).sum(1) / mask.sum(1)
    trainer.beta = 0.0
    expected = trainer._compute_loss(trainer.model, inputs) + 0.1 * penalty.mean()
    torch.testing.assert_close(with_penalty, expected)


OF_GENERATIONS = {
    *("critic/rewards/mean", "reward/grader_error_ratio", "response_length/mean"),
    *("response_length/max", "response_length/min", "response_length/clip_ratio"),
}
OF_UPDATES = {
    *("actor/pg_loss", "actor/ppo_kl", "actor/pg_clipfrac_upper", "actor/pg_clipfrac_lower"),
    *("actor/positive_pg_clipfrac_dual", "actor/negative_pg_clipfrac_dual"),
    *("actor/grad_norm", "actor/lr", "entropy"),
}


def test_a_few_steps_train_and_log(make: Make) -> None:
    """Two updates for each batch of completions: the first is on policy, the second is not."""
    trainer = make(
        max_steps=4,
        learning_rate=1e-4,
        per_device_train_batch_size=16,
        gradient_accumulation_steps=2,
        num_iterations=2,
    )
    before = [one.clone() for one in trainer.model.parameters()]
    trainer.train()

    steps = [line for line in trainer.state.log_history if "loss" in line]
    assert [line.keys() >= OF_UPDATES for line in steps] == [True] * 4
    assert [line.keys() >= OF_GENERATIONS for line in steps] == [True, False] * 2
    assert [abs(line["actor/ppo_kl"]) < 1e-6 for line in steps] == [True, False] * 2
    assert [line["reward"] == line["critic/rewards/mean"] for line in steps[::2]] == [True] * 2
    assert 0 < steps[0]["reward"] < 1
    assert not all(map(torch.equal, before, trainer.model.parameters()))


def test_metrics_are_means_over_the_tokens_of_a_step(make: Make) -> None:
    """However it is cut into micro-batches."""
    trainer = make(beta=0.1, use_bias_correction_kl=False)
    whole = off_policy(trainer, step_of(trainer))
    whole["ref_per_token_logps"] = whole["old_per_token_logps"]
    expected = logged(trainer, whole)
    trainer.current_gradient_accumulation_steps = 2
    parts = [{name: value[rows] for name, value in whole.items()} for rows in halves()]

    assert logged(trainer, *parts) == pytest.approx(expected, rel=1e-5)
    assert expected.keys() >= {"entropy", "actor/pg_loss", "actor/kl_loss", "actor/ppo_kl"}


def logged(trainer: Any, *parts: dict[str, Any]) -> dict[str, float]:
    """What a step of these micro-batches logs."""
    for part in parts:
        trainer._compute_loss(trainer.model, part)
    trainer.log({"learning_rate": 0.1})
    return {name: value for name, value in trainer.state.log_history[-1].items() if name != "step"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss_type": "dapo"}, "loss_type is 'dapo'; ASPOTrainer needs loss_type='grpo'"),
        ({"importance_sampling_level": "sequence"}, "importance_sampling_level is 'sequence'"),
        ({"top_entropy_quantile": 0.2}, "top_entropy_quantile is 0.2"),
        ({"off_policy_mask_threshold": 0.5}, "off_policy_mask_threshold is 0.5"),
        ({"entropy_coef": 0.1}, "entropy_coef is 0.1"),
        ({"beta": 0.1}, "set use_bias_correction_kl=False"),
    ],
)
def test_settings_without_effect_are_an_error(
    make: Make, settings: dict[str, Any], message: str
) -> None:
    """Nothing that changes TRL's loss is passed over."""
    with pytest.raises(UsageError, match=message):
        make(**settings)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A completion on which the grader fails, its deadline being short."""
    with GraderPool("math-verify", num_workers=1, deadline_s=0.2) as pool:
        monkeypatch.setattr(rewards, "_pool", lambda *_: pool)
        yield r"\boxed{10000000!}"


def call_sync(reward: Any, **arguments: Any) -> Any:
    return reward(**arguments)


def call_async(reward: Any, **arguments: Any) -> Any:
    return asyncio.run(reward(**arguments))


KINDS = pytest.mark.parametrize(
    ("kind", "call"),
    [(GraderReward, call_sync), (AsyncGraderReward, call_async)],
    ids=["sync", "async"],
)


@KINDS
def test_rewards_are_grades(failing: str, kind: Any, call: Callable[..., Any]) -> None:
    """Of texts and of messages; None, and no 0, where the grader failed or there is no target."""
    logged: dict[str, float] = {}
    reward = pickle.loads(pickle.dumps(kind(column="gold")))
    found = call(
        reward,
        prompts=["?"] * 7,
        completions=[
            r"\boxed{5}",
            [{"role": "assistant", "content": r"\boxed{5}", "name": r"\boxed{6}"}],
            r"\boxed{6}",
            "",
            failing,
            "",
            r"\boxed{5}",
        ],
        gold=["5"] * 5 + ["", None],
        log_metric=logged.__setitem__,
    )

    assert found == [1.0, 1.0, 0.0, 0.0, None, None, None]
    assert logged == {"reward/grader_error_ratio": 0.2}
    assert reward.__name__ == "math"


@KINDS
def test_no_completions_have_no_rewards(kind: Any, call: Callable[..., Any]) -> None:
    assert call(kind(), completions=[], answer=[], log_metric=lambda *_: None) == []


@pytest.mark.parametrize("kind", [GraderReward, AsyncGraderReward], ids=["sync", "async"])
def test_rewards_by_url_train_as_those_in_process(make: Make, server: str, kind: Any) -> None:
    """GRPOTrainer logs the same, step by step, and ends with the same weights."""
    trainers = []
    for reward in (IN_PROCESS, kind(url=server)):
        trainer = make(GRPOTrainer, reward, max_steps=4, learning_rate=1e-4)
        trainer.train()
        trainers.append(trainer)

    here, there = trainers
    assert rewards_of(there) == rewards_of(here)
    assert 0 < sum(line["reward"] for line in rewards_of(here)) < len(rewards_of(here)) == 4
    assert all(map(torch.equal, here.model.parameters(), there.model.parameters()))


def rewards_of(trainer: Any) -> list[dict[str, float]]:
    """What was logged of the rewards of each step."""
    lines = [line for line in trainer.state.log_history if "loss" in line]
    return [{name: line[name] for name in line if "reward" in name} for line in lines]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as server:
        yield server.url
        rewards.close()


def test_rewards_need_their_column_and_grader() -> None:
    """The message says what there is."""
    with pytest.raises(UsageError, match="no column 'answer' for rewards; known: prompts, gold"):
        GraderReward()(prompts=[], completions=[], gold=[])
    with pytest.raises(UsageError, match="unknown grader 'maths'"):
        GraderReward("maths")
