/// Traffic patterns, as the interconnection-network literature defines them (W. J. Dally and
/// B. Towles, Principles and Practices of Interconnection Networks, section 3.2), for any number
/// of CPUs. Where the book assumes a power of two, the general form here gives the same there.
#pragma once

#include "scenario/scenario.h"

namespace xybus {

/// Whether each CPU has one fixed destination, given by partner(). If not:
///   uniform   any other CPU, all equally likely, drawn anew for each message;
///   hotspot   CPU 0 with probability hot_share, else as uniform; CPU 0 itself sends as uniform.
constexpr bool is_fixed(Pattern pattern) {
  return pattern != Pattern::uniform && pattern != Pattern::hotspot;
}

/// The share of messages that a hotspot draws to CPU 0 beyond what uniform sends there.
inline constexpr double hot_share = 0.5;

/// The one destination of `source` (below `cpus`, which is at least 2). It may be the source
/// itself, which then sends to itself: that is traffic too.
///   transpose       CPUs stand in a square matrix of side k, the smallest with k*k >= cpus;
///                   row and column change places. A CPU whose place would lie past the last
///                   CPU keeps to itself. (4^m CPUs: destination bits are the source's, rotated
///                   by half.)
///   bit_complement  cpus - 1 - source. (2^m CPUs: every bit inverted.)
///   tornado         (source + ceil(cpus/2) - 1) mod cpus: almost half way round the ring.
constexpr unsigned partner(Pattern pattern, unsigned source, unsigned cpus) {
  switch (pattern) {
    case Pattern::transpose: {
      unsigned side = 1;
      while (side * side < cpus) ++side;
      const unsigned transposed = source % side * side + source / side;
      return transposed < cpus ? transposed : source;
    }
    case Pattern::bit_complement: return cpus - 1 - source;
    case Pattern::tornado: return (source + (cpus + 1) / 2 - 1) % cpus;
    case Pattern::uniform:
    case Pattern::hotspot: break;
  }
  return source;
}

}  // namespace xybus
