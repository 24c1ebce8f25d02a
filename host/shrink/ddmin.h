/// Delta debugging: the least part of a list that still does what the whole did.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace xybus {

/// Leaves entries out of `list`, as long as `holds` of what is left, in its order. A is left out
/// of no result B such that `holds(B without A)`: the result is minimal entry by entry (Zeller and
/// Hildebrandt, "Simplifying and isolating failure-inducing input", 2002, there ddmin). `holds` of
/// the whole list is taken for granted; for one culprit among n it is asked about 2 log2 n times,
/// for n culprits up to n^2 times. Never asks for fewer than `least` entries.
template <class T, class Holds>
std::vector<T> ddmin(std::vector<T> list, Holds&& holds, std::size_t least = 0) {
  if (least == 0 && !list.empty() && holds(std::vector<T>{})) return {};
  std::size_t parts = 2;
  while (list.size() > std::max<std::size_t>(least, 1)) {
    parts = std::min(parts, list.size());
    bool smaller = false;
    const auto part = [&](std::size_t i) { return list.size() * i / parts; };
    // One part alone, then all but one part; with two parts these are the same.
    for (const bool alone : {true, false}) {
      if (!alone && parts == 2) continue;
      for (std::size_t i = 0; i < parts && !smaller; ++i) {
        std::vector<T> kept;
        for (std::size_t j = 0; j < list.size(); ++j)
          if ((j >= part(i) && j < part(i + 1)) == alone) kept.push_back(list[j]);
        if (kept.size() < least || kept.empty() || !holds(kept)) continue;
        list = std::move(kept);
        parts = alone ? 2 : parts - 1;
        smaller = true;
      }
    }
    if (smaller) continue;
    if (parts >= list.size()) break;
    parts *= 2;
  }
  return list;
}

/// A smaller value of which `holds` is still true: the least allowed if that will do, else the
/// lowest that halving the distance finds. `value` itself is taken for granted.
template <class T, class Holds>
T lower(T value, T least, Holds&& holds) {
  if (value <= least || holds(least)) return std::min(value, least);
  while (value - least > 1) {
    const T middle = least + (value - least) / 2;
    (holds(middle) ? value : least) = middle;
  }
  return value;
}

}  // namespace xybus
