#include "check/reference/event_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace xybus::reference {

using contract::EventEntry;
using contract::EventType;

namespace {

bool is_fate(const EventEntry& entry) {
  return entry.event_type() == EventType::sent || entry.event_type() == EventType::read_failed;
}

std::string describe(const EventEntry& entry) {
  const contract::PacketHeader header{{entry.header_0(), entry.header_1()}};
  std::string text = fmt::format("event {} on {}", name(entry.event_type()), name(entry.bus()));
  if (is_fate(entry)) {
    text += fmt::format(" {} missed {:#06x}", name(entry.status()), entry.missed());
  }
  return text + fmt::format(" cookie {:#x}, CPU {} -> mask {:#06x} {} {} sequence {} {} bytes",
                            entry.cookie(), header.source(), header.dst_mask(),
                            name(header.traffic_class()), name(header.kind()),
                            header.sequence_number(), header.length());
}

bool same_packet(const EventEntry& a, const EventEntry& b) {
  return a.words[2] == b.words[2] && a.words[3] == b.words[3];
}

}  // namespace

Owed& EventBook::owe(const EventEntry& entry, bool optional, Cycle cycle) {
  Owed& owed = owed_.emplace_back();
  owed.entry = entry;
  owed.optional = optional;
  owed.cycle = cycle;
  return owed;
}

void EventBook::owe_received(contract::BusId bus, EventEntry entry,
                             std::span<const std::uint32_t> payload, std::uint32_t bytes,
                             bool optional, Cycle cycle) {
  const auto b = static_cast<unsigned>(bus);
  entry.set_cookie(least_[b]);
  Owed& owed = owe(entry, optional, cycle);
  owed.spread = static_cast<std::uint16_t>(most_[b] - least_[b]);
  owed.bytes = bytes;
  std::ranges::copy(payload, owed.payload.begin());
  ++most_[b];
  if (!optional) ++least_[b];
}

void EventBook::clear() {
  owed_.clear();
  next_ = 0;
  least_ = most_ = {};
}

void EventBook::poll(std::span<const std::byte> ram, Cycle cycle) {
  const Settings::Ring& ring = settings_.events;
  for (std::uint32_t i = 0; i < ring.size(); ++i) {
    const std::size_t at = ring.at(next_, contract::line_bytes);
    EventEntry entry;
    if (at + contract::line_bytes > ram.size()) return;
    std::memcpy(entry.words.data(), &ram[at], contract::line_bytes);
    if ((entry.phase() != 0) != ((next_ & ring.size()) == 0)) return;
    ++next_;
    entry.set_phase(0);
    take(entry, ram, cycle);
  }
}

void EventBook::take(const EventEntry& entry, std::span<const std::byte> ram, Cycle cycle) {
  const bool known = is_fate(entry) ? take_fate(entry, cycle) : take_arrival(entry, ram, cycle);
  if (known) return;
  const auto close = std::ranges::find_if(owed_, [&](const Owed& owed) {
    return is_fate(owed.entry) == is_fate(entry) && owed.entry.bus() == entry.bus();
  });
  complain(entry, cycle, close == owed_.end() ? "no event" : describe(close->entry));
}

bool EventBook::take_fate(const EventEntry& entry, Cycle cycle) {
  const auto found =
      std::ranges::find_if(owed_, [&](const Owed& owed) { return owed.entry == entry; });
  if (found == owed_.end()) return explains_ && explains_(entry, cycle);
  owed_.erase(found);
  return true;
}

// What is passed over did not come about.
bool EventBook::take_arrival(const EventEntry& entry, std::span<const std::byte> ram,
                             Cycle cycle) {
  const auto same_line = [&](const Owed& owed) {
    return !is_fate(owed.entry) && owed.entry.bus() == entry.bus();
  };
  const auto same = [&](const Owed& owed) {
    if (owed.entry.words[0] != entry.words[0] || !same_packet(owed.entry, entry)) return false;
    if (entry.event_type() != EventType::received) return owed.entry.cookie() == entry.cookie();
    const auto beyond = static_cast<std::uint16_t>(entry.cookie() - owed.entry.cookie());
    return entry.cookie() <= 0xffff && beyond <= owed.spread;
  };
  std::size_t place = 0;
  while (place < owed_.size()) {
    if (same_line(owed_[place])) {
      if (same(owed_[place])) break;
      if (!owed_[place].optional) return false;
    }
    ++place;
  }
  if (place == owed_.size()) return false;
  const bool received = entry.event_type() == EventType::received;
  if (received) check_slot(owed_[place], static_cast<std::uint16_t>(entry.cookie()), ram, cycle);
  for (std::size_t i = 0; i < place;) {
    if (same_line(owed_[i])) {
      owed_.erase(owed_.begin() + static_cast<std::ptrdiff_t>(i));
      --place;
    } else {
      ++i;
    }
  }
  owed_.erase(owed_.begin() + static_cast<std::ptrdiff_t>(place));
  const auto bus = static_cast<unsigned>(entry.bus());
  if (received && (least_[bus] != most_[bus])) {
    learn_slot(static_cast<std::uint16_t>(entry.cookie()), bus);
  }
  return true;
}

// Of the packets behind the one in this slot it is now known better where they are.
void EventBook::learn_slot(std::uint16_t slot, unsigned bus) {
  std::uint16_t least = static_cast<std::uint16_t>(slot + 1);
  std::uint16_t most = least;
  for (Owed& owed : owed_) {
    if (owed.entry.event_type() != EventType::received ||
        static_cast<unsigned>(owed.entry.bus()) != bus) continue;
    owed.entry.set_cookie(least);
    owed.spread = static_cast<std::uint16_t>(most - least);
    ++most;
    if (!owed.optional) ++least;
  }
  least_[bus] = least;
  most_[bus] = most;
}

void EventBook::check_slot(const Owed& owed, std::uint16_t slot, std::span<const std::byte> ram,
                           Cycle cycle) {
  const auto& ring = settings_.slots[static_cast<unsigned>(owed.entry.bus())];
  const std::size_t at = ring.at(slot, contract::slot_bytes);
  const auto* const expected = reinterpret_cast<const std::byte*>(owed.payload.data());
  if (at + owed.bytes > ram.size()) return;
  for (std::uint32_t i = 0; i < owed.bytes; ++i) {
    if (ram[at + i] == expected[i]) continue;
    complain(owed.entry, cycle,
             fmt::format("byte {} of receive slot {} is {:#04x}, not {:#04x}", i, slot,
                         static_cast<unsigned>(expected[i]), static_cast<unsigned>(ram[at + i])));
    return;
  }
}

void EventBook::overdue(Cycle cycle) {
  while (!owed_.empty() && owed_.front().cycle + patience < cycle) {
    if (!owed_.front().optional) {
      report_.complain(owed_.front().entry.bus(), owed_.front().cycle,
                       fmt::format("CPU {}", node_), "no event came",
                       describe(owed_.front().entry));
    }
    owed_.pop_front();
  }
}

void EventBook::complain(const EventEntry& entry, Cycle cycle, const std::string& model) {
  report_.complain(entry.bus(), cycle, fmt::format("CPU {}", node_), describe(entry), model);
}

}  // namespace xybus::reference
