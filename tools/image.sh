#!/usr/bin/env bash
# Builds the function's image into a docker-archive, with docker or buildah, whichever is there: image.sh OUT.tar. It is for
# this machine's architecture, or for PLATFORM, which the machine must then be able to run (qemu-user-static). With CACHE=no
# it is built from the beginning. With BASES=stand-in, the base images are made from Debian's packages (tools/bases.sh), for
# this machine only.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=$1 NAME=function-upbound-environment:local
mkdir -p "$(dirname "$OUT")"
rm -f "$OUT"
FOR=(${PLATFORM:+--platform "$PLATFORM"})
[ "${CACHE:-}" = no ] && FOR+=(--no-cache)
if [ "${BASES:-}" != stand-in ] && docker info >/dev/null 2>&1; then
  docker build --quiet "${FOR[@]}" --tag "$NAME" .
  docker save --output "$OUT" "$NAME"
  exit
fi
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
MOUNTS=() PULL=missing
if [ "${BASES:-}" = stand-in ]; then
  tools/needs.sh buildah=buildah mmdebstrap=mmdebstrap
  tools/bases.sh
  PULL=never
  # What this machine needs to reach packages (certificates, an index of its own) is the machine's, not the image's.
  for file in ${SSL_CERT_FILE:-} /etc/pip.conf /etc/apt/apt.conf.d /etc/apt/sources.list.d; do [ -e "$file" ] && MOUNTS+=(--volume "$file:$file:ro"); done
fi
buildah build --quiet "${FOR[@]}" --network host --pull=$PULL --layers --timestamp 0 "${MOUNTS[@]}" --tag "$NAME" . || exit
buildah push --quiet "$NAME" "docker-archive:$OUT:$NAME"
