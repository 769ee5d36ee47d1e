"""Checks of everything beside the policy loss: advantages, penalties, filters, KL, entropy."""

from collections.abc import Iterator

import torch

from evalkit.train.advantages import (
    group_advantages,
    overlong_penalty,
    per_token,
    solved_groups,
)
from evalkit.train.entropy import split_by_entropy
from evalkit.train.kl import ESTIMATORS, kl_penalty
from evalkit.train.repetition import repetition
from evalkit.train.vectors.comparing import TOLERANCES, Comparison, compare
from evalkit.train.vectors.reading import Case

_SINGLE, _DOUBLE = TOLERANCES[torch.float32], TOLERANCES[torch.float64]


def check_advantages(case: Case) -> Iterator[Comparison]:
    estimator = case.text("estimator")
    if estimator not in ("grpo", "dr_grpo"):
        raise case.error(f"estimator is {estimator!r}; known: dr_grpo, grpo")
    labels = list(case.field("inputs", "group"))
    groups = torch.tensor([labels.index(label) for label in labels])
    scores = case.tensor("inputs", "scores", dtype=torch.float32)
    found = group_advantages(scores, groups, divide_by_std=estimator == "grpo")
    columns = torch.arange(case.count("inputs", "response_length"))
    mask = columns < case.tensor("inputs", "lengths")[:, None]
    if case.has("expected_exact_per_sequence"):  # the rest is an artefact of float32
        expected = case.tensor("expected_exact_per_sequence")
        yield compare("per sequence", found, expected, 0.0)
        return
    yield compare("per sequence", found, case.tensor("expected", "per_sequence"), _SINGLE)
    expected = case.tensor("expected", "advantages")
    yield compare("per token", per_token(found, mask), expected, _SINGLE)


def check_kl(case: Case) -> Iterator[Comparison]:
    estimator = case.text("estimator")
    known = {one: one for one in ESTIMATORS}
    if estimator not in known:
        raise case.error(f"estimator is {estimator!r}; known: {', '.join(known)}")
    log_prob = case.tensor("inputs", "log_prob").requires_grad_()
    found = kl_penalty(log_prob, case.tensor("inputs", "ref_log_prob"), known[estimator])
    (gradient,) = torch.autograd.grad(found.sum(), log_prob)
    yield compare("penalty", found, case.tensor("expected", "kl"), _DOUBLE)
    yield compare("gradient", gradient, case.tensor("expected", "grad_log_prob"), _DOUBLE)


def check_entropy_split(case: Case) -> Iterator[Comparison]:
    entropy = case.tensor("inputs", "entropy", dtype=torch.float32)
    mask = case.tensor("inputs", "response_mask")
    found = split_by_entropy(entropy, mask, case.number("quantile"))
    expected = case.tensor("expected", "threshold_per_sequence")
    yield compare("thresholds", found.thresholds, expected, _SINGLE)
    yield compare("low", found.low, case.tensor("expected", "low_entropy_mask"), 0.0)
    yield compare("high", found.high, case.tensor("expected", "high_entropy_mask"), 0.0)


def check_overlong_penalty(case: Case) -> Iterator[Comparison]:
    penalty = overlong_penalty(
        case.tensor("response_length"),
        max_length=case.count("max_resp_len"),
        buffer=case.count("overlong_buffer_len"),
        factor=case.number("penalty_factor"),
    )
    yield compare("penalty", penalty, case.tensor("penalty"), _DOUBLE)
    yield compare("reward", case.tensor("correct") + penalty, case.tensor("reward"), _DOUBLE)


def check_group_filter(case: Case) -> Iterator[Comparison]:
    rewards = case.tensor("rewards")
    found = solved_groups(rewards, torch.zeros(len(rewards), dtype=torch.int64))
    for name, fact in (
        ("kept", found.kept),
        ("solve_none", found.by_none),
        ("solve_all", found.by_all),
    ):
        expected = case.tensor("expected", name).expand(len(rewards))
        yield compare(name, fact, expected, 0.0)


def check_repetition(case: Case) -> Iterator[Comparison]:
    found = repetition(case.text("text"), ngram_size=case.count("ngram_size"))
    ratio, frequency = torch.tensor(found.ratio, dtype=torch.float64), found.max_frequency
    yield compare("ratio", ratio, case.tensor("expected", "repetition_ratio"), _DOUBLE)
    expected = case.tensor("expected", "maximum_frequency")
    yield compare("maximum frequency", torch.tensor(frequency), expected, 0.0)
