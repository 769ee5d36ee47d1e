"""What a user asks of training: the fields are the keys of a YAML file and options of `evalkit train`."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalkit.configs import checked_fields, load_yaml
from evalkit.graders.addresses import server_urls
from evalkit.spec import RunSpec
from evalkit.train.algorithms import ALGORITHMS, Algorithm
from evalkit.types import UsageError, unknown

TRAINING_ENGINES = ("vllm", "hf")
DTYPES = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSpec:
    """One training run. The defaults are those of the ASPO paper's mathematics runs, where it names any.

    A step samples `group_size` completions of each of `prompts_per_step` problems of `tasks`, and then
    goes `ppo_epochs` times over them in `num_mini_batches` optimizer updates. `lr` rises linearly over
    `warmup_steps` steps and stays. `algorithm_args` change fields of the algorithm.

    `micro_batch_tokens` bounds one forward and backward pass, padding included; it changes memory and
    speed, no result. `dtype` is that of the passes and of the engine ("auto": bfloat16 on a GPU,
    float32 without); master weights are float32. `max_mismatch` bounds the mean difference between
    the engine's and the trainer's log-probabilities, in nats (None: ten times that of the first
    step, but from 0.001 to 0.1).

    `reward_url` are the reward servers that grade the samples (none: this process does). Tests of
    programs stay where they are: the servers must have loaded the tasks.

    `validate` are tasks as in `evalkit run`, run on the starting model and every `validate_every`
    steps with a checkpoint; `save_every` makes further checkpoints (None: only at the end). Of these
    the last `keep_last` stay, and with `keep_best` the one that validated best. `log_rollouts`
    keeps the samples of every step with their grades. `note` is printed with everything that is
    reported of the run.
    """

    model: str
    tasks: tuple[str, ...]
    algorithm: str
    steps: int
    out: Path
    seed: int = 0
    algorithm_args: Mapping[str, Any] = field(default_factory=dict)
    prompts_per_step: int = 64
    group_size: int = 16
    num_mini_batches: int = 4
    ppo_epochs: int = 3
    lr: float = 1e-6
    warmup_steps: int = 10
    weight_decay: float = 0.1
    max_grad_norm: float = 1.0
    temperature: float = 1.0
    max_tokens: int = 8192
    micro_batch_tokens: int = 16384
    max_gen_batches: int = 10
    max_mismatch: float | None = None
    dtype: str = "auto"
    gradient_checkpointing: bool = False
    lora_rank: int = 0
    lora_alpha: float = 32.0
    plain_prompt: bool = False
    chat_template: Path | None = None
    system_prompt: str | None = None
    revision: str | None = None
    engine: str = "vllm"
    engine_args: Mapping[str, Any] = field(default_factory=dict)
    grader: str | None = None
    grader_workers: int | None = None
    reward_url: tuple[str, ...] = ()
    data_dir: Path | None = None
    limit: int | None = None
    validate: tuple[str, ...] = ()
    validate_every: int | None = None
    save_every: int | None = None
    keep_last: int = 2
    keep_best: bool = True
    log_to: tuple[str, ...] = ()
    log_rollouts: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        self._check_names()
        self._check_numbers()
        server_urls(self.reward_url)
        if self.validate_every and not self.validate:
            raise UsageError("validate_every needs validate: the tasks to run")
        buffer = self.rules().overlong_buffer
        if buffer > self.max_tokens:
            raise UsageError(
                f"overlong_buffer={buffer} of {self.algorithm} is more than max_tokens="
                f"{self.max_tokens}; set algorithm_args overlong_buffer=N, 0 for no penalty"
            )

    def rules(self) -> Algorithm:
        """The algorithm with the user's changes. Raises UsageError for a field that it does not have."""
        values = dict(self.algorithm_args)
        where = f"algorithm {self.algorithm}"
        return replace(ALGORITHMS[self.algorithm], **checked_fields(Algorithm, values, where))

    def rollout_spec(self) -> RunSpec:
        """The run of `evalkit run` that samples as this training does."""
        return RunSpec(
            model=self.model,
            tasks=self.tasks,
            n=self.group_size,
            limit=self.limit,
            seed=self.seed,
            temperature=self.temperature,
            top_p=1.0,
            top_k=0,
            min_p=0.0,
            repetition_penalty=1.0,
            max_tokens=self.max_tokens,
            **self._prompting(),
            revision=self.revision,
            engine=self.engine,
            engine_args=self.engine_args,
            grader=self.grader,
            grader_workers=self.grader_workers,
            data_dir=self.data_dir,
        )

    def validation_spec(self, model: str, step: int) -> RunSpec:
        """The run that validates the checkpoint `model`, with the tasks' own sampling and n."""
        return RunSpec(
            model=model,
            tasks=self.validate,
            seed=self.seed,
            **self._prompting(),
            revision=None if step else self.revision,
            engine=self.engine,
            engine_args=self.engine_args,
            grader_workers=self.grader_workers,
            data_dir=self.data_dir,
            out=self.out / "validation" / step_name(step),
        )

    def _prompting(self) -> dict[str, Any]:
        names = ("plain_prompt", "chat_template", "system_prompt")
        return {name: getattr(self, name) for name in names}

    def _check_names(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise unknown("algorithm", self.algorithm, list(ALGORITHMS))
        if self.engine not in TRAINING_ENGINES:
            raise UsageError(
                f"the engine {self.engine!r} cannot train; those that can: {', '.join(TRAINING_ENGINES)}"
            )
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, list(DTYPES))

        if counted := [one for one in self.tasks if re.search(r":\d+$", one)]:
            raise UsageError(
                f"tasks: {counted[0]}: in training group_size is the number of samples"
            )

    def _check_numbers(self) -> None:
        if self.group_size < 2:
            raise UsageError(
                f"group_size={self.group_size}, but advantages compare the samples of a group: "
                f"it must be at least 2"
            )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not least <= value < math.inf:
                raise UsageError(f"{name}={value}, but it must be at least {least}")
        for name in ("lr", "temperature", "max_grad_norm", "lora_alpha", "max_mismatch"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name}={value}, but it must be a finite number above 0")
        if self.num_mini_batches > self.prompts_per_step:
            raise UsageError(
                f"num_mini_batches={self.num_mini_batches}, but there are only "
                f"{self.prompts_per_step} prompts in a step (prompts_per_step)"
            )


_LEAST = {
    "steps": 1,
    "prompts_per_step": 1,
    "num_mini_batches": 1,
    "ppo_epochs": 1,
    "warmup_steps": 0,
    "weight_decay": 0,
    "max_tokens": 1,
    "micro_batch_tokens": 1,
    "max_gen_batches": 1,
    "lora_rank": 0,
    "limit": 1,
    "validate_every": 1,
    "save_every": 1,
    "keep_last": 1,
    "grader_workers": 1,
}


_NEEDED = ("model", "tasks", "algorithm", "steps", "out")


def step_name(step: int) -> str:
    return f"step_{step:06d}"


def make_train_spec(explicit: Mapping[str, Any], config: Path | None = None) -> TrainSpec:
    """A spec from what the command line gave (it wins) and a YAML file.

    Arguments of the engine and of the algorithm win one by one.
    """
    where = str(config) if config else "evalkit train"
    given = checked_fields(TrainSpec, explicit, where)
    in_file = checked_fields(TrainSpec, load_yaml(config), where) if config else {}
    values = {**in_file, **given}
    for name in ("engine_args", "algorithm_args"):
        values[name] = {**in_file.get(name, {}), **given.get(name, {})}
    for name in ("tasks", "validate", "log_to", "reward_url"):
        texts = values.get(name, ())
        values[name] = tuple(one.strip() for text in texts for one in text.split(","))
    if absent := [name for name in _NEEDED if values.get(name) in (None, ())]:
        options = ", ".join(f"--{name}" for name in absent)
        raise UsageError(f"missing: {options} (or as keys of the file named by --config)")
    return TrainSpec(**values)
