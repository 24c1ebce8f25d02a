# awk -f loops.awk check.txt flat.il
#
# A line for each latch, each combinational loop and whatever else Yosys's `check` found in the
# design without its hierarchy, with module and signal.

# The first public name in a signal such as "{ \u_lane.q_o [3:0] $12 }".
function public(signal) {
  if (!match(signal, /\\[^ ]+/)) return ""
  return substr(signal, RSTART + 1, RLENGTH - 1)
}

# The module is the file: there is one module a file.
function report(what, signal, place,    module, line) {
  if (place == "") place = wire_place[signal]
  sub(/\|.*/, "", place)
  module = place
  sub(/\.sv.*/, "", module)
  sub(/.*\//, "", module)
  sub(/.*\//, "", place)
  line = what " in " (module == "" ? "the design" : module) ": signal " signal
  if (place != "") line = line " (" place ")"
  if (!(line in seen)) print line
  seen[line] = 1
}

FILENAME != current { current = FILENAME; file++ }

file == 1 && /^Warning: found logic loop/ { loops++; next }
file == 1 && /^Warning: / { print; loop = 0; next }
file == 1 && loops && /^    cell / {
  cell = $2
  in_loop[cell] = in_loop[cell] " " loops
  if ($3 !~ /^\((\$mux|\$pmux|\$bwmux|\$buf)\)$/) gates[loops]++
  if (place[loops] == "" && $4 == "source:") place[loops] = $5
  next
}
file == 1 { next }

$1 == "attribute" && $2 == "\\src" { source = substr($3, 2, length($3) - 2); next }
$1 == "wire" {
  if (substr($NF, 1, 1) == "\\") wire_place[substr($NF, 2)] = source
  source = ""
  next
}
$1 == "cell" {
  cell = $3
  latch = $2 ~ /^\$(dlatch|adlatch|dlatchsr|sr|_DLATCH|_SR)/
  cell_place = source
  source = ""
  next
}
$1 == "connect" && cell != "" && ($2 == "\\Y" || $2 == "\\Q") {
  name = public(substr($0, index($0, $3)))
  if (latch) {
    if (name == "") name = $3
    report("latch", name, cell_place)
  }
  if (cell in in_loop && name != "") {
    count = split(in_loop[cell], of, " ")
    for (i = 1; i <= count; i++) if (signal[of[i]] == "") signal[of[i]] = name
  }
  next
}
$1 == "end" { cell = "" }

END {
  for (i = 1; i <= loops; i++) {
    report(gates[i] ? "combinational loop" : "latch (some branch assigns nothing)",
           signal[i] == "" ? "without a name" : signal[i], place[i])
  }
}
