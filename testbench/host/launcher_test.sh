#!/bin/sh
# Tests of the launcher: launcher_test.sh LAUNCHER CASE
#
# A copy of the launcher stands in a directory of its own; on PATH, before the real tools, stand
# stand-ins for those that would change the machine or take long. Each writes its call to `calls`.
set -eu

launcher=$1
case_name=$2

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
root=$home/project
bin=$home/bin
calls=$home/calls
mkdir -p "$root" "$bin"
cp "$launcher" "$root/xybus"
mkdir -p "$root/rtl/synth"
cat >"$root/rtl/synth/yosys.sh" <<'END'
case $1 in
  find) [ -e "$home/yosys" ] ;;
  fetch)
    echo "fetch into $XYBUS_TOOLS" >>"$calls"
    [ ! -e "$home/no-registry" ] || exit 1
    : >"$home/yosys"
    ;;
esac
END
cat >"$root/rtl/synth/synth.sh" <<'END'
echo "synthesis: $*"
echo "build $XYBUS_BUILD"
exit 1
END
mkdir -p "$root/testbench/mutants"
cat >"$root/testbench/mutants/mutants.sh" <<'END'
echo "mutants: $*"
echo "source $XYBUS_SOURCE build $XYBUS_BUILD"
exit 1
END
: >"$calls"
: >"$home/answer"
echo 0 >"$home/uid"
unset CI XYBUS_BUILD XYBUS_TOOLS XYBUS_NO_INSTALL || true
export home calls HOME="$home"
unset XDG_CACHE_HOME || true
PATH=$bin:/usr/bin:/bin

tool() {
  {
    echo '#!/bin/sh'
    # shellcheck disable=SC2016  # expands in the tool
    echo 'echo "${0##*/} $*" >>"$calls"'
    cat
  } >"$bin/$1"
  chmod +x "$bin/$1"
}

# Every package but those in `absent` is installed; apt-get install installs all.
: >"$home/absent"
tool dpkg-query <<'END'
shift 2
for package; do
  grep -qx "$package" "$home/absent" || echo "installed $package"
done
END
tool apt-get <<'END'
case "$*" in
  *install*) [ ! -e "$home/broken" ] && : >"$home/absent" ;;
  *update*) : >"$home/lists" ;;
esac
END
tool apt-cache <<'END'
[ -e "$home/lists" ]
END
tool sudo <<'END'
[ ! -e "$home/no-sudo" ] || exit 1
[ "$1" != -n ] || shift
exec "$@"
END
tool id <<'END'
cat "$home/uid"
END
tool cmake <<'END'
while [ "$1" != -B ]; do [ "$1" = -S ] && source=$2; shift; done
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$source" >"$2/CMakeCache.txt"
: >"$2/build.ninja"
END
tool ninja <<'END'
if [ -e "$home/broken-source" ]; then
  echo "[1/2] Building"
  echo "main.cpp:3: error: no such thing"
  exit 1
fi
{
  echo '#!/bin/sh'
  echo 'echo "ran in $PWD: $#"; for word; do echo "word $word"; done'
  echo 'echo "root $XYBUS_ROOT"; echo "command $XYBUS_COMMAND"; exit 3'
} >"$2/xybus"
chmod +x "$2/xybus"
END
: | tool npm
tool ctest <<'END'
echo "100% tests passed"
[ ! -e "$home/failing-test" ] || exit 8
END

status=0
start() {
  status=0
  "$@" </dev/null >"$home/out" 2>"$home/err" || status=$?
}

# At a terminal, with an answer typed.
start_at_terminal() {
  answer=$1
  command=$2
  status=0
  echo "$answer" | script -qec "$command" /dev/null >"$home/out" 2>&1 || status=$?
}

fail() {
  echo "FAILED: $*"
  for file in out err calls; do
    [ ! -e "$home/$file" ] || { echo "--- $file"; cat "$home/$file"; }
  done
  exit 1
}
status_is() { [ "$status" = "$1" ] || fail "exit status is $status, expected $1"; }
says() { grep -qF -- "$2" "$home/$1" || fail "$1 does not say: $2"; }
silent_on() { ! grep -qF -- "$2" "$home/$1" || fail "$1 says: $2"; }

case $case_name in
  everything-installed)
    start "$root/xybus" run "two words" --quiet
    status_is 3
    says out "ran in $PWD: 3"
    says out "word two words"
    says out "root $root"
    says out "command $root/xybus"
    silent_on calls apt
    says calls "ninja -C $root/build xybus"
    ;;
  from-elsewhere)
    ln -s project/xybus "$home/link"
    mkdir "$home/else where"
    cd "$home/else where"
    start ../link list
    says out "ran in $home/else where: 1"
    says out "root $root"
    [ ! -e build ] || fail "built in the wrong place"
    ;;
  spaces)
    mv "$root" "$home/a project"
    start "$home/a project/xybus" list
    status_is 3
    says out "root $home/a project"
    says out "command $home/a project/xybus"
    silent_on calls "$home/a project"
    says calls "ninja -C $home/.cache/xybus-"
    grep -o -- '-S [^ ]*' "$calls" | cut -c 4- >"$home/source"
    [ -e "$(cat "$home/source")/xybus" ] || fail "the source link leads nowhere"
    : >"$calls"
    start "$home/a project/xybus" list
    silent_on calls "cmake --fresh"
    ;;
  second-start)
    start "$root/xybus" list
    says calls cmake
    : >"$calls"
    start "$root/xybus" list
    silent_on calls "cmake --fresh"
    silent_on calls apt
    [ ! -s "$home/err" ] || fail "the second start has something to say"
    ;;
  moved)
    start "$root/xybus" list
    mv "$root" "$home/moved"
    : >"$calls"
    start "$home/moved/xybus" list
    says calls "cmake --fresh"
    says out "root $home/moved"
    ;;
  missing-without-terminal)
    printf 'verilator\ncatch2\n' >"$home/absent"
    start "$root/xybus" list
    status_is 3
    says err "missing Debian packages: verilator catch2"
    says calls "apt-get -q update"
    says calls "apt-get -q install -y --no-install-recommends verilator catch2"
    silent_on calls sudo
    ;;
  lists-known)
    echo verilator >"$home/absent"
    : >"$home/lists"
    start "$root/xybus" list
    says calls "apt-get -q install"
    silent_on calls "apt-get -q update"
    ;;
  through-sudo)
    echo verilator >"$home/absent"
    echo 1000 >"$home/uid"
    start "$root/xybus" list
    status_is 3
    says calls "sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install"
    ;;
  no-rights)
    printf 'verilator\ncatch2\n' >"$home/absent"
    echo 1000 >"$home/uid"
    : >"$home/no-sudo"
    start "$root/xybus" -y list
    status_is 2
    says err "these packages have to be installed first, and you may not; as an administrator:"
    says err "apt-get install -y --no-install-recommends verilator catch2"
    silent_on calls apt-get
    silent_on calls "cmake --fresh"
    ;;
  installation-fails)
    echo verilator >"$home/absent"
    : >"$home/broken"
    start "$root/xybus" list
    status_is 2
    says err "installing failed; as an administrator:"
    says err "apt-get install -y --no-install-recommends verilator"
    silent_on calls "cmake --fresh"
    ;;
  asks-no)
    echo verilator >"$home/absent"
    start_at_terminal n "'$root/xybus' list"
    status_is 2
    says out "install them?"
    silent_on calls apt-get
    ;;
  asks-yes)
    echo verilator >"$home/absent"
    start_at_terminal y "'$root/xybus' list"
    status_is 3
    says out "install them?"
    says calls "apt-get -q install"
    ;;
  yes-does-not-ask)
    echo verilator >"$home/absent"
    start_at_terminal n "'$root/xybus' -y list"
    status_is 3
    silent_on out "install them?"
    says calls "apt-get -q install"
    ;;
  ci-does-not-ask)
    echo verilator >"$home/absent"
    start_at_terminal n "CI=true '$root/xybus' list"
    status_is 3
    silent_on out "install them?"
    ;;
  yes-before-subcommand)
    start "$root/xybus" --verbose -y run -y
    says out "ran in $PWD: 3"
    says out "word --verbose"
    says out "word run"
    says out "word -y"
    ;;
  build-fails)
    : >"$home/broken-source"
    start "$root/xybus" list
    status_is 2
    says err "building failed"
    says err "main.cpp:3: error: no such thing"
    start_at_terminal "" "'$root/xybus' list"
    status_is 2
    says out "main.cpp:3: error: no such thing"
    ;;
  tests)
    start "$root/xybus" -y test -R "two words"
    status_is 0
    says calls "ninja -C $root/build all"
    says calls "ctest --test-dir $root/build -j2 --output-on-failure --no-tests=error -R two words"
    [ "$(tail -n 1 "$home/out")" = "100% tests passed" ] || fail "the last line is not CTest's"
    : >"$home/failing-test"
    start "$root/xybus" test
    status_is 1
    ;;
  synth)
    start "$root/xybus" synth --nodes 4
    status_is 1
    says calls "fetch into $root/build/tools"
    says calls "ninja -C $root/build contract_files"
    says out "synthesis: --nodes 4"
    says out "build $root/build"
    : >"$calls"
    start "$root/xybus" synth
    silent_on calls fetch
    : >"$calls"
    start "$root/xybus" synth --help
    says out "synthesis: --help"
    [ ! -s "$calls" ] || fail "built something to tell the usage"
    ;;
  sanitize)
    start "$root/xybus" -y sanitize -R "two words"
    status_is 0
    says calls "-DXYBUS_SANITIZE=ON"
    # Not one by one: CTest fails for every test of this room whose program is not there.
    says calls "ninja -C $root/build/sanitize firmware_tests"
    says calls "ctest --test-dir $root/build/sanitize/testbench/firmware -j2"
    says calls "-E test_fuzz_sanitized -R two words"
    : >"$home/failing-test"
    start "$root/xybus" sanitize
    status_is 1
    ;;
  mutants)
    start "$root/xybus" -y mutants --no-scenarios rtl
    status_is 1
    says out "mutants: --no-scenarios rtl"
    says out "source $root build $root/build"
    silent_on calls "ninja -C"
    echo patch >"$home/absent"
    start "$root/xybus" mutants --help
    says out "mutants: --help"
    silent_on calls apt-get
    start "$root/xybus" mutants
    says calls "apt-get -q install -y --no-install-recommends patch"
    ;;
  no-registry)
    : >"$home/no-registry"
    start "$root/xybus" test
    status_is 0
    says calls "fetch into $root/build/tools"
    says err "going on without the tests of synthesis"
    says calls "ctest"
    start_at_terminal n "'$root/xybus' test"
    says out "fetch Yosys"
    ;;
  usage-before-building)
    start "$root/xybus"
    status_is 2
    says out "usage:"
    start "$root/xybus" --help
    status_is 0
    says out "usage:"
    [ ! -s "$calls" ] || fail "called a tool"
    ;;
  *) fail "no such case: $case_name" ;;
esac
