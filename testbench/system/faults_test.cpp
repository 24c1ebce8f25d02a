// Every kind of fault from its scenario to its effect, through the built command, on both fabrics.
#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;

namespace {

CommandRun with_fault(const std::string& fabric, const std::string& keys, unsigned cpus = 4) {
  return run_command(scenario_file("[system]\ncpus = " + std::to_string(cpus) + R"(
[limits]
time = "50 ms"
[[workload]]
kind = "all-to-all"
bytes = 300
count = 60
window = 4
[[fault]]
)" + keys), "--fabric " + fabric);
}

int retries(const CommandRun& run) {
  return run.summary["bus"]["x"]["retries"].get<int>() +
         run.summary["bus"]["y"]["retries"].get<int>();
}

std::string each_fabric() { return GENERATE(as<std::string>{}, "rtl", "tlm"); }

const std::string some_time = "at = \"50 us\"\nfor = \"200 us\"\n";

}  // namespace

TEST_CASE("what buses do to packets and answers costs attempts, and no message") {
  const std::string fabric = each_fabric();
  const std::string keys = GENERATE(
      as<std::string>{}, "kind = \"packet-corrupt\"\nbits = [3, 70]\nprobability = 0.05\n",
      "kind = \"packet-corrupt\"\npart = \"header\"\nprobability = 0.05\n",
      "kind = \"packet-corrupt\"\npart = \"payload\"\nprobability = 0.05\n",
      // CPU 1's wire of `accepted`.
      "kind = \"answer-corrupt\"\nbits = [1]\nbus = \"x\"\nat = \"50 us\"\nfor = \"20 us\"\n",
      "kind = \"bus-stuck-bit\"\nbus = \"x\"\nwire = 5\nlevel = 1\n" + some_time,
      "kind = \"partition\"\nbus = \"x\"\ncpus = [0, 1]\n" + some_time,
      "kind = \"completion-delayed\"\ncpu = 1\n" + some_time);
  const auto run = with_fault(fabric, keys);
  INFO(fabric << keys << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["messages"]["delivered"] == 240);
  CHECK(retries(run) > 0);
}

TEST_CASE("what controllers and CPUs do costs time, and no message") {
  const std::string fabric = each_fabric();
  const std::string keys = GENERATE(
      as<std::string>{}, "kind = \"controller-dead\"\nbus = \"x\"\nat = \"50 us\"\n",
      "kind = \"bus-slow\"\ncycles = 255\nat = \"50 us\"\n",
      "kind = \"cpu-slow\"\ncpu = 1\nfactor = 10\nat = \"50 us\"\nfor = \"500 us\"\n",
      "kind = \"interrupt-lost\"\ncpu = 1\n" + some_time);
  const auto sound = with_fault(fabric, "kind = \"packet-drop\"\nprobability = 0.0\n");
  const auto run = with_fault(fabric, keys);
  INFO(fabric << keys << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["messages"]["delivered"] == 240);
  CHECK(run.summary["cycles"].get<int>() > sound.summary["cycles"].get<int>() + 1000);
}

TEST_CASE("packets that a bus repeats are answered again, and delivered once") {
  const std::string fabric = each_fabric();
  const auto run = with_fault(fabric, "kind = \"packet-duplicate\"\nprobability = 0.2\n");
  INFO(fabric << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["messages"]["delivered"] == 240);
  CHECK(run.events.find("packet_copy") != std::string::npos);
}

TEST_CASE("a partition of both buses fails messages across it, and the run is good") {
  const std::string fabric = each_fabric();
  // Longer than a CPU may be silent: the part without CPU 0 halts.
  const auto run = with_fault(
      fabric, "kind = \"partition\"\ncpus = [0, 1]\nat = \"20 us\"\nfor = \"4 ms\"\n");
  INFO(fabric << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["messages"]["failed"] > 0);
  CHECK(run.summary["messages"]["delivered"] > 0);
  CHECK(run.summary["messages"]["lost"] == 0);
}

TEST_CASE("a node whose engine an upset switches off fails its messages, and no other's") {
  const std::string fabric = each_fabric();
  const auto run = with_fault(
      fabric,
      "kind = \"register-upset\"\ncpu = 1\nregister = \"control\"\nbits = [0]\nat = \"50 us\"\n");
  INFO(fabric << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["messages"]["failed"] > 0);
}

TEST_CASE("collisions on one bus fail nothing") {
  const std::string fabric = each_fabric();
  const auto run =
      with_fault(fabric, "kind = \"controller-double-grant\"\nbus = \"x\"\nat = \"1 us\"\n", 8);
  INFO(fabric << run.errors);
  CHECK(run.status == 0);
  CHECK(run.summary["messages"]["delivered"] == 480);
}
