#!/bin/sh
# Feeds the contract generator descriptions with one mistake each; it must refuse each one and name
# the line. usage: refusals.sh GENERATE
set -eu
generate=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failures=0

# refuse NAME LINE WORDS: the description on standard input is refused at LINE with WORDS.
refuse() {
  cat > "$dir/c.toml"
  if "$generate" "$dir/c.toml" "$dir/o.sv" "$dir/o.h" "$dir/o.md" 2> "$dir/err"; then
    echo "$1: accepted"
    failures=$((failures + 1))
  elif ! grep -q "c.toml:$2: .*$3" "$dir/err"; then
    echo "$1: expected line $2 and '$3', got: $(cat "$dir/err")"
    failures=$((failures + 1))
  fi
  if [ -e "$dir/o.sv" ]; then
    echo "$1: something was written"
    failures=$((failures + 1))
  fi
}

refuse "overlapping fields" 8 "overlaps" <<'END'
[[struct]]
name = "s"
words = 1
doc = "d"
fields = [
  { name = "a", lsb = 0, width = 8, doc = "d" },

  { name = "b", lsb = 7, width = 8, doc = "d" },
]
END
refuse "a field past its word" 6 "does not fit" <<'END'
[[struct]]
name = "s"
words = 1
doc = "d"
fields = [
  { name = "a", lsb = 30, width = 3, doc = "d" },
]
END
refuse "a value too large for its enum" 6 "does not fit in 2 bits" <<'END'
[[enum]]
name = "e"
width = 2
doc = "d"
values = [
  { name = "a", value = 4, doc = "d" },
]
END
refuse "a register offset used twice" 7 "bad or used offset" <<'END'
[[register]]
name = "a"
offset = 4
access = "rw"
doc = "d"

[[register]]
name = "b"
offset = 4
access = "rw"
doc = "d"
END
refuse "a name used twice" 6 "used twice" <<'END'
[[constant]]
name = "a"
value = 1
doc = "d"

[[constant]]
name = "a"
value = 2
doc = "d"
END
refuse "a missing key" 1 "'value' is missing" <<'END'
[[constant]]
name = "a"
doc = "d"
END
refuse "an access that does not exist" 1 "access must be" <<'END'
[[register]]
name = "a"
offset = 4
access = "zz"
doc = "d"
END
[ "$failures" -eq 0 ]
