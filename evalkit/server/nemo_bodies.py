"""What NeMo Gym sends to a resources server, and what it gets back."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from evalkit.server.bodies import Body, Finite

TASK_INDEX = "_ng_task_index"
FAILURE_CLASS = "_ng_failure_class"


class _Open(Body):
    """Keeps whatever else it holds, so that it can go back to the client."""

    model_config = ConfigDict(extra="allow")


class Part(_Open):
    type: str
    text: str | None = None


class OutputItem(_Open):
    """A message has its text in `content`; reasoning has it in `content` or `summary`."""

    type: str
    content: list[Part] | str | None = None
    summary: list[Part] | None = None

    def texts(self, kind: str) -> Iterator[str]:
        parts = self.content if isinstance(self.content, list) else []
        yield from (part.text or "" for part in parts if part.type == kind)


class ModelResponse(_Open):
    """An object of OpenAI's Responses."""

    output: list[OutputItem]

    @property
    def text(self) -> str:
        """Of all messages; reasoning is no part of it."""
        messages = (item for item in self.output if item.type == "message")
        return "".join(text for item in messages for text in item.texts("output_text"))

    @property
    def reasoning(self) -> list[OutputItem]:
        return [item for item in self.output if item.type == "reasoning"]


class UnitTests(_Open):
    inputs: list[str]
    outputs: list[str]
    fn_name: str | None = None


class VerifierMetadata(_Open):
    unit_tests: UnitTests | None = None
    difficulty: str | None = None


class SeedRequest(_Open):
    """A row of data."""


class VerifyRequest(_Open):
    """A row of data with the response: either `expected_answer` or `verifier_metadata.unit_tests`."""

    responses_create_params: dict[str, Any]
    response: ModelResponse
    expected_answer: str | None = None
    verifier_metadata: VerifierMetadata | None = None


class VerifyReply(VerifyRequest):
    """The request, its reward, and the fields that Gym's own server for such rows adds.

    Where the grader failed, `_ng_failure_class` keeps the row out of Gym's results.
    """

    reward: Finite


class Usage(_Open):
    """Counts of tokens."""


class ResponseUsage(_Open):
    usage: Usage | None = None


class VerifiedRow(_Open):
    """What `/verify` replied, without what is big."""

    reward: Annotated[Finite, Field(ge=-1e100, le=1e100)]  # so that squares stay finite
    task_index: Annotated[int, Field(alias=TASK_INDEX)] = 0
    failure_class: Annotated[str | None, Field(alias=FAILURE_CLASS)] = None
    response: ResponseUsage | None = None


class AggregateRequest(_Open):
    verify_responses: list[VerifiedRow]


class AggregateReply(Body):
    """As in Gym: statistics of each task, of all rollouts, and those to show."""

    group_level_metrics: list[dict[str, int | Finite]]
    agent_metrics: dict[str, Finite]
    key_metrics: dict[str, Finite]
