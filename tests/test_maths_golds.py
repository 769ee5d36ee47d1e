"""The golds of the six benchmarks: equal to themselves respelled by rule, and to nothing near them."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from respelling import FUNCTIONS, PATTERNS, Pattern

from evalkit.maths.compare import compare

NAMES = ("aime24", "aime25", "amc23", "math500", "minervamath", "olympiadbench")

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def golds(shared_data: Path) -> list[list[str]]:
    """Of each benchmark, as its file has them."""
    found = []
    for name in NAMES:
        rows = (shared_data / "math" / f"{name}.jsonl").read_text("utf-8").splitlines()
        answers = [row.get("answer", row.get("final_answer")) for row in map(json.loads, rows)]
        found.append([one[0] if isinstance(one, list) else str(one) for one in answers])
    return found


def bare(gold: str) -> str:
    return gold.strip().strip("$").strip()


def unequal(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        (left, right)
        for left, right in pairs
        if not (compare(left, right).equal and compare(right, left).equal)
    ]


def test_every_gold_equals_itself_without_dollars(golds: list[list[str]]) -> None:
    """All 1,546."""
    every = [gold for answers in golds for gold in answers]

    assert (len(every), unequal((gold, bare(gold)) for gold in every)) == (1546, [])


@pytest.mark.parametrize(
    "rule", [*PATTERNS, *FUNCTIONS], ids=lambda rule: getattr(rule, "name", "") or rule.__name__
)
def test_every_gold_equals_its_other_spellings(
    golds: list[list[str]], rule: Pattern | Callable[[str], Iterable[str]]
) -> None:
    """In both orders, for each rule of spelling; each applies to some gold."""
    texts = {bare(gold) for answers in golds for gold in answers}
    pairs = {(text, spelled) for text in texts for spelled in rule(text) if spelled != text}

    assert pairs
    assert unequal(pairs) == []


def test_no_gold_equals_itself_with_another_last_digit(golds: list[list[str]]) -> None:
    """The last digit one higher, and 0 for 9; not the digits of a name, as in `A_1`."""
    texts = {gold for answers in golds for gold in answers}
    changed = {
        (text, re.sub(r"(?<!_)(?<!_\{)\d(?!.*\d)", _next_digit, text, flags=re.DOTALL))
        for text in texts
    }
    pairs = [(gold, other) for gold, other in changed if gold != other]

    assert len(pairs) > 800
    assert [pair for pair in pairs if compare(*pair).equal or compare(*pair[::-1]).equal] == []


def _next_digit(match: re.Match[str]) -> str:
    return str((int(match[0]) + 1) % 10)


def test_golds_of_other_problems_are_wrong(golds: list[list[str]]) -> None:
    """Each against the next four of its benchmark, without those that differ in spaces only."""
    equal = []
    for answers in golds:
        texts = list({re.sub(r"\s", "", gold): bare(gold) for gold in answers}.values())
        pairs = [
            (left, right)
            for index, left in enumerate(texts)
            for right in texts[index + 1 : index + 5]
        ]
        equal += [pair for pair in pairs if compare(*pair).equal]

    assert equal == []
