"""`evalkit train`: the options are the fields of TrainSpec."""

import importlib.util
from collections.abc import Mapping
from inspect import Signature
from pathlib import Path
from typing import Any, get_type_hints

import typer

from evalkit.cli.options import make_option
from evalkit.cli.pairs import read_pairs
from evalkit.train.spec import TrainSpec, make_train_spec
from evalkit.types import UsageError

_TRAIN_HELP = """Train a policy with verifiable rewards on this machine: GRPO, DAPO, ASPO and others.

The same command goes on from the last checkpoint after a stop, whatever stopped it. Checkpoints are
ordinary Hugging Face directories, for `evalkit run --model`.

Examples:

    evalkit train --config tasks/demo/train.yaml --algorithm aspo-paper --out results/aspo

    evalkit train --model Qwen/Qwen3-4B --tasks my_problems.yaml --validate aime24:4 \\

        --algorithm dapo --steps 300 --validate-every 20 --out results/dapo

    evalkit train --config train.yaml --algorithm-args kl_coefficient=0,group_filter=drop

Algorithms: {algorithms}.
"""

_HELP: Mapping[str, Mapping[str, str]] = {
    "Options": {
        "model": "Checkpoint directory or hub id to start from.",
        "tasks": "Problems to train on: task names or YAML files, comma-separated.",
        "algorithm": "One of those above.",
        "steps": "Training steps in all.",
        "out": "Training directory.",
        "config": "YAML file; the command line wins.",
        "seed": "Of everything that is random. Default: 0.",
        "algorithm_args": "K=V,K=V that change the algorithm.",
        "limit": "Only the first problems of each task.",
        "data_dir": "Directory with benchmark files.",
        "grader": "Grader instead of the tasks' own.",
    },
    "Sampling": {
        "prompts_per_step": "Problems per step. Default: 64.",
        "group_size": "Samples per problem. Default: 16.",
        "temperature": "Default: 1.",
        "max_tokens": "New tokens at most. Default: 8192.",
        "max_gen_batches": "Batches to fill a step with, for DAPO. Default: 10.",
        "max_mismatch": "Nats between engine and trainer at which to stop.",
    },
    "Update": {
        "num_mini_batches": "Updates per epoch. Default: 4.",
        "ppo_epochs": "Times over the samples of a step. Default: 3.",
        "lr": "Learning rate. Default: 1e-6.",
        "warmup_steps": "Steps in which it rises. Default: 10.",
        "weight_decay": "Default: 0.1.",
        "max_grad_norm": "Default: 1.",
        "micro_batch_tokens": "Tokens of one pass. Default: 16384.",
        "dtype": "auto (default), float32 or bfloat16.",
        "gradient_checkpointing": "Less memory, a third slower.",
        "lora_rank": "Train adapters of this rank. Default: 0, all weights.",
        "lora_alpha": "Default: 32.",
    },
    "Checkpoints": {
        "validate": "Tasks as in evalkit run, comma-separated.",
        "validate_every": "Steps between validations.",
        "save_every": "Steps between further checkpoints.",
        "keep_last": "Checkpoints that stay. Default: 2.",
        "keep_best": "Keep the best of the validated ones, too.",
        "log_to": "tensorboard, wandb; metrics.jsonl is always written.",
        "log_rollouts": "Write the samples of each step with their grades to rollouts/STEP.jsonl.",
    },
    "Prompt": {
        "system_prompt": "System message.",
        "chat_template": "Jinja file in place of the model's.",
        "plain_prompt": "No chat template: for base models.",
    },
    "Engine": {
        "revision": "Revision on the hub.",
        "engine": "vllm (default) or hf.",
        "engine_args": "K=V,K=V for the engine, or a JSON object.",
        "grader_workers": "Processes that grade.",
        "reward_url": "Reward servers (evalkit serve) that grade instead, comma-separated.",
    },
}
_AS_TEXT = {
    "tasks": str | None,
    "validate": str | None,
    "log_to": str | None,
    "reward_url": str | None,
    "engine_args": list[str] | None,
    "algorithm_args": list[str] | None,
    "config": Path | None,
}


def register(app: typer.Typer) -> None:
    from evalkit.train.algorithms import ALGORITHMS

    kinds = {**get_type_hints(TrainSpec), **_AS_TEXT}
    _command.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            make_option(name, kinds[name], text, panel)
            for panel, texts in _HELP.items()
            for name, text in texts.items()
        ]
    )
    text = _TRAIN_HELP.format(algorithms=", ".join(ALGORITHMS))
    app.command("train", help=text)(_command)


def spec_from(given: Mapping[str, Any]) -> TrainSpec:
    """The spec that options of the command line, by name, ask for."""
    values = dict(given)
    config = values.pop("config", None)
    for name in ("engine_args", "algorithm_args"):
        if name in values:
            values[name] = read_pairs(f"--{name.replace('_', '-')}", values[name])
    return make_train_spec(values, config)


def _command(**given: Any) -> None:
    spec = spec_from({name: value for name, value in given.items() if value is not None})
    if importlib.util.find_spec("torch") is None:
        raise UsageError("train needs torch: pip install 'evalkit[train]'")
    from evalkit.cli.display import resumable
    from evalkit.cli.training_display import StepLines
    from evalkit.train.session import train

    with resumable():
        path = train(spec, StepLines())
    tasks = ",".join(spec.validate) or "TASKS"
    typer.echo(f"{path}\nscore it: evalkit run --model {path} --tasks {tasks}", err=True)
