"""What a user can ask of the reward server, by options, YAML and environment, and what is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from typer.testing import CliRunner

from evalkit.cli import app
from evalkit.server.spec import ServeSpec, make_serve_spec
from evalkit.types import UsageError

TOKEN = "s3cret"


@pytest.fixture(autouse=True)
def _no_token_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALKIT_TOKEN", raising=False)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"graders": ("maths",)}, "unknown grader 'maths'; known: archer2, code"),
    ({"graders": ()}, "nothing could be graded"),
    ({"when_full": "drop"}, "unknown when_full 'drop'; known: refuse, wait"),
    ({"unclosed_thinking": "x"}, "unknown unclosed_thinking 'x'; known: grade, no_answer"),
    ({"port": -1}, "port=-1, but a port is a number from 0 to 65535"),
    ({"port": 65536}, "port=65536"),
    ({"fallback": -0.1}, "fallback=-0.1, but a score is a number from 0 to 1"),
    ({"fallback": 1.5}, "fallback=1.5"),
    ({"fallback": float("nan")}, "fallback=nan"),
    ({"grader_workers": 0}, "grader_workers=0, but it must be a number above 0"),
    ({"max_waiting": 0}, "max_waiting=0"),
    ({"max_batch": -1}, "max_batch=-1"),
    ({"max_body_mib": 0}, "max_body_mib=0"),
    ({"max_completion_chars": 0}, "max_completion_chars=0"),
    ({"deadline_s": 0.0}, "deadline_s=0.0"),
    ({"deadline_s": float("nan")}, "deadline_s=nan"),
    ({"body_s": float("inf")}, "body_s=inf"),
    ({"drain_s": -1.0}, "drain_s=-1.0"),
]


@pytest.mark.parametrize(("fields", "error"), WRONG)
def test_wrong_values(fields: dict[str, Any], error: str) -> None:
    """The error names the value and what would be right."""
    with pytest.raises(UsageError) as found:
        ServeSpec(**fields)

    assert error in str(found.value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("ports: 80", "unknown key ports; known: host, port,"),
        ("port: '80'", "port: expected a whole number, found '80'"),
        ("port: true", "port: expected a whole number, found True"),
        ("port: 80.5", "port: expected a whole number"),
        ("deadline_s: soon", "deadline_s: expected a number"),
        ("insecure: 1", "insecure: expected true or false"),
        ("host: null", "host: expected text, found nothing"),
        ("graders: [1]", "graders: expected text, found 1"),
        ("- port", "must hold a mapping"),
        ("port: [", "not valid YAML"),
        ("port: 70000", "a port is a number from 0 to 65535"),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, error: str) -> None:
    """Unknown keys and other types are mistakes."""
    config = tmp_path / "serve.yaml"
    config.write_text(text)
    with pytest.raises(UsageError) as found:
        make_serve_spec({}, config)

    assert error in str(found.value)


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    """What neither says is the default; a list is YAML's, or words with commas."""
    config = tmp_path / "serve.yaml"
    config.write_text("port: 1\ntasks: [demo, 'aime24, math500']\ndeadline_s: 5e1\n")
    spec = make_serve_spec({"port": 2, "graders": "math, math-verify,"}, config)

    assert (spec.port, spec.deadline_s, spec.host) == (2, 50.0, "127.0.0.1")
    assert spec.tasks == ("demo", "aime24", "math500")
    assert spec.graders == ("math", "math-verify")


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
        ("example.com", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_other_machines_need_a_token(tmp_path: Path, host: str, is_local: bool) -> None:
    """Or an explicit word that they do not; in doubt an address is reachable."""
    spec = ServeSpec(host=host)
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)

    assert spec.is_local == is_local
    assert ServeSpec(host=host, insecure=True).token() is None
    assert ServeSpec(host=host, token_file=token_file).token() == TOKEN
    if is_local:
        assert spec.token() is None
    else:
        with pytest.raises(UsageError, match="--token-file, set EVALKIT_TOKEN, or say --insecure"):
            spec.token()


def test_the_file_wins_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both may end in a line break."""
    token_file = tmp_path / "token"
    token_file.write_text("of-the-file\n")
    monkeypatch.setenv("EVALKIT_TOKEN", " of-the-environment\n")

    assert ServeSpec().token() == "of-the-environment"
    assert ServeSpec(token_file=token_file).token() == "of-the-file"


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff", "ü".encode(), b"a\nb"])
def test_what_is_no_token(tmp_path: Path, content: bytes) -> None:
    """A header could not carry it, or nobody would need to know it; it is not shown."""
    token_file = tmp_path / "token"
    token_file.write_bytes(content)
    with pytest.raises(UsageError, match="token") as found:
        ServeSpec(token_file=token_file).token()

    assert "words" not in str(found.value)


def test_a_token_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was named must be there; an empty variable is none."""
    with pytest.raises(UsageError, match="cannot read the token in"):
        ServeSpec(token_file=tmp_path / "none").token()
    monkeypatch.setenv("EVALKIT_TOKEN", " ")

    assert ServeSpec().token() is None


def options() -> Mapping[str, Any]:
    from typer.main import get_command

    commands: Any = get_command(app)
    return {one.name: one for one in commands.commands["serve"].params}


def test_every_field_is_an_option() -> None:
    """And no option is without a field."""
    assert options().keys() - {"help", "config"} == get_type_hints(ServeSpec).keys()


@pytest.mark.parametrize(
    "name", ["when_full", "max_waiting", "max_batch", "max_body_mib", "deadline_s", "drain_s"]
)
def test_the_help_tells_the_default(name: str) -> None:
    """The one that holds."""
    value = ServeSpec.__dataclass_fields__[name].default
    shown = f"{value:g}" if isinstance(value, float) else str(value)

    assert shown in options()[name].help


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--host", "0.0.0.0"], "set EVALKIT_TOKEN, or say --insecure"),
        (["--tasks", "nope"], "unknown task or suite 'nope'"),
        (["--graders", "math,maths"], "unknown grader 'maths'"),
        (["--deadline-s", "nan"], "deadline_s=nan"),
        (["--config", "/nonexistent.yaml"], "cannot read /nonexistent.yaml"),
        (["--protocol", "nope", "--tasks", "demo"], "unknown protocol 'nope'"),
        (["--host", "256.0.0.1", "--insecure"], "cannot listen on 256.0.0.1 port 8000"),
    ],
)
def test_a_server_that_cannot_start_says_why(arguments: list[str], error: str) -> None:
    """In a sentence, before it listens."""
    found = CliRunner().invoke(app, ["serve", *arguments])

    assert found.exit_code != 0
    assert error in str(found.exception)
    assert isinstance(found.exception, UsageError)
