#!/usr/bin/env bash
# Pushes the three packages that `make xpkg` left in dist: push.sh VERSION REGISTRY [FUNCTION.xpkg,…]. Several function
# packages, one built on each architecture, become one package for all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=v$1 REGISTRY=$2 FUNCTION=${3:-dist/function.xpkg}
if [ -z "$REGISTRY" ]; then
  echo "say where to push to: make push REGISTRY=xpkg.upbound.io/acme pushes xpkg.upbound.io/acme/function-upbound-environment:$VERSION and both configurations" >&2
  exit 1
fi
for file in ${FUNCTION//,/ } dist/claims.xpkg dist/namespaced.xpkg; do
  [ -e "$file" ] || { echo "$file is not there: run make xpkg first" >&2 && exit 1; }
done
push() { # FILES NAME
  echo "pushing $1 to $REGISTRY/$2:$VERSION"
  .cache/bin/crossplane xpkg push --package-files="$1" "$REGISTRY/$2:$VERSION"
}
push "$FUNCTION" function-upbound-environment
push dist/claims.xpkg configuration-upbound-environment
push dist/namespaced.xpkg configuration-upbound-environment-namespaced
