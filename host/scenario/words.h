/// Lists of words in messages, and the word that was perhaps meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xybus {

using Words = std::vector<std::string_view>;

/// "a", "a or b", "a, b or c".
std::string alternatives(const Words& words);

/// Insertions, deletions, substitutions and swaps of neighbours from one word to the other.
std::size_t edit_distance(std::string_view from, std::string_view to);

/// `, perhaps "cpus"` when one of the words is close to what was written; else empty.
std::string near_miss(std::string_view written, const Words& words);

}  // namespace xybus
