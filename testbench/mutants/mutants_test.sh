#!/bin/sh
# Tests of the mutants' script: mutants_test.sh SOURCE SCRATCH CASE
set -eu

source=$1
scratch=$2
case_name=$3
script=$source/testbench/mutants/mutants.sh

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export XYBUS_SOURCE="$source"

start() {
  status=0
  sh "$script" --scratch "$scratch" "$@" >"$home/out" 2>"$home/err" || status=$?
}

fail() {
  echo "FAILED: $*"
  cat "$home/out" "$home/err"
  exit 1
}
status_is() { [ "$status" = "$1" ] || fail "exit status is $status, expected $1"; }
says() { grep -q -- "$2" "$home/$1" || fail "$1 does not say: $2"; }

# A change that is none: its comment is another.
harmless() {
  file=firmware/dispatcher/dispatcher.cpp
  {
    echo "A comment has changed."
    echo "Try: test_kernel_parts"
    sed '1s,^,// Changed.\n,' "$source/$file" |
      diff -U2 --label "a/$file" --label "b/$file" "$source/$file" - || :
  } >"$home/patches/harmless.patch"
}

mkdir "$home/patches"
case $case_name in
  applies)
    start --check
    status_is 0
    [ "$(find "$source/testbench/mutants" -name "rtl-*.patch" | wc -l)" -ge 10 ] ||
      fail "few of the hardware"
    [ "$(find "$source/testbench/mutants" -name "firmware-*.patch" | wc -l)" -ge 10 ] ||
      fail "few of the firmware"
    ;;
  stale)
    sed 's/^-/-something else: /; s/^-something else: --/---/' \
      "$source/testbench/mutants/firmware-04-event-lost-before-wait.patch" \
      >"$home/patches/firmware-stale.patch"
    start --from "$home/patches" --check
    status_is 2
    says err "firmware-stale.patch no longer applies"
    ;;
  caught-and-survivor)
    cp "$source/testbench/mutants/firmware-04-event-lost-before-wait.patch" "$home/patches"
    harmless
    start --from "$home/patches" --only-tried
    status_is 1
    says out "^firmware-04.* test_kernel_parts:an event that comes before the wait is not lost"
    says out "^harmless .* SURVIVED"
    says out "^1 of 2 survived"
    ;;
  unknown)
    start no-such-mutant
    status_is 2
    says err "there is no mutant no-such-mutant"
    ;;
  *) fail "no such case: $case_name" ;;
esac
