/// Which bus a packet may take.
#pragma once

#include "contract/contract.h"
#include "model/tlm/paths.h"

namespace xybus::tlm {

struct Routes {
  unsigned buses = 0;        // a bit for each
  bool unreachable = false;  // no path is left to any destination, and none is forced
};

/// `next` is the number that its (first) flow would have next: now and then one goes by a bus that
/// is suspect, to try it.
inline Routes routes(const Offer& offer, const Paths& x, const Paths& y, unsigned next) {
  constexpr unsigned trial_every = 16;
  if (offer.route == contract::Route::x) return {1, false};
  if (offer.route == contract::Route::y) return {2, false};
  const auto touched = [&](Nodes on_x, Nodes on_y) {
    return ((offer.destinations & on_x) != 0 ? 1u : 0u) |
           ((offer.destinations & on_y) != 0 ? 2u : 0u);
  };
  const unsigned suspect = touched(x.suspect, y.suspect);
  const unsigned down = touched(x.down, y.down);
  const bool unreachable = (offer.destinations & ~(x.down & y.down)) == 0;
  if (down == 3) return {3, unreachable};
  if (down != 0) return {~down & 3, unreachable};
  if (suspect == 0 || suspect == 3) return {3, unreachable};
  return {next % trial_every == 0 ? suspect : ~suspect & 3, unreachable};
}

}  // namespace xybus::tlm
