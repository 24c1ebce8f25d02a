// Faults aimed at what happens, through the built command, on both fabrics. The log of events says
// what happened when; the faults are to be where it says.
#include <catch2/catch.hpp>
#include <vector>

#include "command_run.h"

using namespace xybus::test;

namespace {

CommandRun with_fault(const std::string& fabric, const std::string& keys) {
  return run_command(scenario_file(R"([system]
cpus = 4
[[workload]]
kind = "all-to-all"
bytes = 300
count = 30
window = 4
[[fault]]
)" + keys), "--fabric " + fabric);
}

std::string each_fabric() { return GENERATE(as<std::string>{}, "rtl", "tlm"); }

}  // namespace

TEST_CASE("the third reply packet from CPU 1 on X is hit, and no other packet") {
  const std::string fabric = each_fabric();
  const std::string kind = GENERATE(as<std::string>{}, "packet-drop", "packet-corrupt",
                                    "answer-drop", "packet-duplicate", "answer-corrupt");
  const auto run = with_fault(fabric, "kind = \"" + kind + R"("
when = { packet = "reply", nth = 3, from = 1, bus = "x" }
)");
  INFO(fabric << ' ' << kind << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["messages"]["delivered"] == 120);
  const auto hits = run.events_of("fault", "packet_hit");
  REQUIRE(hits.size() == 1);
  unsigned replies = 0;
  for (const auto& packet : run.events_of("bus.x", "packet")) {
    const bool third = packet["operation"] == "reply" && packet["source"] == 1 && ++replies == 3;
    // The fault acts from the fourth word on.
    if (third) CHECK(hits[0]["cycle"] == packet["cycle"].get<int>() + 3);
    if (kind != "packet-duplicate") CHECK(packet["faulted"] == (third ? 1 : 0));
  }
  CHECK(replies > 3);
  const auto copies = run.events_of("bus.x", "packet_copy");
  CHECK(copies.size() == (kind == "packet-duplicate" ? 1 : 0));
}

TEST_CASE("a halt aimed at an event comes in the cycle after it, and the fault says so") {
  const std::string fabric = each_fabric();
  const auto run = with_fault(fabric, R"(kind = "cpu-halt"
cpu = 2
when = { event = "link_replied", nth = 3, cpu = 1, peer = 0 }
)");
  INFO(fabric << run.errors);
  CHECK(run.status == 0);
  std::vector<int> replied;
  for (const auto& event : run.events_of("cpu1", "link_replied"))
    if (event["peer_cpu"] == 0) replied.push_back(event["cycle"]);
  REQUIRE(replied.size() > 3);
  const auto halts = run.events_of("fault", "cpu_halt");
  REQUIRE(halts.size() == 1);
  CHECK(halts[0]["cycle"] == replied[2] + 1);
  CHECK(halts[0]["cpu"] == 2);
}

TEST_CASE("a packet fault aimed at an event hits the next packet to start") {
  const std::string fabric = each_fabric();
  const auto run = with_fault(fabric, R"(kind = "packet-drop"
bus = "x"
when = { event = "link_listened", nth = 5, cpu = 3, delay = "1 us" }
)");
  INFO(fabric << run.errors);
  CHECK(run.status == 0);
  const int from = run.events_of("cpu3", "link_listened").at(4)["cycle"].get<int>() + 101;
  int next = 0;
  for (const auto& packet : run.events_of("bus.x", "packet"))
    if (next == 0 && packet["cycle"] >= from) next = packet["cycle"];
  const auto hits = run.events_of("fault", "packet_hit");
  REQUIRE(hits.size() == 1);
  CHECK(hits[0]["cycle"] == next);
}

TEST_CASE("the reference judges a packet that is dropped or corrupted late") {
  const std::string kind = GENERATE(as<std::string>{}, "packet-drop", "packet-corrupt");
  const auto run = with_fault("rtl", "kind = \"" + kind + R"("
when = { packet = "link", nth = 9, bus = "y" }
)");
  INFO(run.errors);
  CHECK(run.status == 0);
  bool judged = false;
  for (const auto& check : run.summary["checks"])
    judged = judged || check["name"].get<std::string>().starts_with("reference.");
  CHECK(judged);
}
