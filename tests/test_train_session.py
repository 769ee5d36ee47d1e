"""Whole training runs on the demo: what is in the directory, and what is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training_parts import (
    DEMO,
    Silence,
    assert_same_steps,
    checkpoint_of,
    lines_of,
    make_spec,
    whole_run,
    write_checkpoint,
    write_task,
)

import evalkit
from evalkit.curves.read import read_run
from evalkit.lock import take_lock
from evalkit.runner import preview
from evalkit.spec import RunSpec
from evalkit.train.session import train
from evalkit.train.spec import TrainSpec, make_train_spec
from evalkit.types import ModelError, RunError, RunInUseError, UsageError

STEPS = 4


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> TrainSpec:
    return whole_run(tmp_path_factory.getbasetemp())


@pytest.fixture
def copied(whole: TrainSpec, tmp_path: Path) -> TrainSpec:
    shutil.copytree(whole.out, tmp_path / "run")
    return replace(whole, out=tmp_path / "run")


def test_every_step_has_a_line(whole: TrainSpec) -> None:
    """Step 0 is the validation of the start; the others say what was sampled and learned."""
    lines = lines_of(whole.out)

    assert list(lines) == [0, 1, 2, 3, 4]
    assert {"step", "val/exam/avg@2"} <= lines[0].keys()
    for step in range(1, STEPS + 1):
        assert {"critic/score/mean", "actor/entropy", "actor/grad_norm"} <= lines[step].keys()
        assert {"ratio/positive_mean", "response_length/mean"} <= lines[step].keys()
        assert lines[step]["actor/skipped_updates"] == 0
        assert lines[step]["mismatch/log_prob_diff_mean"] < 1e-4
    validated = [step for step, line in lines.items() if "val/exam/avg@2" in line]
    assert validated == [0, 2, 4]


def test_curves_read_the_directory(whole: TrainSpec) -> None:
    """Settings and metrics, as `evalkit plot` needs them."""
    run = read_run(whole.out)

    assert (run.algorithm, run.seed) == ("aspo-paper", 0)
    assert run.settings["algorithm"]["kl_coefficient"] == 0.0
    assert run.metrics["actor/entropy"].steps.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("keep_best", [True, False])
def test_the_last_and_the_best_checkpoint_stay(copied: TrainSpec, keep_best: bool) -> None:
    """After one more step, which is validated because it is the last."""
    spec = replace(copied, steps=5, keep_last=1, keep_best=keep_best)

    train(spec, Silence())

    lines = lines_of(spec.out)
    best = max((2, 4, 5), key=lambda step: lines[step]["val/exam/avg@2"])
    kept = {checkpoint_of(spec, 5)} | ({checkpoint_of(spec, best)} if keep_best else set())
    assert set((spec.out / "checkpoints").iterdir()) == kept


def test_validation_is_a_run_directory(whole: TrainSpec) -> None:
    """The library reads it, and the line of the step has its numbers."""
    run = evalkit.load_run(whole.out / "validation" / "step_000002")

    assert len(run.to_pandas()) == 8
    (average,) = (one for one in run.metrics["tasks"]["exam"]["metrics"] if one["name"] == "avg@2")
    line = lines_of(whole.out)[2]
    assert average["value"] == line["val/exam/avg@2"]
    assert line["val/exam/error_ratio"] == 0
    assert (
        line["val/exam/truncated_ratio"] * 8 == (run.to_pandas()["finish_reason"] == "length").sum()
    )


def test_a_checkpoint_scores_as_its_validation_did(whole: TrainSpec, tmp_path: Path) -> None:
    """`evalkit run` of the directory gives the same completions, so it holds the same model."""
    spec = RunSpec(
        model=str(checkpoint_of(whole, STEPS)),
        tasks=whole.validate,
        engine="hf",
        out=tmp_path / "run",
        grader_workers=1,
    )

    table = evalkit.run(spec).to_pandas()

    before = evalkit.load_run(whole.out / "validation" / "step_000004").to_pandas()
    keys = ["problem_id", "index"]
    assert table.sort_values(keys)["text"].tolist() == before.sort_values(keys)["text"].tolist()


def test_a_checkpoint_can_be_run_with_vllm(whole: TrainSpec) -> None:
    """All checks before generation pass."""
    preview(RunSpec(model=str(checkpoint_of(whole, STEPS)), tasks=whole.validate, engine="vllm"))


def test_a_finished_run_is_not_made_again(whole: TrainSpec) -> None:
    """The same command gives the same checkpoint at once, and logs nothing."""
    before = (whole.out / "metrics.jsonl").read_bytes()
    watcher = Silence()

    assert train(whole, watcher) == checkpoint_of(whole, STEPS)
    assert watcher.steps == []
    assert not any("model" in stage for stage in watcher.stages)
    assert (whole.out / "metrics.jsonl").read_bytes() == before


def test_more_steps_go_on_from_the_end(whole: TrainSpec, tmp_path: Path) -> None:
    """Two steps and then two more are the same as four."""
    first = replace(whole, steps=2, out=tmp_path / "run")
    train(first, Silence())
    created = json.loads((first.out / "train.json").read_text())["created"]

    train(replace(first, steps=STEPS), Silence())

    assert_same_steps(first.out, whole.out)
    assert json.loads((first.out / "train.json").read_text())["created"] == created


def test_settings_that_change_no_step_may_change(whole: TrainSpec) -> None:
    """Among them what the error of a refill advises."""
    for changes in ({"micro_batch_tokens": 999}, {"max_gen_batches": 99}, {"keep_last": 3}):
        assert train(replace(whole, **changes), Silence()) == checkpoint_of(whole, STEPS)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"lr": 1e-5}, "spec.lr: 0.0002 in the run, 1e-05 asked for"),
        ({"seed": 1}, "spec.seed: 0 in the run, 1 asked for"),
        ({"group_size": 8}, "spec.group_size: 4 in the run, 8 asked for"),
        ({"algorithm": "grpo"}, "algorithm.surrogate: 'flip' in the run, 'clip' asked for"),
        ({"tasks": ("demo",)}, "tasks.demo"),
        ({"max_tokens": 41}, "spec.max_tokens: 40 in the run, 41 asked for"),
        ({"engine": "vllm"}, "spec.engine: 'hf' in the run, 'vllm' asked for"),
    ],
)
def test_other_settings_are_refused(whole: TrainSpec, changes: dict[str, Any], named: str) -> None:
    """The difference is named, and nothing is touched."""
    before = (whole.out / "train.json").read_bytes()

    with pytest.raises(RunError, match="begun with other settings") as error:
        train(replace(whole, **changes), Silence())
    assert named in str(error.value)
    assert (whole.out / "train.json").read_bytes() == before


def test_another_model_is_refused(whole: TrainSpec, tmp_path: Path) -> None:
    """By its weights, whatever it is called."""
    other = write_checkpoint(tmp_path / "model")

    with pytest.raises(RunError, match="weights_sha256"):
        train(replace(whole, model=str(other)), Silence())


def test_a_directory_in_use_is_refused(whole: TrainSpec) -> None:
    """A second process ends at once."""
    with take_lock(whole.out), pytest.raises(RunInUseError, match="in use by another"):
        train(whole, Silence())


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    """And left alone; so is a file."""
    (tmp_path / "thesis.tex").write_text("precious")

    with pytest.raises(RunError, match="not a training directory"):
        train(make_spec(tmp_path), Silence())
    with pytest.raises(RunError, match="is not a directory"):
        train(make_spec(tmp_path / "thesis.tex"), Silence())
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_start_that_was_refused_binds_nothing(tmp_path: Path) -> None:
    """The command can be corrected: no step has been made."""
    wrong = make_spec(tmp_path / "run", steps=1, max_tokens=9000)
    with pytest.raises(UsageError, match="more than the context of 8192 tokens"):
        train(wrong, Silence())

    train(make_spec(tmp_path / "run", steps=1), Silence())

    assert list(lines_of(tmp_path / "run")) == [1]


def test_training_on_what_is_validated_is_refused(tmp_path: Path) -> None:
    """The number of common problems and one of them are named."""
    with pytest.raises(UsageError, match="1000 problems of the validation task demo_train"):
        train(make_spec(tmp_path / "run", validate="demo_train"), Silence())


def test_a_task_without_a_grader_is_refused(tmp_path: Path) -> None:
    """There would be no reward."""
    task = write_task(tmp_path)
    task.write_text(task.read_text().replace("grader: math\n", ""))

    with pytest.raises(UsageError, match="missing key grader"):
        train(make_spec(tmp_path / "run", tasks=str(task)), Silence())


def test_a_model_without_the_tokenizers_tokens_is_refused(tmp_path: Path) -> None:
    """Before anything is sampled."""
    path = write_checkpoint(tmp_path / "model", num_rows=300)

    with pytest.raises(ModelError, match="the tokenizer has 309 tokens"):
        train(make_spec(tmp_path / "run", model=str(path), max_tokens=40), Silence())


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm_args": {"kl_coefficient": 0.01}},
        {"algorithm_args": {"kl_coefficient": 0.01}, "lora_rank": 2},
        {"algorithm": "aspo-archer2", "algorithm_args": {"group_filter": "keep"}},
        {"dtype": "bfloat16"},
        {"gradient_checkpointing": True, "micro_batch_tokens": 100},
        {"temperature": 0.7},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_what_can_be_chosen_works_together(tmp_path: Path, changes: dict[str, Any]) -> None:
    """One step each; the engine samples from the policy whatever is chosen."""
    train(make_spec(tmp_path / "run", steps=1, **changes), Silence())

    line = lines_of(tmp_path / "run")[1]
    assert line["mismatch/log_prob_diff_mean"] < (0.05 if "dtype" in changes else 1e-4)
    assert ("actor/kl_loss" in line) == (line["actor/kl_coef"] > 0)


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_the_reference_stays_the_start(tmp_path: Path, lora_rank: int) -> None:
    """With one update a step the divergence is 0 in the first, and grows from there."""
    spec = make_spec(
        tmp_path / "run",
        steps=3,
        lr=1e-3,
        num_mini_batches=1,
        ppo_epochs=1,
        lora_rank=lora_rank,
        algorithm_args={"kl_coefficient": 0.01},
    )

    train(spec, Silence())

    first, second, third = (line["actor/kl_loss"] for line in lines_of(spec.out).values())
    assert first == pytest.approx(0, abs=1e-9)
    assert 1e-6 < second < third


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_tied_models_stay_in_step_with_the_engine(tmp_path: Path, lora_rank: int) -> None:
    """Over updates that are large enough to be seen; what a random model learns is to be short."""
    path = write_checkpoint(tmp_path / "model", tied=True)
    spec = make_spec(
        tmp_path / "run",
        model=str(path),
        steps=3,
        group_size=8,
        lr=1e-2,
        lora_rank=lora_rank,
        algorithm_args={"kl_coefficient": 0.0, "overlong_buffer": 30},
    )

    train(spec, Silence())

    lines = lines_of(tmp_path / "run").values()
    assert max(line["mismatch/log_prob_diff_mean"] for line in lines) < 1e-4
    assert max(line["actor/grad_norm"] for line in lines) > 0


def test_the_demo_configuration_is_valid() -> None:
    """It names the checkpoint and the tasks that are shipped."""
    spec = make_train_spec({}, DEMO.parent / "train.yaml")

    assert (Path(spec.model).name, spec.tasks, spec.validate) == (
        "checkpoint",
        ("demo_train",),
        ("demo",),
    )
