// A replicated map: whatever fails alone, its clients see one map and are told of no error.
#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;

namespace {

/// The shipped key-value-chaos, whose draw is left out: with just one fault.
std::string map_with(const std::string& fault) {
  std::string text = file_text(shipped("key-value-chaos"));
  text.resize(text.find("[chaos]"));
  return scenario_file(text + "[[fault]]\n" + fault);
}

void check_good(const std::string& fault) {
  INFO(fault);
  const CommandRun run = run_command(map_with(fault), "--fabric tlm");
  INFO(run.errors);
  CHECK(run.status == 0);
  // 10 clients with 120 operations; then five read 10 keys each, or four.
  CHECK_THAT(run.detail_of("history"), Contains(" on 10 keys, ") && Contains(" of them answered"));
  CHECK(run.summary["faults"][0]["effect"].get<std::string>().find("never came") ==
        std::string::npos);
}

}  // namespace

TEST_CASE("key-value: a CPU, a bus and a returned CPU's neighbour die, and nobody notices") {
  const std::string fabric = GENERATE(as<std::string>{}, "rtl", "tlm");
  const CommandRun run = run_command("key-value", "--fabric " + fabric);
  INFO(run.errors);
  CHECK(run.status == 0);
  // 12 clients of 150 operations, and each of six CPUs but the two that died reads 24 keys.
  CHECK_THAT(run.detail_of("history"),
             Contains("1896 operations on 24 keys, 1896 of them answered"));
  unsigned took_over = 0;
  for (const char* cpu : {"cpu0", "cpu1", "cpu2", "cpu3", "cpu4", "cpu5"}) {
    took_over += static_cast<unsigned>(run.events_of(cpu, "took_over").size());
  }
  CHECK(took_over >= 3);
}

TEST_CASE("a map whose CPUs die, each at some moments, does not show it") {
  for (unsigned cpu = 0; cpu < 5; ++cpu) {
    for (const char* at : {"3 ms", "9150 us", "21430 us"}) {
      check_good("kind = \"cpu-restart\"\nfor = \"3 ms\"\ncpu = " + std::to_string(cpu) +
                 "\nat = \"" + at + "\"\n");
    }
  }
}

TEST_CASE("a map whose servers are stopped around a checkpoint or a reply does not show it") {
  for (const char* event : {"checkpoint_sent", "checkpoint_done", "link_replied"}) {
    for (const char* nth : {"20", "51"}) {
      check_good(std::string("kind = \"process-stop\"\nname = \"$KV1\"\nwhen = { event = \"") +
                 event + "\", nth = " + nth + ", cpu = 0 }\n");
    }
  }
}

TEST_CASE("a map of which a pair is lost gives no wrong answer, and the run ends") {
  const std::string both = "kind = \"cpu-halt\"\ncpu = 2\nat = \"6 ms\"\n"
                           "[[fault]]\nkind = \"cpu-halt\"\ncpu = 3\nat = \"6100 us\"\n";
  const CommandRun run =
      run_command(map_with(both), "--fabric tlm --set workload.0.errors=true");
  INFO(run.errors);
  CHECK(run.failed_check("history").empty());
  CHECK(run.status == 0);
  const CommandRun strict = run_command(map_with(both), "--fabric tlm");
  CHECK(strict.status == 1);
  CHECK_THAT(strict.failed_check("history"), Contains("was told error"));
}

TEST_CASE("a map whose shipped scenario loses a pair ends, too") {
  std::string text = file_text(shipped("key-value"));
  text.resize(text.find("[[fault]]"));
  text += "[[fault]]\nkind = \"cpu-halt\"\ncpu = 2\nat = \"5 ms\"\n"
          "[[fault]]\nkind = \"cpu-halt\"\ncpu = 3\nat = \"5 ms\"\n";
  const CommandRun run =
      run_command(scenario_file(text), "--fabric tlm --set workload.0.errors=true");
  INFO(run.errors);
  CHECK(run.status == 0);
}

TEST_CASE("a map with one key that many write at once is judged, and tells how much came through") {
  const CommandRun run = run_command(
      "key-value", "--fabric tlm --set workload.0.keys=1 --set workload.0.clients=16 "
                   "--set 'workload.0.think=0 s'");
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK_THAT(run.detail_of("history"), Contains("operations on 1 keys"));
  const auto& throughput = run.summary["throughput"][0];
  CHECK(throughput["what"] == "operations");
  CHECK(throughput["wait_cycles"]["samples"].get<unsigned>() >= 2400);
}

TEST_CASE("a map under faults drawn from seeds, one at a time, does not show it") {
  const std::string fabric = GENERATE(as<std::string>{}, "rtl --seeds 1..2", "tlm --seeds 1..15");
  const PlainRun run = run_plain("campaign " + shipped("key-value-chaos") + " --fabric " + fabric);
  INFO(run.output << run.errors);
  CHECK(run.status == 0);
}

TEST_CASE("key-value: both fabrics do the same") {
  const PlainRun run = run_plain("compare " + shipped("key-value"));
  INFO(run.output << run.errors);
  CHECK(run.status == 0);
}
