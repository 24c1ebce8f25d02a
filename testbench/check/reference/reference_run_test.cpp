// The reference in a run on the RTL: it has nothing to say of the right one, and finds every wrong
// one.
#include <catch2/catch.hpp>

#include <cstring>
#include <functional>
#include <string>

#include "changed_rtl_4.h"
#include "check/reference/reference.h"
#include "../../model/engine.h"
#include "../../model/in_child.h"
#include "model/machine.h"

using namespace xybus;
using contract::BusId;
using contract::Register;
using test::Engine;

namespace {

/// Shows a reference what happens on the fabric, as the run does.
class Court : public FabricObserver {
 public:
  explicit Court(Machine& machine)
      : reference_({machine.fabric().ram(0), machine.fabric().ram(1)}, 4) {
    reference_.on_complaint([&machine] { machine.stop(); });
    machine.fabric().set_observer(this);
  }
  PacketFault packet_started(BusId bus, std::uint64_t, unsigned source) override {
    hit_ = {};
    if (bus == BusId::x && source == 0 && packets_++ == hide_answer_of) hit_.answer_drop = true;
    return hit_;
  }
  void packet_answered(const BusPacket& p) override {
    reference_.observe({.bus = p.bus,
                        .source = p.source,
                        .start_cycle = p.start_cycle,
                        .answer_cycle = p.answer_cycle,
                        .sent = p.words,
                        .received = p.words,
                        .answers = p.answers,
                        .cut = p.cut,
                        .unseen = p.down,
                        .unanswered = p.faulted || p.down});
  }
  bool wants_accesses() const override { return true; }
  void accessed(unsigned node, bool write, std::uint32_t address, std::uint32_t data,
                std::uint64_t cycle) override {
    reference_.accessed(node, write, address, data, cycle);
  }
  Reference& reference() { return reference_; }

  unsigned hide_answer_of = ~0U;  // packet of node 0 on X

 private:
  Reference reference_;
  PacketFault hit_;
  unsigned packets_ = 0;
};

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
                   const std::function<void(Machine&, Court&)>& set_up = {},
                   FabricKind fabric = FabricKind::rtl) {
  set_mutant(mutant);
  FabricConfig config;
  config.kind = fabric;
  config.nodes = 2;
  Machine machine(config);
  Court court(machine);
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
  if (set_up) set_up(machine, court);
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

void set_down(Machine& machine, Court& court, BusId bus, bool down, std::uint64_t cycle) {
  machine.at(cycle, [&machine, &court, bus, down, cycle] {
    machine.fabric().set_bus_down(bus, down);
    court.reference().bus_changes(bus, cycle);
  });
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

void one_after_the_other(Machine& machine, Court& court) {
  set_down(machine, court, BusId::x, true, 1);
  set_down(machine, court, BusId::x, false, 2000);
  set_down(machine, court, BusId::y, true, 2001);
  set_down(machine, court, BusId::y, false, 5000);
}

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
  CHECK(judged(0, letters, [](Machine&, Court& court) { court.hide_answer_of = 1; }) == "");
}

TEST_CASE("The reference agrees with the RTL when a bus is down") {
  CHECK(judged(0, letters, [](Machine& machine, Court& court) {
          set_down(machine, court, BusId::x, true, 1);
        }) == "");
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
  const auto found = judged(4, doubtless, [](Machine& machine, Court& court) {
    set_down(machine, court, BusId::x, true, 1);
  });
  CHECK_THAT(found, Contains("bus x") && Contains("the model: bus y"));
}

TEST_CASE("A duplicate that is delivered again is found") {
  CHECK_THAT(judged(5, letters, [](Machine&, Court& court) { court.hide_answer_of = 1; }),
             Contains("the hardware: event received"));
}

TEST_CASE("An event that tells the wrong fate is found") {
  CHECK_THAT(judged(6, letters), Contains("the hardware: event sent on") &&
                                     Contains("missed 0xffff") && Contains("missed 0x0000"));
}

TEST_CASE("A busy answer without need is found") {
  CHECK_THAT(judged(7, letters),
             Contains("the hardware: CPU 1 answers busy; the model: accepted (there is room"));
}
