// Random traffic over whole fabrics, with every fault the fault points can make: exactly once, in
// order, byte for byte, and never a hang.
#include <catch2/catch.hpp>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

/// Every packet was delivered: no give-ups of any kind.
void require_all_delivered(FabricBench& bench) {
  CHECK(bench.board().count(SendStatus::ok) == bench.board().posted_count());
  CHECK(bench.board().delivered_count() == bench.board().posted_count());
}

/// When everything has met its fate, the fabric comes to rest.
void require_rest(FabricBench& bench) {
  bench.run_until([&] { return bench.now().idle; }, 5000, "the fabric is not idle");
}

}  // namespace

TEST_CASE("a packet of every length arrives on every node, self included, in both classes") {
  Fabric3 pins;
  FabricBench bench(pins, {}, {}, 1);
  bench.start();
  Random random(1);
  for (unsigned length = 0; length <= contract::max_payload_bytes; ++length) {
    const unsigned source = length % 3, destination = length / 3 % 3;
    for (const auto traffic_class : {TrafficClass::data, TrafficClass::control}) {
      bench.post(source, destination, traffic_class, random_bytes(random, length));
    }
    bench.run_until([&] { return bench.board().open() == 0; }, 2000, "a packet is not delivered");
  }
  bench.board().finish();
  require_all_delivered(bench);
  require_rest(bench);
}

TEMPLATE_TEST_CASE("random traffic arrives once, in order and unharmed, over both buses", "",
                   Fabric2, Fabric3, Fabric4) {
  const std::uint64_t seed = choose_seed(11);
  TestType pins;
  FabricBench bench(pins, {}, {}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = 500}, seed);
  traffic.run();
  require_all_delivered(bench);
  require_rest(bench);
  CHECK(bench.monitor().packets(0) > bench.board().posted_count() / 3);
  CHECK(bench.monitor().packets(1) > bench.board().posted_count() / 3);
}

TEMPLATE_TEST_CASE("random traffic survives bit errors, lost packets and lost answers", "", Fabric2,
                   Fabric3, Fabric4) {
  const std::uint64_t seed = choose_seed(12);
  TestType pins;
  // Limits so high that no path goes down.
  const CpuSetup setup{.retry_limits = 0xffff1000};
  FabricBench bench(pins, setup, {.flip = 6, .drop = 20, .cut = 20, .answer_drop = 12}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = 500}, seed);
  traffic.run();
  require_all_delivered(bench);
  require_rest(bench);
  CHECK(bench.faults().packets_hit() > 100);
}

TEMPLATE_TEST_CASE("slow CPUs with few slots and events hold senders off, and lose nothing", "",
                   Fabric2, Fabric3, Fabric4) {
  const std::uint64_t seed = choose_seed(13);
  const unsigned slots = GENERATE(1, 2);
  TestType pins;
  const CpuSetup setup{
      .ring_size = 16, .event_size = 8, .slots = slots, .retry_limits = 0xffff0000,
      .attention = 150};
  FabricBench bench(pins, setup, {.flip = 20, .drop = 40, .cut = 0, .answer_drop = 20}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = 250}, seed);
  traffic.run();
  require_all_delivered(bench);
  require_rest(bench);
  CHECK(bench.read(0, contract::Register::refused_x) > 0);
}

TEMPLATE_TEST_CASE("when a bus dies the other carries everything, and nothing is lost", "", Fabric2,
                   Fabric3, Fabric4) {
  const std::uint64_t seed = choose_seed(14);
  const unsigned dead = GENERATE(0, 1);
  TestType pins;
  FabricBench bench(pins, {}, {}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = 300}, seed);
  for (int i = 0; i < 2000; ++i) traffic.step();
  bench.faults().kill(dead);
  traffic.run();
  require_all_delivered(bench);
  require_rest(bench);
  const auto down = dead == 0 ? contract::Register::path_down_x : contract::Register::path_down_y;
  for (unsigned node = 0; node < bench.nodes(); ++node) {
    CHECK(bench.read(node, down) == (1U << bench.nodes()) - 1);
  }
}

TEST_CASE("a bus that comes back carries traffic again when the CPU raises its paths") {
  const std::uint64_t seed = choose_seed(15);
  Fabric4 pins;
  FabricBench bench(pins, {}, {}, seed);
  bench.start();
  bench.faults().kill(0);
  Traffic(bench, {.packets = 50}, seed).run();
  const std::uint64_t before = bench.monitor().packets(0);
  bench.faults().revive(0);
  Traffic(bench, {.packets = 50}, seed + 1).run();
  CHECK(bench.monitor().packets(0) == before);
  for (unsigned node = 0; node < 4; ++node) {
    bench.write(node, contract::Register::path_down_x, 0xf);
    CHECK(bench.read(node, contract::Register::path_down_x) == 0);
  }
  Traffic(bench, {.packets = 50}, seed + 2).run();
  CHECK(bench.monitor().packets(0) > before + 50);
  require_all_delivered(bench);
}

TEST_CASE("with both buses dead every packet ends unreachable, and after their return all arrive") {
  const std::uint64_t seed = choose_seed(16);
  Fabric4 pins;
  FabricBench bench(pins, {}, {}, seed);
  bench.start();
  bench.faults().kill(0);
  bench.faults().kill(1);
  Traffic(bench, {.packets = 50, .least_bytes = 16}, seed).run();
  CHECK(bench.board().count(SendStatus::unreachable) == 200);
  CHECK(bench.board().delivered_count() == 0);
  bench.faults().revive(0);
  bench.faults().revive(1);
  for (unsigned node = 0; node < 4; ++node) {
    bench.write(node, contract::Register::path_down_x, 0xf);
    bench.write(node, contract::Register::path_down_y, 0xf);
  }
  Traffic(bench, {.packets = 50, .least_bytes = 16}, seed + 1).run();
  CHECK(bench.board().count(SendStatus::ok) == 200);
  require_rest(bench);
}

TEMPLATE_TEST_CASE("packets to a halted node end unreachable, and the others do not suffer", "",
                   Fabric2, Fabric3, Fabric4) {
  const std::uint64_t seed = choose_seed(17);
  TestType pins;
  FabricBench bench(pins, {}, {}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = 300, .least_bytes = 16}, seed);
  for (int i = 0; i < 2000; ++i) traffic.step();
  const unsigned victim = bench.nodes() - 1;
  bench.halt(victim);
  traffic.stop(victim);
  traffic.run();
  CHECK(bench.board().count(SendStatus::unreachable) > 20);
  CHECK(bench.board().count(SendStatus::busy) == 0);
  CHECK(bench.read(0, contract::Register::path_down_x) == 1U << victim);
  CHECK(bench.read(0, contract::Register::path_down_y) == 1U << victim);
  require_rest(bench);
}

TEST_CASE("paths that fail for a time, on both buses, never make a duplicate or a gap") {
  const std::uint64_t seed = choose_seed(18);
  Fabric4 pins;
  FabricBench bench(pins, {.retry_limits = 0x03020010, .attention = 20},
                    {.flip = 5, .drop = 8, .cut = 8, .answer_drop = 8}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = 600, .least_bytes = 16}, seed);
  Random random(seed);
  while (!traffic.all_posted()) {
    for (int i = 0; i < 500; ++i) traffic.step();
    for (unsigned node = 0; node < 4; ++node) {
      bench.cpu(node).write(contract::Register::path_down_x, random.word());
      bench.cpu(node).write(contract::Register::path_down_y, random.word());
    }
  }
  traffic.run();
  CHECK(bench.board().count(SendStatus::ok) > 1000);
  CHECK(bench.board().count(SendStatus::unreachable) > 50);
  require_rest(bench);
}
