// How close the buses come to what they can do. Everything here is counted in cycles of the RTL, 16
// nodes, 32-bit buses: the figures are the same on every machine.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "bench/bench.h"
#include "bench/rig.h"

namespace xybus {

namespace {

using contract::Answer;
using contract::BusId;
using contract::Route;
using contract::TrafficClass;

constexpr std::array both{BusId::x, BusId::y};
constexpr std::uint64_t warm_up_cycles = 5'000;
constexpr std::uint64_t measured_cycles = 50'000;
constexpr std::uint32_t large = contract::max_payload_bytes;
constexpr std::uint32_t small = 32;

/// Cycles that a message packet is on the wires.
constexpr unsigned wire_cycles(std::uint32_t bytes) {
  return contract::header_words + (bytes + contract::word_bytes - 1) / contract::word_bytes +
         contract::crc_words;
}

/// The longest packet is a write of the largest payload.
constexpr unsigned longest_packet = wire_cycles(large) + contract::window_words;

std::vector<unsigned> others(unsigned node, unsigned count, unsigned nodes) {
  std::vector<unsigned> list;
  for (unsigned i = 1; i <= count; ++i) list.push_back((node + i) % nodes);
  return list;
}

/// Accepted payload of what ends on a bus in some cycles, by sender.
class PayloadMeter {
 public:
  void add(const BusPacket& packet) {
    if (packet.cut || packet.answers.accepted == 0) return;
    const contract::PacketHeader header{{packet.words[0], packet.words[1]}};
    bytes_[static_cast<std::size_t>(packet.bus)][packet.source] += header.length();
  }
  std::uint64_t bytes(BusId bus) const {
    const auto& its = bytes_[static_cast<std::size_t>(bus)];
    return std::accumulate(its.begin(), its.end(), std::uint64_t{0});
  }
  std::uint64_t bytes_from(unsigned source) const { return bytes_[0][source] + bytes_[1][source]; }

 private:
  std::array<std::array<std::uint64_t, contract::max_nodes>, 2> bytes_{};
};

PayloadMeter measure_payload(Rig& rig, std::uint64_t cycles) {
  PayloadMeter meter;
  rig.run(warm_up_cycles);
  rig.on_packet = [&](const BusPacket& packet) { meter.add(packet); };
  rig.run(cycles);
  rig.on_packet = nullptr;
  return meter;
}

double efficiency(std::uint64_t bytes, std::uint64_t cycles) {
  return 100.0 * static_cast<double>(bytes) / static_cast<double>(cycles * contract::word_bytes);
}

/// Payload to all that a bus can carry, of packets that follow each other without a gap:
/// 64 of 67 words with 256 bytes, 8 of 11 with 32.
double packed_limit(std::uint32_t bytes) { return efficiency(bytes, wire_cycles(bytes)); }

// ---- Efficiency -------------------------------------------------------------------------------

/// The first `senders` nodes saturate both buses; the worse one counts.
BenchRow saturated(unsigned senders, std::uint32_t bytes, double required) {
  Rig rig;
  // More than two destinations each: one flow has one packet under way.
  for (unsigned i = 0; i < senders; ++i) {
    rig.player(i).keep_sending({.destinations = others(i, 5, rig.nodes()), .bytes = bytes});
  }
  const PayloadMeter meter = measure_payload(rig, measured_cycles);
  const std::uint64_t worse = std::min(meter.bytes(BusId::x), meter.bytes(BusId::y));
  const auto name = fmt::format("payload, {} B, {} senders, worse bus of both", bytes, senders);
  return BenchRow{.name = name,
                  .value = efficiency(worse, measured_cycles),
                  .unit = "%",
                  .limit = packed_limit(bytes)}
      .at_least(required);
}

/// One sender to one receiver by one bus. A flow waits for the answer of its packet before the next
/// one: behind the last word come the cycles to the answer slot, one to look at it and one to ask
/// for the bus.
BenchRow one_to_one() {
  constexpr unsigned turn = contract::answer_delay + 2;
  Rig rig;
  rig.player(0).keep_sending({.destinations = {1}, .route = Route::x});
  const PayloadMeter meter = measure_payload(rig, measured_cycles);
  return BenchRow{.name = "payload, 256 B, one sender to one receiver, one bus",
                  .value = efficiency(meter.bytes(BusId::x), measured_cycles),
                  .unit = "%",
                  .limit = efficiency(large, wire_cycles(large) + turn)}
      .at_least(90);
}

// ---- Latency ----------------------------------------------------------------------------------

/// From the doorbell's write at the pins of one node to the interrupt at those of another, the
/// worst of many on idle buses. It cannot take less than the packet's own time on the wires.
BenchRow latency() {
  constexpr unsigned trials = 64;
  Rig rig;
  std::uint64_t worst = 0;
  for (unsigned i = 0; i < trials; ++i) {
    const unsigned from = i % rig.nodes();
    const unsigned to = (from + 1 + i / rig.nodes()) % rig.nodes();
    rig.run_until_quiet();
    rig.run(20 + i);
    rig.player(from).post(TrafficClass::control, to, small);
    while ((rig.pins().interrupts() >> to & 1) == 0) rig.step();
    worst = std::max(worst,
                     rig.cycle() - rig.player(from).doorbell_cycle(TrafficClass::control));
  }
  return BenchRow{.name = "latency, 32 B, doorbell write to far interrupt",
                  .value = static_cast<double>(worst),
                  .unit = "cycles",
                  .limit = wire_cycles(small)}
      .at_most(32);
}

// ---- Fairness ---------------------------------------------------------------------------------

/// Jain's index of what 16 saturating senders get: 1 when all get the same, 1/16 when one gets all.
BenchRow fairness() {
  constexpr std::uint64_t cycles = 100'000;
  Rig rig;
  for (unsigned i = 0; i < rig.nodes(); ++i) {
    rig.player(i).keep_sending({.destinations = others(i, rig.nodes() - 1, rig.nodes())});
  }
  const PayloadMeter meter = measure_payload(rig, cycles);
  double sum = 0;
  double squares = 0;
  for (unsigned i = 0; i < rig.nodes(); ++i) {
    const auto bytes = static_cast<double>(meter.bytes_from(i));
    sum += bytes;
    squares += bytes * bytes;
  }
  return BenchRow{.name = "fairness of 16 senders, Jain index",
                  .value = sum * sum / (rig.nodes() * squares),
                  .unit = "",
                  .limit = 1}
      .at_least(0.99);
}

// ---- Waiting ----------------------------------------------------------------------------------

/// Cycles from a control packet's doorbell to its first word, the worst of many rounds in which
/// `talkers` post one at the same time.
std::uint64_t worst_start(Rig& rig, const std::vector<unsigned>& talkers, unsigned rounds) {
  std::uint64_t worst = 0;
  std::uint32_t waiting = 0;
  // The packet itself, not what else that node has on the wires, is known by its class.
  rig.on_packet = [&](const BusPacket& packet) {
    if (packet.cut) return;
    const contract::PacketHeader header{{packet.words[0], packet.words[1]}};
    if (header.traffic_class() != TrafficClass::control) return;
    waiting &= ~(1U << packet.source);
    const std::uint64_t rung =
        rig.player(packet.source).doorbell_cycle(TrafficClass::control);
    worst = std::max(worst, packet.start_cycle - rung);
  };
  for (unsigned round = 0; round < rounds; ++round) {
    rig.run(500 + round);  // any phase against the bulk packets
    for (const unsigned talker : talkers) {
      rig.player(talker).post(TrafficClass::control, (talker + 1) % rig.nodes(), small);
      waiting |= 1U << talker;
    }
    for (unsigned i = 0; waiting != 0; ++i) {
      if (i == 100'000) throw std::runtime_error("a control packet is not sent");
      rig.step();
    }
  }
  rig.on_packet = nullptr;
  return worst;
}

/// Half of the nodes saturate both buses with bulk; the others have control packets to send, all at
/// the same time. What they wait beyond what they take on idle buses is for others: at most one
/// bulk packet and one control packet of each other node.
BenchRow control_wait() {
  constexpr unsigned rounds = 200;
  std::vector<unsigned> talkers;
  Rig rig;
  for (unsigned i = 1; i < rig.nodes(); i += 2) talkers.push_back(i);
  const std::uint64_t alone = worst_start(rig, {talkers.front()}, rounds / 10);
  for (unsigned i = 0; i < rig.nodes(); i += 2) {
    rig.player(i).keep_sending({.destinations = others(i, rig.nodes() - 1, rig.nodes())});
  }
  rig.run(warm_up_cycles);
  const std::uint64_t loaded = worst_start(rig, talkers, rounds);
  const double bound = wire_cycles(large) + (rig.nodes() - 1) * wire_cycles(small);
  return BenchRow{.name = "wait of a control packet under bulk load, worst",
                  .value = static_cast<double>(loaded - std::min(alone, loaded)),
                  .unit = "cycles",
                  .limit = bound}
      .at_most(bound);
}

/// The same from nodes that also saturate with bulk: their lanes may hold bulk packets that wait.
BenchRow control_wait_behind_own() {
  constexpr unsigned rounds = 100;
  std::vector<unsigned> talkers(contract::max_nodes);
  std::iota(talkers.begin(), talkers.end(), 0U);
  Rig rig;
  const std::uint64_t alone = worst_start(rig, {talkers.front()}, rounds / 10);
  for (unsigned i = 0; i < rig.nodes(); ++i) {
    rig.player(i).keep_sending({.destinations = others(i, rig.nodes() - 1, rig.nodes())});
  }
  rig.run(warm_up_cycles);
  const std::uint64_t loaded = worst_start(rig, talkers, rounds);
  const double bound = wire_cycles(large) + (rig.nodes() - 1) * wire_cycles(small);
  return BenchRow{.name = "the same, from nodes with bulk of their own",
                  .value = static_cast<double>(loaded - std::min(alone, loaded)),
                  .unit = "cycles",
                  .limit = bound}
      .at_most(bound);
}

// ---- Failover ---------------------------------------------------------------------------------

/// Follows packets that one bus leaves unanswered to their good answer on the other.
class FailoverMeter {
 public:
  explicit FailoverMeter(BusId dead) : dead_(dead) {}

  /// Takes note of new ones no longer.
  void close() { open_ = false; }

  void add(const BusPacket& packet) {
    if (packet.cut) return;
    const Key key{packet.source, {packet.words[0], packet.words[1]}};
    if (packet.bus == dead_) {
      if (!open_ || packet.answers.any() != 0) return;
      if (!first_) first_ = key;
      unanswered_.emplace(key, packet.answer_cycle);
      return;
    }
    const auto found = unanswered_.find(key);
    if (found == unanswered_.end() || packet.answers.accepted == 0) return;
    const std::uint64_t taken = packet.answer_cycle - found->second;
    if (key == first_) first_taken_ = taken;
    worst_ = std::max(worst_, taken);
    unanswered_.erase(found);
    ++moved_;
  }

  /// Of the first packet that was left unanswered, and of all of them the worst.
  struct Figures {
    std::uint64_t first = 0;
    std::uint64_t worst = 0;
  };

  /// Throws when nothing has moved, or something has not come through.
  Figures figures() const {
    if (moved_ != 0 && unanswered_.empty()) return {first_taken_, worst_};
    throw std::runtime_error(fmt::format("failover: {} packets came through, {} did not", moved_,
                                         unanswered_.size()));
  }

 private:
  struct Key {
    unsigned source;
    std::array<std::uint32_t, contract::header_words> header;
    auto operator<=>(const Key&) const = default;
  };
  BusId dead_;
  bool open_ = true;
  std::map<Key, std::uint64_t> unanswered_;  // answer slot of the first attempt without one
  std::optional<Key> first_;
  std::uint64_t first_taken_ = 0;
  std::uint64_t worst_ = 0;
  std::uint64_t moved_ = 0;
};

/// All nodes saturate both buses, and one bus dies, in several moments of a packet. The time from
/// the answer slot that stays empty to the good answer to the same packet on the other bus: of the
/// first such packet, which is to be no more than that of four packets; and of all those behind it,
/// which share the other bus. It cannot take less than the packet's own time there.
BenchRows failover(BusId dead) {
  constexpr unsigned trials = 12;
  constexpr std::uint64_t watched_cycles = 4'000;
  FailoverMeter::Figures figures;
  for (unsigned trial = 0; trial < trials; ++trial) {
    Rig rig;
    for (unsigned i = 0; i < rig.nodes(); ++i) {
      rig.player(i).keep_sending({.destinations = others(i, rig.nodes() - 1, rig.nodes())});
    }
    rig.run(warm_up_cycles / 2 + trial * (1 + wire_cycles(large) / trials));
    FailoverMeter meter(dead);
    rig.on_packet = [&](const BusPacket& packet) { meter.add(packet); };
    rig.pins().set_bus_down(dead, true);
    rig.run(watched_cycles);
    meter.close();
    rig.run(watched_cycles);
    figures.first = std::max(figures.first, meter.figures().first);
    figures.worst = std::max(figures.worst, meter.figures().worst);
  }
  const double least = wire_cycles(large) + contract::answer_delay;
  const std::string name = fmt::format("bus {} dies: ", contract::name(dead));
  return {BenchRow{.name = name + "first packet unanswered to delivered",
                   .value = static_cast<double>(figures.first),
                   .unit = "cycles",
                   .limit = least}
              .at_most(4.0 * wire_cycles(large)),
          {.name = name + "the worst of all behind it",
           .value = static_cast<double>(figures.worst),
           .unit = "cycles",
           .limit = least}};
}

}  // namespace

BenchRows bench_bus() {
  BenchRows rows{saturated(2, large, 94),  saturated(16, large, 94), one_to_one(),
                 saturated(16, small, 70), latency(),                fairness(),
                 control_wait(),           control_wait_behind_own()};
  for (const BusId bus : both) {
    for (const BenchRow& row : failover(bus)) rows.push_back(row);
  }
  return rows;
}

}  // namespace xybus
