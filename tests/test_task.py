"""Tasks, suites and protocols: what the YAML files say, and what is wrong with those that fail."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from evalkit import task as tasks
from evalkit.resources import resource_dir
from evalkit.spec import MATH_GRADERS
from evalkit.types import Answer, UsageError

MakeTask = Callable[..., Path]


def edit(path: Path, old: str, new: str) -> str:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return str(path)


@pytest.mark.parametrize("name", tasks.task_names())
def test_shipped_tasks_have_the_name_of_their_file(name: str) -> None:
    """Every shipped task loads and is called as its file."""
    assert tasks.load_task(name).name == name


def test_shipped_tasks_are_the_benchmarks_that_evalkit_promises() -> None:
    """The benchmarks and the demo are there, with their published sizes.

    Of HumanEval's 164 and MBPP's 500 problems, those whose asserts are literal.
    """
    sizes = {name: tasks.load_task(name).data.num_problems for name in tasks.task_names()}

    assert sizes == {
        "aime24": 30,
        "aime25": 30,
        "amc23": 40,
        "demo": 200,
        "demo_train": 1000,
        "humaneval": 139,
        "lcb_v5": 279,
        "lcb_v6": 131,
        "math500": 500,
        "mbpp": 420,
        "minerva": 272,
        "olympiad": 674,
        "olympiad_675": 675,
    }


@pytest.mark.parametrize("name", tasks.suite_names())
def test_suites_name_shipped_tasks(name: str) -> None:
    """Every member of a suite is a task."""
    assert set(tasks.load_suite(name).tasks) <= set(tasks.task_names())


@pytest.mark.parametrize("name", tasks.protocol_names())
def test_protocols_name_shipped_tasks_and_known_sources(name: str) -> None:
    """A protocol's n and its published sources refer to what ships with it."""
    protocol = tasks.load_protocol(name)
    published = yaml.safe_load((resource_dir("results/reference") / "published.yaml").read_text())

    assert set(protocol.n) <= {*tasks.task_names(), "lcb"}
    assert set(protocol.published) <= set(published["sources"])


@pytest.mark.parametrize("name", tasks.protocol_names())
def test_protocols_can_be_applied_to_every_task_of_their_kinds(name: str) -> None:
    """The sampling and the prompts of a protocol are valid ones; one for programs alone says so."""
    protocol = tasks.load_protocol(name)
    for task in map(tasks.load_task, tasks.task_names()):
        if task.is_code or protocol.prompt:
            protocol.apply(task)
            continue
        with pytest.raises(UsageError, match=f"protocol {name} says nothing about answers, as in"):
            protocol.apply(task)


def test_protocol_replaces_prompt_and_sampling_and_keeps_the_rest() -> None:
    """What the protocol is silent about stays as the task has it."""
    protocol = tasks.Protocol(
        name="p", source="s", prompt="Solve {problem}", sampling={"top_p": 0.5}, n={"aime24": 3}
    )
    task = tasks.load_task("aime24")

    applied = protocol.apply(task)

    assert (applied.prompt, applied.n) == ("Solve {problem}", 3)
    assert (applied.sampling.top_p, applied.sampling.temperature) == (0.5, 0.6)
    assert protocol.apply(tasks.load_task("math500")).n == 4
    assert applied.data == task.data


def test_a_protocol_has_the_grader_that_its_source_used() -> None:
    """Archer2.0's numbers were made by its own reward; others leave the grader to the task."""
    archer, aspo = tasks.load_protocol("archer2-repo"), tasks.load_protocol("aspo")
    aime, lcb = tasks.load_task("aime24"), tasks.load_task("lcb_v6")

    assert archer.apply(aime).grader == "archer2"
    assert aspo.apply(aime).grader == "math"
    assert archer.apply(lcb).grader == lcb.grader


@pytest.mark.parametrize("name", tasks.protocol_names())
def test_graders_of_protocols_are_for_answers(name: str) -> None:
    """A protocol names a grader that exists, or none."""
    assert tasks.load_protocol(name).grader in {None, *MATH_GRADERS}


@pytest.mark.parametrize(
    ("load", "name", "kind", "some"),
    [
        (tasks.load_task, "aime", "task", "aime24, aime25, amc23"),
        (tasks.load_suite, "maths", "suite", "math"),
        (tasks.load_protocol, "asp", "protocol", "archer2-repo, aspo, deepseek-r1"),
        (tasks.load_task, "../tasks/demo", "task", "aime24"),
    ],
)
def test_unknown_names_list_what_exists(
    load: Callable[[str], object], name: str, kind: str, some: str
) -> None:
    """A name that does not exist is answered with those that do."""
    with pytest.raises(UsageError, match=rf"unknown {kind} '{name}'; known: .*{some}"):
        load(name)


def test_problem_text_is_put_into_the_prompt_literally(make_task: MakeTask) -> None:
    """Braces, dollars, backslashes and a placeholder in the problem stay as they are."""
    task = tasks.load_task(str(make_task()))
    row = tasks.Row("7", r"Let ${x}$ be {problem} \1 {0} \boxed{}", "4")

    problem = task._problem(row)

    assert problem.messages == (
        {"role": "user", "content": r"Let ${x}$ be {problem} \1 {0} \boxed{}"},
    )


def test_problems_hold_id_messages_and_target(make_task: MakeTask) -> None:
    """The rows become problems in the order of the file."""
    path = edit(make_task(2), '"{problem}"', '"Q: {problem} A:"')

    first, second = tasks.load_task(path).problems()

    assert (first.id, first.target) == ("0", Answer("0"))
    assert second.messages == ({"role": "user", "content": "Q: What is 1 + 1? A:"},)


def test_system_prompt_is_the_first_message(make_task: MakeTask) -> None:
    """A task's system prompt comes before the problem."""
    path = edit(make_task(1), "grader:", "system_prompt: Be brief.\ngrader:")

    messages = tasks.load_task(path).problems()[0].messages

    assert [m["role"] for m in messages] == ["system", "user"]
    assert messages[0]["content"] == "Be brief."


def test_bundled_data_lie_beside_the_task(
    make_task: MakeTask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A task of the user's own finds its data from any working directory."""
    make_task(3)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert len(tasks.load_task("../sums.yaml").problems()) == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "title: Sums",
            "title: Sums\ncolour: red",
            r"task sums: unknown key colour; known: name, t",
        ),
        ("title: Sums\n", "", "task sums: missing key title"),
        ("n: 2", "n: many", "task sums: n: expected a whole number, found 'many'"),
        ("n: 2", "n: 2.5", "task sums: n: expected a whole number, found 2.5"),
        ("n: 2", "n: true", "task sums: n: expected a whole number, found True"),
        ("n: 2", "n:", "task sums: n: expected a whole number, found nothing"),
        ("n: 2", "n: 0", "task sums: n=0, but at least one sample is needed"),
        ("{max_tokens: 16}", "{heat: 1}", "sampling: unknown key heat; known: temperature, top_p"),
        ("{max_tokens: 16}", "{top_p: hi}", "sampling: top_p: expected a number, found 'hi'"),
        ("{max_tokens: 16}", "{max_tokens: 0}", "max_tokens=0 is out of range"),
        ("{max_tokens: 16}", "16", "sampling: expected a mapping of names to values, found 16"),
        ("  bundled: true", "  bundle: true", "data: unknown key bundle; known: file, num_probl"),
        ("  bundled: true", "  bundled: 1", "data: bundled: expected true or false, found 1"),
        ("  num_problems: 3\n", "", "task sums: data: missing key num_problems"),
        ("num_problems: 3", "num_problems: 0", "num_problems=0, but one is needed"),
        ("answer: answer", "goal: x", "columns must name answer"),
        ("answer: answer", "answer: a, hint: b", "unknown column role 'hint'; known: id, question"),
        ("answer: answer", "answer: 3", "columns: answer: expected text, found 3"),
        ("{problem}", "solve", "the prompt must hold {problem} exactly once"),
        ("{problem}", "{problem} {problem}", "the prompt must hold {problem} exactly once"),
        ("title: Sums", "title: Sums\nname: ../up", "task '../up': a name holds letters, digits"),
        ("title: Sums", "title: [", "is not valid YAML"),
    ],
)
def test_a_task_file_that_is_wrong_says_where(
    make_task: MakeTask, old: str, new: str, message: str
) -> None:
    """Keys, types and values that cannot be are named, with what was expected."""
    path = edit(make_task(), old, new)

    with pytest.raises(UsageError) as error:
        tasks.load_task(path)

    assert message in str(error.value)


@pytest.mark.parametrize("content", [b"- a\n- b\n", b"text", b"", b"\xff\xfe\x00"])
def test_a_file_without_a_mapping_is_refused(tmp_path: Path, content: bytes) -> None:
    """A YAML file that holds no keys, or is none, is named in the error."""
    (tmp_path / "odd.yaml").write_bytes(content)

    with pytest.raises(UsageError, match=r"odd\.yaml (must hold a mapping|is not valid YAML)"):
        tasks.load_task(str(tmp_path / "odd.yaml"))


def test_an_absent_task_file_is_an_error(tmp_path: Path) -> None:
    """The path of a task file that is not there is named."""
    with pytest.raises(UsageError, match=r"cannot read .*none\.yaml: No such file"):
        tasks.load_task(str(tmp_path / "none.yaml"))


def test_requests_name_tasks_suites_and_files(make_task: MakeTask) -> None:
    """NAME, NAME:N, a suite with N and a YAML file with N are all understood."""
    parsed = tasks.parse_tasks(["demo", "math:2", f"{make_task()}:8"])

    assert [(one.task.name, one.n) for one in parsed] == [
        ("demo", None),
        ("aime24", 2),
        ("aime25", 2),
        ("amc23", 2),
        ("math500", 2),
        ("minerva", 2),
        ("olympiad", 2),
        ("sums", 8),
    ]


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (
            ["aime"],
            "unknown task or suite 'aime'; known: aime24, aime25, amc23, code, demo, demo_train, human",
        ),
        ([""], "unknown task or suite ''; known: aime24"),
        (["demo", "demo:4"], "task demo was asked for more than once"),
        (["math", "aime24:8"], "task aime24 was asked for more than once"),
        (["demo:0"], "'demo:0': after the colon comes the number of samples, as in demo:64"),
        (["demo:-1"], "'demo:-1': after the colon comes the number of samples"),
        (["demo:all"], "'demo:all': after the colon comes the number of samples"),
        (["demo:"], "'demo:': after the colon comes the number of samples"),
        ([], "no task was asked for; known: aime24"),
    ],
)
def test_requests_that_mean_nothing_are_refused(requests: list[str], message: str) -> None:
    """A name, a number or a repetition that cannot be is an error that quotes it."""
    with pytest.raises(UsageError) as error:
        tasks.parse_tasks(requests)

    assert message in str(error.value)


def test_a_protocol_for_answers_refuses_programs() -> None:
    """A maths prompt is never used to ask for a program."""
    protocol = tasks.Protocol(name="p", source="s", prompt="Solve {problem}", sampling={}, n={})

    with pytest.raises(UsageError, match="protocol p says nothing about programs, as in lcb_v6"):
        protocol.apply(tasks.load_task("lcb_v6"))


@pytest.mark.parametrize(
    ("request_", "name", "title"),
    [
        ("lcb@v6", "lcb-v6", "LiveCodeBench release_v6"),
        (
            "lcb@v6@2024-08-01..2025-02-01:8",
            "lcb-v6-2024-08-01-2025-02-01",
            "LiveCodeBench release_v6, from 2024-08-01 to 2025-02-01",
        ),
        ("lcb@v2@2024-03-01..", "lcb-v2-2024-03-01", "LiveCodeBench release_v2, from 2024-03-01"),
        ("lcb@v2@..2024-03-01", "lcb-v2-to-2024-03-01", "LiveCodeBench release_v2, to 2024-03-01"),
    ],
)
def test_any_window_can_be_asked_for(request_: str, name: str, title: str) -> None:
    """Release and days name the task and its directory."""
    (parsed,) = tasks.parse_tasks([request_])

    assert (parsed.task.name, parsed.task.title) == (name, title)
    assert parsed.n == (8 if request_.endswith(":8") else None)
    assert parsed.task.data.describe()["release"] == f"release_{name[4:6]}"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("lcb", "asked for as lcb@v6 or lcb@v6@2024-08-01..2025-02-01, where either day may be"),
        ("lcb@6", "asked for as lcb@v6 or"),
        ("lcb@v6@2024-08", "asked for as lcb@v6 or"),
        ("lcb@v6@2024-08-01", "asked for as lcb@v6 or"),
        ("lcb@v7", "unknown release 'v7'; known: v1, v2, v3, v4, v5, v6"),
        ("lcb@v6@2024-13-01..", "expected a day as 2025-02-01, found '2024-13-01'"),
        ("lcb@v6@2025-02-01..2024-02-01", "the window 2025-02-01..2024-02-01 ends before it start"),
    ],
)
def test_windows_that_mean_nothing_are_refused(request_: str, message: str) -> None:
    """The error shows the forms, the releases or the day that is wrong."""
    with pytest.raises(UsageError) as error:
        tasks.parse_tasks([request_])

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("starter_prompt: S {problem} {starter}", "n: 1", "task code: missing key starter_prompt"),
        ("{starter}", "code", "the starter_prompt must hold {starter} exactly once"),
        ("S {problem}", "S", "the starter_prompt must hold {problem} exactly once"),
        ("release: v6", "release: v9", "unknown release 'v9'; known: v1, v2"),
        ("release: v6", "start: '2025-02-01'", "a release (as v6) or a file of problems is needed"),
        ("release: v6", "releas: v6", "unknown key releas"),
        (
            "grader",
            "extraction: first\ngrader",
            "unknown extraction 'first'; known: archer, last-b",
        ),
        ("grader", "time_limit_s: 0\ngrader", "task code: time_limit_s=0 is no time"),
    ],
)
def test_a_code_task_that_is_wrong_says_where(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    """Releases, rules and prompts that cannot be are named."""
    path = tmp_path / "code.yaml"
    path.write_text(
        "title: Code\ndescription: Programs.\ngrader: code\nprompt: '{problem}'\n"
        "starter_prompt: S {problem} {starter}\nsampling: {}\ndata: {release: v6}\n"
        + ("" if new == "n: 1" else "n: 1\n")
    )
    edit(path, old, new)

    with pytest.raises(UsageError) as error:
        tasks.load_task(str(path))

    assert message in str(error.value)
