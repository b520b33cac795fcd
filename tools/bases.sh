#!/usr/bin/env bash
# Stand-ins for the Dockerfile's two base images, from Debian's packages, under the same names in buildah's storage: for
# machines that cannot pull. The Dockerfile itself is then built as it stands. Needs root, mmdebstrap and buildah.
set -euo pipefail
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

missing() { ! buildah inspect --type image "$1" >/dev/null 2>&1; }

commit() { # ROOT-DIRECTORY IMAGE USER
  local container
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$1" / >/dev/null
  buildah config --user "$3" "$container"
  buildah commit --quiet --rm "$container" "$2" >/dev/null
  echo "made a stand-in for $2"
}

BUILD=docker.io/library/debian:13-slim RUN=gcr.io/distroless/python3-debian13:nonroot
if missing "$BUILD"; then
  mmdebstrap --quiet --variant=minbase --include=python3-venv,ca-certificates trixie "$WORK/build"
  commit "$WORK/build" "$BUILD" root
fi
if missing "$RUN"; then
  # Like distroless: an interpreter and what it loads, nothing configured, no shell and no other program.
  mmdebstrap --quiet --variant=extract --include=python3,libstdc++6,ca-certificates,base-files trixie "$WORK/run"
  find "$WORK/run/usr/bin" "$WORK/run/usr/sbin" -mindepth 1 ! -name 'python3*' -delete
  rm -rf "$WORK/run/var" "$WORK/run/usr/share" && mkdir -p "$WORK/run/tmp" "$WORK/run/etc"
  printf 'root:x:0:0::/root:/\nnonroot:x:65532:65532::/home/nonroot:/\n' >"$WORK/run/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$WORK/run/etc/group"
  commit "$WORK/run" "$RUN" nonroot
fi
