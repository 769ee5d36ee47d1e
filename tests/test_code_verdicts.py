"""Published programs with known verdicts, judged in real containers.

The verdicts in the data are those of the official harness (mode official) and of plain processes
(mode process). Time-outs and races are left out: they depend on the machine.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.graders.code_pool import CodePool
from evalkit.pairs import grade_pairs

pytestmark = [pytest.mark.docker, pytest.mark.data, pytest.mark.usefixtures("sandbox_client")]

_PROBLEMS = {
    "lcb": (
        "livecodebench/lcb_release_v6_recovered_private.jsonl",
        "livecodebench/lcb_leetcode_thirdparty_private.jsonl",
    ),
    "lcd": ("code_extra/leetcodedataset_test_union.jsonl",),
    "rl": ("code_extra/rllm_leetcode.jsonl",),
}
# What differs from the recorded verdict, and why ours is right.
_EXPLAINED = {
    "process": {
        "7decfefca4450527": "the recorded run printed late: the plain process passes every time",
        "5311743e0b34b8b7": "the same",
        "2bf618cee4c9f248": "uses factorial without an import: a NameError in a plain process",
        "dfe41f5de1f8dc01": "the same",
    },
    "official": dict.fromkeys(
        (
            *("6f718409e274e0c6", "58461fa2772f424f", "afe2e058ccef5564", "822a2893f12294f9"),
            *("3b93bf395d4bad98", "c0d6023211fb0187", "181d1ddd7d2cc276"),
        ),
        "needs SciPy, which the recorded run did not have; published as correct",
    ),
}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


@pytest.fixture(scope="module")
def problems(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file with the problems of all sets; the later file of a set wins, it has more tests."""
    path = tmp_path_factory.mktemp("problems") / "problems.jsonl"
    found = {
        f"{prefix}/{row['question_id']}": row
        for prefix, names in _PROBLEMS.items()
        for name in names
        for row in _rows(shared_data / name)
    }
    lines = [json.dumps({**row, "question_id": key}) for key, row in found.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def _leaves_a_thread_running(code: str) -> bool:
    """Whether nobody joins the program's last thread.

    The official harness reads the output when the main thread ends, so whether the other thread
    has printed by then is a race, there and here. A plain process waits for it.
    """
    before, started, after = code.rpartition(".start()")
    return bool(started) and "Thread(" in before and ".join(" not in after


def _expected(solution: Mapping[str, Any], mode: str) -> bool | None:
    """Whether the program is correct; None where that was not recorded, or is a matter of time."""
    if mode == "process":
        recorded = solution.get("real_process_on_included_tests")
        return None if recorded in (None, "TLE") else recorded == "OK"
    official = solution.get("official_on_included_tests")
    if official is None or official["error_code"] == -3:
        return None
    if _leaves_a_thread_running(solution["code"]):
        return None
    return bool(official["verdict"] == "pass")


def _differences(
    solutions: list[dict[str, Any]], problems: Path, folder: Path, mode: str
) -> tuple[int, dict[str, str]]:
    expected = {one["sid"]: _expected(one, mode) for one in solutions}
    chosen = [one for one in solutions if expected[one["sid"]] is not None]
    pairs, out = folder / "pairs.jsonl", folder / "out.jsonl"
    lines = [
        {"id": one["sid"], "question_id": one["problem_id"], "code": one["code"]} for one in chosen
    ]
    pairs.write_text("\n".join(map(json.dumps, lines)) + "\n")
    with CodePool("code" if mode == "official" else "code-process") as pool:
        grade_pairs(pairs, problems, out, pool)
    return len(chosen), {
        row["id"]: f"{row['verdict']} {row['detail']}"
        for row in _rows(out)
        if (row["verdict"] == "correct") != expected[row["id"]]
    }


@pytest.mark.parametrize("mode", ["official", "process"])
def test_verdicts_on_every_thirtieth_published_program_are_the_recorded_ones(
    mode: str, shared_data: Path, problems: Path, tmp_path: Path
) -> None:
    solutions = [
        one
        for one in _rows(shared_data / "code_solutions.jsonl")
        if one["problem_id"].partition("/")[0] in _PROBLEMS
    ]
    num_judged, found = _differences(solutions[::30], problems, tmp_path, mode)
    assert num_judged > 50
    assert not {sid: why for sid, why in found.items() if sid not in _EXPLAINED[mode]}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", ["official", "process"])
def test_verdicts_on_all_published_programs_are_the_recorded_ones(
    mode: str, shared_data: Path, problems: Path, tmp_path: Path
) -> None:
    solutions = [
        one
        for one in _rows(shared_data / "code_solutions.jsonl")
        if one["problem_id"].partition("/")[0] in _PROBLEMS
    ]
    num_judged, found = _differences(solutions, problems, tmp_path, mode)
    assert num_judged > 1500
    assert not {sid: why for sid, why in found.items() if sid not in _EXPLAINED[mode]}
