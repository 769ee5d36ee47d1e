"""Several algorithms and seeds from one start: what is refused, trained and reported."""

import json
from pathlib import Path
from typing import Any

import pytest
from training_parts import Silence, make_spec, write_task

from evalkit.train.comparison import Comparison, train_all
from evalkit.types import UsageError

ALGORITHMS = ("grpo", "aspo-paper")
STEPS = 3


def make_comparison(out: Path, **changes: Any) -> Comparison:
    base = make_spec(
        out,
        steps=STEPS,
        prompts_per_step=2,
        num_mini_batches=1,
        ppo_epochs=1,
        validate=str(write_task(out.parent)),
        note="Made for a test.",
    )
    return Comparison(
        **{"base": base, "algorithms": ALGORITHMS, "method": "aspo-paper", "num_seeds": 2} | changes
    )


def silence(label: str) -> Silence:
    return Silence()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algorithms": ("grpo",)}, "at least two different ones"),
        ({"algorithms": ("grpo", "grpo")}, "at least two different ones"),
        ({"algorithms": ("grpo", "dapo")}, "method=aspo-paper is none of the algorithms"),
        ({"algorithms": ("aspo-paper", "grop")}, "unknown algorithm 'grop'; known: aspo-archer2"),
        ({"num_seeds": 0}, "num_seeds=0, but it must be at least 1"),
        ({"jobs": 0}, "jobs=0, but it must be at least 1"),
    ],
)
def test_comparisons_that_mean_nothing_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """Before anything is trained, the message names what is wrong."""
    with pytest.raises(UsageError, match=message):
        make_comparison(tmp_path / "compare", **changes)


def test_a_comparison_needs_something_to_score_on(tmp_path: Path) -> None:
    """Without validation there is no leaderboard."""
    base = make_spec(tmp_path / "compare")
    with pytest.raises(UsageError, match="name the tasks that the final checkpoints are scored on"):
        Comparison(base=base, algorithms=ALGORITHMS, method="grpo")


def test_runs_differ_in_algorithm_seed_and_directory_alone(tmp_path: Path) -> None:
    """All seeds of all algorithms, each once, whole seeds first."""
    comparison = make_comparison(tmp_path / "compare")
    specs = comparison.specs()

    assert [(one.algorithm, one.seed) for one in specs] == [
        ("grpo", 0),
        ("aspo-paper", 0),
        ("grpo", 1),
        ("aspo-paper", 1),
    ]
    assert len({one.out for one in specs}) == 4
    assert {(one.lr, one.steps, one.model, one.tasks) for one in specs} == {
        (comparison.base.lr, STEPS, comparison.base.model, comparison.base.tasks)
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two algorithms on two seeds, trained and reported."""
    from evalkit.train.comparison_report import write_report

    comparison = make_comparison(tmp_path_factory.mktemp("comparison") / "compare")
    write_report(comparison, train_all(comparison, silence))
    return comparison


def test_seeds_of_an_algorithm_see_what_the_others_see(finished: Comparison) -> None:
    """With equal weights the first step samples the same completions, whatever the algorithm."""
    first = {}
    for spec in finished.specs():
        lines = (spec.out / "metrics.jsonl").read_text().splitlines()
        line = next(one for one in map(json.loads, lines) if one["step"] == 1)
        first[spec.algorithm, spec.seed] = line["critic/score/mean"], line["actor/entropy"]

    assert first["grpo", 0] == first["aspo-paper", 0]
    assert first["grpo", 1] == first["aspo-paper", 1]
    assert first["grpo", 0] != first["grpo", 1]


def test_the_report_has_leaderboard_claims_and_curves(finished: Comparison) -> None:
    """And the note, and scores that are those of the validation of the final checkpoints."""
    out = finished.base.out
    text = (out / "report.md").read_text()
    content = json.loads((out / "comparison.json").read_text())

    assert "Made for a test." in text
    assert "## aspo-paper against grpo" in text
    assert (out / "curves.png").stat().st_size > 10_000
    assert "Made for a test." in (out / "curves.html").read_text()
    for place in content["leaderboard"]:
        for seed, score in place["by_seed"].items():
            run = out / f"{place['algorithm']}-seed{seed}" / "validation" / f"step_{STEPS:06d}"
            metrics = json.loads((run / "metrics.json").read_text())["tasks"]["exam"]["metrics"]
            assert score == pytest.approx(metrics[0]["value"])
    means = [place["mean"] for place in content["leaderboard"]]
    assert means == sorted(means, reverse=True)


def test_what_is_finished_is_not_trained_again(finished: Comparison) -> None:
    """The same command goes on, and finds nothing to do."""
    files = sorted(finished.base.out.glob("*/metrics.jsonl"))
    before = [file.read_bytes() for file in files]

    train_all(finished, silence)

    assert [file.read_bytes() for file in files] == before
