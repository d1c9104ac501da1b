# Two commands for newcomers: `make demo` and `make test`. Everything they need, they install.

PYTHON ?= python3
BIN := .venv/bin
# uv is used where it is there or can be installed; its cache makes a second install a matter of seconds.
UV := $(BIN)/uv

.PHONY: demo test lint types check bench faults lock wheel clean browser postgres

demo: .venv/installed
	$(BIN)/loop demo --folder demo-workspace $(if $(HEADLESS),--headless)

# The tests start a hundred processes: compiled first, as with INSTALL below.
test: .venv/tested browser postgres check
	$(BIN)/python -m compileall -q loop_core app
	$(BIN)/pytest tests -n 2 --dist worksteal --durations=25

check: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/tested
	$(BIN)/python -m tests.bench

faults: .venv/tested browser postgres
	LOOPBENCH_FAULTS=long $(BIN)/pytest tests/faults tests/retrain/test_dask.py tests/test_notebooks.py

.venv/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit("Loopbench needs Python 3.11 or newer; this is " + sys.version) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet uv

# Compiled once here, because where Python may not keep compiled files every start would compile again, for seconds.
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --compile-bytecode

.venv/installed: requirements.lock pyproject.toml | .venv/bin/uv
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --editable .
	touch $@

.venv/tested: .venv/installed tests/requirements.lock
	$(INSTALL) --require-hashes -r tests/requirements.lock
	touch $@

# The browser and PostgreSQL tests use Debian's packages; elsewhere install them yourself, or those tests say why they skip.
browser:
	@test -x /usr/bin/chromium || $(MAKE) --no-print-directory apt PACKAGES=chromium

postgres:
	@test -x /usr/lib/postgresql/15/bin/initdb || $(MAKE) --no-print-directory apt PACKAGES=postgresql-15

.PHONY: apt
apt:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES) >/dev/null; \
	else echo "$(PACKAGES) is not installed and cannot be installed from here: tests that need it will say so and skip."; fi

lock: .venv/bin/uv
	$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --group test pyproject.toml -c requirements.lock -o tests/requirements.lock

wheel: .venv/bin/uv
	$(UV) build --wheel

clean:
	rm -rf .venv demo-workspace dist build
