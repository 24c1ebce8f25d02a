#include "rtl/bench/wire_monitor.h"

#include <fmt/format.h>

#include <stdexcept>

namespace xybus::bench {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

}  // namespace

void WireMonitor::see(std::uint64_t cycle, const FabricOutputs& now, std::array<bool, 2> touched) {
  for (unsigned b = 0; b < 2; ++b) see_bus(cycle, b, now.bus[b], touched[b]);
}

void WireMonitor::see_bus(std::uint64_t cycle, unsigned number, const BusOutputs& wires,
                          bool touched) try {
  Bus& bus = bus_[number];
  require(bus.answer_slot || wires.answers == 0, "an answer outside its slot");
  if (bus.answer_slot) check_answers(bus, wires.answers);
  bus.answer_slot = wires.valid && wires.last;
  require(wires.valid == (bus.open || bus.starts), "words without a start, or a gap in a packet");
  if (wires.valid) {
    require(wires.first == bus.starts, "the first word is not where the start was announced");
    if (wires.first) {
      require(!bus.open, "a packet begins inside a packet");
      bus.words.clear();
      bus.touched = false;
      bus.source = bus.start_source;
    }
    bus.open = !wires.last;
    bus.touched = bus.touched || touched;
    bus.words.push_back(wires.data);
    ++bus.count;
    if (wires.last) {
      ++bus.packets;
      check(bus);
    }
  }
  bus.starts = wires.start;
  bus.start_source = wires.start_source;
} catch (const std::runtime_error& error) {
  throw std::runtime_error(
      fmt::format("cycle {}, bus {}: {}; words {:#010x}", cycle, number == 0 ? "x" : "y",
                  error.what(), fmt::join(bus_[number].words, " ")));
}

void WireMonitor::check(const Bus& bus) const {
  if (bus.touched || (forgiven_ >> bus.source & 1) != 0) return;
  contract::PacketHeader header;
  require(bus.words.size() >= contract::header_words + contract::crc_words, "too few words");
  header.words = {bus.words[0], bus.words[1]};
  const std::size_t payload = bus.words.size() - contract::header_words - contract::crc_words;
  require(header.source() == bus.source, "the source is not the node that was granted");
  require(payload == (header.length() + 3) / 4, "the words do not match the length");
  const std::span<const std::uint32_t> covered(bus.words.data(), bus.words.size() - 1);
  require(bus.words.back() == crc32c(covered), "the CRC is wrong");
  if (header.length() % 4 != 0) {
    require(bus.words[bus.words.size() - 2] >> 8 * (header.length() % 4) == 0,
            "the bytes behind the payload are not zero");
  }
}

void WireMonitor::check_answers(const Bus& bus, std::uint32_t answers) const {
  if (bus.touched || (forgiven_ >> bus.source & 1) != 0) return;
  for (unsigned node = 0; node < contract::max_nodes; ++node) {
    const auto answer = static_cast<contract::Answer>(answers >> 2 * node & 3);
    require((bus.words[0] >> node & 1) != 0 || answer == contract::Answer::none,
            "an answer from a node that was not addressed");
    require(answer != contract::Answer::corrupt, "a good packet was answered corrupt");
  }
}

}  // namespace xybus::bench
