"""evalkit's graders as verl calls them, and rows of data for it; verl itself is not needed."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from evalkit.graders.pool import GraderPool
from evalkit.integrations import rewards
from evalkit.integrations.rewards import GraderFailedError
from evalkit.integrations.verl_data import write_rows
from evalkit.integrations.verl_reward import compute_score, compute_score_async
from evalkit.types import DataError, UsageError

Score = Callable[..., dict[str, float]]


def call_sync(**arguments: Any) -> dict[str, float]:
    return compute_score(data_source="demo", **arguments)


def call_async(**arguments: Any) -> dict[str, float]:
    return asyncio.run(compute_score_async(data_source="demo", **arguments))


@pytest.fixture(autouse=True, scope="module")
def _graders_end() -> Iterator[None]:
    """The processes that grade stay for later completions; other tests count processes."""
    yield
    rewards.close()


@pytest.fixture(params=[call_sync, call_async])
def score(request: pytest.FixtureRequest) -> Score:
    """Both functions, called by keyword as verl does."""
    function: Score = request.param
    return function


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A completion on which the grader fails, its deadline being short."""
    with GraderPool("math-verify", num_workers=1, deadline_s=0.2) as pool:
        monkeypatch.setattr(rewards, "_pool", lambda *_: pool)
        yield r"\boxed{10000000!}"


@pytest.mark.parametrize(
    ("completion", "expected"),
    [(r"So \boxed{\frac12}.", 1.0), (r"So \boxed{0.4}.", 0.0), ("No idea.", 0.0), ("", 0.0)],
)
def test_a_completion_gets_its_score(score: Score, completion: str, expected: float) -> None:
    """Right, wrong, without an answer, empty: the same keys."""
    found = score(solution_str=completion, ground_truth="0.5", extra_info={"index": 3})

    assert found == {"score": expected, "grader_error": 0.0}


def test_verl_finds_out_which_function_to_await() -> None:
    """It looks at the function itself."""
    assert inspect.iscoroutinefunction(compute_score_async)
    assert not inspect.iscoroutinefunction(compute_score)


def test_a_failure_of_the_grader_is_no_score(score: Score, failing: str) -> None:
    """It raises, and says for which data."""
    with pytest.raises(GraderFailedError, match="failed on a completion for demo: twice: no ver"):
        score(solution_str=failing, ground_truth="5")


def test_a_failure_of_the_grader_is_marked_where_a_score_is_asked_for(
    score: Score, failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The keys are those of every other completion, and the log says it."""
    found = score(solution_str=failing, ground_truth="5", fallback=0.25)

    assert found == {"score": 0.25, "grader_error": 1.0}
    assert "the grader failed on a completion for demo" in caplog.text


@pytest.mark.parametrize(("opened", "expected"), [(True, 0.0), (False, 1.0)])
def test_thinking_that_the_prompt_opened_is_no_answer(
    score: Score, opened: bool, expected: float
) -> None:
    """Only the template tells whether a completion without tags is still thinking."""
    found = score(solution_str=r"\boxed{5}", ground_truth="5", thinking_opened=opened)

    assert found["score"] == expected


def test_a_row_names_its_grader_and_tolerance(score: Score) -> None:
    """They come before the argument."""
    row = {"grader": "math", "rel_tolerance": 0.1}
    found = score(
        solution_str=r"\boxed{10.5}", ground_truth="10.0", extra_info=row, grader="archer2"
    )

    assert found["score"] == 1.0


def test_many_threads_get_their_own_scores() -> None:
    """As in the executor that verl calls it from."""
    with ThreadPoolExecutor(16) as threads:
        found = threads.map(
            lambda i: call_sync(solution_str=rf"\boxed{{{i}+x}}", ground_truth=f"x+{i % 2}"),
            range(64),
        )

    assert [one["score"] for one in found] == [1.0, 1.0] + [0.0] * 62


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"grader": "maths"}, UsageError, "unknown grader 'maths'; known: archer2, "),
        ({"grader": "code"}, DataError, "needs tests as a JSON object, not '5'"),
        ({"thinking": True}, TypeError, "unexpected keyword argument 'thinking'"),
        ({"url": "host:8000"}, UsageError, "reward server 'host:8000': it must be like http://HO"),
    ],
)
def test_what_cannot_be_graded_is_an_error(
    score: Score, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Also a setting that does not exist."""
    with pytest.raises(error, match=message):
        score(solution_str="", ground_truth="5", **arguments)


def test_rows_of_a_task_are_graded_as_the_task_is(
    make_task: Callable[..., Path], tmp_path: Path
) -> None:
    """Each has what verl's data set wants, and its answer is right."""
    path = tmp_path / "rows.parquet"

    assert write_rows(str(make_task(3)), path) == 3
    rows = parquet.read_table(path).to_pylist()
    assert rows[1] == {
        "data_source": "sums",
        "prompt": [{"role": "user", "content": "What is 1 + 1?"}],
        "reward_model": {"style": "rule", "ground_truth": "2"},
        "extra_info": {
            "index": 1,
            "problem_id": "1",
            "grader": "math",
            "rel_tolerance": 0.0,
            "abs_tolerance": 0.0,
        },
    }
    scores = [
        compute_score(
            data_source=row["data_source"],
            solution_str=rf"\boxed{{{row['reward_model']['ground_truth']}}}",
            ground_truth=row["reward_model"]["ground_truth"],
            extra_info=row["extra_info"],
        )["score"]
        for row in rows
    ]
    assert scores == [1.0, 1.0, 1.0]
