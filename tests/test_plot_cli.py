"""`evalkit plot` as a user types it: which files it writes where, and what it refuses."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from training_runs import lifelike, write_training
from typer.testing import CliRunner, Result

from evalkit.cli import plot
from evalkit.types import RunError, UsageError

Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`evalkit plot` in an empty directory beside the runs a and b."""
    pytest.importorskip("matplotlib")
    app = typer.Typer()
    plot.register(app)
    for name, seed in (("a", 1), ("b", 2)):
        write_training(tmp_path / name, lifelike("grpo", seed, num_steps=4), seed=seed)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.mark.parametrize(
    ("runs", "written"),
    [
        (["../a"], ["../a/curves.png", "../a/curves.html"]),
        (["../a", "../b"], ["curves.png", "curves.html"]),
    ],
)
def test_without_out_picture_and_page_go_where_the_runs_are(
    command: Command, runs: list[str], written: list[str]
) -> None:
    """Into a single run, beside several; the paths are what is printed."""
    done = command(*runs)

    assert done.output.split() == written
    assert Path(written[0]).read_bytes().startswith(b"\x89PNG")
    assert Path(written[1]).read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("name", "opening"), [("x.png", b"\x89PNG"), ("x.svg", b"<?xml"), ("x.html", b"<!DOCTYPE")]
)
def test_out_says_where_and_in_which_format(command: Command, name: str, opening: bytes) -> None:
    """A folder that does not exist yet is made."""
    done = command("../a", "--out", f"new/{name}")

    assert done.output == f"new/{name}\n"
    assert Path(f"new/{name}").read_bytes().startswith(opening)


def test_metrics_and_smoothing_reach_the_page(command: Command) -> None:
    """Only what was asked for is drawn, and the page says that it is smoothed."""
    command("../a", "--out", "x.html", "--metrics", "actor/entropy,timing_s/*", "--smooth", "0.5")

    page = Path("x.html").read_text()
    assert page.count("<svg") == 2
    assert "Smoothed, with weight 0.5" in page


# What is typed after `evalkit plot`, the error and a part of its message.
BAD: list[tuple[str, type[Exception], str]] = [
    ("../a --metrics entropy", UsageError, "unknown metric 'entropy'; known: actor/entropy, "),
    ("../a --out x.pdf", UsageError, "--out x.pdf does not end with .png, .svg, .html"),
    ("../a --smooth 1", UsageError, "--smooth 1 is not from 0 to below 1"),
    ("../a --smooth -0.1", UsageError, "--smooth -0.1 is not from 0 to below 1"),
    ("..", RunError, ".. is no training directory: it has no metrics.jsonl"),
]


@pytest.mark.parametrize(("typed", "kind", "message"), BAD)
def test_what_is_wrong_is_named(
    command: Command, typed: str, kind: type[Exception], message: str
) -> None:
    """Before anything is written."""
    done = command(*typed.split())

    assert isinstance(done.exception, kind)
    assert message in str(done.exception)
    assert list(Path().iterdir()) == []


def test_without_matplotlib_the_extra_is_named(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is the command that mends it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    assert "pip install 'evalkit[train]'" in str(command("../a").exception)
