"""Nothing of one program is left for the next; and what the container as a whole has used."""

import os
import signal
import stat

PUBLIC_FOLDERS = ("/tmp", "/dev/shm")
_MEMORY_FILES = (
    "/sys/fs/cgroup/memory.current",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes",
)
_CPU_FILE_1 = "/sys/fs/cgroup/cpuacct/cpuacct.usage"
_CPU_FILE_2 = "/sys/fs/cgroup/cpu.stat"
_OOM_FILES = (
    "/sys/fs/cgroup/memory.events",
    "/sys/fs/cgroup/memory/memory.oom_control",
)


def leftover_processes(zygote: int) -> "list[int]":
    _reap()
    return [
        pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid not in (1, zygote)
    ]


def kill_everything() -> None:
    """Every process but pid 1, at once: no fork bomb is faster. The fork server dies as well."""
    os.kill(-1, signal.SIGKILL)
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _reap() -> None:
    """Orphans that have ended; the fork server reports its own children itself."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def remove_files(uid: int) -> None:
    """What stays nevertheless is found by is_clean, and costs the container."""
    for folder in filter(os.path.isdir, PUBLIC_FOLDERS):
        stubborn = [one for one in os.scandir(os.fsencode(folder)) if not _removed(one)]
        if stubborn:
            _remove_as_owner(uid, folder)


def _removed(entry: "os.DirEntry[bytes]") -> bool:
    """False where only the owner can remove it, because a folder has something in it."""
    try:
        if entry.is_dir(follow_symlinks=False):
            os.rmdir(entry.path)
        else:
            os.unlink(entry.path)
    except OSError:
        return False
    return True


def _remove_as_owner(uid: int, folder: str) -> None:
    """In a process of the program's own user: no right of ours follows a link that it made."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.chdir(folder)
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(nothing, fd)
            os.closerange(3, 256)
            os.execv("/bin/sh", ["sh", "-c", "chmod -R u+rwX . ; rm -rf -- * .[!.]* ..?*"])
        finally:
            os._exit(1)
    os.waitpid(pid, 0)


def is_clean(zygote: int) -> bool:
    folders = [one for one in PUBLIC_FOLDERS if os.path.isdir(one)]
    is_empty = not any(os.listdir(one) for one in folders)
    is_as_made = all(stat.S_IMODE(os.stat(one).st_mode) == 0o1777 for one in folders)
    return is_empty and is_as_made and not leftover_processes(zygote)


def memory_mib() -> float:
    for path in _MEMORY_FILES:
        try:
            with open(path) as stream:
                return int(stream.read()) / (1 << 20)
        except (OSError, ValueError):
            continue
    return -1.0


def num_memory_kills() -> int:
    """How often the kernel killed for lack of memory in this container so far; -1 where it does not say."""
    for path in _OOM_FILES:
        try:
            with open(path) as stream:
                lines = dict(line.split() for line in stream)
            return int(lines["oom_kill"])
        except (OSError, KeyError, ValueError):
            continue
    return -1


def container_cpu_s() -> float:
    """All CPU time of this container so far; 0 where the kernel does not say."""
    try:
        with open(_CPU_FILE_1) as stream:
            return int(stream.read()) / 1e9
    except (OSError, ValueError):
        pass
    try:
        with open(_CPU_FILE_2) as stream:
            return int(dict(line.split() for line in stream)["usage_usec"]) / 1e6
    except (OSError, KeyError, ValueError):
        return 0.0
