"""`evalkit doctor` in environments where something is missing: broken packages stand on PYTHONPATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FINE = {
    "torch": (
        "class cuda:\n    @staticmethod\n    def is_available(): return False\n__version__ = '2.13.0+cpu'"
    ),
    "vllm": "__version__ = '0.32.1'",
    "transformers": "",
    "torchvision": "",
    "torchaudio": "",
    "torchcodec": "",
}
BREAKS = "raise OSError('libcudart.so.13: cannot open shared object file')"


def doctor(folder: Path, **packages: str) -> "subprocess.CompletedProcess[str]":
    """`evalkit doctor` where these packages, and fine ones by default, hide the installed ones."""
    for name, code in {**FINE, **packages}.items():
        (folder / "packages" / name).mkdir(parents=True)
        (folder / "packages" / name / "__init__.py").write_text(code)
    (folder / "bin").mkdir()
    return subprocess.run(
        [sys.executable, "-c", "from evalkit.cli import main; main()", "doctor"],
        env={
            **os.environ,
            "PYTHONPATH": f"{folder / 'packages'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "PATH": str(folder / "bin"),
            "DOCKER_HOST": f"unix://{folder}/none.sock",
            "EVALKIT_DATA": str(folder),
            "HF_HUB_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )


def found(output: str, name: str) -> list[str]:
    """The line of a check and, where there is one, the line below it that mends; single spaces."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    (start,) = (i for i, line in enumerate(lines) if line.split()[1] == name)
    return [lines[start], *(line for line in lines[start + 1 : start + 2] if "mend:" in line)]


def test_every_check_is_fine_or_says_what_mends_it(tmp_path: Path) -> None:
    """Where torch and vLLM import, a run can work: what else is missing does not fail."""
    done = doctor(tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert found(done.stdout, "torch") == ["ok torch 2.13.0+cpu, without CUDA"]
    assert found(done.stdout, "vLLM") == ["ok vLLM 0.32.1"]
    lines = done.stdout.splitlines()
    checks = [line for line in lines if not line.startswith(" ")]
    assert [line[5:13].strip() for line in checks] == [
        *("Python", "torch", "vLLM", "GPU", "memory", "disk", "Docker", "data", "hub")
    ]
    for number, line in enumerate(lines):
        if line.startswith(("FAIL", "–")):
            assert lines[number + 1].startswith("              mend: ")


def test_data_and_hub_name_the_way_to_get_files(tmp_path: Path) -> None:
    """What is on the hub can be fetched, the rest has to be put there; offline mode is named."""
    done = doctor(tmp_path)

    assert found(done.stdout, "data") == [
        f"– data 0 of 11 benchmarks in {tmp_path}",
        "mend: evalkit data fetch aime24 aime25 amc23 humaneval lcb_v5 lcb_v6 math500 mbpp minerva "
        "olympiad; "
        "put extra/olympiadbench_github675.jsonl there",
    ]
    assert found(done.stdout, "hub") == [
        "– hub HF_HUB_OFFLINE is set",
        "mend: unset HF_HUB_OFFLINE",
    ]


@pytest.mark.parametrize(
    ("broken", "mend"),
    [
        (["torchvision"], "pip uninstall -y torchvision"),
        (
            ["torchvision", "torchaudio", "torchcodec"],
            "pip uninstall -y torchvision torchaudio torchcodec",
        ),
    ],
)
def test_builds_for_cuda_beside_a_cpu_torch_are_recognised(
    tmp_path: Path, broken: list[str], mend: str
) -> None:
    """The packages that break vLLM on a CPU are named, with the command that removes them."""
    done = doctor(tmp_path, **dict.fromkeys(broken, BREAKS), transformers=f"import {broken[0]}")

    assert done.returncode == 1
    assert found(done.stdout, "vLLM") == [
        f"FAIL vLLM {', '.join(broken)} do not fit this torch and break it",
        f"mend: {mend}",
    ]


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("torch", BREAKS, "FAIL torch does not import (OSError: libcudart.so.13: cannot open"),
        ("vllm", "import nothing_like_it", "FAIL vLLM does not import (ModuleNotFoundError: No"),
        ("transformers", BREAKS, "FAIL vLLM does not import (OSError: libcudart.so.13:"),
        ("vllm", "__version__ = '0.31.0'", "FAIL vLLM 0.31.0, but evalkit is tested with >=0.32"),
        ("vllm", "__version__ = '0.33.0'", "FAIL vLLM 0.33.0, but evalkit is tested with >=0.32"),
    ],
)
def test_without_torch_or_vllm_a_run_could_not_work(
    tmp_path: Path, name: str, code: str, line: str
) -> None:
    """The exit code is 1, the reason and what mends it are shown."""
    done = doctor(tmp_path, **{name: code})

    shown = found(done.stdout, line.split()[1])
    assert done.returncode == 1
    assert shown[0].startswith(line)
    assert shown[1] == "mend: make install"
