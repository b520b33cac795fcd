#!/usr/bin/env bash
# Builds the three packages into dist, from dist/function.tar: the function with its runtime inside, and the two
# configurations. The claims' is built with the command line of Crossplane 1.20, which must be able to read it.
set -euo pipefail
cd "$(dirname "$0")/.."
CROSSPLANE=.cache/bin/crossplane CRANK=.cache/bin/crank
EXAMPLES=dist/examples
rm -rf "$EXAMPLES"
mkdir -p "$EXAMPLES"/{function,claims,namespaced}
# Of the examples, only what a user would write: not what is expected or observed.
cp package/install/composition-*.yaml "$EXAMPLES/function/"
for file in examples/*/environment.yaml; do
  name=$(basename "$(dirname "$file")").yaml
  case $(head -1 "$file") in
    "apiVersion: environments.upbound.io/"*) cp "$file" "$EXAMPLES/claims/$name" ;;
    "apiVersion: environments.m.upbound.io/"*) cp "$file" "$EXAMPLES/namespaced/$name" ;;
    *) echo "$file: its first line is not the apiVersion of an environment" >&2 && exit 1 ;;
  esac
done
"$CROSSPLANE" xpkg build --package-root=package/function --examples-root="$EXAMPLES/function" \
  --embed-runtime-image-tarball=dist/function.tar --package-file=dist/function.xpkg
"$CRANK" xpkg build --package-root=package/claims --examples-root="$EXAMPLES/claims" --package-file=dist/claims.xpkg
"$CROSSPLANE" xpkg build --package-root=package/namespaced --examples-root="$EXAMPLES/namespaced" --package-file=dist/namespaced.xpkg
