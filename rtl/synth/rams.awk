# awk -v LIMIT=<bits> -v LEFT=<file> -f rams.awk ram.il
#
# A line for each memory or register array of LIMIT bits or more in the design, after block RAM was
# mapped, that is to become flip-flops. In modules that are there for their RAM, a quarter of LIMIT
# is too much. Into LEFT goes the size of each memory that does,
# whatever its size: module, tab, bits.

function report(what, name, bits,    of) {
  of = module
  sub(/\$.*/, "", of)
  if (bits < LIMIT && !(bits >= LIMIT / 4 && of in rams)) return
  printf "%s in flip-flops in %s: signal %s, %d bits, is not block RAM\n", what, of, name, bits
}

# Counts the flip-flops of a signal, by its name: `line_q[3]` belongs to `line_q`.
function count(signal,    words, word, i, name, width, range) {
  gsub(/[{}]/, " ", signal)
  words = split(signal, word, " ")
  for (i = 1; i <= words; i++) {
    if (word[i] !~ /^[\\$]/) continue
    name = word[i]
    width = wide[module, name]
    if (word[i + 1] ~ /^\[.*:/) {
      range = substr(word[i + 1], 2)
      width = range - substr(range, index(range, ":") + 1) + 1
    } else if (word[i + 1] ~ /^\[/) {
      width = 1
    }
    sub(/^[\\$]/, "", name)
    sub(/[[$].*/, "", name)
    bits[name] += width
  }
}

$1 == "module" {
  module = substr($2, 2)
  split("", bits)
}
$1 == "wire" { wide[module, $NF] = $2 == "width" ? $3 : 1 }
$1 == "cell" {
  flip_flop = $2 ~ /^\$.*(dff|sr)/
  memory = $2 == "$mem_v2"
  inside = 1
}
memory && $1 == "parameter" && $2 == "\\WIDTH" { width = $3 }
memory && $1 == "parameter" && $2 == "\\SIZE" { size = $3 }
memory && $1 == "parameter" && $2 == "\\MEMID" { name = substr($3, 4, length($3) - 4) }
flip_flop && $1 == "connect" && $2 == "\\Q" { count(substr($0, index($0, $3))) }
$1 == "end" && inside {
  if (memory) {
    print module "\t" width * size > LEFT
    report("memory", name, width * size)
  }
  inside = memory = flip_flop = 0
  next
}
$1 == "end" && !inside && /^end/ {
  for (name in bits) report("register array", name, bits[name])
}
BEGIN {
  printf "" > LEFT
  split("node_ram receive_buffer window_table", list, " ")
  for (i in list) rams[list[i]]
}
