// Scenarios that once failed, shrunk, on both fabrics.
#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;

namespace {

CommandRun run_repro(const std::string& name, const std::string& fabric) {
  return run_command(std::string(XYBUS_REPROS) + "/" + name + ".toml", "--fabric " + fabric);
}

}  // namespace

TEST_CASE("what drawn faults once brought to light is good") {
  const std::string fabric = GENERATE(as<std::string>{}, "rtl", "tlm");
  const std::string name =
      GENERATE(as<std::string>{}, "flipped-acceptance-of-a-collision",
               "number-given-again-after-busy", "message-denied",
               "full-node-holds-up-others", "dead-controller-delays-alive",
               "under-way-after-a-misdeed", "two-join-together", "deaf-before-it-spoke",
               "back-before-it-was-missed");
  const auto run = run_repro(name, fabric);
  INFO(name << " on " << fabric << ": " << run.errors);
  CHECK(run.status == 0);
}
