#!/usr/bin/env python3
"""Renews sandboxes/python/requirements.txt from requirements.in: exact versions with the hashes of
the wheels for both architectures. Needs a network; the result is committed.

usage: tools/pin_sandbox.py
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from evalkit.sandbox.recipe import recipe
from evalkit.sandbox.wheels import platforms


def main() -> None:
    pins: dict[str, set[str]] = {}
    for architecture in ("x86_64", "aarch64"):
        with tempfile.TemporaryDirectory() as folder:
            download(Path(folder), architecture)
            for wheel in sorted(Path(folder).glob("*.whl")):
                name, version = wheel.name.split("-")[:2]
                digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
                pins.setdefault(f"{name}=={version}", set()).add(f"--hash=sha256:{digest}")
    lines = ["# Made by tools/pin_sandbox.py from requirements.in: wheels for x86_64 and aarch64."]
    for pin, hashes in sorted(pins.items()):
        lines.append(" \\\n    ".join([pin, *sorted(hashes)]))
    (recipe().folder / "requirements.txt").write_text("\n".join(lines) + "\n")


def download(folder: Path, architecture: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    tags = [f"--platform={tag}" for tag in platforms(architecture)]
    where = [
        "--python-version",
        recipe().start["python_version"],
        "--implementation",
        "cp",
        "--dest",
        str(folder),
    ]
    source = ["--requirement", str(recipe().folder / "requirements.in")]
    subprocess.run([*command, *where, *tags, *source], check=True)


if __name__ == "__main__":
    main()
