// The fault `process-stop`, as scenarios write it and chaos draws it.
#include <catch2/catch.hpp>

#include <set>

#include "chaos/draw.h"
#include "scenario/scenario.h"
#include "scenario/write.h"

using namespace xybus;

namespace {

// Lines 1 to 8; the fault's keys, or those of chaos, start at line 10.
const std::string head = R"([system]
cpus = 4
[[workload]]
kind = "ping"
from = 2
to = 3
bytes = 32
count = 10
)";

std::string error_of(const std::string& keys, const std::string& section = "[[fault]]\n") {
  try {
    parse_scenario(head + section + keys, "s.toml");
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no error";
}

const std::string stop = "kind = \"process-stop\"\n";

}  // namespace

TEST_CASE("process-stop names a process, and perhaps the backup, and may be aimed as others") {
  const std::string keys = stop + "name = \"$bank\"\nmember = \"backup\"\n"
                           "when = { event = \"checkpoint_sent\", nth = 3, cpu = 1, peer = 2 }\n";
  const Scenario scenario = parse_scenario(head + "[[fault]]\n" + keys, "s.toml");
  const FaultSpec& fault = scenario.faults.at(0);
  CHECK(fault.kind == FaultKind::process_stop);
  CHECK(fault.detail.process == "$BANK");
  CHECK(fault.detail.backup);
  const auto& event = std::get<AtEvent>(fault.when);
  CHECK(event.kind == KernelEvent::checkpoint_sent);
  CHECK(event.n == 3);
  const Scenario again = parse_scenario(scenario_text(scenario, ""), "again.toml");
  CHECK(again.faults.at(0).detail == fault.detail);
  CHECK(again.faults.at(0).when == fault.when);
  CHECK(error_of(stop + "name = \"$BANK\"\nat_cycle = 1\n") == "no error");
  for (const char* kind : {"checkpoint_done", "link_replied", "took_over"}) {
    CHECK(error_of(stop + "name = \"$A\"\nwhen = { event = \"" + kind + "\", cpu = 1 }\n") ==
          "no error");
  }
}

TEST_CASE("a process is stopped at an event of its own, or of another that has a name") {
  const auto event_of = [](const std::string& point) {
    const std::string fault = "[[fault]]\n" + stop + "name = \"$A\"\nwhen = " + point + "\n";
    const Scenario scenario = parse_scenario(head + fault, "s.toml");
    const Scenario again = parse_scenario(scenario_text(scenario, ""), "again.toml");
    CHECK(again.faults.at(0).when == scenario.faults.at(0).when);
    return std::get<AtEvent>(scenario.faults.at(0).when);
  };
  const AtEvent own = event_of("{ event = \"link_replied\", nth = 7 }");
  CHECK(own.process == "$A");
  CHECK_FALSE(own.cpu);
  CHECK(own.n == 7);
  CHECK(event_of("{ event = \"took_over\", process = \"$b\" }").process == "$B");
  CHECK(event_of("{ event = \"took_over\", process = \"$b\", cpu = 1 }").cpu == 1U);
  CHECK(event_of("{ event = \"took_over\", cpu = 1 }").process.empty());
}

TEST_CASE("a mistake in process-stop is reported with what was expected") {
  using Catch::StartsWith;
  const std::string good = stop + "name = \"$BANK\"\nat_cycle = 1\n";  // lines 10 to 12
  CHECK_THAT(error_of(stop + "at_cycle = 1\n"), StartsWith("s.toml:9: "));
  CHECK(error_of(stop + "at_cycle = 1\nname = \"BANK\"\n") ==
        "s.toml:12: \"BANK\" is no name; expected the name of a process, such as \"$BANK\"");
  CHECK_THAT(error_of(good + "member = \"both\"\n"), Catch::Contains("primary or backup"));
  CHECK_THAT(error_of(good + "cpu = 1\n"),
             StartsWith("s.toml:13: cpu on process-stop; expected name"));
  CHECK_THAT(error_of(good + "bus = \"x\"\n"), StartsWith("s.toml:13: bus on process-stop"));
  CHECK_THAT(error_of(good + "until = \"1 ms\"\n"),
             StartsWith("s.toml:13: until on process-stop; expected no until"));
  CHECK_THAT(error_of(good + "for = \"1 ms\"\n"), StartsWith("s.toml:13: for on a process-stop"));
  CHECK_THAT(error_of(stop + "name = \"$BANK\"\nprobability = 0.5\n"),
             StartsWith("s.toml:12: probability on process-stop"));
  CHECK_THAT(error_of("kind = \"cpu-halt\"\ncpu = 1\nat_cycle = 1\nname = \"$A\"\n"),
             StartsWith("s.toml:13: name on cpu-halt"));
}

TEST_CASE("chaos stops processes where kinds and names say so, and nowhere else") {
  const std::string keys = "kinds = [\"process-stop\"]\ncount = 40\nuntil = \"5 ms\"\n";
  CHECK(error_of(keys, "[chaos]\n") ==
        "s.toml:10: process-stop without names; expected names, a list of processes");
  CHECK(error_of(keys + "names = [\"BANK\"]\n", "[chaos]\n") ==
        "s.toml:13: \"BANK\" is no name; expected the name of a process, such as \"$BANK\"");
  CHECK_THAT(error_of(keys + "names = []\n", "[chaos]\n"),
             Catch::StartsWith("s.toml:13: names is empty"));
  const Scenario scenario =
      parse_scenario(head + "[chaos]\nstable = \"0 us\"\n" + keys +
                         "names = [\"$A\", \"$b\"]\n",
                     "s.toml");
  CHECK(parse_scenario(scenario_text(scenario, ""), "again.toml").chaos->processes ==
        std::vector<std::string>{"$A", "$B"});
  std::set<std::pair<std::string, bool>> drawn;
  const Scenario with = draw_chaos(scenario, 1);
  CHECK(with.faults.size() == 40);
  for (const FaultSpec& fault : with.faults) {
    CHECK(fault.kind == FaultKind::process_stop);
    CHECK_FALSE(fault.bus);
    CHECK_FALSE(fault.until_cycle);
    drawn.insert({fault.detail.process, fault.detail.backup});
  }
  CHECK(drawn == std::set<std::pair<std::string, bool>>{
                     {"$A", false}, {"$A", true}, {"$B", false}, {"$B", true}});
}
