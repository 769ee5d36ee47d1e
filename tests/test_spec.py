"""RunSpec: every field from the command line and from YAML, explicit values win, wrong ones are named."""

import dataclasses
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from evalkit.cli import app
from evalkit.cli.running import spec_from
from evalkit.spec import CODE_GRADERS, GRADERS, MATH_GRADERS, RunSpec, make_spec
from evalkit.types import EvalkitError, UsageError

BASE = ["--model", "m", "--tasks", "demo"]


@cache
def command(name: str) -> Any:
    return typer.main.get_command(app).commands[name]


def given(*arguments: str) -> dict[str, Any]:
    """What the parser of `evalkit run` makes of a command line."""
    settings = app.info.context_settings
    parsed = command("run").make_context("run", list(arguments), **settings)
    return {name: value for name, value in parsed.params.items() if value not in (None, ())}


def spec(*arguments: str) -> RunSpec:
    return spec_from(given(*BASE, *arguments))


def config(tmp_path: Path, **values: Any) -> str:
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(values))
    return str(path)


# Option, its text, field, value: one row for each field, with falsy values where there are such.
FIELDS = [
    ("--model", "a/b", "model", "a/b"),
    ("--tasks", "demo:2,math", "tasks", ("demo:2", "math")),
    ("--protocol", "aspo", "protocol", "aspo"),
    ("--out", "results/x", "out", Path("results/x")),
    ("--n", "8", "n", 8),
    ("--k", "1,4", "k", (1, 4)),
    ("--limit", "3", "limit", 3),
    ("--seed", "0", "seed", 0),
    ("--temperature", "0", "temperature", 0.0),
    ("--top-p", "0.5", "top_p", 0.5),
    ("--top-k", "0", "top_k", 0),
    ("--min-p", "0", "min_p", 0.0),
    ("--repetition-penalty", "1.1", "repetition_penalty", 1.1),
    ("--max-tokens", "9", "max_tokens", 9),
    ("--stop", "###", "stop", ("###",)),
    ("--system-prompt", "", "system_prompt", ""),
    ("--chat-template", "t.jinja", "chat_template", Path("t.jinja")),
    ("--chat-template-kwargs", "a=false", "chat_template_kwargs", {"a": False}),
    ("--plain-prompt", None, "plain_prompt", True),
    ("--revision", "main", "revision", "main"),
    ("--engine", "replay", "engine", "replay"),
    ("--engine-args", "path=x,rate=0", "engine_args", {"path": "x", "rate": 0}),
    ("--grader", "archer2", "grader", "archer2"),
    ("--unclosed-thinking", "grade", "unclosed_thinking", "grade"),
    ("--grader-workers", "2", "grader_workers", 2),
    ("--data-dir", "d", "data_dir", Path("d")),
    ("--problems", "p.jsonl", "problems", Path("p.jsonl")),
    ("--skip-untested", None, "skip_untested", True),
    ("--published-as", "M", "published_as", "M"),
]


def test_every_field_is_an_option_and_every_option_a_field() -> None:
    """RunSpec, the options of `run` and of `generate`, and the table above have the same names."""
    fields = {one.name for one in dataclasses.fields(RunSpec)}
    shortcuts = {"dtype", "tp", "max_model_len", "prefix_caching"}

    assert {name for _, _, name, _ in FIELDS} == fields
    for name in ("run", "generate"):
        options = {one.name for one in command(name).params}
        assert options - {"help"} == fields | shortcuts | {"config", "dry_run"}


@pytest.mark.parametrize(
    ("option", "text", "name", "value"), FIELDS, ids=[row[2] for row in FIELDS]
)
def test_fields_are_set_from_the_command_line(
    option: str, text: str | None, name: str, value: Any
) -> None:
    """An option reaches its field, also with 0 and an empty text."""
    required = {"--model": "m", "--tasks": "demo", option: text}
    arguments = [one for pair in required.items() for one in pair if one is not None]

    assert getattr(spec_from(given(*arguments)), name) == value


@pytest.mark.parametrize(
    ("option", "text", "name", "value"), FIELDS, ids=[row[2] for row in FIELDS]
)
def test_fields_are_set_from_a_file(
    tmp_path: Path, option: str, text: str | None, name: str, value: Any
) -> None:
    """A key of the YAML file reaches the field of its name."""
    written = str(value) if isinstance(value, Path) else value
    written = list(value) if isinstance(value, tuple) else written
    path = config(tmp_path, **{"model": "m", "tasks": ["demo"], name: written})

    assert getattr(make_spec({}, Path(path)), name) == value


@pytest.mark.parametrize(
    ("option", "text", "in_file", "name", "value"),
    [
        ("--temperature", "0", 0.6, "temperature", 0.0),
        ("--seed", "0", 5, "seed", 0),
        ("--top-k", "0", 20, "top_k", 0),
        ("--system-prompt", "", "Be brief.", "system_prompt", ""),
        ("--no-plain-prompt", None, True, "plain_prompt", False),
        ("--tasks", "aime24", ["demo"], "tasks", ("aime24",)),
        ("--k", "2", [1, 8], "k", (2,)),
        ("--stop", "x", ["y", "z"], "stop", ("x",)),
    ],
)
def test_the_command_line_wins_over_the_file(
    tmp_path: Path, option: str, text: str | None, in_file: Any, name: str, value: Any
) -> None:
    """A value on the command line replaces the file's, also where it is 0, false or empty."""
    path = config(tmp_path, **{"model": "m", "tasks": "demo", name: in_file})
    arguments = [option] if text is None else [option, text]

    assert getattr(spec_from(given("--config", path, *arguments)), name) == value


def test_number_on_the_command_line_wins_over_numbers_of_tasks_in_the_file(tmp_path: Path) -> None:
    """`--n 2` is not undone by a file that says aime24:64."""
    path = config(tmp_path, model="m", tasks=["aime24:64", "my:task.yaml:8, demo"])

    found = spec_from(given("--config", path, "--n", "2"))

    assert (found.n, found.tasks) == (2, ("aime24", "my:task.yaml", "demo"))


def test_number_beside_a_task_wins_over_the_number_for_all() -> None:
    """On one command line the special case stands."""
    assert spec("--tasks", "aime24:64", "--n", "2").tasks == ("demo", "aime24:64")


def test_arguments_of_engine_and_template_win_one_by_one(tmp_path: Path) -> None:
    """What the command line does not name stays as in the file."""
    path = config(
        tmp_path,
        model="m",
        tasks="demo",
        engine_args={"dtype": "float16", "seed": 1, "enable_prefix_caching": True},
        chat_template_kwargs={"a": 1, "b": 2},
    )

    found = spec_from(
        given("--config", path, "--dtype", "float32", "--no-prefix-caching")
        | {"chat_template_kwargs": ["b=0"]}
    )

    assert found.engine_args == {"dtype": "float32", "seed": 1, "enable_prefix_caching": False}
    assert found.chat_template_kwargs == {"a": 1, "b": 0}


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--dtype", "bfloat16"], "dtype", "bfloat16"),
        (["--tp", "2"], "tensor_parallel_size", 2),
        (["--tensor-parallel-size", "2"], "tensor_parallel_size", 2),
        (["--max-model-len", "99"], "max_model_len", 99),
        (["--no-prefix-caching"], "enable_prefix_caching", False),
        (["--prefix-caching"], "enable_prefix_caching", True),
    ],
)
def test_shortcuts_are_engine_arguments(arguments: list[str], name: str, value: Any) -> None:
    """Common engine arguments have options of their own, and false is kept."""
    assert spec(*arguments).engine_args == {name: value}


@pytest.mark.parametrize(
    ("arguments", "same_as"),
    [
        (["--model_args", "a=1"], ["--engine-args", "a=1"]),
        (["--model-args", "a=1"], ["--engine-args", "a=1"]),
        (["--engine_args", "a=1"], ["--engine-args", "a=1"]),
        (["--max_tokens", "5"], ["--max-tokens", "5"]),
        (["--top_p", "0.5"], ["--top-p", "0.5"]),
        (["--repetition_penalty", "1.2"], ["--repetition-penalty", "1.2"]),
        (["--system_prompt", "a_b"], ["--system-prompt", "a_b"]),
        (["--chat_template_kwargs", "a_b=c_d"], ["--chat-template-kwargs", "a_b=c_d"]),
        (["--max_model_len", "7"], ["--max-model-len", "7"]),
        (["--data_dir", "a_b"], ["--data-dir", "a_b"]),
        (["--output_path", "o_p"], ["--out", "o_p"]),
        (["--output-path", "o"], ["--out", "o"]),
        (["--no_prefix_caching"], ["--no-prefix-caching"]),
        (["--plain_prompt"], ["--plain-prompt"]),
        (["-n", "3"], ["--n", "3"]),
        (["--samples", "3"], ["--n", "3"]),
    ],
)
def test_options_have_the_names_of_other_harnesses(
    arguments: list[str], same_as: list[str]
) -> None:
    """Underscores are as good as dashes in the name of an option; values stay as they are."""
    assert spec(*arguments) == spec(*same_as) != spec()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=1", {"a": 1}),
        ("a=1,b=x", {"a": 1, "b": "x"}),
        ("a-b=1e-3", {"a_b": 0.001}),
        ("a=0.9", {"a": 0.9}),
        ("a=False", {"a": False}),
        ("a=no", {"a": False}),
        ("a=null", {"a": None}),
        ("a=2024-01-01", {"a": "2024-01-01"}),
        ("a=http://h:1/v1", {"a": "http://h:1/v1"}),
        ("a=x=y", {"a": "x=y"}),
        ("a=[1,2],b=3", {"a": [1, 2], "b": 3}),
        ('a={"x": [1, 2], "y": 2},b=3', {"a": {"x": [1, 2], "y": 2}, "b": 3}),
        ("a=[x, y]", {"a": ["x", "y"]}),
        ('{"a": {"b": [1, 2]}}', {"a": {"b": [1, 2]}}),
    ],
)
def test_pairs_are_read_as_json_or_yaml(text: str, value: dict[str, Any]) -> None:
    """Numbers, booleans, lists and objects keep their type; everything else is text."""
    assert spec("--engine-args", text).engine_args == value
    assert spec("--chat-template-kwargs", text).chat_template_kwargs == value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine-args", "a"], "--engine-args 'a' is not of the form name=value"),
        (["--engine-args", "=1"], "--engine-args '=1' is not of the form name=value"),
        (["--engine-args", "a=1,b"], "--engine-args: 'b' is not of the form name=value"),
        (["--engine-args", "a=["], "--engine-args 'a=[': not a value that JSON or YAML has"),
        (["--engine-args", '{"a": '], "--engine-args '{\"a\": ' is not valid JSON: Expecting"),
        (["--engine-args", "model=x"], "engine argument 'model': the model is named by --model"),
        (["--k", "1,x"], "--k '1,x' is not a list of numbers, as 1,8,64"),
        (["--k", "0"], "k=0, but each k must be at least 1"),
        (["--n", "0"], "n=0, but it must be at least 1"),
        (["--limit", "0"], "limit=0, but it must be at least 1"),
        (["--grader-workers", "0"], "grader_workers=0, but it must be at least 1"),
        (["--stop", ""], "stop: an empty text stops nothing"),
        (["--engine", "vlm"], "unknown engine 'vlm'; known: hf, openai, replay, vllm"),
        (
            ["--grader", "maths"],
            "unknown grader 'maths'; known: archer2, code, code-process, math, ",
        ),
        (["--unclosed-thinking", "x"], "unknown unclosed_thinking 'x'; known: grade, no_answer"),
        (
            ["--engine", "openai", "--plain-prompt"],
            "plain_prompt has no effect with the engine 'openai'",
        ),
        (
            ["--engine", "openai", "--chat-template-kwargs", "a=1"],
            "chat_template_kwargs has no effect with the engine 'openai'",
        ),
    ],
)
def test_values_that_cannot_be_are_refused(arguments: list[str], message: str) -> None:
    """The error quotes the value and names what would be right."""
    with pytest.raises(UsageError) as error:
        spec(*arguments)

    assert message in str(error.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n": "many"}, "n: expected a whole number, found 'many'"),
        ({"n": 1.5}, "n: expected a whole number, found 1.5"),
        ({"n": True}, "n: expected a whole number, found True"),
        ({"temperature": "warm"}, "temperature: expected a number, found 'warm'"),
        ({"temperature": False}, "temperature: expected a number, found False"),
        ({"tasks": 5}, "tasks: expected text, found 5"),
        ({"tasks": None}, "tasks: expected text, found nothing"),
        ({"k": 0}, "k=0, but each k must be at least 1"),
        ({"k": [1, "x"]}, "k: expected a whole number, found 'x'"),
        ({"k": []}, "k=, but each k must be at least 1"),
        ({"seed": None}, "seed: expected a whole number, found nothing"),
        ({"model": 7}, "model: expected text, found 7"),
        ({"stop": {"a": 1}}, "stop: expected text, found {'a': 1}"),
        ({"engine_args": 3}, "engine_args: expected a mapping of names to values, found 3"),
        (
            {"engine_args": None},
            "engine_args: expected a mapping of names to values, found nothing",
        ),
        ({"chat_template": 3}, "chat_template: expected a path, found 3"),
        (
            {"plain_prompt": "yes please"},
            "plain_prompt: expected true or false, found 'yes please'",
        ),
        (
            {"modle": "x"},
            "unknown key modle; known: model, tasks, protocol, out, n, k, limit, seed",
        ),
        ({1: 2}, "unknown key 1; known: model"),
    ],
)
def test_wrong_types_in_a_file_are_named(
    tmp_path: Path, values: dict[Any, Any], message: str
) -> None:
    """A wrong type is an error of usage with the file, the key, what it must be and what it is."""
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump({"model": "m", "tasks": "demo", **values}))

    with pytest.raises(UsageError) as error:
        make_spec({}, path)

    assert message in str(error.value)
    if "expected" in message:
        assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(("name", "value"), [("tasks", ("demo",)), ("k", (4,)), ("stop", ("x",))])
def test_a_single_value_stands_for_a_list_of_one(tmp_path: Path, name: str, value: Any) -> None:
    """`k: 4` is `k: [4]`."""
    path = config(tmp_path, **{"model": "m", "tasks": "demo", name: value[0]})

    assert getattr(make_spec({}, Path(path)), name) == value


def test_relative_paths_of_a_file_start_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the command line; ~ is the home directory."""
    monkeypatch.setenv("HOME", "/home/me")
    path = config(tmp_path, model="m", tasks="demo", chat_template="t.jinja", data_dir="~/data")

    found = make_spec({}, Path(path))

    assert (found.chat_template, found.data_dir) == (Path("t.jinja"), Path("/home/me/data"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing: --model and --tasks (or model: and tasks: in the file named by --config)"),
        (["--tasks", "demo"], "missing: --model (or model: in the file named by --config)"),
        (["--config", "none.yaml"], "cannot read none.yaml: No such file or directory"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], message: str) -> None:
    """A command without model, tasks or its file says which."""
    with pytest.raises(EvalkitError) as error:
        spec_from(given(*arguments))

    assert str(error.value) == message


def test_tasks_given_as_one_text_from_python_are_refused() -> None:
    """A text is not taken for a list of letters."""
    with pytest.raises(UsageError, match="tasks='demo', but it must be a list of names"):
        RunSpec(model="m", tasks="demo")  # type: ignore[arg-type]


def test_each_grader_is_for_answers_or_for_programs() -> None:
    """No name stands for both, and each says what it does."""
    assert set(MATH_GRADERS) == {"archer2", "math", "math-verify", "qwen-math"}
    assert set(CODE_GRADERS) == {"code", "code-process"}
    assert {**MATH_GRADERS, **CODE_GRADERS} == GRADERS
    assert all(GRADERS.values())


def test_spec_of_a_manifest_can_be_given_back(tmp_path: Path) -> None:
    """The fields, written down as in the manifest of a run, are a file for --config."""
    found = spec("--temperature", "0", "--k", "1,2", "--engine-args", "a=[1]", "--data-dir", "d")
    path = tmp_path / "again.json"
    path.write_text(json.dumps(dataclasses.asdict(found), default=str))

    assert make_spec({}, path) == found
