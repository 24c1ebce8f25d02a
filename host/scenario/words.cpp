#include "scenario/words.h"

#include <fmt/format.h>

#include <algorithm>

namespace xybus {

std::string alternatives(const Words& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::size_t edit_distance(std::string_view from, std::string_view to) {
  // Three rows of the table of distances between beginnings of the words: this one and two above.
  std::vector<std::size_t> before(to.size() + 1);
  std::vector<std::size_t> above(to.size() + 1);
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t substituted = above[j - 1] + (from[i - 1] != to[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, substituted});
      const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::string near_miss(std::string_view written, const Words& words) {
  std::string_view best;
  std::size_t distance = std::min<std::size_t>(2, written.size() / 3) + 1;
  for (const std::string_view word : words) {
    const std::size_t d = edit_distance(written, word);
    if (d < distance) {
      distance = d;
      best = word;
    }
  }
  return best.empty() ? "" : fmt::format(", perhaps \"{}\"", best);
}

}  // namespace xybus
