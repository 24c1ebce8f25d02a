// What the hardware costs in cycles, measured, and held to bounds.
#include <catch2/catch.hpp>

#include <fmt/core.h>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::TrafficClass;

namespace {

/// Payload words of all words that could have passed on one bus, while these nodes send as fast as
/// they can to the last one, 256 bytes a packet. The other bus is dead.
double payload_efficiency(unsigned senders) {
  Fabric3 pins;
  FabricBench bench(pins, {.ring_size = 16, .event_size = 64, .slots = 8}, {}, 1);
  bench.start();
  bench.faults().kill(1);
  const auto post = [&] {
    for (unsigned node = 0; node < senders; ++node) {
      if (bench.cpu(node).can_post(TrafficClass::data)) {
        bench.post(node, 2, TrafficClass::data, Bytes(256, 0x55));
      }
    }
    bench.step();
  };
  for (int i = 0; i < 5000; ++i) post();
  const std::uint64_t start = bench.cycle();
  const std::size_t delivered = bench.board().delivered_count();
  for (int i = 0; i < 20000; ++i) post();
  const double words = 64.0 * static_cast<double>(bench.board().delivered_count() - delivered);
  return words / static_cast<double>(bench.cycle() - start);
}

}  // namespace

TEST_CASE("figures: a packet of 32 bytes takes its words and a handful of cycles on an idle bus") {
  Fabric2 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  bench.cpu(1).hold(true);
  bench.run(100);
  const auto traffic_class = GENERATE(TrafficClass::control, TrafficClass::data);
  bench.post(0, 1, traffic_class, Bytes(32, 1));
  // The doorbell is on the pins in the next cycle; its edge ends that cycle.
  const std::uint64_t doorbell = bench.cycle() + 1;
  bench.run_until([&] { return (bench.now().irq & 2) != 0; }, 200, "no interrupt");
  const std::uint64_t latency = bench.cycle() - doorbell;
  fmt::print("32 bytes, class {}: {} cycles from doorbell to interrupt\n", name(traffic_class),
             latency);
  CHECK(latency <= 11 + 12);
}

TEST_CASE("figures: one sender fills nine tenths of a bus with payload, two nearly all of it") {
  const double one = payload_efficiency(1), two = payload_efficiency(2);
  fmt::print("payload efficiency with 256 bytes: one sender {:.4f}, two {:.4f}\n", one, two);
  CHECK(one > 0.90);
  CHECK(two > 0.95);
}
