// A CPU that runs hostile firmware, on both fabrics: the others come to no harm.
#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;

namespace {

/// 1,000,000 cycles of hostility by CPU 3, while the others send by all kinds of link.
std::string scenario(const std::string& view) {
  return scenario_file(R"(
[system]
cpus = 4
[limits]
time = "30 ms"
complete_by = "25 ms"
[[workload]]
kind = "all-to-all"
cpus = [0, 1, 2]
bytes = 3000
count = 30
pause = "400 us"
[[workload]]
kind = "links"
from = [0, 2]
to = 1
requestors = 2
count = 30
max_bytes = 9000
window = 3
pause = "300 us"
depth = 3
cancels = 0.3
[[workload]]
kind = "stream"
from = 1
to = 0
bytes = 20000
count = 30
window = 2
pause = "330 us"
[[fault]]
kind = "hostile-cpu"
cpu = 3
view = ")" + view + "\"\nat = \"20 us\"\n");
}

/// Of 90, 120 and 30 messages none is lost or fails, and no check complains.
CommandRun unharmed(const std::string& view, const std::string& arguments) {
  const CommandRun run = run_command(scenario(view), arguments);
  INFO(arguments << '\n' << run.errors);
  REQUIRE(run.status == 0);
  const auto messages = run.summary["messages"];
  CHECK(messages["sent"] == 240);
  CHECK(messages["delivered"].get<int>() + messages["cancelled"].get<int>() == 240);
  for (const char* name : {"failed", "lost", "duplicated", "corrupted"}) {
    CHECK(messages[name] == 0);
  }
  CHECK(run.summary["cycles"] > 1'000'000);
  CHECK_THAT(run.summary["faults"][0]["effect"].get<std::string>(), Contains("answered refused"));
  return run;
}

}  // namespace

TEST_CASE("a hostile CPU that is not in the view is refused whatever it sends") {
  for (const std::string fabric : fabrics) {
    const CommandRun run = unharmed("outside", "--fabric " + fabric);
    // The three others agree that it is gone, and on nothing else. Its links are taken by nobody
    // but the CPU that is to load whoever wants to join.
    for (const std::string cpu : {"cpu1", "cpu2"}) {
      CHECK(occurrences(run.events, "\"at\":\"" + cpu +
                                        R"(","event":"link_queued","pin":2,"peer_cpu":3)") == 0);
    }
    CHECK(occurrences(run.events, R"("event":"view_changed")") == 3);
    CHECK(occurrences(run.events, R"("event":"cpu_down")") == 3);
    CHECK(occurrences(run.events, R"("event":"cpu_up")") == 0);
    CHECK(occurrences(run.events, R"("event":"halted")") == 0);
    for (const unsigned cpu : {0U, 1U, 2U}) {
      CHECK(run.summary["status"][cpu]["kernel"]["dropped_packets"]["refused"] > 10);
    }
  }
}

TEST_CASE("a hostile member that does not lie about the view harms no link of others") {
  for (const std::string fabric : fabrics) {
    const CommandRun run = unharmed("inside", "--fabric " + fabric);
    CHECK(occurrences(run.events, R"("event":"view_changed")") == 0);
    // It was there: requests of its got as far as to be refused, and to servers.
    CHECK(occurrences(run.events, R"("event":"link_refused")") > 100);
    CHECK(occurrences(run.events, R"("event":"link_listened","pin":2,"peer_cpu":3)") > 0);
  }
}

namespace {

/// CPU 3 turns hostile at cycle 10,000 for `how`; then `next` befalls it. The others talk for 5 ms.
CommandRun then(const std::string& how, const std::string& next, const std::string& arguments) {
  const std::string file = scenario_file(R"(
[system]
cpus = 4
alive = "200 us"
[limits]
time = "30 ms"
[[workload]]
kind = "all-to-all"
cpus = [0, 1, 2]
bytes = 300
count = 50
pause = "100 us"
[[fault]]
kind = "hostile-cpu"
cpu = 3
at = "100 us"
)" + how + '\n' + next);
  CommandRun run = run_command(file, arguments + " --reference");
  INFO(arguments << '\n' << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["messages"]["delivered"] == 150);
  return run;
}

/// Packets that CPU 3 sent, in whatever life.
std::size_t packets(const CommandRun& run) { return occurrences(run.events, "\"source\":3,"); }

std::string fault_on_3(const std::string& kind, const std::string& rest) {
  return "[[fault]]\nkind = \"" + kind + "\"\ncpu = 3\n" + rest;
}

}  // namespace

TEST_CASE("a hostile CPU that is started again runs a kernel, and joins") {
  for (const std::string fabric : fabrics) {
    const CommandRun run = then("", fault_on_3("cpu-restart", "at = \"1 ms\"\nfor = \"500 us\"\n"),
                                "--fabric " + fabric);
    CHECK(packets(run) > 0);
    CHECK(occurrences(run.events, R"("event":"cpu_restart")") == 1);
    // The others take it in, and it finds them.
    CHECK(occurrences(run.events, R"("event":"cpu_up")") == 6);
  }
}

TEST_CASE("a hostile CPU that is halted is silent") {
  for (const std::string fabric : fabrics) {
    const CommandRun all = then("for = \"900 us\"", "", "--fabric " + fabric);
    const CommandRun run =
        then("", fault_on_3("cpu-halt", "at = \"1 ms\"\n"), "--fabric " + fabric);
    CHECK(packets(run) > 0);
    CHECK(packets(run) == packets(all));
  }
}

TEST_CASE("a hostile CPU whose time is over before its firmware starts does nothing") {
  for (const std::string fabric : fabrics) {
    const CommandRun run = then("for = \"50 cycles\"", "", "--fabric " + fabric);
    CHECK(packets(run) == 0);
    CHECK(occurrences(run.events, R"("event":"fault_end")") == 1);
  }
}

TEST_CASE("hostile CPUs of several seeds find no hole") {
  for (const std::string view : {"outside", "inside"}) {
    for (unsigned seed = 2; seed < 8; ++seed) {
      unharmed(view, "--fabric tlm --seed " + std::to_string(seed));
    }
  }
}
