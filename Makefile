# make demo         measure the bundled model on the bundled clips; ends with the report's path
# make test         the tests
# make test-busy    the tests beside busy loops (N=20), which leave them little of every core
# make check        format, lint, types, layers
# make serve        the service with the bundled model on http://127.0.0.1:8000
# make page         the program of report pages, built from its sources into reports/page/assets
# make coverage     the tests, and how much of the code they reach; fails where that has fallen
# make test-lowest  the tests with the lowest versions that pyproject.toml allows, in .venv-lowest
# make gpu          everything about a GPU, in eight minutes at most: a table beside published figures
# make image        the container image with the service and the harness, built and put through its paces
# make site         this documentation as a site in build/site; fails where a link leads nowhere
# Each sets up .venv by itself and is quick the second time. uv installs; INSTALLER=pip has pip do it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
# What installs: uv (fetched by pip where there is none), or pip.
INSTALLER ?= uv
INSTALL = tests/install.py --with $(INSTALLER)
ARGS ?=
N ?= 20

# The bytecode is kept, or each of the processes that the tests start compiles all it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help site demo serve test test-busy test-lowest coverage check bench gpu image page proto schemas clean

help:
	@sed -n 's/^# //p' Makefile | head -n 12

demo: $(VENV)/.core
	@$(BIN)/python -m sv_eval $(ARGS)

serve: $(VENV)/.serve
	@$(BIN)/python -m sv_eval.serve $(ARGS)

# Two at a time; a file's tests stay together, for what they share, and files come in the order of tests/conftest.py.
# ARGS="-n 0" runs them one by one.
TWO := -n 2 --dist loadfile --no-loadscope-reorder --benchmark-disable
test: $(VENV)/.dev $(VENV)/.debian $(VENV)/.page
	@$(BIN)/python -m pytest $(TWO) $(ARGS)

# No test may depend on how fast the machine is.
test-busy: $(VENV)/.dev $(VENV)/.debian $(VENV)/.page
	@$(BIN)/python tests/busy.py $(N) -- $(BIN)/python -m pytest $(TWO) $(ARGS)

# No lower bound in pyproject.toml may be untrue. An old package that calls a newer one by its name of yesterday has not
# failed, and the golden files hold the last digits of a current scipy: 1.16 and older differ from them in the tenth.
GOLDEN := tests/functional/test_golden.py
test-lowest: $(LOWEST)/.dev $(VENV)/.debian $(LOWEST)/.page
	@$(LOWEST)/bin/python -m pytest $(TWO) -W ignore::DeprecationWarning \
	  --deselect $(GOLDEN)::test_a_run_scores_and_reads_as_it_did \
	  --deselect $(GOLDEN)::test_the_runs_of_a_sweep_score_as_they_did $(ARGS)

# In this process alone: what the tests start as commands of their own is run, but not counted.
coverage: $(VENV)/.dev $(VENV)/.debian $(VENV)/.page
	@$(BIN)/python -m pytest $(TWO) --cov --cov-report=term:skip-covered $(ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

page: $(VENV)/.page
	@$(BIN)/python tests/page_assets.py

# Not --quiet: it would hide warnings from --strict.
site: $(VENV)/.docs
	@$(BIN)/python docs/site/build.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -f build/mkdocs.yml
	@echo "build/site/index.html"

gpu: $(VENV)/.dev
	@$(BIN)/python -m tests.gpu $(ARGS)

# With Docker, or with buildah and podman; KIND=cuda builds the other one. Without a registry the base is Debian's packages.
KIND ?= cpu
image:
	@$(PYTHON) tests/image.py $(KIND) $(ARGS)

bench: $(VENV)/.dev
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; call make with PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "[an environment in $(VENV)]"
	@$(PYTHON) -m venv $(VENV)

# silero-vad without what it depends on: its Python code needs torch, its model file does not.
$(VENV)/.core: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python $(INSTALL) --step "1/2 sv-eval and what it needs: 46 packages, 175 MB; 5 s to 4 minutes" -- -e .
	@$(BIN)/python $(INSTALL) --step "2/2 the model that finds speech: 11 MB; seconds" -- --no-deps silero-vad
	@touch $@

$(VENV)/.serve: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python $(INSTALL) --step "1/2 sv-eval with its service: 70 packages, 190 MB; 5 s to 4 minutes" -- -e '.[serve]'
	@$(BIN)/python $(INSTALL) --step "2/2 the model that finds speech: 11 MB; seconds" -- --no-deps silero-vad
	@touch $@ $(VENV)/.core

$(VENV)/.docs: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python $(INSTALL) --step "sv-eval with its service, and mkdocs: 93 packages; seconds to minutes" -- -e '.[serve,docs]'
	@touch $@

EXTRAS := dev,docs,serve,remote,otel,gpu,hdr,tune,ray,rooms,mos,calibration,sherpa,parquet,mlflow,croissant,storage

# Without what they ask for: an old cloudpickle, an old Pillow, and for networks that figures are not held against.
ALONE := hydra-ray-launcher netcal quapy crepes trackio gradio-client brotli

# torch first and by itself: a range would let the installer choose a CUDA build of several GB.
$(VENV)/.dev: pyproject.toml requirements-dev.txt | $(VENV)/bin/python
	@$(BIN)/python $(INSTALL) --step "1/3 torch and what the tests are held against: 400 MB; 1 to 5 minutes" -- -r requirements-dev.txt
	@$(BIN)/python $(INSTALL) --compile --step "2/3 sv-eval with its extras: 500 MB; 1 to 6 minutes" -- -e '.[$(EXTRAS)]'
	@$(BIN)/python $(INSTALL) --compile --step "3/3 Hydra's launcher for Ray, trackio, peers of figures; seconds" -- --no-deps $(ALONE)
	@touch $@ $(VENV)/.core $(VENV)/.serve

# Each package that pyproject.toml names at the lowest version it allows, but for torch and FunASR, which are as above: old
# CPU builds of torch are on no index. What these packages need themselves is the newest that goes with them.
$(LOWEST)/.dev: pyproject.toml requirements-dev.txt
	@echo "[an environment in $(LOWEST)]"
	@$(PYTHON) -m venv --clear $(LOWEST)
	@$(LOWEST)/bin/python tests/install.py --lowest $(LOWEST)/lowest.txt --extras $(EXTRAS) \
	  --step "1/2 the lowest versions, and torch: 900 MB; 1 to 8 minutes" -- -r requirements-dev.txt -e '.[$(EXTRAS)]'
	@$(LOWEST)/bin/python tests/install.py --compile --step "2/2 Hydra's launcher for Ray, trackio, peers; seconds" -- --no-deps $(ALONE)
	@touch $@

# What report pages are bundled of, as their lock has it: a test bundles them anew.
$(VENV)/.page: reports/page/front/package-lock.json $(VENV)/.dev
	@$(BIN)/python tests/page_assets.py packages
	@touch $@

$(LOWEST)/.page: reports/page/front/package-lock.json $(LOWEST)/.dev
	@$(LOWEST)/bin/python tests/page_assets.py packages
	@touch $@

# The tests that rebuild the bundled clips speak with espeak-ng; those of the service's page open it in Chromium; those of
# completion press Tab in zsh; those of docker/ have Prometheus read the service.
$(VENV)/.debian: | $(VENV)/bin/python
	@{ command -v espeak-ng && command -v chromium && command -v curl && command -v zsh && command -v prometheus; } >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq espeak-ng chromium curl zsh prometheus >/dev/null; } \
	  || { echo "the tests need: apt-get install espeak-ng chromium curl zsh prometheus"; exit 1; }
	@touch $@

# The JSON Schemas of a run's files, from their types; a test compares the two.
schemas: $(VENV)/.core
	@$(BIN)/python -m sv_eval.report.schemas

clean:
	rm -rf $(VENV) $(LOWEST) dist build .mypy_cache .ruff_cache .hypothesis

# The messages of the gRPC API, generated anew; a test compares them with the .proto. An older generator than the
# newest: its code runs with this and the next major version of protobuf.
proto: | $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/proto
	$(VENV)/proto/bin/python -m pip install --quiet --disable-pip-version-check 'grpcio-tools==1.75.*' setuptools
	$(VENV)/proto/bin/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. \
	  sv_eval/wire/emotion.proto
