# awk -v NAMES=<file> -f unique.awk hierarchy.il > unique.il
#
# The front end makes a module of every instance. Here each different module is left once: two are
# the same when their text is, but for the numbers of inner names and places in the source, and
# when what they contain is the same. Into NAMES goes a line for each module that is left:
#   module  instances  depth  bits of memory  name for a reader
# in the order of the hierarchy.

# The text with inner numbers by order of appearance: equal for equal modules.
function plain(line,    result, token, name) {
  result = ""
  while (match(line, /\$[0-9]+/)) {
    token = substr(line, RSTART, RLENGTH)
    if (!((module, token) in number)) number[module, token] = ++numbers[module]
    result = result substr(line, 1, RSTART - 1) "$#" number[module, token]
    line = substr(line, RSTART + RLENGTH)
  }
  return result line
}

# The module that stands for m and all that are the same.
function same(m,    i, signature) {
  if (m in stands) return stands[m]
  signature = text[m]
  for (i = 1; i <= children[m]; i++) signature = signature "\n" same(child[m, i])
  signature = base[m] "\n" signature
  if (!(signature in first)) {
    first[signature] = m
    variants[base[m]]++
  }
  stands[m] = first[signature]
  return stands[m]
}

function count(m,    i) {
  instances[m]++
  for (i = 1; i <= children[m]; i++) count(stands[child[m, i]])
}

function describe(m, depth,    i, name) {
  if (m in described) return
  described[m] = 1
  name = base[m]
  if (variants[name] > 1) name = name " " instance_of[m]
  print m "\t" instances[m] "\t" depth "\t" (bits[m] + 0) "\t" name > NAMES
  for (i = 1; i <= children[m]; i++) describe(stands[child[m, i]], depth + 1)
}

/^module / {
  module = substr($2, 2)
  order[++modules] = module
  base[module] = module
  sub(/\$.*/, "", base[module])
  label = module
  sub(/^[^$]*\$/, "", label)
  parts = split(label, part, ".")
  # What tells instances apart: the last that is one of several, nodes aside; or else the parent.
  instance_of[module] = part[parts > 1 ? parts - 1 : 1]
  for (i = 1; i <= parts; i++) {
    if (part[i] ~ /\[/ && part[i] !~ /^gen_node/) instance_of[module] = part[i]
  }
  if (attributes ~ /\\top 1/) top = module
}
module == "" { attributes = attributes $0 "\n"; next }
{
  lines[module] = lines[module] $0 "\n"
  if ($1 == "attribute" && $2 == "\\src") next
}
/^  memory width / { bits[module] += $3 * $5 }
/^  cell \\/ {
  child[module, ++children[module]] = substr($2, 2)
  text[module] = text[module] "  cell " plain($3) "\n"
  next
}
!/^module / { text[module] = text[module] plain($0) "\n" }
/^end$/ {
  head[module] = attributes
  attributes = module = ""
}

END {
  same(top)
  count(top)
  describe(top, 0)
  for (i = 1; i <= modules; i++) {
    m = order[i]
    if (!(m in described)) continue
    printf "%s", head[m]
    left = split(lines[m], line, "\n") - 1
    for (j = 1; j <= left; j++) {
      if (line[j] ~ /^  cell \\/) {
        split(substr(line[j], 3), word, " ")
        print "  cell \\" stands[substr(word[2], 2)] " " word[3]
      } else {
        print line[j]
      }
    }
  }
}
