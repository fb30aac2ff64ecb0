# Deskbus. `make run` and `make test` do all the set-up themselves, without root.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --no-sync
ENGINES = DESKBUS_REQUIRE_ENGINES=1 PYTHONPATH=tests $(RUN) python -m engines --
ENGINES_OF_THEIR_OWN = $(subst engines --,engines --only documents --,$(ENGINES))
FLEET_TESTS = tests/faults/test_faults_fleet.py tests/faults/test_faults_assignment.py
DEMO ?= 1
WORKERS ?= auto

# Every command starts from compiled modules, whatever the shell says: without them a start takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test laws lint audit format contracts engines production faults deploy bench clean

help: ## show what can be done
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Deskbus needs Python 3.11 or newer; set PYTHON=…")'
	@echo "Fetching uv, the package installer, into .tools …"
	@$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet "uv>=0.9"

.venv/.synced: uv.lock pyproject.toml contracts/pyproject.toml libs/service-kit/pyproject.toml $(wildcard services/*/pyproject.toml) deploy/embedded/pyproject.toml | $(filter .tools/bin/uv,$(UV))
	@echo "Installing the environment into .venv …"
	@$(UV) sync --locked --quiet --compile-bytecode
	@touch .venv/.synced

setup: .venv/.synced ## create the environment (the other targets do it themselves)

run: setup ## start everything on this machine, with demo traffic (DEMO=0 without)
	@exec $(RUN) deskbus up $(if $(filter 1,$(DEMO)),--demo)

test: setup ## run the tests on the embedded engines (but for the long ones: make laws faults)
	@$(RUN) pytest -m "not faults and not laws and not deploy" -n $(WORKERS) --no-loadscope-reorder $(ARGS)

laws: setup ## hold the system against its models, in many random lives, orders and requests
	@$(RUN) pytest -m laws -n $(WORKERS) --no-loadscope-reorder $(ARGS)

faults: setup ## kill real processes at bad moments under traffic, then check the histories (SECONDS=600: on Kafka)
	@$(if $(SECONDS),$(ENGINES_OF_THEIR_OWN) $(RUN) pytest $(FLEET_TESTS) --faults-seconds $(SECONDS) $(ARGS),\
	  $(RUN) pytest -m "faults and not engines" -n 2 --no-loadscope-reorder $(ARGS))

engines: setup ## run what needs Kafka and MongoDB: in containers, or fetched once and started on this machine
	@$(ENGINES) $(RUN) pytest -m engines -n $(WORKERS) $(addprefix --ignore ,$(FLEET_TESTS)) $(ARGS)

production: setup ## the end-to-end tests on processes of each service, Kafka and a document engine
	@DESKBUS_TEST_COMPOSITION=production $(ENGINES) $(RUN) pytest tests/end_to_end $(ARGS)

deploy: setup ## build the image, bring the compose file up in Docker, kill, roll, scale and restore it
	@$(RUN) pytest -m deploy tests/deploy $(ARGS)

bench: setup ## measure the pipeline against its floor (ARGS="--quick", ARGS="--help")
	@PYTHONPATH=tests $(RUN) python -m benchmarks $(ARGS)

lint: setup ## format check, ruff, mypy, import contracts, generated contracts
	@$(RUN) ruff format --check .
	@$(RUN) ruff check --no-fix .
	@$(RUN) mypy
	@$(RUN) lint-imports
	@$(RUN) python -m contracts.generate contracts --check
	@$(RUN) python -m deskbus.settings_page docs/operations/settings.md --check

audit: setup ## look the locked dependencies up among known vulnerabilities (needs a network)
	@$(UV) audit --locked

format: setup ## format and fix what can be fixed
	@$(RUN) ruff format . && $(RUN) ruff check --fix .

contracts: setup ## regenerate JSON Schemas and the AsyncAPI document
	@$(RUN) python -m contracts.generate contracts

clean: ## remove the environment (never the data in .deskbus)
	@rm -rf .venv .tools
