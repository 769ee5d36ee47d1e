"""Checks of the machine: each is fine, or says what mends it."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evalkit import environment
from evalkit.code_data.assert_sets import AssertSource
from evalkit.code_data.lcb import LcbSource
from evalkit.data import DataSource, default_data_dir
from evalkit.engine.vllm_worker import VLLM_VERSIONS
from evalkit.task import load_task, task_names
from evalkit.types import DataError

_MIN_MEMORY_GIB = 4
_MIN_DISK_GIB = 5
_BREAKING = ("torchvision", "torchaudio", "torchcodec")


@dataclass(frozen=True, slots=True)
class Check:
    """`mend` is the command or step that helps; `is_required` says that `run` needs it."""

    name: str
    is_ok: bool
    text: str
    mend: str = ""
    is_required: bool = True


def all_checks() -> list[Callable[[], Check]]:
    """In the order in which they are shown; each takes up to a few seconds."""
    return [_python, _torch, _vllm, _gpu, _memory, _disk, _docker, _data, _hub]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _torch() -> Check:
    answer = _ask_python("import torch; print(torch.__version__, torch.cuda.is_available())")
    if not answer.is_ok:
        return Check("torch", False, f"does not import ({answer.text})", _install())
    version, has_cuda = answer.text.split()
    if environment.gpus() and has_cuda != "True":
        return Check("torch", False, f"{version} does not see the GPU", _install())
    return Check("torch", True, f"{version}, {'with' if has_cuda == 'True' else 'without'} CUDA")


def _vllm() -> Check:
    if importlib.util.find_spec("vllm") is None:
        return Check("vLLM", False, "is not installed", _install())
    if broken := [name for name in _BREAKING if _is_broken(name)]:
        mend = f"pip uninstall -y {' '.join(broken)}"
        return Check("vLLM", False, f"{', '.join(broken)} do not fit this torch and break it", mend)
    answer = _ask_python("import vllm, transformers; print(vllm.__version__)")
    if not answer.is_ok:
        return Check("vLLM", False, f"does not import ({answer.text})", _install())
    low, high = (".".join(map(str, version)) for version in VLLM_VERSIONS)
    if not VLLM_VERSIONS[0] <= _version(answer.text) < VLLM_VERSIONS[1]:
        text = f"{answer.text}, but evalkit is tested with >={low},<{high}"
        return Check("vLLM", False, text, _install())
    return Check("vLLM", True, answer.text)


def _is_broken(name: str) -> bool:
    return importlib.util.find_spec(name) is not None and not _ask_python(f"import {name}").is_ok


def _install() -> str:
    if (Path(__file__).parent.parent / "Makefile").exists():
        return "make install"
    return f"pip install --force-reinstall evalkit[{'gpu' if environment.gpus() else 'cpu'}]"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def _gpu() -> Check:
    gpus = environment.gpus()
    text = "; ".join(gpus) or "none: small models only, on the CPU"
    return Check("GPU", bool(gpus), text, "a machine with an NVIDIA GPU", is_required=False)


def _memory() -> Check:
    free_gib = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        free_gib = int(lines["MemAvailable"].split()[0]) / 2**20
    text = f"{free_gib:.1f} GiB free"
    return Check("memory", free_gib >= _MIN_MEMORY_GIB, text, f"free {_MIN_MEMORY_GIB} GiB")


def _disk() -> Check:
    free_gib = shutil.disk_usage(Path.cwd()).free / 2**30
    text = f"{free_gib:.1f} GiB free here"
    return Check(
        "disk", free_gib >= _MIN_DISK_GIB, text, f"free {_MIN_DISK_GIB} GiB", is_required=False
    )


def _docker() -> Check:
    from evalkit.sandbox.client import connect, host_of
    from evalkit.sandbox.image import find_image
    from evalkit.types import SandboxError

    version = ""
    try:
        client = connect(timeout_s=5)
        try:
            version = host_of(client).version
            image = find_image(client)
        finally:
            client.close()
    except SandboxError as error:
        found = f"{version}, but {error}" if version else str(error)
        mend = "start Docker, then `evalkit sandbox build` (only code benchmarks need it)"
        return Check("Docker", False, found, mend, is_required=False)
    return Check("Docker", True, f"{version}, {image.name} ({image.python})", is_required=False)


def _data() -> Check:
    sources = {name: load_task(name).data for name in task_names()}
    sources = {name: source for name, source in sources.items() if not source.bundled}
    absent = {name: source for name, source in sources.items() if not _is_local(source)}
    text = f"{len(sources) - len(absent)} of {len(sources)} benchmarks in {default_data_dir()}"
    on_hub = " ".join(name for name, source in absent.items() if source.hub)
    files = ", ".join(file for source in absent.values() if not source.hub for file in source.files)
    steps = [f"evalkit data fetch {on_hub}"] * bool(on_hub) + [f"put {files} there"] * bool(files)
    return Check("data", not absent, text, "; ".join(steps), is_required=False)


def _is_local(source: DataSource | LcbSource | AssertSource) -> bool:
    try:
        return source.is_local()
    except DataError:
        return False


def _hub() -> Check:
    import httpx
    from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        return Check(
            "hub", False, "HF_HUB_OFFLINE is set", "unset HF_HUB_OFFLINE", is_required=False
        )
    try:
        httpx.head(ENDPOINT, timeout=5)
    except httpx.HTTPError as error:
        text = f"cannot reach {ENDPOINT} ({type(error).__name__})"
        mend = "work with local model directories and --data-dir"
        return Check("hub", False, text, mend, is_required=False)
    return Check("hub", True, f"{ENDPOINT} answers", is_required=False)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The last line of what a fresh interpreter printed, or of its error."""

    is_ok: bool
    text: str


def _ask_python(code: str) -> _Answer:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    is_ok = done.returncode == 0
    lines = (done.stdout if is_ok else done.stderr).strip().splitlines()
    return _Answer(is_ok, lines[-1] if lines else f"exit code {done.returncode}")
