# The commands of .venv if there is one, else those on PATH.
BIN := $(if $(wildcard .venv/bin/python),.venv/bin/,)

.PHONY: check lint test docs

check: lint test

lint:
	$(BIN)ruff format --check .
	$(BIN)ruff check .
	$(BIN)mypy
	$(BIN)lint-imports

test:
	$(BIN)pytest -q

docs:
	$(BIN)python -m natsbackend.cli.reference > docs/commands.md
	$(BIN)python -m natsbackend.cli.reference_spec > docs/spec.md
	$(BIN)natsbackend schema > docs/natsbackend.schema.json
