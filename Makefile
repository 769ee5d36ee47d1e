.PHONY: install lint test test-slow test-verl test-clients docker demo build clean
PYTHON ?= python3
BIN := .venv/bin

install: .venv/.installed

.venv/.installed: pyproject.toml tools/install.sh
	bash tools/install.sh "$(PYTHON)"
	touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install
	$(BIN)/python -m pytest

test-slow: install
	$(BIN)/python -m pytest -m "slow and not gpu"

test-verl:
	bash tools/test_verl.sh "$(PYTHON)"

test-clients:
	bash tools/test_clients.sh "$(PYTHON)"

docker: install
	bash tools/docker.sh

demo: install
	$(BIN)/evalkit run --model tasks/demo/checkpoint --tasks demo --out results/demo

build: install
	$(BIN)/python -m build

clean:
	rm -rf .venv .venv-verl .venv-clients dist results/demo
