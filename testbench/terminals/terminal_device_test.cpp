// The terminal of the model: time, numbers and labels, ownership, and who types when.
#include <catch2/catch.hpp>
#include <sstream>

#include "model/machine.h"

namespace {

using namespace xybus;
using hal::TerminalPort;
using hal::TerminalStatus;

constexpr std::uint64_t character = 10;

FabricConfig fabric() {
  FabricConfig config;
  config.kind = FabricKind::tlm;
  config.nodes = 2;
  return config;
}

TerminalConfig terminal(std::vector<TypedLine> lines = {}) {
  return {.name = "$T", .cpus = {0, 1}, .character_cycles = character, .lines = std::move(lines)};
}

/// What is on the screen, and when each piece of it came.
struct Screen : TerminalObserver {
  std::string text;
  std::vector<std::uint64_t> shown_at, begun_at, typed_at;
  unsigned ends = 0;
  void shown(unsigned, unsigned, std::uint64_t cycle, std::string_view its) override {
    text += its;
    shown_at.push_back(cycle);
  }
  void begun(unsigned, std::uint64_t cycle, const std::optional<std::string>& its) override {
    its ? begun_at.push_back(cycle) : void(++ends);
  }
  void typed(unsigned, std::uint64_t cycle, std::string_view its) override {
    text += "[" + std::string(its) + "]";
    typed_at.push_back(cycle);
  }
};

struct Bench {
  Machine machine{fabric()};
  Screen screen;
  explicit Bench(const TerminalConfig& config) {
    machine.add_terminal(config);
    machine.terminal(0).set_observer(&screen);
  }
};

/// Sleeps until the terminal has something to say, or up to a cycle.
void sleep(hal::Hal& hal, TerminalPort& port, std::uint64_t until = hal::never) {
  port.acknowledge();
  hal.idle(until);
}

TerminalPort& take(hal::Hal& hal) {
  TerminalPort& port = *hal.terminals()[0];
  port.take();
  hal.consume(2);
  return port;
}

TerminalStatus show(hal::Hal& hal, TerminalPort& port, std::uint64_t number, std::uint32_t label,
                    std::string_view text) {
  CHECK(port.show({.number = number, .label = {label}, .text = text}));
  for (;;) {
    port.acknowledge();
    if (const auto status = port.ended()) return *status;
    hal.idle(hal::never);
  }
}

std::string next_line(hal::Hal& hal, TerminalPort& port) {
  port.ask();
  for (;;) {
    port.acknowledge();
    if (const auto line = port.line()) {
      const std::string text = line->end ? "END" : std::string(line->text);
      if (!line->end) port.accept(line->number);
      hal.consume(2);
      return text;
    }
    hal.idle(hal::never);
  }
}

}  // namespace

TEST_CASE("a record takes the time of its characters, and is shown at their end") {
  Bench bench(terminal());
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = take(hal);
    CHECK(port.owner() == TerminalPort::Owner::this_port);
    const std::uint64_t said = hal.now();
    CHECK(port.show({.number = 1, .text = "hello"}));
    CHECK_FALSE(port.show({.number = 2, .text = "more"}));
    sleep(hal, port);
    CHECK(hal.now() == said + 1 + 5 * character);
    CHECK(port.ended() == TerminalStatus::shown);
    CHECK_FALSE(port.ended());
    CHECK(port.last_number() == 1);
  });
  bench.machine.run(10'000);
  CHECK(bench.screen.text == "hello");
}

TEST_CASE("a record with the last number and label, or a lower number, is not shown again") {
  Bench bench(terminal());
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = take(hal);
    CHECK(show(hal, port, 7, 1, "a") == TerminalStatus::shown);
    CHECK(show(hal, port, 7, 1, "a") == TerminalStatus::shown);
    CHECK(show(hal, port, 7, 2, "b") == TerminalStatus::shown);  // another's
    CHECK(show(hal, port, 6, 9, "c") == TerminalStatus::shown);
    CHECK(show(hal, port, 7, 2, "b") == TerminalStatus::shown);
    CHECK(show(hal, port, 7, 1, "a") == TerminalStatus::shown);  // something was in between
    CHECK(show(hal, port, 8, 1, "d") == TerminalStatus::shown);
    CHECK(port.last_number() == 8);
  });
  bench.machine.run(10'000);
  CHECK(bench.screen.text == "abad");
}

TEST_CASE("who does not own the terminal shows nothing, asks in vain and takes no line") {
  Bench bench(terminal({{.cycle = 50, .text = "x"}, {.text = "y"}}));
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = *hal.terminals()[0];
    CHECK(port.owner() == TerminalPort::Owner::nobody);
    CHECK(show(hal, port, 1, 1, "no") == TerminalStatus::not_owner);
    port.ask();
    hal.consume(500);
    REQUIRE(port.line());
    port.accept(1);
    hal.consume(500);
    CHECK(port.line()->number == 1);
    CHECK(port.line()->text == "x");
  });
  bench.machine.run(10'000);
  CHECK(bench.screen.text == "[x]");  // its own time had come
}

TEST_CASE("a record that has begun is shown whole though its CPU loses the terminal") {
  Bench bench(terminal());
  std::optional<TerminalStatus> lost;
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = take(hal);
    lost = show(hal, port, 1, 1, "first");
  });
  bench.machine.set_firmware(1, [&](hal::Hal& hal) {
    hal.consume(20);
    TerminalPort& port = take(hal);
    CHECK(show(hal, port, 1, 1, "first") == TerminalStatus::shown);
    CHECK(show(hal, port, 2, 1, "second") == TerminalStatus::shown);
  });
  bench.machine.run(10'000);
  CHECK(lost == TerminalStatus::ownership_lost);
  CHECK(bench.screen.text == "firstsecond");
}

TEST_CASE("a record that has begun is shown whole though its CPU halts") {
  Bench bench(terminal());
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = take(hal);
    hal.idle(100);
    port.show({.number = 1, .text = "whole"});
    hal.idle(hal::never);
  });
  bench.machine.at(101 + 2 * character, [&] { bench.machine.halt(0); });
  bench.machine.run(10'000);
  CHECK(bench.screen.text == "whole");
  CHECK(bench.screen.shown_at == std::vector<std::uint64_t>{101 + 5 * character});
}

TEST_CASE("a record that a CPU said in the cycle in which it halts is not shown") {
  Bench bench(terminal());
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = take(hal);
    hal.idle(100);
    port.show({.number = 1, .text = "never"});
    hal.idle(hal::never);
  });
  bench.machine.at(101, [&] { bench.machine.halt(0); });
  bench.machine.run(10'000);
  CHECK(bench.screen.text.empty());
}

TEST_CASE("lines without a time come when asked for, others in their cycle or behind the last") {
  Bench bench(terminal({{.text = "ab"}, {.cycle = 1000, .text = "c"}, {.cycle = 1001, .text = "d"},
                        {.text = ""}}));
  std::vector<std::string> lines;
  std::vector<std::uint64_t> asked;
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = take(hal);
    hal.idle(200);
    for (int i = 0; i < 6; ++i) {
      if (i == 1) hal.idle(2000);
      asked.push_back(hal.now());
      lines.push_back(next_line(hal, port));
    }
  });
  bench.machine.run(10'000);
  CHECK(lines == std::vector<std::string>{"ab", "c", "d", "", "END", "END"});
  CHECK(bench.screen.ends == 1);
  REQUIRE(bench.screen.begun_at.size() == 4);
  CHECK(bench.screen.begun_at[0] == asked[0] + 1);
  CHECK(bench.screen.begun_at[1] == 1000);
  CHECK(bench.screen.begun_at[2] == 1000 + 2 * character);  // has typed the one before
  CHECK(bench.screen.begun_at[3] == asked[3] + 1);
  CHECK(bench.screen.typed_at[0] == asked[0] + 1 + 3 * character);
}

TEST_CASE("a line that was not accepted is there for the other CPU, an accepted one is not") {
  Bench bench(terminal({{.text = "one"}, {.text = "two"}}));
  std::string second;
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = take(hal);
    CHECK(next_line(hal, port) == "one");
    port.ask();
    while (!port.line()) sleep(hal, port);
    CHECK(port.line()->number == 2);
  });
  bench.machine.set_firmware(1, [&](hal::Hal& hal) {
    hal.idle(5000);
    TerminalPort& port = take(hal);
    port.accept(1);  // again: nothing comes of it
    hal.consume(2);
    second = next_line(hal, port);
    CHECK(next_line(hal, port) == "END");
  });
  bench.machine.run(10'000);
  CHECK(second == "two");
}

TEST_CASE("who types at a terminal of his own is asked once for each line, and at the end") {
  TerminalConfig config = terminal({{.text = "not this"}});
  unsigned calls = 0;
  config.typist = [&]() -> std::optional<std::string> {
    if (++calls > 2) return {};
    return "line " + std::to_string(calls);
  };
  Bench bench(config);
  std::vector<std::string> lines;
  bench.machine.set_firmware(0, [&](hal::Hal& hal) {
    TerminalPort& port = take(hal);
    for (int i = 0; i < 4; ++i) lines.push_back(next_line(hal, port));
  });
  bench.machine.run(10'000);
  CHECK(lines == std::vector<std::string>{"line 1", "line 2", "END", "END"});
  CHECK(calls == 3);
}

TEST_CASE("a terminal needs two CPUs that there are, and time for its characters") {
  Machine machine{fabric()};
  TerminalConfig config = terminal();
  config.cpus = {1, 1};
  CHECK_THROWS_AS(machine.add_terminal(config), std::invalid_argument);
  config.cpus = {0, 2};
  CHECK_THROWS_AS(machine.add_terminal(config), std::invalid_argument);
  config = terminal();
  config.character_cycles = 0;
  CHECK_THROWS_AS(machine.add_terminal(config), std::invalid_argument);
}
