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

.PHONY: help demo test check format lint types imports generated generate golden parity bench image-python image xpkg try-image push live live-down live-test live-all lock clean

help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(READY) ## Render an example through the real gRPC function, in seconds
	@$(BIN)/python tools/demo.py

# Measuring coverage takes more than twice the time, so it is asked for: COVER=yes, which check does.
COVER ?=
test: $(READY) ## Run the whole suite: cases, laws, contract, serve, docs (COVER=yes: all of function/ must be covered)
	rm -f .coverage .coverage.*
	$(PYTEST) $(if $(COVER),--cov=function --cov-report=) tests
	$(if $(COVER),$(BIN)/coverage report)

check: COVER = yes
check: $(READY) lint types imports generated test parity ## What CI runs first: format, lint, types, imports, generated files, tests, parity

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

try-image: $(READY) ## Run the image that image or xpkg built, and build it again: it is the same (buildah)
	tools/try-image.sh

push: ## Push the packages that xpkg made: REGISTRY=host/organization, version vX.Y.Z of the project
	@tools/push.sh $(VERSION) "$(REGISTRY)" "$(FUNCTION)"

LIVE := $(addprefix $(GOBIN)/,crossplane crossplane-core crossplane-core-1.20 crossplane-kubernetes-provider etcd kube-apiserver kube-controller-manager kubectl kustomize-controller)

live: live-needs $(READY) $(LIVE) ## Bring up a live world, to look around in: .venv/bin/python -m live run kubectl get upenv -A
	$(BIN)/python -m live up

live-down: $(READY) ## Take the live worlds down
	$(BIN)/python -m live down --crossplane 2.3
	$(BIN)/python -m live down --crossplane 1.20

live-test: live-needs $(READY) $(LIVE) ## Test in live worlds: Crossplane 2.3, and what matters of it with 1.20, at once (minutes; root)
	@$(MAKE) --jobs 2 --keep-going --no-print-directory live-test-2.3 live-test-1.20 || ($(BIN)/python -m live failures; exit 1)

live-test-%:
	$(BIN)/python -m live test --crossplane $*

live-all: live-needs $(READY) $(LIVE) ## The same with every fault at both moments and with load; before a release
	$(BIN)/python -m live test --all

.PHONY: live-needs
live-needs:
	@tools/needs.sh docker-registry=docker-registry openssl=openssl ip=iproute2 nsenter=util-linux

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

# The real programs, from pinned Go modules: minutes once, cached after. A build is named by the module that pins it, the
# package, and what is linked in.
build = cd tools/go/$(1) && go build -ldflags "$(3)" -o $(CURDIR)/$@ $(2)
# The RBAC manager has no flag for its metrics' address, which a provider's would be in the way of where all share one machine.
METRICS := -X=sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress=127.0.0.1:19454

$(GOBIN)/crossplane: tools/go/cli/go.mod tools/go/cli/go.sum
	$(call build,cli,github.com/crossplane/cli/v2/cmd/crossplane)
$(GOBIN)/crossplane-core: tools/go/core/go.mod tools/go/core/go.sum
	$(call build,core,github.com/crossplane/crossplane/v2/cmd/crossplane,-X=github.com/crossplane/crossplane-runtime/v2/pkg/version.version=v2.3.4 $(METRICS))
$(GOBIN)/crank: tools/go/crank/go.mod tools/go/crank/go.sum
	$(call build,crank,github.com/crossplane/crossplane/cmd/crank)
$(GOBIN)/crossplane-core-1.20: tools/go/crank/go.mod tools/go/crank/go.sum
	$(call build,crank,github.com/crossplane/crossplane/cmd/crossplane,-X=github.com/crossplane/crossplane/internal/version.version=v1.20.11 $(METRICS))
# Named as in its image: the names of its environment variables are made from it.
$(GOBIN)/crossplane-kubernetes-provider: tools/go/provider/go.mod tools/go/provider/go.sum
	$(call build,provider,github.com/crossplane-contrib/provider-kubernetes/cmd/provider)
$(GOBIN)/etcd: tools/go/k8s/go.mod tools/go/k8s/go.sum
	$(call build,k8s,go.etcd.io/etcd/server/v3)
$(GOBIN)/kubectl $(GOBIN)/kube-apiserver $(GOBIN)/kube-controller-manager: tools/go/k8s/go.mod tools/go/k8s/go.sum
	$(call build,k8s,k8s.io/kubernetes/cmd/$(notdir $@))
$(GOBIN)/kustomize-controller: tools/go/kustomize-controller/go.mod tools/go/kustomize-controller/go.sum
	$(call build,kustomize-controller,github.com/fluxcd/kustomize-controller)
