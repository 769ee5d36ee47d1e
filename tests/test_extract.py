"""Where the answer of a completion is found; the verdicts that follow are in test_math.py."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.maths.extract import MAX_DISTINCT_BOXES, extract, read_gold
from evalkit.maths.types import Extraction

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "extract.jsonl").read_text("utf-8").splitlines()
]

N = 2_000_000

# What a search that is not linear in the length of the text would need hours for.
LONG_TEXTS = {
    "open braces": "{" * N,
    "nested braces": "{" * (N // 2) + "}" * (N // 2),
    "escaped braces": r"\{" * (N // 2),
    "backslashes": "\\" * N,
    "backslashes before boxes": r"\\\\\\boxed" * (N // 11),
    "open boxes": r"\boxed{" * (N // 7),
    "nested boxes": r"\boxed{" * (N // 8) + "5" + "}" * (N // 8),
    "empty boxes": r"\boxed{}" * (N // 8),
    "joined boxes": r"\boxed{5}, " * (N // 11),
    "boxes without braces": (r"\boxed" + " " * 1000) * (N // 1006),
    "boxes far apart": (r"\boxed{5}" + " " * 500) * (N // 509),
    "a box and phrases": r"\boxed{5}" + " answer is 6? " * (N // 14),
    "answer phrases": "answer is " * (N // 10),
    "answer phrases and spaces": ("answer:" + " " * 2000) * (N // 2007),
    "unfinished phrases": "answer to the " * (N // 14),
    "an answer line of spaces": "answer is" + " " * N,
    "dollars": "answer is $" * (N // 11),
    "formulas that are names": "answer is " + "$x$ = " * (N // 6),
    "open formulas": r"\(" * (N // 2),
    "marks of GSM8K": "\n#### " * (N // 6),
    "thinking": "<think></think>" * (N // 15),
    "open tags": "<answer>" * (N // 8),
    "empty tags": "<answer></answer>" * (N // 17),
    "questions": "\nQuestion: answer: " * (N // 19),
    "chat tokens": "<|im_start|>" * (N // 12),
    "newlines": "\n" * N,
    "digits": "1" * N,
    "numbers": "1," * (N // 2),
    "alternatives": "1 or " * (N // 5),
    "bold": "**" * (N // 2),
    "farewells": "I hope it " * (N // 10),
    "words": "word " * (N // 5),
}

# What rules look for.
LATEX = [r"\boxed{", r"\fbox{", "boxed", "{", "}", "$", "$$", r"\[", r"\]", r"\(", r"\)", "\\"]
VALUES = ["5", "x = 2", r"\frac{1}{2}", "(C)", "option B", " and ", ", ", " or ", "是", "?", ". "]
PHRASES = ["answer is ", "Answer:", "#### ", "Therefore, ", "there are ", " because ", "**", "```"]
TURNS = ["<answer>", "</answer>", "<think>", "</think>", "\n", "\nQuestion:", "\nHuman:"]
PIECES = st.lists(st.sampled_from([*LATEX, *VALUES, *PHRASES, *TURNS])).map("".join)

# Arguments of a box that are balanced by themselves.
BALANCED = st.recursive(
    st.text(st.characters(exclude_characters="{}\\*$", exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner.map(lambda text: f"{{{text}}}"), max_size=3).map("".join),
)

# Without letters there are no phrases, without the others no box, tag or mark of GSM8K.
NO_LETTERS = st.characters(exclude_characters="}\\#<", exclude_categories=["L", "Cs"])
NO_TURNS = st.characters(exclude_characters="\\<\n", exclude_categories=["Cs"])

WORDS = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=8)).map(" ".join)


def is_within(found: Extraction, text: str) -> bool:
    """Whether the parts of the answer stand in the span, in their order."""
    assert found.answer is not None
    span = text[found.start : found.end]
    if found.rule != "boxes":
        return found.answer == span
    return found.answer[0] == span[0]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_case(case: dict[str, Any]) -> None:
    """Each row of the case table: the answer, the rule that finds it and the flag."""
    found = extract(case["text"], wants_choice=case.get("wants_choice", False))

    assert (found.answer, found.rule, found.flag) == (
        case["answer"],
        case["rule"],
        case.get("flag", ""),
    )


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS.keys())
@pytest.mark.parametrize("wants_choice", [False, True])
def test_long_texts_are_read_in_linear_time(text: str, wants_choice: bool) -> None:
    """Two million characters are no matter, whatever they are."""
    extract(text, wants_choice=wants_choice)


@given(text=st.one_of(st.text(), PIECES), wants_choice=st.booleans(), opened=st.booleans())
def test_span_holds_the_answer(text: str, wants_choice: bool, opened: bool) -> None:
    """Any text is read; `start` and `end` mark in it what was extracted."""
    found = extract(
        text, thinking_opened=opened, look_into_unclosed_thinking=True, wants_choice=wants_choice
    )

    assert 0 <= found.start <= found.end <= len(text)
    assert found.answer is None or is_within(found, text)


@given(text=st.one_of(st.text(), PIECES))
def test_an_answer_is_never_empty(text: str) -> None:
    """What is found has no white space around it."""
    found = extract(text)

    assert found.answer is None or found.answer.strip() == found.answer != ""


@given(gold=st.one_of(st.text(), PIECES))
def test_any_gold_is_read(gold: str) -> None:
    """Reading a gold text never fails, and reading what it states changes no more."""
    assert isinstance(read_gold(gold), str)


@given(content=BALANCED, before=st.text(NO_TURNS), after=st.text(NO_LETTERS))
def test_balanced_content_is_found_whole(content: str, before: str, after: str) -> None:
    """The content of the last box is found to its own closing brace, whatever stands around it."""
    found = extract(before + rf"\boxed{{5{content}5}}" + after)

    assert (found.answer, found.rule) == (f"5{content}5", "boxed")


@given(
    prefix=WORDS,
    text=st.sampled_from(
        [r"Then \boxed{5}.", r"$\boxed{2}$ and $\boxed{3}$", "The answer is 5.", "\n#### 5"]
    ),
)
def test_words_before_change_nothing(prefix: str, text: str) -> None:
    """An answer that is marked is found after any words."""
    assert extract(f"{prefix}. {text}").answer == extract(text).answer


@given(
    thinking=st.one_of(st.text(), PIECES),
    text=PIECES.filter(lambda text: "<think>" not in text and "</think>" not in text),
)
def test_thinking_changes_nothing(thinking: str, text: str) -> None:
    """Whatever stands before `</think>` has no part in the answer."""
    alone = extract(f"</think>{text}")
    found = extract(f"<think>{thinking}</think>{text}")

    assert (found.answer, found.rule, found.flag) == (alone.answer, alone.rule, alone.flag)


@given(turn=st.one_of(st.text(), PIECES))
@pytest.mark.parametrize("answer", [r"So \boxed{5}.", "The answer is 5."])
@pytest.mark.parametrize("opening", ["\n\nHuman:", "\n### Question 2:", "<|im_end|>"])
def test_a_later_turn_changes_nothing(answer: str, opening: str, turn: str) -> None:
    """What a model invents after its answer never wins, not even with a box."""
    turn = turn.replace("think>", "")

    assert extract(f"{answer}{opening} {turn}").answer == "5"


@pytest.mark.parametrize("text", ["<think>so 5", "<think>a</think> <think>\\boxed{5}"])
def test_unclosed_thinking_holds_no_answer(text: str) -> None:
    """A completion that ends while thinking has not answered."""
    assert extract(text) == Extraction(None, "unclosed thinking")


def test_template_may_open_the_thinking() -> None:
    """Without `</think>` everything is thinking where the prompt ended inside it."""
    assert extract("\\boxed{5}", thinking_opened=True).rule == "unclosed thinking"
    assert extract("\\boxed{5}", thinking_opened=False).answer == "5"
    assert extract("a</think>\\boxed{5}", thinking_opened=True).answer == "5"


def test_unclosed_thinking_is_searched_on_request() -> None:
    """The other policy takes the last box, of the thinking too, and is named."""
    found = extract("\\boxed{5}", thinking_opened=True, look_into_unclosed_thinking=True)

    assert (found.answer, found.flag) == ("5", "unclosed thinking")


def test_closed_thinking_is_not_searched_on_request() -> None:
    """The other policy does not look into thinking that was closed."""
    found = extract("<think>\\boxed{5}</think>", look_into_unclosed_thinking=True)

    assert found == Extraction(None, "none")


@pytest.mark.parametrize(
    ("num_others", "answer"), [(MAX_DISTINCT_BOXES - 1, "last"), (MAX_DISTINCT_BOXES, None)]
)
def test_many_different_boxes_are_guesses(num_others: int, answer: str | None) -> None:
    """The limit counts the different boxes before the answer."""
    guesses = " then ".join(rf"\boxed{{{i}}}" for i in range(num_others))

    assert extract(rf"{guesses} then \boxed{{last}}").answer == answer


@pytest.mark.parametrize(
    "ending",
    ["", " Then we", " So x = 12,", " Then $x = 12", r" Then \[ x = 12", " Total: 12 +"],
)
def test_a_long_text_that_is_cut_off_has_no_answer(ending: str) -> None:
    """The last number of a text that never answers is no answer."""
    lines = [f"In case {i} there are {i * i} points on line {i + 1} of it." for i in range(20)]
    text = " ".join(lines).removesuffix(".") + (ending or " and on")

    assert extract(text).answer is None


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("5", "5"),
        (" 5. ", "5"),
        ("$5$", "5"),
        ("$$x+1$$", "x+1"),
        (r"\(5\)", "5"),
        (r"\[ 5 \]", "5"),
        ("$2$, $3$", "$2$, $3$"),
        ("$12$ miles", "$12$ miles"),
        (r"\$12", r"\$12"),
        ("1, 2, ...", "1, 2, ..."),
        ("The answer is 12", "12"),
        (r"We see that \[ \boxed{[0, 7)} \]", "[0, 7)"),
        (r"\(\boxed{1}\) and \(\boxed{-2}\).", "1, -2"),
        (r"\text{Sunday}", r"\text{Sunday}"),
    ],
)
def test_read_gold(gold: str, answer: str) -> None:
    """A gold text is bare, in dollars, in boxes or in a sentence."""
    assert read_gold(gold) == answer
