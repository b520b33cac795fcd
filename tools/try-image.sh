#!/usr/bin/env bash
# Runs the image that `make image` left in dist/function.tar, with buildah: its server answers what upenv renders by itself,
# its upenv renders the same, and a build from the beginning makes the same image.
set -euo pipefail
cd "$(dirname "$0")/.."
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
PORT=19743 WORK=$(mktemp -d)
CONTAINER=$(buildah from --quiet --pull=never docker-archive:dist/function.tar)
trap 'kill %1 2>/dev/null || true; buildah rm "$CONTAINER" >/dev/null; rm -rf "$WORK"' EXIT
run() { buildah run --network host "$CONTAINER" -- "$@"; }
EXAMPLE=examples/quickstart/environment.yaml
.venv/bin/upenv render "$EXAMPLE" >"$WORK/expected"

run /venv/bin/upenv render - <"$EXAMPLE" | diff "$WORK/expected" -
echo "its upenv renders what this tree renders"
run /venv/bin/function --insecure --address "127.0.0.1:$PORT" --metrics-port 0 >"$WORK/log" 2>&1 &
until .venv/bin/upenv render --function-address "127.0.0.1:$PORT" "$EXAMPLE" >"$WORK/answered" 2>"$WORK/refused"; do
  kill -0 %1 2>/dev/null || { cat "$WORK/log" && exit 1; }
  sleep 0.5
done
diff "$WORK/expected" "$WORK/answered"
echo "its server answers the same"

identity() { tar --extract --to-stdout --file "$1" manifest.json | sed 's/.*"Config":"\([0-9a-f]*\).*/\1/'; }
CACHE=no tools/image.sh "$WORK/again.tar" >/dev/null 2>&1
[ "$(identity dist/function.tar)" = "$(identity "$WORK/again.tar")" ] || { echo "built again, it is another image" >&2 && exit 1; }
echo "built again, it is the same image: $(identity dist/function.tar)"
