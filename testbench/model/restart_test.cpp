// A CPU that is halted and started again.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <sstream>

#include "engine.h"
#include "in_child.h"
#include "model/machine.h"
#include "test_config.h"

namespace {

using namespace xybus;
using contract::Register;
using test::Engine;

/// Counts boots, and writes down when each began and ended.
struct Boots {
  std::vector<std::uint64_t> from;
  std::vector<std::uint64_t> to;
  bool running = false;
  unsigned overlaps = 0;  // boots that began before the one before had been unwound

  struct Boot {
    Boots& boots;
    hal::Hal& hal;
    Boot(Boots& its, hal::Hal& its_hal) : boots(its), hal(its_hal) {
      boots.overlaps += boots.running;
      boots.running = true;
      boots.from.push_back(hal.now());
    }
    ~Boot() {
      boots.running = false;
      boots.to.push_back(hal.now());
    }
  };
};

using Cycles = std::vector<std::uint64_t>;

}  // namespace

namespace {

std::string text_of(const Cycles& cycles) {
  std::string text;
  for (const std::uint64_t cycle : cycles) text += std::to_string(cycle) + " ";
  return text;
}

}  // namespace

TEST_CASE("a restarted CPU runs its firmware from the start, at its cycle, from wherever it was") {
  const std::string where = GENERATE(as<std::string>{}, "idle", "consume", "access", "returned");
  const std::string result = test::in_child([&] {
    Machine machine{test::config()};
    Boots boots;
    machine.set_firmware(1, [&](hal::Hal& hal) {
      const Boots::Boot boot(boots, hal);
      if (where == "idle") hal.idle(hal::never);
      if (where == "consume") hal.consume(1'000'000);
      while (where == "access") hal.read(Register::id);
    });
    machine.at(501, [&] { machine.halt(1); });
    machine.at(700, [&] { machine.restart(1); });
    std::string text;
    const auto look = [&] {
      text += std::string(machine.cpu(1).halted() ? "off" : "on") +
              (machine.cpu(1).done() ? " done, " : ", ");
    };
    machine.run(500);
    look();
    machine.run(600);
    look();
    machine.run(1000);
    look();
    machine.finish();
    return text + text_of(boots.from) + "to " + text_of(boots.to) + std::to_string(boots.overlaps);
  });
  CHECK(result == (where == "returned" ? "on done, off done, on done, 0 700 to 0 700 0"
                                       : "on, off done, on, 0 700 to 500 1000 0"));
}

TEST_CASE("a restart finds the engine disabled and empty, node RAM and settings as they were") {
  Machine machine{test::config()};
  unsigned boot = 0;
  std::vector<std::uint32_t> values;
  std::byte kept{};
  machine.set_firmware(0, [&](hal::Hal& hal) {
    if (boot++ == 0) {
      Engine engine(hal);
      engine.start();
      hal.write(Register::busy_limit, 77);
      hal.ram()[0xff00] = std::byte{0x5a};
      for (unsigned i = 0; i < 3; ++i) engine.post(1, std::vector<std::byte>(20));
      for (; hal.now() < 5000; hal.consume(1)) engine.poll();
      values.push_back(hal.read(Register::event_tail));
      return;
    }
    kept = hal.ram()[0xff00];
    for (const Register reg :
         {Register::event_head, Register::event_tail, Register::control_ring_head,
          Register::control_ring_tail, Register::data_ring_tail, Register::receive_x_tail,
          Register::path_down_x, Register::path_state_x, Register::path_state_y,
          Register::status}) {
      values.push_back(hal.read(reg));
    }
    values.push_back(contract::ControlRegister{hal.read(Register::control)}.enable());
    values.push_back(hal.read(Register::busy_limit));
    values.push_back(hal.interrupt());
  });
  machine.at(10'000, [&] { machine.halt(0); });
  machine.at(10'500, [&] { machine.restart(0); });
  machine.run(20'000);
  std::vector<std::uint32_t> expected(14, 0);
  expected[0] = 3;  // before the halt: three packets ended
  expected[12] = 77;
  CHECK(values == expected);
  CHECK(kept == std::byte{0x5a});
}

TEST_CASE("of a halt and a restart in the same or the next cycle the last one counts") {
  struct Step {
    std::uint64_t cycle;
    bool halt;
  };
  const auto [steps, from] = GENERATE(table<std::vector<Step>, Cycles>({
      {{{500, true}, {500, false}}, {0, 500}},
      {{{500, true}, {501, false}}, {0, 501}},
      {{{500, false}}, {0}},
      {{{500, false}, {500, true}}, {0}},
      {{{500, true}, {500, false}, {500, true}}, {0}},
      {{{500, true}, {600, false}, {600, true}}, {0}},
      {{{500, true}, {600, false}, {601, true}, {602, false}}, {0, 600, 602}},
      {{{500, true}, {500, false}, {500, true}, {500, false}, {501, true}, {501, false}},
       {0, 500, 501}},
  }));
  const std::string result = test::in_child([&, &steps = steps] {
    Machine machine{test::config()};
    Boots boots;
    unsigned wrong = 0;
    machine.set_firmware(1, [&](hal::Hal& hal) {
      const Boots::Boot boot(boots, hal);
      for (;;) {
        hal.write(Register::control, contract::ControlRegister{}.set_enable(1).value);
        wrong += contract::ControlRegister{hal.read(Register::control)}.enable() != 1;
      }
    });
    for (const Step& step : steps) {
      machine.at(step.cycle, [&] { step.halt ? machine.halt(1) : machine.restart(1); });
    }
    machine.run(2000);
    const bool halted = machine.cpu(1).halted();
    machine.finish();
    return text_of(boots.from) + (halted ? "off " : "on ") +
           std::to_string(boots.from.size() - boots.to.size()) + std::to_string(boots.overlaps) +
           std::to_string(wrong);
  });
  CHECK(result == text_of(from) + (steps.back().halt ? "off 000" : "on 000"));
}

TEST_CASE("a halt clears the engine even if the restart comes in the same cycle") {
  Machine machine{test::config()};
  std::vector<std::uint32_t> enabled;
  machine.set_firmware(1, [&](hal::Hal& hal) {
    enabled.push_back(contract::ControlRegister{hal.read(Register::control)}.enable());
    Engine engine(hal);
    engine.start();
    hal.idle(hal::never);
  });
  machine.at(5000, [&] {
    machine.halt(1);
    machine.restart(1);
  });
  machine.run(10'000);
  CHECK(enabled == std::vector<std::uint32_t>{0, 0});
}

TEST_CASE("a restart ends the slowness of a CPU") {
  Machine machine{test::config()};
  Cycles took;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    hal.consume(100);
    const std::uint64_t before = hal.now();
    hal.consume(10);
    took.push_back(hal.now() - before);
  });
  machine.at(50, [&] { machine.cpu(0).set_slowness(5); });
  machine.at(1000, [&] { machine.halt(0); });
  machine.at(1200, [&] { machine.restart(0); });
  machine.run(2000);
  CHECK(took == Cycles{50, 10});
}

TEST_CASE("a machine that finishes ends a CPU that was to start again, and one that has") {
  Machine machine{test::config()};
  Boots boots;
  machine.set_firmware(0, [&](hal::Hal& hal) {
    const Boots::Boot boot(boots, hal);
    hal.idle(hal::never);
  });
  machine.run(100);
  machine.halt(0);
  machine.restart(0);
  machine.finish();
  CHECK(boots.from == Cycles{0});
  CHECK(boots.to.size() == 1);
}

TEST_CASE("registers of a restarted node are read at the end of a run") {
  Machine machine{test::config()};
  machine.run(100);
  machine.halt(1);
  machine.run(200);
  machine.restart(1);
  machine.run(201);
  const auto id = machine.fabric().peek(Register::id);
  REQUIRE(id[1].has_value());
  CHECK(contract::IdRegister{*id[1]}.node() == 1);
}

TEST_CASE("a node that does not exist is not restarted") {
  Machine machine{test::config()};
  CHECK_THROWS_AS(machine.restart(2), std::out_of_range);
  CHECK_THROWS_AS(machine.fabric().restart(2), std::out_of_range);
}

namespace {

/// Packets say who sends, in which boot, and the how manyth it is; the rest follows from these.
std::vector<std::byte> packet(unsigned from, unsigned boot, unsigned number) {
  std::vector<std::byte> bytes(3 + (7 * number + boot) % 200);
  bytes[0] = std::byte(from);
  bytes[1] = std::byte(boot);
  bytes[2] = std::byte(number);
  for (std::size_t i = 3; i < bytes.size(); ++i) bytes[i] = std::byte(from + boot + 3 * i + number);
  return bytes;
}

struct Traffic {
  Machine& machine;
  std::vector<std::string> story = std::vector<std::string>(4);
  std::vector<unsigned> boots = std::vector<unsigned>(4);
  /// By receiver's boot and sender's: one more than the last number.
  std::map<std::vector<unsigned>, unsigned> next{};
  unsigned wrong = 0;
  std::vector<unsigned> got = std::vector<unsigned>(4);  // in the present boot
  std::vector<unsigned> heard = std::vector<unsigned>(4);  // by others, of the present boot

  void take(unsigned cpu, unsigned boot, const std::vector<std::byte>& bytes) {
    const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes.at(i)); };
    if (bytes.size() < 3 || bytes != packet(at(0), at(1), at(2))) {
      ++wrong;
      return;
    }
    auto& expected = next[{cpu, boot, at(0), at(1)}];
    if (at(2) < expected) ++wrong;  // twice, or out of order
    expected = at(2) + 1;
    ++got[cpu];
    if ((boots[at(0)] & 0xff) == at(1)) ++heard[at(0)];
  }

  void run(hal::Hal& hal, unsigned cpu) {
    const unsigned boot = ++boots[cpu];
    got[cpu] = heard[cpu] = 0;
    story[cpu] += "boot at " + std::to_string(hal.now()) + "\n";
    std::mt19937 random(100 * boot + cpu);
    Engine engine(hal);
    engine.start();
    std::vector<unsigned> numbers(4);
    unsigned outstanding = 0;
    for (;;) {
      while (const auto event = engine.poll()) {
        story[cpu] += text_of({hal.now(), event->words[0], event->header_0()}) + "\n";
        if (event->event_type() == contract::EventType::sent) --outstanding;
        if (event->event_type() == contract::EventType::received)
          take(cpu, boot, engine.payload());
      }
      const unsigned to = random() % 4;
      if (outstanding < 6 && numbers[to] < 250) {
        engine.post(to, packet(cpu, boot & 0xff, numbers[to]++));
        ++outstanding;
      }
      if (random() % 3 == 0) hal.idle(hal.now() + random() % 2000);
      hal.consume(random() % 300);
      // Paths that led nowhere lead somewhere again.
      hal.write(Register::path_down_x, 0xf);
      hal.write(Register::path_down_y, 0xf);
    }
  }
};

std::string restarts(FabricConfig config) {
  return test::in_child([&] {
    config.nodes = 4;
    Machine machine{config};
    Traffic traffic{machine};
    for (unsigned cpu = 0; cpu < 4; ++cpu) {
      machine.set_firmware(cpu, [&traffic, cpu](hal::Hal& hal) { traffic.run(hal, cpu); });
    }
    // Half of the times off are too short for anybody to notice.
    std::mt19937 random(5);
    std::uint64_t cycle = 3000;
    unsigned mute = 0;
    unsigned deaf = 0;
    for (unsigned i = 0; i < 100; ++i) {
      const unsigned cpu = random() % 4;
      machine.at(cycle, [&machine, cpu] { machine.halt(cpu); });
      cycle += random() % 2 == 0 ? random() % 12 : random() % 4000;
      machine.at(cycle, [&machine, cpu] { machine.restart(cpu); });
      cycle += 12'000 + random() % 1000;
      machine.at(cycle - 1, [&, cpu] {
        mute += traffic.heard[cpu] == 0;
        deaf += traffic.got[cpu] == 0;
      });
    }
    machine.run(cycle);
    unsigned boots = 0;
    for (const unsigned count : traffic.boots) boots += count;
    std::ostringstream text;
    text << boots << " boots, " << traffic.wrong << " wrong, " << mute << " mute, " << deaf
         << " deaf\n";
    for (const std::string& story : traffic.story) text << story;
    return text.str();
  });
}

}  // namespace

TEST_CASE("100 restarts at random moments under traffic: what arrives is right, and it goes on") {
  FabricConfig config = test::config();
  const std::string plain = restarts(config);
  CHECK(plain.substr(0, plain.find('\n')) == "104 boots, 0 wrong, 0 mute, 0 deaf");
  CHECK(plain.size() > 100'000);
  for (const bool skip : {false, true}) {
    config.skip = skip;
    config.bursts = !skip;
    CHECK((restarts(config) == plain));
  }
}
