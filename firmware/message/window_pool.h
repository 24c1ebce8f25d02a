/// Staging buffers in node RAM: large message data passes through them between a process's own
/// buffer and the engine. Each has the engine's window of its own number, so that the other CPU
/// can be let in, and nothing else with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "contract/contract.h"
#include "firmware/hal/hal.h"
#include "firmware/message/link.h"

namespace xybus {

using WindowNumber = std::uint8_t;
inline constexpr WindowNumber no_window = 0xff;

/// A window of another CPU: the lower half of a window word. 0 is none, for generations are not 0.
using WindowName = std::uint16_t;

/// What a window is wanted for. Each use has windows of its own, and that is why CPUs never wait
/// for each other in a ring: one in use for sending waits for the hardware only; one for receiving
/// waits at most for the other CPU to find one for sending; one that was given early may be held
/// as long as its link lasts, and so nobody ever waits for one.
enum class WindowUse : std::uint8_t {
  early,    ///< Posted with a link, before its server wants it.
  receive,  ///< For data that was asked for.
  send,     ///< For data on its way out. Not posted: the engine reads it at this CPU's word.
};

class WindowPool {
 public:
  /// `memory`, at byte `address`, is as many windows of `window_bytes` as fit, 2 at least.
  void start(hal::Hal& hal, std::span<std::byte> memory, std::uint32_t address,
             std::uint32_t window_bytes, unsigned epoch);

  unsigned size() const { return static_cast<unsigned>(windows_.size()); }
  std::uint32_t window_bytes() const { return window_bytes_; }
  /// Windows that a link or the engine has.
  unsigned in_use() const;

  /// Whether there is a window for this use and peer; one CPU gets three quarters of each kind at
  /// most. Looks, if need be, whether the engine is through with windows that were closed.
  bool has_room(WindowUse use, unsigned peer);
  /// Whether some for this use are closed, and the engine was not seen to be through with them.
  bool closing(WindowUse use) const;

  /// Only when there is room.
  WindowNumber allocate(WindowUse use, unsigned peer, LinkId owner);
  /// Lets the peer read a window, or write it.
  void post_for_reading(WindowNumber number) { post(number, true); }
  void post_for_writing(WindowNumber number) { post(number, false); }
  /// Takes a window from its link, and closes it; what is on its way to it is refused by the
  /// engine. It is free when the engine is through with it too.
  void release(WindowNumber number);

  /// A descriptor that names this window is the engine's, until `returned`.
  void lend(WindowNumber number);
  void returned(WindowNumber number);

  bool lent(WindowNumber number) const { return windows_[number].lent; }
  /// The link that has it; none after release.
  LinkId owner(WindowNumber number) const { return windows_[number].owner; }
  unsigned peer(WindowNumber number) const { return windows_[number].peer; }
  WindowName name(WindowNumber number) const;
  /// The window that is posted under this name; no_window when there is none any more.
  WindowNumber find(WindowName name) const;
  std::span<std::byte> memory(WindowNumber number) const;
  std::uint32_t address(WindowNumber number) const { return address_ + number * window_bytes_; }

 private:
  struct Window {
    WindowUse use{};
    LinkId owner;
    unsigned peer = 0;
    std::uint8_t generation = 0;
    bool lent = false;
    bool readable = false;  // is posted so, or was before it was closed
    bool writable = false;
  };

  /// One kind of use.
  struct Share {
    unsigned limit = 0;
    unsigned count = 0;  // those that are closed included
    std::array<unsigned, contract::max_nodes> peers{};
  };

  void post(WindowNumber number, bool reading);
  void write_control(WindowNumber number, contract::WindowControlRegister control);
  void let_go(WindowNumber number);
  void set_free(WindowNumber number);
  void reclaim();
  Share& share(WindowUse use) { return shares_[static_cast<unsigned>(use)]; }

  hal::Hal* hal_ = nullptr;
  std::span<std::byte> memory_;
  std::uint32_t address_ = 0;
  std::uint32_t window_bytes_ = 0;
  std::vector<Window> windows_;
  std::array<Share, 3> shares_;
  std::uint32_t free_ = 0;    // bit n: window n
  std::uint32_t closed_ = 0;  // given back, but the engine may be at them still
};

}  // namespace xybus
