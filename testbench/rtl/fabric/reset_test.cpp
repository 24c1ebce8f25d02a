// Nodes that are disabled or halted in the middle of anything, and start again.
#include <catch2/catch.hpp>

#include <fmt/core.h>

#include <cstring>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Register;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

void require_restarts(FabricKind kind, unsigned restarts, std::uint64_t seed) {
  const auto pins = make_fabric(kind);
  FabricBench bench(*pins, {}, {}, seed);
  bench.start();
  Random random(seed);
  // Without end, until it is stopped.
  Traffic traffic(bench, {.packets = ~0U, .least_bytes = 16, .post_odds = 20, .multicast_odds = 6,
                          .transfers = {.count = ~0U, .odds = 300, .may_fail = true}}, seed);
  const Nodes all = pins->all_nodes();
  for (unsigned i = 0; i < restarts; ++i) {
    for (unsigned wait = 150 + random.below(600); wait > 0; --wait) traffic.step();
    const unsigned node = random.below(bench.nodes());
    bench.restart(node, random.once_in(2) ? 1 + random.below(50) : 0);
    while (!bench.is_up(node)) traffic.step();
    // Those who have lost it find it again.
    for (unsigned other = 0; other < bench.nodes(); ++other) {
      bench.cpu(other).write(Register::path_down_x, all);
      bench.cpu(other).write(Register::path_down_y, all);
    }
  }
  traffic.stop_all();
  traffic.run();
  bench.require_rest();
  fmt::print("{} restarts of {} nodes: {} messages posted, {} deliveries, {} transfers done, "
             "{} not done\n",
             restarts, bench.nodes(), bench.board().posted_count(),
             bench.board().delivered_count(), traffic.transfers().done_count(),
             traffic.transfers().failed_count());
  // All nodes can talk to all, in both classes and by both buses.
  for (unsigned node = 0; node < bench.nodes(); ++node) {
    for (const auto route : {contract::Route::x, contract::Route::y}) {
      for (const auto traffic_class : {TrafficClass::data, TrafficClass::control}) {
        const auto cookie = bench.post(node, all, traffic_class, random_bytes(random, 40), route);
        bench.finish();
        CHECK(bench.board().status(cookie) == SendStatus::ok);
      }
    }
  }
  bench.require_rest();
}

}  // namespace

TEST_CASE("a node restarted at 1,000 random moments under load comes back clean, and no peer "
          "suffers, with 64 bits") {
  require_restarts(FabricKind::three_64, 1000, choose_seed(71));
}

TEST_CASE("a node restarted at 1,000 random moments under load comes back clean, and no peer "
          "suffers, with 32 bits") {
  require_restarts(FabricKind::five_32, 1000, choose_seed(72));
}

TEST_CASE("an engine disabled in any cycle of a packet, and enabled again, starts afresh") {
  const auto pins = make_fabric(FabricKind::two_32);
  for (unsigned moment = 0; moment < 100; ++moment) {
    FabricBench bench(*pins, {}, {}, 1);
    bench.start();
    bench.post(0, 0b10, TrafficClass::control, Bytes(256, 1));
    bench.run(moment);
    bench.restart(0);
    bench.run_until([&] { return bench.is_up(0); }, 500, "it does not come back");
    CHECK(bench.read(0, Register::control_ring_head) == 0);
    CHECK(bench.read(0, Register::event_tail) == 0);
    const auto cookie = bench.post(0, 0b10, TrafficClass::control, Bytes(256, 2));
    bench.finish(600);
    CHECK(bench.board().status(cookie) == SendStatus::ok);
  }
}

TEST_CASE("a restarted node's first packet is no duplicate of its last, thanks to the epoch") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.post(0, 0b10, TrafficClass::control, Bytes(16, 1));
  bench.finish();
  bench.run(100);
  bench.restart(0);
  bench.run_until([&] { return bench.is_up(0); }, 500, "it does not come back");
  bench.post(0, 0b10, TrafficClass::control, {});
  bench.finish();
  CHECK(bench.board().delivered_count() == 2);
  CHECK(bench.count(1, Register::duplicate_x) == 0);
}

TEST_CASE("a node whose engine is disabled does not answer, and its RAM is not touched") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.write(1, Register::control, 0);
  bench.monitor().set(1, WireMonitor::Engine::silent, bench.cycle());
  bench.post(0, 0b10, TrafficClass::data, Bytes(64, 9));
  bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 5000, "the packet is not done");
  CHECK(bench.board().count(SendStatus::unreachable) == 1);
  bench.check_ram();
}

TEST_CASE("a halt disables the engine, and the node stays silent when it is over") {
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.inputs().halt = 0b010;
  bench.monitor().set(1, WireMonitor::Engine::silent, bench.cycle() + 8);
  bench.run(20);
  bench.inputs().halt = 0;
  bench.run(20);
  CHECK((bench.read(1, Register::control) & 1) == 0);
  const auto cookie = bench.post(0, 0b110, TrafficClass::data, Bytes(64, 9));
  bench.finish();
  CHECK(bench.board().missed(cookie) == 0b010);
  CHECK(bench.board().delivered_to(cookie) == 0b100);
}
