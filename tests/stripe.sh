#!/usr/bin/env bash
# Brings localstripe, a stand-in for Stripe that we did not write, into a venv of its own (.venv-stripe): it is GPL, so
# it stays a program beside ours that the tests start and talk to, and is never imported or shipped. Everything is
# hashed in requirements-localstripe.lock; localstripe itself has no wheel, and is built by the setuptools of the lock.
# $1: the Python to make the venv with.
set -euo pipefail

lock=requirements-localstripe.lock
mark=.venv-stripe/.done
cmp -s "$lock" "$mark" && exit 0

echo "Installing for the tests: localstripe"
"${1:-python3}" -m venv --clear .venv-stripe
wheels=$(mktemp) source=$(mktemp)
trap 'rm -f "$wheels" "$source"' EXIT
awk '/^[a-z]/ { keep = !/^localstripe==/ } keep' "$lock" > "$wheels"
awk '/^[a-z]/ { keep = /^localstripe==/ } keep' "$lock" > "$source"
pip=(.venv-stripe/bin/python -m pip --disable-pip-version-check -q install --no-compile --require-hashes)
"${pip[@]}" --only-binary :all: -r "$wheels"
"${pip[@]}" --no-deps --no-build-isolation --no-binary localstripe -r "$source"
cp "$lock" "$mark"
