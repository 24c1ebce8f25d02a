#!/bin/sh
# usage.sh SYNTH: bad usage has exit status 2 and tells what is wrong.
set -eu
synth=$1
refuses() {
  words=$1
  shift
  status=0
  message=$(sh "$synth" "$@" 2>&1) || status=$?
  [ "$status" = 2 ] || { echo "FAILED: exit status $status for $*"; exit 1; }
  case $message in
    *"$words"*) ;;
    *) echo "FAILED: $* gives: $message"; exit 1 ;;
  esac
}
refuses "--nodes is 2 to 16" --nodes 1
refuses "--nodes is 2 to 16" --nodes=17
refuses "--nodes needs a number, not 'two'" --nodes two
refuses "--nodes needs a value" --nodes
refuses "--ram is a power of two" --ram 5000
refuses "--ram is a power of two" --ram 2048
refuses "--data-width is 32 or 64" --data-width 16
refuses "unexpected argument: --node" --node 2
refuses "unexpected argument: rtl" rtl
refuses "--check-only has no area" --check-only --json area.json
# Without any Yosys it says what to install.
empty=$(mktemp -d)
trap 'rmdir "$empty"' EXIT
export XYBUS_TOOLS="$empty"
PATH=/usr/bin:/bin
command -v yosys >/dev/null || refuses "Install one, or npm"
