"""Where metrics go: what is refused, what a resumed run cuts off, and the sinks for people."""

import errno
import json
import math
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.train.loggers import MetricsLog, check_sinks, open_sinks, truncate_after
from evalkit.types import RunError, UsageError

LINES = [{"step": step, "reward": step / 7} for step in range(6)]
TEXT = "".join(f"{json.dumps(line)}\n" for line in LINES)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.jsonl"
    path.write_text(TEXT)
    return path


def test_each_step_is_a_line_of_numbers(tmp_path: Path) -> None:
    """Readable as soon as it is logged; whole numbers and numpy's become floats."""
    import numpy as np

    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.log(3, {"reward": 0.5, "batch/solve_all": 2, "actor/entropy": np.float32(0.25)})

    assert lines_of(tmp_path / "metrics.jsonl") == [
        {"step": 3, "reward": 0.5, "batch/solve_all": 2.0, "actor/entropy": 0.25}
    ]
    log.close()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_refused(tmp_path: Path, value: float) -> None:
    """The metric is named, and nothing of the step is written, to no sink."""
    with (
        open_sinks((), tmp_path, {}, -1) as sinks,
        pytest.raises(ValueError, match=f"step 4: actor/grad_norm is {value}, not a finite number"),
    ):
        sinks.log(4, {"reward": 0.5, "actor/grad_norm": value})

    assert (tmp_path / "metrics.jsonl").read_text() == ""


@pytest.mark.parametrize(("step", "num_kept"), [(-1, 0), (0, 1), (3, 4), (5, 6), (9, 6)])
def test_steps_after_the_checkpoint_are_cut_off(file: Path, step: int, num_kept: int) -> None:
    """What is kept is kept to the byte."""
    truncate_after(file, step)

    assert file.read_text() == "".join(TEXT.splitlines(keepends=True)[:num_kept])


@given(st.integers(0, len(TEXT)), st.integers(-1, 5))
def test_a_file_cut_anywhere_keeps_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, size: int, step: int
) -> None:
    """However much of the file a kill left, only whole lines up to the checkpoint are kept."""
    path = tmp_path_factory.mktemp("cut") / "metrics.jsonl"
    path.write_text(TEXT[:size])
    truncate_after(path, step)

    num_whole = TEXT[:size].count("\n")
    assert lines_of(path) == LINES[: min(num_whole, step + 1)]


def test_no_file_is_nothing_to_cut(tmp_path: Path) -> None:
    """A run that starts has none yet."""
    truncate_after(tmp_path / "metrics.jsonl", 3)

    assert list(tmp_path.iterdir()) == []


def test_a_damaged_line_is_named_and_the_file_stays(file: Path) -> None:
    """Nothing is cut from a file that is not understood."""
    file.write_text(TEXT + '{"reward": 1}\n')

    with pytest.raises(RunError, match=r"metrics\.jsonl, line 7 is damaged: 'step'"):
        truncate_after(file, 3)
    assert file.read_text().startswith(TEXT)


def test_a_full_disk_leaves_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines are first written beside it."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="no space left on the disk"):
        truncate_after(file, 3)

    assert [one.name for one in file.parent.iterdir()] == [file.name]
    assert file.read_text() == TEXT


def test_a_resumed_run_goes_on_after_its_checkpoint(file: Path) -> None:
    """Steps that come again are there once."""
    with open_sinks((), file.parent, {}, 3) as sinks:
        sinks.log(4, {"reward": 1.0})

    assert lines_of(file) == [*LINES[:4], {"step": 4, "reward": 1.0}]


def test_a_sink_that_does_not_exist_lists_those_that_do(file: Path) -> None:
    """And leaves the file as it is."""
    with (
        pytest.raises(UsageError, match="unknown logger 'mlflow'; known: tensorboard, wandb"),
        open_sinks(("mlflow",), file.parent, {}, 3),
    ):
        pass
    assert file.read_text() == TEXT


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_package_is_named_by_its_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Early, before a model is loaded, the settings can be checked."""
    monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(UsageError, match=rf"'{name}' .* pip install 'evalkit\[{name}\]'"):
        check_sinks((name,))


def test_a_folder_with_the_name_of_a_package_is_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W&B and TensorBoard leave such folders where they run."""
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    (tmp_path / "wandb").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    with pytest.raises(UsageError, match="needs a package"):
        check_sinks(("wandb",))


def log_and_resume(names: tuple[str, ...], path: Path) -> None:
    """Steps 1 to 5, a kill after the checkpoint of step 3, and steps 4 to 6 with other values."""
    for last, steps, reward in ((-1, range(1, 6), 0.25), (3, range(4, 7), 0.75)):
        with open_sinks(names, path, {"lr": 0.1}, last) as sinks:
            for step in steps:
                sinks.log(step, {"reward": reward})


EXPECTED = [(1, 0.25), (2, 0.25), (3, 0.25), (4, 0.75), (5, 0.75), (6, 0.75)]


def test_a_resumed_run_is_one_curve_in_tensorboard(tmp_path: Path) -> None:
    """Its reader drops what the first part logged after the checkpoint."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log_and_resume(("tensorboard",), tmp_path)

    reader = EventAccumulator(str(tmp_path / "tensorboard"))
    reader.Reload()
    assert [(one.step, one.value) for one in reader.Scalars("reward")] == EXPECTED
    assert [
        (line["step"], line["reward"]) for line in lines_of(tmp_path / "metrics.jsonl")
    ] == EXPECTED


def wandb_records(content: bytes) -> Iterator[bytes]:
    """The records of a file of W&B's offline mode: LevelDB's log format after 7 bytes of its own.

    Blocks of 32 KiB hold pieces, each with checksum, length and kind; kinds 1 and 4 end a record.
    """
    record, position = b"", 7
    while position + 7 <= len(content):
        if 32768 - position % 32768 < 7:
            position += 32768 - position % 32768
        length, kind = struct.unpack_from("<HB", content, position + 4)
        record += content[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            yield record
            record = b""


def wandb_history(path: Path) -> list[tuple[int, float]]:
    """Steps and rewards."""
    from wandb.proto.wandb_internal_pb2 import Record

    rows = []
    for record in map(Record.FromString, wandb_records(path.read_bytes())):
        if record.WhichOneof("record_type") == "history":
            items = {one.key or one.nested_key[0]: one.value_json for one in record.history.item}
            rows.append((record.history.step.num, float(items["reward"])))
    return rows


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Where W&B is installed: it reads the environment anew, and ends its own process."""
    package = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield monkeypatch
    package.teardown()


def test_a_resumed_run_is_one_curve_in_wandb(tmp_path: Path, wandb: pytest.MonkeyPatch) -> None:
    """Offline, where W&B cannot go on with a run, the last directory holds the whole of it."""
    wandb.setenv("WANDB_MODE", "offline")

    log_and_resume(("wandb",), tmp_path)

    files = list((tmp_path / "wandb").glob("offline-run-*/*.wandb"))
    assert {one.stem for one in files} == {f"run-{(tmp_path / 'wandb_run_id.txt').read_text()}"}
    assert wandb_history(max(files, key=os.path.getmtime)) == EXPECTED


def test_wandb_without_a_key_says_what_to_do(tmp_path: Path, wandb: pytest.MonkeyPatch) -> None:
    """No traceback of another library."""
    wandb.setenv("WANDB_MODE", "online")
    wandb.setenv("HOME", str(tmp_path))
    wandb.delenv("WANDB_API_KEY", raising=False)

    with (
        pytest.raises(UsageError, match=r"wandb cannot start: .*WANDB_MODE=offline"),
        open_sinks(("wandb",), tmp_path, {}, -1),
    ):
        pass
