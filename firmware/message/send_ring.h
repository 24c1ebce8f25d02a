/// The CPU's end of one send ring.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "firmware/hal/hal.h"

namespace xybus {

/// The registers of one of the two send rings.
struct SendRingRegisters {
  contract::Register base, size, tail, head;
};

/// A descriptor belongs to the engine until its packet's `sent` event, and these may come out of
/// order (there are two buses); so each descriptor is marked for itself.
class SendRing {
 public:
  /// Sets the engine's registers, with the engine switched off.
  void start(hal::Hal& hal, const SendRingRegisters& registers, std::span<std::byte> memory,
             std::uint32_t address);

  /// Whether a packet can be posted that leaves at least `reserve` descriptors free.
  bool has_room(unsigned reserve) const;
  /// The descriptor that the next post uses.
  std::uint32_t next_slot() const { return posted_ % size_; }
  /// Writes a descriptor; the engine does not know of it before `ring_doorbell`.
  void post(const contract::SendDescriptor& descriptor);
  /// The packet of that descriptor has met its fate.
  void release(std::uint32_t slot);
  /// One register write if anything was posted since the last, else none.
  void ring_doorbell(hal::Hal& hal);

 private:
  contract::Register doorbell_{};
  std::span<std::byte> memory_;
  std::uint32_t size_ = 0;
  std::uint32_t posted_ = 0;  // free-running
  std::uint32_t rung_ = 0;
  std::uint32_t in_use_count_ = 0;
  std::vector<bool> in_use_;
};

}  // namespace xybus
