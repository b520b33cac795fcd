#!/usr/bin/env bash
# Installs what is missing of PROGRAM=PACKAGE..., from Debian's packages.
set -euo pipefail
missing=()
for need in "$@"; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${need%%=*}" >/dev/null || missing+=("${need#*=}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
[ "$(id -u)" -eq 0 ] || { echo "needs ${missing[*]}: install it, or run this as root on Debian" >&2 && exit 1; }
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
