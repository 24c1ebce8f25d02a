// What faults say beyond where and when, as scenarios write it.
#include <catch2/catch.hpp>

#include "scenario/scenario.h"

using namespace xybus;

namespace {

// The fault's keys start at line 12.
const std::string head = R"([system]
cpus = 4
[limits]
time = "10 ms"
[[workload]]
kind = "ping"
from = 0
to = 1
bytes = 32
count = 10
[[fault]]
)";

FaultSpec fault_of(const std::string& keys) {
  return parse_scenario(head + keys, "s.toml").faults.at(0);
}

std::string error_of(const std::string& keys) {
  try {
    parse_scenario(head + keys, "s.toml");
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("bits of a packet, or a part of it, can be chosen") {
  const auto bits = fault_of("kind = \"packet-corrupt\"\nat_cycle = 1\nbits = [70, 3]\n");
  CHECK(bits.detail.bits == std::vector<unsigned>{3, 70});
  const auto part = fault_of("kind = \"packet-corrupt\"\nat_cycle = 1\npart = \"payload\"\n");
  CHECK(part.detail.part == FaultDetail::Part::payload);
  CHECK(error_of("kind = \"packet-corrupt\"\nat_cycle = 1\nbits = [3]\npart = \"header\"\n") ==
        "s.toml:15: part contradicts bits; expected one of the two");
  CHECK(error_of("kind = \"packet-corrupt\"\nat_cycle = 1\nbits = [2176]\n") ==
        "s.toml:14: bits has 2176; expected a list of numbers, 0 to 2175, each once");
  CHECK(error_of("kind = \"packet-corrupt\"\nat_cycle = 1\nbits = [3, 3]\n") ==
        "s.toml:14: bits is empty, or has a number twice; expected a list of numbers, 0 to 2175, "
        "each once");
}

TEST_CASE("every kind has its keys, and no other's") {
  CHECK(fault_of("kind = \"bus-stuck-bit\"\nat_cycle = 1\nwire = 5\nlevel = 1\n").detail.wire == 5);
  CHECK(fault_of("kind = \"partition\"\nat_cycle = 1\ncpus = [2]\n").detail.cpus ==
        std::vector<unsigned>{2});
  CHECK(fault_of("kind = \"bus-slow\"\nat_cycle = 1\ncycles = 9\n").detail.cycles == 9);
  const auto upset = fault_of(
      "kind = \"register-upset\"\nat_cycle = 1\ncpu = 3\nregister = \"path_limits\"\nbits = [8]\n");
  CHECK(upset.detail.reg == contract::Register::path_limits);
  CHECK(upset.cpu == 3U);
  CHECK(fault_of("kind = \"cpu-slow\"\nat_cycle = 1\ncpu = 3\nfactor = 10\n").detail.factor == 10);
  CHECK(fault_of("kind = \"answer-corrupt\"\nat_cycle = 1\n").detail.cpus.size() == 4);

  CHECK(error_of("kind = \"bus-slow\"\nat_cycle = 1\nwire = 9\n") ==
        "s.toml:14: wire on bus-slow; expected cycles");
  CHECK(error_of("kind = \"bus-slow\"\nat_cycle = 1\n") ==
        "s.toml:11: fault.0 has no cycles; expected cycles = an integer, 1 to 255");
  CHECK(error_of("kind = \"partition\"\nat_cycle = 1\ncpus = [0, 1, 2, 3]\n") ==
        "s.toml:14: cpus are all there are; expected fewer: the others are cut off from them");
  CHECK(error_of("kind = \"ram-flip\"\nat_cycle = 1\ncpu = 0\naddress = 9\n") ==
        "s.toml:11: fault.0 has no bits; expected bits = a list of numbers, 0 to 7, each once");
  CHECK(error_of("kind = \"cpu-slow\"\nat_cycle = 1\ncpu = 0\nfactor = 1\n") ==
        "s.toml:15: factor = 1 is out of range; expected 2 to 1000");
}

TEST_CASE("for is another way to say until, and counts from the packet that it waits for") {
  const auto at = fault_of("kind = \"bus-down\"\nat = \"10 us\"\nfor = \"5 us\"\n");
  CHECK(at.until_cycle == 1500U);
  const auto when = fault_of("kind = \"bus-down\"\nwhen = \"packet 3 on x\"\nfor = \"5 us\"\n");
  CHECK(when.for_cycles == 500U);
  CHECK_FALSE(when.until_cycle.has_value());
  CHECK(error_of("kind = \"bus-down\"\nat_cycle = 1\nuntil = \"9 us\"\nfor = \"5 us\"\n") ==
        "s.toml:15: for contradicts until; expected one of the two");
  CHECK(error_of("kind = \"packet-drop\"\nwhen = \"packet 3 on x\"\nfor = \"5 us\"\n") ==
        "s.toml:14: for on a packet-drop that has no length; expected no for");
}
