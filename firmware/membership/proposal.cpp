#include "firmware/membership/proposal.h"

namespace xybus {

CpuMask hear_each_other(CpuMask candidates, const HeardBy& heard_by) {
  for (;;) {
    int most_troubles = 0;
    unsigned worst = 0;
    for (CpuMask left = candidates; left != 0; left &= left - 1) {
      const auto cpu = static_cast<unsigned>(std::countr_zero(left));
      CpuMask good = heard_by[cpu] | bit_of(cpu);
      for (CpuMask others = candidates & ~bit_of(cpu); others != 0; others &= others - 1) {
        const auto other = static_cast<unsigned>(std::countr_zero(others));
        if (!has(heard_by[other], cpu)) good &= ~bit_of(other);
      }
      const int troubles = std::popcount(candidates & ~good);
      if (troubles == 0 || troubles < most_troubles) continue;
      most_troubles = troubles;
      worst = cpu;
    }
    if (most_troubles == 0) return candidates;
    candidates &= ~bit_of(worst);
  }
}

}  // namespace xybus
