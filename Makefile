# Every command of the project. CI calls these and nothing else.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
GOBIN := .cache/bin
READY := .venv/.ready
export BASES ?=
export PLATFORM ?=
VERSION := $(shell sed -n 's/__version__ = "\(.*\)"/\1/p' function/__version__.py)
REGISTRY ?=
FUNCTION ?=
PYTEST := $(BIN)/python -m pytest -q -n 2

.PHONY: help demo test check format lint types imports generated generate golden parity bench cover image-python image xpkg push lock clean

help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(READY) ## Render an example through the real gRPC function, in seconds
	@$(BIN)/python tools/demo.py

test: $(READY) ## Run the whole suite: cases, laws, contract, serve, docs
	$(PYTEST) tests

check: $(READY) lint types imports generated cover parity ## What CI runs: format, lint, types, imports, generated files, tests, parity

format: $(READY) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix -q .
	$(BIN)/ruff format -q .

lint: $(READY) ## Check format and lint
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .

types: $(READY) ## Check types
	$(BIN)/mypy

imports: $(READY) ## Check that imports go downwards only
	$(BIN)/lint-imports --no-cache > .cache/imports.log || (cat .cache/imports.log; exit 1)

generated: $(READY) ## Check that generated files are what the code makes
	$(BIN)/python tools/generate.py --check

generate: $(READY) ## Make XRDs, the Input's CRD, Compositions and tables anew from the code
	$(BIN)/python tools/generate.py

golden: $(READY) ## Rewrite every expected.yaml; read the difference before you commit it
	$(BIN)/python -m pytest -q tests/test_stories.py --update

cover: $(READY) ## Run the whole suite with coverage, which must be complete
	rm -f .coverage .coverage.*
	$(PYTEST) --cov=function --cov-report= tests
	$(BIN)/coverage report

parity: $(READY) $(GOBIN)/crossplane $(GOBIN)/crossplane-core $(GOBIN)/crank $(GOBIN)/kubectl ## Compare every case and example with the real Crossplane, 2.x and 1.20
	$(BIN)/python tools/parity.py

bench: $(READY) ## Measure RunFunction against a server that only copies
	$(BIN)/python bench/bench.py

image-python: ## Run the suite with the image's Python, in a Debian of its own (needs root)
	tools/image-python.sh

image: ## Build the function's image: dist/function.tar (PLATFORM=linux/arm64; BASES=stand-in where images cannot be pulled)
	tools/image.sh dist/function.tar

xpkg: image $(READY) $(GOBIN)/crossplane $(GOBIN)/crank ## Build the packages: the function, and the two configurations
	tools/xpkg.sh
	$(BIN)/python tools/inspect_xpkg.py dist

push: ## Push the packages that xpkg made: REGISTRY=host/organization, version vX.Y.Z of the project
	@tools/push.sh $(VERSION) "$(REGISTRY)" "$(FUNCTION)"

lock: $(READY) ## Pin dependencies anew
	tools/lock.sh

clean: ## Remove everything that these commands made
	rm -rf .venv .cache .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis dist

$(READY): requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p .cache
	@touch $@

# The real Crossplane, from pinned Go modules: minutes once, cached after.
$(GOBIN)/crossplane: tools/go/cli/go.mod tools/go/cli/go.sum
	cd tools/go/cli && go build -o $(CURDIR)/$@ github.com/crossplane/cli/v2/cmd/crossplane
$(GOBIN)/crossplane-core: tools/go/core/go.mod tools/go/core/go.sum
	cd tools/go/core && go build -ldflags "-X=github.com/crossplane/crossplane-runtime/v2/pkg/version.version=v2.3.4" -o $(CURDIR)/$@ github.com/crossplane/crossplane/v2/cmd/crossplane
$(GOBIN)/crank: tools/go/crank/go.mod tools/go/crank/go.sum
	cd tools/go/crank && go build -o $(CURDIR)/$@ github.com/crossplane/crossplane/cmd/crank
$(GOBIN)/kubectl: tools/go/k8s/go.mod tools/go/k8s/go.sum
	cd tools/go/k8s && go build -o $(CURDIR)/$@ k8s.io/kubernetes/cmd/kubectl
