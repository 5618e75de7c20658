#!/usr/bin/env bash
# Are both lock files what pyproject.toml asks for? They are resolved again beside the old ones, whose pins are kept,
# and compared. Without a registry nothing can be said, and that is said. $1: the compile command of `make lock`.
set -euo pipefail

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
cp requirements.lock requirements-dev.lock "$fresh"

resolve() {
  $1 pyproject.toml -o "$fresh/requirements.lock" \
    && $1 pyproject.toml --group dev -c "$fresh/requirements.lock" -o "$fresh/requirements-dev.lock"
}

if ! resolve "$1" > /dev/null 2> "$fresh/said"; then
  if grep -qiE 'failed to fetch|request failed|error sending request|timed out|dns error|network' "$fresh/said"; then
    echo "Locks: not checked, the package registry cannot be reached."
    exit 0
  fi
  cat "$fresh/said" >&2
  exit 1
fi
for lock in requirements.lock requirements-dev.lock; do
  cmp -s "$lock" "$fresh/$lock" || { echo "$lock is not what pyproject.toml asks for: run make lock." >&2; exit 1; }
done
echo "Locks: current."
