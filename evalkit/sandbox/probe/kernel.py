"""System calls, namespaces, sockets and privileges, as an unprivileged user meets them."""

import ctypes
import errno
import os
import platform
import socket
from collections.abc import Callable
from pathlib import Path

from evalkit.sandbox.probe.outcome import Outcome, code_name

_CALLS = {  # number on x86_64, number on aarch64
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_settime": (227, 112),
    "fanotify_init": (300, 262),
    "init_module": (175, 105),
    "inotify_init1": (294, 26),
    "io_setup": (206, 0),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "mount": (165, 40),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "seccomp": (317, 277),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmget": (29, 194),
    "swapon": (167, 224),
    "sync": (162, 81),
    "syslog": (103, 116),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vmsplice": (278, 75),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_PERSONALITY = (135, 92)
_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
_SOCKETS = {"NETLINK": 16, "PACKET": 17, "ALG": 38, "VSOCK": 40, "XDP": 44}


def capabilities() -> Outcome:
    sets = {name: int(_status(name), 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    held = {name: hex(value) for name, value in sets.items() if value}
    bounding = int(_status("CapBnd"), 16)
    allowed = sum(1 << bit for bit in (5, 6, 7))  # KILL, SETGID, SETUID
    is_none = not held and not bounding & ~allowed
    return is_none, f"held: {held or 'none'}; bounding set {hex(bounding)}"


def no_new_privileges() -> Outcome:
    return _status("NoNewPrivs") == "1", f"NoNewPrivs {_status('NoNewPrivs')}"


def seccomp() -> Outcome:
    return _status("Seccomp") == "2", f"Seccomp {_status('Seccomp')}"


def calls() -> Outcome:
    allowed = [name for name, numbers in _CALLS.items() if _is_allowed(numbers)]
    return not allowed, f"allowed: {', '.join(allowed)}" if allowed else f"{len(_CALLS)} denied"


def namespaces() -> Outcome:
    bad = []
    for flag in _NAMESPACES:
        # CLONE_THREAD without CLONE_SIGHAND: what seccomp lets through, the kernel refuses.
        if _call(_CLONE, flag | 0x00010000, 0, 0, 0, 0) != errno.EPERM:
            bad.append(f"clone({flag:#x})")
    if (code := _call(_CLONE3, 0, 0)) != errno.ENOSYS:
        bad.append(f"clone3: {code_name(code)}")
    if _call(_PERSONALITY, 0x0040000) != errno.EPERM:
        bad.append("personality(ADDR_NO_RANDOMIZE)")
    return not bad, f"allowed: {', '.join(bad)}" if bad else "none can be made"


def sockets() -> Outcome:
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET)
    made = [name for name, family in _SOCKETS.items() if any(_opens(family, k) for k in kinds)]
    return not made, f"can be made: {', '.join(made)}" if made else "none but IP and UNIX"


def network() -> Outcome:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    # The kernel makes tunnel devices in every namespace; without an address and a route they are dead.
    devices = sorted(line.partition(":")[0].strip() for line in lines)
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    with socket.socket() as tcp:
        tcp.settimeout(2)
        code = tcp.connect_ex(("192.0.2.1", 80))
    is_dead = code in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EPERM)
    return is_dead and not routes, f"{code_name(code)}; devices: {', '.join(devices)}"


def pid1() -> Outcome:
    looks: dict[str, Callable[[], object]] = {
        "signals": lambda: os.kill(1, 0),
        "environ": lambda: Path("/proc/1/environ").read_bytes(),
        "maps": lambda: Path("/proc/1/maps").read_bytes(),
        "mem": lambda: Path("/proc/1/mem").open("rb").close(),
        "fd": lambda: list(Path("/proc/1/fd").iterdir()),
        "root": lambda: Path("/proc/1/root").readlink(),
        "cwd": lambda: Path("/proc/1/cwd").readlink(),
    }
    bad = []
    for name, look in looks.items():
        try:
            look()
        except OSError:
            continue
        bad.append(name)
    return not bad, f"within reach: {', '.join(bad)}" if bad else "out of reach"


def user_namespace() -> Outcome:
    first = Path("/proc/self/uid_map").read_text().split()[1]
    return first != "0", f"root in here is user {first} of the host"


def _is_allowed(numbers: tuple[int, int], *arguments: int) -> bool:
    """True where the call reaches the kernel's own checks: any answer but EPERM and ENOSYS.

    The arguments make no sense, so that an allowed call fails with EFAULT, EINVAL or EBADF.
    """
    code = _call(numbers, *(arguments or (-1, -1, -1, -1, -1)))
    return code not in (errno.EPERM, errno.ENOSYS)


def _call(numbers: tuple[int, int], *arguments: int) -> int:
    number = numbers[platform.machine() == "aarch64"]
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(value) for value in arguments))
    return ctypes.get_errno() if result == -1 else 0


def _opens(family: int, kind: int) -> bool:
    try:
        socket.socket(family, kind).close()
    except OSError:
        return False
    return True


def _status(field: str) -> str:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value.strip()
    return "0"
