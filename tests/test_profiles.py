"""Other people's graders: that they behave as their sources do, and that nothing of a model is run."""

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.maths.profiles import PROFILES, archer2, grade, qwen_math
from evalkit.maths.profiles.archer2_text import plain_form
from evalkit.maths.profiles.guard import RefusedError, check_size, read_plain
from evalkit.maths.profiles.latex_text import latex_to_text
from evalkit.maths.profiles.qwen_text import cleaned, find_answer
from evalkit.spec import MATH_GRADERS
from evalkit.types import UsageError

FOREIGN = sorted(set(PROFILES) - {"math"})
CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "profiles.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: "{profile}: {gold}: {response}".format(**case)
)
def test_verdicts_are_those_of_the_source(case: dict[str, Any]) -> None:
    """A table: each row says where its verdict comes from."""
    assert case["verdict"] == grade(case["profile"], case["gold"], case["response"])[0], case["why"]


def test_every_grader_of_answers_has_a_version() -> None:
    """What a user can ask for and what grades are marked with are the same names."""
    assert set(MATH_GRADERS) == set(PROFILES)


def test_an_unknown_profile_is_refused() -> None:
    """The error lists those that exist."""
    with pytest.raises(UsageError, match="unknown profile 'qwen'; known: archer2, math-verify, qw"):
        grade("qwen", "1", "1")


@pytest.mark.parametrize(
    ("profile", "text", "answer"),
    [
        ("archer2", r"\boxed{1} \boxed{x + {2}}", "x + {2}"),
        ("archer2", "nothing", None),
        ("archer2", r"\boxed 5", "5"),
        ("qwen-math", r"\boxed{\dfrac12 }", r"\frac{1}{2}"),
        ("qwen-math", "nothing", None),
        ("math-verify", r"so \boxed{12}", "12"),
        ("math-verify", "nothing", None),
    ],
)
def test_the_answer_that_was_found_is_told(profile: str, text: str, answer: str | None) -> None:
    """In the spelling in which the source compares it; None where there is none."""
    assert grade(profile, "1", text)[1] == answer


HOSTILE = [
    "9**9**9**9",
    "9^9^9^9",
    "2^{3^{4^{5}}}",
    "10^{10^{10}}",
    "2**(10**10)",
    "x**99999",
    "(x+1)^{1000}",
    "99999999!",
    "5!!!!!!",
    "(9!)!",
    "1" * 5000,
    "(" * 13 + "1" + ")" * 13,
    "(" * 3000 + "1" + ")" * 3000,
    "x+" * 3000 + "1",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:15]} {len(text)}")
def test_what_is_too_large_is_refused(text: str) -> None:
    """Towers of powers, factorials, depth and length do not reach SymPy."""
    with pytest.raises(RefusedError):
        check_size(text)


@pytest.mark.parametrize(
    "text",
    ["e^{-x^{2}}", "x^2y^3", "x^{12}", "2^{n+1}", "10!", "1" * 39, "2**10", r"\sqrt[3]{x^2}"],
)
def test_what_answers_look_like_is_not_refused(text: str) -> None:
    """The limits are above what answers need."""
    check_size(text)


@pytest.mark.parametrize(
    "attack",
    [
        "__import__('pathlib').Path('{path}').touch()",
        "open('{path}','w')",
        'eval(\'open("{path}","w")\')',
        "().__class__.__base__.__subclasses__()",
        "x.__class__",
        "[x for x in (1,2)]",
        "lambda: 1",
    ],
)
def test_python_is_not_run(attack: str, tmp_path: Path) -> None:
    """A plain expression has no quotes, brackets or underscores, and names of Python mean nothing."""
    text = attack.replace("{path}", str(tmp_path / "made"))

    with pytest.raises((RefusedError, SyntaxError, AttributeError, TypeError)):
        read_plain(text, is_implicit=True)
    assert not archer2.grade("1", rf"\boxed{{{text}}}")[0]
    assert not qwen_math.grade("1", rf"\boxed{{{text}}}")[0]
    assert not (tmp_path / "made").exists()


def test_names_of_python_are_symbols() -> None:
    """`exit` and `id` are letters like others, not functions that are called."""
    assert {str(one) for one in read_plain("exit + id", is_implicit=False).free_symbols} == {
        "exit",
        "id",
    }


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"7 \frac{3}{4}", "7 3/4"),
        (r"\frac12", "1/2"),
        (r"\sqrt[3]{2}", "√(2)"),
        (r"\ln 4", "ln4"),
        (r"x\in(1,2)", "x∈(1,2)"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", "[ 1; 2 ]"),
        (r"\begin{array}{c}1\\2\end{array}", "[ 1; 2 ]"),
        (r"1\,000", "1 000"),
        (r"\foo{a}", "a"),
        (r"\binom{5}{2}", "52"),
        (r"\frac{1}{", "1/"),
        (r"a}b", "ab"),
        (r"\mbox{cm}", ""),
    ],
)
def test_latex_becomes_the_text_that_pylatexenc_makes(latex: str, text: str) -> None:
    """Measured with pylatexenc 2.10."""
    assert latex_to_text(latex) == text


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:15]} {len(text)}")
@pytest.mark.parametrize("module", [archer2, qwen_math])
def test_what_is_too_large_is_different(module: ModuleType, text: str) -> None:
    """Refused text is a wrong answer, not a failure."""
    assert not module.grade("7", rf"\boxed{{{text}}}")[0]


@pytest.mark.parametrize("depth", [30, 100_000])
def test_deep_groups_are_no_failure(depth: int) -> None:
    """Braces that are deeper than Python's stack stay as they are."""
    text = rf"\alpha{'{' * depth}x{'}' * depth}"

    assert plain_form(text) == plain_form(text.replace(" ", ""))
    assert not qwen_math.grade("7", rf"\boxed{{{text}}}")[0]


@given(st.text(alphabet="\\{}$()[]^_,.;=+-*/! \nfracsqtboxedinpm0123456789x", max_size=80))
def test_any_text_can_be_graded_as_qwen_does(text: str) -> None:
    """No text makes extraction or cleaning fail, and cleaned text is free of what is removed."""
    answer = find_answer(text)

    assert not re.search(r"[\n$]|\\left|dfrac", cleaned(answer))


@given(st.text(alphabet="\\{}$()[]^_,.;=+-*/! \nfracsqtboxedinpm0123456789x", max_size=60))
def test_any_text_can_be_graded_as_archer_does(text: str) -> None:
    """The forms that are compared can be made of every text."""
    assert isinstance(archer2.grade("1", rf"\boxed{{{text}}}")[0], bool)


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "least"), [("qwen3_4b_base_math500", 0.995), ("rho_math500", 0.995)]
)
def test_scores_of_real_responses_are_those_that_their_source_stored(
    shared_data: Path, file: str, least: float
) -> None:
    """The sources used graders of this family; every tenth response."""
    lines = (shared_data / "model_outputs" / f"{file}.jsonl").read_text().splitlines()[::10]
    rows = [json.loads(line) for line in lines]

    agreed = [
        qwen_math.grade(row["gold"], row["response"])[0] == bool(row["source_score"])
        for row in rows
    ]

    assert sum(agreed) / len(agreed) >= least
