"""Memory, processes, processors and core dumps: runs into each limit on purpose."""

import os
import resource
import signal
import time
from pathlib import Path

from evalkit.sandbox.probe.outcome import Outcome, drop

_BOMB_MIB = 512


def memory() -> Outcome:
    before = _oom_kills()
    child = os.fork()
    if child == 0:
        Path("/proc/self/oom_score_adj").write_text("1000")
        drop()
        kept = []
        while True:
            kept.append(b"x" * 2**20)
            if len(kept) > _BOMB_MIB:
                os._exit(0)
    _, status = os.waitpid(child, 0)
    is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    after = _oom_kills()
    counted = "counted" if before is not None and after != before else "not counted"
    return (
        is_killed,
        f"killed over the limit, {counted}" if is_killed else f"could take {_BOMB_MIB} MiB",
    )


def processes() -> Outcome:
    children: list[int] = []
    try:
        while len(children) < 300:
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(children) < 100, f"{len(children)} children, then no more"


def cpu() -> Outcome:
    """Two busy processes for 0.6 s: with one core between them they use about 0.6 s."""
    start = time.monotonic()
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            while time.monotonic() < start + 0.6:
                pass
            os._exit(0)
        children.append(child)
    used = sum(sum(os.wait4(child, 0)[2][:2]) for child in children)
    cores = used / (time.monotonic() - start)
    return cores < 1.4, f"{cores:.2f} cores used by two busy processes"


def core_dumps() -> Outcome:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    return (soft, hard) == (0, 0), f"limit {hard} bytes"


def _oom_kills() -> int | None:
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            lines = Path(path).read_text().splitlines()
        except OSError:
            continue
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)
    return None
