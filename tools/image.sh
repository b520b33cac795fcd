#!/usr/bin/env bash
# Builds the function's image for this machine's architecture into a docker-archive, with docker or buildah, whichever is
# there: image.sh OUT.tar. With BASES=stand-in, the base images are made from Debian's packages (tools/bases.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=$1 NAME=function-upbound-environment:local
mkdir -p "$(dirname "$OUT")"
rm -f "$OUT"
if [ "${BASES:-}" != stand-in ] && docker info >/dev/null 2>&1; then
  docker build --quiet --tag "$NAME" .
  docker save --output "$OUT" "$NAME"
  exit
fi
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
MOUNTS=()
if [ "${BASES:-}" = stand-in ]; then
  tools/bases.sh
  # What this machine needs to reach packages (certificates, an index of its own) is the machine's, not the image's.
  for file in ${SSL_CERT_FILE:-} /etc/pip.conf /etc/apt/apt.conf.d /etc/apt/sources.list.d; do [ -e "$file" ] && MOUNTS+=(--volume "$file:$file:ro"); done
fi
PASS=()
for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE PIP_CERT PIP_INDEX_URL; do [ -n "${!name:-}" ] && PASS+=(--env "$name"); done
buildah build --quiet --network host --pull=never --layers --timestamp 0 "${MOUNTS[@]}" --tag "$NAME" . || exit
buildah push --quiet "$NAME" "docker-archive:$OUT:$NAME"
