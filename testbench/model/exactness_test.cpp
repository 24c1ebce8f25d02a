// Bursts, idle skipping and waveforms are ways to run the simulation; none may change a result.
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <sstream>
#include <unistd.h>

#include "engine.h"
#include "in_child.h"
#include "model/machine.h"
#include "test_config.h"

namespace {

using namespace xybus;
using test::Engine;

/// Writes down all that happens on the buses, and breaks some of it.
struct Chronicle : FabricObserver {
  std::ostringstream text;
  unsigned started = 0;
  Machine* machine = nullptr;

  PacketFault packet_started(contract::BusId bus, std::uint64_t cycle, unsigned source) override {
    text << name(bus) << " start " << cycle << " from " << source << '\n';
    ++started;
    if (started == 60) machine->stop();
    if (started == 40) machine->at(cycle + 300, [this] { note("callback"); });
    PacketFault fault;
    if (started % 7 == 0) fault.flips = {started, 5 * started};
    fault.drop = started % 11 == 0;
    fault.answer_drop = started % 13 == 0;
    return fault;
  }
  void packet_answered(const BusPacket& p) override {
    text << name(p.bus) << " answer " << p.answer_cycle << std::hex << ' ' << p.answers.accepted
         << ' ' << p.answers.busy << ' ' << p.answers.corrupt;
    for (const std::uint32_t word : p.words) text << ' ' << word;
    text << std::dec << (p.cut ? " cut" : "") << (p.down ? " down" : "")
         << (p.faulted ? " faulted" : "") << '\n';
  }
  void note(const char* what) { text << what << ' ' << machine->cycle() << '\n'; }
};

/// Sends to everybody, itself included, at odd times; sleeps, polls and works in between.
void traffic(hal::Hal& hal, unsigned cpu, unsigned cpus, std::ostream& text) {
  std::mt19937 random(cpu + 1);
  Engine engine(hal);
  engine.start();
  unsigned outstanding = 0;
  const auto take = [&](const contract::EventEntry& event) {
    if (event.event_type() == contract::EventType::sent) --outstanding;
    text << "cpu" << cpu << ' ' << hal.now() << std::hex;
    for (const std::uint32_t word : event.words) text << ' ' << word;
    text << std::dec << '\n';
  };
  for (unsigned i = 0; i < 60; ++i) {
    std::vector<std::byte> payload(random() % 257);
    for (auto& byte : payload) byte = static_cast<std::byte>(random());
    engine.post(random() % cpus, payload,
                random() % 2 == 0 ? contract::TrafficClass::control : contract::TrafficClass::data);
    ++outstanding;
    switch (random() % 4) {
      case 0: hal.consume(random() % 500); break;
      case 1: hal.idle(hal.now() + random() % 5000); break;
      case 2:
        for (unsigned polls = 0; polls < 300 && !hal.interrupt(); ++polls) hal.consume(1);
        break;
      default: break;
    }
    while (const auto event = engine.poll()) take(*event);
    while (outstanding >= 8) take(engine.next());
  }
  for (;;) take(engine.next());
}

std::string story(const FabricConfig& config) {
  return test::in_child([&] {
    Machine machine{config};
    Chronicle chronicle;
    chronicle.machine = &machine;
    machine.fabric().set_observer(&chronicle);
    std::vector<std::ostringstream> cpu_text(config.nodes);
    for (unsigned i = 0; i < config.nodes; ++i) {
      machine.set_firmware(i, [&, i](hal::Hal& hal) {
        traffic(hal, i, machine.cpus(), cpu_text[i]);
      });
    }
    Fabric& fabric = machine.fabric();
    machine.at(3'000, [&] { fabric.set_bus_down(contract::BusId::x, true); });
    machine.at(5'000, [&] { fabric.set_bus_down(contract::BusId::x, false); });
    machine.at(7'003, [&] { machine.halt(1); });
    for (const std::uint64_t until : {4'001, 60'000}) {
      while (machine.cycle() < until) {
        machine.run(until);
        chronicle.note("stand");
      }
    }
    std::string text = chronicle.text.str();
    for (const auto& t : cpu_text) text += t.str();
    return text;
  });
}

FabricConfig plain(unsigned nodes) {
  FabricConfig config = test::config();
  config.nodes = nodes;
  config.bursts = false;
  config.skip = false;
  return config;
}

// The first line that differs says more than two long texts.
std::string first_difference(const std::string& a, const std::string& b) {
  std::istringstream left(a);
  std::istringstream right(b);
  std::string l;
  std::string r;
  while (std::getline(left, l)) {
    if (!std::getline(right, r) || l != r) return l + " / " + r;
    r.clear();
  }
  return std::getline(right, r) ? "/ " + r : "";
}

}  // namespace

TEST_CASE("bursts and skipping change no cycle of anything") {
  const unsigned nodes = 3;
  const std::string expected = story(plain(nodes));
  // The story is one: packets, faults, the bus down, the CPU halted, the callback,
  // and three times the run stood still.
  REQUIRE(expected.find("exception") == std::string::npos);
  REQUIRE(expected.find(" down") != std::string::npos);
  REQUIRE(expected.find("callback") != std::string::npos);
  REQUIRE(expected.find("stand 4001\n") != std::string::npos);
  REQUIRE(expected.find("stand 60000\n") != std::string::npos);
  REQUIRE(std::count(expected.begin(), expected.end(), '\n') > 500);
  for (const auto& [bursts, skip] : {std::pair{true, false}, {false, true}, {true, true}}) {
    FabricConfig config = plain(nodes);
    config.bursts = bursts;
    config.skip = skip;
    INFO("bursts " << bursts << ", skip " << skip);
    CHECK(first_difference(expected, story(config)) == "");
  }
}

TEST_CASE("bursts and skipping change no cycle of anything on 16 nodes either") {
  FabricConfig config = test::config();
  config.nodes = 16;
  CHECK(first_difference(story(plain(16)), story(config)) == "");
}

// With waveforms the inputs are evaluated before the clock edge, without them together with it.
TEST_CASE("a run with waveforms is the same as one without", "[rtl]") {
  const auto file = std::filesystem::temp_directory_path() /
                    ("exactness_test_" + std::to_string(getpid()) + ".fst");
  FabricConfig config = test::config();
  config.nodes = 3;
  const std::string expected = story(config);
  config.trace_file = file.string();
  config.trace_from = 1'000;
  config.trace_to = 8'000;
  CHECK(first_difference(expected, story(config)) == "");
  CHECK(std::filesystem::remove(file));
}

TEST_CASE("what registers hold before reset does not matter", "[rtl]") {
  FabricConfig config = test::config();
  config.nodes = 3;
  const std::string expected = story(config);
  config.start_state = GENERATE(1u, 2u);
  CHECK(first_difference(expected, story(config)) == "");
}

TEST_CASE("the clock frequency changes no cycle") {
  FabricConfig config = test::config();
  config.nodes = 3;
  const std::string expected = story(config);
  config.period = clock_period(333e6);
  CHECK(first_difference(expected, story(config)) == "");
}
