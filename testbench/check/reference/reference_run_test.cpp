// The reference in a run on the RTL: it has nothing to say of the right one, and finds every wrong
// one.
#include <catch2/catch.hpp>

#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "changed_rtl_4.h"
#include "check/reference/reference.h"
#include "fault/injector.h"
#include "../../model/engine.h"
#include "../../model/in_child.h"
#include "model/machine.h"
#include "run/bus_watch.h"
#include "run/checks.h"
#include "run/run.h"

using namespace xybus;
using contract::BusId;
using contract::Register;
using test::Engine;

namespace {

/// A run's own eyes on a machine whose firmware is the test's, and its faults.
class Court : private FaultPoints {
 public:
  Court(Machine& machine, std::vector<FaultSpec> faults)
      : machine_(machine), scenario_(with(std::move(faults))) {
    checks_.add_reference(machine);
    watch_.set_reference(checks_.reference());
    machine.fabric().set_observer(&watch_);
    injector_.arm();
  }
  Reference& reference() { return *checks_.reference(); }

 private:
  static Scenario with(std::vector<FaultSpec> faults) {
    Scenario scenario;
    scenario.system.cpus = 2;
    scenario.faults = std::move(faults);
    return scenario;
  }
  static RunOptions judging() {
    RunOptions options;
    options.reference = true;
    return options;
  }

  void at(std::uint64_t cycle, std::function<void()> action) override {
    machine_.at(cycle, std::move(action));
  }
  void set_bus_down(BusId bus, bool down, std::uint64_t cycle) override {
    machine_.fabric().set_bus_down(bus, down);
    checks_.bus_changes(bus, cycle);
  }
  void halt(unsigned, std::uint64_t) override {}
  void restart(unsigned, std::uint64_t) override {}
  void power_failure(std::uint64_t) override {}
  std::optional<ProcessAddress> stop_process(const FaultSpec&, std::uint64_t) override {
    return {};
  }
  bool has_name(const ProcessAddress&, const ProcessName&) const override { return false; }
  void set_rogue(unsigned, FaultKind, bool, std::uint64_t) override {}
  void set_fault(const FaultSpec&, bool, std::uint64_t) override {}

  Machine& machine_;
  const Scenario scenario_;
  EventLog log_;
  Checks checks_{scenario_, judging()};
  Injector injector_{scenario_.faults, 1, *this};
  BusWatch watch_{injector_, checks_, log_};
};

/// The answers to packet n, from 1, of node 0 on X are lost.
FaultSpec hides_answer(std::uint64_t n) {
  return {.at = {},
          .kind = FaultKind::answer_drop,
          .bus = BusId::x,
          .cpu = {},
          .when = AtPacket{.n = n, .from = 0, .bus = BusId::x},
          .until_cycle = {}};
}

FaultSpec down(BusId bus, std::uint64_t from, std::optional<std::uint64_t> until = {}) {
  return {.at = {},
          .kind = FaultKind::bus_down,
          .bus = bus,
          .cpu = {},
          .when = AtCycle{from},
          .until_cycle = until};
}

constexpr std::uint32_t window_at = 0x10000;

void open_window(hal::Hal& hal, unsigned generation) {
  hal.write(Register::window_base, window_at);
  hal.write(Register::window_length, 0x1000);
  hal.write(Register::window_control, contract::WindowControlRegister{}
                                          .set_write(1)
                                          .set_read(1)
                                          .set_peer(0)
                                          .set_generation(generation)
                                          .value);
}

/// A transfer of node 0 with window 0 of node 1, in the data ring of Engine.
void post_transfer(hal::Hal& hal, unsigned posted, contract::PacketKind kind, unsigned generation,
                   std::uint32_t length) {
  const auto d = contract::SendDescriptor{}
                     .set_dst_mask(2)
                     .set_kind(kind)
                     .set_window(0)
                     .set_generation(generation)
                     .set_length(length)
                     .set_notify(kind == contract::PacketKind::write)
                     .set_address(kind == contract::PacketKind::write ? 0x14000 : 0)
                     .set_own_window(0)
                     .set_cookie(posted);
  std::memcpy(&hal.ram()[0x2000 + posted * contract::line_bytes], d.words.data(),
              contract::line_bytes);
  hal.write(Register::data_ring_tail, posted + 1);
}

/// Plays the story on the RTL with this change. Gives what the reference found; empty: nothing.
std::string judged(int mutant, const std::function<void(hal::Hal&, Engine&)>& sender,
                   std::vector<FaultSpec> faults = {}, FabricKind fabric = FabricKind::rtl) {
  set_mutant(mutant);
  FabricConfig config;
  config.kind = fabric;
  config.nodes = 2;
  Machine machine(config);
  Court court(machine, std::move(faults));
  machine.set_firmware(0, [&](hal::Hal& hal) {
    Engine engine(hal);
    engine.start();
    hal.consume(200);
    sender(hal, engine);
    while (hal.now() < 30'000) {
      engine.poll();
      hal.consume(50);
    }
  });
  machine.set_firmware(1, [&](hal::Hal& hal) {
    Engine engine(hal);
    engine.start();
    open_window(hal, 3);
    for (;;) engine.next();
  });
  machine.run(40'000);
  court.reference().finish(machine.cycle());
  std::string found;
  for (const BusId bus : {BusId::x, BusId::y}) {
    const auto check = court.reference().check(bus);
    if (!check.ok) found += check.detail;
  }
  machine.finish();
  return found;
}

std::vector<std::byte> bytes(std::size_t count) {
  std::vector<std::byte> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = static_cast<std::byte>(i * 7 + 1);
  return all;
}

void letters(hal::Hal& hal, Engine& engine) {
  for (unsigned i = 0; i < 8; ++i) {
    engine.post(1, bytes(20 + 30 * i), static_cast<contract::TrafficClass>(i % 2));
    hal.consume(i % 3 == 0 ? 400 : 10);
    while (engine.poll()) {}
  }
}

void write_and_read(hal::Hal& hal, unsigned generation) {
  hal.write(Register::window_base, 0x18000);
  hal.write(Register::window_length, 0x1000);
  hal.write(Register::window_control,
            contract::WindowControlRegister{}.set_write(1).set_peer(1).set_generation(7).value);
  post_transfer(hal, 0, contract::PacketKind::write, generation, 700);
  hal.consume(3000);
  post_transfer(hal, 1, contract::PacketKind::read, generation, 900);
  hal.consume(3000);
}

/// A message in the data ring of Engine.
void post_message(hal::Hal& hal, unsigned posted, std::uint32_t to, contract::Route route) {
  const auto d = contract::SendDescriptor{}
                     .set_dst_mask(to)
                     .set_route(route)
                     .set_kind(contract::PacketKind::message)
                     .set_length(50)
                     .set_address(0x14000)
                     .set_cookie(posted);
  std::memcpy(&hal.ram()[0x2000 + posted * contract::line_bytes], d.words.data(),
              contract::line_bytes);
  hal.write(Register::data_ring_tail, posted + 1);
}

/// To node 1 X goes down, and Y to node 0 itself; then packets go to both of them.
void across(hal::Hal& hal, Engine&) {
  post_message(hal, 0, 2, contract::Route::x);
  hal.consume(3000);
  post_message(hal, 1, 1, contract::Route::y);
  hal.consume(3000);
  for (unsigned i = 2; i < 6; ++i) post_message(hal, i, 3, contract::Route::any);
  hal.consume(500);
}

const std::vector<FaultSpec> one_after_the_other{down(BusId::x, 1, 2000),
                                                 down(BusId::y, 2001, 5000)};

using Catch::Matchers::Contains;

}  // namespace

TEST_CASE("The reference agrees with the RTL on messages") {
  CHECK(judged(0, letters) == "");
}

TEST_CASE("The reference agrees with the RTL on transfers") {
  CHECK(judged(0, [](hal::Hal& hal, Engine&) { write_and_read(hal, 3); }) == "");
}

TEST_CASE("The reference agrees with the RTL on transfers of an old generation") {
  CHECK(judged(0, [](hal::Hal& hal, Engine&) { write_and_read(hal, 2); }) == "");
}

TEST_CASE("The reference agrees with the RTL when an answer is lost") {
  CHECK(judged(0, letters, {hides_answer(2)}) == "");
}

TEST_CASE("The reference agrees with the RTL when a bus is down") {
  CHECK(judged(0, letters, {down(BusId::x, 1)}) == "");
}

TEST_CASE("A packet to several nodes tries each by a bus that leads there") {
  CHECK(test::in_child([] { return judged(0, across, one_after_the_other); }) == "");
  // The model does the same.
  CHECK(test::in_child([] {
          return judged(0, across, one_after_the_other, FabricKind::tlm);
        }) == "");
}

TEST_CASE("A payload byte that is wrong under a right CRC is found") {
  CHECK_THAT(judged(1, letters), Contains("the hardware: CPU 0 sends it") &&
                                     Contains("the model: byte 1 is 0x08") &&
                                     Contains("not 0x0a"));
}

TEST_CASE("A packet that is accepted for a window of another generation is found") {
  CHECK_THAT(judged(2, [](hal::Hal& hal, Engine&) { write_and_read(hal, 2); }),
             Contains("the hardware: CPU 1 answers accepted; the model: refused"));
}

TEST_CASE("A sequence number that is left out is found") {
  CHECK_THAT(judged(3, letters), Contains("message sequence 2: the hardware") &&
                                     Contains("the model: sequence 1"));
}

TEST_CASE("A packet on a path that is down is found") {
  // A path that is suspect is left alone, too: let none be.
  const auto doubtless = [](hal::Hal& hal, Engine& engine) {
    hal.write(Register::path_limits, contract::PathLimitsRegister{}
                                         .set_missing(8)
                                         .set_corrupt(1)
                                         .set_suspect(255)
                                         .set_down(16)
                                         .value);
    letters(hal, engine);
  };
  const auto found = judged(4, doubtless, {down(BusId::x, 1)});
  CHECK_THAT(found, Contains("bus x") && Contains("the model: bus y"));
}

TEST_CASE("A duplicate that is delivered again is found") {
  CHECK_THAT(judged(5, letters, {hides_answer(2)}), Contains("the hardware: event received"));
}

TEST_CASE("An event that tells the wrong fate is found") {
  CHECK_THAT(judged(6, letters), Contains("the hardware: event sent on") &&
                                     Contains("missed 0xffff") && Contains("missed 0x0000"));
}

TEST_CASE("A busy answer without need is found") {
  CHECK_THAT(judged(7, letters),
             Contains("the hardware: CPU 1 answers busy; the model: accepted (there is room"));
}

TEST_CASE("A run ends at the reference's complaint, as one with a check that failed") {
  // The second packet to CPU 1 is the first that can be wrong. Packets of CPU 0 take turns on the
  // buses: it is its second of all, or the third where another goes to CPU 2 between them.
  const bool third = GENERATE(false, true);
  const std::string row = third ? "x" : "y";
  const std::string other = third ? "y" : "x";
  const std::string ping = "[[workload]]\nkind = \"ping\"\nfrom = 0\nbytes = 32\ncount = 100\n";
  set_mutant(3);
  const Scenario scenario = parse_scenario(
      "[system]\ncpus = 3\n" + ping + "to = 1\n" + (third ? ping + "to = 2\n" : ""),
      "small.toml");
  const auto account = test::in_child([&] {
    RunOptions options;
    options.reference = true;
    EventLog log;
    Progress progress;
    const RunResult result = run(scenario, options, log, progress);
    std::string text = name(result.outcome);
    if (result.failure_cycle && *result.failure_cycle <= result.cycles) text += ", told where";
    for (const CheckResult& check : result.checks) {
      const bool of_reference = check.name.starts_with("reference");
      if (of_reference && !check.ok) text += ", " + check.name + ": " + check.detail;
      if (check.name == "liveness") text += ", " + check.detail;
    }
    return text;
  });
  INFO(account);
  CHECK_THAT(account, Catch::StartsWith("check-failed, told where, the run ended at the "
                                        "reference's complaint, "));
  CHECK_THAT(account, Contains(", reference." + row + ": ") && Contains("the model: sequence "));
  CHECK_THAT(account, !Contains(", reference." + other + ": "));
}
