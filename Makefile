# make demo       measure the bundled model on the bundled clips; ends with the report's path
# make test       the tests
# make test-busy  the tests beside busy loops (N=20), which leave them little of every core
# make check      format, lint, types, layers
# make serve      the service with the bundled model on http://127.0.0.1:8000
# Each sets up .venv by itself and is quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
N ?= 20

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-busy check bench proto schemas clean

help:
	@sed -n 's/^# //p' Makefile | head -n 6

demo: $(VENV)/.core
	@$(BIN)/python -m sv_eval $(ARGS)

serve: $(VENV)/.serve
	@$(BIN)/python -m sv_eval.serve $(ARGS)

# Two at a time; a file's tests stay together, for what they share. ARGS="-n 0" runs them one by one.
test: $(VENV)/.dev $(VENV)/.debian
	@$(BIN)/python -m pytest -n 2 --dist loadfile --benchmark-disable $(ARGS)

# No test may depend on how fast the machine is.
test-busy: $(VENV)/.dev $(VENV)/.debian
	@$(BIN)/python tests/busy.py $(N) -- $(BIN)/python -m pytest -n 2 --dist loadfile --benchmark-disable $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; call make with PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# silero-vad without what it depends on: its Python code needs torch, its model file does not.
$(VENV)/.core: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps silero-vad
	@touch $@

$(VENV)/.serve: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[serve]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps silero-vad
	@touch $@ $(VENV)/.core

# torch first and by itself: a range would let pip choose a CUDA build of several GB.
$(VENV)/.dev: pyproject.toml requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,serve,remote,otel,gpu,hdr,tune,ray]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps hydra-ray-launcher
	@touch $@ $(VENV)/.core $(VENV)/.serve

# The tests that rebuild the bundled clips speak with espeak-ng; those of the service's page open it in Chromium.
$(VENV)/.debian: | $(VENV)/bin/python
	@{ command -v espeak-ng && command -v chromium && command -v curl; } >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq espeak-ng chromium curl >/dev/null; } \
	  || { echo "the tests need: apt-get install espeak-ng chromium curl"; exit 1; }
	@touch $@

# The JSON Schemas of a run's files, from their types; a test compares the two.
schemas: $(VENV)/.core
	@$(BIN)/python -m sv_eval.report.schemas

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .hypothesis

# The messages of the gRPC API, generated anew; a test compares them with the .proto. An older generator than the
# newest: its code runs with this and the next major version of protobuf.
proto: | $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/proto
	$(VENV)/proto/bin/python -m pip install --quiet --disable-pip-version-check 'grpcio-tools==1.75.*' setuptools
	$(VENV)/proto/bin/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. \
	  sv_eval/wire/emotion.proto
