# One command for each thing that people do here; `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CLUSTER ?= dev

# Hundreds of processes are started from these files. Where none are kept compiled, as images of
# Python have it, each compiles them anew: a third of what a short one computes.
unexport PYTHONDONTWRITEBYTECODE

# What has to pass runs in order, also under `make -j`.
.NOTPARALLEL:

.PHONY: help
help: ## List the targets
	@if [ -t 1 ]; then on=$$'\033[1m' off=$$'\033[0m'; else on= off=; fi; \
	awk -F ':.*## ' -v on="$$on" -v off="$$off" \
	  '/^[a-z0-9-]+:.*## / {printf "  %s%-16s%s %s\n", on, $$1, off, $$2}' $(MAKEFILE_LIST)

# --- the tools --------------------------------------------------------------------------------

.PHONY: venv
venv: $(STAMP) ## Make .venv with the package (editable) and the development tools

define check-python
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: there is no $(PYTHON). Install Python 3.11 or newer (Debian, Ubuntu: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $$($(PYTHON) --version) is too old, 3.11 or newer is needed. Name another: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $(PYTHON) cannot make virtual environments. Debian, Ubuntu: apt install python3-venv" >&2; exit 1; }
endef

$(STAMP): pyproject.toml
	$(check-python)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.PHONY: tools
tools: ## Say what the end-to-end tests miss on this machine
	@[ "$${E2E_CLUSTER:-}" = existing ] || command -v go >/dev/null \
	|| { command -v kind >/dev/null && docker info >/dev/null 2>&1; } || { \
	  echo "error: no control plane can be started here. Install Go 1.26 or newer (https://go.dev/dl), from which one is built once in about 8 minutes, or kind and Docker; or use a cluster that is there: E2E_CLUSTER=existing" >&2; exit 1; }

# --- the code ---------------------------------------------------------------------------------

.PHONY: fmt
fmt: $(STAMP) ## Format the code and repair what can be repaired
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: lint
lint: $(STAMP) ## Check style, types and which package imports which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v go >/dev/null; then \
	  "$$($(BIN)/python -m tests.e2e.lab tool actionlint)" -shellcheck= -pyflakes= .github/workflows/*.yaml; \
	else echo "the workflows are not linted: their linter is built with Go"; fi

.PHONY: generate
generate: $(STAMP) ## Write crds/, docs/reference/ and the chart's copies of what it ships
	$(BIN)/python -m tools.generate

.PHONY: check-generated
check-generated: $(STAMP) ## Fail when `make generate` would change something
	@$(BIN)/python -m tools.generate --check

# --- the tests --------------------------------------------------------------------------------

# Tests of one file run one after the other, files side by side. Each side has clusters of its own,
# but there is only one cluster that exists. End-to-end tests wait a third of their time, so there is
# one more of them at a time than a small machine has processors.
WORKERS ?= 2
E2E_WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest --dist loadfile -n
E2E = $(PYTEST) $(if $(filter existing,$(E2E_CLUSTER)),0,$(E2E_WORKERS))

.PHONY: unit
unit: $(STAMP) ## Run the unit tests
	$(PYTEST) $(WORKERS) -m "not long" tests/unit

.PHONY: e2e
e2e: tools $(STAMP) ## Run the end-to-end tests on a real control plane (E2E_CLUSTER=kwok|kind|existing)
	$(BIN)/python -m tests.e2e.lab prepare
	$(E2E) -m "not long" tests/e2e

.PHONY: e2e-pods
e2e-pods: $(STAMP) image ## Run the images as the chart's pods on a kind node (LONG=1: until tokens rotate; needs docker, kind)
	$(MAKE) --no-print-directory image CONTENTS=hub-page IMAGE="$(IMAGE)-hub-page"
	E2E_CLUSTER=kind E2E_IMAGE="$(IMAGE)" E2E_HUB_PAGE_IMAGE="$(IMAGE)-hub-page" $(PYTEST) 0 $(if $(LONG),,-m "not long") tests/e2e/pods

# Both lanes at once: what only computes, beside what waits for control planes.
.PHONY: test
test: tools $(STAMP) ## Run everything that has to pass, and say where the time went
	$(BIN)/python -m tests.lanes "lint check-generated unit" "e2e"

# A clock asks for it, not a change: the chart by Helm 3 as well, and many more drawn worlds.
DRAWN := tests/e2e/test_rbac_differential.py tests/e2e/test_routes_differential.py \
  tests/e2e/plans/test_drawn.py tests/e2e/replay tests/e2e/cli/test_kubeconfigs.py \
  tests/e2e/cli/test_offline_drawn.py tests/e2e/cli/test_yaml_as_kubectl.py \
  tests/e2e/operator/revocation/test_revocation_halted.py tests/e2e/operator/grants/test_grants_scale.py \
  tests/e2e/operator/enforcement/test_enforcement_alone.py

.PHONY: axe
axe: build/axe/node_modules/axe-core/axe.min.js ## Fetch axe-core from npm, with which test-long looks at the page in a browser

build/axe/node_modules/axe-core/axe.min.js:
	@command -v npm >/dev/null || { echo "error: there is no npm here: install Node.js (Debian, Ubuntu: apt install npm)" >&2; exit 1; }
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix build/axe axe-core@4.14

# The versions before and after the one that all else is tried with.
HUBS := 4 6

.PHONY: hubs
hubs: $(STAMP) ## Ask a real JupyterHub of each other version for its admins, and show the page in it
	for version in $(HUBS); do \
	  $(PYTHON) -m venv build/hub-$$version; \
	  build/hub-$$version/bin/python -m pip install --quiet --disable-pip-version-check "jupyterhub==$$version.*" 'setuptools<81'; \
	  HUB_PYTHON=$(CURDIR)/build/hub-$$version/bin/python $(BIN)/python -m pytest \
	    tests/unit/controller/hub_admins/test_real_hub.py tests/unit/hub_page/test_real_hub.py; \
	done

.PHONY: test-long
test-long: tools $(STAMP) ## Run what takes long: all by Helm 3, and random worlds by the dozen
	$(BIN)/python -m tests.e2e.lab prepare
	@command -v npm >/dev/null && $(MAKE) --no-print-directory axe || echo "the page is not looked at by axe: there is no npm here" >&2
	$(E2E) -m long tests
	$(MAKE) --no-print-directory hubs
	LAW_DRAWS=300 $(PYTEST) $(WORKERS) -m "not long" tests/unit
	DIFFERENTIAL_WORLDS=30 ROUTES_WORLDS=30 PLANS_WORLDS=40 REPLAY_STEPS=3000 REVOCATION_KILLS=8 \
	  KUBECONFIG_WORLDS=200 OFFLINE_WORLDS=30 YAML_WORDS=20 GRANTS_HUBS=200 ENFORCED_HUBS=100 $(E2E) -m "not long" $(DRAWN)

.PHONY: bootstrap-roles
bootstrap-roles: $(STAMP) ## Write the table of the roles that each version of Kubernetes makes (needs go)
	$(BIN)/python -m tools.bootstrap_roles

.PHONY: mutants
mutants: $(STAMP) ## Put small faults to the tests for SECONDS (900), and tell which none notices (ONLY=plans, SEED=…)
	$(BIN)/python -m tools.mutants

.PHONY: soak
soak: tools $(STAMP) ## Change and break things at random for SECONDS (900), in every mode (MODE=deny: that one; SEED=…: again)
	$(BIN)/python -m tests.e2e.lab prepare
	$(BIN)/python -m tests.e2e.operator.soak

.PHONY: bench
bench: $(STAMP) ## Measure how fast and how big it is
	$(BIN)/python -m bench $(BEFORE)

.PHONY: bench-costs
bench-costs: $(STAMP) ## What passes cost in CPU time, beside BEFORE=revision and what is kept in bench/costs.json
	$(BIN)/python -m bench.compare rows large growth $(if $(BEFORE),--before $(BEFORE))

.PHONY: bench-live
bench-live: $(STAMP) ## What the operator takes of CPU, memory and requests beside a real API server, beside BEFORE=revision
	$(BIN)/python -m bench.live $(if $(BEFORE),--before $(BEFORE))

.PHONY: bench-fleet
bench-fleet: $(STAMP) ## Measure what people have to do and to read for 171 hubs: the figures of docs/first-week.md
	$(BIN)/python -m bench.outputs

.PHONY: bench-admission
bench-admission: $(STAMP) ## Measure what admission costs a write: the table in docs/enforcement.md
	$(BIN)/python -m bench.admission $(if $(BEFORE),--before $(BEFORE))

# --- the image --------------------------------------------------------------------------------

# What there is in images, and how each is called: image/images.txt. Under REGISTRY, where one is named.
CONTENTS ?= operator
REGISTRY ?=
NAME = $(or $(shell sed -n 's/^$(CONTENTS) \([^ ]*\) .*/\1/p' image/images.txt),$(error CONTENTS=$(CONTENTS): there is no such image in image/images.txt))
IMAGE ?= $(if $(REGISTRY),$(REGISTRY:/=)/)$(NAME):$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BASE ?=
# For another machine than this one, where the engine has an emulator: linux/arm64
PLATFORM ?=
UV := $(BIN)/uv

.PHONY: image
image: ## Build an image (IMAGE=name:tag, CONTENTS=hub-page, BASE=image@digest, PLATFORM=linux/arm64) with docker, podman or buildah
	@if command -v docker >/dev/null && docker info >/dev/null 2>&1; then engine="docker build"; \
	elif command -v podman >/dev/null && podman info >/dev/null 2>&1; then engine="podman build"; \
	elif command -v buildah >/dev/null && buildah info >/dev/null 2>&1; then engine="buildah build"; \
	else \
	  echo "error: no container engine answers. Install one of docker (and start its daemon), podman or buildah. There is: $$(for name in docker podman buildah; do command -v $$name >/dev/null && echo "$$name, which cannot be used here ($$($$name info 2>&1 | tail -n 1));" || echo "no $$name;"; done | tr '\n' ' ')" >&2; exit 1; fi; \
	set -x; $$engine --file Containerfile --tag "$(IMAGE)" $(if $(BASE),--build-arg BASE=$(BASE)) \
	  $(if $(PLATFORM),--platform=$(PLATFORM)) \
	  --build-arg CONTENTS=$(CONTENTS) --build-arg NAME=$(NAME) \
  --build-arg DESCRIPTION="$$(sed -n 's/^# $(CONTENTS): //p' image/images.txt)" \
	  --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
	  --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null || true)" \
	  --build-arg CREATED="$$(git log -1 --format=%cI 2>/dev/null || true)" .

.PHONY: base
base: ## Renew the digest of the images' base in the Containerfile (needs skopeo, crane or docker buildx)
	@name=$$(sed -n 's/^ARG BASE=\([^@]*\).*/\1/p' Containerfile); \
	if command -v skopeo >/dev/null; then digest=$$(skopeo inspect --no-tags --format '{{.Digest}}' "docker://$$name"); \
	elif command -v crane >/dev/null; then digest=$$(crane digest "$$name"); \
	elif docker buildx version >/dev/null 2>&1; then \
	  digest=$$(docker buildx imagetools inspect "$$name" --format '{{.Manifest.Digest}}'); \
	else echo "error: nothing here asks a registry: install skopeo, crane or docker with buildx" >&2; exit 1; fi; \
	[[ $$digest =~ ^sha256:[0-9a-f]{64}$$ ]] || { echo "error: $$name: this is no digest: $$digest" >&2; exit 1; }; \
	sed -i "s|^ARG BASE=.*|ARG BASE=$$name@$$digest|" Containerfile; \
	sed -n 's/^ARG BASE=//p' Containerfile

.PHONY: release
release: $(STAMP) ## Build all that a release is made of into dist/VERSION (VERSION=1.2.3, REGISTRY=host/path; WITHOUT_IMAGES=1 where no engine is)
	@[ -n "$(VERSION)" ] || { echo "error: which version? make release VERSION=1.2.3" >&2; exit 1; }
	@[ "$(origin IMAGE)" = file ] || { echo "error: a release has more than one image: name where they go, REGISTRY=host/path, in place of IMAGE" >&2; exit 1; }
	$(BIN)/python -m tools.release "$(VERSION)" --check $(if $(WITHOUT_IMAGES),--without-images)
	$(MAKE) --no-print-directory check-generated
	$(if $(WITHOUT_IMAGES),,for contents in $$(sed -n 's/^\([a-z][^ ]*\) .*/\1/p' image/images.txt); do \
	  $(MAKE) --no-print-directory image CONTENTS=$$contents; done)
	$(BIN)/python -m tools.release "$(VERSION)" $(if $(WITHOUT_IMAGES),--without-images,--registry "$(REGISTRY)") \
	  $(if $(BUILDER),--builder "$(BUILDER)")

.PHONY: lock
lock: $(STAMP) ## Renew the pinned versions and hashes of what the images hold and are built with
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	for name in build $$(sed -n 's/^[a-z][^ ]* [^ ]* //p' image/images.txt); do \
	  input=pyproject.toml; [ $$name = requirements ] || input=image/$$name.in; \
	  $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --custom-compile-command "make lock" -o image/$$name.lock $$input; \
	done

# --- something to look at ----------------------------------------------------------------------

# Of the package's libraries those that a question to files takes, in a place of their own: with the
# others, most of a minute would be the client of Kubernetes.
TRY := build/try
TRY_PYTHON := $(TRY)/venv/bin/python
TRY_STAMP := $(TRY)/venv/.installed

.PHONY: try
try: $(TRY_STAMP) ## Ask an organisation that is files who owns what: with Python alone, in a minute
	@PYTHONPATH=.:operator $(TRY_PYTHON) -m demo.trial $(TRY)

$(TRY_STAMP): pyproject.toml
	$(check-python)
	@$(PYTHON) -m venv $(TRY)/venv
	@echo "the libraries of the command line …" >&2
	@$(PYTHON) -c 'import re, tomllib; \
	  wanted = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
	  print(*(line for line in wanted if re.match("click|pydantic|pyyaml|rich", line)), sep="\n")' \
	  > $(TRY)/requirements.txt
	@$(TRY_PYTHON) -m pip install --quiet --disable-pip-version-check -r $(TRY)/requirements.txt
	@touch $@

.PHONY: picture
picture: $(STAMP) ## Draw the README's picture of the page anew, with a Chromium that is there
	$(BIN)/python -m demo.picture

.PHONY: demo
demo: tools $(STAMP) ## Start a cluster with hubs, the people around them and the operator, and look
	$(BIN)/python -m demo up

.PHONY: tour
tour: $(STAMP) ## Run the commands of docs/tour.md on the demo and write what they show into it
	$(BIN)/python -m demo tour

.PHONY: demo-down
demo-down: $(STAMP) ## Stop the demo's operator and remove its cluster
	$(BIN)/python -m demo down

.PHONY: cluster-up
cluster-up: tools $(STAMP) ## Start an empty cluster that stays (CLUSTER=dev) and print its kubeconfig
	$(BIN)/python -m tests.e2e.lab up $(CLUSTER)

.PHONY: cluster-down
cluster-down: $(STAMP) ## Tear that cluster down
	$(BIN)/python -m tests.e2e.lab down $(CLUSTER)

.PHONY: clean
clean: ## Remove what the targets above made in this directory
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .e2e-logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name '*.egg-info' -type d -prune -exec rm -rf {} +
