"""What a spec means: whose value counts, what is called a change, seeds, and names of runs."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.api import run
from evalkit.plan import directory_name, limited, make_plan, run_identity, sample_seed
from evalkit.spec import RunSpec
from evalkit.task import load_task
from evalkit.types import Answer, Problem, UsageError


def spec(*tasks: str, **values: Any) -> RunSpec:
    return RunSpec(model="m", tasks=tasks, **values)


def test_without_a_protocol_the_task_decides() -> None:
    """Prompt, n and sampling are the task's."""
    plan = make_plan(spec("demo"))

    assert plan.tasks[0].task == load_task("demo")
    assert (plan.protocol_label, plan.changes) == ("task defaults", ())


def test_a_protocol_wins_over_the_task() -> None:
    """Sampling and n of the ASPO paper, and no change."""
    plan = make_plan(spec("aime24", "math500", protocol="aspo"))

    assert [one.task.n for one in plan.tasks] == [64, 4]
    assert {one.task.sampling.temperature for one in plan.tasks} == {0.8}
    assert (plan.protocol_label, plan.changes) == ("aspo", ())


@pytest.mark.parametrize(
    ("tasks", "values", "label"),
    [
        (["aime24"], {"n": 8}, "aspo, but n=8"),
        (["aime24:8"], {}, "aspo, but n=8"),
        (["aime24:8"], {"n": 2}, "aspo, but n=8"),
        (["aime24"], {"n": 64, "temperature": 0.8, "top_p": 1.0, "max_tokens": 32768}, "aspo"),
        (["aime24"], {"temperature": 0.0}, "aspo, but temperature=0.0"),
        (["aime24"], {"top_k": 5, "stop": ("x",)}, "aspo, but top_k=5, stop=('x',)"),
        (["aime24", "math500"], {"n": 2}, "aspo, but n=2"),
        (["aime24", "math500"], {"n": 4}, "aspo, but n=4 (aime24)"),
        (["aime24:8", "math500"], {"top_p": 0.9}, "aspo, but n=8 (aime24), top_p=0.9"),
        (["aime24"], {"system_prompt": "Be brief."}, "aspo, but another system prompt"),
        (["aime24"], {"grader": "qwen-math"}, "aspo, but grader=qwen-math"),
        (["aime24"], {"grader": "math"}, "aspo"),
        (["aime24"], {"unclosed_thinking": "grade"}, "aspo, but unclosed_thinking=grade"),
        (["aime24"], {"plain_prompt": True}, "aspo, but no chat template"),
        (["aime24"], {"chat_template": Path("x")}, "aspo, but another chat template"),
        (["aime24"], {"chat_template_kwargs": {"thinks": False}}, "aspo, but thinks=False"),
        (["aime24"], {"seed": 3, "limit": 2, "k": (1,)}, "aspo"),
    ],
)
def test_changes_are_what_differs_from_the_protocol(
    tasks: list[str], values: dict[str, Any], label: str
) -> None:
    """A value of the user's counts, and is named unless it is the protocol's own."""
    assert make_plan(spec(*tasks, protocol="aspo", **values)).protocol_label == label


def test_explicit_zero_wins_over_task_and_protocol() -> None:
    """temperature=0 is not taken for a value that was not given."""
    plan = make_plan(spec("aime24", protocol="aspo", temperature=0.0, system_prompt=""))

    assert plan.tasks[0].task.sampling.temperature == 0.0
    assert plan.tasks[0].task.system_prompt == ""


def test_report_names_the_changes(
    make_task: Callable[..., Path], make_recording: Callable[..., Path], tmp_path: Path
) -> None:
    """The report of a run says which protocol, and what was different."""
    done = run(
        RunSpec(
            model="m",
            tasks=(str(make_task(2)),),
            protocol="aspo",
            n=1,
            engine="replay",
            engine_args={"path": str(make_recording(2))},
            out=tmp_path / "run",
        )
    )

    first_line = (done.path / "report.md").read_text().splitlines()[0]
    assert first_line.endswith("protocol: aspo, but n=1")


@pytest.mark.parametrize(
    ("values", "ks"),
    [({}, (1, 8)), ({"n": 1}, (1,)), ({"k": (4, 1, 4)}, (1, 4)), ({"n": 16}, (1, 16))],
)
def test_k_are_sorted_and_one_and_n_by_default(values: dict[str, Any], ks: tuple[int, ...]) -> None:
    """Without k, pass@1 and pass@n are meant."""
    assert make_plan(spec("demo", **values)).tasks[0].ks == ks


def test_k_larger_than_n_is_refused() -> None:
    """pass@9 of 8 samples does not exist."""
    with pytest.raises(UsageError, match="task demo: k=9 is larger than n=8"):
        make_plan(spec("demo", k=(1, 9)))


def test_unknown_protocol_lists_those_there_are() -> None:
    """A protocol that does not exist is answered with those that do."""
    with pytest.raises(
        UsageError, match="unknown protocol 'asp'; known: archer2-repo, aspo, deepseek-r1"
    ):
        make_plan(spec("demo", protocol="asp"))


def test_unknown_grader_of_a_task_is_refused_before_anything_starts(
    make_task: Callable[..., Path],
) -> None:
    """The grader that a task of the user's own names must exist."""
    path = make_task()
    path.write_text(path.read_text().replace("grader: math", "grader: cod"))

    with pytest.raises(
        UsageError, match="unknown grader 'cod'; known: archer2, code, code-process"
    ):
        make_plan(spec(str(path)))


@pytest.mark.parametrize(
    ("task", "grader", "message"),
    [
        (
            "aime24",
            "code",
            "task aime24 cannot be graded by 'code'; for it there are: archer2, math, math-verify, qwen-math",
        ),
        (
            "lcb_v6",
            "math",
            "task lcb_v6 cannot be graded by 'math'; for it there are: code, code-p",
        ),
        (
            "humaneval",
            "qwen-math",
            "task humaneval cannot be graded by 'qwen-math'; for it there are: code",
        ),
    ],
)
def test_a_grader_of_the_other_kind_is_refused(task: str, grader: str, message: str) -> None:
    """Answers are not run, and programs not compared as formulas."""
    with pytest.raises(UsageError) as error:
        make_plan(spec(task, grader=grader))

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("task", "protocol", "n", "limit_s", "extraction"),
    [
        ("lcb_v5", None, 8, 6.0, "last-block"),
        ("lcb_v5", "lcb-official", 10, 6.0, "last-block"),
        ("lcb_v5", "aspo", 8, 6.0, "last-block"),
        ("lcb_v6", "aspo", 16, 6.0, "last-block"),
        ("lcb_v6", "archer2-repo", 16, 150.0, "archer"),
        ("lcb_v6", "deepseek-r1", 64, 6.0, "last-block"),
        ("mbpp", "aspo", 1, 6.0, "last-block"),
    ],
)
def test_protocols_say_how_programs_are_asked_for_and_graded(
    task: str, protocol: str | None, n: int, limit_s: float, extraction: str
) -> None:
    """n, time limit and extraction rule of the sources."""
    (plan,) = make_plan(spec(task, protocol=protocol)).tasks

    assert (plan.task.n, plan.task.time_limit_s, plan.task.extraction) == (n, limit_s, extraction)
    assert plan.identity()["tests_sha256"] is None


def test_what_is_unverified_about_programs_is_said_of_code_tasks_alone() -> None:
    """The notes of a protocol that concern programs go with the tasks that they concern."""
    maths, code = make_plan(spec("aime24", "lcb_v6", protocol="archer2-repo")).tasks

    assert any(note.startswith("prompt for programs: unverified") for note in code.task.notes)
    assert maths.task.notes == ()


def test_problems_without_a_task_that_uses_them_are_refused() -> None:
    """A file that would be ignored is an error."""
    with pytest.raises(UsageError, match="no task was asked for that uses it"):
        make_plan(spec("aime24", problems=Path("p.jsonl")))


def test_sampling_out_of_range_is_refused() -> None:
    """A sampling parameter that vLLM would refuse is refused before it starts."""
    with pytest.raises(UsageError, match="top_p=0 is out of range"):
        make_plan(spec("demo", top_p=0))


def test_limit_takes_the_first_problems() -> None:
    """Without a limit, all."""
    problems = [Problem(str(i), (), Answer("")) for i in range(3)]

    assert limited(problems, 2) == problems[:2]
    assert limited(problems, 9) == limited(problems, None) == problems


KEYS = st.tuples(st.text(), st.text(), st.integers(0, 10_000))


@given(seed=st.integers(), key=KEYS)
def test_seed_is_the_first_53_bits_of_a_hash(seed: int, key: tuple[str, str, int]) -> None:
    """It depends on run seed, task, problem and index alone, and is exact as a JSON number."""
    task, problem, index = key
    digest = hashlib.sha256(f"{seed}\0{task}\0{problem}\0{index}".encode()).hexdigest()

    found = sample_seed(seed, task, problem, index)

    assert found == int(digest, 16) >> (256 - 53)
    assert float(found) == found < 2**53


def test_seed_of_a_known_sample() -> None:
    """A pinned value: the first 53 of 64 bits that coreutils' sha256sum prints for this key."""
    assert sample_seed(0, "aime24", "60", 3) == 0x1AC470A5AB1CEC3F >> 11


@given(keys=st.lists(KEYS, unique=True, max_size=50))
def test_samples_have_different_seeds(keys: list[tuple[str, str, int]]) -> None:
    """No two samples of a run share a seed, in whatever order they are asked for."""
    assert len({sample_seed(0, *key) for key in keys}) == len(keys)


@given(first=st.integers(0, 2**64), second=st.integers(0, 2**64))
def test_another_run_seed_gives_another_seed(first: int, second: int) -> None:
    """Two runs differ in every sample unless their seeds are the same."""
    same = sample_seed(first, "t", "p", 0) == sample_seed(second, "t", "p", 0)

    assert same == (first == second)


def identity(**values: Any) -> dict[str, Any]:
    return run_identity(spec("demo", **values), {"weights_sha256": "w"})


@pytest.mark.parametrize(
    "values",
    [
        {"n": 2},
        {"k": (1,)},
        {"limit": 1},
        {"grader": "qwen-math"},
        {"grader_workers": 1},
        {"published_as": "x"},
        {"unclosed_thinking": "grade"},
        {"engine_args": {"gpu_memory_utilization": 0.5}},
    ],
)
def test_what_changes_no_sample_extends_a_run(values: dict[str, Any]) -> None:
    """Larger n, another grader and speed settings belong to the same run and directory."""
    assert identity(**values) == identity()
    assert directory_name(spec("demo", **values), identity()) == directory_name(
        spec("aime24"), identity()
    )


@pytest.mark.parametrize(
    "values",
    [
        {"seed": 1},
        {"plain_prompt": True},
        {"chat_template_kwargs": {"a": 1}},
        {"engine_args": {"dtype": "float16"}},
        {"engine": "replay"},
    ],
)
def test_what_changes_samples_makes_another_run(values: dict[str, Any]) -> None:
    """Seed, prompt and number format are part of what a run is."""
    assert identity(**values) != identity()


def test_chat_template_counts_by_its_content(tmp_path: Path) -> None:
    """The same template under another name is the same run."""
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name).write_text(text)
    a, b, c = (identity(chat_template=tmp_path / name) for name in "abc")

    assert a == b != c


def test_an_absent_chat_template_is_named_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error shows where the file was looked for."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=rf"cannot read the chat template {tmp_path}/t\.jinja: No"):
        identity(chat_template=Path("t.jinja"))


@pytest.mark.parametrize(
    ("model", "starts_with"),
    [
        ("Qwen/Qwen3-4B", "Qwen3-4B-default-"),
        ("folder/step-300/", "step-300-default-"),
        (".", "folder-default-"),
        ("step-300/..", "folder-default-"),
        ("served name:7b", "served-name-7b-default-"),
    ],
)
def test_run_directories_are_called_after_the_model(
    model: str, starts_with: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is that of the directory or hub id, also for `.`, and safe as a file name."""
    (tmp_path / "folder" / "step-300").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "folder")

    assert directory_name(RunSpec(model=model, tasks=()), {}).startswith(starts_with)


def test_sampling_and_protocol_are_in_the_name() -> None:
    """Two settings never share a directory by default."""
    names = {
        directory_name(one, {})
        for one in (
            spec(),
            spec(protocol="aspo"),
            spec(temperature=0.0),
            spec(temperature=1.0),
            spec(system_prompt="x"),
        )
    }

    assert len(names) == 5
