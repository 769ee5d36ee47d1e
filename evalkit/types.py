"""The values that flow through evalkit, and its errors. Standard library only.

Errors, all raised with a message for the user (the command line prints it without a traceback):

    EvalkitError
    ├── UsageError        what was asked for does not exist or does not fit together
    ├── DataError         benchmark data is missing or not what the task pins
    ├── ModelError        the checkpoint is incomplete or unsuitable
    ├── EngineError       generation failed
    ├── SandboxError      the sandbox for programs is missing or unusable
    ├── RewardServerError a reward server cannot be reached, refuses, or gives no grades
    └── RunError          a run directory is damaged or was written by another spec
        └── RunInUseError another process is writing it
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EvalkitError(Exception):
    """Base of every error that evalkit raises on purpose."""


class UsageError(EvalkitError):
    """A request that does not exist or does not fit together."""


class DataError(EvalkitError):
    """Benchmark data that is missing or differs from what the task pins."""


class ModelError(EvalkitError):
    """A checkpoint that is incomplete or cannot do what is asked."""


class EngineError(EvalkitError):
    """Generation failed."""


class SandboxError(EvalkitError):
    """The sandbox is missing or unusable."""


class RewardServerError(EvalkitError):
    """A reward server that cannot be reached, refuses a request, or answers something else."""


class RunError(EvalkitError):
    """A run directory that is damaged or was written by another spec."""


class RunInUseError(RunError):
    """A run directory that another process is writing."""


def unknown(kind: str, name: str, known: Mapping[str, Any] | list[str]) -> UsageError:
    """The error for a name that does not exist; it lists those that do."""
    return UsageError(f"unknown {kind} {name!r}; known: {', '.join(sorted(known))}")


class Verdict(StrEnum):
    """Why a sample got its score. GRADER_ERROR is our failure; all others but CORRECT score 0."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    RUNTIME_ERROR = "runtime_error"
    GRADER_ERROR = "grader_error"


class Thinking(StrEnum):
    """Whether a completion thinks between `<think>` and `</think>`, and whether it came to an end."""

    CLOSED = "closed"
    UNCLOSED = "unclosed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Answer:
    """A reference answer as text, usually LaTeX.

    The tolerances are for golds that are decimals or in scientific notation: an answer may be as far
    from one as the larger of `rel_tolerance` times the gold and `abs_tolerance`. Others are exact.
    """

    text: str
    rel_tolerance: float = 0.0
    abs_tolerance: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTests:
    """The tests of a program, by reference: those of `problem_id` in the test store at `store`.

    `fn_name` is the function or the method of `Solution` to call with each line of the input as a
    JSON argument; None: a program that reads stdin and writes stdout. `time_limit_s` is CPU time
    for one test. `extraction` names the rule that finds the program in a completion. `sha256` is
    taken over the tests, so that a run says what it was graded with.
    """

    store: str
    problem_id: str
    num_tests: int
    sha256: str
    fn_name: str | None = None
    time_limit_s: float = 6.0
    extraction: str = "last-block"


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineTests:
    """The tests of a program themselves, input by input, in the schema of LiveCodeBench.

    The other fields are those of `CodeTests`. Raises UsageError where there is no test, or not one
    output for each input.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    fn_name: str | None = None
    time_limit_s: float = 6.0
    extraction: str = "last-block"

    def __post_init__(self) -> None:
        if not self.inputs:
            raise UsageError("there are no inputs: a program needs at least one test")
        if len(self.inputs) != len(self.outputs):
            raise UsageError(
                f"there are {len(self.inputs)} inputs, but {len(self.outputs)} outputs"
            )

    @property
    def num_tests(self) -> int:
        return len(self.inputs)


Target = Answer | CodeTests | InlineTests


@dataclass(frozen=True, slots=True)
class Problem:
    """One item of a task. `messages` are chat messages; `id` is unique within its task."""

    id: str
    messages: tuple[Mapping[str, str], ...]
    target: Target
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How to sample one completion; vLLM's names and meanings. `max_tokens` counts new tokens.

    `top_k=0` keeps all tokens, as does `min_p=0.0`.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    max_tokens: int = 32768
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checks = {
            "temperature": self.temperature >= 0,
            "top_p": 0 < self.top_p <= 1,
            "top_k": self.top_k >= 0,
            "min_p": 0 <= self.min_p <= 1,
            "repetition_penalty": self.repetition_penalty > 0,
            "max_tokens": self.max_tokens >= 1,
        }
        for name, is_valid in checks.items():
            if not is_valid:
                raise UsageError(f"{name}={getattr(self, name)} is out of range")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered chat. `text` is empty where only a remote server renders it."""

    token_ids: tuple[int, ...]
    text: str

    @property
    def opens_thinking(self) -> bool:
        """True where the template itself ends inside `<think>`."""
        return self.text.rfind("<think>") > self.text.rfind("</think>")


@dataclass(frozen=True, slots=True)
class Request:
    """One completion to generate: sample `index` of `problem`, with a seed of its own."""

    task: str
    problem: Problem
    index: int
    seed: int
    prompt: Prompt
    sampling: SamplingParams


SampleKey = tuple[str, str, int]
"""(task, problem id, sample index): the identity of a sample within a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One completion of one problem. `thinking_opened`: the prompt ended inside `<think>`.

    `finish_reason` is vLLM's: "stop", or "length" for a truncated completion.
    `num_tokens` is None only for imported completions whose source did not say.
    """

    task: str
    problem_id: str
    index: int
    seed: int | None
    text: str
    finish_reason: str | None
    num_tokens: int | None
    thinking_opened: bool = False

    @property
    def key(self) -> SampleKey:
        return (self.task, self.problem_id, self.index)

    @property
    def is_truncated(self) -> bool:
        return self.finish_reason == "length"

    @property
    def thinking(self) -> Thinking:
        closed = self.text.rfind("</think>")
        if self.text.rfind("<think>") > closed:
            return Thinking.UNCLOSED
        if closed >= 0:
            return Thinking.CLOSED
        return Thinking.UNCLOSED if self.thinking_opened else Thinking.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What a grader says of one sample. `score` is None exactly for GRADER_ERROR.

    `rule` names the extraction or comparison rule that decided; `detail` is for people. `span` is
    where in the completion `extracted` stands, as [start, end); None where that was not recorded.
    """

    verdict: Verdict
    score: float | None
    extracted: str | None = None
    span: tuple[int, int] | None = None
    rule: str = ""
    detail: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if (self.score is None) != (self.verdict is Verdict.GRADER_ERROR):
            raise ValueError(f"{self.verdict} cannot have the score {self.score}")
