// The bank: whatever fails alone, its books balance and no terminal is told of an error.

#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;

namespace {

/// The shipped bank-chaos, whose draw is left out: with just one fault.
std::string bank_with(const std::string& fault) {
  std::string text = file_text(shipped("bank-chaos"));
  text.resize(text.find("[chaos]"));
  return scenario_file(text + "[[fault]]\n" + fault);
}

void check_good(const std::string& fault) {
  INFO(fault);
  const CommandRun run = run_command(bank_with(fault), "--fabric tlm");
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK(run.detail_of("books").find(", 0 failed;") != std::string::npos);
  CHECK(run.summary["faults"][0]["effect"].get<std::string>().find("never came") ==
        std::string::npos);
}

}  // namespace

TEST_CASE("a bank whose CPUs die, each at some moments, does not show it") {
  for (unsigned cpu = 0; cpu < 6; ++cpu) {
    for (const char* at : {"5 ms", "8150 us", "12430 us"}) {
      check_good("kind = \"cpu-restart\"\nfor = \"3 ms\"\ncpu = " + std::to_string(cpu) +
                 "\nat = \"" + at + "\"\n");
    }
  }
}

TEST_CASE("a bank whose servers are stopped around a checkpoint or a reply does not show it") {
  for (const char* name : {"$BR1", "$ACC1", "$DATA1"}) {
    for (const char* event : {"checkpoint_sent", "checkpoint_done", "link_replied"}) {
      check_good(std::string("kind = \"process-stop\"\nname = \"") + name + "\"\nwhen = { event = \"" +
                 event + "\", nth = 200, cpu = 0 }\n");
    }
  }
}

TEST_CASE("a bank whose server is stopped while its backup takes over the disk does not show it") {
  const std::string two =
      "kind = \"process-stop\"\nname = \"$DATA1\"\nat = \"6 ms\"\n"
      "[[fault]]\nkind = \"process-stop\"\nname = \"$BR1\"\nwhen = { event = \"took_over\", nth = 1, cpu = 1 }\n";
  check_good(two);
}

TEST_CASE("a bank that loses both CPUs of a pair gives no wrong answer, and says that it hangs") {
  const std::string both =
      "kind = \"cpu-halt\"\ncpu = 2\nat = \"6 ms\"\n"
      "[[fault]]\nkind = \"cpu-halt\"\ncpu = 3\nat = \"6100 us\"\n";
  const CommandRun run = run_command(bank_with(both), "--fabric tlm --set workload.0.errors=true "
                                                      "--set limits.time=\"60 ms\"");
  INFO(run.errors);
  CHECK(run.status == 3);
  CHECK(run.failed_check("books").empty());
}

TEST_CASE("a bank under faults drawn from seeds, one at a time, does not show it") {
  const PlainRun run = run_plain("campaign " + shipped("bank-chaos") +
                                 " --fabric tlm --seeds 1..12");
  INFO(run.output << run.errors);
  CHECK(run.status == 0);
}
