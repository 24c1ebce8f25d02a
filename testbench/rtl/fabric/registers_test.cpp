// What a CPU sees at its port: registers, and node RAM.
#include <catch2/catch.hpp>

#include <cstring>

#include "rtl/bench/fabric_bench.h"
#include "rtl/bench/fabric_model.h"
#include "rtl/bench/rule_capture.h"
#include "rtl/fabric/fabrics.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Register;

namespace {

constexpr std::uint32_t ram = 1U << contract::ram_address_bit;

bool is_index(Register reg) {
  return reg == Register::event_head || reg == Register::control_ring_tail ||
         reg == Register::data_ring_tail || reg == Register::receive_x_head ||
         reg == Register::receive_y_head;
}

bool is_window(Register reg) {
  return reg == Register::window_base || reg == Register::window_length ||
         reg == Register::window_control;
}

}  // namespace

TEST_CASE("each register has its reset value, and only the writable ones can be written") {
  const auto pins = make_fabric(FabricKind::three_64);
  FabricBench bench(*pins, {}, {}, 1);
  for (const auto& [first, reset, writable, count] : contract::registers) {
    for (unsigned i = 0; i < count; ++i) {
      const Register reg = contract::element(first, i);
      INFO(name(first) << " " << i);
      // The identity is no state.
      const std::uint32_t expected =
          reg == Register::id ? 1U | 3U << 8 | contract::version << 16 : reset;
      CHECK(bench.read(1, reg) == expected);
    }
  }
  for (const auto& [first, reset, writable, count] : contract::registers) {
    // Indices are held at 0 while the engine is disabled; see the next test. Of a path register,
    // ones restore paths, and windows cannot be read: there is nothing to read back.
    const bool path = first == Register::path_down_x || first == Register::path_down_y;
    if (first == Register::control || is_index(first) || path || is_window(first)) continue;
    for (unsigned i = 0; i < count; ++i) {
      const Register reg = contract::element(first, i);
      INFO(name(first) << " " << i);
      const std::uint32_t before = bench.read(1, reg);
      const bool fields = reg == Register::path_limits || reg == Register::coalescing;
      const std::uint32_t value = fields ? 0x12345678 : 0x4000;
      bench.write(1, reg, value);
      CHECK(bench.read(1, reg) == (writable ? value : before));
    }
  }
  bench.write(1, Register::control, 0xf2);
  CHECK(bench.read(1, Register::control) == 0xf2);
}

TEST_CASE("indices keep what is written while the engine is enabled, and only then") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  const Register heads[] = {Register::receive_x_head, Register::receive_y_head};
  for (const Register reg : heads) {
    bench.write(0, reg, 0x12345);
    CHECK(bench.read(0, reg) == 0x2345);  // 16 bits
  }
  bench.write(0, Register::control, 0);
  for (const Register reg : heads) {
    CHECK(bench.read(0, reg) == 0);
    bench.write(0, reg, 5);
    CHECK(bench.read(0, reg) == 0);
  }
}

TEST_CASE("where there is no register a read gives 0 and a write does nothing") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  for (const std::uint32_t offset : {0x07cu, 0x108u, 0x13cu, 0x1c0u, 0x204u, 0x3fcu, 0x40cu, 0x5fcu,
                                     0x600u, 0x810u, 0xc00u, 0xffcu}) {
    INFO(offset);
    bench.write_address(0, offset, 0xffffffff);
    CHECK(bench.read_address(0, offset) == 0);
  }
  CHECK(bench.read(0, Register::control) == 3);
}

TEST_CASE("the CPU's port reads and writes single words of node RAM, as they lie there") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {}, {}, 1);
  bench.start();
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    const std::uint32_t address = 4 * random.below(fabric_ram_bytes / 4);
    const std::uint32_t value = random.word();
    bench.write_address(1, ram | address, value);
    std::uint32_t there = 0;
    std::memcpy(&there, pins->ram(1).data() + address, 4);
    CHECK(there == value);
    CHECK(bench.read_address(1, ram | address) == value);
  }
  bench.check_ram();
  // Past the end it wraps around.
  CHECK(bench.read_address(1, ram | fabric_ram_bytes | 0x40) ==
        bench.read_address(1, ram | 0x40));
}

TEST_CASE("the CPU gets its turn at node RAM while both lanes send and receive") {
  const auto pins = make_fabric(FabricKind::two_32);
  FabricBench bench(*pins, {.ring_size = 16, .slots = 8}, {}, 3);
  bench.start();
  constexpr std::uint32_t spare = 0x1f00;
  Traffic traffic(bench, {.packets = 200, .least_bytes = 200, .post_odds = 1}, 3);
  unsigned accesses = 0;
  while (!traffic.all_posted()) {
    traffic.step();
    if (!bench.cpu(0).quiet()) continue;
    bench.cpu(0).access(true, ram | spare, accesses, {});
    bench.cpu(0).access(false, ram | spare, 0, [&, written = accesses](std::uint32_t value) {
      CHECK(value == written);
    });
    ++accesses;
  }
  traffic.run();
  CHECK(accesses > 200);
  bench.require_rest();
}

TEST_CASE("a second access while one is under way breaks a rule") {
  const auto pins = make_fabric(FabricKind::two_32);
  pins->reset();
  FabricInputs inputs;
  inputs.cpu[0] = {true, false, ram, 0};
  CHECK_THAT(broken_rule([&] {
               for (int i = 0; i < 3; ++i) pins->tick(inputs);
             }),
             Catch::Matchers::Contains("OneAccessAtATime"));
}
