"""The claims of the paper: each measure by hand, each conclusion, and what is refused."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from training_runs import lifelike, write_training

from evalkit.curves.read import TOTAL_CLIP_SHARE, Series, TrainingRun, read_run
from evalkit.train.claims import ClaimsTable, compare_claims
from evalkit.train.claims_measures import (
    TrainedPolicy,
    accuracy,
    claims_for,
    final_repetition,
    remaining_entropy,
    unsteadiness,
)
from evalkit.train.claims_paired import Conclusion, Finding
from evalkit.train.claims_text import document, markdown
from evalkit.types import RunError, UsageError

STEADY = {
    "actor/entropy": [0.5, 0.25, 0.25],
    "token/repetition_ratio": [0.0, 0.0, 0.0],
    "actor/ppo_kl": [0.1, 0.1, 0.3],
    TOTAL_CLIP_SHARE: [0.1, 0.2, 0.1],
}


def policy(
    algorithm: str = "grpo",
    seed: int = 1,
    *,
    scores: Mapping[str, float] | None = None,
    **metrics: Sequence[float],
) -> TrainedPolicy:
    """Three steps that hold still, but for the metrics that are given."""
    values = STEADY | metrics
    run = TrainingRun(
        path=Path(f"{algorithm}-{seed}"),
        algorithm=algorithm,
        seed=seed,
        settings={},
        metrics={
            name: Series(np.arange(1, len(one) + 1), np.array(one)) for name, one in values.items()
        },
    )
    return TrainedPolicy(run, scores or {"p1": 0.5, "p2": 1.0})


def test_accuracy_is_the_mean_over_problems() -> None:
    """avg@k, since each score is the mean over the problem's samples."""
    assert accuracy(policy(scores={"p1": 0.25, "p2": 1.0, "p3": 0.25})) == 0.5


def test_entropy_is_measured_against_its_own_start() -> None:
    """0.5, 0.25 and 0.25 leave two thirds of what was there, at any level."""
    for level in (1, 10):
        found = remaining_entropy(
            policy(**{"actor/entropy": [level * x for x in (0.5, 0.25, 0.25)]})
        )
        assert found == pytest.approx(2 / 3)


def test_repetition_is_that_of_the_end() -> None:
    """Of nine steps the last two, which are a quarter of them, rounded down."""
    found = final_repetition(policy(**{"token/repetition_ratio": [9] * 7 + [1, 2]}))

    assert found == 1.5


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 2, 3, 4], 0), ([7, 5, 3], 0), ([0, 1, 1, 2], (1 / 3) ** 0.5)]
)
def test_an_even_rise_is_steady(values: list[float], expected: float) -> None:
    """Only what changes the changes counts: 1, 0 and 1 have a variance of 1/3."""
    assert unsteadiness(policy(**{"actor/ppo_kl": values}), "actor/ppo_kl") == pytest.approx(
        expected
    )


@pytest.mark.parametrize(("with_reference", "name"), [(2, "actor/kl_loss"), (1, "actor/ppo_kl")])
def test_the_kl_is_one_that_every_run_has(with_reference: int, name: str) -> None:
    """To the reference where all log it, as in the paper; else to the old policy."""
    policies = [
        policy(**({"actor/kl_loss": [0, 0, 1]} if index < with_reference else {}))
        for index in range(2)
    ]
    (kl,) = (one for one in claims_for(policies) if one.text == "steadier KL")

    assert name in kl.measure
    assert kl.of(policies[0]) == unsteadiness(policies[0], name)


def compare(method: list[float], baseline: list[float], **given: Any) -> ClaimsTable:
    """By accuracies of one problem, one for each seed."""
    policies = [
        policy(name, seed, scores={"p": score})
        for name, scores in (("aspo-paper", method), ("grpo", baseline))
        for seed, score in enumerate(scores)
    ]
    return compare_claims(policies, method="aspo-paper", baselines=["grpo"], **given)


def finding(table: ClaimsTable, claim: str) -> Finding:
    (found,) = (one for one in table.findings if one.claim == claim)
    return found


def test_the_interval_is_students_over_paired_seeds() -> None:
    """Differences of .1, .2 and .3, whatever the seeds' own level: .2 ± 4.303 × .1 / √3."""
    found = finding(compare([0.2, 0.9, 0.4], [0.1, 0.7, 0.1]), "accuracy not lower")

    half = 4.3027 * 0.1 / 3**0.5
    assert found.difference == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half), rel=1e-4)


# Accuracies of method and baseline by seed; conclusions against 0 and against a margin of 0.1.
CONCLUSIONS = {
    "higher": ([0.6, 0.61, 0.62], [0.3, 0.3, 0.3], "holds", "holds"),
    "lower, within the margin": ([0.47, 0.48, 0.47], [0.5, 0.5, 0.5], "does not hold", "holds"),
    "lower": ([0.2, 0.21, 0.22], [0.5, 0.5, 0.5], "does not hold", "does not hold"),
    "close": ([0.5, 0.51, 0.49], [0.5, 0.5, 0.5], "not distinguishable", "holds"),
    "scattered": ([0.1, 0.5, 0.9], [0.5, 0.5, 0.5], "not distinguishable", "not distinguishable"),
    "one seed": ([0.9], [0.1], "not testable", "not testable"),
    "no spread": ([0.9, 0.8, 0.5], [0.6, 0.5, 0.2], "not testable", "not testable"),
}


@pytest.mark.parametrize("case", CONCLUSIONS)
def test_conclusions_of_the_accuracy(case: str) -> None:
    """Against 0, and as not lower by more than the margin."""
    method, baseline, plain, within_margin = CONCLUSIONS[case]
    table = compare(method, baseline, margin=0.1)

    assert finding(table, "accuracy not lower").conclusion == plain
    assert finding(table, "accuracy not lower by more than 0.1").conclusion == within_margin


# A metric of the method by seed, where the baseline has STEADY, and the claim that it decides.
OTHERS = [
    ("entropy falls more slowly", "actor/entropy", [[0.5, 0.5, 0.49], [0.5, 0.5, 0.5]], "holds"),
    (
        "entropy falls more slowly",
        "actor/entropy",
        [[0.5, 0.1, 0.1], [0.5, 0.1, 0.11]],
        "does not hold",
    ),
    ("lower repetition", "token/repetition_ratio", [[0, 0, 0.2], [0, 0, 0.21]], "does not hold"),
    ("lower repetition", "token/repetition_ratio", [[0, 0, 0], [0, 0, 0]], "not testable"),
    ("steadier KL", "actor/ppo_kl", [[0.1, 0.1, 0.101], [0.1, 0.1, 0.102]], "holds"),
    ("steadier KL", "actor/ppo_kl", [[0.1, 0.1, 9], [0.1, 0.1, 9.1]], "does not hold"),
    ("steadier clip ratio", TOTAL_CLIP_SHARE, [[0, 0, 0.01], [0, 0, 0.02]], "holds"),
    ("steadier clip ratio", TOTAL_CLIP_SHARE, [[0, 0, 0.01], [0, 0.9, 0]], "not distinguishable"),
]


@pytest.mark.parametrize(("claim", "metric", "values", "conclusion"), OTHERS)
def test_conclusions_of_the_other_claims(
    claim: str, metric: str, values: list[list[float]], conclusion: str
) -> None:
    """Each has its own direction in which it holds."""
    policies = [policy("grpo", seed) for seed in range(2)]
    policies += [policy("aspo-paper", seed, **{metric: one}) for seed, one in enumerate(values)]
    table = compare_claims(policies, method="aspo-paper", baselines=["grpo"])

    assert finding(table, claim).conclusion == conclusion


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=6))
def test_the_other_way_round_is_the_opposite(pairs: list[tuple[float, float]]) -> None:
    """Changing places changes the sign, and what holds then does not hold."""
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    there = finding(compare(first, second), "accuracy not lower")
    back = finding(compare(second, first), "accuracy not lower")
    assume(there.low is not None and back.low is not None)

    opposite = {Conclusion.HOLDS: Conclusion.FAILS, Conclusion.FAILS: Conclusion.HOLDS}
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert back.conclusion == opposite.get(there.conclusion, there.conclusion)


REFUSED = {
    "seeds that differ": (
        [policy("grpo", 1), policy("grpo", 2), policy("aspo-paper", 1)],
        r"aspo-paper has the seeds \[1\], but grpo has \[1, 2\]",
    ),
    "a seed twice": (
        [policy("grpo", 1), policy("aspo-paper", 1), policy("aspo-paper", 1)],
        r"aspo-paper has a seed more than once; seeds: \[1, 1\]",
    ),
    "an algorithm without a run": (
        [policy("aspo-paper", 1)],
        "unknown algorithm 'grpo'; known: aspo",
    ),
    "a run that ended early": (
        [
            policy("grpo", 1, **{name: one[:2] for name, one in STEADY.items()}),
            policy("aspo-paper", 1),
        ],
        "aspo-paper-1 ends at step 3, but grpo-1 at step 2",
    ),
    "other problems": (
        [policy("grpo", 1, scores={"p1": 1.0}), policy("aspo-paper", 1)],
        "aspo-paper-1 and grpo-1 have scores of other problems",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_runs_that_cannot_be_compared_are_refused(case: str) -> None:
    """What would be left out silently is named instead."""
    policies, message = REFUSED[case]

    with pytest.raises(UsageError, match=message):
        compare_claims(policies, method="aspo-paper", baselines=["grpo"])


UNMEASURED = {
    "no entropy at the start": (
        {"actor/entropy": [0.0, 0.0, 0.1]},
        "actor/entropy is 0 at the first",
    ),
    "two steps": ({"actor/ppo_kl": [0.1, 0.2]}, "actor/ppo_kl has 2 values; 3 are needed"),
}


@pytest.mark.parametrize("case", UNMEASURED)
def test_what_cannot_be_measured_is_an_error(case: str) -> None:
    """With the run and the metric."""
    metrics, message = UNMEASURED[case]
    policies = [policy("grpo"), policy("aspo-paper", **metrics)]

    with pytest.raises(RunError, match=f"aspo-paper-1: {message}"):
        compare_claims(policies, method="aspo-paper", baselines=["grpo"])


def test_a_metric_that_was_not_logged_is_an_error() -> None:
    """With those that were."""
    some = policy()
    run = TrainingRun(
        path=Path("x"),
        algorithm="grpo",
        seed=1,
        settings={},
        metrics={"other": some.run.metrics["actor/ppo_kl"]},
    )

    with pytest.raises(RunError, match="x has no actor/entropy; it has: other"):
        remaining_entropy(TrainedPolicy(run, {}))


@pytest.fixture
def table(tmp_path: Path) -> ClaimsTable:
    """Of training directories: three seeds, ASPO better by far than GRPO and worse than DAPO."""
    policies = []
    for name, like, score in (
        ("aspo-paper", "aspo-paper", 0.5),
        ("grpo", "grpo", 0.3),
        ("dapo", "grpo", 0.8),
    ):
        for seed in (1, 2, 3):
            path = tmp_path / f"{name}-{seed}"
            write_training(path, lifelike(like, seed), algorithm=name, seed=seed)
            policies.append(TrainedPolicy(read_run(path), {"p": score + seed**2 / 1000}))
    policies[0] = TrainedPolicy(policies[0].run, {"p": 0.5})
    return compare_claims(policies, method="aspo-paper", baselines=["grpo", "dapo"])


def test_every_claim_is_compared_with_every_baseline(table: ClaimsTable) -> None:
    """Five claims, of which the accuracy has a second reading with the margin."""
    claims = [
        "accuracy not lower",
        "accuracy not lower by more than 0.02",
        "entropy falls more slowly",
        "lower repetition",
        "steadier KL",
        "steadier clip ratio",
    ]

    assert [(one.baseline, one.claim) for one in table.findings] == [
        (baseline, claim) for baseline in ("grpo", "dapo") for claim in claims
    ]
    assert (table.seeds, table.num_steps, table.num_problems) == ((1, 2, 3), 20, 1)


def test_markdown_shows_what_does_not_hold(table: ClaimsTable) -> None:
    """In the first sentence, in its row, and with what the words mean."""
    text = markdown(table)
    against_dapo = text.partition("## aspo-paper against dapo")[2]

    assert "Of 12 comparisons" in text.splitlines()[2]
    assert "do not hold" in text.splitlines()[2]
    (row,) = (
        line for line in against_dapo.splitlines() if line.startswith("| accuracy not lower |")
    )
    assert row.endswith("| **does not hold** |")
    for conclusion in Conclusion:
        assert f"\n- {conclusion}: " in text
    for one in table.findings:
        assert f"\n- {one.claim}: {one.measure}; {one.better} speaks for the claim\n" in text


def test_json_holds_all_numbers(table: ClaimsTable) -> None:
    """Those of each seed too, so that another test can be made of them."""
    content = json.loads(json.dumps(document(table), allow_nan=False))

    assert content["margin"] == 0.02
    assert len(content["findings"]) == len(table.findings)
    assert content["findings"][0]["baseline_values"] == pytest.approx([0.301, 0.304, 0.309])
    assert content["findings"][0]["conclusion"] == "holds"
    assert set(content["meanings"]) == set(Conclusion)
