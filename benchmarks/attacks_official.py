"""The attack suite through the official LiveCodeBench harness: what it accepts and what it fails.

usage: python benchmarks/attacks_official.py --harness DIR [--honest-here] [--dry] [NAME ...]

DIR is a checkout of LiveCodeBench/LiveCodeBench at 28fef95. The harness runs programs in its own
process, so that each one gets a container of evalkit's image (no network, nothing writable but
/tmp) that holds the harness and no other data. Without Docker hostile programs are refused;
--honest-here runs the honest ones as plain processes on this machine.
"""

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.attacks import Attack

WORKER = """
import sys
sys.path.insert(0, {folder!r})
import attacks_official
attacks_official.work({harness!r})
"""
CONTAINER = [
    *("--rm", "--interactive", "--network", "none", "--log-driver", "none"),
    *("--read-only", "--tmpfs", "/tmp:size=256m,mode=1777", "--user", "65534:65534"),
    *("--memory", "4g", "--memory-swap", "4g", "--pids-limit", "128"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
]


def main() -> None:
    from evalkit.attacks import HONEST, load_suite, select

    options = parsed()
    attacks = select(load_suite(), options.names)
    if options.honest_here:
        attacks = [one for one in attacks if one.kind == HONEST]
    image = None if options.honest_here else image_name()
    if options.dry:
        print(f"{len(attacks)} programs, in {image or 'plain processes'}")
        return
    passed = {}
    for attack in attacks:
        answer = run(attack, options.harness.resolve(), image)
        passed[attack.name] = answer == "passed"
        print(f"{attack.kind} {attack.name}: {answer}", flush=True)
    report(attacks, passed)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--harness", type=Path, required=True)
    parser.add_argument("--honest-here", action="store_true")
    parser.add_argument("--dry", action="store_true")
    options = parser.parse_args()
    if not (options.harness / "lcb_runner/evaluation/testing_util.py").is_file():
        parser.error(f"{options.harness} is not a checkout of LiveCodeBench/LiveCodeBench")
    return options


def image_name() -> str:
    from evalkit.sandbox.client import connect
    from evalkit.sandbox.image import find_image
    from evalkit.types import SandboxError

    try:
        client = connect()
        try:
            return find_image(client).name
        finally:
            client.close()
    except SandboxError as error:
        raise SystemExit(f"hostile programs are not run outside of a container: {error}") from error


def run(attack: "Attack", harness: Path, image: str | None) -> str:
    """How the harness judged; "hung" and "died" where no verdict came from it."""
    cases = attack.problem.cases
    nonce = secrets.token_hex(16)
    job = {
        "nonce": nonce,
        "code": attack.code,
        "timeout": int(attack.problem.time_limit_s),
        "inputs": [one.input for one in cases],
        "outputs": [one.output for one in cases],
        "fn_name": attack.problem.fn_name,
    }
    with tempfile.TemporaryDirectory() as folder:
        command = container(image, harness, nonce) if image else here(harness)
        try:
            done = subprocess.run(
                command,
                input=json.dumps(job).encode(),
                capture_output=True,
                timeout=30 + 2 * (job["timeout"] + 1) * len(cases),
                check=False,
                cwd=folder,
            )
        except subprocess.TimeoutExpired:
            subprocess.run(["docker", "rm", "-f", nonce], capture_output=True, check=False)
            return "hung"
    answers = [one for one in done.stdout.split(b"\n") if one.startswith(nonce.encode())]
    return answers[-1][len(nonce) :].decode() if answers else "died"


def here(harness: Path) -> list[str]:
    code = WORKER.format(folder=str(Path(__file__).parent), harness=str(harness))
    return [sys.executable, "-c", code]


def container(image: str, harness: Path, name: str) -> list[str]:
    code = WORKER.format(folder="/bench", harness="/harness")
    mounts = [f"--volume={harness}:/harness:ro", f"--volume={Path(__file__).parent}:/bench:ro"]
    return [
        *("docker", "run", *CONTAINER, "--name", name, *mounts, "--workdir", "/tmp"),
        *("--entrypoint", "/opt/evalkit/python", image, "-B", "-c", code),
    ]


def work(harness: str) -> None:
    """In the container: judges the program that comes on stdin as the harness does."""
    job: dict[str, Any] = json.loads(sys.stdin.read())
    sys.path.insert(0, harness)
    package = types.ModuleType("lcb_runner.evaluation")  # its __init__ imports metrics not needed
    package.__path__ = [f"{harness}/lcb_runner/evaluation"]
    sys.modules["lcb_runner.evaluation"] = package
    sys.modules.setdefault("tqdm", types.SimpleNamespace(tqdm=None))  # type: ignore[arg-type]
    from lcb_runner.evaluation.compute_code_generation_metrics import (
        evaluate_generations_by_problem,
    )

    tests = {key: job[key] for key in ("inputs", "outputs", "fn_name")}
    sample = {"input_output": json.dumps(tests)}
    arguments = ([job["code"]], sample, False, job["timeout"])
    (results,), (metadata,) = evaluate_generations_by_problem(arguments)
    is_passed = all(one is True or (not isinstance(one, bool) and one > 0) for one in results)
    verdict = "passed" if is_passed else f"failed ({metadata.get('error_code')})"
    print(f"\n{job['nonce']}{verdict}", flush=True)


def report(attacks: "list[Attack]", passed: dict[str, bool]) -> None:
    from evalkit.attacks import HONEST, HOSTILE
    from evalkit.sandbox.types import Mode
    from evalkit.types import Verdict

    right = (Verdict.CORRECT,)
    hostile = [
        one
        for one in attacks
        if one.kind == HOSTILE and Verdict.CORRECT not in one.expected[Mode.PROCESS]
    ]
    honest = [one for one in attacks if one.kind == HONEST and one.expected[Mode.PROCESS] == right]
    accepted = [one.name for one in hostile if passed[one.name]]
    failed = [one.name for one in honest if not passed[one.name]]
    print(f"accepts {len(accepted)} of {len(hostile)} that must not pass: {', '.join(accepted)}")
    print(f"fails {len(failed)} of {len(honest)} honest programs: {', '.join(failed)}")


if __name__ == "__main__":
    main()
