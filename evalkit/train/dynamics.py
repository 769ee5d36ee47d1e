"""What a step's samples show, under verl's names and, where it has none, our own."""

from collections.abc import Sequence
from statistics import fmean

import torch

from evalkit.train.collection import Collected, Group, Member
from evalkit.train.repetition import Repetition, repetition
from evalkit.train.scoring import Scored

Metrics = dict[str, float]


def sampling_metrics(collected: Sequence[Collected]) -> Metrics:
    """Over all samples of the step that have a grade, before any group is left out."""
    groups = [group for one in collected for group in one.groups]
    members = [member for group in groups for member in group.members]
    num_samples = sum(one.num_samples for one in collected)
    metrics: Metrics = {
        "batch/solve_all": sum(group.is_solved_by_all for group in groups),
        "batch/solve_none": sum(group.is_solved_by_none for group in groups),
        "train/num_gen_batches": len(collected),
        "reward/grader_error_ratio": sum(one.num_errors for one in collected) / num_samples,
    }
    if not members:
        return metrics
    metrics |= _spread("critic/score", [one.score for one in members])
    metrics |= _spread("critic/rewards", [one.reward for one in members])
    metrics |= _spread("prompt_length", [len(one.sequence.prompt_ids) for one in members])
    return metrics | _by_sign(members)


def training_metrics(groups: Sequence[Group], old: Scored) -> Metrics:
    """Over the samples that are trained on."""
    members = [member for group in groups for member in group.members]
    lengths = [len(one.sequence.completion_ids) for one in members]
    gaps = torch.cat(
        [
            (scored - torch.tensor(member.rollout.log_probs)).abs()
            for member, scored in zip(members, old.log_probs, strict=True)
        ]
    )
    return {
        "batch/valid": len(groups),
        "actor/entropy": torch.cat(old.entropies).mean().item(),
        **_spread("critic/advantages", [one.advantage for one in members], lengths),
        "mismatch/log_prob_diff_mean": gaps.mean().item(),
        "mismatch/log_prob_diff_max": gaps.max().item(),
    }


def _by_sign(members: Sequence[Member]) -> Metrics:
    """Lengths and repetition, of all samples and of those with a reward above 0 and others."""
    repetitions = [repetition(one.rollout.sample.text) for one in members]
    positive = [one.reward > 0 for one in members]
    metrics = _lengths("response_length", members) | _repetition("token", repetitions)
    for name, wanted in (("pos", True), ("neg", False)):
        chosen = [i for i, is_positive in enumerate(positive) if is_positive == wanted]
        if chosen:
            metrics |= _lengths(f"response_length/{name}", [members[i] for i in chosen])
            metrics |= _repetition(f"{name}_token", [repetitions[i] for i in chosen])
    return metrics


def _lengths(name: str, members: Sequence[Member]) -> Metrics:
    truncated = fmean(one.rollout.sample.is_truncated for one in members)
    lengths = [len(one.rollout.token_ids) for one in members]
    return {**_spread(name, lengths), f"{name}/clip_ratio": truncated}


def _repetition(name: str, found: Sequence[Repetition]) -> Metrics:
    return {
        f"{name}/repetition_ratio": fmean(one.ratio for one in found),
        f"{name}/maximum_frequency": fmean(one.max_frequency for one in found),
    }


def _spread(name: str, values: Sequence[float], weights: Sequence[float] | None = None) -> Metrics:
    mean = fmean(values, weights)
    return {f"{name}/mean": mean, f"{name}/max": max(values), f"{name}/min": min(values)}
