"""Programs in completions: the rules of the sources, what each finds, and how long that takes."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.graders.program import EXTRACTIONS, FoundProgram, extract_program, find_program
from evalkit.task import EXTRACTIONS as KNOWN_TO_TASKS
from evalkit.types import Sample, UsageError

# Pieces of which fences, thinking and lines are made.
TEXTS = st.lists(
    st.sampled_from(
        ["```", "```python\n", "```py\n", "\n", "x = 1", " ", "`", "</think>", "<think>", "\r\n"]
    ),
    max_size=14,
).map("".join)


def sample(text: str, *, thinking_opened: bool = False) -> Sample:
    return Sample(
        task="t",
        problem_id="p",
        index=0,
        seed=None,
        text=text,
        finish_reason="stop",
        num_tokens=None,
        thinking_opened=thinking_opened,
    )


def official(text: str) -> str:
    """The official rule, word for word, on a list of lines."""
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if "```" in line]
    return "\n".join(lines[fences[-2] + 1 : fences[-1]]) if len(fences) > 1 else ""


def archer(text: str) -> str:
    """Archer2.0's rule, with the regular expression that its script has."""
    answer = text.split("</think>")[1] if "</think>" in text else text
    return (re.findall(r"```python\n(.*?)```", answer, re.DOTALL) or [""])[-1]


@pytest.mark.parametrize(
    ("text", "last_block", "archer_block"),
    [
        ("```python\nprint(1)\n```", "print(1)", "print(1)\n"),
        ("```\nprint(1)\n```", "print(1)", None),
        ("```py\nprint(1)\n```", "print(1)", None),
        ("a\n```python\n1\n```\nb\n```python\n2\n```\nc", "2", "2\n"),
        ("a\n```python\n1\n```\nb\n```\noutput\n```", "output", "1\n"),
        ("```python\n1\n```\n```", None, "1\n"),
        ("```python\n1\n```\ntext\n```", "text", "1\n"),
        ("```python\n1", None, None),
        ("- ```python\n  1\n  ```", "  1", "  1\n  "),
        ("```python\nx = '```'\ny\n```", "y", "x = '"),
        ("````python\n1\n````", "1", "1\n"),
        ("```python\n```", None, None),
        ("```python\n \t\n```", None, None),
        ("no block", None, None),
        ("", None, None),
        ("```", None, None),
        ("\n```\n\n```\n", None, None),
        ("<think>```python\n1\n```</think>done", "1", None),
        ("<think>a</think>```python\n1\n```", "1", "1\n"),
        ("<think>a</think>```python\n1\n```</think>```python\n2\n```", "2", "1\n"),
        ("a\n```python\r\n1\r\n```", "1\r", None),
        ("```python\n'é\U0001f9ee\0'\n```", "'é\U0001f9ee\0'", "'é\U0001f9ee\0'\n"),
    ],
)
def test_rules_find_what_their_sources_find(
    text: str, last_block: str | None, archer_block: str | None
) -> None:
    """Both rules side by side; a block without code is no program."""
    assert extract_program(text, "last-block").code == last_block
    assert extract_program(text, "archer").code == archer_block


@given(TEXTS)
def test_last_block_is_the_official_rule(text: str) -> None:
    """On any text the same program, but that white space alone is none."""
    expected = official(text)

    assert extract_program(text, "last-block").code == (expected if expected.strip() else None)


@given(TEXTS)
def test_archer_is_the_rule_of_its_script(text: str) -> None:
    """On any text the same program, but that white space alone is none."""
    expected = archer(text)

    assert extract_program(text, "archer").code == (expected if expected.strip() else None)


@given(TEXTS, st.sampled_from(sorted(EXTRACTIONS)))
def test_span_is_where_the_program_stands(text: str, extraction: str) -> None:
    """The program can be shown in its place; what is found is named by its rule."""
    found = extract_program(text, extraction)

    assert 0 <= found.start <= found.end <= len(text)
    if found.code is not None:
        assert (text[found.start : found.end], found.rule) == (found.code, extraction)


@pytest.mark.parametrize(
    ("text", "thinking_opened", "rule"),
    [
        ("<think>```python\n1\n```", False, "unclosed thinking"),
        ("```python\n1\n```", True, "unclosed thinking"),
        ("a</think>```python\n1\n```", True, "last-block"),
        ("```python\n1\n```", False, "last-block"),
        ("nothing", False, "last-block: no block"),
        ("```\n```", False, "last-block: empty block"),
    ],
)
def test_unclosed_thinking_holds_no_program(text: str, thinking_opened: bool, rule: str) -> None:
    """As with answers; the rule says why there is none."""
    found = find_program(sample(text, thinking_opened=thinking_opened), "last-block")

    assert found.rule == rule
    assert (found.code == "1") == (rule == "last-block")


def test_unclosed_thinking_can_be_looked_into() -> None:
    """The same choice as for answers."""
    found = find_program(
        sample("<think>```python\n1\n```"), "last-block", look_into_unclosed_thinking=True
    )

    assert found == FoundProgram("1", "last-block", 17, 18)


@pytest.mark.parametrize("extraction", EXTRACTIONS)
@pytest.mark.parametrize(
    "piece", ["```", "```python\n", "`", "\n", "```\n", "</think>", "```python\n```", "</think>```"]
)
def test_a_megabyte_of_anything_takes_a_moment(extraction: str, piece: str) -> None:
    """Time is linear in the text."""
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()

    extract_program(text, extraction)

    assert time.process_time() - started < 0.5


def test_unknown_rules_list_what_exists() -> None:
    """The names that a task may give are those that are implemented."""
    assert set(KNOWN_TO_TASKS) == set(EXTRACTIONS)
    with pytest.raises(UsageError, match="unknown extraction 'x'; known: archer, last-block"):
        extract_program("", "x")
