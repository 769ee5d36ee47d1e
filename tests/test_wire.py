"""Items and grades as JSON: nothing is lost on the way, and nothing else is taken for a grade."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.wire import grade_fields, grade_of, item_of, json_bytes
from evalkit.grading import sample_of
from evalkit.types import (
    Answer,
    CodeTests,
    Grade,
    InlineTests,
    Problem,
    RewardServerError,
    Sample,
    Target,
    Verdict,
)

ANYTHING = st.text(st.characters(codec=None))
"""Lone surrogates, too: models write them."""

SECONDS = st.floats(0, 1e6)
SPANS = st.none() | st.tuples(st.integers(0), st.integers(0))


@st.composite
def grades(draw: st.DrawFn) -> Grade:
    verdict = draw(st.sampled_from(list(Verdict)))
    return Grade(
        verdict=verdict,
        score=None if verdict is Verdict.GRADER_ERROR else draw(st.floats(0, 1)),
        extracted=draw(st.none() | ANYTHING),
        span=draw(SPANS),
        rule=draw(ANYTHING),
        detail=draw(ANYTHING),
        seconds=draw(SECONDS),
    )


@given(grades())
def test_a_grade_survives(grade: Grade) -> None:
    assert grade_of(json.loads(json_bytes(grade_fields(grade)))) == grade


FIELDS = grade_fields(Grade(verdict=Verdict.WRONG, score=0.0, extracted="5", span=(0, 1)))


@pytest.mark.parametrize(
    "changes",
    [
        {"score": None},
        {"verdict": "grader_error"},
        {"verdict": "right"},
        {"score": 1.5},
        {"score": -1},
        {"score": True},
        {"score": "1"},
        {"score": float("nan")},
        {"extracted": 5},
        {"span": [1]},
        {"span": [0.5, 1]},
        {"rule": None},
        {"seconds": float("inf")},
    ],
    ids=str,
)
def test_what_is_no_grade_is_an_error(changes: dict[str, Any]) -> None:
    """A score above all: it is null exactly where the grader failed."""
    with pytest.raises(RewardServerError, match="not a grade"):
        grade_of({**FIELDS, **changes})


@pytest.mark.parametrize("name", FIELDS)
def test_no_field_of_a_grade_is_left_to_a_default(name: str) -> None:
    with pytest.raises(RewardServerError, match=f"KeyError: '{name}'"):
        grade_of({key: value for key, value in FIELDS.items() if key != name})


@pytest.mark.parametrize("answer", [None, [], "correct", 1.0])
def test_an_answer_of_another_form_is_an_error(answer: Any) -> None:
    with pytest.raises(RewardServerError, match="not a grade"):
        grade_of(answer)


STORED = CodeTests(store="/tests", problem_id="a", num_tests=1, sha256="ab")
INLINE = InlineTests(inputs=("1",), outputs=("2",), fn_name="f", time_limit_s=2.0)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (
            Answer("1/2", 0.1),
            {"target": {"answer": "1/2", "rel_tolerance": 0.1, "abs_tolerance": 0.0}},
        ),
        (
            INLINE,
            {
                "target": {
                    "inputs": ["1"],
                    "outputs": ["2"],
                    "fn_name": "f",
                    "time_limit_s": 2.0,
                    "extraction": "last-block",
                }
            },
        ),
        (STORED, {"task": "lcb", "problem_id": "a", "tests_sha256": "ab"}),
    ],
    ids=["answer", "tests", "stored tests"],
)
def test_an_item_holds_all_that_the_grade_depends_on(
    target: Target, expected: dict[str, Any]
) -> None:
    """Stored tests are named, not sent."""
    sample = Sample(
        task="lcb",
        problem_id="a",
        index=0,
        seed=None,
        text="\ud800",
        finish_reason="length",
        num_tokens=1,
        thinking_opened=True,
    )

    assert json.loads(json_bytes(item_of(Problem("a", (), target), sample, "g"))) == {
        "grader": "g",
        "completion": "\ud800",
        "thinking_opened": True,
        "finish_reason": "length",
        **expected,
    }


def test_numbers_that_are_none_are_not_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_bytes(item_of(Problem("", (), Answer("1", float("nan"))), sample_of(""), "math"))
