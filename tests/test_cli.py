"""The commands as a user types them: output, exit codes, errors without tracebacks, help."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from evalkit.cli import app, main

MakeTask = Callable[..., Path]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def evalkit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Runs a command in this process, as the console script does, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALKIT_DEBUG", "")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("EVALKIT_DATA", str(tmp_path))

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["evalkit", *map(str, arguments)])
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        written = capsys.readouterr()
        return Done(code, written.out, written.err)

    return run


def commands() -> Iterator[tuple[str, Any]]:
    for name, command in typer.main.get_command(app).commands.items():
        members = getattr(command, "commands", None)
        if members:
            yield from ((f"{name} {sub}", one) for sub, one in members.items())
        else:
            yield name, command


COMMANDS = dict(commands())
"""Every command, by its full name."""


def test_commands_are_those_that_evalkit_promises() -> None:
    """The names of all commands."""
    assert set(COMMANDS) == {
        "run",
        "generate",
        "grade",
        "report",
        "import",
        "doctor",
        "tasks list",
        "tasks show",
        "tasks validate",
        "data fetch",
        "data verify",
        "grade-one",
        "grade-pairs",
        "audit",
        "train",
        "serve",
        "parity",
        "compare-algorithms",
        "plot",
        "check-vectors",
        "sandbox build",
        "sandbox check",
        "sandbox attack",
        "sandbox prune",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_and_every_option_has_help(name: str) -> None:
    """A help text shows a command that begins with the words that it is about."""
    command = COMMANDS[name]

    assert f"    evalkit {name}" in command.help
    assert [one.name for one in command.params if not one.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_name_options_that_exist(name: str) -> None:
    """What stands in an example can be typed."""
    command = COMMANDS[name]
    options = {text for one in command.params for text in (*one.opts, *one.secondary_opts)}
    examples = [line for line in command.help.splitlines() if line.startswith("    evalkit")]
    named = {word for line in examples for word in line.split() if word.startswith("-")}

    assert named <= options


def test_help_and_version(evalkit: Command) -> None:
    """-h and --help are the same, and --version says which evalkit this is."""
    from evalkit import __version__

    assert evalkit("-h").out == evalkit("--help").out != ""
    assert evalkit("--version").out == f"evalkit {__version__}\n"


def run_demo(checkpoint: Path, *more: object) -> tuple[object, ...]:
    return ("run", "--model", checkpoint, "--tasks", "demo", "--dry-run", *more)


# What is typed after `evalkit`; CHECKPOINT is the demo's. Exit code and the whole message.
BAD: list[tuple[str, int, str]] = [
    (
        "run --model CHECKPOINT --tasks aime --dry-run",
        2,
        "unknown task or suite 'aime'; known: aime24, aime25, amc23, code, demo, demo_train, humaneval, "
        "lcb@RELEASE[@START..END], lcb_v5, lcb_v6, math, math500, mbpp, minerva, olympiad, "
        "olympiad_675",
    ),
    (
        "run --model CHECKPOINT --tasks demo --protocol asp --dry-run",
        2,
        "unknown protocol 'asp'; known: archer2-repo, aspo, deepseek-r1",
    ),
    (
        "train --model CHECKPOINT --steps 1",
        2,
        "missing: --tasks, --algorithm, --out (or as keys of",
    ),
    (
        "train --model CHECKPOINT --tasks demo_train --algorithm aspo --steps 1 --out x",
        2,
        "unknown algorithm 'aspo'; known: aspo-archer2, aspo-no-dual-clip, aspo-paper, cispo, dapo, ",
    ),
    (
        "train --model CHECKPOINT --tasks demo_train --algorithm grpo --steps 1 --out x --group-size 1",
        2,
        "group_size=1, but advantages compare the samples of a group: it must be at least 2",
    ),
    (
        "compare-algorithms --config nowhere.yaml --out x",
        2,
        "cannot read nowhere.yaml: No such file or directory",
    ),
    (
        "tasks show maths",
        2,
        "unknown task 'maths'; known: aime24, aime25, amc23, demo, demo_train, humaneval, ",
    ),
    (
        "tasks validate maths",
        2,
        "unknown task or suite 'maths'; known: aime24, aime25, amc23, code, demo,",
    ),
    (
        "data verify maths",
        2,
        "unknown task or suite 'maths'; known: aime24, aime25, amc23, code, demo,",
    ),
    (
        "run --model x --tasks demo --engine replay --engine-args path=x,speed=1 --dry-run",
        2,
        "unknown engine argument 'speed'; replay has: path, rate, id_key, text_key",
    ),
    (
        "run --model CHECKPOINT --tasks demo --n 2 --k 1,4 --dry-run",
        2,
        "task demo: k=4 is larger than n=2",
    ),
    (
        "run --model CHECKPOINT --tasks demo --chat-template-kwargs enable_thinking=false --dry-run",
        2,
        "the chat template does not read the argument 'enable_thinking'; it reads: none",
    ),
    (
        "run --model nowhere --tasks demo --dry-run",
        1,
        "nowhere: no such directory, and not a hub id of the form owner/name",
    ),
    (
        "run --model CHECKPOINT --tasks aime24 --dry-run",
        1,
        "DIRECTORY (named by EVALKIT_DATA) has no file aime24.jsonl; `evalkit data fetch --to "
        "DIRECTORY` writes it",
    ),
    (
        "run --model CHECKPOINT --tasks aime24 --data-dir none --dry-run",
        1,
        "none (named by --data-dir) has no file aime24.jsonl; `evalkit data fetch --to none` writes",
    ),
    ("run --config none.yaml", 2, "cannot read none.yaml: No such file or directory"),
    ("report none", 1, "none"),
]


@pytest.mark.parametrize(("typed", "code", "message"), BAD, ids=[row[0] for row in BAD])
def test_bad_input_is_answered_with_one_line(
    evalkit: Command, checkpoint: Path, tmp_path: Path, typed: str, code: int, message: str
) -> None:
    """The message stands on standard error, without a traceback, and the exit code is not 0."""
    words = [str(checkpoint) if word == "CHECKPOINT" else word for word in typed.split()]

    done = evalkit(*words)

    lines = done.err.splitlines()
    assert (done.code, len(lines)) == (code, 1)
    assert lines[0].startswith("error: ")
    assert message.replace("DIRECTORY", str(tmp_path)) in lines[0]


def test_wrong_options_exit_like_other_wrong_usage(evalkit: Command) -> None:
    """An option or a number that the parser refuses ends with 2, as an unknown task does."""
    assert evalkit("run", "--modle", "x").code == 2
    assert evalkit("run", "--n", "many").code == 2


def test_debug_shows_the_traceback(evalkit: Command) -> None:
    """With --debug the error leaves main as it was raised."""
    from evalkit.types import UsageError

    with pytest.raises(UsageError, match="unknown task 'maths'"):
        evalkit("--debug", "tasks", "show", "maths")


def test_an_error_of_the_system_is_one_line_too(evalkit: Command, tmp_path: Path) -> None:
    """A file where a directory should be is the user's, not a crash of ours."""
    (tmp_path / "file").touch()

    done = evalkit("data", "fetch", "olympiad_675", "--to", tmp_path / "file")
    assert (done.code, done.err.count("\n")) == (1, 1)

    done = evalkit("run", "--config", tmp_path)
    assert (done.code, done.err) == (2, f"error: cannot read {tmp_path}: Is a directory\n")


def test_dry_run_shows_prompt_and_counts(evalkit: Command, checkpoint: Path) -> None:
    """One rendered prompt per task with its tokens, the number of samples, and that data are fine."""
    from transformers import AutoTokenizer

    question = (checkpoint.parent / "arithmetic.jsonl").read_text().split('"question": "')[1]
    question = question.split('"')[0]
    text = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    num_tokens = len(AutoTokenizer.from_pretrained(checkpoint)(text)["input_ids"])

    done = evalkit(*run_demo(checkpoint, "--limit", 5, "--n", 3, "--temperature", 0))

    assert done.code == 0
    assert "protocol: task defaults, but n=3, temperature=0.0" in done.out
    assert f"demo: first prompt, {num_tokens} tokens" in done.out
    assert question[:60] in done.out
    assert "data ok: 200 problems" in done.out
    assert "5 problems × 3 = 15 samples" in done.out
    assert "15 samples in all. All checks passed; nothing was generated." in done.out


def test_dry_run_shows_every_task(evalkit: Command, checkpoint: Path, make_task: MakeTask) -> None:
    """Samples are counted per task and in all."""
    done = evalkit(*run_demo(checkpoint, "--limit", 2, "--tasks", f"{make_task(2, n=5)}"))

    assert "demo: first prompt" in done.out
    assert "sums: first prompt" in done.out
    assert "26 samples in all" in done.out


def test_dry_run_writes_nothing(evalkit: Command, checkpoint: Path, tmp_path: Path) -> None:
    """No run directory is made."""
    evalkit(*run_demo(checkpoint))

    assert list(tmp_path.iterdir()) == []


def test_dry_run_reads_a_file_and_the_command_line_wins(
    evalkit: Command, checkpoint: Path, tmp_path: Path
) -> None:
    """Lists of the file stay where the command line is silent; a 0 given there counts."""
    values = {
        "model": str(checkpoint),
        "tasks": ["demo:4"],
        "stop": [";"],
        "temperature": 0.7,
        "limit": 3,
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(values))

    done = evalkit("run", "--config", "run.yaml", "--temperature", "0", "--limit=2", "--dry_run")

    assert "protocol: task defaults, but n=4, temperature=0.0, stop=(';',)" in done.out
    assert "2 problems × 4 = 8 samples" in done.out


def test_tasks_list_names_everything(evalkit: Command) -> None:
    """Tasks with their sizes, suites with their members, protocols with their sources."""
    out = evalkit("tasks", "list").out

    for text in ("aime24", "olympiad_675", "675", "suite: aime24, aime25", "arXiv 2510.06062v2"):
        assert text in out


def test_tasks_show_prints_what_a_task_file_says(evalkit: Command) -> None:
    """The output is YAML with the values of the task."""
    values = yaml.safe_load(evalkit("tasks", "show", "olympiad").out)

    assert values["data"]["hub"] == "Hothan/OlympiadBench"
    assert values["data"]["keep"] == ["answer_type", "is_multiple_answer", "unit", "error"]
    assert values["sampling"]["temperature"] == 0.6
    assert "{problem}" in values["prompt"]


@pytest.mark.parametrize(
    ("name", "key", "value"), [("aspo", "source", "arXiv 2510.06062v2"), ("math", "name", "math")]
)
def test_tasks_show_knows_protocols_and_suites(
    evalkit: Command, name: str, key: str, value: str
) -> None:
    """What `tasks list` names can be shown."""
    assert yaml.safe_load(evalkit("tasks", "show", name).out)[key] == value


def test_tasks_validate_grades_the_answers_of_a_task(evalkit: Command, make_task: MakeTask) -> None:
    """The line says how many answers grade as correct."""
    done = evalkit("tasks", "validate", make_task(3))

    assert (done.code, done.out) == (
        0,
        "sums: 3 problems, rows as pinned, 3 answers grade as correct\n",
    )


def test_validate_and_verify_fail_for_data_that_changed(
    evalkit: Command, make_task: MakeTask, tmp_path: Path
) -> None:
    """Both name the task and what was expected, go on with the next one, and exit with 1."""
    task = make_task(2)
    lines = (tmp_path / "sums.jsonl").read_text().splitlines()
    (tmp_path / "sums.jsonl").write_text("\n".join(lines[:1]))

    for done in (
        evalkit("tasks", "validate", task, "demo"),
        evalkit("data", "verify", task, "demo"),
    ):
        assert (done.code, done.out.split(":")[0]) == (1, "demo")
        assert done.err == (
            f"error: sums ({tmp_path / 'sums.jsonl'}): expected 2 problems, found 1\n"
        )


@pytest.mark.data
def test_data_verify_takes_suites_and_a_directory(evalkit: Command, shared_data: Path) -> None:
    """Each benchmark of the suite gets its line with count and hash."""
    done = evalkit("data", "verify", "math", "--data-dir", shared_data / "math")

    assert done.code == 0
    assert [line.split(", sha256")[0] for line in done.out.splitlines()] == [
        "aime24: ok, 30 problems",
        "aime25: ok, 30 problems",
        "amc23: ok, 40 problems",
        "math500: ok, 500 problems",
        "minerva: ok, 272 problems",
        "olympiad: ok, 674 problems",
    ]


def test_data_fetch_of_a_task_without_hub_says_so(evalkit: Command, tmp_path: Path) -> None:
    """The older OlympiadBench file is not on the hub."""
    done = evalkit("data", "fetch", "olympiad_675", "--to", tmp_path)

    assert (done.code, done.err) == (
        1,
        "error: olympiad_675: extra/olympiadbench_github675.jsonl is not on the hub: put it into a "
        "directory and name it with --data-dir or EVALKIT_DATA\n",
    )


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    """`evalkit tasks list | head -1` prints no traceback."""
    command = [sys.executable, "-c", "from evalkit.cli import main; main()", "tasks", "list"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as done:
        assert done.stdout is not None
        assert done.stderr is not None
        done.stdout.close()
        assert "Traceback" not in done.stderr.read()


def test_commands_work_in_an_empty_environment(tmp_path: Path) -> None:
    """Without HOME, in another directory and in plain ASCII the tasks are listed."""
    command = [sys.executable, "-c", "from evalkit.cli import main; main()", "tasks", "list"]
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    with contextlib.chdir(tmp_path):
        done = subprocess.run(
            command, env={**kept, "LC_ALL": "C"}, capture_output=True, check=False
        )

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"aime24" in done.stdout
    shutil.rmtree(tmp_path)


def test_vectors_that_hold_and_one_that_does_not(evalkit: Command, tmp_path: Path) -> None:
    """A table of the largest errors by kind; exit code 1 and the name of a case that fails."""
    case = {"id": "mine", "rewards": [1, 1], "expected": {}}
    case["expected"] = {"kept": False, "solve_none": False, "solve_all": True}
    path = tmp_path / "vectors.json"

    path.write_text(json.dumps({"format_version": 1, "group_filter": [case]}))
    good = evalkit("check-vectors", path)
    case["expected"]["kept"] = True
    path.write_text(json.dumps({"format_version": 1, "group_filter": [case]}))
    bad = evalkit("check-vectors", path)

    assert (good.code, bad.code) == (0, 1)
    assert "group_filter" in good.out
    assert "FAIL" not in good.out
    assert "FAIL group_filter mine: kept: 0.5 > 0" in bad.out


def test_vectors_that_are_not_there(evalkit: Command) -> None:
    """A message with the path, no traceback."""
    done = evalkit("check-vectors", "nowhere.json")

    assert done.code == 1
    assert done.err.startswith("error: ")
    assert "nowhere.json" in done.err
