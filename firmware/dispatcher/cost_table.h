/// What firmware work costs, in CPU cycles, so that software overhead shows in simulated time.
#pragma once

#include <array>
#include <cstdint>

namespace xybus {

/// Cycles for each piece of kernel work; register accesses are extra and cost what they take.
/// Whatever the table says, a dispatch and an interrupt take at least one cycle each, so that
/// no work goes on for ever without time passing.
struct CostTable {
  std::uint32_t dispatch = 0;     ///< Switching to a process.
  std::uint32_t wait = 0;         ///< A call of wait, whether it blocks or not.
  std::uint32_t interrupt = 0;    ///< Entering and leaving the interrupt handler.
  std::uint32_t event = 0;        ///< One entry of the event ring.
  std::uint32_t timer = 0;        ///< One timer that goes off.
  std::uint32_t link = 0;         ///< One call of link.
  std::uint32_t listen = 0;       ///< One call of listen.
  std::uint32_t readlink = 0;     ///< One call of readlink.
  std::uint32_t writelink = 0;    ///< One call of writelink.
  std::uint32_t breaklink = 0;    ///< One call of breaklink.
  std::uint32_t done = 0;         ///< One call of done or cancelled.
  std::uint32_t post_packet = 0;  ///< Building a link header and a send descriptor.
  std::uint32_t take_packet = 0;  ///< Examining a packet that came.
  std::uint32_t start_io = 0;     ///< Giving a device a command.
  std::uint32_t copy_line = 0;    ///< Copying 16 bytes, or what is left of them.
  std::uint32_t file_call = 0;    ///< One call of the file system or of process control.
  std::uint32_t checkpoint = 0;   ///< One call of checkpoint.

  /// A plausible kernel on a single-issue 32-bit CPU: instruction counts by estimate.
  static constexpr CostTable standard() {
    return {.dispatch = 100, .wait = 20, .interrupt = 60, .event = 20, .timer = 30, .link = 120,
            .listen = 60, .readlink = 60, .writelink = 100, .breaklink = 50, .done = 30,
            .post_packet = 40, .take_packet = 40, .start_io = 60, .copy_line = 4,
            .file_call = 150, .checkpoint = 150};
  }

  /// Software that takes no time: what is left is the hardware.
  static constexpr CostTable zero() { return {}; }

  bool operator==(const CostTable&) const = default;

  /// One piece of work of the table, by its name.
  struct Entry;
  static const std::array<Entry, 17>& entries();
};

struct CostTable::Entry {
  const char* name;
  std::uint32_t CostTable::* cost;
};

inline const std::array<CostTable::Entry, 17>& CostTable::entries() {
  static constexpr std::array<Entry, 17> all{{{"dispatch", &CostTable::dispatch},
                                              {"wait", &CostTable::wait},
                                              {"interrupt", &CostTable::interrupt},
                                              {"event", &CostTable::event},
                                              {"timer", &CostTable::timer},
                                              {"link", &CostTable::link},
                                              {"listen", &CostTable::listen},
                                              {"readlink", &CostTable::readlink},
                                              {"writelink", &CostTable::writelink},
                                              {"breaklink", &CostTable::breaklink},
                                              {"done", &CostTable::done},
                                              {"post_packet", &CostTable::post_packet},
                                              {"take_packet", &CostTable::take_packet},
                                              {"start_io", &CostTable::start_io},
                                              {"copy_line", &CostTable::copy_line},
                                              {"file_call", &CostTable::file_call},
                                              {"checkpoint", &CostTable::checkpoint}}};
  static_assert(sizeof(CostTable) == all.size() * sizeof(std::uint32_t), "all of them");
  return all;
}

}  // namespace xybus
