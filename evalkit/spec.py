"""What a user asks for: the fields are the keys of a YAML file and the options of the command line."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.configs import checked_fields, load_yaml
from evalkit.types import SamplingParams, UsageError, unknown

ENGINES = ("vllm", "hf", "openai", "replay")
MATH_GRADERS: Mapping[str, str] = {
    "math": "evalkit's own: the answer's type and value decide",
    "math-verify": "Math-Verify 0.9.0 alone, as its README calls it",
    "archer2": "the reward of Archer2.0 as published, its missing return included",
    "qwen-math": "the semantics of Qwen2.5-Math's evaluation",
}
CODE_GRADERS: Mapping[str, str] = {
    "code": "programs in a sandbox, with the verdicts of LiveCodeBench's own harness",
    "code-process": "programs in a sandbox, each test a plain process of its own",
}
GRADERS = {**MATH_GRADERS, **CODE_GRADERS}
UNCLOSED_THINKING = ("grade", "no_answer")

# Engine arguments that change what is sampled; all others only change how fast.
_SAMPLE_CHANGING = (
    "dtype",
    "quantization",
    "kv_cache_dtype",
    "hf_overrides",
    "tokenizer",
    "endpoint",
)

# Only an engine of our own gets prompts that we render, from a checkpoint that we open.
_LOCAL_ENGINES = ("vllm", "hf")
_LOCAL = ("chat_template", "chat_template_kwargs", "plain_prompt", "revision")
_MAPPINGS = ("chat_template_kwargs", "engine_args")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One run. None means: as the protocol says, else as the task says.

    `tasks` are `NAME`, `NAME:N` or a suite; `k` are the k of pass@k (None: 1 and n);
    `limit` takes the first problems of each task; `engine_args` go to the engine unchanged.
    `problems`, a JSONL in the schema of LiveCodeBench's hub files, stands in for the data of the
    code tasks; `skip_untested` leaves out those of its problems that have no tests.
    """

    model: str
    tasks: tuple[str, ...]
    protocol: str | None = None
    out: Path | None = None
    n: int | None = None
    k: tuple[int, ...] | None = None
    limit: int | None = None
    seed: int = 0
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] | None = None
    system_prompt: str | None = None
    chat_template: Path | None = None
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    plain_prompt: bool = False
    revision: str | None = None
    engine: str = "vllm"
    engine_args: Mapping[str, Any] = field(default_factory=dict)
    grader: str | None = None
    unclosed_thinking: str = "no_answer"
    grader_workers: int | None = None
    data_dir: Path | None = None
    problems: Path | None = None
    skip_untested: bool = False
    published_as: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.tasks, str):
            raise UsageError(f"tasks={self.tasks!r}, but it must be a list of names")
        self._check_names()
        self._check_numbers()
        self._check_engine()

    def sampling_changes(self) -> dict[str, Any]:
        """The sampling parameters that the user gave explicitly."""
        names = [one.name for one in dataclasses.fields(SamplingParams)]
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def sample_changing_engine_args(self) -> dict[str, Any]:
        return {
            name: self.engine_args[name] for name in _SAMPLE_CHANGING if name in self.engine_args
        }

    def _check_names(self) -> None:
        if self.engine not in ENGINES:
            raise unknown("engine", self.engine, list(ENGINES))
        if self.grader is not None and self.grader not in GRADERS:
            raise unknown("grader", self.grader, list(GRADERS))
        if self.unclosed_thinking not in UNCLOSED_THINKING:
            raise unknown("unclosed_thinking", self.unclosed_thinking, list(UNCLOSED_THINKING))

    def _check_numbers(self) -> None:
        for name in ("n", "limit", "grader_workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name}={value}, but it must be at least 1")
        if self.k is not None and min(self.k, default=0) < 1:
            raise UsageError(f"k={','.join(map(str, self.k))}, but each k must be at least 1")
        if self.stop and "" in self.stop:
            raise UsageError("stop: an empty text stops nothing")

    def _check_engine(self) -> None:
        if "model" in self.engine_args:
            raise UsageError("engine argument 'model': the model is named by --model")
        ignored = [name for name in _LOCAL if getattr(self, name)]
        if ignored and self.engine not in _LOCAL_ENGINES:
            raise UsageError(f"{ignored[0]} has no effect with the engine {self.engine!r}")


def check_grader(grader: str, task: str, *, is_code: bool) -> None:
    """Raises UsageError for a grader that does not exist, or that cannot grade the task."""
    if grader not in GRADERS:
        raise unknown("grader", grader, list(GRADERS))
    fitting = CODE_GRADERS if is_code else MATH_GRADERS
    if grader not in fitting:
        raise UsageError(
            f"task {task} cannot be graded by {grader!r}; for it there are: "
            f"{', '.join(sorted(fitting))}"
        )


def make_spec(explicit: Mapping[str, Any], config: Path | None = None) -> RunSpec:
    """A spec from what the command line gave (it wins) and a YAML file.

    Engine and chat template arguments win one by one. Relative paths in the file start, as on the
    command line, from the working directory.
    """
    given = checked_fields(RunSpec, explicit, "run")
    in_file = checked_fields(RunSpec, load_yaml(config), str(config)) if config else {}
    if "n" in given and "tasks" in in_file:
        in_file["tasks"] = tuple(re.sub(r":\d+\s*(?=,|$)", "", one) for one in in_file["tasks"])
    values = {**in_file, **given}
    for name in _MAPPINGS:
        values[name] = {**in_file.get(name, {}), **given.get(name, {})}
    if absent := [name for name in ("model", "tasks") if name not in values]:
        options = " and ".join(f"--{name}" for name in absent)
        keys = " and ".join(f"{name}:" for name in absent)
        raise UsageError(f"missing: {options} (or {keys} in the file named by --config)")
    values["tasks"] = tuple(one.strip() for text in values["tasks"] for one in text.split(","))
    return RunSpec(**values)
