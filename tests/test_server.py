"""POST /grade: the grades of the pools over HTTP, within the limits that the server was started with."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from asgi import Call, listening, post
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.graders.pool import GraderPool
from evalkit.graders.wire import grade_of
from evalkit.grading import sample_of
from evalkit.server.app import create_app
from evalkit.server.errors import RequestError
from evalkit.server.guard import App
from evalkit.server.service import Service
from evalkit.server.spec import ServeSpec
from evalkit.types import Answer, Grade, Problem

if TYPE_CHECKING:
    from docker import DockerClient

Item = dict[str, Any]
SLOW = r"\boxed{\int_0^1 \frac{\ln x}{x-1} dx}"  # takes seconds to compare with `slow_target`


def slow(number: int) -> Item:
    """Different from every other."""
    return {"target": rf"\sum_{{k=1}}^{{10000}} \frac{{1}}{{k^2}}+{number}", "completion": SLOW}


def boxed(answer: object, target: object = 7, **fields: Any) -> Item:
    return {"target": str(target), "completion": rf"so \boxed{{{answer}}}", **fields}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service(ServeSpec(tasks=("demo",), graders=("math", "math-verify"))) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with listening(create_app(service)) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def pool() -> Iterator[GraderPool]:
    with GraderPool() as pool:
        yield pool


def grades(client: httpx.Client, items: list[Item], **fields: Any) -> list[dict[str, Any]]:
    content = json.dumps({"items": items, **fields})
    answer = client.post("/grade", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["grades"]
    return found


def scores(client: httpx.Client, items: list[Item]) -> list[float | None]:
    return [grade["score"] for grade in grades(client, items)]


def test_grades_are_in_the_order_of_the_items(client: httpx.Client) -> None:
    """Whichever is done first."""
    items = [boxed(rf"\sqrt{{{i * i}}}", i, id=str(i)) for i in range(2, 20)]
    items += [boxed(i, 0, id=f"wrong {i}") for i in range(1, 20)]
    found = grades(client, items)

    assert [one["id"] for one in found] == [item["id"] for item in items]
    assert [one["score"] for one in found] == [1.0] * 18 + [0.0] * 19


def test_a_grade_has_all_its_fields(client: httpx.Client) -> None:
    """What decided, where the answer stands, and by which rules."""
    (found,) = grades(client, [boxed("0.5", "1/2", id="a")])
    seconds = found.pop("seconds")

    assert 0 <= seconds < 60
    assert found == {
        "id": "a",
        "verdict": "correct",
        "score": 1.0,
        "extracted": "0.5",
        "span": [10, 13],
        "rule": found["rule"],
        "detail": "",
        "grader": "math",
        "profile": GraderPool().profile,
    }
    assert found["rule"].startswith("boxed, ")


def test_an_empty_batch_has_no_grades(client: httpx.Client) -> None:
    """And is no error."""
    assert grades(client, []) == []


def test_a_problem_can_be_named(client: httpx.Client) -> None:
    """Its target is that of the task, and so are its grader and tolerance."""
    named: Item = {"task": "demo", "problem_id": "1"}
    found = grades(client, [{**named, "completion": one} for one in (r"\boxed{66}", "it is 67")])

    assert [one["verdict"] for one in found] == ["correct", "wrong"]
    assert {one["grader"] for one in found} == {"math"}


def test_an_item_can_ask_for_a_grader(client: httpx.Client) -> None:
    """Of those that the server was started with; each has its own rules."""
    items = [boxed("7"), boxed("7", grader="math"), boxed("7", grader="math-verify")]
    found = grades(client, items)

    assert [one["grader"] for one in found] == ["math", "math", "math-verify"]
    assert found[0]["profile"] == found[1]["profile"] != found[2]["profile"]


def test_a_target_can_have_a_tolerance(client: httpx.Client) -> None:
    """Relative or absolute, for golds that are decimals."""
    targets = [
        "3.14",
        {"answer": "3.14"},
        {"answer": "3.14", "rel_tolerance": 0.01},
        {"answer": "3.14", "abs_tolerance": 0.02},
        {"answer": "3.14", "abs_tolerance": 0.001},
    ]
    items = [{"target": target, "completion": r"\boxed{3.15}"} for target in targets]

    assert scores(client, items) == [0.0, 0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({}, "correct"),
        ({"thinking_opened": False}, "correct"),
        ({"thinking_opened": None}, "correct"),
        ({"thinking_opened": True}, "no_answer"),
        ({"finish_reason": "length"}, "correct"),
        ({"finish_reason": "length", "completion": "so it is 7"}, "no_answer"),
        ({"finish_reason": "stop", "completion": "so it is 7"}, "correct"),
    ],
)
def test_how_the_completion_came_about_counts(
    client: httpx.Client, fields: Item, verdict: str
) -> None:
    """Inside `<think>`, and cut off: as in process."""
    assert grades(client, [{**boxed("7"), **fields}])[0]["verdict"] == verdict


def test_the_server_can_say_that_prompts_open_thinking() -> None:
    """For clients that do not know how their prompt ends; those that do have the last word."""
    items = [boxed("7"), boxed("7", thinking_opened=False), boxed("7", thinking_opened=True)]

    async def check(app: App) -> list[str]:
        _, answer = await post(app, "/grade", {"items": items})
        return [one["verdict"] for one in answer["grades"]]

    with Service(ServeSpec(thinking_opened=True, grader_workers=1)) as service:
        found = asyncio.run(check(create_app(service)))
    assert found == ["no_answer", "correct", "no_answer"]


@pytest.mark.docker
def test_programs_are_graded(sandbox_client: "DockerClient") -> None:
    """By tests that come with the request, also where another item has half a character."""
    tests = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "4\n"]}
    method = {"inputs": ["3"], "outputs": ["6"], "fn_name": "double", "time_limit_s": 2.0}
    code = "```python\n{}\n```"
    solution = "class Solution:\n    def double(self, x):\n        return 2 * x"
    items = [
        {"target": tests, "completion": code.format("print(2 * int(input()))")},
        {"target": tests, "completion": code.format("print(2)")},
        {"target": method, "completion": code.format(solution)},
        {"target": tests, "completion": "\ud800"},
    ]

    async def check(app: App) -> list[str]:
        _, answer = await post(app, "/grade", {"items": items})
        return [one["verdict"] for one in answer["grades"]]

    with Service(ServeSpec(graders=("code",), grader_workers=1)) as service:
        found = asyncio.run(check(create_app(service)))
    assert found == ["correct", "wrong", "correct", "no_answer"]


@pytest.mark.docker
def test_a_program_without_a_result_in_time(sandbox_client: "DockerClient") -> None:
    """It is an error that may be tried again; the next program finds its place free."""

    async def check(service: Service) -> None:
        code = "import time; time.sleep({}); print(7)"
        with pytest.raises(RequestError) as found:
            await service.run_program(code.format(1), "", time_limit_s=5, deadline_s=0.1)
        assert (found.value.status, found.value.retry_after_s) == (504, 1)
        execution = await service.run_program(code.format(0), "", time_limit_s=5, deadline_s=60)
        assert execution.stdout == b"7\n"

    with Service(ServeSpec(graders=("code",), grader_workers=1)) as service:
        asyncio.run(check(service))


# --- as in process


def in_process(pool: GraderPool, item: Item) -> Grade:
    target = item["target"]
    sample = replace(
        sample_of(item["completion"]),
        finish_reason=item.get("finish_reason"),
        thinking_opened=bool(item.get("thinking_opened")),
    )
    return pool.grade(Problem("", (), Answer(target)), sample)


def assert_equal(client: httpx.Client, pool: GraderPool, items: list[Item]) -> None:
    """In every field but the time that it took."""
    for item, fields in zip(items, grades(client, items), strict=True):
        assert replace(grade_of(fields), seconds=0) == replace(in_process(pool, item), seconds=0)
        assert fields["profile"] == pool.profile


COMPLETIONS = [
    "",
    "\x00",
    "\\boxed{7}\x00",
    "\\boxed{7\x00}",
    "\ud800\\boxed{7}",
    "\\boxed{\udc00}",
    "\\boxed{7}\udfff\ud83d",
    "\U0001f600 \\boxed{7}",
    "\r\n\\boxed{7}\r\n",
    "\u2028\\boxed{7}\u2029\x85\x1f",
    "\x7f\x1b[31m\\boxed{7}",
    "\ufeff\\boxed{7}\ufffe\uffff",
    "<think>\\boxed{7}",
    "<think></think>\\boxed{7}",
    "\\boxed{" * 1000 + "7",
    "\\boxed{" + "{" * 3000 + "7" + "}" * 3000 + "}",
    "7" * 100_000,
    "\\boxed{" + "9" * 100_000 + "}",
    "\\boxed{10^{10^{10}}}",
    "x " * 500_000 + "\\boxed{7}",
    '"}]}\\boxed{7}',
    "\\boxed{\\text{nan}}",
    "\\boxed{\\infty}",
    "٧ ７ \\boxed{７}",
]


@pytest.mark.parametrize("number", range(len(COMPLETIONS)))
def test_odd_completions_get_the_grade_of_the_pool(
    client: httpx.Client, pool: GraderPool, number: int
) -> None:
    """What a model can write survives JSON and HTTP."""
    items = [
        {"target": target, "completion": COMPLETIONS[number], **fields}
        for target in ("7", "\ud800", "\\infty")
        for fields in ({}, {"thinking_opened": True}, {"finish_reason": "length"})
    ]
    assert_equal(client, pool, items)


TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)  # with surrogates
ANSWERS = st.one_of(st.integers(-100, 100).map(str), st.sampled_from(["1/2", r"\frac12"]), TEXTS)


@settings(max_examples=150, deadline=None)
@given(
    target=ANSWERS,
    answer=ANSWERS,
    around=st.tuples(TEXTS, TEXTS),
    marks=st.sampled_from([("", ""), (r"\boxed{", "}"), ("$", "$"), ("<think>", "</think>")]),
    thinking_opened=st.booleans(),
    finish_reason=st.sampled_from([None, "stop", "length"]),
)
def test_any_completion_gets_the_grade_of_the_pool(
    client: httpx.Client,
    pool: GraderPool,
    target: str,
    answer: str,
    around: tuple[str, str],
    marks: tuple[str, str],
    **fields: Any,
) -> None:
    """Whatever is in it."""
    completion = around[0] + marks[0] + answer + marks[1] + around[1]
    assert_equal(client, pool, [{"target": target, "completion": completion, **fields}])


@pytest.mark.data
def test_real_responses_get_the_grade_of_the_pool(
    client: httpx.Client, pool: GraderPool, shared_data: Path
) -> None:
    """200 responses to MATH-500, of two models."""
    rows = [
        json.loads(line)
        for file in sorted((shared_data / "model_outputs").glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()[7::20]
    ]
    assert_equal(client, pool, [{"target": r["gold"], "completion": r["response"]} for r in rows])


# --- limits


@asynccontextmanager
async def under_way(service: Service, app: App, *items: Item) -> AsyncIterator[Call]:
    """A request whose items have begun; at the end its client goes away."""
    call = Call(app, "/grade", headers={"content-type": "application/json"})
    call.write(json.dumps({"items": items}).encode(), is_last=True)
    while not sum(pool.num_under_way for pool in service.pools.values()):
        await asyncio.sleep(0.01)
    try:
        yield call
    finally:
        call.hang_up()
        await call.end()


def with_service(check: Callable[[Service, App], Any], **fields: Any) -> Any:
    with Service(ServeSpec(grader_workers=1, **fields)) as service:
        return asyncio.run(check(service, create_app(service)))


def test_at_the_deadline_there_is_what_is_done() -> None:
    """The rest is a failure of ours and no score; a server's deadline is the most there is."""

    async def check(service: Service, app: App) -> None:
        items = [boxed("7"), slow(1), boxed("8")]
        for fields in ({"deadline_s": 0.3}, {"deadline_s": 1e300}, {}):
            status, answer = await post(app, "/grade", {"items": items, **fields})
            assert status == 200
            found = answer["grades"]
            assert [one["score"] for one in found] == [1.0, None, 0.0]
            assert (found[1]["verdict"], found[1]["rule"]) == ("grader_error", "deadline")

    with_service(check, deadline_s=0.5)


@pytest.mark.parametrize("deadline_s", [5e-324, 1e-9])
def test_no_time_is_no_grade(client: httpx.Client, deadline_s: float) -> None:
    """Nor is it an error."""
    (found,) = grades(client, [slow(2)], deadline_s=deadline_s)

    assert found["rule"] == "deadline"


def test_a_full_server_refuses() -> None:
    """And lets in who comes back when there is room; more than it ever holds is another matter."""

    async def check(service: Service, app: App) -> None:
        async with under_way(service, app, slow(1)):
            call = Call(app, "/grade", headers={"content-type": "application/json"})
            call.write(json.dumps({"items": [boxed("7")] * 3}).encode(), is_last=True)
            status, answer = await call.end()
            assert (status, answer["where"]) == (429, "")
            assert int(call.headers["retry-after"]) >= 1
            assert (await post(app, "/grade", {"items": [boxed("7")]}))[0] == 200
            assert (await post(app, "/grade", {"items": []}))[0] == 200
        assert (await post(app, "/grade", {"items": [boxed("7")] * 3}))[0] == 200
        status, answer = await post(app, "/grade", {"items": [boxed("7")] * 4})
        assert status == 413
        assert "this server holds 3" in answer["error"]

    with_service(check, max_waiting=3, when_full="refuse")


def test_a_full_server_lets_wait() -> None:
    """Until there is room, or the request's own deadline."""

    async def check(service: Service, app: App) -> None:
        async with under_way(service, app, slow(1), *[boxed("7")] * 3):
            patient = asyncio.ensure_future(post(app, "/grade", {"items": [boxed("7")] * 3}))
            hasty = {"items": [boxed("7")] * 3, "deadline_s": 0.1}
            status, _ = await post(app, "/grade", hasty)
            assert status == 429
            assert not patient.done()
        status, answer = await patient
        assert (status, len(answer["grades"])) == (200, 3)

    with_service(check, max_waiting=6)


def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    """What had not begun is forgotten, and its room is free."""

    async def check(service: Service, app: App) -> None:
        async with under_way(service, app, *map(slow, range(20))):
            assert gauge(service, "evalkit_queue_depth") > 10
        assert gauge(service, "evalkit_queue_depth") == 0
        assert (await post(app, "/grade", {"items": [boxed("7")] * 20}))[0] == 200

    with_service(check, max_waiting=20, when_full="refuse")


def test_equal_items_are_graded_once() -> None:
    """Of one request or of several, while they are under way."""

    async def check(service: Service, app: App) -> None:
        requests = [
            asyncio.ensure_future(post(app, "/grade", {"items": [slow(1)] * 3})) for _ in range(3)
        ]
        most = 0
        while not all(one.done() for one in requests):
            most = max(most, service.pools["math"].num_under_way)
            await asyncio.sleep(0.01)
        answers = [await one for one in requests]
        found = [grade["verdict"] for _, answer in answers for grade in answer["grades"]]
        assert most == 1
        assert found == [found[0]] * 9

    with_service(check)


def test_a_huge_batch_does_not_stand_before_a_single_item(client: httpx.Client) -> None:
    """It comes back while the batch has thousands of comparisons to go."""

    async def check() -> None:
        async with httpx.AsyncClient(base_url=client.base_url, timeout=120) as others:
            items = [boxed(rf"\sqrt{{{i * i}}}", i) for i in range(1_000, 4_000)]
            huge = asyncio.ensure_future(others.post("/grade", json={"items": items}))
            await asyncio.sleep(0.2)
            for i in range(5):
                item = boxed(rf"\sqrt{{{i + 2}}}", i)
                assert (await others.post("/grade", json={"items": [item]})).status_code == 200
                assert not huge.done()
            assert [one["score"] for one in (await huge).json()["grades"]] == [1.0] * 3_000

    asyncio.run(check())


# --- what it says of itself


def samples(service: Service) -> dict[str, float]:
    lines = service.metrics.text().decode().splitlines()
    pairs = (one.rpartition(" ") for one in lines if not one.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def gauge(service: Service, name: str) -> float:
    return samples(service)[f'{name}{{grader="math"}}']


def test_the_metrics_are_what_was_sent() -> None:
    """Each request, item and verdict once; what is refused is no item."""

    async def check(service: Service, app: App) -> None:
        for items in ([boxed("7"), boxed("7"), boxed("8")], [], [boxed("7")]):
            await post(app, "/grade", {"items": items})
        for wrong in (b"{", b"{}", {"items": [boxed("7", task="x")]}):
            await post(app, "/grade", wrong)
        await post(app, "/nothing/at/all", b"")
        found = samples(service)
        requests = 'evalkit_requests_total{endpoint="%s",status="%d"}'
        counts = {
            name: found[requests % name]
            for name in (("/grade", 200), ("/grade", 400), ("/grade", 422), ("/grade", 404))
        }
        assert list(counts.values()) == [3, 1, 1, 1]
        assert found[requests % ("none", 404)] == 1
        assert found['evalkit_items_total{grader="math"}'] == 4
        assert found['evalkit_verdicts_total{grader="math",verdict="correct"}'] == 3
        assert found['evalkit_verdicts_total{grader="math",verdict="wrong"}'] == 1
        assert found['evalkit_request_seconds_count{endpoint="/grade"}'] == 6
        assert found['evalkit_grading_seconds_count{grader="math"}'] == 4
        assert gauge(service, "evalkit_queue_depth") == gauge(service, "evalkit_under_way") == 0

    with_service(check)


def test_requests_cannot_make_new_metrics(client: httpx.Client, service: Service) -> None:
    """A path or name of a client's choice is no label."""
    client.post("/grade", json={"items": [boxed("7", task="my-label")]})
    for path in ("/my-label", "/slime/my-label", "/get_reward/my-label"):
        client.post(path, json={})
    client.request("MYLABEL", "/grade")

    assert "label" not in service.metrics.text().decode().replace("-", "").lower()


def test_health_says_what_the_server_was_started_with(client: httpx.Client) -> None:
    """A client can check that it asks the right one."""
    found = client.get("/health").json()

    assert found["tasks"] == ["demo"]
    assert found["graders"] == ["math", "math-verify"]


def test_a_server_that_can_grade_is_ready(client: httpx.Client) -> None:
    """Its workers answer."""
    answer = client.get("/ready")

    assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": {}})


def test_scores_are_numbers_or_null(client: httpx.Client) -> None:
    """Never NaN, and null exactly where the grader failed."""
    found = grades(client, [boxed("7"), boxed("8"), slow(3)], deadline_s=0.2)
    counts = Counter((one["verdict"] == "grader_error", one["score"] is None) for one in found)

    assert counts == {(False, False): 2, (True, True): 1}
    assert all(math.isfinite(one["seconds"]) for one in found)
