"""Tests of a program out of their store, for a server that has no such store."""

from contextlib import closing
from dataclasses import replace
from functools import lru_cache

from evalkit.graders.cases import CaseReader
from evalkit.types import CodeTests, InlineTests, Problem


def with_tests(problem: Problem) -> Problem:
    """The problem with the tests themselves where it only names them.

    Raises DataError where they are missing, or are not those that it names.
    """
    target = problem.target
    return replace(problem, target=_read(target)) if isinstance(target, CodeTests) else problem


@lru_cache(maxsize=2)  # the samples of a problem come together; its tests can be megabytes
def _read(tests: CodeTests) -> InlineTests:
    with closing(CaseReader()) as reader:
        cases = list(reader.read(tests))
    return InlineTests(
        inputs=tuple(case.input for case in cases),
        outputs=tuple(case.output for case in cases),
        fn_name=tests.fn_name,
        time_limit_s=tests.time_limit_s,
        extraction=tests.extraction,
    )
