"""The same completions by several ways: equal grades where they are promised, and every difference found."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from scripted_server import Handler, Reply, always, answer, graded, scripted, status
from serving import Server, serving

from evalkit.integrations import rewards
from evalkit.parity import Comparison, RowForm, Summary, compare, parse_ways, read_items
from evalkit.parity.clients import CLIENTS
from evalkit.runner import run
from evalkit.spec import RunSpec
from evalkit.types import DataError, RewardServerError, UsageError

Write = Callable[..., Path]


@pytest.fixture(autouse=True, scope="module")
def _graders_end() -> Iterator[None]:
    """The clients keep their processes for later completions."""
    yield
    rewards.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--graders", "math,qwen-math") as server:
        yield server


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*rows: Any, name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return path

    return write


def found(
    names: Sequence[str], path: Path, *, form: RowForm | None = None, url: str = ""
) -> Comparison:
    items = read_items(path, form or RowForm())
    ways = parse_ways(names, url=url, has_rewards=any(item.logged for item in items))
    return compare(ways, items, lambda way, num_more: None)


def differing(comparison: Comparison) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.way, one.item.problem.id, one.fields) for one in comparison.differences]


def row(completion: Any, target: Any = "3", **more: Any) -> dict[str, Any]:
    return {"completion": completion, "target": target, **more}


PLAIN = [
    row(r"So \boxed{3}."),
    row(r"So \boxed{4}."),
    row("I cannot say."),
    row(""),
    row("<think>It is 4</think> It is 3.<|im_end|>"),
    row(r"\boxed{3}" + "<|im_end|>\n<|im_start|>assistant\nI cannot say."),
    row(r"\boxed{\frac{1}{2}}", "0.5"),
    row(r"\boxed{\{1, 2\}}", r"{2, 1}"),
    row("half of a character: \ud835 \\boxed{3}"),
]
"""What every trainer's contract can say."""

MORE = [
    row(r"\boxed{3.1415}", {"answer": "3.14", "rel_tolerance": 0.01}),
    row(r"<think>It is \boxed{3}.", grader="qwen-math"),
    row(r"\boxed{3}", {"answer": '{"x": 3}'}),
    row("It is 3.", prompt="1 + 2?\n<think>\n"),
    row("It is 3.", thinking_opened=True),
    row(r"It is 4.</think> \boxed{3}", thinking_opened=True),
    row([{"role": "assistant", "content": r"\boxed{3}"}], 3),
]
"""What some cannot."""


def test_every_way_gives_the_same_grades(server: Server, write: Write) -> None:
    """Clients in process and by address, the server, and its endpoints: 19 ways in all."""
    comparison = found(["all"], write(*PLAIN), url=server.url)

    assert len(comparison.summaries) == 19
    assert {one.num_equal for one in comparison.summaries} == {len(PLAIN)}
    assert differing(comparison) == []


def test_contracts_carry_tolerances_graders_and_thinking(server: Server, write: Write) -> None:
    """All but that of NeMo Gym, which has no place for them."""
    ways = ["in-process", *CLIENTS, *(f"{name}@{server.url}" for name in CLIENTS)]
    endpoints = [f"{server.url}/{name}" for name in ("get_reward", "slime")]
    comparison = found([*ways, server.url, *endpoints], write(*MORE))

    assert differing(comparison) == []
    assert comparison.summaries[0].mean == 4 / 7


@pytest.mark.parametrize(
    ("way", "given", "fields"),
    [
        ("URL/verify", MORE[0], ("score",)),
        ("URL/verify", row("It is 3.", thinking_opened=True), ("score", "extracted")),
        ("URL/slime", row("It is 4.", finish_reason="length"), ("verdict",)),
        ("URL/get_reward", row("It is 3.", finish_reason="length"), ("score", "verdict")),
        ("trl", row("It is 3.", finish_reason="length"), ("score",)),
    ],
)
def test_what_a_contract_cannot_say_is_a_difference(
    server: Server, write: Write, way: str, given: dict[str, Any], fields: tuple[str, ...]
) -> None:
    """The reward would be another one there."""
    comparison = found(["in-process", way.replace("URL", server.url)], write(given))

    assert [one.fields for one in comparison.differences] == [fields]


def test_the_server_and_slimes_client_are_told_what_was_cut_off(
    server: Server, write: Write
) -> None:
    """An answer before the end of which there were no more tokens is none."""
    ways = ["in-process", server.url, "slime", f"slime@{server.url}"]
    comparison = found(ways, write(row("It is 3.", finish_reason="length")))

    assert [one.mean for one in comparison.summaries] == [0.0] * 4
    assert differing(comparison) == []


def test_the_task_may_stand_in_the_path(write: Write) -> None:
    """As a trainer gives it whose labels are answers alone."""
    with serving("--tasks", "demo") as server:
        comparison = found(["in-process", f"{server.url}/get_reward/demo"], write(*PLAIN))

    assert differing(comparison) == []


def test_the_token_is_sent(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    """To each kind of address."""
    monkeypatch.setenv("EVALKIT_TOKEN", "secret")
    with serving(token="secret") as server:
        ways = ["in-process", server.url, f"trl@{server.url}", f"{server.url}/slime"]
        comparison = found(ways, write(*PLAIN))

    assert differing(comparison) == []


@pytest.mark.data
def test_real_responses_get_the_same_grades(
    server: Server, shared_data: Path, write: Write
) -> None:
    """200 of them, by all 19 ways."""
    lines = [
        json.loads(line)
        for file in sorted((shared_data / "model_outputs").glob("*.jsonl"))
        for line in file.read_text().splitlines()[::20]
    ]
    rows = [row(one["response"], one["gold"], id=one["id"]) for one in lines]
    comparison = found(["all"], write(*rows), url=server.url)

    assert {one.num_equal for one in comparison.summaries} == {200}


@pytest.mark.docker
def test_programs_get_the_same_grades(sandbox_client: object, write: Write) -> None:
    """With tests as a trainer's data have them: an object, or that as text."""
    tests = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "4\n"]}
    program = "```python\nprint({} * int(input()))\n```"
    rows = [
        row(program.format(2), tests),
        row(program.format(3), json.dumps(tests)),
        row("", tests),
    ]
    with serving("--graders", "code") as server:
        comparison = found(["all"], write(*rows), url=server.url)

    assert differing(comparison) == []
    assert comparison.summaries[0].mean == pytest.approx(1 / 3)


@pytest.mark.docker
def test_stored_tests_of_a_run_are_named_and_without_a_task_sent(
    sandbox_client: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hub_row: Callable[..., dict[str, str]],
    write: Write,
) -> None:
    """To a server that has loaded the task of the run; what differs is told by the hash of the tests."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    problems = write(hub_row("abc1_a", ("1\n", "2\n")) | {"contest_date": "2025-03-01T00:00:00"})
    recording = write({"problem_id": "abc1_a", "text": "```python\nprint(2)\n```"}, name="r.jsonl")
    spec = RunSpec(
        model="recorded",
        tasks=("lcb@v6:1",),
        problems=problems,
        engine="replay",
        engine_args={"path": str(recording)},
        out=tmp_path / "run",
    )
    out = run(spec)
    with serving("--tasks", "lcb@v6:1", "--problems", str(problems)) as server:
        comparison = found(["all"], out, url=server.url)
        [item] = read_items(out, RowForm())
        stored = write(row(item.sample.text, asdict(item.problem.target)), name="stored.jsonl")
        untold = found(["all"], stored, url=server.url)
        other = asdict(item.problem.target) | {"task": "lcb-v6", "sha256": "0" * 64}
        changed = write(row(item.sample.text, other), name="changed.jsonl")
        refused = found(["in-process", f"{server.url}/slime"], changed)

    assert {one.mean for one in comparison.summaries} == {1.0}
    assert differing(comparison) == differing(untold) == []
    assert refused.summaries[1].num_unscored == 1
    assert "tests" in refused.differences[0].other.detail


# --- rewards that were logged


REWARDS: list[tuple[dict[str, Any], tuple[str, ...] | None]] = [
    ({"score": 1}, None),
    ({"score": True}, None),
    ({"reward": 1.0000001}, None),
    ({"rewards": [1.0]}, None),
    ({"score": 1, "reward": 0.7}, None),
    ({"score": 0}, ("score",)),
    ({"reward": 0.999}, ("score",)),
    ({"score": -1}, ("score",)),
    ({"score": None}, ()),
    ({"score": float("nan")}, ()),
    ({"score": 0.0, "grader_error": 1.0}, ()),
    ({"score": 1, "verdict": "correct", "rule": "boxed, same text"}, None),
    ({"score": 1, "verdict": "correct", "span": [16, 17]}, None),
    ({"score": 1, "verdict": "correct", "extracted": "3.0"}, ("extracted",)),
    ({"score": 0, "verdict": "wrong"}, ("score", "verdict")),
    ({"score": 0.5, "verdict": "grader_error"}, ()),
]


@pytest.mark.parametrize(("logged", "fields"), REWARDS, ids=[str(one) for one, _ in REWARDS])
def test_a_logged_reward_is_compared(
    write: Write, logged: dict[str, Any], fields: tuple[str, ...] | None
) -> None:
    """With the right answer's: None where they are equal, no fields where there is no score."""
    comparison = found(["in-process", "logged"], write(row(r"So it is \boxed{3}", **logged)))

    assert [one.fields for one in comparison.differences] == ([] if fields is None else [fields])


def test_rewards_of_another_scale(write: Write) -> None:
    """Those that are not in the map stand for themselves."""
    path = write(
        row(r"\boxed{4}", reward=-1), row(r"\boxed{3}", reward=1), row(r"\boxed{3}", reward=-1)
    )
    comparison = found(["logged", "in-process"], path, form=RowForm(scores={-1.0: 0.0}))

    assert [one.item.where for one in comparison.differences] == [f"{path}, line 3"]


def test_the_table_counts_what_the_lines_say(write: Write) -> None:
    """A missing score on either side is neither equal nor different, and not in the mean."""
    path = write(
        row(r"\boxed{3}", score=1),
        row(r"\boxed{3}", score=0.25),
        row(r"\boxed{4}", score=0.5),
        row(r"\boxed{4}", score=None),
        row(r"\boxed{3}"),
    )

    assert found(["in-process", "logged"], path).summaries[1] == Summary(
        way="logged",
        num_items=5,
        num_equal=1,
        num_different=2,
        num_unscored=2,
        largest=0.75,
        mean=(1 + 0.25 + 0.5) / 3,
    )


def test_verls_dump_of_rollouts_can_be_read(tmp_path: Path, write: Write) -> None:
    """A file a step, with the names that verl 0.9.1 gives to what it decodes."""
    dump = {"input": "user\n1 + 2?\nassistant\n<think>\n", "output": "It is 3.", "gts": "3"}
    for step, score in ((1, 0.0), (2, 1.0)):
        write({**dump, "score": score, "step": step, "grader_error": 0.0}, name=f"{step}.jsonl")

    items = read_items(tmp_path, RowForm())
    assert [item.sample.thinking_opened for item in items] == [True, True]
    comparison = found(["in-process", "logged"], tmp_path)
    assert [one.item.where for one in comparison.differences] == [f"{tmp_path / '2.jsonl'}, line 1"]


def test_rows_of_verls_data_can_be_read(write: Write) -> None:
    """The target and its tolerance are where verl's data have them, or in the row itself."""
    truth = {"reward_model": {"ground_truth": "3.14"}, "extra_info": {"rel_tolerance": 0.01}}
    one = {"solution_str": r"\boxed{3.15}", **truth}
    comparison = found(["in-process", "verl"], write(one, {**one, "ground_truth": "5"}))

    assert comparison.summaries[1].mean == 0.5


def test_trls_log_of_completions_can_be_read(tmp_path: Path) -> None:
    """Parquet, with messages and the reward under the name of its function."""
    import pyarrow as pa
    from pyarrow import parquet

    table = {
        "prompt": [[{"role": "user", "content": "1 + 2?"}]] * 2,
        "completion": [[{"role": "assistant", "content": rf"\boxed{{{i}}}"}] for i in (3, 4)],
        "math": [1.0, 1.0],
        "solution": ["3", "3"],
        "advantage": [0.0, 0.0],
    }
    path = tmp_path / "completions_00001.parquet"
    parquet.write_table(pa.table(table), path)
    form = RowForm(fields={"reward": "math", "target": "solution"})
    comparison = found(["in-process", "logged", "openrlhf"], path, form=form)

    assert [(one.way, one.item.where) for one in comparison.differences] == [
        ("logged", f"{path}, row 2")
    ]


@pytest.fixture
def recorded_run(
    tmp_path: Path, make_task: Callable[..., Path], make_recording: Callable[..., Path]
) -> Path:
    """Two samples of each of three problems, one right and one wrong."""
    spec = RunSpec(
        model="recorded",
        tasks=(str(make_task(3)),),
        out=tmp_path / "run",
        engine="replay",
        engine_args={"path": str(make_recording(3))},
    )
    return run(spec)


def test_a_runs_own_grades_count_as_logged(recorded_run: Path) -> None:
    """All fields of a recorded grade are compared."""
    comparison = found(["all"], recorded_run)

    assert comparison.summaries[-1].num_equal == 6
    assert differing(comparison) == []


def test_the_last_grade_by_the_runs_grader_counts(recorded_run: Path) -> None:
    """One that was changed is found, one by another grader is not looked at."""
    file = recorded_run / "sums" / "grades.jsonl"
    first = json.loads(file.read_text().splitlines()[0])
    changed = {**first, "extracted": "7", "span": [0, 1]}
    foreign = {**first, "grader": "qwen-math", "verdict": "grader_error", "score": None}
    with file.open("a") as lines:
        lines.writelines(json.dumps(one) + "\n" for one in (changed, foreign))

    key = first["problem_id"], ("extracted", "span")
    assert differing(found(["logged", "in-process"], recorded_run)) == [("in-process", *key)]


def test_a_run_can_be_graded_by_another_grader(recorded_run: Path) -> None:
    """Of rows only it needs to be told nothing else."""
    items = read_items(recorded_run, RowForm(grader="qwen-math"), limit=4)
    assert [item.grader for item in items] == ["qwen-math"] * 4

    with pytest.raises(UsageError, match="is a run directory; only rows need"):
        read_items(recorded_run, RowForm(thinking_opened=True))


# --- failures are no scores


def refusing(handler: Handler, body: dict[str, Any]) -> None:
    for index, item in enumerate(body["items"]):
        if item["completion"] == "bad":
            return handler.send(422, {"error": "bad", "where": f"items[{index}]"})
    return graded(handler, body)


@pytest.mark.parametrize("way", ["URL", *(f"{name}@URL" for name in CLIENTS)])
def test_only_what_failed_has_no_score(way: str, write: Write) -> None:
    """The completions are scores for this server, but one that it refuses, and one that it cannot grade."""
    rows = [row(text, "1", id=text) for text in ("late", "1", "bad")]
    rows.append(row("0", "0", id="0"))
    with scripted(*always(refusing)) as server:
        comparison = found(["in-process", way.replace("URL", server.url)], write(*rows))

    failed = [one.item.problem.id for one in comparison.differences if one.fields == ()]
    unequal = [one.item.problem.id for one in comparison.differences if "score" in one.fields]
    assert (failed, unequal) == (["late", "bad"], ["0"])
    assert comparison.summaries[1].mean == 0.5


def slime_failed(handler: Handler, _: dict[str, Any]) -> None:
    handler.send(200, "0.5", Evalkit_Verdict="grader_error")


FAILED: list[tuple[str, Reply]] = [
    ("get_reward", answer({"rewards": [0.5], "extra_logs": {"grader_error": [1.0]}})),
    ("slime", slime_failed),
    ("verify", answer({"reward": 0.5, "_ng_failure_class": "judge_failed"})),
    ("get_reward", status(422)),
]


@pytest.mark.parametrize(
    ("endpoint", "reply"), FAILED, ids=["OpenRLHF", "slime", "NeMo Gym", "refused"]
)
def test_an_endpoints_word_for_a_failure_is_no_score(
    write: Write, endpoint: str, reply: Reply
) -> None:
    """The number beside it is a fallback."""
    with scripted(reply) as server:
        comparison = found(["in-process", f"{server.url}/{endpoint}"], write(PLAIN[0]))

    assert comparison.differences[0].other.score is None
    assert comparison.summaries[1].num_unscored == 1


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (status(503), "/slime: HTTP 503: "),
        (answer("<html>Hi</html>", 200, "text/html"), "answered '<html>Hi</html>', which is no"),
    ],
    ids=["busy", "other"],
)
def test_a_server_that_is_lost_ends_the_comparison(
    write: Write, reply: Reply, message: str
) -> None:
    """The rest would have no score."""
    with (
        scripted(reply) as server,
        pytest.raises(RewardServerError, match=message),
    ):
        found(["in-process", f"{server.url}/slime"], write(PLAIN[0]))


# --- wrong input


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "3"}, "line 1: no completion: expected completion or response or"),
        ({"completion": "3", "truth": "3"}, "line 1: no target: .*, found completion, truth; --fi"),
        (row(["a", "b"]), r"completion must be a text or chat messages, not \['a', 'b'\]"),
        (row("3", prompt={"role": "user"}), "line 1: the prompt must be a text or chat messages"),
        (row("3", ["3"]), r"target must be a text or an object, not \['3'\]"),
        (row("3", " "), "line 1: the label is empty"),
        (row("3", {"answr": "3"}), "line 1: label: unknown key answr"),
        (row("3", score="high"), "line 1: score: the reward 'high' is not a finite number"),
        (row("3", reward=float("inf")), "line 1: reward: the reward inf is not a finite number"),
        ([1], "line 1: expected a JSON object"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(write: Write, given: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_items(write(given), RowForm())


def test_rows_that_do_not_say_are_told(write: Write) -> None:
    """Their grader, and whether prompts end inside `<think>`."""
    form = RowForm(grader="qwen-math", thinking_opened=True)
    path = write(row("3"), row("3", grader="math", thinking_opened=False))
    items = read_items(path, form)

    found_here = [(item.grader, item.sample.thinking_opened) for item in items]
    assert found_here == [("qwen-math", True), ("math", False)]


def test_ids_may_be_numbers(write: Write) -> None:
    [item] = read_items(write(row("3", id=0)), RowForm())
    assert item.problem.id == "0"


def test_there_must_be_something_to_read(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataError, match=r"empty\.jsonl has no completions"):
        read_items(tmp_path / "empty.jsonl", RowForm())
    (tmp_path / "empty.jsonl").unlink()
    with pytest.raises(UsageError, match=r"is no run directory .*, and has no \*\.jsonl"):
        read_items(tmp_path, RowForm())


@pytest.mark.parametrize(
    ("names", "url", "message"),
    [
        (["in-process", "tlr"], "", "unknown way 'tlr'; known: all, in-process, logged, verl,"),
        (["in-process", "run@http://h"], "", "unknown way 'run@http://h'"),
        (["in-process", "trl@"], "", "unknown way 'trl@'"),
        (["in-process", "trl@h"], "", "it must be like http://HOST:PORT"),
        (["in-process", "http://h/slime?format=object"], "", "it must be like http://HOST:PORT"),
        (["in-process"], "", "nothing to compare with in-process"),
        (["trl", "trl"], "", "nothing to compare with trl"),
        (["trl", "logged"], "", "no rewards to compare with; --fields reward=NAME"),
        (["trl", "verl"], "http://h", "--url http://h names the server of all"),
    ],
)
def test_ways_that_do_not_exist_are_refused(names: list[str], url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_ways(names, url=url)


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(UsageError) as error:
        parse_ways(["in-process", "http://evalkit:secret@h/slime"])
    assert "secret" not in str(error.value)
