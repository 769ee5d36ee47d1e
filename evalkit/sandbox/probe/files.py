"""The file system: what is there, what can be written, what belongs to the host."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from evalkit.sandbox.probe.outcome import Outcome, few

_PLACES = ("/", "/usr", "/etc", "/opt/evalkit", "/var/tmp", "/root", "/run", "/dev/mqueue")
_DEVICES = frozenset(
    {"console", "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr"}
    | {"stdin", "stdout", "tty", "urandom", "zero"}
)


def setuid() -> Outcome:
    bad = [str(path) for path, mode in _files() if mode & (stat.S_ISUID | stat.S_ISGID)]
    return not bad, few(bad) or "none"


def writable() -> Outcome:
    allowed = {"/tmp", "/dev/shm", "/dev/mqueue"}
    bad = [
        str(path)
        for path, mode in _files()
        if mode & stat.S_IWOTH and not stat.S_ISLNK(mode) and str(path) not in allowed
    ]
    return not bad, few(bad) or "nothing but /tmp and /dev/shm"


def root_readonly() -> Outcome:
    written = [place for place in _PLACES if _can_write(Path(place, "evalkit-probe"))]
    return not written, f"can write in {', '.join(written)}" if written else "nothing to write to"


def proc_sys() -> Outcome:
    paths = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/power/state"]
    paths += ["/proc/sys/vm/overcommit_memory", "/sys/kernel/uevent_helper"]
    for folder in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory"):
        paths += [f"{folder}/cgroup.procs", f"{folder}/release_agent", f"{folder}/memory.max"]
    bad = [path for path in paths if _can_open(path)]
    return not bad, f"can be written: {', '.join(bad)}" if bad else "not writable"


def mounts() -> Outcome:
    """Files from the host's disk: Docker's own three are read-only."""
    own = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
    kinds = {"overlay", "proc", "tmpfs", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"}
    bad = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        point, options = before.split()[4:6]
        kind = after.split()[0]
        is_own = point == "/" or (point in own and options.split(",")[0] == "ro")
        if kind not in kinds and not is_own:
            bad.append(f"{point} ({kind}, {options})")
    sockets = [path for path in ("/var/run/docker.sock", "/run/docker.sock") if Path(path).exists()]
    return not bad and not sockets, few(bad + sockets) or "nothing from the host"


def devices() -> Outcome:
    bad = sorted({path.name for path in Path("/dev").iterdir()} - _DEVICES)
    return not bad, few(bad) or "only those every container has"


def tmp_size() -> Outcome:
    sizes = {path: _fill(Path(path, "evalkit-probe")) for path in ("/tmp", "/dev/shm")}
    is_bounded = all(size <= 128 for size in sizes.values())
    return is_bounded, ", ".join(f"{path} {size} MiB" for path, size in sizes.items())


def _files() -> Iterator[tuple[Path, int]]:
    for folder, names, files in os.walk("/"):
        if folder == "/":
            names[:] = [name for name in names if name not in ("proc", "sys", "dev")]
        for name in (*names, *files):
            path = Path(folder, name)
            yield path, path.lstat().st_mode


def _can_write(path: Path) -> bool:
    try:
        path.touch(exist_ok=False)
    except OSError:
        return False
    path.unlink()
    return True


def _can_open(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True


def _fill(path: Path) -> int:
    """How many MiB can be written, up to 129."""
    chunk = bytes(2**20)
    size = 0
    try:
        with path.open("wb", buffering=0) as file:
            while size < 129 and file.write(chunk) == len(chunk):
                size += 1
    except OSError:
        pass
    path.unlink(missing_ok=True)
    return size
