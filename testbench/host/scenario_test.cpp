#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "scenario/pattern.h"
#include "scenario/quantity.h"
#include "scenario/scenario.h"

using namespace xybus;

namespace {

// Lines 1 to 7; what a test adds starts at line 8.
const std::string machine = R"([system]
cpus = 4
clock = "100 MHz"
costs = "default"
[limits]
time = "10 ms"
# ----
)";

// Lines 8 to 13; the next line is 14.
const std::string workload = R"([[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 1000
)";
const std::string with_ping = machine + workload;

std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse_scenario(text, "s.toml", overrides);
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no error";
}

FaultSpec fault_of(const std::string& keys) {
  return parse_scenario(with_ping + "[[fault]]\n" + keys, "s.toml").faults.at(0);
}

std::string fault_error(const std::string& keys) {
  return error_of(with_ping + "[[fault]]\n" + keys);
}

}  // namespace

TEST_CASE("the scenario of the manual is read as it is written") {
  const Scenario s = parse_scenario(with_ping + R"([[fault]]
kind = "bus-down"
bus = "x"
at = "50 us"
until = "80 us"
)",
                                    "some/where/first.toml");
  CHECK(s.name == "first");
  CHECK(s.path == "some/where/first.toml");
  CHECK(s.system.cpus == 4);
  CHECK(s.system.clock_hz == 100e6);
  CHECK(s.system.costs == Costs::standard);
  CHECK(s.system.alive_interval_cycles == 100'000);
  CHECK(s.limit_cycles == 1'000'000);
  REQUIRE(s.workloads.size() == 1);
  const auto& ping = std::get<PingSpec>(s.workloads[0]);
  CHECK(ping.at.file == "some/where/first.toml");
  CHECK(ping.at.line == 8);
  CHECK(ping.from == 0);
  CHECK(ping.to == 1);
  CHECK(ping.bytes == 32);
  CHECK(ping.reply_bytes == 32);
  CHECK(ping.count == 1000);
  REQUIRE(s.faults.size() == 1);
  CHECK(s.faults[0].at.line == 14);
  CHECK(s.faults[0].kind == FaultKind::bus_down);
  CHECK(s.faults[0].bus == contract::BusId::x);
  CHECK(std::get<AtCycle>(s.faults[0].when).cycle == 5000);
  CHECK(s.faults[0].until_cycle == 8000);
}

TEST_CASE("every key of every workload is read") {
  const Scenario s = parse_scenario(R"([system]
name = "mine"
cpus = 16
clock = "0.25 GHz"
costs = "zero"
alive = "0 s"
[[workload]]
kind = "ping"
from = 3
to = 3
bytes = 0
reply_bytes = 65536
count = 1
[[workload]]
kind = "stream"
from = 1
to = 15
bytes = 1_000
count = 7
window = 64
[[workload]]
kind = "all-to-all"
bytes = 64
count = 20
window = 2
pattern = "bit-complement"
)",
                                    "s.toml");
  CHECK(s.name == "mine");
  CHECK(s.system.clock_hz == 250e6);
  CHECK(s.system.costs == Costs::zero);
  CHECK(s.system.alive_interval_cycles == 0);
  CHECK(s.limit_cycles == 2'500'000);
  REQUIRE(s.workloads.size() == 3);
  CHECK(std::get<PingSpec>(s.workloads[0]).reply_bytes == 65536);
  const auto& stream = std::get<StreamSpec>(s.workloads[1]);
  CHECK(stream.from == 1);
  CHECK(stream.to == 15);
  CHECK(stream.bytes == 1000);
  CHECK(stream.count == 7);
  CHECK(stream.window == 64);
  const auto& all = std::get<AllToAllSpec>(s.workloads[2]);
  CHECK(all.bytes == 64);
  CHECK(all.count == 20);
  CHECK(all.window == 2);
  CHECK(all.pattern == Pattern::bit_complement);
  CHECK(all.cpus.size() == s.system.cpus);
}

TEST_CASE("who takes part in an all-to-all can be listed") {
  const auto cpus = [](const std::string& list) {
    return parse_scenario("[system]\ncpus = 6\n[[workload]]\nkind = \"all-to-all\"\nbytes = 1\n"
                          "count = 1\n" + list, "s.toml");
  };
  using List = std::vector<unsigned>;
  CHECK(std::get<AllToAllSpec>(cpus("").workloads[0]).cpus == List{0, 1, 2, 3, 4, 5});
  CHECK(std::get<AllToAllSpec>(cpus("cpus = [5, 0, 2]\n").workloads[0]).cpus == List{0, 2, 5});
  const auto error = [&](const std::string& list) {
    try {
      cpus(list);
    } catch (const ScenarioError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const std::string expected = "; expected two CPUs or more, 0 to 5, each once";
  CHECK(error("cpus = [0, 6]\n") == "s.toml:7: cpus: there is no CPU 6" + expected);
  CHECK(error("cpus = [0, -1]\n") == "s.toml:7: cpus: there is no CPU -1" + expected);
  CHECK(error("cpus = [3]\n") == "s.toml:7: cpus has 1 entries, or one twice" + expected);
  CHECK(error("cpus = [3, 3]\n") == "s.toml:7: cpus has 2 entries, or one twice" + expected);
  CHECK(error("cpus = 3\n") ==
        "s.toml:7: cpus is an integer; expected a list: two CPUs or more, 0 to 5, each once");
  CHECK(error("cpus = [\"a\", 1]\n").find("expected a list") != std::string::npos);
}

TEST_CASE("links: what is not said has its default, and from is a CPU or a list") {
  const auto links = [](const std::string& keys) {
    return std::get<LinksSpec>(
        parse_scenario("[[workload]]\nkind = \"links\"\n" + keys, "s.toml").workloads[0]);
  };
  const LinksSpec least = links("from = 3\nto = 1\ncount = 2\nmax_bytes = 0\n");
  CHECK(least.from == std::vector{3U});
  CHECK(least.to == 1);
  CHECK(least.count == 2);
  CHECK(least.bytes == 0);
  CHECK(least.requestors == 8);
  CHECK(least.window == 4);
  CHECK(least.pause_cycles == 0);
  CHECK(least.work_cycles == 0);
  CHECK(least.depth == 4);
  CHECK(least.cancels == 0);
  const LinksSpec all = links("from = [2, 0]\nto = 2\nrequestors = 32\ncount = 1000000\n"
                              "max_bytes = 65536\nwindow = 64\npause = \"1 us\"\n"
                              "work = \"500 us\"\ndepth = 64\ncancels = 1\n");
  CHECK(all.from == std::vector{0U, 2U});
  CHECK(all.requestors == 32);
  CHECK(all.bytes == 65536);
  CHECK(all.window == 64);
  CHECK(all.pause_cycles == 100);
  CHECK(all.work_cycles == 50'000);
  CHECK(all.depth == 64);
  CHECK(all.cancels == 1);
}

TEST_CASE("links: a mistake is reported with its line and what was expected") {
  const auto error = [](const std::string& keys) {
    try {
      parse_scenario("[[workload]]\nkind = \"links\"\nto = 1\ncount = 2\nmax_bytes = 9\n" + keys,
                     "s.toml");
    } catch (const ScenarioError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(error("") == "s.toml:1: workload.0 has no from; expected from = a CPU, 0 to 3");
  CHECK(error("from = 4\n") == "s.toml:6: from = 4: there is no such CPU; expected 0 to 3");
  CHECK(error("from = []\n") ==
        "s.toml:6: from has 0 entries, or one twice; expected one CPU or more, 0 to 3, each once");
  CHECK(error("from = [0, 4]\n") ==
        "s.toml:6: from: there is no CPU 4; expected one CPU or more, 0 to 3, each once");
  CHECK(error("from = 0\nrequestors = 33\n") ==
        "s.toml:7: requestors = 33 is out of range; expected 1 to 32");
  CHECK(error("from = 0\ndepth = 0\n") ==
        "s.toml:7: depth = 0 is out of range; expected 1 to 64");
  CHECK(error("from = 0\ncancels = 1.5\n") ==
        "s.toml:7: cancels = 1.5 is out of range; expected 0 to 1");
  CHECK(error("from = 0\nwork = \"1 ms\"\n") ==
        "s.toml:7: work = \"1 ms\" is 100000 cycles; expected at most 50000 cycles");
  CHECK(error("from = 0\nbytes = 3\n").find("s.toml:7: unknown key \"bytes\" in workload.0") == 0);
}

TEST_CASE("updates: all CPUs have a client unless some are named, and sizes have their limits") {
  const auto read = [](const std::string& keys) {
    return std::get<UpdatesSpec>(
        parse_scenario("[[workload]]\nkind = \"updates\"\n" + keys, "s.toml").workloads[0]);
  };
  const UpdatesSpec least = read("bytes = 8\ncount = 1\n");
  CHECK(least.cpus == std::vector{0U, 1U, 2U, 3U});
  CHECK(least.bytes == 8);
  CHECK(least.count == 1);
  CHECK(least.pause_cycles == 0);
  const UpdatesSpec more = read("bytes = 1008\ncount = 5\npause = \"1 us\"\ncpus = [2]\n");
  CHECK(more.cpus == std::vector{2U});
  CHECK(more.bytes == 1008);
  CHECK(more.pause_cycles == 100);
  CHECK_THROWS_WITH(read("count = 1\nbytes = 7\n"),
                    "s.toml:4: bytes = 7 is out of range; expected 8 to 1008");
  CHECK_THROWS_WITH(read("bytes = 1009\ncount = 1\n"),
                    "s.toml:3: bytes = 1009 is out of range; expected 8 to 1008");
  std::string many;
  for (int i = 0; i < 9; ++i) many += "[[workload]]\nkind = \"updates\"\nbytes = 8\ncount = 1\n";
  CHECK_THROWS_WITH(parse_scenario(many, "s.toml"),
                    "s.toml:33: too many workloads of updates; expected 8 at most");
}

TEST_CASE("membership: rounds want times, none want an end, and mistakes have their line") {
  const auto read = [](const std::string& keys) {
    return std::get<MembershipSpec>(
        parse_scenario("[[workload]]\nkind = \"membership\"\n" + keys, "s.toml").workloads[0]);
  };
  const MembershipSpec some =
      read("rounds = 3\noff = [\"1 us\", \"2 ms\"]\nstable = \"1 ms\"\n");
  CHECK(some.count == 3);
  CHECK(some.least_off == 100);
  CHECK(some.most_off == 200'000);
  CHECK(some.stable_cycles == 100'000);
  CHECK_FALSE(some.all);
  CHECK(some.bytes == 32);
  CHECK(some.pause_cycles == 100'000 / 8);
  CHECK(read("rounds = 1\noff = [\"1 us\", \"1 us\"]\nstable = \"0 s\"\nall = true\n").all);
  const MembershipSpec drawn = read("rounds = 0\nuntil = \"5 ms\"\n");
  CHECK(drawn.count == 0);
  CHECK(drawn.until_cycle == 500'000);
  CHECK_THROWS_WITH(read("rounds = 0\n"),
                    Catch::Contains("s.toml:1: workload.0 has no until; expected until = "));
  CHECK_THROWS_WITH(read("rounds = 2\nuntil = \"5 ms\"\n"),
                    "s.toml:4: until contradicts rounds; expected it with rounds = 0 alone");
  for (const std::string key : {"off = [\"1 us\", \"2 ms\"]", "stable = \"1 ms\"", "all = true"}) {
    CHECK_THROWS_WITH(read("rounds = 0\nuntil = \"5 ms\"\n" + key + "\n"),
                      "s.toml:5: " + key.substr(0, key.find(' ')) + " is for rounds that there are "
                      "none of; expected it with rounds above 0 alone");
  }
  CHECK_THROWS_WITH(read("rounds = 2\noff = [\"0.5 us\", \"2 ms\"]\nstable = \"1 ms\"\n"),
                    "s.toml:4: off begins at 50 cycles; expected at least 100 cycles");
  CHECK_THROWS_WITH(
      read("rounds = 2\noff = [\"1 us\", \"2 ms\"]\nstable = \"1 ms\"\nall = 1\n"),
      "s.toml:6: all is an integer; expected true or false");
  CHECK_THROWS_WITH(read("rounds = 0\nuntil = \"5 ms\"\n[system]\nalive = \"0 s\"\n"),
                    "s.toml:1: membership without I'm-alive packets; expected system.alive other "
                    "than \"0 s\"");
  CHECK_THROWS_WITH(read("rounds = 0\nuntil = \"5 ms\"\n[[workload]]\nkind = \"membership\"\n"
                         "rounds = 0\nuntil = \"5 ms\"\n"),
                    "s.toml:5: a second workload of membership; expected one at most");
}

TEST_CASE("faults of a node name its CPU, and may end") {
  const Scenario s = parse_scenario(R"([[workload]]
kind = "ping"
from = 0
to = 1
bytes = 1
count = 1
[[fault]]
kind = "babbling-node"
cpu = 3
at_cycle = 100
until = "10 us"
[[fault]]
kind = "forged-source"
cpu = 2
when = "packet 3 on x"
[[fault]]
kind = "bus-hog"
cpu = 1
at_cycle = 5
)",
                                    "s.toml");
  REQUIRE(s.faults.size() == 3);
  CHECK(s.faults[0].kind == FaultKind::babbling_node);
  CHECK(s.faults[0].cpu == 3U);
  CHECK(s.faults[0].until_cycle == 1000U);
  CHECK(s.faults[1].kind == FaultKind::forged_source);
  CHECK_FALSE(s.faults[1].bus.has_value());
  CHECK(s.faults[2].kind == FaultKind::bus_hog);
  CHECK_FALSE(s.faults[2].until_cycle.has_value());
}

TEST_CASE("the word for each pattern, workload and fault is the one that is read") {
  for (const Pattern pattern : {Pattern::uniform, Pattern::hotspot, Pattern::transpose,
                                Pattern::bit_complement, Pattern::tornado}) {
    const Scenario s = parse_scenario("[[workload]]\nkind = \"all-to-all\"\nbytes = 1\ncount = 1\n"
                                      "pattern = \"" + std::string(name(pattern)) + "\"\n",
                                      "s.toml");
    CHECK(std::get<AllToAllSpec>(s.workloads[0]).pattern == pattern);
    CHECK(std::string(name(s.workloads[0])) == "all-to-all");
  }
  for (const FaultKind kind : {FaultKind::packet_corrupt, FaultKind::packet_drop,
                               FaultKind::answer_drop, FaultKind::bus_down, FaultKind::cpu_halt}) {
    const std::string cpu = kind == FaultKind::cpu_halt ? "cpu = 1\n" : "";
    const std::string word = name(kind);
    CHECK(fault_of("kind = \"" + word + "\"\nat_cycle = 9\n" + cpu).kind == kind);
  }
  CHECK(std::string(name(Costs::standard)) == "default");
  CHECK(std::string(name(Costs::zero)) == "zero");
}

TEST_CASE("every trigger of a fault is read") {
  CHECK(std::get<AtCycle>(fault_of("kind = \"cpu-halt\"\ncpu = 3\nat = \"1.5 us\"\n").when).cycle ==
        150);
  CHECK(fault_of("kind = \"cpu-halt\"\ncpu = 3\nat_cycle = 0\n").cpu == 3u);

  const FaultSpec third = fault_of("kind = \"packet-drop\"\nwhen = \"packet 3 from 1 on y\"\n");
  const auto& point = std::get<AtPacket>(third.when);
  CHECK(point.n == 3);
  CHECK(point.from == 1u);
  CHECK(point.bus == contract::BusId::y);
  CHECK(third.bus == contract::BusId::y);

  const FaultSpec any = fault_of("kind = \"bus-down\"\nbus = \"x\"\nwhen = \"packet 12 on y\"\n");
  CHECK_FALSE(std::get<AtPacket>(any.when).from.has_value());
  CHECK(any.bus == contract::BusId::x);

  const FaultSpec noise =
      fault_of("kind = \"packet-corrupt\"\nprobability = 0.02\nuntil = \"1 ms\"\n");
  CHECK(std::get<EachPacket>(noise.when).probability == 0.02);
  CHECK_FALSE(noise.bus.has_value());
  CHECK(noise.until_cycle == 100'000);
}

TEST_CASE("a file that is not TOML is reported with the line") {
  CHECK_THAT(error_of("[system]\ncpus = = 4\n"), Catch::StartsWith("s.toml:2: "));
  CHECK_THAT(error_of("[system]\ncpus 4\n"), Catch::StartsWith("s.toml:2: "));
  CHECK_THAT(error_of("[system]\ncpus = 4\ncpus = 5\n"), Catch::StartsWith("s.toml:3: "));
  CHECK_THAT(error_of("[system]\ncpus = 4\ncpus = 5\n"), !Catch::Contains("\n"));
  CHECK_THAT(error_of("[system]\ncpus = = 4\n"), Catch::EndsWith("; expected a TOML document"));
}

TEST_CASE("a scenario file that is not there is reported") {
  CHECK_THROWS_WITH(load_scenario("no/such.toml"),
                    "no/such.toml:1: cannot read it: No such file or directory; expected a "
                    "scenario file, such as scenarios/ping.toml");
  CHECK_THROWS_WITH(load_scenario("/"),
                    Catch::StartsWith("/:1: cannot read it: Is a directory; expected "));
}

TEST_CASE("an unknown key is reported with its line and the keys there are") {
  CHECK(error_of("[system]\ncpus = 4\ncluck = \"1 MHz\"\n") ==
        "s.toml:3: unknown key \"cluck\" in system, perhaps \"clock\"; expected name, profile, "
        "cpus, clock, costs, cost_scale, cost or alive");
  CHECK(error_of("[limits]\nfoo = 1\n") ==
        "s.toml:2: unknown key \"foo\" in limits; expected time or complete_by");
  CHECK(error_of(with_ping + "[machine]\n") ==
        "s.toml:14: unknown key \"machine\"; expected run, system, limits, disk, "
        "terminal, workload, fault or chaos");
  CHECK(error_of(with_ping + "window = 3\n") ==
        "s.toml:14: unknown key \"window\" in workload.0; expected kind, from, to, bytes, "
        "reply_bytes, count or pause");
  CHECK(error_of(with_ping + "byte = 3\n") ==
        "s.toml:14: unknown key \"byte\" in workload.0, perhaps \"bytes\"; expected kind, from, "
        "to, bytes, reply_bytes, count or pause");
  CHECK(fault_error("kind = \"bus-down\"\nat = \"1 us\"\nuntill = \"2 us\"\n") ==
        "s.toml:17: unknown key \"untill\" in fault.0, perhaps \"until\"; expected kind, bus, cpu, "
        "at, at_cycle, when, probability, after, until, for, chance, bits, part, cpus, wire, level, "
        "cycles, address, register, factor, view, disk, drive, block, name or member");
}

TEST_CASE("a value of the wrong type is reported with its line") {
  CHECK(error_of("[system]\n\ncpus = \"4\"\n") ==
        "s.toml:3: cpus is a string; expected an integer, 2 to 16");
  CHECK(error_of("[system]\ncpus = 4.0\n") ==
        "s.toml:2: cpus is a number with a fraction; expected an integer, 2 to 16");
  CHECK(error_of("[system]\nclock = 100\n") ==
        "s.toml:2: clock is an integer; expected a frequency in Hz, kHz, MHz or GHz, such as "
        "\"100 MHz\"");
  CHECK(error_of("[limits]\ntime = 10\n") ==
        "s.toml:2: time is an integer; expected a time in ns, us, ms or s, such as \"10 ms\"");
  CHECK(error_of("system = 3\n") == "s.toml:1: system is an integer; expected [system]");
  CHECK(error_of("[workload]\nkind = \"ping\"\n") ==
        "s.toml:1: workload is a table; expected [[workload]]");
  CHECK(error_of("[[workload]]\nkind = 3\n") ==
        "s.toml:2: kind is an integer; expected ping, stream, all-to-all, links, "
        "updates, membership, debit-credit, key-value, file-copy or session");
  CHECK(error_of(machine + "[[workload]]\nkind = \"ping\"\nfrom = [0]\nto = 1\n") ==
        "s.toml:10: from is a list; expected a CPU's number, 0 to 3");
  CHECK(fault_error("kind = \"packet-drop\"\nprobability = \"0.1\"\n") ==
        "s.toml:16: probability is a string; expected a number, 0 to 1");
  CHECK(fault_error("kind = \"packet-drop\"\nwhen = 3\n") ==
        "s.toml:16: when is an integer; expected \"packet 3 on x\" or \"packet 3 from 1 on x\", "
        "counted from 1, or a table");
}

TEST_CASE("a number out of range is reported with its line and the range") {
  CHECK(error_of("[system]\ncpus = 1\n") == "s.toml:2: cpus = 1 is out of range; expected 2 to 16");
  CHECK(error_of("[system]\ncpus = 17\n") ==
        "s.toml:2: cpus = 17 is out of range; expected 2 to 16");
  CHECK(error_of("[system]\ncpus = -4\n") ==
        "s.toml:2: cpus = -4 is out of range; expected 2 to 16");
  CHECK(error_of(machine + "[[workload]]\nkind = \"stream\"\nfrom = 0\nto = 1\nbytes = 65537\n") ==
        "s.toml:12: bytes = 65537 is out of range; expected 0 to 65536");
  CHECK(error_of(machine +
                 "[[workload]]\nkind = \"stream\"\nfrom = 0\nto = 1\nbytes = 1\ncount = 0\n") ==
        "s.toml:13: count = 0 is out of range; expected 1 to 1000000000");
  CHECK(error_of(machine + "[[workload]]\nkind = \"all-to-all\"\nbytes = 1\ncount = 1\n"
                           "window = 65\n") ==
        "s.toml:12: window = 65 is out of range; expected 1 to 64");
  CHECK(error_of("[system]\nclock = \"10 kHz\"\n") ==
        "s.toml:2: clock = \"10 kHz\" is out of range; expected 1 MHz to 10 GHz");
  CHECK(error_of("[limits]\ntime = \"0 ms\"\n") ==
        "s.toml:2: time = \"0 ms\" is no time at all; expected at least one cycle");
  CHECK(fault_error("kind = \"packet-drop\"\nprobability = 1.5\n") ==
        "s.toml:16: probability = 1.5 is out of range; expected 0 to 1");
  CHECK(fault_error("kind = \"bus-down\"\nat_cycle = -1\n") ==
        "s.toml:16: at_cycle = -1 is out of range; expected 0 to 9223372036854775807");
}

TEST_CASE("without alive it is 1 ms or 100000 cycles, whichever is longer") {
  const auto cycles = [](const std::string& clock) {
    return parse_scenario(with_ping, "s.toml", {"system.clock=" + clock})
        .system.alive_interval_cycles;
  };
  CHECK(cycles("1 MHz") == 100'000);
  CHECK(cycles("100 MHz") == 100'000);
  CHECK(cycles("1 GHz") == 1'000'000);
}

TEST_CASE("pause is a time of every kind of workload and none when it is not given") {
  const auto pause = [](const std::string& workload) {
    return pause_of(parse_scenario("[[workload]]\ncount = 1\nbytes = 1\n" + workload, "s.toml")
                        .workloads.at(0));
  };
  const std::string from_to = "from = 0\nto = 1\n";
  CHECK(pause("kind = \"ping\"\n" + from_to) == 0);
  CHECK(pause("kind = \"ping\"\npause = \"20 us\"\n" + from_to) == 2000);
  CHECK(pause("kind = \"stream\"\npause = \"1 s\"\n" + from_to) == 100'000'000);
  CHECK(pause("kind = \"all-to-all\"\npause = \"3600 s\"\n") == 360'000'000'000);
  CHECK(error_of(with_ping + "pause = \"3601 s\"\n") ==
        "s.toml:14: pause = \"3601 s\" is too long; expected at most 1 hour");
}

TEST_CASE("an alive that is too short or too long is reported with cycles and clock") {
  const auto cycles = [](const std::string& alive, const std::string& clock = "100 MHz") {
    return parse_scenario(with_ping, "s.toml", {"system.alive=" + alive, "system.clock=" + clock})
        .system.alive_interval_cycles;
  };
  CHECK(cycles("200 us") == 20'000);
  CHECK(cycles("20 ms", "1 MHz") == 20'000);
  CHECK(cycles("3600 s") == 360'000'000'000);
  CHECK(cycles("0 s") == 0);
  const std::string expected =
      "; expected at least 20000 cycles and at most 1 hour, or \"0 s\" for none";
  CHECK(error_of("[system]\nclock = \"50 MHz\"\nalive = \"399.98 us\"\n") ==
        "s.toml:3: alive = \"399.98 us\" is 19999 cycles at 50 MHz" + expected);
  CHECK(error_of("[system]\nalive = \"3601 s\"\n") ==
        "s.toml:2: alive = \"3601 s\" is 360100000000 cycles at 100 MHz" + expected);
}

TEST_CASE("a wrong unit is reported with its line") {
  CHECK(error_of("[limits]\ntime = \"10 MHz\"\n") ==
        "s.toml:2: time = \"10 MHz\" is no time; expected a time in ns, us, ms or s, such as "
        "\"10 ms\"");
  CHECK(error_of("[system]\nclock = \"10 ms\"\n") ==
        "s.toml:2: clock = \"10 ms\" is no frequency; expected a frequency in Hz, kHz, MHz or "
        "GHz, such as \"100 MHz\"");
  CHECK_THAT(fault_error("kind = \"bus-down\"\nat = \"50\"\n"),
             Catch::StartsWith("s.toml:16: at = \"50\" is no time; expected "));
  CHECK_THAT(fault_error("kind = \"bus-down\"\nat = \"-1 us\"\n"),
             Catch::StartsWith("s.toml:16: at = \"-1 us\" is no time; expected "));
}

TEST_CASE("a CPU that does not exist is reported with its line") {
  CHECK(error_of(machine + "[[workload]]\nkind = \"ping\"\nfrom = 0\nto = 4\nbytes = 1\n") ==
        "s.toml:11: to = 4: there is no such CPU; expected 0 to 3");
  CHECK(error_of(machine + "[[workload]]\nkind = \"stream\"\nfrom = -1\nto = 1\n") ==
        "s.toml:10: from = -1: there is no such CPU; expected 0 to 3");
  CHECK(fault_error("kind = \"cpu-halt\"\nat_cycle = 5\ncpu = 9\n") ==
        "s.toml:17: cpu = 9: there is no such CPU; expected 0 to 3");
  CHECK(fault_error("kind = \"packet-drop\"\nwhen = \"packet 1 from 4 on x\"\n") ==
        "s.toml:16: when = \"packet 1 from 4 on x\": there is no CPU 4; expected 0 to 3");
}

TEST_CASE("a word that is none of those allowed is reported with its line") {
  CHECK(error_of("[system]\ncosts = \"nil\"\n") ==
        "s.toml:2: unknown costs \"nil\"; expected default or zero");
  CHECK(error_of("[[workload]]\nkind = \"pong\"\n") ==
        "s.toml:2: unknown kind \"pong\", perhaps \"ping\"; expected ping, stream, all-to-all, "
        "links, updates, membership, debit-credit, key-value, file-copy or session");
  CHECK(error_of("[[workload]]\nkind=\"all-to-all\"\nbytes=1\ncount=1\npattern=\"tornadoe\"\n") ==
        "s.toml:5: unknown pattern \"tornadoe\", perhaps \"tornado\"; expected uniform, hotspot, "
        "transpose, bit-complement or tornado");
  CHECK(fault_error("kind = \"bus-dwon\"\n") ==
        "s.toml:15: unknown kind \"bus-dwon\", perhaps \"bus-down\"; expected packet-corrupt, "
        "packet-drop, answer-drop, bus-down, cpu-halt, babbling-node, forged-source, bus-hog, "
        "answer-corrupt, packet-duplicate, bus-stuck-bit, partition, controller-dead, bus-slow, "
        "controller-double-grant, ram-flip, register-upset, interrupt-lost, interrupt-spurious, "
        "completion-delayed, cpu-slow, cpu-restart, hostile-cpu, disk-dies, disk-read-error, "
        "disk-write-error, power-failure or process-stop");
  CHECK(fault_error("kind = \"bus-down\"\nbus = \"z\"\nat = \"1 us\"\n") ==
        "s.toml:16: unknown bus \"z\"; expected x or y");
}

TEST_CASE("all costs of firmware can be so many times as high, but for single ones") {
  const auto cost = [](const std::string& text) {
    return parse_scenario(text + workload, "s.toml").system.cost;
  };
  const CostTable standard = CostTable::standard();
  const CostTable scaled = cost("[system]\ncost_scale = 7.35\n[system.cost]\nlink = 5\n");
  CHECK(scaled.link == 5);
  CHECK(scaled.copy_line == 29);   // 29.4
  CHECK(scaled.dispatch == 735);
  CHECK(scaled.start_io == 441);
  for (const auto& entry : CostTable::entries()) {
    if (entry.cost == &CostTable::link) continue;
    CHECK(scaled.*entry.cost == Approx(standard.*entry.cost * 7.35).margin(0.5));
  }
  CHECK(cost("[system]\ncosts = \"zero\"\ncost_scale = 3\n") == CostTable::zero());
  CHECK_THAT(error_of("[system]\ncost_scale = 0\n"), Catch::Contains("s.toml:2: cost_scale = 0"));
  CHECK_THAT(error_of("[system]\ncost_scale = 1001\n"), Catch::Contains("at most 1000"));
}

TEST_CASE("single costs of firmware can differ from their table") {
  const auto cost = [](const std::string& text) {
    return parse_scenario(text + workload, "s.toml").system.cost;
  };
  CostTable expected = CostTable::zero();
  expected.dispatch = 70;
  expected.copy_line = 2;
  CHECK(cost("[system]\ncosts = \"zero\"\n[system.cost]\ndispatch = 70\ncopy_line = 2\n") ==
        expected);
  CHECK(cost("[system]\n") == CostTable::standard());
  CHECK_THAT(error_of("[system.cost]\ndispach = 1\n"),
             Catch::Contains("s.toml:2: unknown key \"dispach\" in system.cost"));
  CHECK_THAT(error_of("[system.cost]\nlink = -1\n"), Catch::Contains("s.toml:2: "));
}

TEST_CASE("a key that is missing is reported with the line of its table") {
  CHECK(error_of(machine + "[[workload]]\nkind = \"ping\"\nfrom = 0\nto = 1\ncount = 1\n") ==
        "s.toml:8: workload.0 has no bytes; expected bytes = an integer, 0 to 65536");
  CHECK(error_of(with_ping + "[[workload]]\nbytes = 4\n") ==
        "s.toml:14: workload.1 has no kind; expected kind = ping, stream, all-to-all, links, "
        "updates, membership, debit-credit, key-value, file-copy or session");
  CHECK(fault_error("kind = \"cpu-halt\"\nat = \"1 us\"\n") ==
        "s.toml:14: fault.0 has no cpu; expected cpu = a CPU, 0 to 3");
  CHECK(error_of(machine) == "s.toml:1: no workload; expected at least one [[workload]]");
}

TEST_CASE("contradictory triggers of a fault are reported with the second one's line") {
  CHECK(fault_error("kind = \"bus-down\"\n") ==
        "s.toml:14: nothing says when this fault comes; expected one of at, at_cycle, when or "
        "probability");
  CHECK(fault_error("kind = \"bus-down\"\nat = \"1 us\"\nat_cycle = 100\n") ==
        "s.toml:17: at_cycle contradicts at; expected one of at, at_cycle, when or probability");
  CHECK(fault_error("kind = \"packet-drop\"\nprobability = 0.5\nwhen = \"packet 1 on x\"\n") ==
        "s.toml:16: probability contradicts when; expected one of at, at_cycle, when or "
        "probability");
  CHECK(fault_error("kind = \"bus-down\"\nprobability = 0.5\n") ==
        "s.toml:16: probability on bus-down; expected at, at_cycle or when");
  CHECK(fault_error("kind = \"packet-drop\"\nbus = \"x\"\nwhen = \"packet 1 on y\"\n") ==
        "s.toml:17: when = \"packet 1 on y\" contradicts bus = \"x\"; expected the same bus");
  CHECK(fault_error("kind = \"cpu-restart\"\ncpu = 1\nat_cycle = 3\n") ==
        "s.toml:14: nothing says how long the CPU is off; expected for, at least 100 cycles");
  CHECK(fault_error("kind = \"cpu-restart\"\ncpu = 1\nat_cycle = 3\nfor = \"99 cycles\"\n") ==
        "s.toml:18: for = \"99 cycles\" leaves the CPU off for 99 cycles; expected at least 100 "
        "cycles");
  CHECK(fault_error("kind = \"cpu-restart\"\ncpu = 1\nat_cycle = 3\nuntil = \"5 cycles\"\n") ==
        "s.toml:18: until = \"5 cycles\" leaves the CPU off for 2 cycles; expected at least 100 "
        "cycles");
  CHECK(fault_error("kind = \"cpu-restart\"\ncpu = 1\nwhen = \"packet 1 on x\"\n"
                    "until = \"1 ms\"\n") ==
        "s.toml:18: until contradicts when: the start is not known; expected for, at least 100 "
        "cycles");
  CHECK(fault_of("kind = \"cpu-restart\"\ncpu = 1\nat_cycle = 3\nfor = \"100 cycles\"\n")
            .until_cycle == 103u);
  CHECK(fault_of("kind = \"cpu-restart\"\ncpu = 1\nwhen = \"packet 1 on x\"\nfor = \"2 us\"\n")
            .for_cycles.has_value());
  CHECK(fault_error("kind = \"cpu-halt\"\ncpu = 1\nbus = \"x\"\nat_cycle = 3\n") ==
        "s.toml:17: bus on cpu-halt; expected cpu");
  CHECK(fault_error("kind = \"bus-hog\"\ncpu = 1\nbus = \"x\"\nat_cycle = 3\n") ==
        "s.toml:17: bus on bus-hog; expected cpu");
  CHECK(fault_error("kind = \"bus-hog\"\ncpu = 1\nprobability = 0.1\n") ==
        "s.toml:17: probability on bus-hog; expected at, at_cycle or when");
  CHECK(fault_error("kind = \"bus-down\"\ncpu = 1\nat_cycle = 3\n") ==
        "s.toml:16: cpu on bus-down; expected bus; cpu is for faults of a node");
}

TEST_CASE("an until that does not come after the start is reported with its line") {
  CHECK(fault_error("kind = \"bus-down\"\nat = \"80 us\"\nuntil = \"50 us\"\n") ==
        "s.toml:17: until = \"50 us\" is cycle 5000, not after the start at cycle 8000; expected "
        "a later time");
  CHECK(fault_error("kind = \"bus-down\"\nuntil = \"50 us\"\nat_cycle = 5000\n") ==
        "s.toml:16: until = \"50 us\" is cycle 5000, not after the start at cycle 5000; expected "
        "a later time");
  CHECK(fault_error("kind = \"cpu-halt\"\ncpu = 1\nat_cycle = 3\nuntil = \"1 ms\"\n") ==
        "s.toml:18: until on cpu-halt; expected no until: a halted CPU stays halted");
  CHECK(fault_error("kind = \"packet-drop\"\nwhen = \"packet 1 on x\"\nuntil = \"1 ms\"\n") ==
        "s.toml:17: until contradicts when: one packet is hit; expected one of the two");
}

TEST_CASE("a named point that cannot be read is reported with its line") {
  for (const std::string point : {"packet x on y", "packet 0 on x", "packet 3", "reply 3 on x", "",
                                  "packet 3 from 1", "packet 3 from one on x", "packet -1 on x"})
    CHECK(fault_error("kind = \"packet-drop\"\nwhen = \"" + point + "\"\n") ==
          "s.toml:16: when = \"" + point + "\" names no point; expected \"packet 3 on x\" or "
          "\"packet 3 from 1 on x\", counted from 1, or a table");
  CHECK(fault_error("kind = \"packet-drop\"\nwhen = \"packet 3 on z\"\n") ==
        "s.toml:16: when = \"packet 3 on z\": there is no bus \"z\"; expected x or y");
}

TEST_CASE("a point is read from a table") {
  const FaultSpec reply = fault_of("kind = \"packet-drop\"\nwhen = { packet = \"reply\", nth = 3, "
                                   "from = 1, bus = \"x\", attempts = \"first\" }\n");
  CHECK(reply.when == FaultTime(AtPacket{3, 1, contract::BusId::x, contract::LinkOperation::reply,
                                         true}));
  CHECK(reply.bus == contract::BusId::x);
  const FaultSpec any = fault_of("kind = \"bus-down\"\nfor = \"1 us\"\n[fault.when]\n"
                                 "packet = \"any\"\nbus = \"y\"\ndelay = \"2 us\"\n");
  CHECK(any.when == FaultTime(AtPacket{1, {}, contract::BusId::y, {}, false, 200}));
  CHECK(any.for_cycles == 100u);
  CHECK_FALSE(any.bus.has_value());
  const FaultSpec event = fault_of("kind = \"cpu-halt\"\ncpu = 2\n"
                                   "when = { event = \"link_replied\", nth = 4, cpu = 1, "
                                   "peer = 0, delay = \"7 cycles\" }\n");
  CHECK(event.when == FaultTime(AtEvent{.kind = KernelEvent::link_replied,
                                        .cpu = 1,
                                        .peer = 0,
                                        .n = 4,
                                        .delay_cycles = 7}));
  CHECK(event.cpu == 2u);
}

TEST_CASE("each operation of the contract and each kind of kernel event names a point") {
  for (const auto operation : {contract::LinkOperation::link, contract::LinkOperation::again}) {
    const FaultSpec fault = fault_of(std::string("kind = \"packet-drop\"\nwhen = { packet = \"") +
                                     name(operation) + "\", bus = \"x\" }\n");
    CHECK(std::get<AtPacket>(fault.when).operation == operation);
  }
  for (unsigned i = 0; *name(KernelEvent::Kind(i)) != '?'; ++i) {
    const FaultSpec fault = fault_of(std::string("kind = \"packet-drop\"\nwhen = { event = \"") +
                                     name(KernelEvent::Kind(i)) + "\", cpu = 0 }\n");
    CHECK(std::get<AtEvent>(fault.when).kind == KernelEvent::Kind(i));
  }
}

TEST_CASE("a table that is no point is reported with its line") {
  const auto error = [](const std::string& table, const std::string& kind = "packet-drop",
                        const std::string& more = "") {
    return fault_error("kind = \"" + kind + "\"\nwhen = { " + table + " }\n" + more);
  };
  CHECK(error("nth = 3") ==
        "s.toml:16: fault.0.when names no point; expected packet = \"reply\" or "
        "event = \"link_replied\"");
  CHECK_THAT(error("packet = \"replay\", bus = \"x\""),
             Catch::StartsWith("s.toml:16: ") && Catch::Contains("\"replay\"") &&
                 Catch::Contains("reply"));
  CHECK_THAT(error("packet = \"reply\""), Catch::Contains("bus"));
  CHECK_THAT(error("packet = \"reply\", bus = \"x\", nth = 0"), Catch::Contains("nth = 0"));
  CHECK_THAT(error("packet = \"reply\", bus = \"x\", from = 9"), Catch::Contains("from = 9"));
  CHECK_THAT(error("packet = \"reply\", bus = \"x\", cpu = 1"), Catch::Contains("\"cpu\""));
  CHECK_THAT(error("packet = \"reply\", bus = \"x\", delay = \"1 us\""),
             Catch::Contains("delay on packet-drop"));
  CHECK_THAT(error("packet = \"reply\", bus = \"x\"", "packet-drop", "bus = \"y\"\n"),
             Catch::Contains("contradicts bus = \"y\""));
  CHECK_THAT(error("packet = \"reply\", bus = \"x\"", "packet-corrupt", "bits = [95]\n"),
             Catch::StartsWith("s.toml:17: bit 95 has gone by"));
  CHECK_THAT(error("packet = \"reply\", bus = \"x\"", "packet-corrupt", "part = \"header\"\n"),
             Catch::StartsWith("s.toml:17: part = \"header\""));
  CHECK_THAT(error("event = \"link_repiled\", cpu = 0"), Catch::Contains("link_replied"));
  CHECK_THAT(error("event = \"link_replied\""), Catch::Contains("expected cpu or process in when"));
  CHECK_THAT(error("event = \"link_replied\", cpu = 0, bus = \"x\""), Catch::Contains("\"bus\""));
}

TEST_CASE("a limit that is not given leaves room for the pauses of workloads") {
  const auto limit = [](const std::string& pause) {
    return parse_scenario("[[workload]]\nkind = \"ping\"\nfrom = 0\nto = 1\nbytes = 32\n"
                          "count = 1000\n" + pause, "s.toml").limit_cycles;
  };
  CHECK(limit("") == 1'000'000);
  CHECK(limit("pause = \"100 us\"\n") == 1'000'000 + 2 * 1000 * 10'000);
}

TEST_CASE("overrides replace and add values and the last one wins") {
  const Scenario s = parse_scenario(
      with_ping + "[[fault]]\nkind = \"bus-down\"\nat = \"1 us\"\n", "s.toml",
      {"system.cpus=8", "workload.0.count=100", "limits.time=1 ms", "system.alive=\"2 ms\"",
       "workload.0.count=7", "fault.0.bus=y", "fault.0.until=5us", "system.name=other one"});
  CHECK(s.system.cpus == 8);
  CHECK(std::get<PingSpec>(s.workloads[0]).count == 7);
  CHECK(s.limit_cycles == 100'000);
  CHECK(s.system.alive_interval_cycles == 200'000);
  CHECK(s.faults[0].bus == contract::BusId::y);
  CHECK(s.faults[0].until_cycle == 500);
  CHECK(s.name == "other one");
}

TEST_CASE("overrides may make a table that the file does not have") {
  const Scenario s = parse_scenario(
      "[[workload]]\nkind = \"ping\"\nfrom = 0\nto = 1\nbytes = 1\ncount = 1\n", "s.toml",
      {"limits.time=1 us", "system.cpus=2"});
  CHECK(s.limit_cycles == 100);
  CHECK(s.system.cpus == 2);
}

TEST_CASE("a mistake in an override is reported as one") {
  const auto error = [](const std::string& argument) { return error_of(with_ping, {argument}); };
  CHECK(error("system.cpus") ==
        "--set system.cpus: no value; expected key=value, such as system.cpus=8");
  CHECK(error("system.cpu=8") ==
        "--set system.cpu=8: unknown key \"cpu\" in system, perhaps \"cpus\"; expected name, "
        "profile, cpus, clock, costs, cost_scale, cost or alive");
  CHECK(error("machine.cpus=8") ==
        "--set machine.cpus=8: unknown key \"machine\"; expected run, system, limits, disk, "
        "terminal, workload, "
        "fault or chaos");
  CHECK(error("workload.0.windw=8") ==
        "--set workload.0.windw=8: unknown key \"windw\" in workload.0; expected kind, from, to, "
        "bytes, reply_bytes, count or pause");
  CHECK(error("workload.1.count=8") ==
        "--set workload.1.count=8: workload has 1 entries; expected "
        "workload.NUMBER.KEY=value, numbers from 0");
  CHECK(error("workload.count=8") ==
        "--set workload.count=8: workload has 1 entries; expected "
        "workload.NUMBER.KEY=value, numbers from 0");
  CHECK(error("workload=8") ==
        "--set workload=8: workload is a list; expected a scenario that has another list: only "
        "single values are set here");
  CHECK(error("system.cpus.x=8") ==
        "--set system.cpus.x=8: system.cpus is no table; expected the key of a value");
  CHECK(error("system.cpus=eight") ==
        "--set system.cpus=eight: cpus is a string; expected an integer, 2 to 16");
  CHECK(error("system.cpus=99") ==
        "--set system.cpus=99: cpus = 99 is out of range; expected 2 to 16");
  CHECK(error("limits.time=10 MHz") ==
        "--set limits.time=10 MHz: time = \"10 MHz\" is no time; expected a time in ns, us, ms or "
        "s, such as \"10 ms\"");
  CHECK(error("system.cpus=4\nname=\"x\"") ==
        "--set system.cpus=4 name=\"x\": cpus is a string; expected an integer, 2 to 16");
}

TEST_CASE("an override that breaks a value of the file is reported at that value") {
  CHECK(error_of(with_ping + "[[workload]]\nkind = \"ping\"\nfrom = 3\nto = 1\nbytes = 1\n",
                 {"system.cpus=2"}) ==
        "s.toml:16: from = 3: there is no such CPU; expected 0 to 1");
}

TEST_CASE("times and frequencies are read with their units") {
  CHECK(parse_time("10 ms") == Approx(10e-3));
  CHECK(parse_time("80us") == Approx(80e-6));
  CHECK(parse_time("50 ns") == Approx(50e-9));
  CHECK(parse_time("5 s") == 5.0);
  CHECK(parse_time("0.5 s") == 0.5);
  CHECK(parse_frequency("100 MHz") == 100e6);
  CHECK(parse_frequency("1.5 GHz") == 1.5e9);
  CHECK(parse_frequency("32 kHz") == 32e3);
  for (const char* text : {"", "10", "ms", "-1 ms", "1e3 ms", "10 ms x", "10 mss", "10 m s", " 1 s",
                           "nan s", "inf s", "0x10 s", "10 MS", "+1 s", "1,5 s"})
    CHECK_FALSE(parse_time(text).has_value());
  for (const char* text : {"", "100", "100 mhz", "100 ms", "-1 MHz"})
    CHECK_FALSE(parse_frequency(text).has_value());
}

TEST_CASE("a time becomes the nearest whole number of cycles") {
  CHECK(to_cycles(*parse_time("50 us"), 100e6) == 5000u);
  CHECK(to_cycles(*parse_time("0.1 us"), 100e6) == 10u);
  CHECK(to_cycles(*parse_time("333 ns"), 100e6) == 33u);
  CHECK(to_cycles(*parse_time("3600 s"), 1e9) == 3'600'000'000'000u);
  CHECK_FALSE(to_cycles(1e12, 1e9).has_value());
}

TEST_CASE("traffic patterns are those of the book where it defines them") {
  // 16 CPUs, written out bit by bit: transpose turns b3 b2 b1 b0 into b1 b0 b3 b2.
  for (unsigned s = 0; s < 16; ++s) {
    CHECK(partner(Pattern::transpose, s, 16) == ((s & 3) << 2 | s >> 2));
    CHECK(partner(Pattern::bit_complement, s, 16) == (~s & 15));
    CHECK(partner(Pattern::tornado, s, 16) == (s + 7) % 16);
  }
  CHECK(partner(Pattern::tornado, 4, 5) == 1);  // ceil(5/2) - 1 = 2 steps on
}

TEST_CASE("a fixed traffic pattern sends each CPU exactly one stream whatever their number") {
  for (const Pattern pattern : {Pattern::transpose, Pattern::bit_complement, Pattern::tornado}) {
    REQUIRE(is_fixed(pattern));
    for (unsigned cpus = 2; cpus <= 16; ++cpus) {
      std::vector<int> streams(cpus);
      for (unsigned s = 0; s < cpus; ++s) ++streams.at(partner(pattern, s, cpus));
      CHECK(streams == std::vector<int>(cpus, 1));
    }
  }
  CHECK_FALSE(is_fixed(Pattern::uniform));
  CHECK_FALSE(is_fixed(Pattern::hotspot));
}

TEST_CASE("a scenario may name its seed and its fabric") {
  CHECK_FALSE(parse_scenario(with_ping, "s.toml").seed.has_value());
  const Scenario s =
      parse_scenario(with_ping + "[run]\nseed = 42\nfabric = \"tlm\"\n", "s.toml");
  CHECK(s.seed == 42u);
  CHECK(s.fabric == FabricKind::tlm);
  const std::string most = "18446744073709551615";
  CHECK(parse_scenario(with_ping + "[run]\nseed = \"" + most + "\"\n", "s.toml").seed ==
        ~std::uint64_t{0});
  CHECK(error_of(with_ping + "[run]\nseed = -1\n") ==
        "s.toml:15: seed = -1 is out of range; expected 0 to 9223372036854775807");
  CHECK(error_of(with_ping + "[run]\nseed = \"ten\"\n") ==
        "s.toml:15: seed = \"ten\" is no seed; expected 0 to 2^63 - 1, or a string with a number "
        "to 2^64 - 1");
  CHECK(error_of(with_ping + "[run]\nfabric = \"rlt\"\n") ==
        "s.toml:15: unknown fabric \"rlt\", perhaps \"rtl\"; expected rtl or tlm");
}

TEST_CASE("a time may be written in cycles") {
  CHECK(parse_scenario(with_ping, "s.toml", {"limits.time=77 cycles"}).limit_cycles == 77);
  CHECK(error_of(with_ping, {"limits.time=-7 cycles"}) ==
        "--set limits.time=-7 cycles: time = \"-7 cycles\" is no number of cycles; expected 0 to "
        "2^63 - 1 cycles");
}

TEST_CASE("a fault by chance may begin later and borrow another's chance") {
  const FaultSpec fault =
      fault_of("kind = \"packet-drop\"\nprobability = 0.5\nafter = \"10 us\"\nchance = 7\n");
  CHECK(std::get<EachPacket>(fault.when).after_cycle == 1000);
  CHECK(fault.chance == 7u);
  CHECK(fault_error("kind = \"packet-drop\"\nat = \"1 us\"\nafter = \"10 us\"\n") ==
        "s.toml:17: after contradicts at; expected after with probability");
  CHECK(fault_error("kind = \"packet-drop\"\nprobability = 1\nafter = \"10 us\"\n"
                    "until = \"9 us\"\n") ==
        "s.toml:18: until = \"9 us\" is cycle 900, not after the start at cycle 1000; expected a "
        "later time");
}

TEST_CASE("scenarios/README.md names every kind of workload and each of its keys") {
  std::ifstream file(XYBUS_PROJECT "/scenarios/README.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  REQUIRE_FALSE(page.empty());
  for (const WorkloadSpec& kind : workload_kinds()) {
    INFO(name(kind));
    // From the kind's row in the table, and the page of its own if the row says so, up to the next
    // heading or kind.
    const std::size_t row = page.find("\n| `\"" + std::string(name(kind)) + "\"` |");
    REQUIRE(row != std::string::npos);
    std::string text = page.substr(row, page.find('\n', row + 1) - row);
    if (text.find("see below") != std::string::npos) {
      const std::size_t below = page.find(" `" + std::string(name(kind)) + "` workload");
      REQUIRE(below != std::string::npos);
      const std::size_t table = page.find("| key |", below);
      text = page.substr(table, page.find("\n\n", table) - table);
    }
    for (const std::string_view key : workload_keys(kind)) {
      if (key == "kind") continue;
      INFO(key);
      CHECK(text.find("`" + std::string(key) + "`") != std::string::npos);
    }
  }
}

TEST_CASE("a bank wants disks, and room on each of them") {
  const std::string bank = "[[workload]]\nkind = \"debit-credit\"\ncount = 100\n";
  const std::string disk = "[[disk]]\nname = \"$DATA1\"\ncpus = [0, 1]\nread = \"1 us\"\n"
                           "write = \"1 us\"\nblocks = ";
  CHECK(error_of(bank) == "s.toml:1: a bank without a disk; expected a [[disk]] at least");
  // 8 terminals, 100 transactions of 50 bytes, four times; 1000 accounts, 10 tellers, a branch.
  CHECK(error_of(disk + "500\n" + bank) ==
        "s.toml:7: the bank has no room on $DATA1; expected a disk of 522 blocks at least, or less "
        "to do");
  CHECK_NOTHROW(parse_scenario(disk + "522\n" + bank, "s.toml"));
  CHECK(error_of(disk + "4000\n" + bank + bank) ==
        "s.toml:10: a second workload of debit-credit; expected one at most");
}

TEST_CASE("a map has defaults, and shares of operations with reads among them") {
  const std::string map = "[[workload]]\nkind = \"key-value\"\ncount = 100\n";
  const Scenario scenario = parse_scenario(map, "s.toml");
  const auto spec = std::get<KeyValueSpec>(scenario.workloads.at(0));
  CHECK(spec.clients == 8);
  CHECK(spec.cpus == std::vector<unsigned>{0, 1, 2, 3});
  CHECK(spec.servers == 4);
  CHECK(spec.keys_count == 16);
  CHECK((spec.reads == 2 && spec.writes == 1 && spec.swaps == 1));
  CHECK_FALSE(spec.errors);
  CHECK(spec.pause_cycles == 0);
  const auto all = std::get<KeyValueSpec>(
      parse_scenario(map + "clients = 3\ncpus = [1]\nservers = 2\nkeys = 5\nreads = 7\n"
                           "writes = 0\nswaps = 9\nthink = \"1 us\"\nerrors = true\n",
                     "s.toml").workloads.at(0));
  CHECK((all.clients == 3 && all.servers == 2 && all.keys_count == 5));
  CHECK((all.reads == 7 && all.writes == 0 && all.swaps == 9 && all.errors));
  CHECK((all.cpus == std::vector<unsigned>{1} && all.pause_cycles == 100));
  CHECK(error_of(map + "reads = 0\n") ==
        "s.toml:4: reads = 0 is out of range; expected 1 to 100");
  CHECK(error_of(map + map) ==
        "s.toml:4: a second workload of key-value; expected one at most");
}

TEST_CASE("copies of files want disks, and room on each of them") {
  const std::string copies = "[[workload]]\nkind = \"file-copy\"\ncount = 3\nbytes = 1000\n";
  const std::string disk = "cpus = [0, 1]\nread = \"1 us\"\nwrite = \"1 us\"\nblocks = ";
  const std::string first = "[[disk]]\nname = \"$A\"\n" + disk;
  const std::string second = "[[disk]]\nname = \"$B\"\n" + disk;
  CHECK(error_of(copies) == "s.toml:1: file-copy without a disk; expected a [[disk]] at least");
  // Four copiers have two files each, of two blocks, on two disks; in front of them are 9 blocks.
  CHECK_NOTHROW(parse_scenario(first + "17\n" + second + "17\n" + copies, "s.toml"));
  CHECK(error_of(first + "17\n" + second + "16\n" + copies) ==
        "s.toml:13: the copies have no room on $B; expected a disk of 17 blocks at least, or less "
        "to do");
  CHECK(error_of(first + "100\n" + copies + copies) ==
        "s.toml:11: a second workload of file-copy; expected one at most");
  const auto spec = std::get<FileCopySpec>(
      parse_scenario(first + "100\n" + copies, "s.toml").workloads.at(0));
  CHECK((spec.copiers == 4 && spec.piece == 4096 && spec.count == 3 && spec.bytes == 1000));
}
