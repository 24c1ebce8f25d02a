#!/bin/sh
# Elaborates and maps the hardware for iCE40, and tells its area by module; see usage() below.
#
# The environment: XYBUS_BUILD, the build folder, which has the generated contract; XYBUS_TOOLS, see
# yosys.sh. Work and logs stay in a folder of the build folder.
#
# Two elaborations: without hierarchy, where latches and combinational loops show, also those that
# pass through several modules; and with it, for the area. See loops.awk, unique.awk, rams.awk.
set -eu

usage() {
  cat <<'END'
usage: xybus synth [options]     map the hardware for iCE40, show its area by module
  --nodes N            nodes, 2 to 16 (2)
  --ram BYTES          RAM of a node, a power of two, 4096 to 1048576 (4096)
  --data-width 32|64   width of the buses (32)
  --json FILE          the area as JSON, too
  --check-only         look for latches and combinational loops, map nothing
Fails, naming module and signal, on a latch, a combinational loop, and a memory of 2048 bits or
more that would become flip-flops. Exit status: 0 good, 1 a fault in the design, 2 bad usage or
no Yosys.
END
}

here=$(cd "$(dirname "$0")" && pwd)
: "${XYBUS_BUILD:=$here/../../build}"
XYBUS_BUILD=$(cd "$XYBUS_BUILD" && pwd)
contract=$XYBUS_BUILD/generated/contract/xybus_contract_pkg.sv
ram_limit=2048

bad_usage() {
  echo "xybus synth: $1" >&2
  usage >&2
  exit 2
}

whole_number() {
  case $2 in
    "" | *[!0-9]* | ??????????*) bad_usage "$1 needs a number, not '$2'" ;;
  esac
}

# ---- Options -----------------------------------------------------------------------------------

nodes=2
ram=4096
width=
json=
check_only=
top=fabric
files=
while [ $# -gt 0 ]; do
  case $1 in
    --*=*)
      option=$1
      shift
      set -- "${option%%=*}" "${option#*=}" "$@"
      continue
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    --check-only)
      check_only=1
      shift
      continue
      ;;
    --nodes | --ram | --data-width | --json | --top) ;;
    # For the tests: other files than rtl/, with --top.
    *.sv)
      [ "$top" != fabric ] && [ -f "$1" ] || bad_usage "unexpected argument: $1"
      files="$files $1"
      shift
      continue
      ;;
    *) bad_usage "unexpected argument: $1" ;;
  esac
  [ $# -gt 1 ] || bad_usage "$1 needs a value"
  case $1 in
    --nodes)
      whole_number "$1" "$2"
      nodes=$2
      ;;
    --ram)
      whole_number "$1" "$2"
      ram=$2
      ;;
    --data-width)
      case $2 in
        32 | 64) width=$2 ;;
        *) bad_usage "--data-width is 32 or 64" ;;
      esac
      ;;
    --json) json=$2 ;;
    --top) top=$2 ;;
  esac
  shift 2
done
[ -z "$check_only" ] || [ -z "$json" ] || bad_usage "--check-only has no area for --json"
[ "$nodes" -ge 2 ] && [ "$nodes" -le 16 ] || bad_usage "--nodes is 2 to 16"
[ "$ram" -ge 4096 ] && [ "$ram" -le 1048576 ] && [ $((ram & (ram - 1))) = 0 ] ||
  bad_usage "--ram is a power of two, 4096 to 1048576"
case $json in
  "" | /*) ;;
  *) json=$PWD/$json ;;
esac

sh "$here/yosys.sh" find >/dev/null || {
  echo "xybus synth: there is no Yosys 0.67 or newer with slang. Install one, or npm: then" \
    "\`./xybus synth\` fetches a Yosys from npm's registry." >&2
  exit 2
}

# ---- The work folder ---------------------------------------------------------------------------

# Each size has its own: two runs at once do not disturb each other.
work=$XYBUS_BUILD/synth/$top-$nodes-$ram-${width:-32}${check_only:+-check}
rm -rf "$work"
mkdir -p "$work/rtl"
log=$work/../$(basename "$work").log
parameters=
if [ "$top" = fabric ]; then
  cp "$contract" "$here"/../*.sv "$here"/../*.svh "$work/rtl"
  parameters="-G NumNodes=$nodes -G RamBytes=$ram ${width:+-G DataWidth=$width}"
else
  # shellcheck disable=SC2086  # words
  cp $files "$work/rtl"
fi
cd "$work"
files=$(echo rtl/*.sv)
read_design="read_slang -j 1 --ignore-assertions --top $top $parameters $files"

# ---- Steps -------------------------------------------------------------------------------------

yosys() {
  sh "$here/yosys.sh" run "$@" >>"$log" 2>&1 && return 0
  echo "xybus synth: Yosys failed; its errors:" >&2
  sed "s/$(printf '\033')\[[0-9;]*m//g" "$log" | grep -A 2 'error:\|^ERROR:' >&2 || tail "$log" >&2
  exit 1
}

# Prints what a check found; true when it found nothing.
nothing_in() {
  [ -s "$1" ] || return 0
  sed 's/^/xybus synth: /' "$1" >&2
  return 1
}

# Every module of the folder is in the design.
all_used() {
  cut -f 1 names | sed 's/\$.*//' >used
  for file in $files; do
    name=$(basename "$file" .sv)
    case $name in
      *_pkg) continue ;;
    esac
    grep -qxF "$name" used || echo "$name is no part of $top"
  done >unused
}

: >"$log"
cat >hierarchy.ys <<END
$read_design --no-proc --keep-hierarchy
write_rtlil hierarchy.il
END
yosys -s hierarchy.ys
awk -v NAMES=names -f "$here/unique.awk" hierarchy.il >unique.il
status=0
if [ "$top" = fabric ]; then
  all_used
  nothing_in unused || status=1
fi

# A large array that became flip-flops would keep what follows busy for hours.
cat >registers.ys <<END
read_rtlil unique.il
proc
write_rtlil registers.il
END
yosys -s registers.ys
awk -v LIMIT=$ram_limit -v LEFT=left -f "$here/rams.awk" registers.il >rams
nothing_in rams || exit 1

cat >flat.ys <<END
$read_design
hierarchy -check -top $top
proc
tee -o check.txt check
write_rtlil flat.il
END
yosys -s flat.ys
awk -f "$here/loops.awk" check.txt flat.il >loops
nothing_in loops || status=1
[ "$status" = 0 ] || exit 1
rm flat.il hierarchy.il registers.il
if [ -n "$check_only" ]; then
  echo "$nodes nodes: no latch, no combinational loop"
  exit 0
fi

cat >map.ys <<END
read_rtlil unique.il
hierarchy -check -top $top
synth_ice40 -noflatten -top $top -run begin:map_ffram
write_rtlil ram.il
END
yosys -s map.ys
awk -v LIMIT=$ram_limit -v LEFT=left -f "$here/rams.awk" ram.il >rams
nothing_in rams || exit 1

cat >map.ys <<END
read_rtlil ram.il
read_verilog -D ICE40_HX -lib -specify +/ice40/cells_sim.v
synth_ice40 -noflatten -top $top -run map_ffram:check
tee -o stat.txt stat
END
yosys -s map.ys
head="\"nodes\": $nodes, \"ram_bytes\": $ram, \"data_width\": ${width:-32}"
awk -v JSON=area.json -v HEAD="$head" -f "$here/area.awk" names left stat.txt || exit 1
rm -rf unique.il ram.il rtl
[ -z "$json" ] || cp area.json "$json" || exit 2
