"""Brings model and engine together: what the model is, its prompts, the engine that will run it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.chat import ChatRenderer
from evalkit.checkpoint import Checkpoint, open_checkpoint
from evalkit.engine import Engine
from evalkit.engine.hf import HfEngine, parse_args
from evalkit.engine.vllm import VllmEngine
from evalkit.plan import TaskPlan
from evalkit.spec import RunSpec
from evalkit.types import Problem, Prompt, UsageError

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)
_CONFIG_FILES = ("config.json", "generation_config.json")  # the latter names end tokens

Prompts = Mapping[tuple[str, str], Prompt]
"""The prompt of each (task, problem id)."""


@dataclass(frozen=True, slots=True)
class Model:
    """`identity` says which model it is in every run that uses it; a server's model has no checkpoint."""

    identity: Mapping[str, Any]
    checkpoint: Checkpoint | None


def open_model(spec: RunSpec) -> Model:
    """Raises UsageError for an engine argument that only a run would find to be wrong."""
    if spec.engine == "openai":
        _open_openai(spec)
        return Model({"served_name": spec.model}, None)
    if spec.engine == "replay":
        _open_replay(spec)
        recording = Path(spec.engine_args["path"]).read_bytes()
        return Model({"recording_sha256": hashlib.sha256(recording).hexdigest()}, None)
    if spec.engine == "hf":
        parse_args(spec.engine_args)
    _context_asked_for(spec)
    checkpoint = open_checkpoint(spec.model, spec.revision)
    return Model(
        {
            "weights_sha256": checkpoint.weights_sha256(),
            "config_sha256": _sha256(checkpoint.path / name for name in _CONFIG_FILES),
            "tokenizer_sha256": _sha256(checkpoint.path / name for name in _TOKENIZER_FILES),
        },
        checkpoint,
    )


def start_engine(spec: RunSpec, log: Path) -> Engine:
    """The engine, starting up; `load_engine` finishes that after the caller's checks."""
    if spec.engine == "openai":
        return _open_openai(spec)
    if spec.engine == "replay":
        return _open_replay(spec)
    return HfEngine() if spec.engine == "hf" else VllmEngine(log)


def _open_openai(spec: RunSpec) -> Engine:
    from evalkit.engine.openai import OpenAIEngine

    return OpenAIEngine(spec.model, spec.engine_args)


def _open_replay(spec: RunSpec) -> Engine:
    from evalkit.engine.replay import ReplayEngine

    return ReplayEngine(spec.engine_args)


def load_engine(engine: Engine, spec: RunSpec, model: Model, needed_length: int) -> None:
    """Loads the weights; `needed_length` is the longest prompt with its new tokens."""
    if isinstance(engine, HfEngine | VllmEngine) and model.checkpoint:
        length = _context_asked_for(spec) or needed_length
        engine.load(model.checkpoint.path, {**spec.engine_args, "max_model_len": length})


def make_prompts(
    spec: RunSpec, model: Model, problems: Iterable[tuple[str, Problem]]
) -> dict[tuple[str, str], Prompt]:
    """Token ids for an engine of our own; a server renders the messages itself."""
    if model.checkpoint is None:
        return {(task, problem.id): Prompt((), "") for task, problem in problems}
    renderer = ChatRenderer(
        model.checkpoint.path,
        template_file=spec.chat_template,
        template_kwargs=spec.chat_template_kwargs,
        plain=spec.plain_prompt,
    )
    return {(task, problem.id): renderer.render(problem.messages) for task, problem in problems}


def check_lengths(spec: RunSpec, model: Model, plans: Iterable[TaskPlan], prompts: Prompts) -> int:
    """The longest prompt with its new tokens, over all tasks.

    Raises UsageError where that does not fit into the context: nothing is cut off silently.
    """
    context = _context_asked_for(spec)
    if context is None and model.checkpoint:
        context = model.checkpoint.context_length
    longest = 0
    for plan in plans:
        lengths = {
            key[1]: len(p.token_ids) for key, p in prompts.items() if key[0] == plan.task.name
        }
        worst = max(lengths, key=lambda one: lengths[one])
        new = plan.task.sampling.max_tokens
        longest = max(longest, lengths[worst] + new)
        if context is not None and lengths[worst] + new > context:
            raise UsageError(_too_long(plan.task.name, worst, lengths[worst], new, context))
    return longest


def _context_asked_for(spec: RunSpec) -> int | None:
    length = spec.engine_args.get("max_model_len")
    if length is None or (isinstance(length, int) and length >= 1):
        return length
    raise UsageError(f"max_model_len={length!r}, but it must be a number of tokens, at least 1")


def _too_long(task: str, problem_id: str, length: int, new: int, context: int) -> str:
    text = (
        f"{task}: problem {problem_id} has a prompt of {length} tokens; with max_tokens={new} that is "
        f"{length + new}, more than the context of {context} tokens"
    )
    if length >= context:
        return f"{text}; the prompt alone does not fit"
    return f"{text}. Use --max-tokens {context - length} or less, or --max-model-len if the model can do more"


def _sha256(files: Iterable[Path]) -> str:
    """Over the names and contents of those files that exist."""
    digest = hashlib.sha256()
    for file in files:
        if file.exists():
            content = file.read_bytes()
            digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
