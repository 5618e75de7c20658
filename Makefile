# Everything is done from here: `make setup`, `make run`, `make test`. Only hashed wheels are installed.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv/bin
PIP := $(VENV)/python -m pip --disable-pip-version-check -q install --no-compile --require-hashes --only-binary :all:
UVC := $(VENV)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url
PACKAGES := market ratings bidding oversight portal
TYPED := $(PACKAGES)
WORDS := $(wildcard portal/translations/*/*.po portal/translations/*/LC_MESSAGES/*.po)

.DEFAULT_GOAL := setup
.PHONY: setup run test check lock lock-check fmt bench system

setup: .venv/.run

run: .venv/.run .venv/.words
	$(VENV)/taozhongjie run

test: .venv/.dev .venv/.words system
	$(MAKE) --no-print-directory check
	$(VENV)/pytest -n 2 --dist loadfile

check: .venv/.dev lock-check
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy --strict $(TYPED)
	$(VENV)/lint-imports
	if [ -d templates ]; then $(VENV)/djlint templates --quiet --lint --profile jinja; fi

lock: .venv/.dev
	$(UVC) pyproject.toml -o requirements.lock
	$(UVC) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

# Both locks are resolved again beside the old ones, whose pins are kept: a difference means that
# pyproject.toml was changed without `make lock`. Without a registry nothing can be said.
lock-check: .venv/.dev
	@bash tests/lock_check.sh "$(UVC)"

fmt: .venv/.dev
	$(VENV)/ruff check --fix-only .
	$(VENV)/ruff format .

bench: .venv/.dev .venv/.words system
	for bench in benchmarks/*.py; do $(VENV)/python "$$bench" || exit 1; done

# What the tests need from the system: a real PostgreSQL, a browser, Chinese fonts, PDF tools.
# localstripe stands in for Stripe, in a venv of its own.
system: .venv/.run
	@bash tests/system.sh
	@bash tests/stripe.sh $(VENV)/python

# The .pth file stands for an editable install, which would want a builder outside the hashes.
.venv/.run: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(VENV)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv \
	  || { echo "The venv module is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PIP) -r requirements.lock
	echo "$(CURDIR)" > "$$($(VENV)/python -c 'import site; print(site.getsitepackages()[0])')/taozhongjie.pth"
	printf '#!%s\nfrom portal.cli import main; main()\n' "$(CURDIR)/$(VENV)/python" > $(VENV)/taozhongjie
	chmod +x $(VENV)/taozhongjie
	touch $@

.venv/.dev: .venv/.run requirements-dev.lock
	$(PIP) -r requirements-dev.lock
	touch $@

.venv/.words: .venv/.run $(WORDS)
	if [ -f portal/words.py ]; then $(VENV)/python -m portal.words compile; fi
	touch $@
