/// The last packet that a node has accepted of each flow: a repeated one is known by it.
#pragma once

#include <array>
#include <cstdint>

#include "contract/contract.h"

namespace xybus::tlm {

class DuplicateFilter {
 public:
  bool seen(const contract::PacketHeader& header) const {
    const Last& last = of(header);
    return last.valid && last.number == header.sequence_number() && last.epoch == header.epoch();
  }

  void accept(const contract::PacketHeader& header) {
    const auto c = static_cast<unsigned>(header.traffic_class());
    last_[c][header.source()] = {true, static_cast<std::uint16_t>(header.sequence_number()),
                                 static_cast<std::uint8_t>(header.epoch())};
  }

 private:
  struct Last {
    bool valid = false;
    std::uint16_t number = 0;
    std::uint8_t epoch = 0;
  };
  const Last& of(const contract::PacketHeader& header) const {
    return last_[static_cast<unsigned>(header.traffic_class())][header.source()];
  }

  std::array<std::array<Last, contract::max_nodes>, 2> last_{};  // by class
};

}  // namespace xybus::tlm
