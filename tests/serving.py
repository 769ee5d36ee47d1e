"""A real reward server in a process of its own, for tests of whoever asks it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import IO

import psutil

_MAIN = "from evalkit.cli import main; main()"


@dataclass(frozen=True)
class Server:
    url: str
    pid: int


@contextmanager
def serving(*options: str, token: str | None = None) -> Iterator[Server]:
    """`evalkit serve` with these options on a free port, until the end of the block."""
    environment = {**os.environ, **({"EVALKIT_TOKEN": token} if token else {})}
    process = subprocess.Popen(
        [sys.executable, "-c", _MAIN, "serve", "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with process:
        try:
            assert process.stderr
            first = process.stderr.readline()
            address = re.search(r"http://\S+", first)
            assert address, first + process.stderr.read()
            with _drained(process.stderr):
                try:
                    yield Server(address[0], process.pid)
                finally:
                    process.terminate()
        finally:
            process.terminate()


@contextmanager
def _drained(stream: IO[str]) -> Iterator[None]:
    """A full pipe would stop the server."""
    reader = Thread(target=stream.read)
    reader.start()
    try:
        yield
    finally:
        reader.join()


@contextmanager
def dying_graders(pid: int) -> Iterator[None]:
    """Whatever compares answers for the process `pid` is killed again and again."""
    is_over = Event()
    thread = Thread(target=_kill_graders, args=(pid, is_over))
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _kill_graders(pid: int, is_over: Event) -> None:
    while not is_over.wait(0.02):
        for child in psutil.Process(pid).children():
            with suppress(psutil.NoSuchProcess):
                if "evalkit.graders.supervisor" in child.cmdline():
                    for grader in child.children():
                        grader.kill()
