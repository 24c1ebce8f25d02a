#include "firmware/message/send_ring.h"

#include <cassert>

#include "firmware/message/wire.h"

namespace xybus {

void SendRing::start(hal::Hal& hal, const SendRingRegisters& registers,
                     std::span<std::byte> memory, std::uint32_t address) {
  doorbell_ = registers.tail;
  memory_ = memory;
  size_ = static_cast<std::uint32_t>(memory.size() / contract::line_bytes);
  in_use_.assign(size_, false);
  in_use_count_ = 0;
  hal.write(registers.base, address);
  hal.write(registers.size, size_);
  // What an earlier life posted and the engine did not fetch is taken back.
  posted_ = rung_ = hal.read(registers.head) & 0xffffU;
  hal.write(registers.tail, posted_);
}

bool SendRing::has_room(unsigned reserve) const {
  return in_use_count_ + reserve < size_ && !in_use_[next_slot()];
}

void SendRing::post(const contract::SendDescriptor& descriptor) {
  const std::uint32_t slot = next_slot();
  assert(!in_use_[slot]);
  store(descriptor, memory_.subspan(slot * contract::line_bytes, contract::line_bytes));
  in_use_[slot] = true;
  ++in_use_count_;
  ++posted_;
}

void SendRing::release(std::uint32_t slot) {
  assert(slot < size_ && in_use_[slot]);
  in_use_[slot] = false;
  --in_use_count_;
}

void SendRing::ring_doorbell(hal::Hal& hal) {
  if (rung_ == posted_) return;
  rung_ = posted_;
  hal.write(doorbell_, posted_ & 0xffffU);
}

}  // namespace xybus
