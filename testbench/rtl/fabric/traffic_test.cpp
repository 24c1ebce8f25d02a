// Random traffic of every kind over whole fabrics, with every fault the fault points can make:
// exactly once, in order, byte for byte, nothing else written, and never a hang.
#include <catch2/catch.hpp>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Register;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

/// Every message was delivered: no give-ups of any kind.
void require_all_delivered(FabricBench& bench) {
  CHECK(bench.board().count(SendStatus::ok) == bench.board().posted_count());
}

/// So that a test takes about as long whatever the number of nodes.
unsigned share(const FabricBench& bench, unsigned in_all) { return in_all / bench.nodes(); }

}  // namespace

TEMPLATE_TEST_CASE("a message of every length arrives on every node, self included, in both "
                   "classes", "", Two32, Three64) {
  const auto pins = make_fabric(TestType::kind);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  Random random(1);
  for (unsigned length = 0; length <= contract::max_payload_bytes; ++length) {
    const unsigned source = length % bench.nodes(), destination = length / 3 % bench.nodes();
    for (const auto traffic_class : {TrafficClass::data, TrafficClass::control}) {
      bench.post(source, 1U << destination, traffic_class, random_bytes(random, length));
    }
    bench.finish(2000);
  }
  require_all_delivered(bench);
  bench.require_rest();
}

TEMPLATE_TEST_CASE("random traffic arrives once, in order and unharmed, over both buses", "", Two32,
                   Three64, Five32, Sixteen32) {
  const std::uint64_t seed = choose_seed(11);
  const auto pins = make_fabric(TestType::kind);
  FabricBench bench(*pins, {}, {}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = share(bench, 4000), .multicast_odds = 5,
                          .transfers = {.count = share(bench, 600)}}, seed);
  traffic.run();
  require_all_delivered(bench);
  bench.require_rest();
  const auto packets = bench.monitor().packets(0) + bench.monitor().packets(1);
  CHECK(bench.monitor().packets(0) > packets / 3);
  CHECK(bench.monitor().packets(1) > packets / 3);
}

TEMPLATE_TEST_CASE("random traffic survives bit errors, lost packets and lost answers", "", Two32,
                   Three64, Five32, Sixteen32) {
  const std::uint64_t seed = choose_seed(12);
  const auto pins = make_fabric(TestType::kind);
  // Limits so high that no path goes down.
  FabricBench bench(*pins, {.paths = PathLimits::patient()},
                    {.flip = 6, .burst = 20, .drop = 20, .cut = 20, .answer_drop = 12}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = share(bench, 3000), .multicast_odds = 5,
                          .transfers = {.count = share(bench, 400)}}, seed);
  traffic.run();
  require_all_delivered(bench);
  bench.require_rest();
  CHECK(bench.faults().packets_hit() > 500);
}

TEMPLATE_TEST_CASE("slow CPUs with few slots and events hold senders off, and lose nothing", "",
                   Two32, Three64, Five32) {
  const std::uint64_t seed = choose_seed(13);
  const unsigned slots = GENERATE(1, 2);
  const auto pins = make_fabric(TestType::kind);
  const CpuSetup setup{.ring_size = 16, .event_size = 8, .slots = slots,
                       .paths = PathLimits::patient(), .attention = 150};
  FabricBench bench(*pins, setup, {.flip = 20, .drop = 40, .answer_drop = 20}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = share(bench, 600), .multicast_odds = 8,
                          .transfers = {.count = share(bench, 100)}}, seed);
  traffic.run();
  require_all_delivered(bench);
  bench.require_rest();
  CHECK(bench.count(0, Register::refused_x) > 0);
}

TEMPLATE_TEST_CASE("when a bus dies the other carries everything, and nothing is lost", "", Two32,
                   Three64, Five32, Sixteen32) {
  const std::uint64_t seed = choose_seed(14);
  const unsigned dead = GENERATE(0, 1);
  const auto pins = make_fabric(TestType::kind);
  FabricBench bench(*pins, {}, {}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = share(bench, 1500), .multicast_odds = 10,
                          .transfers = {.count = share(bench, 150)}}, seed);
  for (int i = 0; i < 2000; ++i) traffic.step();
  bench.faults().kill(dead);
  traffic.run();
  require_all_delivered(bench);
  bench.require_rest();
}

TEST_CASE("a bus that comes back carries traffic again when the CPU restores its paths") {
  const std::uint64_t seed = choose_seed(15);
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {}, {}, seed);
  bench.start();
  bench.faults().kill(0);
  // Until every path on it is down, that of trials included.
  for (unsigned round = 0; round < 20; ++round) {
    Traffic(bench, {.packets = 100}, seed + round).run();
    unsigned down = 0;
    for (unsigned node = 0; node < 5; ++node) {
      if (bench.read(node, Register::path_down_x) == 0x1f) ++down;
    }
    if (down == 5) break;
  }
  const std::uint64_t before = bench.monitor().packets(0);
  bench.faults().revive(0);
  Traffic(bench, {.packets = 50}, seed + 100).run();
  CHECK(bench.monitor().packets(0) == before);
  for (unsigned node = 0; node < 5; ++node) {
    bench.write(node, Register::path_down_x, 0x1f);
    CHECK(bench.read(node, Register::path_down_x) == 0);
    CHECK(bench.read(node, Register::path_state_x) == 0);
  }
  Traffic(bench, {.packets = 50}, seed + 101).run();
  CHECK(bench.monitor().packets(0) > before + 75);
  require_all_delivered(bench);
  bench.require_rest();
}

TEST_CASE("with both buses dead every message ends unreachable, and after their return all "
          "arrive") {
  const std::uint64_t seed = choose_seed(16);
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {}, {}, seed);
  bench.start();
  bench.faults().kill(0);
  bench.faults().kill(1);
  Traffic(bench, {.packets = 50, .least_bytes = 16, .multicast_odds = 4}, seed).run();
  CHECK(bench.board().count(SendStatus::unreachable) == 150);
  CHECK(bench.board().delivered_count() == 0);
  bench.faults().revive(0);
  bench.faults().revive(1);
  for (unsigned node = 0; node < 3; ++node) {
    bench.write(node, Register::path_down_x, 0x7);
    bench.write(node, Register::path_down_y, 0x7);
  }
  Traffic(bench, {.packets = 50, .least_bytes = 16, .multicast_odds = 4}, seed + 1).run();
  CHECK(bench.board().count(SendStatus::ok) == 150);
  bench.require_rest();
}

TEMPLATE_TEST_CASE("messages to a halted node end unreachable, and the others do not suffer", "",
                   Two32, Three64, Five32) {
  const std::uint64_t seed = choose_seed(17);
  const auto pins = make_fabric(TestType::kind);
  FabricBench bench(*pins, {}, {}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = share(bench, 1200), .least_bytes = 16, .multicast_odds = 5},
                  seed);
  for (int i = 0; i < 2000; ++i) traffic.step();
  const unsigned victim = bench.nodes() - 1;
  bench.halt(victim);
  traffic.stop(victim);
  traffic.run();
  CHECK(bench.board().count(SendStatus::unreachable) > 20);
  CHECK(bench.board().count(SendStatus::busy) == 0);
  CHECK(bench.read(0, Register::path_down_x) == 1U << victim);
  CHECK(bench.read(0, Register::path_down_y) == 1U << victim);
  bench.run_until([&] { return bench.now().idle; }, 5000, "the fabric is not idle");
}

TEST_CASE("paths that fail for a time, on both buses, never make a duplicate or a gap") {
  const std::uint64_t seed = choose_seed(18);
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.busy_limit = 16, .paths = {4, 2, 4, 10}, .attention = 20},
                    {.flip = 5, .drop = 8, .cut = 8, .answer_drop = 8}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = 400, .least_bytes = 16, .multicast_odds = 5,
                          .transfers = {.count = 30, .may_fail = true}}, seed);
  Random random(seed);
  while (!traffic.all_posted()) {
    for (int i = 0; i < 500; ++i) traffic.step();
    for (unsigned node = 0; node < 5; ++node) {
      bench.cpu(node).write(Register::path_down_x, random.word() & 0x1f);
      bench.cpu(node).write(Register::path_down_y, random.word() & 0x1f);
    }
  }
  traffic.run();
  CHECK(bench.board().count(SendStatus::ok) > 1000);
  CHECK(bench.board().count(SendStatus::unreachable) > 0);
  bench.require_rest();
}

TEST_CASE("of 100,000 packets with 1 to 5 bit errors or a burst of 32 bits none is accepted") {
  const std::uint64_t seed = choose_seed(23);
  const auto pins = make_fabric(FabricKind::two_32);
  // Two packets of three are hit; the monitor looks at the answer of each.
  FabricBench bench(*pins, {.ring_size = 16, .event_size = 64, .slots = 8,
                            .paths = PathLimits::patient()}, {}, seed);
  bench.start();
  Traffic traffic(bench, {.packets = ~0U, .most_bytes = 24, .post_odds = 1}, seed);
  bench.faults().set({.flip = 2, .burst = 3, .span = 8});
  while (bench.faults().packets_flipped() < 99500) traffic.step();
  // The last ones of full length.
  bench.faults().set({.flip = 2, .burst = 3, .span = 68});
  Traffic(bench, {.packets = 200, .least_bytes = 200, .post_odds = 1}, seed + 1).run();
  traffic.stop_all();
  traffic.run();
  CHECK(bench.faults().packets_flipped() >= 100000);
  require_all_delivered(bench);
  bench.require_rest();
}
