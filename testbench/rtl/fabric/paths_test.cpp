// Paths: what a node thinks of each bus to each destination, and where its packets go.
#include <catch2/catch.hpp>

#include <fmt/core.h>

#include <map>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Answer;
using contract::PathState;
using contract::Register;
using contract::Route;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

constexpr auto data = TrafficClass::data;

/// Sends messages from node 0 to node 1, one after the other.
void send(FabricBench& bench, unsigned count, Route route = Route::any) {
  for (unsigned i = 0; i < count; ++i) {
    // No two alike: one that ends unreachable may have arrived, for all the scoreboard knows.
    Bytes payload(16);
    payload[0] = static_cast<std::uint8_t>(bench.board().posted_count());
    payload[1] = static_cast<std::uint8_t>(bench.board().posted_count() >> 8);
    bench.post(0, 0b10, data, payload, route);
    bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 60000, "a message is not done");
  }
}

std::uint64_t packets(FabricBench& bench) {
  return bench.monitor().packets(0) + bench.monitor().packets(1);
}

unsigned failures(FabricBench& bench, unsigned bus) {
  const Register reg = bus == 0 ? Register::path_x : Register::path_y;
  contract::PathXRegister path{bench.read(0, contract::element(reg, 1))};
  return path.failures();
}

unsigned points(FabricBench& bench, unsigned bus) {
  const Register reg = bus == 0 ? Register::path_x : Register::path_y;
  contract::PathXRegister path{bench.read(0, contract::element(reg, 1))};
  return path.points();
}

}  // namespace

TEST_CASE("a missing answer makes a path suspect, and the message moves to the other bus at once") {
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  const unsigned dead = GENERATE(0, 1);
  bench.faults().kill(dead);
  send(bench, 2);
  CHECK(bench.board().count(SendStatus::ok) == 2);
  CHECK(bench.path(0, dead, 1) == PathState::suspect);
  CHECK(bench.path(0, 1 - dead, 1) == PathState::up);
  CHECK(bench.path(0, dead, 2) == PathState::up);
  CHECK(bench.monitor().packets(dead) == 1);
  CHECK(failures(bench, dead) == 1);
  CHECK(points(bench, dead) == 8);
  CHECK(bench.read(0, dead == 0 ? Register::moved_x : Register::moved_y) == 1);
  CHECK(bench.read(0, dead == 0 ? Register::no_answer_x : Register::no_answer_y) == 1);
}

TEST_CASE("a suspect path is tried now and then, and is up again when the trial succeeds") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.faults().kill(0);
  send(bench, 2);
  CHECK(bench.path(0, 0, 1) == PathState::suspect);
  bench.faults().revive(0);
  send(bench, 16);
  CHECK(bench.path(0, 0, 1) == PathState::up);
  CHECK(points(bench, 0) == 0);
  CHECK(failures(bench, 0) == 1);
}

TEST_CASE("a trial that fails takes the path down, and then it is not used until it is restored") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.faults().kill(0);
  send(bench, 18);
  CHECK(bench.path(0, 0, 1) == PathState::down);
  CHECK(bench.read(0, Register::path_down_x) == 0b10);
  CHECK(bench.read(0, Register::path_down_y) == 0);
  CHECK(failures(bench, 0) == 2);
  bench.faults().revive(0);
  const std::uint64_t before = bench.monitor().packets(0);
  send(bench, 100);
  CHECK(bench.monitor().packets(0) == before);
  bench.write(0, Register::path_down_x, 0b01);  // another one
  CHECK(bench.path(0, 0, 1) == PathState::down);
  bench.write(0, Register::path_down_x, 0b10);
  CHECK(bench.path(0, 0, 1) == PathState::up);
  send(bench, 100);
  CHECK(bench.monitor().packets(0) > before + 40);
  CHECK(bench.board().count(SendStatus::ok) == 218);
}

TEST_CASE("a forced message probes a path that is down, and does not move") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.faults().kill(0);
  send(bench, 18);
  REQUIRE(bench.path(0, 0, 1) == PathState::down);
  const std::uint64_t on_y = bench.monitor().packets(1), on_x = bench.monitor().packets(0);
  send(bench, 1, Route::x);
  CHECK(bench.board().count(SendStatus::unreachable) == 1);
  CHECK(bench.monitor().packets(1) == on_y);
  CHECK(bench.monitor().packets(0) == on_x + 1);
  bench.faults().revive(0);
  send(bench, 1, Route::x);
  CHECK(bench.board().count(SendStatus::unreachable) == 1);
  CHECK(bench.monitor().packets(0) == on_x + 2);
  CHECK(bench.monitor().packets(1) == on_y);
  bench.finish();
}

TEST_CASE("forced messages keep to their bus, even when it fails and the other is up") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  const unsigned bus = GENERATE(0, 1);
  const Route route = bus == 0 ? Route::x : Route::y;
  send(bench, 20, route);
  CHECK(bench.monitor().packets(bus) == 20);
  CHECK(bench.monitor().packets(1 - bus) == 0);
  bench.faults().kill(bus);
  send(bench, 1, route);
  CHECK(bench.board().count(SendStatus::unreachable) == 1);
  CHECK(bench.path(0, bus, 1) == PathState::down);
  CHECK(bench.monitor().packets(bus) == 22);
  CHECK(bench.monitor().packets(1 - bus) == 0);
}

TEST_CASE("with both paths down a message is unreachable at once, without a packet") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  bench.faults().kill(0);
  bench.faults().kill(1);
  send(bench, 1);
  CHECK(bench.board().count(SendStatus::unreachable) == 1);
  CHECK(bench.path(0, 0, 1) == PathState::down);
  CHECK(bench.path(0, 1, 1) == PathState::down);
  CHECK(packets(bench) == 4);
  const std::uint64_t start = bench.cycle();
  send(bench, 5);
  CHECK(bench.cycle() - start < 5 * 60);
  CHECK(bench.board().count(SendStatus::unreachable) == 6);
  CHECK(packets(bench) == 4);
  // To itself it still gets through: its own paths are others.
  bench.faults().revive(0);
  bench.post(0, 0b01, data, Bytes(20));
  bench.finish();
  CHECK(bench.board().count(SendStatus::ok) == 1);
}

TEST_CASE("corrupt answers weigh less: eight make a path suspect, sixteen take it down") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {.flip = 1, .span = 3}, 1);
  bench.start();
  bench.post(0, 0b10, data, Bytes(16));
  bool suspect_seen = false;
  while (bench.cpu(0).unfinished() != 0) {
    const PathState x = bench.path(0, 0, 1);
    suspect_seen = suspect_seen || x == PathState::suspect;
    REQUIRE(bench.cycle() < 20000);
  }
  CHECK(suspect_seen);
  CHECK(bench.board().count(SendStatus::unreachable) == 1);
  // A flip of the destination makes a missing answer of it.
  CHECK(packets(bench) <= 32);
  CHECK(packets(bench) >= 16);
  CHECK(failures(bench, 0) + failures(bench, 1) == packets(bench));
}

TEST_CASE("a message ends after a bounded number of attempts, whatever answers repeat") {
  const auto pins = make_fabric(FabricKind::two_32);
  // Receivers that have room, and such that are full.
  const bool full = GENERATE(false, true);
  const CpuSetup setup{.slots = 1, .busy_limit = 6};
  FabricBench bench(*pins, setup, {}, 1);
  bench.start();
  using Fault = WireFaults::Fault;
  std::vector<Fault> pattern;
  unsigned attempt = 0;
  bench.faults().script = [&](unsigned, unsigned) {
    return pattern.empty() ? Fault::none : pattern[attempt++ % pattern.size()];
  };
  std::uint64_t most = 0;
  unsigned patterns = 0;
  for (unsigned length = 1; length <= 4; ++length) {
    for (unsigned code = 0; code < 1U << 2 * length; ++code) {
      if (full) {
        bench.cpu(1).hold(true);
        for (const Route route : {Route::x, Route::y}) {
          bench.post(0, 0b10, TrafficClass::control, Bytes(4), route);
        }
        bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 5000, "it is not full");
      }
      pattern.clear();
      for (unsigned i = 0; i < length; ++i) {
        pattern.push_back(static_cast<Fault>(code >> 2 * i & 3));
      }
      attempt = 0;
      const std::uint64_t before = packets(bench);
      bench.post(0, 0b10, data, Bytes(8, 1));
      bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 100000, "no end");
      most = std::max(most, packets(bench) - before);
      pattern.clear();
      bench.cpu(1).hold(false);
      bench.write(0, Register::path_down_x, 0b10);
      bench.write(0, Register::path_down_y, 0b10);
      bench.run(300);
      ++patterns;
    }
  }
  CHECK(patterns == 340);
  fmt::print("at most {} attempts, receiver {}\n", most, full ? "full" : "with room");
  // Fifteen corrupt answers may come before each busy one, on either bus.
  CHECK(most <= (6 + 1) * 2 * 16);
}

TEST_CASE("a message that ended unreachable never makes the next one look like its duplicate") {
  // A bulk message whose answer is lost waits for its bus again; a control message takes its lane
  // and brings the last path down meanwhile.
  for (unsigned gap = 0; gap < 160; gap += 4) {
    const auto pins = make_fabric(FabricKind::three_64);
    FabricBench bench(*pins, {.ring_size = 16}, {}, 1);
    bench.start();
    bool lossy = true;
    bench.faults().script = [&](unsigned bus, unsigned source) {
      if (source != 0 || !lossy) return WireFaults::Fault::none;
      return bus == 1 ? WireFaults::Fault::drop : WireFaults::Fault::answer_drop;
    };
    send(bench, 1, Route::y);
    REQUIRE(bench.path(0, 1, 1) == PathState::down);
    // Node 2 keeps bus X busy.
    bench.on_cycle = [&] {
      if (bench.cpu(2).can_post(data)) bench.post(2, 0b100, data, Bytes(256), Route::x);
    };
    bench.run(100);
    bench.post(0, 0b10, data, Bytes(64, 1));
    bench.run(gap);
    bench.post(0, 0b10, TrafficClass::control, Bytes(16, 2));
    bench.run_until([&] { return bench.cpu(0).unfinished() == 0; }, 20000, "no end");
    lossy = false;
    bench.write(0, Register::path_down_x, 0b10);
    bench.write(0, Register::path_down_y, 0b10);
    bench.post(0, 0b10, data, Bytes(80, 3));
    bench.post(0, 0b10, TrafficClass::control, Bytes(32, 4));
    bench.on_cycle = nullptr;
    bench.finish();
  }
}

TEST_CASE("both buses share the load of one node as of all") {
  const auto pins = make_fabric(FabricKind::five_32);
  const unsigned senders = GENERATE(1, 5);
  FabricBench bench(*pins, {.ring_size = 16, .event_size = 64, .slots = 8}, {}, 1);
  bench.start();
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    for (unsigned node = 0; node < senders; ++node) {
      if (bench.cpu(node).can_post(data)) {
        bench.post(node, 1U << random.below(5), data, Bytes(random.below(257)));
      }
    }
    bench.step();
  }
  const double x = static_cast<double>(bench.monitor().beats(0));
  const double y = static_cast<double>(bench.monitor().beats(1));
  CHECK(x / y > 0.9);
  CHECK(x / y < 1.1);
  // One sender waits, now and then, for the flow of its next message.
  CHECK(x > (senders == 1 ? 0.7 : 0.9) * 20000);
}

TEMPLATE_TEST_CASE("when a bus dies under load, its messages arrive by the other in time", "",
                   Two32, Five32) {
  // 4 packet times with two saturated nodes: the sender's own packet on the other bus ends, another
  // one is under way, one of the other node has moved too, and its own. With more nodes that have
  // moved, one each. For any but the first message the other bus is as full as it can be.
  const std::uint64_t seed = choose_seed(31);
  const auto pins = make_fabric(TestType::kind);
  const unsigned packet = pins->max_beats();
  constexpr unsigned rounds = 60;
  Random random(seed);
  std::uint64_t first_worst = 0, worst = 0;
  unsigned measured = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    const unsigned dead = random.below(2);
    FabricBench bench(*pins, {.ring_size = 16, .event_size = 64, .slots = 8}, {}, seed + round);
    bench.start();
    using Key = std::tuple<unsigned, unsigned, unsigned>;
    std::map<Key, std::uint64_t> unanswered;  // its last cycle
    Key first{};
    bool is_dead = false;
    bench.monitor().on_packet = [&](unsigned bus, const WireMonitor::Seen& seen) {
      const auto& header = seen.packet.header;
      const Key key{seen.source, header.dst_mask(), header.sequence_number()};
      if (is_dead && bus == dead && seen.answers.planes == 0) {
        if (first == Key{}) first = key;
        unanswered.try_emplace(key, seen.last);
      } else if (const auto found = unanswered.find(key); found != unanswered.end()) {
        const std::uint64_t time = seen.last - found->second;
        if (key == first) first_worst = std::max(first_worst, time);
        worst = std::max(worst, time);
        unanswered.erase(found);
        ++measured;
      }
    };
    const auto load = [&] {
      for (unsigned node = 0; node < bench.nodes(); ++node) {
        while (bench.cpu(node).can_post(data)) {
          bench.post(node, 1U << random.below(bench.nodes()), data,
                     random_bytes(random, contract::max_payload_bytes));
        }
      }
      bench.step();
    };
    const unsigned moment = 1000 + random.below(200);
    for (unsigned i = 0; i < moment; ++i) load();
    is_dead = true;
    bench.faults().kill(dead);
    for (int i = 0; i < 6000; ++i) load();
    bench.finish(60000);
    CHECK(unanswered.empty());
  }
  fmt::print("{} nodes saturated, {} deaths of a bus: from an unanswered packet to its delivery on "
             "the other at most {} cycles for the first, {} for any of {}\n",
             pins->nodes(), rounds, first_worst, worst, measured);
  CHECK(measured > 200);
  CHECK(first_worst > 0);
  CHECK(first_worst <= (pins->nodes() + 2) * packet);
  CHECK(worst <= 2 * pins->nodes() * packet);
}
