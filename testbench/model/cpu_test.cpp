// What firmware sees of a CPU, on the real hardware.
#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "engine.h"
#include "in_child.h"
#include "model/machine.h"
#include "test_config.h"

namespace {

using namespace xybus;
using contract::Register;
using test::Engine;

// From the contract of the CPU port (rtl/cpu_port.sv).
constexpr std::uint64_t register_cycles = 3;

std::vector<std::byte> bytes(unsigned count, unsigned seed = 1) {
  std::vector<std::byte> result(count);
  for (unsigned i = 0; i < count; ++i) result[i] = static_cast<std::byte>(seed + 7 * i);
  return result;
}

Register ram_word(std::uint32_t offset) {
  return static_cast<Register>(1u << contract::ram_address_bit | offset);
}

struct Unwound {
  bool& flag;
  ~Unwound() { flag = true; }
};

}  // namespace

TEST_CASE("a register access takes the cycles of the CPU port, and writes take effect in order") {
  Machine machine{test::config()};
  std::vector<std::uint64_t> at;
  std::vector<std::uint32_t> values;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    for (std::uint32_t i = 1; i <= 3; ++i) {
      at.push_back(hal.now());
      hal.write(Register::grant_timeout, 100 + i);
      at.push_back(hal.now());
      values.push_back(hal.read(Register::grant_timeout));
      hal.consume(i);
    }
    at.push_back(hal.now());
  });
  machine.run(1000);
  CHECK(values == std::vector<std::uint32_t>{101, 102, 103});
  constexpr std::uint64_t r = register_cycles;
  CHECK(at == std::vector<std::uint64_t>{0, r, 2 * r + 1, 3 * r + 1, 4 * r + 3, 5 * r + 3,
                                         6 * r + 6});
}

TEST_CASE("CPUs access their registers in the same cycle without waiting for each other") {
  FabricConfig config = test::config();
  config.nodes = 4;
  Machine machine{config};
  std::vector<std::uint64_t> done(4);
  std::vector<std::uint32_t> id(4);
  for (unsigned i = 0; i < 4; ++i) {
    machine.set_firmware(i, [&, i](hal::Hal& hal) {
      id[i] = hal.read(Register::id);
      done[i] = hal.now();
    });
  }
  machine.run(100);
  for (unsigned i = 0; i < 4; ++i) {
    CHECK(done[i] == register_cycles);
    CHECK(contract::IdRegister{id[i]}.node() == i);
  }
}

TEST_CASE("node RAM through the port is the RAM of the direct pointer") {
  Machine machine{test::config()};
  std::vector<std::uint32_t> through_port;
  std::vector<std::byte> direct(8);
  machine.set_firmware(1, [&](hal::Hal& hal) {
    const std::uint32_t last = static_cast<std::uint32_t>(hal.ram().size()) - 4;
    const std::uint32_t word = 0xddccbbaa;
    std::memcpy(&hal.ram()[0x24], &word, sizeof word);
    std::memcpy(&hal.ram()[last], &word, sizeof word);
    through_port.push_back(hal.read(ram_word(0x24)));
    through_port.push_back(hal.read(ram_word(last)));
    hal.write(ram_word(0x40), 0x44332211);
    hal.write(ram_word(0x44), 0x88776655);
    std::memcpy(direct.data(), &hal.ram()[0x40], direct.size());
  });
  machine.run(1000);
  CHECK(through_port == std::vector<std::uint32_t>{0xddccbbaa, 0xddccbbaa});
  for (unsigned i = 0; i < 8; ++i) CHECK(std::to_integer<unsigned>(direct[i]) == 0x11 * (i + 1));
}

TEST_CASE("each node has RAM of its own") {
  FabricConfig config = test::config();
  config.nodes = 3;
  Machine machine{config};
  std::vector<std::byte> found(3);
  for (unsigned i = 0; i < 3; ++i) {
    machine.set_firmware(i, [&, i](hal::Hal& hal) {
      hal.ram()[100] = static_cast<std::byte>(i + 1);
      hal.consume(10);
      found[i] = hal.ram()[100];
    });
  }
  machine.run(100);
  CHECK(found == std::vector<std::byte>{std::byte{1}, std::byte{2}, std::byte{3}});
}

TEST_CASE("consume takes exactly its cycles, and nothing for 0") {
  Machine machine{test::config()};
  std::vector<std::uint64_t> at;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    for (const std::uint32_t n : {0u, 1u, 0u, 2u, 1000u, 123'456'789u}) {
      hal.consume(n);
      at.push_back(hal.now());
    }
  });
  machine.run(200'000'000);
  CHECK(at == std::vector<std::uint64_t>{0, 1, 1, 3, 1003, 123'457'792});
}

TEST_CASE("idle returns at its cycle, and at once if that has come") {
  Machine machine{test::config()};
  std::vector<std::uint64_t> at;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    for (const std::uint64_t until : {50u, 50u, 20u, 51u}) {
      hal.idle(until);
      at.push_back(hal.now());
    }
  });
  machine.run(1000);
  CHECK(at == std::vector<std::uint64_t>{50, 50, 50, 51});
}

// The same sender three times: its receiver looks each cycle, sleeps, or sleeps with a limit.
TEST_CASE("an interrupt wakes an idle CPU in the cycle in which a polling one sees it") {
  const auto woken_at = [](auto wait) {
    return test::in_child([&] {
      Machine machine{test::config()};
      std::string at;
      machine.set_firmware(0, [&](hal::Hal& hal) {
        Engine engine(hal);
        engine.start();
        hal.consume(137);
        engine.post(1, bytes(20));
      });
      machine.set_firmware(1, [&](hal::Hal& hal) {
        Engine engine(hal);
        engine.start();
        wait(hal);
        at = std::to_string(hal.now()) + (engine.poll() ? " event" : " nothing");
      });
      machine.run(10'000);
      return at;
    });
  };
  const std::string polled = woken_at([](hal::Hal& hal) {
    while (!hal.interrupt()) hal.consume(1);
  });
  CHECK(woken_at([](hal::Hal& hal) { hal.idle(hal::never); }) == polled);
  CHECK(woken_at([](hal::Hal& hal) { hal.idle(5000); }) == polled);
  CHECK(polled.ends_with(" event"));
}

TEST_CASE("an interrupt that is up keeps idle from sleeping, until the events are consumed") {
  Machine machine{test::config()};
  bool up_before = false;
  bool slept = true;
  bool up_after = true;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    Engine engine(hal);
    engine.start();
    engine.post(0, bytes(4));  // to itself: a received and a sent event
    hal.consume(500);
    up_before = hal.interrupt();
    const std::uint64_t before = hal.now();
    hal.idle(hal::never);
    slept = hal.now() != before;
    while (engine.poll()) continue;
    up_after = hal.interrupt();
  });
  machine.run(10'000);
  CHECK(up_before);
  CHECK_FALSE(slept);
  CHECK_FALSE(up_after);
}

TEST_CASE("a packet arrives with its bytes") {
  FabricConfig config = test::config();
  config.nodes = GENERATE(2u, 5u, 16u);
  const unsigned length = GENERATE(0u, 1u, 4u, 63u, 256u);
  const std::string result = test::in_child([&] {
    Machine machine{config};
    std::string seen = "nothing";
    machine.set_firmware(0, [&](hal::Hal& hal) {
      Engine engine(hal);
      engine.start();
      hal.consume(100);
      engine.post(config.nodes - 1, bytes(length));
    });
    machine.set_firmware(config.nodes - 1, [&](hal::Hal& hal) {
      Engine engine(hal);
      engine.start();
      const auto event = engine.next();
      seen = event.event_type() == contract::EventType::received ? "received" : "other";
      seen += engine.payload() == bytes(length) ? " right" : " wrong";
    });
    machine.run(10'000);
    return seen;
  });
  CHECK(result == "received right");
}

TEST_CASE("a refused access is thrown into the firmware, which may go on") {
  Machine machine{test::config()};
  std::vector<tlm::tlm_response_status> refused;
  std::uint32_t id = 0;
  machine.set_firmware(1, [&](hal::Hal& hal) {
    const std::uint32_t past_ram = static_cast<std::uint32_t>(hal.ram().size());
    for (const Register reg : {static_cast<Register>(2), ram_word(past_ram), ram_word(5)}) {
      try {
        hal.write(reg, 0);
      } catch (const AccessError& e) {
        CHECK(e.address() == static_cast<std::uint32_t>(reg));
        refused.push_back(e.status());
      }
    }
    id = hal.read(Register::id);
  });
  machine.run(100);
  CHECK(refused == std::vector<tlm::tlm_response_status>(3, tlm::TLM_ADDRESS_ERROR_RESPONSE));
  CHECK(contract::IdRegister{id}.node() == 1);
}

TEST_CASE("a halt unwinds the firmware from wherever it is, at its cycle, and only there") {
  FabricConfig config = test::config();
  config.nodes = 4;
  Machine machine{config};
  bool idle_unwound = false;
  bool consume_unwound = false;
  bool access_unwound = false;
  std::uint64_t last_access = 0;
  std::uint64_t survivor = 0;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    const Unwound unwound{idle_unwound};
    hal.idle(hal::never);
    FAIL("idle came back");
  });
  machine.set_firmware(1, [&](hal::Hal& hal) {
    const Unwound unwound{consume_unwound};
    hal.consume(1'000'000);
    FAIL("consume came back");
  });
  machine.set_firmware(2, [&](hal::Hal& hal) {
    const Unwound unwound{access_unwound};
    for (;;) {
      last_access = hal.now();
      hal.read(Register::id);
    }
  });
  machine.set_firmware(3, [&](hal::Hal& hal) {
    for (;;) {
      hal.consume(1);
      survivor = hal.now();
    }
  });
  for (unsigned i = 0; i < 3; ++i) machine.at(501, [&machine, i] { machine.halt(i); });
  machine.run(500);
  CHECK_FALSE((idle_unwound || consume_unwound || access_unwound));
  machine.run(1000);
  CHECK((idle_unwound && consume_unwound && access_unwound));
  CHECK(machine.cpu(2).done());
  CHECK(last_access == 500 / register_cycles * register_cycles);
  CHECK(survivor == 999);
}

TEST_CASE("the port of a halted node refuses accesses") {
  Machine machine{test::config()};
  bool refused = false;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    hal.consume(100);
    try {
      hal.read(Register::id);
    } catch (const AccessError& e) {
      refused = e.status() == tlm::TLM_GENERIC_ERROR_RESPONSE;
    }
  });
  machine.at(50, [&] { machine.fabric().halt(0); });
  machine.run(1000);
  CHECK(refused);
}

TEST_CASE("firmware that waits without letting time pass fails instead of hanging") {
  Machine machine{test::config()};
  machine.set_firmware(0, [](hal::Hal& hal) {
    while (!hal.interrupt()) continue;
  });
  CHECK_THROWS_WITH(machine.run(1000), Catch::Contains("cpu 0") && Catch::Contains("time pass"));
}
