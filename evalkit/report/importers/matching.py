"""Finds for each problem of a file the problem of a task that it is."""

from collections import Counter, defaultdict
from collections.abc import Collection
from difflib import SequenceMatcher
from pathlib import Path
from typing import NoReturn

from evalkit.maths.normal import normal_form
from evalkit.report.importers.content import FileProblem, Key, squeezed
from evalkit.types import Answer, DataError, Problem


def match(
    found: dict[Key, FileProblem], problems: list[Problem], task: str, file: Path
) -> dict[Key, Problem]:
    """Places every problem of the file; the messages of `problems` end with the bare question.

    In this order: the same question apart from white space; the same id, confirmed by the gold or
    the question where there is one; the question within a longer prompt, unless golds differ; the
    row number, where the ids of the file are 0..N-1 for all N problems and golds agree; the answer,
    where the golds of the file are those of the whole task (copies of AIME differ in wording).
    Raises DataError naming the first that fits none, and where two questions fit one problem.
    """
    matcher = _Matcher(problems, found.values())
    placed = {}
    first: dict[str, FileProblem] = {}
    for key, one in found.items():
        problem = placed[key] = matcher.find(one) or _no_match(one, matcher, task, file)
        other = first.setdefault(problem.id, one)
        if squeezed(one.question or "") != squeezed(other.question or ""):
            raise DataError(
                f"{file}, {one.where} and {other.where}: two questions, but both fit problem "
                f"{problem.id!r} of task {task}"
            )
    return placed


class _Matcher:
    def __init__(self, problems: list[Problem], found: Collection[FileProblem]) -> None:
        self._problems = problems
        self._by_id = {problem.id: problem for problem in problems}
        self._by_question: dict[str, list[Problem]] = defaultdict(list)
        for problem in problems:
            self._by_question[_question_of(problem)].append(problem)
        ids = {one.problem_id for one in found}
        self._has_row_numbers = ids == {str(number) for number in range(len(problems))}
        golds = Counter(normal_form(one.gold) for one in found if one.gold is not None)
        self._has_same_golds = golds == Counter(normal_form(answer_of(one)) for one in problems)

    def find(self, one: FileProblem) -> Problem | None:
        return (
            self._same_question(one)
            or self._same_id(one)
            or self._in_prompt(one)
            or self._same_row(one)
            or self._same_answer(one)
        )

    def contradiction(self, one: FileProblem) -> str:
        """What the task has under the id of the file."""
        problem = self._by_id.get(one.problem_id or "")
        if problem is None:
            return ""
        question = problem.messages[-1]["content"]
        return f"; the task has {answer_of(problem)!r} and {question!r:.200} under this id"

    def _same_question(self, one: FileProblem) -> Problem | None:
        """Of problems with one question the one with the id decides, else the only one with the gold."""
        same = self._by_question.get(squeezed(one.question or ""), [])
        if len(same) < 2:
            return same[0] if same else None
        chosen = [problem for problem in same if problem.id == one.problem_id]
        return _only(chosen or [problem for problem in same if _agrees(one, problem)])

    def _same_id(self, one: FileProblem) -> Problem | None:
        problem = self._by_id.get(one.problem_id or "")
        if problem is None or (one.question is None and one.gold is None):
            return problem
        is_confirmed = _agrees(one, problem) or _question_of(problem) in squeezed(
            one.question or ""
        )
        return problem if is_confirmed else None

    def _in_prompt(self, one: FileProblem) -> Problem | None:
        """A question that holds another one of the task is the one that is meant."""
        prompt = squeezed(one.question or "")
        inside = [question for question in self._by_question if question in prompt]
        longest = [q for q in inside if not any(q != other and q in other for other in inside)]
        if len(longest) != 1:
            return None
        problem = _only(self._by_question[longest[0]])
        is_meant = problem is not None and (one.gold is None or _agrees(one, problem))
        return problem if is_meant else None

    def _same_row(self, one: FileProblem) -> Problem | None:
        if not self._has_row_numbers:
            return None
        problem = self._problems[int(one.problem_id or "")]
        return problem if _agrees(one, problem) else None

    def _same_answer(self, one: FileProblem) -> Problem | None:
        """Among problems with one answer the wording decides."""
        if not self._has_same_golds:
            return None
        same = [problem for problem in self._problems if _agrees(one, problem)]
        return _only(same) or _only([problem for problem in same if _is_similar(one, problem)])


def _only(problems: list[Problem]) -> Problem | None:
    return problems[0] if len(problems) == 1 else None


def _agrees(one: FileProblem, problem: Problem) -> bool:
    """Whether the file states the same answer as the task."""
    return one.gold is not None and normal_form(one.gold) == normal_form(answer_of(problem))


def _is_similar(one: FileProblem, problem: Problem) -> bool:
    """Two copies of a problem of AIME are mostly above one half, two of its problems mostly below."""
    asked = squeezed(one.question or "")
    return SequenceMatcher(None, asked, _question_of(problem), autojunk=False).ratio() > 0.5


def _question_of(problem: Problem) -> str:
    return squeezed(problem.messages[-1]["content"])


def _no_match(one: FileProblem, matcher: _Matcher, task: str, file: Path) -> NoReturn:
    raise DataError(
        f"{file}, {one.where}: matches no problem of task {task} by question, id, row number or answer; "
        f"found id {one.problem_id!r}, gold {one.gold!r}, question {one.question or ''!r:.200}"
        f"{matcher.contradiction(one)}"
    )


def answer_of(problem: Problem) -> str:
    """Tasks that are graded by running programs are refused before."""
    assert isinstance(problem.target, Answer)
    return problem.target.text
