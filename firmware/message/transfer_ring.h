/// The driver of the data ring: transfers between this CPU's windows and those of others.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "firmware/environment.h"
#include "firmware/message/send_ring.h"
#include "firmware/message/window_pool.h"

namespace xybus {

/// A window is lent to the engine for one transfer at a time, so the window's number is all that a
/// descriptor's cookie has to tell.
class TransferRing {
 public:
  explicit TransferRing(Environment& environment) : environment_(environment) {}

  /// Sets the engine's registers, with the engine switched off.
  void start(const SendRingRegisters& registers, std::span<std::byte> memory,
             std::uint32_t address);

  WindowPool& windows() { return windows_; }
  const WindowPool& windows() const { return windows_; }

  /// Sends the first `length` bytes of `from` into a window of its peer, from its front on.
  void write(WindowNumber from, WindowName to, std::uint32_t length, bool notify);
  /// Has the peer's engine send `length` bytes from line `line` on of its window into `into`.
  void read(WindowNumber into, WindowName from, std::uint32_t line, std::uint32_t length);
  /// Posts once more what was posted last.
  void repeat(WindowNumber number);

  /// Whether the cookie of an event, less its upper half, is that of a transfer; which one.
  static bool is_transfer(std::uint32_t cookie) { return (cookie & transfer_cookie) != 0; }
  static WindowNumber window_of(std::uint32_t cookie) {
    return static_cast<WindowNumber>(cookie & 0xffU);
  }
  /// The transfer of this window has met its fate.
  void sent(WindowNumber number);

  /// Posts what found the ring full; rings the doorbell if anything was posted since the last.
  void fill();
  void ring_doorbell() { ring_.ring_doorbell(environment_.hal()); }

 private:
  static constexpr std::uint32_t transfer_cookie = 0x4000;

  struct Transfer {
    contract::SendDescriptor descriptor;
    std::uint32_t slot = 0;
  };

  void post(WindowNumber number, contract::PacketKind kind, WindowName far, std::uint32_t line,
            contract::SendDescriptor descriptor);

  Environment& environment_;
  WindowPool windows_;
  SendRing ring_;
  std::vector<Transfer> transfers_;   // by window
  std::vector<WindowNumber> waiting_;  // for the ring, in order; at most one for each window
};

}  // namespace xybus
