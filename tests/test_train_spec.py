"""What can be asked of training, and the messages for what cannot."""

import math
from pathlib import Path
from typing import Any

import pytest
from training_parts import make_spec

from evalkit.train.algorithms import ALGORITHMS
from evalkit.train.spec import make_train_spec
from evalkit.train.update import lr_at
from evalkit.types import UsageError

OUT = Path("unused")

REFUSED = [
    ({"group_size": 1}, "group_size=1, but advantages compare the samples of a group"),
    ({"group_size": 0}, "must be at least 2"),
    ({"steps": 0}, "steps=0, but it must be at least 1"),
    ({"prompts_per_step": 0}, "prompts_per_step=0"),
    ({"num_mini_batches": 0}, "num_mini_batches=0"),
    ({"num_mini_batches": 5}, "num_mini_batches=5, but there are only 4 prompts in a step"),
    ({"ppo_epochs": 0}, "ppo_epochs=0"),
    ({"max_tokens": 0}, "max_tokens=0"),
    ({"micro_batch_tokens": 0}, "micro_batch_tokens=0"),
    ({"max_gen_batches": 0}, "max_gen_batches=0"),
    ({"warmup_steps": -1}, "warmup_steps=-1"),
    ({"weight_decay": -0.1}, "weight_decay=-0.1"),
    ({"weight_decay": math.nan}, "weight_decay=nan"),
    ({"weight_decay": math.inf}, "weight_decay=inf"),
    ({"lr": 0.0}, "lr=0.0, but it must be a finite number above 0"),
    ({"lr": math.nan}, "lr=nan"),
    ({"lr": math.inf}, "lr=inf"),
    ({"temperature": 0.0}, "temperature=0.0"),
    ({"max_grad_norm": 0.0}, "max_grad_norm=0.0"),
    ({"max_mismatch": 0.0}, "max_mismatch=0.0"),
    ({"max_mismatch": math.nan}, "max_mismatch=nan"),
    ({"lora_rank": -1}, "lora_rank=-1"),
    ({"lora_alpha": 0.0}, "lora_alpha=0.0"),
    ({"limit": 0}, "limit=0"),
    ({"keep_last": 0}, "keep_last=0"),
    ({"save_every": 0}, "save_every=0"),
    ({"grader_workers": 0}, "grader_workers=0"),
    ({"validate_every": 2}, "validate_every needs validate"),
    ({"validate": "demo", "validate_every": 0}, "validate_every=0"),
    ({"algorithm": "ppo"}, "unknown algorithm 'ppo'; known: aspo-archer2, aspo-no-dual-clip"),
    ({"engine": "openai"}, "the engine 'openai' cannot train; those that can: vllm, hf"),
    ({"engine": "replay"}, "the engine 'replay' cannot train"),
    ({"dtype": "float16"}, "unknown dtype 'float16'; known: auto, bfloat16, float32"),
    ({"tasks": "demo_train:4"}, "tasks: demo_train:4: in training group_size is the number"),
    ({"tasks": "demo_train:0"}, "demo_train:0"),
    ({"tasks": []}, "missing: --tasks"),
    ({"learning_rate": 1.0}, "unknown key learning_rate; known: model, tasks"),
    ({"steps": "many"}, "steps: expected a whole number, found 'many'"),
    ({"steps": True}, "steps: expected a whole number, found True"),
    ({"lr": "fast"}, "lr: expected a number, found 'fast'"),
    ({"algorithm_args": {"clip_low": 0.1}}, "algorithm aspo-paper: unknown key clip_low; known:"),
    ({"algorithm_args": {"clip": 0.2}}, "clip: expected a mapping"),
    ({"algorithm_args": {"group_filter": "all"}}, "known: drop, keep, refill"),
    ({"algorithm_args": {"kl_coefficient": -1.0}}, "kl_coefficient=-1"),
    ({"algorithm_args": {"kl_coefficient": math.nan}}, "kl_coefficient=nan"),
    ({"algorithm_args": {"entropy_quantile": 1.5}}, "entropy_quantile=1.5"),
    ({"algorithm_args": {"clip": {"low": -0.1, "high": 0.2}}}, "low=-0.1"),
    ({"algorithm_args": {"overlong_buffer": -1}}, "overlong_buffer=-1"),
    ({"algorithm_args": {"overlong_buffer": 41}}, "overlong_buffer=41 of aspo-paper is more than"),
    ({"algorithm": "dapo", "algorithm_args": {}}, "overlong_buffer=4096 of dapo is more than"),
]


@pytest.mark.parametrize(
    ("changes", "message"), REFUSED, ids=[str(changes) for changes, _ in REFUSED]
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    """The value that is wrong is named, and what it has to be."""
    with pytest.raises(UsageError) as error:
        make_spec(OUT, **changes)
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["algorithm_args: 5", "engine_args: [1]", "tasks: 5", "- steps"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    """With the name of the file, and no traceback."""
    (tmp_path / "train.yaml").write_text(f"{text}\n")

    with pytest.raises(UsageError, match=r"train\.yaml"):
        make_train_spec({}, tmp_path / "train.yaml")


def test_what_is_missing_is_listed() -> None:
    """As options, and all at once."""
    with pytest.raises(UsageError, match="missing: --tasks, --algorithm, --steps, --out"):
        make_train_spec({"model": "demo"})


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    """Arguments of engine and algorithm one by one."""
    file = tmp_path / "train.yaml"
    file.write_text(
        "model: demo\ntasks: [demo_train]\nalgorithm: grpo\nsteps: 5\nout: somewhere\nlr: 1e-5\n"
        "algorithm_args: {kl_coefficient: 0.5, overlong_buffer: 3}\nengine_args: {a: 1, b: 2}\n"
    )

    spec = make_train_spec(
        {"steps": 7, "algorithm_args": {"kl_coefficient": 0.1}, "engine_args": {"b": 3}}, file
    )

    assert (spec.steps, spec.lr, spec.out) == (7, 1e-5, Path("somewhere"))
    assert (spec.rules().kl_coefficient, spec.rules().overlong_buffer) == (0.1, 3)
    assert spec.engine_args == {"a": 1, "b": 3}


@pytest.mark.parametrize("given", ["demo_train, humaneval", ["demo_train,humaneval"]])
def test_tasks_are_separated_by_commas(given: Any) -> None:
    """On the command line and in a file."""
    assert make_spec(OUT, tasks=given).tasks == ("demo_train", "humaneval")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_can_be_chosen(name: str) -> None:
    """By its name, with nothing but a buffer that fits."""
    spec = make_spec(OUT, algorithm=name, algorithm_args={"overlong_buffer": 0})

    assert spec.rules().surrogate == ALGORITHMS[name].surrogate


def test_samples_are_drawn_from_the_whole_distribution() -> None:
    """Without top-p, top-k, min-p and penalties: what is cut off has no log-probability."""
    run = make_spec(OUT, temperature=0.9, group_size=6).rollout_spec()

    assert run.sampling_changes() == {
        "temperature": 0.9,
        "top_p": 1.0,
        "top_k": 0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "max_tokens": 40,
    }
    assert run.n == 6


def test_validation_samples_as_the_tasks_say() -> None:
    """It is the run that `evalkit run` makes of the checkpoint."""
    spec = make_spec(OUT, validate="demo:3", temperature=0.9, seed=5)

    run = spec.validation_spec("checkpoint", 12)

    assert (run.model, run.tasks, run.seed) == ("checkpoint", ("demo:3",), 5)
    assert run.sampling_changes() == {}
    assert run.out == OUT / "validation" / "step_000012"


@pytest.mark.parametrize(
    ("step", "warmup", "share"), [(1, 10, 0.1), (5, 10, 0.5), (10, 10, 1), (99, 10, 1), (1, 0, 1)]
)
def test_the_learning_rate_rises_linearly_and_stays(step: int, warmup: int, share: float) -> None:
    """The first step has a share of it already."""
    spec = make_spec(OUT, lr=1e-3, warmup_steps=warmup)

    assert lr_at(step, spec) == pytest.approx(share * 1e-3)
