/// A packet as the checks see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "contract/contract.h"
#include "model/answers.h"
#include "model/packet_form.h"

namespace xybus {

/// A packet with its answers, and what the fault injector did to it.
struct WirePacket {
  contract::BusId bus = contract::BusId::x;
  unsigned source = 0;                      ///< the node that was granted the bus
  std::uint64_t start_cycle = 0;            ///< of its first word
  std::uint64_t answer_cycle = 0;           ///< of its answer slot; if cut, the first without it
  std::span<const std::uint32_t> sent;      ///< header to CRC, before faults
  std::span<const std::uint32_t> received;  ///< the same after faults
  Answers answers;                          ///< as the sender takes them
  std::optional<Answers> given{};           ///< as the nodes gave them, when that differs
  bool cut = false;                         ///< it broke off: no last word, no answers
  bool unseen = false;                      ///< faults hid it from the receivers
  bool unanswered = false;                  ///< faults took its answers
  bool probe = false;                       ///< it may have been sent by a fixed route
  bool altered = false;                     ///< changed on the wires by more than chosen flips
  bool collided = false;                    ///< a second node drove the bus with its sender
  std::uint32_t parted = 0;                 ///< nodes that a partition kept apart from its sender
};

inline contract::PacketHeader packet_header(std::span<const std::uint32_t> words) {
  return {{words[0], words[1]}};
}

}  // namespace xybus
