#!/usr/bin/env bash
# Brings what the tests need from the system and is not there yet: a real PostgreSQL, Chromium, Chinese fonts,
# PDF tools. Installs by apt-get as root or through sudo; says what to install by hand where neither is possible.
set -euo pipefail

missing=()
need() { # package, then a command that succeeds when it is there
  local package=$1
  shift
  "$@" > /dev/null 2>&1 || missing+=("$package")
}

any_initdb() { compgen -G '/usr/lib/postgresql/*/bin/initdb' || command -v initdb; }
noto_cjk() { compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' || [[ $(fc-list 2> /dev/null) == *NotoSansCJK* ]]; }

need postgresql any_initdb
need chromium command -v chromium
need fonts-noto-cjk noto_cjk
need poppler-utils command -v pdftotext
need wrk command -v wrk
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get > /dev/null; then
  echo "The tests need, under the names of Debian: ${missing[*]}. Install them with this system's tools." >&2
  exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
  root=()
elif command -v sudo > /dev/null && sudo -n true 2> /dev/null; then
  root=(sudo -n)
else
  echo "The tests need these packages; as root: apt-get install ${missing[*]}" >&2
  exit 1
fi

echo "Installing for the tests: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
quietly() { # an apt-get line, shown only when it fails
  local log
  log=$(mktemp)
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" < /dev/null > "$log" 2>&1 || {
    cat "$log" >&2
    rm -f "$log"
    return 1
  }
  rm -f "$log"
}
quietly update -q
quietly install -q -y --no-install-recommends "${missing[@]}"
