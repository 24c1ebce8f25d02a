#include "firmware/message/transfer_ring.h"

#include <cassert>

namespace xybus {

using contract::PacketKind;
using contract::SendDescriptor;

void TransferRing::start(const SendRingRegisters& registers, std::span<std::byte> memory,
                         std::uint32_t address) {
  ring_.start(environment_.hal(), registers, memory, address);
  transfers_.assign(contract::windows, {});
  waiting_.clear();
}

void TransferRing::write(WindowNumber from, WindowName to, std::uint32_t length, bool notify) {
  SendDescriptor descriptor;
  descriptor.set_length(length).set_address(windows_.address(from)).set_notify(notify);
  post(from, PacketKind::write, to, 0, descriptor);
}

void TransferRing::read(WindowNumber into, WindowName from, std::uint32_t line,
                        std::uint32_t length) {
  SendDescriptor descriptor;
  descriptor.set_length(length).set_address(0).set_own_window(into);
  post(into, PacketKind::read, from, line, descriptor);
}

void TransferRing::post(WindowNumber number, PacketKind kind, WindowName far, std::uint32_t line,
                        SendDescriptor descriptor) {
  const contract::WindowWord word{{far}};
  descriptor.set_dst_mask(1U << windows_.peer(number))
      .set_kind(kind)
      .set_window(word.window())
      .set_generation(word.generation())
      .set_cookie(line << 16 | transfer_cookie | number);
  transfers_[number].descriptor = descriptor;
  repeat(number);
}

void TransferRing::repeat(WindowNumber number) {
  windows_.lend(number);
  waiting_.push_back(number);
  fill();
}

void TransferRing::fill() {
  std::size_t posted = 0;
  for (; posted < waiting_.size() && ring_.has_room(0); ++posted) {
    environment_.charge(environment_.costs.post_packet);
    Transfer& transfer = transfers_[waiting_[posted]];
    transfer.slot = ring_.next_slot();
    ring_.post(transfer.descriptor);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(posted));
}

void TransferRing::sent(WindowNumber number) {
  ring_.release(transfers_[number].slot);
  windows_.returned(number);
}

}  // namespace xybus
