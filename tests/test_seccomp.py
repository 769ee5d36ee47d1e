"""The system call filter and the container's options: what honest programs need, and no more."""

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.sandbox.checks import PROPERTIES, check_sandbox, look_around, outputs
from evalkit.sandbox.client import Host
from evalkit.sandbox.image import find_image
from evalkit.sandbox.options import container_options
from evalkit.sandbox.recipe import recipe
from evalkit.types import SandboxError

if TYPE_CHECKING:
    from docker import DockerClient

DENIED = """
acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module execveat fanotify_init
fanotify_mark finit_module fsconfig fsmount fsopen fspick init_module inotify_init inotify_init1
io_cancel io_destroy io_setup io_submit io_uring_enter io_uring_register io_uring_setup ioperm iopl
ioprio_set kcmp kexec_file_load kexec_load keyctl landlock_create_ruleset lookup_dcookie mbind
memfd_create memfd_secret migrate_pages mincore mlock mlockall modify_ldt mount mount_setattr
move_mount move_pages mq_open msgctl msgget msgrcv msgsnd name_to_handle_at nfsservctl
open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root pkey_alloc process_madvise
process_mrelease process_vm_readv process_vm_writev ptrace quotactl readahead reboot
remap_file_pages removexattr request_key rt_sigqueueinfo rt_tgsigqueueinfo sched_setattr
sched_setparam sched_setscheduler seccomp semctl semget semop semtimedop set_mempolicy setdomainname
setfsgid setfsuid sethostname setns settimeofday setxattr shmat shmctl shmdt shmget splice swapoff
swapon sync sync_file_range syncfs sysfs syslog tee umount umount2 unshare uselib userfaultfd ustat
vhangup vmsplice
"""


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    profile = json.loads(recipe().seccomp_profile)
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    return list(profile["syscalls"])


def test_dangerous_calls_are_on_no_list(rules: list[dict[str, Any]]) -> None:
    """Kernel interfaces that no honest program needs and that escapes are made of."""
    named = {name for rule in rules for name in rule["names"]}

    assert named & set(DENIED.split()) == set()


def test_calls_with_a_dangerous_side_are_allowed_for_named_arguments_only(
    rules: list[dict[str, Any]],
) -> None:
    """None of them is also on an unconditional list."""
    allowed = [rule for rule in rules if rule["action"] == "SCMP_ACT_ALLOW"]
    plain = {name for rule in allowed if "args" not in rule for name in rule["names"]}
    filtered = {name for rule in allowed if "args" in rule for name in rule["names"]}

    assert filtered == {
        *("clone", "ioctl", "mknod", "mknodat", "personality", "socket", "socketpair"),
    }
    assert plain & (filtered | {"clone3"}) == set()


def test_every_namespace_flag_is_in_the_mask_of_clone(rules: list[dict[str, Any]]) -> None:
    """NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET must all be zero."""
    (rule,) = (rule for rule in rules if rule["names"] == ["clone"])
    flags = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)

    assert rule["args"] == [
        {"index": 0, "value": sum(flags), "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    ]


def test_clone3_looks_as_if_it_did_not_exist(rules: list[dict[str, Any]]) -> None:
    """Its flags are behind a pointer, which a filter cannot read; the C library then uses clone."""
    (rule,) = (rule for rule in rules if "clone3" in rule["names"])

    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_sockets_are_unix_and_ip_only(rules: list[dict[str, Any]]) -> None:
    """AF_UNIX 1, AF_INET 2, AF_INET6 10: no AF_VSOCK, AF_NETLINK, AF_PACKET, AF_ALG."""
    families = [rule["args"][0]["value"] for rule in rules if "socket" in rule["names"]]

    assert sorted(families) == [1, 2, 10]


def test_what_a_host_cannot_do_is_left_out_of_the_options() -> None:
    """Docker refuses a container with a CPU limit where there is none (rootless without it)."""
    poor = Host(has_cpu_quota=False, is_rootless=True, maps_users=True)
    options = container_options(image="i", slot=0, memory_mib=64, host=poor)

    assert {"nano_cpus", "sysctls"} & set(options) == set()
    assert {"nano_cpus", "sysctls"} <= set(container_options(image="i", slot=0, memory_mib=64))


def test_what_no_probe_can_see_is_asked_for() -> None:
    """No swap, one core, removal by Docker itself, and no log that a flood could fill."""
    options = container_options(image="i", slot=0, memory_mib=64)

    assert (options["mem_limit"], options["memswap_limit"]) == ("64m", "64m")
    assert (options["nano_cpus"], options["auto_remove"]) == (10**9, True)
    assert options["log_config"]["Type"] == "none"


@pytest.mark.parametrize("host", [Host(), Host(is_rootless=True, maps_users=True)])
def test_slots_have_users_of_their_own(host: Host) -> None:
    """The kernel counts processes per user over all containers. No user is root or out of range."""
    ranges = []
    for slot in range(64):
        options = container_options(image="i", slot=slot, memory_mib=64, host=host)
        first, number = (
            int(options["environment"][f"EVALKIT_{n}"]) for n in ("FIRST_UID", "NUM_UIDS")
        )
        ranges.append(range(first, first + number))

    limit = 65536 if host.maps_users else 2**32 - 1
    assert all(one.start > 0 and one.stop <= limit for one in ranges)
    ranges.sort(key=lambda one: one.start)
    assert all(a.stop <= b.start for a, b in pairwise(ranges))


@pytest.fixture(scope="module")
def options(sandbox_client: "DockerClient") -> dict[str, Any]:
    image = find_image(sandbox_client)
    return container_options(image=image.name, slot=0, memory_mib=256)


@pytest.mark.docker
def test_every_required_property_holds_here(sandbox_client: "DockerClient") -> None:
    """What `evalkit sandbox check` proves, on this host."""
    findings = check_sandbox(sandbox_client)

    assert [one.property for one in findings] == list(PROPERTIES)
    assert [one for one in findings if one.property.is_required and not one.holds] == []


@pytest.mark.docker
@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (
            {
                "read_only": False,
                "cap_drop": [],
                "mem_limit": "2g",
                "memswap_limit": "2g",
                "shm_size": "200m",
                "ulimits": [],
            },
            {"root-readonly", "mounts", "capabilities", "memory", "tmp-size", "core-dumps"},
        ),
        (
            {
                "network_mode": "host",
                "tmpfs": {"/tmp": "size=200m,mode=1777"},
                "cap_add": ["SETUID", "SETGID", "KILL", "SYS_PTRACE"],
                "devices": ["/dev/null:/dev/extra"],
                "pids_limit": 200,
            },
            {"network", "tmp-size", "root-readonly", "capabilities", "devices", "processes"},
        ),
        ({"volumes": ["/usr/share:/mnt:ro"]}, {"mounts"}),
    ],
    ids=["no limits", "host network", "a volume"],
)
def test_check_notices_what_is_left_out(
    sandbox_client: "DockerClient",
    options: dict[str, Any],
    change: dict[str, Any],
    broken: set[str],
) -> None:
    """Without an option exactly the properties fail that it is for: these options together."""
    found = look_around(sandbox_client, options | change)

    # Without the limit of one core, how many are seen depends on what else the machine does.
    assert {name for name, (holds, _) in found.items() if not holds} - {"cpu"} == (
        broken | {"user-namespace"}
    )


@pytest.mark.docker
def test_check_notices_missing_filters(
    sandbox_client: "DockerClient", options: dict[str, Any]
) -> None:
    """Docker's own profile, none at all, and new privileges."""
    image_default = look_around(sandbox_client, options | {"security_opt": ["no-new-privileges"]})
    unconfined = look_around(sandbox_client, options | {"security_opt": ["seccomp=unconfined"]})

    assert image_default["seccomp"][0]
    assert "ptrace" in image_default["calls"][1]
    assert not unconfined["seccomp"][0]
    assert not unconfined["no-new-privileges"][0]
    assert not unconfined["sockets"][0]


@pytest.mark.docker
def test_check_notices_setuid_files_and_writable_folders(
    sandbox_client: "DockerClient", options: dict[str, Any], tmp_path: Any
) -> None:
    """They come with the image, not with the options."""
    (tmp_path / "Dockerfile").write_text(
        f"FROM {options['image']}\nRUN chmod u+s /usr/bin/env && mkdir -m 777 /usr/open\n"
    )
    image, _ = sandbox_client.images.build(
        path=str(tmp_path), network_mode="none", rm=True, forcerm=True
    )
    try:
        found = look_around(sandbox_client, options | {"image": image.id})
    finally:
        sandbox_client.images.remove(image.id, force=True)

    assert found["setuid"] == (False, "/usr/bin/env")
    assert found["writable"] == (False, "/usr/open")


@pytest.mark.docker
def test_an_unknown_runtime_names_those_there_are(sandbox_client: "DockerClient") -> None:
    """As where gVisor is not installed."""
    with pytest.raises(SandboxError, match=r"no runtime 'runx'; it has: .*runc"):
        check_sandbox(sandbox_client, runtime="runx")


HONEST = {
    "deep recursion in C": "import functools, sys\nsys.setrecursionlimit(10**6)\n"
    "f = functools.cache(lambda n: n and f(n - 1))\nf(100_000)",
    "threads": "import threading as t; x=[t.Thread(target=print, args=(1,)) for _ in range(8)]; "
    "[y.start() for y in x]; [y.join() for y in x]",
    "thread with a large stack": "import threading as t; t.stack_size(128 << 20); "
    "x=t.Thread(target=print); x.start(); x.join()",
    "multiprocessing pool": "import multiprocessing as m\nwith m.Pool(2) as p: print(p.map(abs, [-1, 2]))",
    "multiprocessing spawn": "import multiprocessing as m\nm.set_start_method('spawn')\n"
    "q = m.SimpleQueue(); q.put(3); print(q.get())",
    "process pool": "from concurrent.futures import ProcessPoolExecutor as P\n"
    "with P(2) as p: print(list(p.map(abs, [-1])))",
    "manager": "import multiprocessing as m\nwith m.Manager() as x: l = x.list([1]); print(l[0])",
    "shared memory": "from multiprocessing import Array\na = Array('i', 4); a[1] = 2; print(a[:])",
    "asyncio": "import asyncio; asyncio.run(asyncio.sleep(0.01))",
    "asyncio subprocess": "import asyncio\nasync def f():\n"
    " p = await asyncio.create_subprocess_exec('echo', 'x'); await p.wait()\nasyncio.run(f())",
    "subprocess": "import subprocess; print(subprocess.run('echo a | cat', shell=True, check=True))",
    "tempfile": "import tempfile, os\nwith tempfile.NamedTemporaryFile() as f: f.write(b'x'); os.fsync(f.fileno())",
    "shutil": "import shutil, os\nopen('a', 'w').write('x'); shutil.copy2('a', 'b'); os.rename('b', 'c'); "
    "shutil.copytree('/opt/evalkit/runner', 'd'); shutil.rmtree('d')",
    "sqlite": "import sqlite3; c = sqlite3.connect('x.db'); c.execute('create table t(a)'); c.commit()",
    "mmap": "import mmap; m = mmap.mmap(-1, 4096); m[0] = 1",
    "signals": "import signal, time\nsignal.signal(signal.SIGALRM, lambda *a: None)\n"
    "signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(0.05)",
    "limits": "import resource as r, sys; sys.setrecursionlimit(10**6); "
    "r.setrlimit(r.RLIMIT_STACK, (r.RLIM_INFINITY, r.RLIM_INFINITY))",
    "numpy": "import numpy as n; n.linalg.svd(n.random.rand(200, 200)); print(n.fft.fft(n.ones(8)))",
    "scipy": "import scipy.optimize as o, scipy.sparse.csgraph; print(o.linprog([1], bounds=[(0, 1)]).fun)",
    "sympy": "import sympy as s; x = s.Symbol('x'); print(s.integrate(s.sin(x) ** 2, x), s.factorint(2**61 - 2))",
    "sortedcontainers": "import sortedcontainers as s; print(s.SortedList([2, 1]))",
    "socket pair": "import socket; a, b = socket.socketpair(); a.send(b'x'); b.recv(1)",
    "fifo": "import os; os.mkfifo('p'); os.unlink('p')",
    "randomness": "import random, secrets, uuid; print(random.random(), secrets.token_hex(), uuid.uuid4())",
    "ctypes": "import ctypes; ctypes.CDLL(None).getpid()",
    "process information": "import os, platform, time; os.getloadavg(); os.times(); os.cpu_count(); "
    "platform.platform(); time.process_time(); os.nice(1); os.sched_getaffinity(0)",
    "isatty": "import sys, os; sys.stdin.isatty(); os.isatty(1); print(os.get_terminal_size.__name__)",
}
RUN = """
import json, os, subprocess, sys
def drop():
    os.setgroups([]); os.setresgid(54321, 54321, 54321); os.setresuid(54321, 54321, 54321)
failed = {}
for name, code in json.loads(sys.argv[1]).items():
    open("/program/main.py", "w").write(code)
    done = subprocess.run(
        [sys.executable, "/program/main.py"], cwd="/tmp", preexec_fn=drop, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60)
    if done.returncode or done.stderr:
        failed[name] = done.stderr[-500:]
print(json.dumps(failed))
"""


@pytest.mark.docker
def test_honest_programs_work_behind_the_filter(
    sandbox_client: "DockerClient", options: dict[str, Any]
) -> None:
    """What solutions use of the standard library and the packages, as an unprivileged user."""
    honest = options | {"mem_limit": "1g", "memswap_limit": "1g"}
    stdout, stderr = outputs(sandbox_client, honest, RUN, json.dumps(HONEST))

    assert (json.loads(stdout), stderr) == ({}, b"")
