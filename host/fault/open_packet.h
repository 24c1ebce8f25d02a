/// A packet as far as its first words tell, and whether it was sent before.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "contract/contract.h"

namespace xybus {

/// What CPUs agree by on who is there.
constexpr bool is_membership(contract::LinkOperation operation) {
  using enum contract::LinkOperation;
  return operation == alive || operation == regroup || operation == poison || operation == join;
}

/// What its header and the word behind it say.
struct OpenPacket {
  contract::BusId bus = contract::BusId::x;
  unsigned source = 0;
  std::optional<contract::LinkOperation> operation{};  ///< none: no message packet
  bool again = false;                                  ///< another attempt
};

/// The last packet of each flow: source, destination, traffic class.
class Attempts {
 public:
  /// Reads the first `opening_words` words that `source` sends on a bus.
  OpenPacket read(contract::BusId bus, unsigned source, std::span<const std::uint32_t> words);

 private:
  struct Last {
    bool any = false;
    std::uint32_t number = 0, epoch = 0, word = 0;
    bool operator==(const Last&) const = default;
  };
  using Flows = std::array<std::array<Last, 2>, contract::max_nodes>;  // by destination, class
  std::array<Flows, contract::max_nodes> last_{};                      // by source
};

}  // namespace xybus
