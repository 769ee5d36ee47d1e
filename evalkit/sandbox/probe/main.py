"""Runs every probe and prints one JSON object: property → [holds, what was seen]."""

import json
import os
import sys
from collections.abc import Callable

from evalkit.sandbox.probe import files, kernel, limits
from evalkit.sandbox.probe.outcome import Outcome, drop

Probes = dict[str, Callable[[], Outcome]]


def main() -> None:
    """Starts as the runner does: as root with three capabilities."""
    found = {name: probe() for name, probe in _as_root().items()}
    found |= _in_child(_as_user())
    found["memory"] = limits.memory()
    sys.stdout.write(json.dumps(found) + "\n")


def _as_root() -> Probes:
    """What a program could do if it became root in here."""
    return {
        "setuid": files.setuid,
        "writable": files.writable,
        "root-readonly": files.root_readonly,
        "proc-sys": files.proc_sys,
    }


def _as_user() -> Probes:
    return {
        "network": kernel.network,
        "capabilities": kernel.capabilities,
        "no-new-privileges": kernel.no_new_privileges,
        "seccomp": kernel.seccomp,
        "calls": kernel.calls,
        "namespaces": kernel.namespaces,
        "sockets": kernel.sockets,
        "pid1": kernel.pid1,
        "user-namespace": kernel.user_namespace,
        "mounts": files.mounts,
        "devices": files.devices,
        "tmp-size": files.tmp_size,
        "core-dumps": limits.core_dumps,
        "processes": limits.processes,
        "cpu": limits.cpu,
    }


def _in_child(probes: Probes) -> dict[str, Outcome]:
    """Runs the probes as an unprivileged user, as the runner would run a program."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(source)
        drop()
        found: dict[str, Outcome] = {}
        for name, probe in probes.items():
            try:
                found[name] = probe()
            except OSError as error:
                found[name] = (False, f"the probe failed: {error}")
        with os.fdopen(sink, "w") as file:
            json.dump(found, file)
        os._exit(0)
    os.close(sink)
    with os.fdopen(source) as file:
        text = file.read()
    os.waitpid(child, 0)
    return dict(json.loads(text))


if __name__ == "__main__":
    main()
