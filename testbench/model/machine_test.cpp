// Running, stopping, calling back, failing.
#include <verilated.h>

#include <catch2/catch.hpp>
#include <vector>

#include "engine.h"
#include "model/machine.h"
#include "test_config.h"

namespace {

using namespace xybus;
using contract::Register;
using test::Engine;

std::vector<std::byte> bytes(unsigned count) {
  return std::vector<std::byte>(count, std::byte{0x5a});
}

unsigned nodes_built(unsigned cpus) {
  FabricConfig config = test::config();
  config.nodes = cpus;
  Machine machine{config};
  unsigned nodes = 0;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    nodes = contract::IdRegister{hal.read(Register::id)}.nodes();
  });
  machine.run(100);
  return nodes;
}

}  // namespace

TEST_CASE("a machine of 2 CPUs uses the model of 4 nodes") { CHECK(nodes_built(2) == 4); }
TEST_CASE("a machine of 4 CPUs uses the model of 4 nodes") { CHECK(nodes_built(4) == 4); }
TEST_CASE("a machine of 5 CPUs uses the model of 8 nodes") { CHECK(nodes_built(5) == 8); }
TEST_CASE("a machine of 9 CPUs uses the model of 16 nodes") { CHECK(nodes_built(9) == 16); }

TEST_CASE("a fabric of no or of 17 nodes is refused") {
  FabricConfig config = test::config();
  config.nodes = GENERATE(0u, 17u);
  CHECK_THROWS_AS(make_fabric(config), std::invalid_argument);
}

TEST_CASE("a clock period is rounded to a multiple of 4 ps") {
  CHECK(clock_period(100e6) == sc_core::sc_time(10, sc_core::SC_NS));
  CHECK(clock_period(150e6) == sc_core::sc_time(6668, sc_core::SC_PS));
  CHECK(clock_period(1e9) == sc_core::sc_time(1, sc_core::SC_NS));
  CHECK_THROWS_AS(clock_period(0), std::invalid_argument);
  CHECK_THROWS_AS(clock_period(1e11), std::invalid_argument);
  FabricConfig config = test::config();
  config.period = sc_core::sc_time(6, sc_core::SC_PS);
  CHECK_THROWS_AS(make_fabric(config), std::invalid_argument);
}

TEST_CASE("a run ends before the cycle it is given, and goes on from there") {
  Machine machine{test::config()};
  std::uint64_t last = 0;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    for (;;) {
      hal.consume(1);
      last = hal.now();
    }
  });
  machine.run(10);
  CHECK(last == 9);
  CHECK(machine.cycle() == 10);
  machine.run(10);
  CHECK(last == 9);
  machine.run(11);
  CHECK(last == 10);
  machine.run(1'000'000);
  CHECK(last == 999'999);
}

TEST_CASE("a run without an end ends when nothing can happen any more") {
  Machine machine{test::config()};
  machine.set_firmware(0, [](hal::Hal& hal) {
    Engine engine(hal);
    engine.start();
    engine.post(1, bytes(100));
    while (engine.poll() || !hal.interrupt()) hal.idle(hal::never);
  });
  machine.run(hal::never);
  CHECK(machine.cycle() < 100'000);
}

TEST_CASE("stop ends the run in the cycle in which it is called") {
  Machine machine{test::config()};
  std::uint64_t last = 0;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    for (;;) {
      hal.consume(1);
      last = hal.now();
      if (last == 77) machine.stop();
    }
  });
  machine.run(1000);
  CHECK(last == 77);
  machine.run(1000);
  CHECK(last == 999);
}

TEST_CASE("a callback comes after all of the cycle before, in order, even if it is late") {
  Machine machine{test::config()};
  std::vector<std::string> order;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    for (;;) {
      if (hal.now() >= 98 && hal.now() <= 101) order.push_back("cpu " + std::to_string(hal.now()));
      hal.consume(1);
    }
  });
  machine.at(100, [&] {
    order.push_back("first");
    machine.at(5, [&] { order.push_back("late"); });
    machine.at(101, [&] { order.push_back("next"); });
  });
  machine.at(100, [&] { order.push_back("second"); });
  machine.at(0, [&] { order.push_back("start"); });
  machine.run(1000);
  CHECK(order == std::vector<std::string>{"start", "cpu 98", "cpu 99", "first", "late", "second",
                                          "cpu 100", "next", "cpu 101"});
}

TEST_CASE("a callback at a cycle beyond all time never comes, and disturbs nothing") {
  Machine machine{test::config()};
  const std::uint64_t never_called[] = {1844674407371956, 922337203695478, 922337203685479,
                                        std::uint64_t{1} << 63, ~std::uint64_t{0}};
  for (const std::uint64_t cycle : never_called) machine.at(cycle, [] { FAIL("it came"); });
  machine.at(922337203685477, [] { FAIL("it came"); });  // the last that there is
  bool called = false;
  machine.at(500, [&] { called = true; });
  machine.run(100'000);
  CHECK(called);
  CHECK(machine.cycle() == 100'000);
}

TEST_CASE("a failure of the firmware ends the run and names the CPU") {
  FabricConfig config = test::config();
  config.nodes = 3;
  Machine machine{config};
  bool other_unwound = false;
  machine.set_firmware(1, [&](hal::Hal& hal) {
    struct Flag {
      bool& flag;
      ~Flag() { flag = true; }
    } const flag{other_unwound};
    hal.idle(hal::never);
  });
  machine.set_firmware(2, [](hal::Hal& hal) {
    hal.consume(40);
    throw std::out_of_range("too far");
  });
  try {
    machine.run(1000);
    FAIL("it ran on");
  } catch (const FirmwareError& e) {
    CHECK(e.cpu() == 2);
    CHECK_THAT(e.what(), Catch::Contains("too far"));
    CHECK_THROWS_AS(std::rethrow_if_nested(e), std::out_of_range);
  }
  CHECK(machine.cycle() == 40);
  machine.finish();
  CHECK(other_unwound);
}

TEST_CASE("finish unwinds all firmware, and nothing runs after it") {
  int unwound = 0;
  {
    Machine machine{test::config()};
    struct Count {
      int& count;
      ~Count() { ++count; }
    };
    machine.set_firmware(0, [&](hal::Hal& hal) {
      const Count count{unwound};
      for (;;) hal.read(Register::id);
    });
    machine.set_firmware(1, [&](hal::Hal& hal) {
      const Count count{unwound};
      hal.idle(hal::never);
    });
    machine.run(101);
    machine.finish();
    CHECK(unwound == 2);
    CHECK_THROWS_AS(machine.run(200), std::logic_error);
  }
  CHECK(unwound == 2);
}

TEST_CASE("the observer hears of time about every 16384 cycles, busy or not") {
  Machine machine{test::config()};
  struct : FabricObserver {
    std::vector<std::uint64_t> at;
    void burst(std::uint64_t cycle) override { at.push_back(cycle); }
  } observer;
  machine.fabric().set_observer(&observer);
  machine.run(100'000);
  REQUIRE(observer.at.size() == 6);
  for (std::size_t i = 1; i < observer.at.size(); ++i) {
    CHECK(observer.at[i] - observer.at[i - 1] == 16384);
  }
}

// Verilator marks its context when a rule of the RTL is broken; so does this observer.
TEST_CASE("a broken rule of the hardware ends the run in its cycle", "[rtl]") {
  Machine machine{test::config()};
  struct : FabricObserver {
    std::uint64_t cycle = 0;
    void packet_answered(const BusPacket& packet) override {
      cycle = packet.answer_cycle;
      Verilated::threadContextp()->gotFinish(true);
    }
  } observer;
  machine.fabric().set_observer(&observer);
  machine.set_firmware(0, [](hal::Hal& hal) {
    Engine engine(hal);
    engine.start();
    engine.post(0, bytes(8));
    hal.idle(hal::never);
  });
  CHECK_THROWS_WITH(machine.run(10'000), Catch::Contains("assertion"));
  CHECK(observer.cycle != 0);
  CHECK(machine.cycle() == observer.cycle);
}

TEST_CASE("what an observer throws comes out of the run") {
  Machine machine{test::config()};
  struct : FabricObserver {
    PacketFault packet_started(contract::BusId, std::uint64_t, unsigned) override {
      throw std::domain_error("seen enough");
    }
  } observer;
  machine.fabric().set_observer(&observer);
  machine.set_firmware(0, [](hal::Hal& hal) {
    Engine engine(hal);
    engine.start();
    engine.post(0, bytes(8));
    hal.idle(hal::never);
  });
  CHECK_THROWS_AS(machine.run(10'000), std::domain_error);
}

TEST_CASE("what a callback throws comes out of the run") {
  Machine machine{test::config()};
  machine.at(70, [] { throw std::domain_error("now"); });
  CHECK_THROWS_AS(machine.run(10'000), std::domain_error);
  CHECK(machine.cycle() == 69);
}

TEST_CASE("two fabrics in one process go in the order in which they came") {
  auto first = make_fabric(test::config());
  auto second = make_fabric(test::config());
  first.reset();
  second.reset();
}
