// The terminal process by itself: its requests, their errors, and readers that go.
#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "firmware/filesystem/file_system.h"
#include "firmware/kernel.h"
#include "firmware/program/command.h"
#include "firmware/program/counter.h"
#include "firmware/program/startup.h"
#include "firmware/program/terminal_server.h"
#include "model/machine.h"

namespace {

using namespace xybus;
using contract::Error;
using Body = std::function<Task<>(Guardian&)>;

/// CHECK evaluates its expression twice when there is a co_await in it.
#define CHECK_ERROR(task, expected)     \
  do {                                  \
    const Error error_ = co_await task; \
    CHECK(error_ == expected);          \
  } while (false)

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// A terminal on CPUs 0 and 1, its process on 0, and users on 2.
class TerminalRig : public TerminalObserver {
 public:
  explicit TerminalRig(std::vector<TypedLine> lines) : machine(config()) {
    machine.add_terminal(
        {.name = "$T", .cpus = {0, 1}, .character_cycles = 10, .lines = std::move(lines)});
    machine.terminal(0).set_observer(this);
    programs_.add("terminal", [](Guardian& guardian) -> Task<> {
      TerminalServer server(guardian, "terminal", 0b011);
      co_await server.run();
    });
    programs_.add("counter", [](Guardian& guardian) -> Task<> {
      Counter counter(guardian, {.program = "counter", .backup_cpus = 0b011});
      co_await counter.run();
    });
    add_command(programs_);
    for (unsigned cpu = 0; cpu < 3; ++cpu)
      machine.set_firmware(cpu, [this, cpu](hal::Hal& hal) { boot(cpu, hal); });
    perform(2, [](Guardian& guardian) -> Task<> {
      const auto made = co_await guardian.newprocess(
          {.program = "terminal", .name = *ProcessName::parse("$T"), .cpu = 0});
      if (made.error != Error::none) throw Abend{};
    });
    run_until([this] { return entry() != nullptr && entry()->backup; });
    machine.run(machine.cycle() + 50'000);
  }
  ~TerminalRig() override { machine.finish(); }

  Process& create(unsigned cpu, Body body) {
    if (kernels_[cpu] == nullptr) machine.run(1000);
    Kernel& kernel = *kernels_[cpu];
    return kernel.dispatcher().create("user", 100, [&kernel, body](Process& self) {
      return body(kernel.control().guardian(self));
    });
  }
  void perform(unsigned cpu, Body body) {
    bool done = false;
    create(cpu, [&](Guardian& guardian) -> Task<> {
      co_await body(guardian);
      done = true;
    });
    run_until([&] { return done; });
  }
  void run_until(const std::function<bool()>& done, std::uint64_t most = 5'000'000) {
    const std::uint64_t end = machine.cycle() + most;
    while (!done() && machine.cycle() < end) machine.run(machine.cycle() + 500);
    REQUIRE(done());
  }
  const DctEntry* entry(std::string_view name = "$T") {
    return kernels_[2]->control().dct().lookup(*ProcessName::parse(name));
  }

  void shown(unsigned, unsigned cpu, std::uint64_t, std::string_view text) override {
    screen += text;
    shown_by = cpu;
  }
  void begun(unsigned, std::uint64_t, const std::optional<std::string>&) override {}
  void typed(unsigned, std::uint64_t, std::string_view text) override {
    screen += "[" + std::string(text) + "]";
  }

  std::string screen;
  unsigned shown_by = 9;

 private:
  static FabricConfig config() {
    FabricConfig config;
    config.kind = FabricKind::tlm;
    config.nodes = 3;
    return config;
  }
  void boot(unsigned cpu, hal::Hal& hal) {
    KernelConfig config;
    config.cpu = cpu;
    config.cpus = 3;
    config.alive_interval = 20'000;
    config.programs = &programs_;
    Kernel kernel(hal, config);
    struct Known {
      Kernel*& kernel;
      ~Known() { kernel = nullptr; }
    } known{kernels_[cpu] = &kernel};
    kernel.run();
  }

  ProgramLibrary programs_;
  std::array<Kernel*, 3> kernels_{};

 public:
  Machine machine;
};

Task<FileNumber> open(Guardian& guardian) {
  const Opened opened = co_await files(guardian).open("$T", {.sync_depth = 1});
  CHECK(opened.error == Error::none);
  co_return opened.file;
}

Task<Error> write(Guardian& guardian, FileNumber file, std::string_view text) {
  const IoResult result = co_await files(guardian).write(file, bytes_of(text));
  co_return result.error;
}

/// "text" or "error N".
Task<std::string> ask(Guardian& guardian, FileNumber file, std::string_view prompt,
                      std::size_t room = 80) {
  std::vector<std::byte> in(room);
  const IoResult read = prompt.empty()
                            ? co_await files(guardian).read(file, in)
                            : co_await files(guardian).writeread(file, bytes_of(prompt), in);
  if (read.error != Error::none)
    co_return "error " + std::to_string(static_cast<unsigned>(read.error));
  co_return std::string(reinterpret_cast<const char*>(in.data()), read.bytes);
}

}  // namespace

TEST_CASE("write shows a line, writeread a prompt and gives the next line, read gives one, then "
          "comes the end of file") {
  TerminalRig rig({{.text = "one"}, {.text = "two"}, {.text = "three words long"}});
  std::vector<std::string> lines;
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    const FileNumber file = co_await open(guardian);
    CHECK_ERROR(write(guardian, file, "hello"), Error::none);
    lines.push_back(co_await ask(guardian, file, "? "));
    lines.push_back(co_await ask(guardian, file, ""));
    lines.push_back(co_await ask(guardian, file, "cut: ", 5));
    lines.push_back(co_await ask(guardian, file, "? "));
    lines.push_back(co_await ask(guardian, file, ""));
  });
  CHECK(lines == std::vector<std::string>{"one", "two", "three", "error 1", "error 1"});
  CHECK(rig.screen == "hello\n? [one][two]cut: [three words long]? ");
}

TEST_CASE("what is no request of a terminal, or is too long for it, is refused") {
  TerminalRig rig({});
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    const FileNumber file = co_await open(guardian);
    const std::string text(TerminalServer::most_characters, 'x');
    CHECK_ERROR(write(guardian, file, std::string_view(text).substr(1)), Error::none);
    CHECK_ERROR(write(guardian, file, text), Error::bounds);
    const IoResult control = co_await files(guardian).control(file, 1);
    CHECK(control.error == Error::invalid_operation);
    CHECK_ERROR(files(guardian).create("$T.FILE"), Error::invalid_operation);
  });
  CHECK(rig.screen == std::string(4095, 'x') + "\n");
}

TEST_CASE("a reader that is stopped while it waits takes no line with it") {
  TerminalRig rig({{.cycle = 1'000'000, .text = "for the other"}});
  Process& first = rig.create(2, [](Guardian& guardian) -> Task<> {
    const FileNumber file = co_await open(guardian);
    co_await ask(guardian, file, "first? ");
    FAIL("it was stopped");
  });
  rig.run_until([&] { return rig.screen == "first? "; });
  REQUIRE(rig.machine.cycle() < 900'000);
  std::string line;
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    guardian.dispatcher().stop(first);
    line = co_await ask(guardian, co_await open(guardian), "second? ");
  });
  CHECK(line == "for the other");
  CHECK(rig.screen == "first? second? [for the other]");
}

TEST_CASE("a read that is waiting when the primary's CPU fails goes on at the backup, and its "
          "prompt is not shown again") {
  TerminalRig rig({{.cycle = 1'500'000, .text = "late"}});
  std::string line;
  bool done = false;
  rig.create(2, [&](Guardian& guardian) -> Task<> {
    const FileNumber file = co_await open(guardian);
    line = co_await ask(guardian, file, "? ");
    CHECK_ERROR(write(guardian, file, "bye"), Error::none);
    done = true;
  });
  rig.run_until([&] { return rig.screen == "? "; });
  CHECK(rig.shown_by == 0);
  rig.machine.halt(0);
  rig.run_until([&] { return done; });
  CHECK(line == "late");
  CHECK(rig.screen == "? [late]bye\n");
  CHECK(rig.shown_by == 1);
}

TEST_CASE("a new process under the name of a terminal shows all that it is given") {
  TerminalRig rig({});
  const auto write_line = [&](std::string text) {
    rig.perform(2, [&](Guardian& guardian) -> Task<> {
      const FileNumber file = co_await open(guardian);
      CHECK_ERROR(write(guardian, file, text), Error::none);
    });
  };
  write_line("a");
  write_line("b");
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    const DctEntry pair = *rig.entry();
    CHECK_ERROR(guardian.stop(pair.backup), Error::none);
    CHECK_ERROR(guardian.stop(pair.primary), Error::none);
    while (rig.entry() != nullptr) co_await guardian.process().wait(contract::EventBit{}, 1000);
    const auto made = co_await guardian.newprocess(
        {.program = "terminal", .name = *ProcessName::parse("$T"), .cpu = 1});
    CHECK(made.error == Error::none);
  });
  write_line("c");
  CHECK(rig.screen == "a\nb\nc\n");
  CHECK(rig.shown_by == 1);
}

TEST_CASE("a pair that is stopped by its name is gone, though its primary makes another backup") {
  TerminalRig rig({{.cycle = 1'000'000, .text = "stop $C"}});
  const auto startup = Startup{.in = "$T", .out = "$T"}.save();
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    const auto counter = co_await guardian.newprocess(
        {.program = "counter", .name = *ProcessName::parse("$C"), .cpu = 0});
    CHECK(counter.error == Error::none);
    const auto command =
        co_await guardian.newprocess({.program = "command", .startup = *startup});
    CHECK(command.error == Error::none);
  });
  rig.run_until([&] { return rig.entry("$C") != nullptr && rig.entry("$C")->backup; });
  rig.run_until([&] { return rig.screen == "> [stop $C]> "; });
  CHECK(rig.entry("$C") == nullptr);
  rig.machine.run(rig.machine.cycle() + 500'000);
  CHECK(rig.entry("$C") == nullptr);
}

TEST_CASE("a startup message is read as it was written, and has to fit into 596 bytes") {
  const Startup all{.defaults = "$DATA1", .in = "$TERM1", .out = "$S.#LP", .parameters = "a b"};
  const auto bytes = all.save();
  REQUIRE(bytes);
  CHECK(bytes->size() == 16 + 24 + 24 + 3);
  CHECK(Startup::load(*bytes) == all);
  CHECK_FALSE(Startup::load(std::span(*bytes).first(63)));
  CHECK(Startup{.parameters = std::string(528, 'x')}.save()->size() == 592);
  CHECK_FALSE(Startup{.parameters = std::string(529, 'x')}.save());
  CHECK_FALSE(Startup{.in = std::string(25, 'x')}.save());
}
