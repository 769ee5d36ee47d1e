"""Where the metrics of each step go: always to metrics.jsonl, and to other sinks that were chosen.

metrics.jsonl is what evalkit itself reads; the others show the same numbers to people.
"""

import importlib.util
import math
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.curves.read import METRICS_FILE
from evalkit.jsonl import JsonlWriter, encoded, read_lines, write_error
from evalkit.types import UsageError, unknown

Log = Callable[[int, Mapping[str, float]], None]


class MetricsLog:
    """Appends a line for each step to a file, which is safe on the disk when `log` returns."""

    def __init__(self, path: Path) -> None:
        self._writer = JsonlWriter(path)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Raises ValueError, naming the metric, for a value that is no finite number."""
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise ValueError(f"step {step}: {name} is {value}, not a finite number")
        self._writer.append({"step": step, **{name: float(metrics[name]) for name in metrics}})
        self._writer.sync()

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True, slots=True)
class Sinks:
    """All that was opened; metrics.jsonl comes first, and refuses for all."""

    logs: tuple[Log, ...]

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Raises ValueError for a value that is no finite number; then nothing is logged."""
        for log in self.logs:
            log(step, metrics)


@contextmanager
def open_sinks(
    names: Sequence[str], directory: Path, config: Mapping[str, Any], resume_from_step: int
) -> Iterator[Sinks]:
    """metrics.jsonl in `directory`, and the sinks of those names; `config` has values as in JSON.

    `resume_from_step` is the step of the checkpoint that training goes on from, -1 without one:
    what was logged after it is cut off, and will come again. Raises UsageError for a name that does
    not exist, a package that is missing and a sink that cannot start, RunError for a damaged file.
    """
    check_sinks(names)
    path = directory / METRICS_FILE
    truncate_after(path, resume_from_step)
    with ExitStack() as stack:
        own = stack.enter_context(closing(MetricsLog(path)))
        chosen = [_SINKS[name] for name in dict.fromkeys(names)]
        others = [stack.enter_context(sink(directory, config, resume_from_step)) for sink in chosen]
        yield Sinks((own.log, *others))


def check_sinks(names: Sequence[str]) -> None:
    """Raises UsageError for a name that does not exist, or whose package is not installed."""
    for name in names:
        if name not in _SINKS:
            raise unknown("logger", name, _SINKS)
        package = importlib.util.find_spec(name)
        if package is None or package.origin is None:  # None: a mere folder of that name
            raise UsageError(f"the logger {name!r} needs a package: pip install 'evalkit[{name}]'")


def truncate_after(path: Path, step: int) -> None:
    """Cuts off the lines of later steps and a torn last line; a kill leaves the old file or the new.

    Does nothing without a file. Raises RunError for a damaged line and where the disk is full.
    """
    if not path.exists():
        return

    def kept(line: dict[str, Any]) -> dict[str, Any] | None:
        return line if line["step"] <= step else None

    lines = [encoded(line) + b"\n" for line in read_lines(path, kept) if line is not None]
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _tensorboard(directory: Path, config: Mapping[str, Any], last_step: int) -> Iterator[Log]:
    """Event files in `directory`/tensorboard, where readers pass over old ones after `last_step`."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(directory / "tensorboard"), purge_step=last_step + 1) as writer:
        settings = encoded(dict(config), indent=2).decode()
        writer.add_text("config", f"```json\n{settings}\n```", last_step + 1)

        def log(step: int, metrics: Mapping[str, float]) -> None:
            for name, value in metrics.items():
                writer.add_scalar(name, value, step)
            writer.flush()

        yield log


@contextmanager
def _wandb(directory: Path, config: Mapping[str, Any], _last_step: int) -> Iterator[Log]:
    """One run of Weights & Biases for the directory, whose id is kept there.

    W&B takes no step twice; the steps that it has of after the checkpoint stay, and come out the
    same. What it lacks is logged again from metrics.jsonl: that is all of it when WANDB_MODE is
    offline, where runs cannot be continued, so that the last offline directory is whole by itself.
    """
    import wandb

    try:
        run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "evalkit"),
            name=directory.resolve().name,
            id=_run_id(directory / "wandb_run_id.txt"),
            resume="allow",
            dir=directory,
            config=dict(config),
        )
    except wandb.errors.Error as error:
        raise UsageError(
            f"wandb cannot start: {error} With WANDB_MODE=offline it needs no server."
        ) from error
    first = run.step

    def log(step: int, metrics: Mapping[str, float]) -> None:
        if step >= first:
            run.log(dict(metrics), step=step)

    with run:
        for line in read_lines(directory / METRICS_FILE, dict):
            log(line.pop("step"), line)
        yield log


def _run_id(path: Path) -> str:
    if not path.exists():
        path.write_text(secrets.token_hex(4), encoding="utf-8")
    return path.read_text(encoding="utf-8")


_SINKS: Mapping[str, Callable[[Path, Mapping[str, Any], int], AbstractContextManager[Log]]] = {
    "tensorboard": _tensorboard,
    "wandb": _wandb,
}
