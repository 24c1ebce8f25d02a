/// Two events beside each other, field by field.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace xybus {

/// An event of a log, with its number in it, counted from 1. No line: there is no such event.
struct PlacedEvent {
  std::uint64_t number = 0;
  std::string_view line;
};

/// What the two logs are called in the text.
using SideNames = std::array<std::string, 2>;

/// A table of one row for each field; what differs is marked:
///
///                        rtl          tlm
///     event number      1234         1236  *
///     cycle             5678         5701  *
///     at                cpu3         cpu3
std::string side_by_side(const SideNames& names, const PlacedEvent& a, const PlacedEvent& b);

/// An event in words, on one line: "event 1234, cycle 5678, CPU 3, link_done, process 2, link
/// 0x10003". "nothing" when there is none.
std::string place_of(const PlacedEvent& event);

}  // namespace xybus
