# Runs after each program of the suite: prints the sum only where nothing of that program is left.
# It avoids the functions that mode `official` takes away (open, os.getcwd, quit ...).
import builtins
import os
import sys


def text_of(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(fd, 1 << 16), b"")).decode("utf-8", "replace")
    finally:
        os.close(fd)


def names_in(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def ancestors():
    pids, pid = {1}, os.getpid()
    while pid > 1:
        pids.add(pid)
        pid = int(text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
    return pids


def strange_processes():
    found = []
    for name in names_in("/proc"):
        if name.isdigit() and int(name) not in ancestors():
            try:
                status = dict(line.split(":\t", 1) for line in text_of(f"/proc/{name}/status").splitlines() if ":\t" in line)
            except OSError:
                continue
            if status["Uid"].split()[0] != "0":
                found.append(f"process {name} {status['Name']} of user {status['Uid'].split()[0]}")
    return found


def strange_files():
    own = os.path.basename(globals().get("__file__", ""))
    found = []
    for folder in ("/tmp", "/dev/shm", "/dev/mqueue", "/var/tmp", "/run/lock"):
        found += [f"{folder}/{name!a}" for name in names_in(folder) if name != own]
    for folder in {os.path.expanduser("~"), "/", "/run", "/home", ".", *sys.path}:
        found += [f"{folder}/{name!a}" for name in names_in(folder) if "residue" in name]
    for folder in ("/tmp", "/dev/shm"):
        if os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK):
            found.append(f"{folder} is closed")
    return found


def kernel_objects():
    found = []
    for kind in ("shm", "sem", "msg"):
        try:
            found += [f"sysv {kind}"] * (len(text_of(f"/proc/sysvipc/{kind}").splitlines()) - 1)
        except OSError:
            pass
    for table in ("tcp", "udp", "tcp6", "udp6"):
        try:
            found += [f"socket {table}"] * (len(text_of(f"/proc/net/{table}").splitlines()) - 1)
        except OSError:
            pass
    try:
        found += [line for line in text_of("/proc/net/unix").splitlines() if "residue" in line]
    except OSError:
        pass
    return found


def strange_state():
    found = [f"variable {name}" for name in os.environ if name in ("LD_PRELOAD", "PYTHONSTARTUP", "PYTHONPATH") or "RESIDUE" in name]
    __import__("json"), __import__("random"), __import__("heapq")
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None) or ""
        if name == "residue" or path.startswith(("/tmp", "/dev", "/var", "/home", "/run")):
            found.append(f"module {name} {path}")
    if hasattr(builtins, "residue") or print(end="") is not None or len([0, 0]) != 2:
        found.append("changed builtins")
    if os.getuid() and os.path.exists("/tmp") and os.statvfs("/tmp").f_bfree * 2 < os.statvfs("/tmp").f_blocks:
        found.append("/tmp is full")
    return found


def main():
    a, b = map(int, input().split())
    found = strange_processes() + strange_files() + kernel_objects() + strange_state()
    path = "/tmp/canary"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    print("residue: " + "; ".join(found)[:500] if found else a + b)


main()
