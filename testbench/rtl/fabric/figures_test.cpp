// What the hardware costs in cycles, measured, and held to what is promised.
#include <catch2/catch.hpp>

#include <fmt/core.h>

#include <algorithm>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Route;
using contract::TrafficClass;

namespace {

constexpr CpuSetup generous{.ring_size = 16, .event_size = 64, .slots = 8};
constexpr auto data = TrafficClass::data, control = TrafficClass::control;

/// Payload of all that could have passed, on the worse of both buses, while these nodes send as
/// fast as they can to all nodes in turn, or to just one. From the end of one packet to that of
/// another, so that it does not depend on where the last one is cut.
double payload_efficiency(FabricKind kind, unsigned senders, unsigned bytes,
                          Route route = Route::any) {
  const auto pins = make_fabric(kind);
  FabricBench bench(*pins, generous, {}, 1);
  bench.start();
  struct Measured {
    std::uint64_t first = 0, last = 0, bytes = 0;
  };
  Measured measured[2];
  constexpr std::uint64_t warm = 3000, cycles = 20000;
  bench.monitor().on_packet = [&](unsigned bus, const WireMonitor::Seen& seen) {
    if (seen.last < warm || seen.answers.all(contract::Answer::accepted) == 0) return;
    Measured& m = measured[bus];
    m.first == 0 ? m.first = seen.last : m.bytes += seen.packet.payload.size();
    m.last = seen.last;
  };
  std::array<unsigned, 16> next{};
  while (bench.cycle() < warm + cycles) {
    for (unsigned node = 0; node < senders; ++node) {
      if (!bench.cpu(node).can_post(data)) continue;
      const unsigned destination = route == Route::any ? next[node]++ % bench.nodes() : 1;
      bench.post(node, 1U << destination, data, Bytes(bytes, static_cast<std::uint8_t>(node)),
                 route);
    }
    bench.step();
  }
  double worst = 1;
  for (const Measured& m : measured) {
    if (m.bytes == 0 && route != Route::any) continue;
    const double capacity = pins->data_width() / 8.0 * static_cast<double>(m.last - m.first);
    worst = std::min(worst, static_cast<double>(m.bytes) / capacity);
  }
  return worst;
}

}  // namespace

TEST_CASE("figures: 32 bytes take at most 32 cycles from doorbell to far interrupt") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  bench.run(100);
  const auto traffic_class = GENERATE(control, data);
  bench.post(0, 0b10, traffic_class, Bytes(32, 1));
  // The doorbell is on the pins in the next cycle; its edge ends that cycle.
  const std::uint64_t doorbell = bench.cycle() + 1;
  bench.run_until([&] { return (bench.now().irq & 2) != 0; }, 200, "no interrupt");
  const std::uint64_t latency = bench.cycle() - doorbell;
  fmt::print("32 bytes, class {}: {} cycles from doorbell to interrupt\n", name(traffic_class),
             latency);
  CHECK(latency <= 32);
}

TEST_CASE("figures: two senders and more fill both buses at once with 94 % of payload") {
  const FabricKind kind =
      GENERATE(FabricKind::two_32, FabricKind::five_32, FabricKind::sixteen_32);
  const unsigned senders = kind == FabricKind::two_32    ? 2
                           : kind == FabricKind::five_32 ? 4
                                                         : 16;
  const double efficiency = payload_efficiency(kind, senders, 256);
  fmt::print("256 bytes, {} senders, the worse bus: {:.4f} of {:.4f}\n", senders, efficiency,
             64.0 / 67);
  CHECK(efficiency >= 0.94);
}

TEST_CASE("figures: one sender to one receiver fills one bus with 90 % of payload") {
  const double efficiency = payload_efficiency(FabricKind::two_32, 1, 256, Route::x);
  fmt::print("256 bytes, one sender, one bus: {:.4f} of {:.4f}\n", efficiency, 64.0 / 67);
  CHECK(efficiency >= 0.90);
}

TEST_CASE("figures: packets of 32 bytes fill both buses with 70 % of payload") {
  const FabricKind kind = GENERATE(FabricKind::five_32, FabricKind::sixteen_32);
  const unsigned senders = kind == FabricKind::five_32 ? 5 : 16;
  const double efficiency = payload_efficiency(kind, senders, 32);
  fmt::print("32 bytes, {} senders, the worse bus: {:.4f} of {:.4f}\n", senders, efficiency,
             8.0 / 11);
  CHECK(efficiency >= 0.70);
}

TEST_CASE("figures: sixteen senders that saturate the buses get equal shares") {
  const auto pins = make_fabric(FabricKind::sixteen_32);
  FabricBench bench(*pins, generous, {}, 1);
  bench.start();
  Random random(1);
  constexpr std::uint64_t cycles = 100000;
  const std::uint64_t end = bench.cycle() + cycles;
  while (bench.cycle() < end) {
    for (unsigned node = 0; node < 16; ++node) {
      if (!bench.cpu(node).can_post(data)) continue;
      bench.post(node, 1U << random.below(16), data, Bytes(256, static_cast<uint8_t>(node)));
    }
    bench.step();
  }
  double sum = 0, squares = 0;
  for (unsigned node = 0; node < 16; ++node) {
    const auto share = static_cast<double>(bench.board().delivered_from(node));
    sum += share;
    squares += share * share;
  }
  const double jain = sum * sum / (16 * squares);
  fmt::print("fairness of 16 senders over {} cycles: {:.5f}\n", cycles, jain);
  CHECK(sum > 2 * 0.9 * cycles / 67);
  CHECK(jain >= 0.99);
}

TEST_CASE("figures: control waits at most for a bulk packet and a control packet of each other") {
  // All nodes but some saturate the buses with bulk. Each of those sends a control packet now and
  // then: what it takes until its first word is on the bus, against an idle fabric.
  const auto pins = make_fabric(FabricKind::sixteen_32);
  const unsigned quiet_nodes = GENERATE(1u, 8u);
  constexpr unsigned bytes = 32, control_beats = 2 + bytes / 4 + 1, bulk_beats = 67;
  FabricBench bench(*pins, generous, {}, 1);
  bench.start();
  std::array<std::uint64_t, 16> rung{};
  std::uint64_t worst = 0, least = ~0ULL;
  unsigned measured = 0;
  bench.monitor().on_packet = [&](unsigned, const WireMonitor::Seen& seen) {
    if (seen.packet.header.traffic_class() != control) return;
    const std::uint64_t wait = seen.first - rung[seen.source];
    worst = std::max(worst, wait);
    least = std::min(least, wait);
    ++measured;
  };
  Random random(1);
  for (std::uint64_t i = 0; i < 60000; ++i) {
    for (unsigned node = 0; node < 16; ++node) {
      const bool quiet = node < quiet_nodes;
      if (!quiet && bench.cpu(node).can_post(data)) {
        bench.post(node, 1U << random.below(16), data, Bytes(256, 1));
      }
      // The first ones on the idle fabric.
      const bool due = i < 300 ? i % 100 == 0 && node == 0 : random.once_in(300);
      if (quiet && due && bench.cpu(node).unfinished() == 0) {
        bench.post(node, 1U << random.below(16), control, Bytes(bytes, 2));
        rung[node] = bench.cycle() + 1;
      }
    }
    bench.step();
  }
  const std::uint64_t bound = least + bulk_beats + (quiet_nodes - 1) * control_beats;
  fmt::print("control of {} nodes under bulk of {}: {} packets, first word after {} to {} cycles; "
             "bound {}\n",
             quiet_nodes, 16 - quiet_nodes, measured, least, worst, bound);
  CHECK(measured > 100);
  CHECK(worst <= bound);
}

TEST_CASE("figures: control is not held up by bulk of its own node") {
  // All nodes saturate the buses with bulk and send a control packet now and then.
  const auto pins = make_fabric(FabricKind::sixteen_32);
  constexpr unsigned bytes = 32, control_beats = 2 + bytes / 4 + 1, bulk_beats = 67;
  FabricBench bench(*pins, generous, {}, 1);
  bench.start();
  std::array<std::uint64_t, 16> rung{};
  std::uint64_t worst = 0, sum = 0;
  unsigned measured = 0;
  bench.monitor().on_packet = [&](unsigned, const WireMonitor::Seen& seen) {
    if (seen.packet.header.traffic_class() != control) return;
    worst = std::max(worst, seen.first - rung[seen.source]);
    sum += seen.first - rung[seen.source];
    ++measured;
  };
  Random random(1);
  for (std::uint64_t i = 0; i < 60000; ++i) {
    for (unsigned node = 0; node < 16; ++node) {
      if (bench.cpu(node).can_post(data)) {
        bench.post(node, 1U << random.below(16), data, Bytes(256, 1));
      }
      if (random.once_in(1000) && rung[node] + 3000 < i && bench.cpu(node).can_post(control)) {
        bench.post(node, 1U << random.below(16), control, Bytes(bytes, 2));
        rung[node] = bench.cycle() + 1;
      }
    }
    bench.step();
  }
  constexpr unsigned overhead = 20;
  fmt::print("control of 16 nodes under their own bulk: {} packets, first word after {:.0f} "
             "cycles, at most {}\n",
             measured, static_cast<double>(sum) / measured, worst);
  CHECK(measured > 100);
  CHECK(worst <= overhead + bulk_beats + 15 * control_beats);
}
