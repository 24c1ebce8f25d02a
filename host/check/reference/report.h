/// Where the parts of the reference check leave what does not agree.
#pragma once

#include <cstdint>
#include <string>

#include "contract/contract.h"

namespace xybus::reference {

using Cycle = std::uint64_t;
using Nodes = std::uint32_t;  // a set of nodes

/// Cycles within which it is open in which order two things at a node come about: an access of its
/// CPU, a verdict, an attempt's end. What is closer together is judged either way.
inline constexpr Cycle margin = 8;

class Report {
 public:
  virtual ~Report() = default;
  /// `hardware` is what was seen and `model` what the reference says, both after a colon.
  virtual void complain(contract::BusId bus, Cycle cycle, const std::string& who,
                        const std::string& hardware, const std::string& model) = 0;
};

}  // namespace xybus::reference
