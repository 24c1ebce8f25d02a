#!/bin/sh
# Takes a picture of a run as GTKWave shows it: waves/picture.sh RUN_DIRECTORY PICTURE.png [HEIGHT]
# Needs the packages gtkwave, xvfb and imagemagick, and no display.
set -eu

[ $# -ge 2 ] || {
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
}
height=${3:-1000}
work=$(mktemp -d)
viewer=
server=
trap 'kill $viewer $server 2>/dev/null || true; rm -rf "$work"' EXIT
sed "s/^\[size\].*/[size] 1600 $height/" "$1/trace.gtkw" >"$work/trace.gtkw"

# The server finds a free number and tells it.
Xvfb -displayfd 3 -screen 0 "1600x${height}x24" 3>"$work/display" 2>/dev/null &
server=$!
for _ in $(seq 100); do
  [ -s "$work/display" ] && break
  sleep 0.1
done
DISPLAY=:$(cat "$work/display")
export DISPLAY

gtkwave "$work/trace.gtkw" >/dev/null 2>&1 &
viewer=$!
# It is ready when its picture no longer changes.
before=
for _ in $(seq 60); do
  sleep 1
  import -window root "$work/now.png"
  now=$(identify -format '%# %k' "$work/now.png")
  [ "$now" = "$before" ] && [ "${now#* }" -gt 8 ] && break
  before=$now
done
# Names and waves only.
convert "$work/now.png" -crop "1316x$height+284+104" +repage -colors 64 -strip "png8:$2"
