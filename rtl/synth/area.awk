# awk -v JSON=<file> -v HEAD=<members of the JSON object> -f area.awk names left stat.txt
#
# The table of area. Each module counts alone, without what it contains; the total has every
# instance. Fails on a cell that is not one of the device's.

function row(label, instances, luts, ffs, carry, blocks, bits) {
  printf "%-40s %5s %8s %8s %8s %8s %9s\n", label, instances, luts, ffs, carry, blocks, bits
}

function object(luts, ffs, carry, blocks, bits) {
  return sprintf("\"luts\": %d, \"flip_flops\": %d, \"carry\": %d, \"ram_blocks\": %d, " \
                 "\"ram_bits\": %d", luts, ffs, carry, blocks, bits)
}

FILENAME != current { current = FILENAME; file++ }
file == 1 {
  split($0, field, "\t")
  m = order[++modules] = field[1]
  instances[m] = field[2]
  depth[m] = field[3]
  bits[m] = field[4]
  name[m] = field[5]
  next
}
FILENAME ~ /left$/ { bits[$1] -= $2; next }
$1 == "===" { module = $2; next }
module in name && NF == 2 && $1 ~ /^[0-9]+$/ {
  if ($2 == "SB_LUT4") luts[module] += $1
  else if ($2 ~ /^SB_DFF/) ffs[module] += $1
  else if ($2 == "SB_CARRY") carry[module] += $1
  else if ($2 ~ /^SB_RAM40_4K/) blocks[module] += $1
  else if ($2 ~ /^[$]/ || ($2 ~ /^SB_/)) {
    printf "not mapped in %s: %d of %s\n", name[module], $1, $2 > "/dev/stderr"
    bad = 1
  }
}

END {
  if (bad) exit 1
  row("module (alone)", "times", "LUTs", "FFs", "carry", "RAMs", "RAM bits")
  for (i = 1; i <= modules; i++) {
    m = order[i]
    row(sprintf("%" 2 * depth[m] "s%s", "", name[m]), instances[m], luts[m] + 0, ffs[m] + 0,
        carry[m] + 0, blocks[m] + 0, bits[m] + 0)
    all_luts += instances[m] * luts[m]
    all_ffs += instances[m] * ffs[m]
    all_carry += instances[m] * carry[m]
    all_blocks += instances[m] * blocks[m]
    all_bits += instances[m] * bits[m]
    list = list (i > 1 ? ",\n" : "") sprintf("    {\"name\": \"%s\", \"instances\": %d, %s}", \
           name[m], instances[m], object(luts[m], ffs[m], carry[m], blocks[m], bits[m]))
  }
  row("total", "", all_luts, all_ffs, all_carry, all_blocks, all_bits)
  printf "{%s,\n  \"modules\": [\n%s\n  ],\n  \"total\": {%s}\n}\n", HEAD, list,
         object(all_luts, all_ffs, all_carry, all_blocks, all_bits) > JSON
}
