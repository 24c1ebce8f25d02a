#!/bin/sh
# Plants one bug at a time in a copy of the sources, and reports which test finds it; README.md.
#
#   mutants.sh [options] [NAME...]      --help tells them
#
# A NAME is that of a patch, or the front of one. XYBUS_BUILD names the build directory.
set -eu

here=$(cd "$(dirname -- "$0")" && pwd)
root=${XYBUS_SOURCE:-$(cd "$here/../.." && pwd)}
build=${XYBUS_BUILD:-$root/build}
jobs=${XYBUS_JOBS:-2}

usage() {
  cat <<'END'
usage: ./xybus mutants [options] [NAME...]
  plants each bug of testbench/mutants (or those named, by the front of their name) in a copy of
  the sources, and tells which test finds it; exit status 1 when one survives
  --list           the mutants and what each does wrong
  --check          only whether every patch applies
  --only-tried     run no more than the test program that the patch names
  --no-scenarios   do without whole runs
  --scratch DIR    where to build; default BUILD/mutants
  --from DIR       the patches of another directory
END
}

say() {
  printf 'mutants: %s\n' "$*" >&2
}

stop() {
  say "$*"
  exit 2
}

# ---- Options -----------------------------------------------------------------------------------

scratch=$build/mutants
mode=run
only_tried=
scenarios=1
names=
while [ $# -gt 0 ]; do
  case $1 in
    --list) mode=list ;;
    --check) mode=check ;;
    --only-tried) only_tried=1 ;;
    --no-scenarios) scenarios= ;;
    --scratch)
      [ $# -gt 1 ] || stop "--scratch needs a directory"
      shift
      scratch=$1
      ;;
    --from)
      [ $# -gt 1 ] || stop "--from needs a directory"
      shift
      here=$(cd "$1" && pwd)
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*)
      usage >&2
      exit 2
      ;;
    *) names="$names $1" ;;
  esac
  shift
done

command -v patch >/dev/null 2>&1 || stop "patch is missing (Debian package: patch)"

# Sets `patches` to the files that are asked for.
choose() {
  patches=
  for name in $names; do
    found=
    for file in "$here/$name"*.patch; do
      [ -e "$file" ] || continue
      found=1
      patches="$patches ${file##*/}"
    done
    [ -n "$found" ] || stop "there is no mutant $name; ./xybus mutants --list tells all"
  done
  [ -n "$names" ] || patches=$(cd "$here" && echo *.patch)
}

says() {
  sed -n 1p "$here/$1"
}

# The test program that is tried first.
tried_first() {
  sed -n 's/^Try: //p;/^---/q' "$here/$1"
}

changed_files() {
  sed -n 's,^+++ b/,,p' "$here/$1"
}

# apply PATCH DIRECTORY [OPTION]
apply() {
  patch -s -f -p1 -F 0 -r - ${3:+"$3"} -d "$2" -i "$here/$1"
}

choose

if [ "$mode" = list ]; then
  for patch in $patches; do
    printf '%s\n  %s\n' "${patch%.patch}" "$(says "$patch")"
  done
  exit 0
fi

stale=
for patch in $patches; do
  apply "$patch" "$root" --dry-run || stale="$stale $patch"
done
for patch in $stale; do
  say "$patch no longer applies: plant the same bug in the sources as they are now"
done
[ -z "$stale" ] || exit 2
[ "$mode" != check ] || exit 0

# ---- The copy ----------------------------------------------------------------------------------

mkdir -p "$scratch"
scratch=$(cd "$scratch" && pwd)
copy=$scratch/source
made=$copy/build
log=$scratch/log
if command -v flock >/dev/null 2>&1; then
  exec 9>"$scratch/lock"
  flock -n 9 || stop "another is at work in $scratch"
fi

# Only what differs is written, so that only that is built again. The generator of mutants for
# single rules is left out: it wants to find each line that it changes.
fresh_copy() {
  next=$scratch/next
  rm -rf "$next"
  mkdir -p "$next" "$copy"
  (cd "$root" && tar cf - CMakeLists.txt contract docs firmware host model rtl scenarios testbench \
    waves xybus) | tar xf - -C "$next"
  : >"$next/testbench/rtl/mutants/CMakeLists.txt"
  # A program that hangs is found to hang sooner.
  sed -i 's/TIMEOUT 300/TIMEOUT 90/' "$next/testbench/CMakeLists.txt"
  (cd "$next" && find . -type f) | while IFS= read -r file; do
    cmp -s "$next/$file" "$copy/$file" && continue
    mkdir -p "$(dirname "$copy/$file")"
    cp "$next/$file" "$copy/$file"
  done
  (cd "$copy" && find . -path ./build -prune -o -type f -print) | while IFS= read -r file; do
    [ -e "$next/$file" ] || rm "$copy/$file"
  done
}

plant() {
  apply "$1" "$copy" || stop "$1 does not apply"
  planted=$1
}

pull_out() {
  [ -n "$planted" ] || return 0
  for file in $(changed_files "$planted"); do
    cp "$next/$file" "$copy/$file"
  done
  planted=
}

# ---- Building and testing ----------------------------------------------------------------------

make_target() {
  ninja -C "$made" -j "$jobs" "$1" >"$log" 2>&1
}

# The test that fails, of a test program; nothing when none does.
failing_test() {
  ctest --test-dir "$made" -j "$jobs" -R "^$1:" --stop-on-failure --no-tests=error >"$log" 2>&1 &&
    return 0
  found=$(sed -n 's/^[[:space:]]*[0-9]* - \(.*\) (\([^)]*\))$/\1 (\2)/p' "$log" | head -n 1)
  [ -n "$found" ] || stop "CTest failed for $1, but no test; see $log"
  printf '%s\n' "$found"
}

# The whole run that fails: of each scenario under a few seeds; of chaos, where the seed draws what
# goes wrong, under more.
failing_run() {
  for seed in 1 2 3; do
    for scenario in "$copy"/scenarios/*.toml; do
      run_fails "$1" "${scenario##*/}" $seed && return 0
    done
  done
  [ -e "$copy/scenarios/chaos.toml" ] || return 0
  for seed in $(seq 4 40); do
    run_fails "$1" chaos.toml "$seed" && return 0
  done
  return 0
}

# Status 0, and a line that says so, if that run fails: run_fails FABRIC SCENARIO SEED
run_fails() {
  status=0
  (cd "$copy" && timeout 120 build/xybus run "scenarios/$2" --seed "$3" --fabric "$1" --quiet \
    --no-wave-on-failure --out "$scratch/run") >"$log" 2>&1 || status=$?
  [ $status != 0 ] || return 1
  [ $status != 2 ] || stop "xybus run $2 fails in usage or scenario; see $log"
  printf '%s, seed %s, %s (exit status %s)\n' "${2%.toml}" "$3" "$1" $status
}

# A stage is a test program, or scenarios on a fabric: it is built, and what fails is in `caught`.
run_stage() {
  case $1 in
    scenarios-*) target=xybus ;;
    *) target=$1 ;;
  esac
  make_target "$target" || {
    tail -n 20 "$log" >&2
    stop "${planted:-the copy as it is} does not build ($target); the end of $log is above"
  }
  case $1 in
    scenarios-*) caught=$(failing_run "${1#scenarios-}") ;;
    *) caught=$(failing_test "$1") ;;
  esac
}

# A stage that fails without a bug finds nothing out.
sound=
make_sure() {
  case " $sound " in
    *" $1 "*) return 0 ;;
  esac
  again=$planted
  pull_out
  run_stage "$1"
  [ -z "$caught" ] || stop "without any mutant: $caught fails; see $log"
  sound="$sound $1"
  [ -z "$again" ] || plant "$again"
}

# Sets `stages` for a patch, the likely one first.
stages_of() {
  first=$(tried_first "$1")
  case $1 in
    rtl-*) all="rtl_test rtl_fabric_test scenarios-rtl" ;;
    *) all="test_kernel_parts test_views test_messages test_transfers test_failures test_outages
            test_updates test_processes test_files test_pairs test_disk_process test_fuzz
            scenarios-tlm" ;;
  esac
  stages=$first
  [ -z "$only_tried" ] || return 0
  for stage in $all; do
    [ "$stage" != "$first" ] || continue
    case $stage in
      scenarios-*) [ -n "$scenarios" ] || continue ;;
    esac
    stages="$stages $stage"
  done
}

try_mutant() {
  begin=$(date +%s)
  checking=0
  stages_of "$1"
  for stage in $stages; do
    since=$(date +%s)
    make_sure "$stage"
    checking=$((checking + $(date +%s) - since))
    [ -n "$planted" ] || plant "$1"
    run_stage "$stage"
    [ -z "$caught" ] || break
  done
  pull_out
  seconds=$(($(date +%s) - begin - checking))
  [ -n "$caught" ] || survivors=$((survivors + 1))
  printf '%-42s %5d s  %s\n' "${1%.patch}" "$seconds" "${caught:-SURVIVED}"
}

export CCACHE_BASEDIR="$copy"
planted=
survivors=0
tried=0
fresh_copy
cmake -G Ninja -S "$copy" -B "$made" >"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  stop "configuring failed"
}
printf '%-42s %7s  %s\n' mutant time 'caught by'
for patch in $patches; do
  try_mutant "$patch"
  tried=$((tried + 1))
done
if [ $survivors = 0 ]; then
  echo "all $tried caught"
else
  echo "$survivors of $tried survived"
  exit 1
fi
