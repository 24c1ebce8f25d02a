// Every shipped scenario does what its first line says.
#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;

namespace {

CommandRun good_run(const std::string& scenario, const std::string& arguments = "",
                    const std::vector<std::string>& more_checks = {}) {
  CommandRun run = run_command(scenario, arguments);
  INFO(run.errors);
  REQUIRE(run.status == 0);
  CHECK(run.summary["outcome"] == "good");
  const auto& messages = run.summary["messages"];
  CHECK(messages["lost"] == 0);
  CHECK(messages["duplicated"] == 0);
  CHECK(messages["corrupted"] == 0);
  CHECK(messages["sent"] == messages["delivered"].get<int>() + messages["failed"].get<int>());
  std::vector<std::string> checks;
  for (const auto& check : run.summary["checks"]) checks.push_back(check["name"]);
  std::vector<std::string> expected{"scoreboard", "protocol.x", "protocol.y", "liveness",
                                    "workload", "views"};
  expected.insert(expected.end(), more_checks.begin(), more_checks.end());
  expected.insert(expected.end(), {"reference.x", "reference.y", "leaks"});
  CHECK(checks == expected);
  return run;
}

}  // namespace

TEST_CASE("ping: every message comes and goes, over both buses") {
  const auto run = good_run("ping");
  CHECK(run.summary["messages"]["delivered"] == 500);
  CHECK(run.summary["messages"]["failed"] == 0);
  for (const char* bus : {"x", "y"}) {
    CHECK(run.summary["bus"][bus]["packets"] > 400);
    CHECK(run.summary["bus"][bus]["retries"] == 0);
  }
}

TEST_CASE("stream: large messages use both buses well") {
  const auto run = good_run("stream");
  CHECK(run.summary["messages"]["delivered"] == 200);
  std::uint64_t payload = 0;
  for (const char* bus : {"x", "y"}) {
    payload += run.summary["bus"][bus]["payload_bytes"].get<std::uint64_t>();
    CHECK(run.summary["bus"][bus]["payload_efficiency"] > 0.8);
  }
  CHECK(payload > 200 * 4096);
}

TEST_CASE("one-bus: a stream fills most of the bus that is left") {
  const auto run = good_run("one-bus");
  CHECK(run.summary["messages"]["delivered"] == 200);
  const auto& x = run.summary["bus"]["x"];
  // One flow waits for the answer of each packet: 64 words of payload in 68 + 4 cycles, 89 %.
  CHECK(x["utilisation"].get<double>() * x["payload_efficiency"].get<double>() > 0.83);
  CHECK(run.summary["bus"]["y"]["payload_bytes"] == 0);
}

TEST_CASE("all-to-all: sixteen CPUs at once, nothing lost") {
  const auto run = good_run("all-to-all");
  CHECK(run.summary["messages"]["delivered"] == 16 * 200);
}

TEST_CASE("all-to-all: every pattern ends well") {
  for (const char* pattern : {"hotspot", "transpose", "bit-complement", "tornado"}) {
    const auto run = good_run("all-to-all", std::string("--set workload.0.count=50 --set "
                                                        "workload.0.pattern=") + pattern);
    CHECK(run.summary["messages"]["delivered"] == 16 * 50);
  }
}

TEST_CASE("faulty-pair: neither a dead bus nor a noisy one makes a CPU leave the view") {
  // In full it is 10,000 intervals long: xybus run faulty-pair.
  const auto run = good_run("faulty-pair", "--fabric rtl --set workload.0.count=50");
  CHECK(run.summary["messages"]["failed"] == 0);
  for (const auto& check : run.summary["checks"]) {
    if (check["name"] == "views") CHECK(check["detail"] == "0 changes of the view");
  }
}

TEST_CASE("bus-x-dies: Y carries everything, nothing is lost") {
  const auto run = good_run("bus-x-dies");
  CHECK(run.summary["messages"]["delivered"] == 8 * 200);
  CHECK(run.summary["messages"]["failed"] == 0);
  CHECK(run.summary["bus"]["x"]["no_answers"] > 0);
  CHECK(run.summary["bus"]["y"]["packets"] > run.summary["bus"]["x"]["packets"]);
  CHECK(run.summary["faults"][0]["effect"].get<std::string>().find("not answered") !=
        std::string::npos);
}

TEST_CASE("noisy-bus: corrupt packets are sent again, nothing is lost or duplicated") {
  const auto run = good_run("noisy-bus");
  CHECK(run.summary["messages"]["delivered"] == 8 * 200);
  CHECK(run.summary["messages"]["failed"] == 0);
  for (const char* bus : {"x", "y"}) {
    CHECK(run.summary["bus"][bus]["crc_errors"] > 0);
    CHECK(run.summary["bus"][bus]["retries"] >= run.summary["bus"][bus]["crc_errors"]);
  }
}

namespace {

/// Cycle of the first event of a kind at a place of the machine; 0: there is none.
std::uint64_t first_cycle(const CommandRun& run, const std::string& at, const std::string& event) {
  const auto events = run.events_of(at, event);
  return events.empty() ? 0 : events[0]["cycle"].get<std::uint64_t>();
}

}  // namespace

TEST_CASE("cpu-restarts: a CPU that is back serves again, with another epoch, on both fabrics") {
  const std::string fabric = GENERATE(as<std::string>{}, "rtl", "tlm");
  const auto run = run_command("cpu-restarts", "--status --fabric " + fabric);
  INFO(run.errors);
  REQUIRE(run.status == 0);
  CHECK(first_cycle(run, "fault", "cpu_halt") == 200'000);
  CHECK(first_cycle(run, "fault", "cpu_restart") == 500'000);
  const std::uint64_t up = first_cycle(run, "cpu0", "cpu_up");
  CHECK(up > 500'000);
  CHECK(up < 560'000);
  // CPU 0 sends to no other CPU: what its client was told.
  unsigned before = 0;
  unsigned failed = 0;
  unsigned served = 0;
  unsigned failed_later = 0;
  for (const auto& its : run.events_of("cpu0", "link_done")) {
    const std::uint64_t cycle = its["cycle"];
    const bool good = its["error"] == "none";
    if (cycle < 200'000) before += good;
    else if (cycle < up) failed += !good;
    else (good ? served : failed_later) += 1;
  }
  CHECK(before > 5);
  CHECK(failed > 0);  // later ones are refused at once, which is no event
  CHECK(run.summary["messages"]["failed"] > 10);
  CHECK(served > 30);
  CHECK(failed_later == 0);
  CHECK(run.summary["messages"]["lost"] == 0);
  const auto& status = run.summary["status"];
  CHECK(status[3]["halted"] == false);
  CHECK(status[3]["epoch"] == 1);
  CHECK(status[0]["epoch"] == 0);
}

TEST_CASE("cpu-restarts: tlm's digest does not depend on skipping and bursts") {
  const auto plain = run_command("cpu-restarts", "--fabric tlm");
  const auto single = run_command("cpu-restarts", "--fabric tlm --no-bursts --no-skip");
  CHECK(plain.status == 0);
  CHECK(plain.summary["digest"] == single.summary["digest"]);
}

TEST_CASE("a cpu-restart brings back a CPU that a cpu-halt has stopped") {
  const std::string fabric = GENERATE(as<std::string>{}, "rtl", "tlm");
  const auto run = run_command(scenario_file(R"(
[system]
cpus = 4
alive = "200 us"
[limits]
time = "50 ms"
[[workload]]
kind = "ping"
from = 0
to = 3
bytes = 200
count = 100
pause = "50 us"
[[fault]]
kind = "cpu-halt"
cpu = 3
at = "1 ms"
[[fault]]
kind = "cpu-restart"
cpu = 3
at = "2 ms"
for = "1 us"
)"), "--fabric " + fabric);
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK(first_cycle(run, "fault", "cpu_halt") == 100'000);
  CHECK(first_cycle(run, "fault", "cpu_restart") == 200'100);
  CHECK(run.summary["messages"]["failed"] > 5);
  CHECK(run.summary["messages"]["delivered"] > 50);
}

TEST_CASE("rogue-node: what a node does wrong is kept from the others, and counted") {
  const auto run = good_run("rogue-node", "--status");
  const auto& messages = run.summary["messages"];
  CHECK(messages["delivered"] >= 7 * 150);
  CHECK(messages["failed"] <= 100);  // those of the rogue itself
  std::uint64_t offences = 0;
  for (const char* bus : {"x", "y"}) {
    offences += run.summary["bus"][bus]["offences"].get<std::uint64_t>();
    CHECK(run.summary["bus"][bus]["cut_packets"] > 0);
  }
  CHECK(offences > 0);
  for (const auto& fault : run.summary["faults"]) {
    const std::string effect = fault["effect"];
    INFO(fault.dump());
    CHECK(effect.find("caught") != std::string::npos);
    CHECK(effect.find("caught 0 times") == std::string::npos);
  }
  // The guardians tell every node.
  const auto& status = run.summary["status"];
  REQUIRE(status.size() == 8);
  for (unsigned cpu = 0; cpu < 7; ++cpu) {
    CHECK(status[cpu]["halted"] == false);
    CHECK(status[cpu]["bus"]["x"]["guardian"]["offender"] == 7);
  }
  CHECK(status[7]["halted"] == true);
}

TEST_CASE("cpu-dies: every requestor gets an error, none hangs") {
  const auto run = good_run("cpu-dies");
  CHECK(run.summary["messages"]["failed"] > 0);
  CHECK(run.summary["messages"]["sent"] == 600);
}

// A ping between two CPUs, and what is done to it.
std::string ping_with(const std::string& fault) {
  return scenario_file(R"(
[system]
cpus = 2
[limits]
time = "50 ms"
[[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 500
[[fault]]
)" + fault);
}

TEST_CASE("both buses dead: every message ends with an error, none hangs") {
  const auto run = good_run(ping_with("kind = 'bus-down'\nat_cycle = 20000\n"));
  CHECK(run.summary["messages"]["delivered"] > 0);
  const auto& messages = run.summary["messages"];
  CHECK(messages["failed"] > 0);
  CHECK(messages["sent"] == messages["delivered"].get<int>() + messages["failed"].get<int>());
  CHECK(run.events.find("own_bus_failed") != std::string::npos);  // and CPUs halt
}

// Paths are raised at each I'm-alive interval, of 1 ms.
TEST_CASE("X down for a moment and Y 3 ms later: no message fails") {
  const auto run = good_run(scenario_file(R"(
[system]
cpus = 4
[limits]
time = "200 ms"
[[workload]]
kind = "all-to-all"
bytes = 300
count = 1000
[[fault]]
kind = "bus-down"
bus = "x"
at = "100 us"
until = "120 us"
[[fault]]
kind = "bus-down"
bus = "y"
at = "3100 us"
until = "3120 us"
)"));
  CHECK(run.summary["messages"]["delivered"] == 4 * 1000);
  CHECK(run.summary["messages"]["failed"] == 0);
  CHECK(run.summary["cycles"] > 320'000);
  for (const char* bus : {"x", "y"}) CHECK(run.summary["bus"][bus]["no_answers"] > 0);
}

TEST_CASE("a fault at a cycle beyond all time never comes") {
  const auto run = good_run(ping_with("kind = 'bus-down'\nat_cycle = 1844674407371956\n"));
  CHECK(run.summary["messages"]["delivered"] == 500);
}

TEST_CASE("a lost answer is answered again, and the message is not delivered twice") {
  const auto run = good_run(ping_with("kind = 'answer-drop'\nprobability = 0.01\n"));
  CHECK(run.summary["messages"]["delivered"] == 500);
  CHECK(run.summary["bus"]["x"]["no_answers"].get<int>() +
            run.summary["bus"]["y"]["no_answers"].get<int>() > 0);
}

TEST_CASE("a lost packet is sent again") {
  const auto run = good_run(ping_with("kind = 'packet-drop'\nwhen = 'packet 3 from 1 on x'\n"));
  CHECK(run.summary["messages"]["delivered"] == 500);
  // By the bus that has not failed.
  CHECK(run.summary["bus"]["x"]["retries"] == 0);
  CHECK(run.summary["bus"]["y"]["retries"] == 1);
  CHECK(run.summary["faults"][0]["effect"].get<std::string>().find("1 packet hit") !=
        std::string::npos);
}

// Evenly from 0 to twice the mean: the sum of n has a standard deviation of mean * sqrt(n / 3),
// here
// 8.2 means. Five of them are chance enough, and a pause of another mean is far outside.
TEST_CASE("pause: a client's sends are as far apart on average as the scenario says") {
  const auto run = run_command(
      "ping", "--fabric tlm --set workload.0.count=200 --set 'workload.0.pause=\"100 us\"' "
              "--set 'limits.time=\"1 s\"'");
  REQUIRE(run.status == 0);
  const double means = run.summary["cycles"].get<double>() / 10'000;
  CHECK(means > 199 - 5 * 8.2);
  CHECK(means < 199 + 5 * 8.2 + 1);
}

TEST_CASE("pause: the watchdog waits for workloads that pause longer than it otherwise waits") {
  const auto run = run_command(
      "ping", "--fabric tlm --set workload.0.count=10 --set 'workload.0.pause=\"20 ms\"' "
              "--set 'limits.time=\"1 s\"'");
  CHECK(run.status == 0);
  CHECK(run.summary["cycles"] > 5'000'000);
  CHECK(run.summary["messages"]["delivered"] == 10);
}

TEST_CASE("saturated: both buses carry a word in more than 96 of 100 cycles") {
  const auto run = run_command("saturated", "--fabric tlm");
  REQUIRE(run.status == 0);
  const double cycles = run.summary["cycles"];
  CHECK(run.summary["bus"]["x"]["busy_cycles"] > 0.96 * cycles);
  CHECK(run.summary["bus"]["y"]["busy_cycles"] > 0.96 * cycles);
}

TEST_CASE("updates: what is acknowledged is everywhere, whoever dies, on both fabrics") {
  const std::string fabric = GENERATE(as<std::string>{}, "rtl", "tlm");
  const auto run = run_command("updates", "--fabric " + fabric);
  INFO(run.errors);
  REQUIRE(run.status == 0);
  const std::string detail = run.detail_of("replicas");
  INFO(detail);
  // CPUs 2 and 3 see all of theirs through.
  CHECK(std::stoi(detail.substr(detail.find("sent, ") + 6)) >= 80);
  CHECK(detail.find("1 CPUs loaded") != std::string::npos);
  CHECK(run.detail_of("views").find("4 changes of the view; 1 times") == 0);
}

TEST_CASE("membership: every death and every return is agreed on in time") {
  const auto run = good_run("membership", "", {"membership"});
  const std::string detail = run.detail_of("membership");
  INFO(detail);
  CHECK(detail.find("10 deaths agreed on within ") == 0);
  CHECK(detail.find(", 10 returns within ") != std::string::npos);
}

TEST_CASE("membership: messages of a CPU's 1,100th incarnation are told from all before") {
  const auto run = run_command(scenario_file(R"(
[system]
cpus = 2
alive = "200 us"
[[workload]]
kind = "membership"
rounds = 1100
off = ["10 us", "10 us"]
stable = "200 us"
bytes = 0
pause = "100 us"
)"), "--fabric tlm");
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK(run.detail_of("membership").find(", 1100 returns within ") != std::string::npos);
  CHECK(run.detail_of("workload") == "membership");
}

TEST_CASE("membership: with all, too few are left in the end, and nobody is waited for") {
  const auto run = run_command("membership", "--fabric tlm --set workload.0.all=true --set "
                                             "workload.0.stable=\"100 us\"");
  INFO(run.errors);
  CHECK(run.status == 0);
}
