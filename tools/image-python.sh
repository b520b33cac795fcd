#!/usr/bin/env bash
# Runs the suite with the Python of the image (Debian 13: Python 3.13), in a Debian made from its packages. Needs root,
# and mmdebstrap, which it installs where apt-get can. The tree is read as it stands; wheels are fetched by this
# machine's pip, so nothing inside needs a network.
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=$PWD/.cache/debian-13 WHEELS=$PWD/.cache/python-3.13
command -v mmdebstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq mmdebstrap >/dev/null; }
if [ ! -e "$ROOT/.ready" ] || [ "$0" -nt "$ROOT/.ready" ]; then
  rm -rf "$ROOT"
  mmdebstrap --quiet --variant=minbase --include=python3,ca-certificates,jq trixie "$ROOT"
  touch "$ROOT/.ready"
fi
if [ ! -e "$WHEELS/.ready" ] || [ requirements-dev.txt -nt "$WHEELS/.ready" ]; then
  rm -rf "$WHEELS"
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
    --python-version 3.13 --implementation cp --target "$WHEELS" -r requirements-dev.txt
  # What an installed package has: commands that use this Python, and this tree as the package.
  mkdir -p "$WHEELS/bin"
  for command in function:main:cli upenv:cli:main; do
    IFS=: read -r name module call <<<"$command"
    printf '#!/usr/bin/python3\nimport sys\nfrom function.%s import %s\nsys.exit(%s())\n' "$module" "$call" "$call" >"$WHEELS/bin/$name"
    chmod +x "$WHEELS/bin/$name"
  done
  ln -s /usr/bin/python3 "$WHEELS/bin/python"
  touch "$WHEELS/.ready"
fi
mkdir -p "$ROOT/project" "$ROOT/wheels"
unshare --mount bash -euc '
  mount --bind "$1" "$3/project"; mount --bind "$2" "$3/wheels"; mount -t proc proc "$3/proc"; mount --bind /dev "$3/dev"
  exec chroot "$3" env -i PATH=/wheels/bin:/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 PYTHONPATH=/wheels:/project PYTHONDONTWRITEBYTECODE=1 \
    bash -c "cd /project && python3 --version && /wheels/bin/python -m pytest -q -n 2 -p no:cacheprovider tests"
' _ "$PWD" "$WHEELS" "$ROOT"
