"""The sandbox itself, in real containers: what each program leads to, and that nothing of it stays."""

import gc
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest
from docker_wire import Wire, opened_wire

from evalkit.sandbox import container as container_module
from evalkit.sandbox import docker as docker_module
from evalkit.sandbox import types as types_module
from evalkit.sandbox.docker import DockerSandbox
from evalkit.sandbox.image import find_image
from evalkit.sandbox.options import container_options
from evalkit.sandbox.owner import OWNER, owner
from evalkit.sandbox.types import Execution, Limits, Mode, Program, Status
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

pytestmark = pytest.mark.docker

SHORT = Limits(cpu_s=1.0)
ADD = "a, b = map(int, input().split())\nprint(a + b)\n"
ECHO = "class Solution:\n    def echo(self, value):\n        return value\n"


@pytest.fixture(scope="module")
def sandbox(sandbox_client: "DockerClient") -> Iterator[DockerSandbox]:
    with DockerSandbox(num_slots=1) as made:
        yield made


def run(
    sandbox: DockerSandbox,
    code: str,
    inputs: Iterable[bytes] = (b"",),
    *,
    mode: Mode = Mode.PROCESS,
    fn_name: str | None = None,
    limits: Limits = SHORT,
) -> list[Execution]:
    with closing(sandbox.run(Program(code, mode, fn_name), inputs, limits)) as executions:
        return list(executions)


def run_one(sandbox: DockerSandbox, code: str, given: bytes = b"", **options: Any) -> Execution:
    (execution,) = run(sandbox, code, [given], **options)
    return execution


def own_containers(client: "DockerClient", name: str | None = None) -> "list[Container]":
    label = f"{OWNER}={name or owner()}"
    return client.containers.list(all=True, filters={"label": label}, ignore_removed=True)


def container_id(sandbox: DockerSandbox) -> str:
    (hostname,) = {run_one(sandbox, "import os\nprint(os.uname().nodename)").stdout for _ in "12"}
    return hostname.decode().strip()


def eventually(is_true: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("mode", Mode)
def test_results_come_in_the_order_of_the_inputs(sandbox: DockerSandbox, mode: Mode) -> None:
    """More of them than are on their way at the same time."""
    inputs = [f"{i} {i}\n".encode() for i in range(100)]

    found = run(sandbox, ADD, inputs, mode=mode)

    assert [one.index for one in found] == list(range(100))
    assert [one.stdout for one in found] == [f"{2 * i}\n".encode() for i in range(100)]
    assert {one.status for one in found} == {Status.OK}


@pytest.mark.parametrize("mode", Mode)
def test_a_function_returns_a_value(sandbox: DockerSandbox, mode: Mode) -> None:
    found = run_one(sandbox, ECHO, b'{"a": [1, null]}', mode=mode, fn_name="echo")

    assert (found.status, found.value) == (Status.OK, b'{"d": [["a", [1, null]]]}')


def test_inputs_are_asked_for_as_they_are_needed(sandbox: DockerSandbox) -> None:
    """All tests of a problem are never in memory together."""
    asked = []

    def inputs() -> Iterator[bytes]:
        for number in range(1000):
            asked.append(number)
            yield b" " * (1 << 20)

    with closing(sandbox.run(Program("", Mode.PROCESS), inputs(), SHORT)) as executions:
        next(executions)

    assert len(asked) < 10


def test_stopping_early_ends_the_program_and_keeps_the_container(sandbox: DockerSandbox) -> None:
    before = container_id(sandbox)
    code = "import time\nprint(input(), flush=True)\nif input() == 'wait': time.sleep(60)"
    inputs = [b"1\nend", *[b"2\nwait"] * 20]
    start = time.monotonic()

    with closing(sandbox.run(Program(code, Mode.PROCESS), inputs, Limits())) as executions:
        assert next(executions).stdout == b"1\n"

    assert time.monotonic() - start < 5
    assert container_id(sandbox) == before
    assert run_one(sandbox, ADD, b"1 2").stdout == b"3\n"


RETURNS = "def f(n):\n    return {}\n"
STATUSES: dict[str, tuple[str, dict[str, Any], Status, str]] = {
    "an exception": ("1 / 0", {}, Status.RUNTIME_ERROR, "exit code 1"),
    "an exit code": ("import sys\nsys.exit(7)", {}, Status.RUNTIME_ERROR, "exit code 7"),
    "an exit with a text": ("exit('no')", {}, Status.RUNTIME_ERROR, "exit code 1"),
    "an exit code of zero": ("exit(0)", {}, Status.OK, ""),
    "a signal": (
        "import os\nos.kill(os.getpid(), 15)",
        {},
        Status.RUNTIME_ERROR,
        "killed by signal 15",
    ),
    "a crash": (
        "import ctypes\nctypes.string_at(0)",
        {},
        Status.RUNTIME_ERROR,
        "killed by signal 11",
    ),
    "a syntax error": ("def f(:", {}, Status.RUNTIME_ERROR, "exit code 1"),
    "NUL in the source": ("x = '\0'", {}, Status.RUNTIME_ERROR, "exit code 1"),
    "a lone surrogate": ("x = '\ud800'", {}, Status.RUNTIME_ERROR, "exit code 1"),
    "CPU time": ("while True: pass", {}, Status.TIME_LIMIT, "cpu"),
    "memory": ("x = b'x' * (3 << 30)", {"limits": Limits(cpu_s=60)}, Status.MEMORY_LIMIT, ""),
    "output": (
        "while True: print('x' * 100_000)",
        {"limits": Limits(cpu_s=1.0, output_mib=1)},
        Status.OUTPUT_LIMIT,
        "more than 1048576 bytes",
    ),
    "a large value": (
        RETURNS.format("'x' * 2_000_000"),
        {"fn_name": "f", "limits": Limits(cpu_s=1.0, output_mib=1)},
        Status.OUTPUT_LIMIT,
        "more than 1048576 bytes",
    ),
    "a value longer than any may be": (
        "import os, time\ndef f(n):\n    os.write(4, b'V' + b'\\xff' * 4)\n    time.sleep(60)\n",
        {"fn_name": "f"},
        Status.OUTPUT_LIMIT,
        "more than 33554432 bytes",
    ),
    "a function that leaves a thread behind": (
        "import threading, time\ndef f(n):\n"
        "    threading.Thread(target=time.sleep, args=(600,)).start()\n    return n\n",
        {"fn_name": "f"},
        Status.OK,
        "",
    ),
    "a function that raises": (
        RETURNS.format("1 / 0"),
        {"fn_name": "f"},
        Status.RUNTIME_ERROR,
        "ZeroDivisionError: division by zero",
    ),
    "a function that is absent": (
        "def g(n): pass",
        {"fn_name": "f"},
        Status.RUNTIME_ERROR,
        "has no attribute 'f'",
    ),
    "a function that leaves": (
        RETURNS.format("__import__('os')._exit(0)"),
        {"fn_name": "f"},
        Status.RUNTIME_ERROR,
        "exited without a result",
    ),
    "a function that leaves, official": (
        RETURNS.format("__import__('posix')._exit(0)"),
        {"fn_name": "f", "mode": Mode.OFFICIAL},
        Status.RUNTIME_ERROR,
        "exited without a result",
    ),
    "a function in a loop, official": (
        RETURNS.format("[0 for _ in iter(int, 1)]"),
        {"fn_name": "f", "mode": Mode.OFFICIAL},
        Status.TIME_LIMIT,
        "cpu",
    ),
    "an exception, official": (
        "1 / 0",
        {"mode": Mode.OFFICIAL},
        Status.RUNTIME_ERROR,
        "ZeroDivisionError",
    ),
    "a syntax error, official": (
        "def f(:",
        {"mode": Mode.OFFICIAL},
        Status.RUNTIME_ERROR,
        "SyntaxError",
    ),
}


@pytest.mark.parametrize(
    ("code", "options", "status", "detail"), STATUSES.values(), ids=STATUSES.keys()
)
def test_the_status_says_how_a_program_ended(
    sandbox: DockerSandbox, code: str, options: dict[str, Any], status: Status, detail: str
) -> None:
    found = run_one(sandbox, code, b"1", **options)

    assert (found.status, detail in found.detail) == (status, True), found
    assert run_one(sandbox, ADD, b"1 2").stdout == b"3\n"


EXIT_CODES: dict[str, tuple[str, int | None]] = {
    "the end": ("print(1)", 0),
    "an exit code": ("import sys\nsys.exit(7)", 7),
    "an exception": ("1 / 0", 1),
    "a signal": ("import os\nos.kill(os.getpid(), 15)", -15),
    "a limit": ("while True: pass", None),
}


@pytest.mark.parametrize(("code", "exit_code"), EXIT_CODES.values(), ids=EXIT_CODES.keys())
def test_a_plain_process_has_its_exit_code(
    sandbox: DockerSandbox, code: str, exit_code: int | None
) -> None:
    assert run_one(sandbox, code).exit_code == exit_code


@pytest.mark.parametrize(
    "code",
    [
        "quit()",
        "import os\nos.getcwd()",
        "import shutil\nprint(shutil.move.__name__)",
        "import subprocess\nsubprocess.run(['true'])",
        "import resource\nprint(resource.RLIMIT_CPU)",
    ],
)
def test_only_mode_official_takes_away_what_its_harness_takes_away(
    sandbox: DockerSandbox, code: str
) -> None:
    found = {mode: run_one(sandbox, code, mode=mode).status for mode in Mode}

    assert found == {Mode.OFFICIAL: Status.RUNTIME_ERROR, Mode.PROCESS: Status.OK}


def test_a_program_that_waits_is_stopped_and_does_not_blame_the_machine(
    sandbox: DockerSandbox,
) -> None:
    found = run_one(sandbox, "import time\ntime.sleep(60)", limits=Limits(cpu_s=0.2))

    assert (found.status, found.detail, found.is_starved) == (Status.TIME_LIMIT, "wall", False)


def test_an_exception_is_told_on_stderr(sandbox: DockerSandbox) -> None:
    found = run_one(sandbox, "print('before')\nraise KeyError('the reason')")

    assert found.stdout == b"before\n"
    assert found.stderr.rstrip().endswith(b"KeyError: 'the reason'")


def test_what_is_told_on_stderr_is_cut_off(sandbox: DockerSandbox) -> None:
    found = run_one(sandbox, "import sys\nsys.stderr.write('x' * 1_000_000)")

    assert (found.status, found.stderr) == (Status.OK, b"x" * 65_536)


def test_output_is_kept_as_bytes(sandbox: DockerSandbox) -> None:
    found = run_one(sandbox, r"import sys; sys.stdout.buffer.write(b'\xff\0\r\n')")

    assert (found.status, found.stdout) == (Status.OK, b"\xff\0\r\n")


def test_source_of_a_megabyte_runs(sandbox: DockerSandbox) -> None:
    assert run_one(sandbox, "#" * (1 << 20) + "\nprint(1)").stdout == b"1\n"


@pytest.mark.parametrize(
    ("mode", "num_mib"), [(Mode.OFFICIAL, 10), (Mode.PROCESS, 10), (Mode.PROCESS, 100)]
)
def test_large_inputs_arrive_whole(sandbox: DockerSandbox, mode: Mode, num_mib: int) -> None:
    if num_mib == 100 and _free_mib() < 4000:
        pytest.skip("less than 4 GB of memory is free")
    code = "import sys\ntext = sys.stdin.read()\nprint(len(text), text[-3:])"
    given = b"0123456789abcde\n" * (num_mib << 16) + b"end"

    found = run_one(sandbox, code, given, mode=mode, limits=Limits())

    assert found.stdout == f"{len(given)} end\n".encode()


def _free_mib() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("MemAvailable"))
    return int(line.split()[1]) // 1024


def test_time_and_memory_are_measured(sandbox: DockerSandbox) -> None:
    code = (
        "import time\nx = bytearray(100 << 20)\ntime.sleep(0.3)\n"
        "while time.process_time() < 0.3: pass"
    )

    found = run_one(sandbox, code, limits=Limits())

    assert 0.25 < found.cpu_s < 0.6
    assert found.wall_s > 0.5
    assert 100 < found.memory_mib < 200


@pytest.mark.parametrize("fn_name", [None, "f"])
def test_work_of_other_processes_counts_as_cpu_time(
    sandbox: DockerSandbox, fn_name: str | None
) -> None:
    """Of a grandchild as well, for whom the program itself cannot wait."""
    code = (
        "import os, time\ndef f(n):\n    read, write = os.pipe()\n"
        "    if not os.fork():\n        if not os.fork():\n"
        "            while time.process_time() < 1.5: pass\n            os.write(write, b'x')\n"
        "        os._exit(0)\n    os.wait()\n    return os.read(read, 1).decode()\n"
    )

    code += "" if fn_name else "print(f(0))"
    found = run_one(sandbox, code, b"0", fn_name=fn_name, limits=Limits(cpu_s=0.3))

    assert (found.status, found.detail) == (Status.TIME_LIMIT, "cpu")


def test_a_clock_is_not_reset_by_records_of_the_program(sandbox: DockerSandbox) -> None:
    code = (
        "import os, time\ndef f(n):\n"
        "    while True:\n        os.write(4, b'L' + bytes(4))\n        time.sleep(0.05)\n"
    )

    found = run_one(sandbox, code, b"1", fn_name="f", limits=Limits(cpu_s=0.3))

    assert (found.status, found.is_starved) == (Status.TIME_LIMIT, False)


@pytest.mark.parametrize("fd", [1, 2, 4])
def test_a_flood_of_small_writes_does_not_look_like_a_busy_machine(
    sandbox: DockerSandbox, fd: int
) -> None:
    """The supervisor works harder than the program then."""
    code = f"import os\ndef f(n):\n    while True: os.write({fd}, b'L' + bytes(4))\n"

    found = run_one(sandbox, code, b"1", fn_name="f", limits=Limits(cpu_s=0.5))

    assert found.status in (Status.TIME_LIMIT, Status.OUTPUT_LIMIT)
    assert not (found.detail == "wall" and found.is_starved)


def test_output_of_earlier_tests_does_not_count(sandbox: DockerSandbox) -> None:
    code = "class Solution:\n    def f(self, n):\n        print('x' * 200_000)\n        return n\n"
    limits = Limits(cpu_s=1.0, output_mib=1)

    found = run(sandbox, code, [b"1"] * 12, mode=Mode.OFFICIAL, fn_name="f", limits=limits)

    assert [one.status for one in found] == [Status.OK] * 12


@pytest.mark.usefixtures("sandbox_client")
def test_much_output_of_many_tests_does_not_fill_the_container() -> None:
    """What the host has not taken yet must not add up."""
    code = "print('x' * 10_000_000)"
    statuses = []
    with DockerSandbox(num_slots=1, memory_mib=160) as small:
        for execution in small.run(Program(code, Mode.PROCESS), [b""] * 64, Limits()):
            statuses.append((execution.status, len(execution.stdout)))
            if len(statuses) == 1:
                time.sleep(2)

    assert statuses == [(Status.OK, 10_000_001)] * 64


DAEMON = (
    "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    "        while True: time.sleep(0.01)\n    os._exit(0)\nprint('left')"
)


def test_a_daemon_does_not_reach_the_next_test(sandbox: DockerSandbox) -> None:
    """Neither of the same program nor of the next."""
    seen = (
        "import os, time\n"
        "mine = {1, os.getpid(), os.getppid()}\n"
        "found = {int(one) for one in os.listdir('/proc') if one.isdigit()}\n"
        "print(len(found - mine))\n"
    )

    found = run(sandbox, _leave_and_look(DAEMON, seen), [b"leave", b"look", b"leave"])

    assert [one.stdout for one in found] == [b"left\n", b"0\n", b"left\n"]
    assert run_one(sandbox, seen).stdout == b"0\n"


def test_a_program_cannot_take_all_processes_of_the_container(sandbox: DockerSandbox) -> None:
    """The runner needs some: it is the program that fails then."""
    code = (
        "import os, signal\nnumber = 0\ntry:\n    while number < 90:\n"
        "        if not os.fork(): signal.pause()\n        number += 1\n"
        "except BlockingIOError:\n    print(number)\n"
    )

    assert run_one(sandbox, code).stdout == b"63\n"


def test_each_test_runs_as_another_user(sandbox: DockerSandbox) -> None:
    """No signal reaches the next test, even where something survives."""
    found = run(sandbox, "import os\nprint(*os.getresuid(), *os.getresgid())", [b""] * 3)

    users = [one.stdout.split() for one in found]
    assert len({user for (user,) in map(set, users)}) == 3
    assert b"0" not in {user for one in users for user in one}


def test_no_file_reaches_the_next_test(sandbox: DockerSandbox) -> None:
    """Also those in folders that their owner has locked, and in deep ones."""
    leave = (
        "import os\n"
        "for top in ('/tmp', '/dev/shm'):\n"
        "    os.chdir(top)\n"
        "    open('file', 'w').write('answer'); open('.hidden', 'w'); os.symlink('/etc', 'link')\n"
        "    os.makedirs('locked/inner'); open('locked/inner/file', 'w')\n"
        "    os.chmod('locked/inner', 0); os.chmod('locked', 0)\n"
        "    for _ in range(1500):\n        os.mkdir('deep'); os.chdir('deep')\n"
        "print(len(os.listdir('/tmp')), len(os.listdir('/dev/shm')))"
    )
    look = "import os\nprint(os.listdir('/tmp'), os.listdir('/dev/shm'))"

    found = run(sandbox, _leave_and_look(leave, look), [b"leave", b"look"])

    assert [one.stdout for one in found] == [b"5 5\n", b"[] []\n"]
    assert run_one(sandbox, look).stdout == b"[] []\n"


def _leave_and_look(leave: str, look: str) -> str:
    return f"if input() == 'leave':\n{indent(leave, '    ')}\nelse:\n{indent(look, '    ')}"


def test_a_container_that_cannot_be_cleaned_is_replaced(
    sandbox: DockerSandbox, sandbox_client: "DockerClient"
) -> None:
    dirty = container_id(sandbox)
    made = sandbox_client.containers.get(dirty).exec_run("sh -c 'mkdir /tmp/a && touch /tmp/a/b'")

    run_one(sandbox, ADD, b"1 2")

    assert made.exit_code == 0
    assert container_id(sandbox) != dirty


def test_a_container_that_keeps_much_memory_is_replaced(
    sandbox: DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runner alone takes more than this limit."""
    used = container_id(sandbox)
    monkeypatch.setattr(container_module, "_MAX_MEMORY_MIB", 1)
    run_one(sandbox, ADD, b"1 2")
    monkeypatch.undo()

    assert container_id(sandbox) != used


def test_a_container_that_was_killed_is_an_error_and_is_replaced(
    sandbox: DockerSandbox, sandbox_client: "DockerClient"
) -> None:
    found = container_id(sandbox)

    with pytest.raises(SandboxError), _running(sandbox) as executions:  # noqa: PT012
        sandbox_client.containers.get(found).kill()
        next(executions)

    assert run_one(sandbox, ADD, b"1 2").stdout == b"3\n"
    assert container_id(sandbox) != found


KILL_FORK_SERVER = (
    "for one in $(ls /proc | grep -x '[0-9]*' | sort -n); do "
    "if grep -q '[z]ygote' /proc/$one/cmdline; then kill -9 $one; exit; fi; done; exit 1"
)


def test_a_container_whose_fork_server_was_killed_is_an_error_and_is_replaced(
    sandbox: DockerSandbox, sandbox_client: "DockerClient"
) -> None:
    """The program dies with it, which is not the program's doing."""
    found = sandbox_client.containers.get(container_id(sandbox))

    with pytest.raises(SandboxError), _running(sandbox) as executions:  # noqa: PT012
        assert found.exec_run(["sh", "-c", KILL_FORK_SERVER]).exit_code == 0
        next(executions)

    assert run_one(sandbox, ADD, b"1 2").stdout == b"3\n"


def _running(sandbox: DockerSandbox) -> Any:
    """A program that has answered for its first test, and now takes long."""
    code = "import time\nif input() == 'wait': time.sleep(60)"
    executions = sandbox.run(Program(code, Mode.PROCESS), [b"go", b"wait"], Limits())
    next(executions)
    return closing(executions)


def test_a_container_that_is_silent_is_an_error_and_is_replaced(
    sandbox: DockerSandbox, sandbox_client: "DockerClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(types_module, "_STARVED_FACTOR", 0.1)
    monkeypatch.setattr(container_module, "_SILENCE_S", 0.5)
    found = container_id(sandbox)

    with pytest.raises(SandboxError, match="silent"), _running(sandbox) as executions:  # noqa: PT012
        sandbox_client.containers.get(found).pause()
        next(executions)

    assert run_one(sandbox, ADD, b"1 2").stdout == b"3\n"
    assert container_id(sandbox) != found
    assert eventually(lambda: len(own_containers(sandbox_client)) == 1)


def test_two_slots_work_side_by_side_and_alone_means_alone(sandbox_client: "DockerClient") -> None:
    nap = Program("import time\ntime.sleep(0.7)\nprint(1)", Mode.PROCESS)
    spans: dict[str, tuple[float, float]] = {}

    def work(name: str, *, alone: bool = False) -> None:
        with closing(two.run(nap, stamped(name), SHORT, alone=alone)) as executions:
            list(executions)
        spans[name] = (spans[name][0], time.monotonic())

    def stamped(name: str) -> Iterator[bytes]:
        spans[name] = (time.monotonic(), 0.0)
        yield b""

    with DockerSandbox(num_slots=2) as two, ThreadPoolExecutor(4) as threads:
        list(threads.map(work, ["warm", "warm too"]))
        first = [threads.submit(work, name) for name in ("one", "two")]
        assert eventually(lambda: {"one", "two"} <= spans.keys())
        alone = threads.submit(work, "alone", alone=True)
        time.sleep(0.1)
        last = threads.submit(work, "last")
        for one in (*first, alone, last):
            one.result(timeout=30)

    assert spans["one"][0] < spans["two"][1]
    assert spans["two"][0] < spans["one"][1]
    for name in ("one", "two", "last"):
        assert spans[name][1] <= spans["alone"][0] or spans[name][0] >= spans["alone"][1]


def nap(sandbox: DockerSandbox, seconds: float, *, alone: bool = False) -> None:
    program = Program(f"import time\ntime.sleep({seconds})", Mode.PROCESS)
    with closing(sandbox.run(program, [b""], SHORT, alone=alone)) as executions:
        list(executions)


@pytest.mark.usefixtures("sandbox_client")
def test_one_that_waits_to_be_alone_stops_nobody() -> None:
    ended = []

    def work(name: str, seconds: float, *, alone: bool = False) -> None:
        nap(two, seconds, alone=alone)
        ended.append(name)

    with DockerSandbox(num_slots=2) as two, ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: nap(two, 0.2), range(2)))
        first = threads.submit(work, "long", 1.5)
        assert eventually(lambda: len(two._free) == 1)
        alone = threads.submit(work, "alone", 0, alone=True)
        assert eventually(lambda: two._num_gathered == 1)
        for one in (threads.submit(work, "short", 0), first, alone):
            one.result(timeout=30)

    assert ended == ["short", "long", "alone"]


@pytest.mark.usefixtures("sandbox_client")
def test_several_that_wait_to_be_alone_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pool that is never idle by itself."""
    monkeypatch.setattr(docker_module, "MAX_GATHERED", 2)
    is_done = threading.Event()

    def keep_busy() -> None:
        while not is_done.is_set():
            nap(two, 0.3)

    with DockerSandbox(num_slots=2) as two, ThreadPoolExecutor(4) as threads:
        busy = [threads.submit(keep_busy) for _ in range(2)]
        alone = [threads.submit(nap, two, 0, alone=True) for _ in range(2)]
        try:
            for one in alone:
                one.result(timeout=20)
        finally:
            is_done.set()
        assert [one.result(timeout=20) for one in busy] == [None, None]


def test_nothing_is_left_when_it_is_closed(sandbox_client: "DockerClient") -> None:
    before = {one.id for one in own_containers(sandbox_client)}
    with DockerSandbox(num_slots=2) as made:
        run_one(made, ADD, b"1 2")
        assert {one.id for one in own_containers(sandbox_client)} > before

    assert eventually(lambda: {one.id for one in own_containers(sandbox_client)} <= before)
    with pytest.raises(SandboxError, match="closed"):
        run_one(made, ADD, b"1 2")


def test_nothing_is_left_when_it_is_closed_during_a_start(sandbox_client: "DockerClient") -> None:
    before = {one.id for one in own_containers(sandbox_client)}
    made = DockerSandbox(num_slots=1)
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(run_one, made, ADD, b"1 2")
        time.sleep(0.05)
        made.close()
        assert isinstance(future.exception(timeout=30), SandboxError)

    assert eventually(lambda: {one.id for one in own_containers(sandbox_client)} <= before)


HOLDER = (
    "import sys, time\n"
    "from evalkit.sandbox.docker import DockerSandbox\n"
    "from evalkit.sandbox.owner import owner\n"
    "from evalkit.sandbox.types import Limits, Mode, Program\n"
    "sandbox = DockerSandbox(num_slots=1)\n"
    "program = Program('import time\\nprint(1, flush=True)\\nif input(): time.sleep(99)', "
    "Mode.PROCESS)\n"
    "for _ in sandbox.run(program, [b'\\n', b'wait'], Limits(cpu_s=50)):\n"
    "    print(owner(), flush=True)\n"
)


def test_nothing_is_left_after_kill_9(sandbox_client: "DockerClient") -> None:
    """The container sees the end of its stdin."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True
    ) as done:
        assert done.stdout
        name = done.stdout.readline().strip()
        assert len(own_containers(sandbox_client, name)) == 1
        done.send_signal(signal.SIGKILL)

    assert eventually(lambda: not own_containers(sandbox_client, name), timeout_s=10)


def test_what_a_dead_evalkit_left_is_removed_at_the_next_start(
    sandbox_client: "DockerClient",
) -> None:
    told = "from evalkit.sandbox.owner import owner; print(owner())"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    options = container_options(image=find_image(sandbox_client).name, slot=0, memory_mib=64)
    options["labels"] |= {OWNER: done.stdout.strip()}
    sandbox_client.containers.create(**options)

    with DockerSandbox(num_slots=1):
        assert own_containers(sandbox_client, done.stdout.strip()) == []


@pytest.fixture
def wire(
    sandbox_client: "DockerClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Wire]:
    with opened_wire(tmp_path, monkeypatch) as made:
        yield made


# The docker library leaks its socket where it cannot connect.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_docker_that_breaks_off_is_an_error_and_is_found_again(
    wire: Wire, sandbox_client: "DockerClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it starts again while it is waited for."""
    before = {one.id for one in own_containers(sandbox_client)}
    with DockerSandbox(num_slots=1) as made:
        with pytest.raises(SandboxError), _running(made) as executions:  # noqa: PT012
            wire.cut()
            next(executions)
        with monkeypatch.context() as patch:
            patch.setattr(docker_module, "_RETRY_AFTER_S", (0.0, 0.1))
            with pytest.raises(SandboxError, match="Docker"):
                run_one(made, ADD, b"1 2")
        threading.Timer(0.3, wire.mend).start()

        assert run_one(made, ADD, b"1 2").stdout == b"3\n"

    gc.collect()
    assert eventually(lambda: {one.id for one in own_containers(sandbox_client)} <= before)


def test_a_docker_that_is_not_there_is_an_error_when_the_sandbox_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/dead.sock")

    with pytest.raises(SandboxError, match="Docker does not run here"):
        DockerSandbox(num_slots=1)


@pytest.mark.usefixtures("sandbox_client")
def test_a_runtime_that_docker_does_not_have_is_an_error_when_the_sandbox_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVALKIT_SANDBOX_RUNTIME", "runx")

    with pytest.raises(SandboxError, match=r"no runtime 'runx'; it has: .*runc"):
        DockerSandbox(num_slots=1)


def test_the_same_seed_of_hashes_in_every_container(sandbox_client: "DockerClient") -> None:
    """The order of a set of words decides some verdicts."""
    found = set()
    for _ in range(2):
        with DockerSandbox(num_slots=1) as made:
            found.add(run_one(made, "print(hash('evalkit'))").stdout)

    assert len(found) == 1
