#!/usr/bin/env bash
# Makes .venv-clients with the trainers' client code, and runs the tests in which it asks the reward server.
# verl and OpenRLHF come without what they need to train: only their modules that send requests are loaded.
# usage: tools/test_clients.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:-python3}
[ -x .venv-clients/bin/python ] || "$python" -m venv .venv-clients
pip() { .venv-clients/bin/python -m pip --disable-pip-version-check --quiet "$@"; }

if ! { [ .venv-clients/.installed -nt pyproject.toml ] && [ .venv-clients/.installed -nt "$0" ]; }; then
    echo "evalkit: installing the clients in .venv-clients (a minute the first time)"
    pip install --editable ".[serve]" "pytest>=9" "pytest-timeout>=2.3" \
        aiohttp openai requests sandbox-fusion==0.3.7
    pip install --no-deps openrlhf==0.11.2 verl==0.9.1
    touch .venv-clients/.installed
fi
# What the clients warn of is not evalkit's.
.venv-clients/bin/python -m pytest -W default tests/test_server_clients.py
