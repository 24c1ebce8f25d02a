// Faulty nodes: the buses contain them, and the others do not suffer.
#include <catch2/catch.hpp>

#include <fmt/core.h>

#include "rtl/bench/fabric_bench.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Offence;
using contract::Register;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

constexpr unsigned faulty = 2;

/// What the CPU of each node reads about both buses' guardians agrees with the offence outputs.
void require_logged(FabricBench& bench, Offence offence) {
  for (unsigned bus = 0; bus < 2; ++bus) {
    unsigned in_all = 0;
    for (unsigned kind = 1; kind < 4; ++kind) {
      in_all += bench.offences(bus, static_cast<Offence>(kind));
    }
    for (unsigned node = 0; node < bench.nodes(); ++node) {
      const contract::GuardianXRegister log{
          bench.read(node, bus == 0 ? Register::guardian_x : Register::guardian_y)};
      CHECK(log.offences() == std::min(in_all, 65535U));
      if (in_all == 0) continue;
      CHECK(log.offender() == faulty);
      CHECK(log.offence() == offence);
    }
  }
}

/// All nodes but the faulty one send each other messages; the cycles that takes.
std::uint64_t traffic_of_others(FabricBench& bench, unsigned messages, std::uint64_t seed) {
  Random random(seed);
  std::vector<unsigned> left(bench.nodes(), messages);
  left[faulty] = 0;
  const std::uint64_t start = bench.cycle();
  std::size_t to_post = messages * (bench.nodes() - 1);
  while (to_post != 0 || bench.board().open() != 0) {
    for (unsigned node = 0; node < bench.nodes(); ++node) {
      const auto traffic_class = static_cast<TrafficClass>(random.below(2));
      if (left[node] == 0 || !bench.cpu(node).can_post(traffic_class)) continue;
      unsigned destination = random.below(bench.nodes() - 1);
      if (destination >= faulty) ++destination;
      bench.post(node, 1U << destination, traffic_class,
                 random_bytes(random, 16 + random.below(241)));
      --left[node];
      --to_post;
    }
    for (int i = 0; i < 10; ++i) bench.step();
    if (bench.cycle() - start > 1000000) throw std::runtime_error("the others are held up");
  }
  bench.board().finish();
  return bench.cycle() - start;
}

/// The faulty node posts three messages of its own.
void post_own(FabricBench& bench, std::uint8_t content) {
  for (unsigned i = 0; i < 3; ++i) {
    bench.post(faulty, 1U << i, TrafficClass::data, Bytes(40 + i, content));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("a node that babbles costs the others time, and nothing else", "", Three64,
                   Five32) {
  const std::uint64_t seed = choose_seed(41);
  const auto pins = make_fabric(TestType::kind);
  FabricBench bench(*pins, {.ring_size = 16, .event_size = 64, .slots = 8}, {}, seed);
  bench.start();
  const std::uint64_t clean = traffic_of_others(bench, 300, seed);
  CHECK(bench.monitor().packets_of(faulty) == 0);
  bench.inputs().babble = 1U << faulty;
  const std::uint64_t disturbed = traffic_of_others(bench, 300, seed);
  fmt::print("{} nodes: {} cycles, with a babbling node {}\n", bench.nodes(), clean, disturbed);
  CHECK(bench.board().count(SendStatus::ok) == bench.board().posted_count());
  // It has its turn after every packet of another, and they have theirs.
  CHECK(bench.monitor().packets_of(faulty) > 100);
  CHECK(disturbed < clean * 2 * (bench.nodes() + 1));
  CHECK(bench.offences(0, Offence::too_long) + bench.offences(1, Offence::too_long) > 0);
  CHECK(bench.offences(0, Offence::forged_source) == 0);
  CHECK(bench.offences(0, Offence::not_silent) == 0);
  bench.inputs().babble = 0;
  bench.run(200);
  require_logged(bench, Offence::too_long);
  bench.run_until([&] { return bench.now().idle; }, 5000, "the fabric is not idle");
  bench.check_ram();
}

TEST_CASE("a node that sends under another's number is not heard") {
  const std::uint64_t seed = choose_seed(42);
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.ring_size = 16, .event_size = 64, .slots = 8}, {}, seed);
  bench.start();
  const std::uint64_t clean = traffic_of_others(bench, 200, seed);
  bench.inputs().forge = 1U << faulty;
  post_own(bench, 0x33);
  const std::uint64_t disturbed = traffic_of_others(bench, 200, seed);
  CHECK(disturbed < clean * 5 / 4);
  CHECK(bench.board().count(SendStatus::unreachable) == 3);
  CHECK(bench.board().count(SendStatus::ok) == bench.board().posted_count() - 3);
  // The monitor has seen nothing of it; see there. Every attempt is an offence.
  const unsigned x = bench.offences(0, Offence::forged_source);
  const unsigned y = bench.offences(1, Offence::forged_source);
  CHECK(x == bench.read(faulty, Register::sent_x));
  CHECK(y == bench.read(faulty, Register::sent_y));
  CHECK(x + y > 0);
  require_logged(bench, Offence::forged_source);
  // Cured, and restored, it is heard again.
  bench.inputs().forge = 0;
  bench.write(faulty, Register::path_down_x, 0x1f);
  bench.write(faulty, Register::path_down_y, 0x1f);
  post_own(bench, 0x44);
  bench.finish();
  CHECK(bench.board().count(SendStatus::unreachable) == 3);
  bench.require_rest();
}

TEST_CASE("a node that does not end its packet is cut off at the longest packet") {
  const std::uint64_t seed = choose_seed(43);
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.ring_size = 16, .event_size = 64, .slots = 8}, {}, seed);
  bench.start();
  const std::uint64_t clean = traffic_of_others(bench, 200, seed);
  bench.inputs().hold = 1U << faulty;
  post_own(bench, 0x33);
  const std::uint64_t disturbed = traffic_of_others(bench, 200, seed);
  CHECK(disturbed < clean * 5 / 4);
  CHECK(bench.board().count(SendStatus::unreachable) == 3);
  CHECK(bench.board().count(SendStatus::ok) == bench.board().posted_count() - 3);
  CHECK(bench.offences(0, Offence::too_long) + bench.offences(1, Offence::too_long) > 0);
  require_logged(bench, Offence::too_long);
  bench.inputs().hold = 0;
  bench.write(faulty, Register::path_down_x, 0x1f);
  bench.write(faulty, Register::path_down_y, 0x1f);
  post_own(bench, 0x44);
  bench.finish();
  CHECK(bench.board().count(SendStatus::unreachable) == 3);
  bench.require_rest();
}

TEST_CASE("a halted node that asks for the bus is reported, and nothing of it is heard") {
  const std::uint64_t seed = choose_seed(44);
  const auto pins = make_fabric(FabricKind::five_32);
  FabricBench bench(*pins, {.ring_size = 16, .event_size = 64, .slots = 8}, {}, seed);
  bench.start();
  const std::uint64_t clean = traffic_of_others(bench, 200, seed);
  bench.halt(faulty);
  bench.run(20);
  bench.inputs().babble = 1U << faulty;
  const std::uint64_t disturbed = traffic_of_others(bench, 200, seed);
  CHECK(disturbed < clean * 5 / 4);
  CHECK(bench.monitor().packets_of(faulty) == 0);
  CHECK(bench.board().count(SendStatus::ok) == bench.board().posted_count());
  for (unsigned bus = 0; bus < 2; ++bus) {
    CHECK(bench.offences(bus, Offence::not_silent) == 1);
    CHECK(bench.offences(bus, Offence::too_long) == 0);
    CHECK(bench.offences(bus, Offence::forged_source) == 0);
  }
  // The halted node's own CPU may not be asked; the others'.
  for (unsigned node : {0U, 1U, 3U, 4U}) {
    const contract::GuardianXRegister log{bench.read(node, Register::guardian_x)};
    CHECK(log.offences() == 1);
    CHECK(log.offender() == faulty);
    CHECK(log.offence() == Offence::not_silent);
  }
}
