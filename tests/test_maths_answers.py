"""Equality of bare answers: the table of cases by type, tolerances, and texts beyond the guards."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.maths.compare import compare, explain

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "maths_types.jsonl")
    .read_text("utf-8")
    .splitlines()
]

# Each would keep a computer busy for minutes, or fill its memory, if it were computed.
HUGE = [
    "10^{10^{10}}",
    "9^{9^{9^{9}}}",
    "10000000!",
    "((99!)!)!",
    r"\binom{1000000}{500000}",
    r"\binom{10^{12}}{10^{11}}",
    "(1+x)^{100000000}",
    r"e^{e^{e^{e^{e}}}}",
    r"\sin(10^{10^{8}})",
    r"\gcd(10^{10^7},3)",
    r"10^{10^{7}} \bmod 7",
    "1e999999999",
    r"0.\overline{" + "1" * 1500 + "}",
    "9" * 1900,
    "+".join(["x"] * 390),
    "2^" * 300 + "2",
    "-" * 700 + "1",
    "(" * 900 + "x" + ")" * 900,
    "{" * 900 + "x" + "}" * 900,
    r"\frac{1}{" * 150 + "x" + "}" * 150,
    r"\sqrt{" * 200 + "x" + "}" * 200,
    "|" * 901,
    "x_" * 500,
    "x" + "'" * 1900,
    "1,2" * 500,
    "1 " * 900,
]


def case_params() -> list[Any]:
    """A row with `known_gap` is expected to fail."""
    return [
        pytest.param(
            case,
            id=f"{case['gold']} | {case['answer']}",
            marks=pytest.mark.xfail(strict=True) if case.get("known_gap") else (),
        )
        for case in CASES
    ]


@pytest.mark.parametrize("case", case_params())
def test_case(case: dict[str, Any]) -> None:
    """Each row of tests/cases/maths_types.jsonl holds, in both orders unless it is marked."""
    pair = case["gold"], case["answer"]

    assert compare(*pair).equal is case["equal"], case["why"]
    if not case.get("one_way"):
        assert compare(*reversed(pair)).equal is case["equal"], case["why"]


@pytest.mark.parametrize(
    "text", sorted({case[key] for case in CASES for key in ("gold", "answer")})
)
def test_every_text_equals_itself_with_space_and_dollars(text: str) -> None:
    """A gold is a right answer, however it is set off."""
    dollars = text if "$" in text else f"${text}$"

    assert compare(text, text).equal
    assert compare(text, f"  {dollars} ").equal


# gold, answer, tolerances, whether they are equal
TOLERANCES = [
    ("4.5", "4.52", {"rel_tolerance": 0.01}, True),
    ("4.5", "4.6", {"rel_tolerance": 0.01}, False),
    ("4.5e30", r"4.52\times 10^{30}", {"rel_tolerance": 0.01}, True),
    ("4.5", r"\frac{452}{100}", {"rel_tolerance": 0.01}, True),
    ("4.5", "-4.5", {"rel_tolerance": 0.01}, False),
    ("450", "452", {"rel_tolerance": 0.01}, False),
    (r"\frac{9}{2}", "4.52", {"rel_tolerance": 0.01}, False),
    ("0.9", "0.95", {"abs_tolerance": 0.1}, True),
    ("0.9", "1.05", {"abs_tolerance": 0.1}, False),
    ("4.5", "4.52", {}, False),
]


@pytest.mark.parametrize(("gold", "answer", "allowed", "is_equal"), TOLERANCES)
def test_tolerance(gold: str, answer: str, allowed: dict[str, float], is_equal: bool) -> None:
    """A tolerance holds where it is asked for, and for golds that are decimals only."""
    assert compare(gold, answer, **allowed).equal is is_equal


@pytest.mark.parametrize("answer", HUGE, ids=lambda text: text[:20])
def test_what_cannot_be_computed_is_wrong(answer: str) -> None:
    """Answers beyond the guards are wrong answers and raise nothing; they still equal themselves."""
    assert compare("73", answer).equal is False
    assert compare("x+y", answer).equal is False
    assert compare(answer, answer).equal


def test_explanation_names_types_and_rungs() -> None:
    """Every rung is listed; the first one that decided gives the result."""
    result, rungs, gold_type, answer_type = explain(r"\frac{1}{2}", "[0,1)")

    deciding = next(rung for rung in rungs if rung.verdict is not None)
    assert (deciding.name, deciding.verdict) == (result.rule, result.equal) == ("value", False)
    assert rungs.index(deciding) > 0
    assert (gold_type, answer_type) == ("constant expression", "set of real numbers")


@pytest.mark.parametrize("gold", [r"\frac{1}{0}", "t(0,4]", "{", r"\text{Evelyn}", "??", r"\foo{"])
def test_golds_that_are_no_formulas_still_tell_right_from_wrong(gold: str) -> None:
    """A gold that cannot be read accepts its own text and nothing else."""
    assert compare(gold, gold).equal
    for other in ("7", "x", "(0,4]", r"\text{Alice}", "", r"\frac{2}{0}", "?"):
        assert compare(gold, other).equal is False
