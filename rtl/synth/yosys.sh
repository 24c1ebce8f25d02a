#!/bin/sh
# Yosys 0.67 or newer with the slang front end: the one on PATH, else npm's for WebAssembly.
#
#   yosys.sh find                 says which one it is; exit status 1: there is none
#   yosys.sh fetch                fetches npm's packages into the folder XYBUS_TOOLS
#   yosys.sh run ARGUMENT...      runs it; it sees the files below the working directory only
#
# The packages are @yowasp/yosys and, where there is no node 24 or newer, node.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
: "${XYBUS_TOOLS:=$here/../../build/tools}"
case $XYBUS_TOOLS in
  /*) ;;
  *) XYBUS_TOOLS=$PWD/$XYBUS_TOOLS ;;
esac
export XYBUS_TOOLS
yosys_package=@yowasp/yosys@0.70.62-dev.1236
node_package=node@24

has_slang() {
  "$@" -p "help read_slang" 2>/dev/null | grep -q "read_slang \[options\]"
}

# Sets `native` to the arguments with which the Yosys on PATH has slang.
find_native() {
  version=$(yosys -V 2>/dev/null | sed -n 's/^Yosys \([0-9]*\)\.\([0-9]*\).*/\1 \2/p') || return 1
  [ -n "$version" ] || return 1
  [ "${version% *}" -gt 0 ] || [ "${version#* }" -ge 67 ] || return 1
  native=
  has_slang yosys && return 0
  native="-m slang"
  has_slang yosys -m slang
}

# Sets `node` to a node that runs the package: 24 or newer.
find_node() {
  for node in node "$XYBUS_TOOLS/node_modules/.bin/node"; do
    major=$("$node" --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p') || continue
    [ -n "$major" ] && [ "$major" -ge 24 ] && return 0
  done
  return 1
}

find_npm() {
  [ -f "$XYBUS_TOOLS/node_modules/@yowasp/yosys/gen/bundle.js" ] && find_node
}

fetch() {
  mkdir -p "$XYBUS_TOOLS"
  cd "$XYBUS_TOOLS"
  [ -f package.json ] || echo '{"private": true}' >package.json
  set -- "$yosys_package"
  node=$XYBUS_TOOLS/node_modules/.bin/node
  find_node || set -- "$@" "$node_package"
  npm install --no-audit --no-fund --no-package-lock --fetch-retries=1 --fetch-timeout=60000 "$@"
  find_npm
}

case ${1:-} in
  find)
    if find_native; then
      yosys -V
    elif find_npm; then
      echo "$yosys_package, $node"
    else
      exit 1
    fi
    ;;
  fetch) fetch ;;
  run)
    shift
    if find_native; then
      # shellcheck disable=SC2086  # words
      exec yosys $native "$@"
    fi
    find_npm || {
      echo "yosys.sh: no Yosys with slang" >&2
      exit 2
    }
    exec "$node" "$here/yosys.mjs" "$@"
    ;;
  *)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
