"""The process that runs a program: gives up every privilege, then becomes the program.

Descriptors on arrival: stdin, stdout, stderr, control (the code, then inputs of function calls),
results. main() never returns.
"""

import atexit
import builtins
import ctypes
import json
import os
import resource
import signal
import sys
import threading
import types

from runner import official, values

CONTROL, RESULTS = 3, 4
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_libc = ctypes.CDLL(None, use_errno=True)
_MIB = 1 << 20
_LIMITS = {
    resource.RLIMIT_NPROC: 64,
    resource.RLIMIT_NOFILE: 1024,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 64 * _MIB,
}


def main(order: dict, fds: list) -> None:
    _become_nobody(order["uid"], fds)
    sys.set_int_max_str_digits(50000)
    code = _read_block()
    if order["mode"] == "official":
        _serve_official(code, order["fn"])
    elif order["fn"]:
        _serve_function(code, order["fn"])
    else:
        os.close(CONTROL)
        os.close(RESULTS)
        _run_script(code)


def _become_nobody(uid: int, fds: list) -> None:
    _arrange(fds)
    os.setsid()
    with open("/proc/self/oom_score_adj", "w") as stream:
        stream.write("1000")
    for kind, limit in _LIMITS.items():
        resource.setrlimit(kind, (limit, limit))
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which clears it
    _libc.prctl(
        _PR_SET_DUMPABLE, 1
    )  # else /proc/self belongs to root and /dev/stdin cannot be opened
    os.chdir("/tmp")


def _arrange(fds: list) -> None:
    """The descriptors of this test become 0 to 4; every other one is closed."""
    high = [os.dup2(fd, 100 + place) for place, fd in enumerate(fds)]
    for place, fd in enumerate(high):
        os.dup2(fd, place)
    os.closerange(len(fds), 110)


def _run_script(code: bytes) -> None:
    """As `python main.py` does: a module called __main__, threads joined, exit status kept."""
    _end(_run_as_main(code))


def _run_as_main(code: bytes) -> int:
    module = types.ModuleType("__main__")
    module.__file__ = "/program/main.py"
    module.__builtins__ = builtins
    sys.modules["__main__"] = module
    sys.argv[:] = ["/program/main.py"]
    sys.path.insert(0, "/program")
    try:
        exec(compile(code, "/program/main.py", "exec", dont_inherit=True), module.__dict__)
    except SystemExit as leaving:
        return _exit_status(leaving.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _exit_status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _end(status: int) -> None:
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            status = status or 120  # what Python itself exits with then
    os._exit(status)


def _serve_function(code: bytes, name: str) -> None:
    """One call in a fresh module and on a fresh object, with what LeetCode imports at hand."""
    sys.setrecursionlimit(50000)
    try:
        module = types.ModuleType("__main__")
        module.__file__ = "/program/main.py"
        exec(official.PRELUDE, module.__dict__)
        sys.modules["__main__"] = module
        exec(compile(code, "/program/main.py", "exec", dont_inherit=True), module.__dict__)
        function = _find(module, name)
        _tell(b"L")
        result = function(*_arguments(_read_block()))
        _tell(b"V", values.encode(result, spread=True))
    except BaseException as error:
        _tell(b"E", _describe(error))
    _end(0)


def _find(module: types.ModuleType, name: str):
    if hasattr(module, "Solution"):
        return getattr(module.Solution(), name)
    return getattr(module, name)


def _arguments(text: bytes) -> list:
    return [json.loads(line) for line in text.decode("utf-8", "surrogatepass").split("\n")]


def _serve_official(code: bytes, name: "str | None") -> None:
    """All tests in this process, one after the other, until there are no more."""
    try:
        text = code.decode("utf-8", "surrogatepass")
        official.disarm(text)
        function = official.load_function(text, name) if name else official.load_script(text)
    except BaseException as error:
        _tell(b"E", _describe(error))
        os._exit(0)
    _tell(b"L")
    while True:
        test = _read_block()
        try:
            if name:
                _tell(b"V", values.encode(function(*_arguments(test)), spread=False))
            else:
                text = official.call_script(function, test.decode("utf-8", "surrogatepass"))
                _tell(b"O", text.encode("utf-8", "surrogatepass"))
        except BaseException as error:
            _tell(b"E", _describe(error))


def _describe(error: BaseException) -> bytes:
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:
        text = "an exception that cannot be shown"
    return text[-500:].encode("utf-8", "replace")


def _read_block() -> bytes:
    return _read_exactly(int.from_bytes(_read_exactly(4), "big"))


def _read_exactly(length: int) -> bytes:
    """Ends the process where no more comes: the supervisor has no further test."""
    parts = []
    while length:
        part = os.read(CONTROL, min(length, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _tell(kind: bytes, content: bytes = b"") -> None:
    data = memoryview(kind + len(content).to_bytes(4, "big") + content)
    while data:
        data = data[os.write(RESULTS, data) :]
