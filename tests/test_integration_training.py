"""`evalkit train --reward-url`: the steps are those of grading in process, whoever grades."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from scripted_server import scripted
from serving import serving
from training_parts import (
    Silence,
    assert_same_steps,
    lines_of,
    make_spec,
    settings_of_whole_run,
    whole_run,
    write_task,
)
from typer.testing import CliRunner

from evalkit.cli import app
from evalkit.cli.training import spec_from
from evalkit.graders.opening import check_available
from evalkit.graders.remote import RemotePool
from evalkit.train.prompts import TrainingProblem
from evalkit.train.reward_servers import check_tasks
from evalkit.train.session import train
from evalkit.train.spec import TrainSpec
from evalkit.types import (
    Answer,
    CodeTests,
    Problem,
    Prompt,
    RewardServerError,
    SamplingParams,
    SandboxError,
    Target,
    UsageError,
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as server:
        yield server.url


@pytest.fixture(scope="module")
def trained(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainSpec, float]:
    """The settings of `whole_run`, but for the server that grades, and how many items it graded."""
    folder = tmp_path_factory.mktemp("by_url")
    settings = settings_of_whole_run(write_task(folder))
    spec = make_spec(folder / "run", **settings, reward_url=server)
    train(spec, Silence())
    counted = re.search(
        r'evalkit_items_total{grader="math"} (\S+)', httpx.get(f"{server}/metrics").text
    )
    assert counted
    return spec, float(counted[1])


@pytest.fixture(scope="module")
def by_url(trained: tuple[TrainSpec, float]) -> TrainSpec:
    return trained[0]


def test_the_server_grades_the_samples(trained: tuple[TrainSpec, float]) -> None:
    """One empty completion before the first step, and 16 samples in each of the four."""
    assert trained[1] == 1 + 4 * 16


def test_steps_by_url_are_those_in_process(
    by_url: TrainSpec, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All metrics of all steps and validations."""
    expected = whole_run(tmp_path_factory.getbasetemp())

    assert_same_steps(by_url.out, expected.out)
    steps = [line for step, line in lines_of(by_url.out).items() if step]
    assert any(0 < line["critic/score/mean"] < 1 for line in steps)


@pytest.mark.parametrize("urls", [(), ("http://127.0.0.1:1", "SERVER/")], ids=["none", "other"])
def test_a_run_goes_on_with_another_server_or_none(
    by_url: TrainSpec, server: str, tmp_path: Path, urls: tuple[str, ...]
) -> None:
    """The servers are in the record, and not in what the steps depend on."""
    shutil.copytree(by_url.out, tmp_path / "run")
    urls = tuple(url.replace("SERVER", server) for url in urls)
    train(replace(by_url, out=tmp_path / "run", steps=5, reward_url=urls), Silence())

    assert list(lines_of(tmp_path / "run")) == [0, 1, 2, 3, 4, 5]
    record = json.loads((tmp_path / "run" / "train.json").read_text())
    assert record["spec"]["reward_url"] == list(urls)
    assert server not in json.dumps(record["identity"])


def test_a_server_that_does_not_answer_is_found_out_at_once(tmp_path: Path) -> None:
    """Nothing is made."""
    with scripted() as gone:
        spec = make_spec(tmp_path / "run", reward_url=gone.url)
    with pytest.raises(RewardServerError, match=f"no answer from {gone.url}"):
        train(spec, Silence())
    assert not spec.out.exists()


@pytest.mark.parametrize("url", ["host:8000", "http://me:secret@host"])
def test_what_is_no_address_is_an_error(tmp_path: Path, url: str) -> None:
    """Also on the command line; a password is not shown."""
    with pytest.raises(UsageError, match=r"it must be like http://HOST:PORT") as error:
        make_spec(tmp_path / "run", reward_url=url)
    assert "secret" not in str(error.value)


def test_the_command_line_takes_several_servers() -> None:
    shown = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200"}).output

    assert "--reward-url" in shown
    assert spec_from(
        {
            **{"model": "m", "tasks": "demo", "algorithm": "grpo", "steps": 1, "out": "o"},
            **{"algorithm_args": ["overlong_buffer=0"], "reward_url": "http://a, http://b:1"},
        }
    ).reward_url == ("http://a", "http://b:1")


def test_programs_need_no_docker_here(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has the sandbox."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    check_available({"code"}, urls=[server])
    with pytest.raises(SandboxError):
        check_available({"code"})


STORED = CodeTests(store="/nowhere", problem_id="a", num_tests=1, sha256="ab")


@pytest.mark.parametrize(
    ("grader", "target", "message"),
    [
        ("archer2", Answer("1"), "HTTP 404: .*'archer2'"),
        ("code", STORED, "HTTP 404: .*'exam'"),
    ],
)
def test_what_a_server_lacks_is_found_out_before_sampling(
    server: str, grader: str, target: Target, message: str
) -> None:
    """A task, its tests or its grader: by an empty completion of its first problem."""
    problem = Problem("a", (), target)
    one = TrainingProblem("exam", grader, problem, Prompt((), ""), SamplingParams())

    with RemotePool([server], grader) as pool, pytest.raises(RewardServerError, match=message):
        check_tasks({grader: pool}, [one, one])
