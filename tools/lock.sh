#!/usr/bin/env bash
# Pins the dependencies of pyproject.toml anew, with hashes and without the name of any index.
set -euo pipefail
cd "$(dirname "$0")/.."
# Extras stay in the pins: without them pip takes a newer coverage for `coverage[toml]`, and then misses its hash.
compile() {
  .venv/bin/pip-compile --quiet --upgrade --generate-hashes --no-strip-extras --allow-unsafe \
    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header "$@" pyproject.toml
}
compile --output-file requirements.txt
compile --extra dev --constraint requirements.txt --output-file requirements-dev.txt
