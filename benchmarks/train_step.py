"""Seconds of a training step: evalkit, TRL's GRPOTrainer 1.16 on transformers, and the least possible.

All make the same step, of 32 problems of the task demo_train with 8 samples of exactly 128 new tokens
and four optimizer updates in float32, with the checkpoint of the demo (0.4 M parameters) and with a
random one of 10 M. `own_train.py`, `bare_train.py` and `trl_train.py` say what is in the seconds of
each. They stay loaded and take turns, so that noise hits all alike; the first turn does not count.

usage: python benchmarks/train_step.py [--trl-python PYTHON] [--rounds 5] [--threads N]

PYTHON is an interpreter that has trl 1.16 with the same torch and transformers; without it one is
made by pip, which has to be able to find this build of torch. --no-trl leaves TRL out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from timing import interleave, print_ratios
from tiny_model import make_endless

_HERE = Path(__file__).parent
_DEMO = _HERE.parent / "tasks" / "demo"
_PROBLEMS = str(_DEMO / "training.jsonl")
_SHAPES = {
    "0.4 M": None,
    "10 M": {
        "hidden_size": 320,
        "intermediate_size": 896,
        "num_hidden_layers": 8,
        "num_attention_heads": 5,
        "num_key_value_heads": 5,
    },
}
_FLOOR_GOALS = {"0.4 M": "at most 1.3", "10 M": "at most 1.15"}
_TRL_GOALS = {"0.4 M": "none", "10 M": "at least 1.5"}


class _Contestant:
    """A process that makes a step when told to; see turns.py."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self.phases: dict[str, list[float]] = defaultdict(list)
        self._read()

    def step(self) -> float:
        """Seconds."""
        assert self._process.stdin
        print(file=self._process.stdin, flush=True)
        report = self._read()
        for name, seconds in report["phases"].items():
            self.phases[name].append(seconds)
        return float(report["seconds"])

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args!r} ended:\n{self._log.read_text()[-4000:]}")
        report: dict[str, Any] = json.loads(line)
        return report


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trl-python")
    parser.add_argument("--no-trl", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = None if options.no_trl else options.trl_python or _make_trl(folder / "trl")
        for size, shape in _SHAPES.items():
            model = folder / size.replace(" ", "")
            num_parameters = make_endless(model, _DEMO / "checkpoint", shape)
            print(f"{size}: {num_parameters:,} parameters, {options.threads} threads", flush=True)
            _compare(size, _commands(model, python), options.rounds, options.threads)


def _make_trl(folder: Path) -> str:
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    same = [f"{name}=={version(name)}" for name in ("torch", "transformers")]
    subprocess.run([python, "-m", "pip", "install", "--quiet", "trl==1.16.0", *same], check=True)
    return python


def _commands(model: Path, trl_python: str | None) -> dict[str, list[str]]:
    out = f"{model}-out"
    commands = {
        "evalkit": [sys.executable, str(_HERE / "own_train.py"), str(model), out],
        "floor": [sys.executable, str(_HERE / "bare_train.py"), str(model), _PROBLEMS],
    }
    if trl_python:
        script = str(_HERE / "trl_train.py")
        commands["TRL"] = [trl_python, script, str(model), _PROBLEMS, f"{out}-trl"]
    return commands


def _compare(size: str, commands: dict[str, list[str]], rounds: int, threads: int) -> None:
    with ExitStack() as stack:
        contestants = {
            name: stack.enter_context(_started(command, threads))
            for name, command in commands.items()
        }
        measures = {name: one.step for name, one in contestants.items()}
        results = interleave(measures, rounds, "s")
    for name, one in contestants.items():
        phases = [f"{part} {statistics.median(all_):.2f}" for part, all_ in one.phases.items()]
        print(f"{name}: median {statistics.median(results[name]):.2f} s; {', '.join(phases)}")
    print_ratios(results, "evalkit", {"floor": _FLOOR_GOALS[size]})
    if "TRL" in results:
        print_ratios(results, "TRL", {"evalkit": _TRL_GOALS[size]})


@contextmanager
def _started(command: list[str], threads: int) -> Iterator[_Contestant]:
    """Loaded and warmed up; ends when its turns do."""
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        with process:
            try:
                yield _Contestant(process, Path(log.name))
            except BaseException:
                process.terminate()
                raise


if __name__ == "__main__":
    main()
