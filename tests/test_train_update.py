"""The gradient side of a step: what an update does, what it leaves out, and what does not matter."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from training_parts import make_sequences, make_spec, write_checkpoint

from evalkit.train.experience import Experience
from evalkit.train.policy import Policy
from evalkit.train.scoring import Scored, score_all
from evalkit.train.update import Updater
from evalkit.types import RunError

SIZES = (3, 2, 4)
LENGTHS = [(2, 3), (2, 8), (2, 5), (4, 1), (4, 7), (1, 2), (1, 9), (1, 4), (1, 6)]
ADVANTAGES = [1.0, -0.5, -0.5, 1.0, -1.0, 1.5, -0.5, -0.5, -0.5]
BUDGET = 30
ONE_UPDATE = {"num_mini_batches": 1, "ppo_epochs": 1}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("model"))


@pytest.fixture
def make_policy(checkpoint: Path) -> Callable[[], Policy]:
    """The same one each time."""
    return lambda: Policy(checkpoint, dtype=torch.float32)


def score(policy: Policy, temperature: float = 1.0) -> Scored:
    return score_all(policy, make_sequences(*LENGTHS), temperature=temperature, budget=BUDGET)


def experience(policy: Policy, temperature: float = 1.0, **changes: Any) -> Experience:
    """Three groups of nine sequences, sampled from the policy as it is now."""
    plain = Experience(
        tuple(make_sequences(*LENGTHS)),
        SIZES,
        torch.tensor(ADVANTAGES),
        score(policy, temperature),
    )
    return replace(plain, **changes)


def update(
    policy: Policy, given: Experience | None = None, **settings: Any
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """The metrics of a step, and the parameters after it."""
    values = {
        "num_mini_batches": 3,
        "ppo_epochs": 2,
        "warmup_steps": 0,
        "lr": 1e-3,
        "micro_batch_tokens": BUDGET,
        "algorithm_args": {"kl_coefficient": 0.0, "overlong_buffer": 0},
        **settings,
    }
    updater = Updater(policy, make_spec(Path("unused"), **values))
    metrics = updater.update(given or experience(policy), step=1)
    return metrics, {name: value.clone() for name, value in policy.trained_state().items()}


def largest_difference(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    return max((first[name] - second[name]).abs().max().item() for name in first)


@pytest.mark.parametrize("algorithm", ["grpo", "dapo", "dr-grpo", "aspo-archer2", "gspo"])
def test_micro_batches_change_no_update(make_policy: Callable[[], Policy], algorithm: str) -> None:
    """One sequence at a time, some, or all at once: the same parameters and metrics."""
    found = [
        update(make_policy(), algorithm=algorithm, lr=1e-5, micro_batch_tokens=budget)
        for budget in (1, 25, 10_000)
    ]

    first, *others = found
    for metrics, parameters in others:
        assert largest_difference(parameters, first[1]) < 1e-6
        for name in metrics.keys() - {"perf/padding_share"}:
            assert metrics[name] == pytest.approx(first[0][name], rel=1e-4, abs=1e-6), name


def test_one_update_per_batch_makes_aspo_grpo(make_policy: Callable[[], Policy]) -> None:
    """Every ratio is 1, and flipping 1 gives 1."""
    grpo = update(make_policy(), algorithm="grpo", **ONE_UPDATE)
    aspo = update(make_policy(), algorithm="aspo-paper", **ONE_UPDATE)

    assert largest_difference(grpo[1], aspo[1]) < 1e-7
    for metrics in (grpo[0], aspo[0]):
        assert metrics["ratio/positive_mean"] == pytest.approx(1, abs=1e-6)
        assert metrics["ratio/negative_mean"] == pytest.approx(1, abs=1e-6)
        assert metrics["actor/ppo_kl"] == pytest.approx(0, abs=1e-6)


def test_several_updates_per_batch_tell_aspo_from_grpo(make_policy: Callable[[], Policy]) -> None:
    """The ratios of later mini-batches are not 1; positive tokens are on one side."""
    grpo = update(make_policy(), algorithm="grpo")
    aspo = update(make_policy(), algorithm="aspo-paper")

    assert largest_difference(grpo[1], aspo[1]) > 1e-5
    assert grpo[0]["ratio/positive_mean"] > 1 > grpo[0]["ratio/negative_mean"]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_ratios_are_at_the_sampling_temperature(
    make_policy: Callable[[], Policy], temperature: float
) -> None:
    """Otherwise the first ratios would not be 1."""
    policy = make_policy()
    given = experience(policy, temperature)

    metrics, _ = update(policy, given, temperature=temperature, **ONE_UPDATE)

    assert metrics["ratio/positive_mean"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("algorithm", ["grpo", "dapo", "aspo-paper", "aspo-archer2", "cispo"])
def test_an_update_raises_what_was_better_and_lowers_what_was_worse(
    make_policy: Callable[[], Policy], algorithm: str
) -> None:
    """Seen in the log-probabilities of the responses themselves."""
    policy = make_policy()
    before = score(policy).log_probs

    update(policy, algorithm=algorithm, **ONE_UPDATE)

    after = score(policy).log_probs
    changes = [(b - a).mean().item() for a, b in zip(before, after, strict=True)]
    gain = sum(a * change for a, change in zip(ADVANTAGES, changes, strict=True))
    assert gain > 0
    assert changes[0] > 0 > changes[1]


@pytest.mark.parametrize(("decay", "tolerance"), [(0.0, 0), (0.1, 1e-6)])
def test_without_advantages_weights_only_decay(
    make_policy: Callable[[], Policy], decay: float, tolerance: float
) -> None:
    """In six updates by the learning rate times the decay each; without decay not by a bit."""
    policy = make_policy()
    before = {name: value.clone() for name, value in policy.trained_state().items()}
    nothing = experience(policy, advantages=torch.zeros(len(LENGTHS)))

    metrics, after = update(policy, nothing, weight_decay=decay, lr=1e-3)

    decayed = {name: value * (1 - 1e-3 * decay) ** 6 for name, value in before.items()}
    assert largest_difference(after, decayed) <= tolerance
    assert metrics["actor/grad_norm"] == 0
    assert not any(name.startswith("ratio/") for name in metrics)


def test_groups_without_advantage_contribute_nothing(make_policy: Callable[[], Policy]) -> None:
    """Whatever their tokens are, the update is the same."""
    found = []
    for seed in (0, 1):
        policy = make_policy()
        first, last = make_sequences(*LENGTHS[:5]), make_sequences(*LENGTHS[5:], seed=seed)
        sequences = tuple(first + last)
        old = score_all(policy, sequences, temperature=1.0, budget=BUDGET)
        advantages = torch.tensor([*ADVANTAGES[:5], 0.0, 0.0, 0.0, 0.0])
        found.append(update(policy, Experience(sequences, SIZES, advantages, old), **ONE_UPDATE))

    assert largest_difference(found[0][1], found[1][1]) < 1e-7


def with_infinite_advantage(policy: Policy, *positions: int) -> Experience:
    """These sequences have gradients that are not finite."""
    advantages = torch.tensor(ADVANTAGES)
    advantages[list(positions)] = math.inf
    return experience(policy, advantages=advantages)


def with_nan_ratios(policy: Policy, *positions: int) -> Experience:
    """These sequences have a loss that is not finite, and a gradient of 0: clamp() makes it so."""
    given = experience(policy)
    old = [
        one.mul(math.nan) if i in positions else one for i, one in enumerate(given.old.log_probs)
    ]
    return replace(given, old=replace(given.old, log_probs=tuple(old)))


SPOIL = pytest.mark.parametrize("spoil", [with_infinite_advantage, with_nan_ratios])


@SPOIL
def test_an_update_that_is_not_finite_is_skipped_and_counted(
    make_policy: Callable[[], Policy], spoil: Callable[..., Experience]
) -> None:
    """One of three mini-batches, in two epochs; it is in no metric, and no parameter is harmed."""
    policy = make_policy()

    metrics, parameters = update(policy, spoil(policy, 0))

    assert metrics["actor/skipped_updates"] == 2
    assert all(math.isfinite(value) for value in metrics.values())
    assert all(value.isfinite().all() for value in parameters.values())
    assert metrics["actor/grad_norm"] > 0


@SPOIL
def test_a_step_of_skipped_updates_is_an_error(
    make_policy: Callable[[], Policy], spoil: Callable[..., Experience]
) -> None:
    """It would be repeated for ever."""
    policy = make_policy()

    with pytest.raises(RunError, match="all 6 updates was not finite"):
        update(policy, spoil(policy, *range(len(LENGTHS))))


def test_the_gradient_is_clipped_and_logged_as_it_was(make_policy: Callable[[], Policy]) -> None:
    """Clipped to a norm below Adam's epsilon it moves the parameters less."""
    free = update(make_policy(), max_grad_norm=1e9, **ONE_UPDATE)
    held = update(make_policy(), max_grad_norm=1e-9, **ONE_UPDATE)
    start = {name: value.clone() for name, value in make_policy().trained_state().items()}

    assert held[0]["actor/grad_norm"] == pytest.approx(free[0]["actor/grad_norm"])
    assert largest_difference(held[1], start) < 0.2 * largest_difference(free[1], start)


def test_the_learning_rate_that_is_logged_is_the_one_that_is_used(
    make_policy: Callable[[], Policy],
) -> None:
    """A tenth of the rate moves a first step a tenth as far."""
    start = {name: value.clone() for name, value in make_policy().trained_state().items()}
    whole = update(make_policy(), lr=1e-3, weight_decay=0.0, **ONE_UPDATE)
    tenth = update(make_policy(), lr=1e-3, weight_decay=0.0, warmup_steps=10, **ONE_UPDATE)

    assert (whole[0]["actor/lr"], tenth[0]["actor/lr"]) == (1e-3, pytest.approx(1e-4))
    ratio = largest_difference(tenth[1], start) / largest_difference(whole[1], start)
    assert ratio == pytest.approx(0.1, rel=1e-3)


def test_tokens_of_low_entropy_have_their_own_clip(make_policy: Callable[[], Policy]) -> None:
    """All ratios are 1.1: too much for those up to the 0.8 quantile of their response, 34 of 45."""
    policy = make_policy()
    given = experience(policy, advantages=torch.ones(len(LENGTHS)))
    old = tuple(one - math.log(1.1) for one in given.old.log_probs)
    args = {
        "kl_coefficient": 0.0,
        "overlong_buffer": 0,
        "clip": {"low": 0.05, "high": 0.05},
        "high_entropy_clip": {"low": 0.2, "high": 0.2},
    }

    metrics, _ = update(
        policy,
        replace(given, old=replace(given.old, log_probs=old)),
        algorithm="aspo-archer2",
        algorithm_args=args,
        **ONE_UPDATE,
    )

    assert metrics["actor/pg_clipfrac_upper"] == pytest.approx(34 / 45)
    assert metrics["ratio/positive_mean"] == pytest.approx(1.1, rel=1e-5)


def test_the_padding_share_is_that_of_the_updates(make_policy: Callable[[], Policy]) -> None:
    """All nine in one batch: 63 tokens in nine rows of 11 positions."""
    metrics, _ = update(make_policy(), micro_batch_tokens=10_000, **ONE_UPDATE)

    assert metrics["perf/padding_share"] == pytest.approx(1 - 63 / 99)


def test_the_kl_penalty_pulls_towards_the_reference(make_policy: Callable[[], Policy]) -> None:
    """Without advantages the update is the penalty's alone, and makes it smaller."""
    policy = make_policy()
    old = score(policy)
    elsewhere = replace(old, log_probs=tuple(one - 0.5 for one in old.log_probs))
    given = experience(policy, advantages=torch.zeros(len(LENGTHS)), reference=elsewhere)

    first, second, weak = (
        update(policy, given, algorithm_args={"kl_coefficient": value}, lr=1e-5, **ONE_UPDATE)[0]
        for value in (1.0, 1.0, 0.1)
    )

    assert first["actor/kl_loss"] == pytest.approx(math.exp(-0.5) - 1 + 0.5, rel=1e-4)
    assert second["actor/kl_loss"] < first["actor/kl_loss"]
    assert weak["actor/grad_norm"] == pytest.approx(0.1 * first["actor/grad_norm"], rel=0.05)
    assert (first["actor/kl_coef"], weak["actor/kl_coef"]) == (1.0, 0.1)


def test_a_reference_that_is_the_policy_changes_nothing(make_policy: Callable[[], Policy]) -> None:
    """At the start the divergence and its gradient are 0."""
    policy, args = make_policy(), {"kl_coefficient": 1.0}
    given = experience(policy, reference=score(policy))

    with_it = update(policy, given, algorithm_args=args, **ONE_UPDATE)
    without = update(make_policy(), **ONE_UPDATE)

    assert with_it[0]["actor/kl_loss"] == pytest.approx(0, abs=1e-9)
    assert largest_difference(with_it[1], without[1]) < 1e-6
