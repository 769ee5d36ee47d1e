"""The items of evalkit's own endpoints as a request has them, and the grades as an answer has them."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag
from pydantic.config import JsonDict

from evalkit.graders.wire import grade_fields
from evalkit.server.bodies import Body, Finite
from evalkit.server.errors import RequestError
from evalkit.server.service import Service
from evalkit.server.work import Work
from evalkit.types import Answer, Grade, InlineTests, Target, UsageError


class AnswerTarget(Body):
    """A reference answer; the tolerances are for golds that are decimals. Null: that of the task."""

    answer: str
    rel_tolerance: Annotated[Finite, Field(ge=0, lt=1)] | None = None
    abs_tolerance: Annotated[Finite, Field(ge=0)] = 0.0


class TestsTarget(Body):
    """Tests of a program, input by input; `time_limit_s` is CPU time for one of them."""

    __test__ = False

    inputs: Annotated[list[str], Field(min_length=1, fail_fast=True)]
    outputs: Annotated[list[str], Field(fail_fast=True)]
    fn_name: str | None = None
    time_limit_s: Annotated[Finite, Field(gt=0, le=60)] = 6.0
    extraction: Literal["archer", "last-block"] = "last-block"


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "<text>"
    keys = value if isinstance(value, dict) else ()
    return "<tests>" if "inputs" in keys or "outputs" in keys else "<answer>"


AnyTarget = Annotated[
    Annotated[str, Tag("<text>")]
    | Annotated[AnswerTarget, Tag("<answer>")]
    | Annotated[TestsTarget, Tag("<tests>")],
    Discriminator(_kind),
]


class Item(Body):
    """One completion and what it is compared with: either a target, or a problem of a loaded task."""

    completion: str
    id: str | None = None
    task: str | None = None
    problem_id: str | None = None
    grader: str | None = None
    target: AnyTarget | None = None
    tests_sha256: str | None = None
    thinking_opened: bool | None = None
    finish_reason: str | None = None

    def work(self, service: Service, where: str) -> Work:
        """Raises RequestError, also where the target does not fit together."""
        return service.catalogue.work(
            completion=self.completion,
            task=self.task,
            problem_id=self.problem_id,
            grader=self.grader,
            target=self._target(service, where),
            tests_sha256=self.tests_sha256,
            thinking_opened=self.thinking_opened,
            finish_reason=self.finish_reason,
            where=where,
        )

    def _target(self, service: Service, where: str) -> str | Target | None:
        target = self.target
        try:
            if isinstance(target, AnswerTarget):
                relative = target.rel_tolerance
                if relative is None:
                    relative = service.catalogue.rel_tolerance(self.task)
                return Answer(target.answer, relative, target.abs_tolerance)
            return _inline(target) if isinstance(target, TestsTarget) else target
        except UsageError as error:
            raise RequestError(422, str(error), f"{where}.target" if where else "target") from error


def _inline(target: TestsTarget) -> InlineTests:
    return InlineTests(
        inputs=tuple(target.inputs),
        outputs=tuple(target.outputs),
        fn_name=target.fn_name,
        time_limit_s=target.time_limit_s,
        extraction=target.extraction,
    )


_EXAMPLE: JsonDict = {"items": [{"target": "1/2", "completion": "So it is \\boxed{0.5}."}]}


class GradeRequest(Body):
    """`deadline_s`: seconds after which items without a verdict count as not graded."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    items: Annotated[list[Item], Field(fail_fast=True)]
    deadline_s: Annotated[Finite, Field(gt=0)] | None = None


class GradeReply(Body):
    """A grade; `score` is null exactly where the grader failed."""

    id: str | None
    verdict: str
    score: Annotated[Finite, Field(ge=0, le=1)] | None
    extracted: str | None
    span: tuple[int, int] | None
    rule: str
    detail: str
    seconds: Finite
    grader: str
    profile: str


class GradesReply(Body):
    grades: list[GradeReply]


def reply_fields(service: Service, item: Item, work: Work, grade: Grade) -> dict[str, Any]:
    profile = service.pools[work.grader].profile
    return {"id": item.id, **grade_fields(grade), "grader": work.grader, "profile": profile}
