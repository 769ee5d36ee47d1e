"""Labels in the data of trainers: what a completion is compared with, by which grader."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.integrations.labels import Label, read_label, write_target
from evalkit.task import load_task
from evalkit.types import (
    Answer,
    CodeTests,
    DataError,
    EvalkitError,
    InlineTests,
    Target,
    UsageError,
)

STORED = CodeTests(store="/tests/lcb", problem_id="a", num_tests=3, sha256="ab", fn_name="f")
INLINE = InlineTests(inputs=("1", "2"), outputs=("3", "4"), time_limit_s=2.0)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("204", Label(Answer("204"), "math")),
        (204, Label(Answer("204"), "math")),
        (r"\{1, 2\}", Label(Answer(r"\{1, 2\}"), "math")),
        ("{1, 2}", Label(Answer("{1, 2}"), "math")),
        ("{}", Label(Answer("{}"), "math")),
        ("[1, 2]", Label(Answer("[1, 2]"), "math")),
        ({"answer": "2.5", "rel_tolerance": 0.1}, Label(Answer("2.5", 0.1), "math")),
        ({"answer": "5", "grader": None}, Label(Answer("5"), "math")),
        ({"answer": "5", "grader": "qwen-math"}, Label(Answer("5"), "qwen-math")),
        ({"answer": "5", "task": "math500"}, Label(Answer("5"), "math", "math500")),
        ({"answer": "5", "task": "minerva"}, Label(Answer("5", 1e-4), "math", "minerva")),
        (
            {"answer": "5", "task": "minerva", "rel_tolerance": 0, "grader": "archer2"},
            Label(Answer("5"), "archer2", "minerva"),
        ),
        ({"inputs": ["1", "2"], "outputs": ["3", "4"], "time_limit_s": 2}, Label(INLINE, "code")),
        ({**asdict(STORED), "grader": "code-process"}, Label(STORED, "code-process")),
        ({**asdict(STORED), "task": "of my own"}, Label(STORED, "code", "of my own")),
    ],
)
def test_a_label_says_target_grader_and_task(label: Any, expected: Label) -> None:
    """As an object, and as the text of one."""
    assert read_label(label) == expected
    assert read_label(label if isinstance(label, str) else json.dumps(label)) == expected


def test_a_label_names_a_problem_of_a_task() -> None:
    """Its target is the task's."""
    label = {"task": "demo", "problem_id": "0"}

    assert read_label(label) == Label(load_task("demo").problems()[0].target, "math", "demo")


def test_settings_hold_for_labels_that_say_nothing() -> None:
    settings = {"grader": "qwen-math", "rel_tolerance": 0.1, "abs_tolerance": 0.2}

    assert read_label("5", **settings) == Label(Answer("5", 0.1, 0.2), "qwen-math")
    full = {"answer": "5", "grader": "archer2", "rel_tolerance": 0.3, "abs_tolerance": 0.0}
    assert read_label(full, **settings) == Label(Answer("5", 0.3), "archer2")


@pytest.mark.parametrize(
    ("label", "grader", "message"),
    [
        (None, None, "the label is empty"),
        ("", None, "the label is empty"),
        (" \n", None, "the label is empty"),
        ({"answer": ""}, None, "the label is empty"),
        ("5", "code", "needs tests as a JSON object, not '5'"),
        ("[]", "code", r"needs tests as a JSON object, not '\[\]'"),
        ({"gold": "5"}, None, "unknown key gold; known: answer, rel_tolerance, abs_tolerance"),
        ({"grader": "math"}, None, "missing key answer"),
        ({"store": "a"}, None, "missing key problem_id"),
        ({"inputs": ["1"]}, None, "missing key outputs"),
        ({"inputs": ["1"], "outputs": []}, None, "1 inputs, but 0 outputs"),
        ({"answer": 5}, None, "expected text, found 5"),
        ({"answer": "5", "task": "none"}, None, "unknown task 'none'; known: "),
        ({"problem_id": "a"}, None, "names problem 'a', but not its task"),
        ({"problem_id": "a", "task": "demo"}, None, "task demo, problem 'a': there is no such"),
    ],
)
def test_a_label_that_does_not_say_enough_is_an_error(
    label: Any, grader: str | None, message: str
) -> None:
    """Nothing is left to a default that would be wrong."""
    with pytest.raises((DataError, UsageError), match=message):
        read_label(label, grader=grader)


@pytest.mark.parametrize(
    "target", [STORED, INLINE, Answer("{}"), Answer("x"), Answer("0.5", 1e-4, 0.01)]
)
@pytest.mark.parametrize("task", ["", "lcb"])
def test_a_target_survives_the_column(target: Target, task: str) -> None:
    """With the task of tests, which a reward server may have loaded."""
    found = read_label(write_target(target, task="" if isinstance(target, InlineTests) else task))

    assert found.target == target
    assert found.task == (task if isinstance(target, CodeTests) else "")


@given(st.text() | st.text(alphabet='{}[]":,a1\\ '))
def test_any_text_is_an_answer_or_an_error(text: str) -> None:
    try:
        found = read_label(text)
    except EvalkitError:
        return
    assert isinstance(found.target, Answer)
