"""`evalkit run` and `evalkit generate`: the options are the fields of RunSpec."""

from collections.abc import Callable, Mapping
from inspect import Signature
from pathlib import Path
from typing import Any, get_type_hints

import typer

from evalkit.cli.options import make_option
from evalkit.cli.pairs import read_numbers, read_pairs
from evalkit.spec import RunSpec, make_spec

_RUN_HELP = """Generate, grade and report: from a checkpoint to scores with intervals.

The same command resumes a run that was stopped, whatever stopped it.

Examples:

    evalkit run --model Qwen/Qwen3-4B --tasks aime24:64,math500:4 --protocol aspo

    evalkit run --model ./checkpoint --tasks math --max-tokens 16384 --dry-run

    evalkit run --config my_run.yaml --limit 10
"""
_GENERATE_HELP = """Generate only; `evalkit grade` grades later, on another machine if you like.

Example:

    evalkit generate --model ./checkpoint --tasks aime24:64 --out results/step-300
"""

_HELP: Mapping[str, Mapping[str, str]] = {
    "Options": {
        "model": "Checkpoint directory or hub id.",
        "tasks": "NAME[:N], comma-separated; a suite; or a YAML file.",
        "protocol": "Prompt, sampling and n of a source.",
        "out": "Run directory.",
        "config": "YAML file; the command line wins.",
        "n": "Samples per problem.",
        "k": "k of pass@k, as 1,8,64. Default: 1 and n.",
        "limit": "Only the first problems of each task.",
        "data_dir": "Directory with benchmark files.",
        "problems": "JSONL in LiveCodeBench's schema, in place of the code tasks' data.",
        "skip_untested": "Leave out code problems without tests.",
        "grader": "Grader instead of the tasks' own.",
        "unclosed_thinking": "no_answer (default) or grade.",
        "published_as": "Name of the model in published tables.",
        "dry_run": "Check everything, generate nothing.",
    },
    "Sampling": {
        "seed": "Run seed. Default: 0.",
        "temperature": "0 is greedy.",
        "top_p": "Nucleus.",
        "top_k": "0 is all.",
        "min_p": "0 is off.",
        "repetition_penalty": "1 is off.",
        "max_tokens": "New tokens at most.",
        "stop": "Stop string; may be repeated.",
    },
    "Prompt": {
        "system_prompt": "System message.",
        "chat_template": "Jinja file in place of the model's.",
        "chat_template_kwargs": "K=V,K=V for the template, as enable_thinking=false.",
        "plain_prompt": "No chat template: for base models.",
    },
    "Engine": {
        "revision": "Revision on the hub.",
        "engine": "vllm (default), hf, openai or replay.",
        "engine_args": "K=V,K=V for the engine, or a JSON object.",
        "dtype": "As bfloat16.",
        "tp": "GPUs for one model.",
        "max_model_len": "Context length in tokens.",
        "prefix_caching": "Share prompts.",
        "grader_workers": "Processes that grade.",
    },
}
_MORE_NAMES = {
    "out": ("--output-path",),
    "n": ("-n", "--samples"),
    "engine_args": ("--model-args",),
    "tp": ("--tensor-parallel-size",),
}
_ENGINE_FLAGS = {
    "dtype": "dtype",
    "tp": "tensor_parallel_size",
    "max_model_len": "max_model_len",
    "prefix_caching": "enable_prefix_caching",
}
_NOT_IN_SPEC = {
    "config": Path | None,
    "dry_run": bool | None,
    "dtype": str | None,
    "tp": int | None,
    "max_model_len": int | None,
    "prefix_caching": bool | None,
}
_AS_TEXT = {
    "tasks": list[str] | None,
    "stop": list[str] | None,
    "k": str | None,
    "chat_template_kwargs": list[str] | None,
    "engine_args": list[str] | None,
}


def register(app: typer.Typer) -> None:
    app.command("run", help=_RUN_HELP)(_make_command(grade=True))
    app.command("generate", help=_GENERATE_HELP)(_make_command(grade=False))


def spec_from(given: Mapping[str, Any]) -> RunSpec:
    """The spec that options of the command line, by name, ask for."""
    flags = {_ENGINE_FLAGS[name]: given[name] for name in _ENGINE_FLAGS if name in given}
    pairs = read_pairs("--engine-args", given.get("engine_args", []))
    values = {name: value for name, value in given.items() if name not in _NOT_IN_SPEC}
    values["engine_args"] = {**pairs, **flags}
    if "k" in given:
        values["k"] = read_numbers("--k", given["k"])
    if "chat_template_kwargs" in given:
        values["chat_template_kwargs"] = read_pairs(
            "--chat-template-kwargs", given["chat_template_kwargs"]
        )
    return make_spec(values, given.get("config"))


def _make_command(*, grade: bool) -> Callable[..., None]:
    def command(**given: Any) -> None:
        _execute({name: value for name, value in given.items() if value is not None}, grade=grade)

    kinds = {**get_type_hints(RunSpec), **_NOT_IN_SPEC, **_AS_TEXT}
    options = [
        make_option(name, kinds[name], text, panel, _MORE_NAMES.get(name, ()))
        for panel, texts in _HELP.items()
        for name, text in texts.items()
    ]
    command.__signature__ = Signature(options)  # type: ignore[attr-defined]
    return command


def _execute(given: dict[str, Any], *, grade: bool) -> None:
    spec = spec_from(given)
    if given.get("dry_run"):
        from evalkit.cli.preview import show_preview

        show_preview(spec)
        return
    from evalkit.cli.display import Display, finish, resumable
    from evalkit.runner import run

    with resumable(), Display() as display:
        path = run(spec, progress=display, grade=grade)
    finish(path)
