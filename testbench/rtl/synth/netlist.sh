#!/bin/sh
# netlist.sh YOSYS_SH WORK SOURCE...
# Maps the module `samples` for iCE40 and writes it to WORK/samples_netlist.v as gates.
set -eu
yosys=$1
work=$2
shift 2
rm -rf "$work"
mkdir -p "$work/rtl"
cp "$@" "$work/rtl"
cd "$work"
cat >netlist.ys <<END
read_slang -j 1 --ignore-assertions --top samples $(echo rtl/*.sv)
synth_ice40 -top samples -run begin:check
select -assert-min 8 t:SB_RAM40_4K
splitnets
rename samples samples_netlist
write_verilog -noattr samples_netlist.v
END
sh "$yosys" run -s netlist.ys >"$work.log" 2>&1 || {
  tail -n 20 "$work.log" >&2
  exit 1
}
