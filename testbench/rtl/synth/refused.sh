#!/bin/sh
# refused.sh SYNTH FILE WORD...: a design that must be refused, with each WORD in the message.
set -eu
synth=$1
file=$2
shift 2
status=0
message=$(sh "$synth" --top "$(basename "$file" .sv)" "$file" 2>&1) || status=$?
printf '%s\n' "$message"
[ "$status" = 1 ] || { echo "FAILED: exit status $status, expected 1"; exit 1; }
for word; do
  case $message in
    *"$word"*) ;;
    *) echo "FAILED: does not say: $word"; exit 1 ;;
  esac
done
