#!/usr/bin/env bash
# Makes .venv-verl with verl 0.9.1, which needs an older transformers than vLLM, and runs the tests that need it.
# usage: tools/test_verl.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-python3}
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || {
    echo "verl 0.9.1 with evalkit needs Python 3.11 or 3.12; use: make test-verl PYTHON=/path/to/python3.12" >&2
    exit 1
}
[ -x .venv-verl/bin/python ] || "$python" -m venv .venv-verl
pip() { .venv-verl/bin/python -m pip --disable-pip-version-check --quiet "$@"; }

if ! [ .venv-verl/.installed -nt pyproject.toml ]; then
    echo "evalkit: installing verl in .venv-verl (a few minutes the first time)"
    torch="torch==2.13.0"   # the tests need no GPU; without a CPU build at hand, PyTorch's own index has one
    pip install "$torch+cpu" 2>/dev/null ||
        pip install "$torch+cpu" --extra-index-url https://download.pytorch.org/whl/cpu
    pip install --editable ".[verl]" "pytest>=9" "pytest-timeout>=2.3"
    touch .venv-verl/.installed
fi
# What verl and Ray warn of is not evalkit's.
.venv-verl/bin/python -m pytest -W default tests/test_verl_*.py
