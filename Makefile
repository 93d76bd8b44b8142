# Everything from a bare machine with Python 3.11+ and make; `make` alone lists what there is.
# PYTHON=python3.12 chooses the Python; OUTGROW_HOME, PORT, DATABASE_URL are respected by serve.
# JOBS=4 runs so many tests at once, each process with a PostgreSQL of its own.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PYTEST := $(BIN)/python -m pytest

# Run on the oldest PostgreSQL too: what sends SQL of its own, and is not about processes and pages.
OLDEST := $(filter-out tests/test_advise.py tests/test_api% tests/test_architecture.py \
	tests/test_benchmarks.py \
	tests/test_blueprint.py tests/test_browser.py tests/test_cli% tests/test_docs.py \
	tests/test_field.py tests/test_golden.py tests/test_inspect_grow.py tests/test_inspect_secrets.py \
	tests/test_inspect_literals.py tests/test_keyspaces.py tests/test_lacking.py tests/test_latencies.py \
	tests/test_live.py tests/test_matrix.py tests/test_pages% tests/test_serve_readings.py \
	tests/test_serve.py tests/test_server.py tests/test_sessions.py tests/test_tour.py tests/test_maintenance.py tests/test_words.py, \
	$(wildcard tests/test_*.py))
# And in another collation: of these, what sorts and compares texts.
COLLATED := $(filter-out tests/test_chats.py tests/test_confirmations.py tests/test_database.py \
	tests/test_deletion.py tests/test_discover_plans.py tests/test_export.py tests/test_fire.py \
	tests/test_generator.py tests/test_grow_command.py tests/test_inspect.py \
	tests/test_interleavings.py tests/test_intros.py tests/test_old_clients.py \
	tests/test_ladder_commands.py tests/test_limits.py tests/test_meeting.py tests/test_migrate.py \
	tests/test_old_databases.py tests/test_privacy.py \
	tests/test_queries.py tests/test_retention.py tests/test_safety.py tests/test_talking.py, $(OLDEST))

.DEFAULT_GOAL := help
.PHONY: help install serve test lint bench soak

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Set up .venv; the command is .venv/bin/outgrow

serve: $(VENV)/.installed ## Serve a small demo campus on http://127.0.0.1:8000 (PORT=...)
	@exec $(BIN)/outgrow serve --demo

test: lint ## Check style and types, run the tests on PostgreSQL 18 and 15, print what they cover
	$(PYTEST) -q -n $(JOBS) -m "not soak" --cov --cov-report=term
	$(PYTEST) -q -n $(JOBS) -m "not soak" --pg=15 $(OLDEST)
	$(PYTEST) -q -n $(JOBS) -m "not soak" --pg=15 --collation=icu $(COLLATED)

lint: $(VENV)/.developer ## Check style and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.developer ## Measure, next to four peers, into benchmarks/results.json
	$(BIN)/python -m benchmarks

soak: $(VENV)/.developer ## Run the long forms of the property and concurrency tests
	$(PYTEST) -q -m soak --hypothesis-profile=soak

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "installing into $(VENV)" >&2
	@$(PIP) -r requirements.lock
	@$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.developer: requirements-dev.lock $(VENV)/.installed
	@echo "installing what tests and benchmarks need into $(VENV)" >&2
	@$(PIP) -r requirements-dev.lock
	@touch $@

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "error: $(PYTHON) is not Python 3.11 or newer" \
			"(hint: make PYTHON=python3.12, or install one)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "error: $(PYTHON) cannot make a virtual environment" \
			"(hint: on Debian and Ubuntu, install python3-venv)" >&2; exit 1; }
