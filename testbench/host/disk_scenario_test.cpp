// `[[disk]]` and faults of disks, as scenarios write them.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "chaos/draw.h"
#include "scenario/scenario.h"
#include "scenario/write.h"
#include "shrink/shrink.h"

using namespace xybus;

namespace {

// Lines 1 to 8; a disk's keys start at line 10.
const std::string head = R"([system]
cpus = 4
[[workload]]
kind = "ping"
from = 2
to = 3
bytes = 32
count = 10
)";
const std::string named = "name = \"$data1\"\ncpus = [1, 0]\n";
// Its faults start behind line 12: their keys at line 14.
const std::string with_disk = head + "[[disk]]\n" + named + "blocks = 100\n";

Scenario scenario_of(const std::string& disk) {
  return parse_scenario(head + "[[disk]]\n" + disk, "s.toml");
}

std::string error_of(const std::string& text) {
  try {
    parse_scenario(text, "s.toml");
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "no error";
}

std::string disk_error(const std::string& keys) { return error_of(head + "[[disk]]\n" + keys); }

std::string fault_error(const std::string& keys) {
  return error_of(with_disk + "[[fault]]\n" + keys);
}

FaultSpec fault_of(const std::string& keys) {
  return parse_scenario(with_disk + "[[fault]]\n" + keys, "s.toml").faults.at(0);
}

}  // namespace

TEST_CASE("a disk has defaults for all but its name and its CPUs") {
  const DiskSpec disk = scenario_of(named).disks.at(0);
  CHECK(disk.at.line == 9);
  CHECK(disk.name == "$DATA1");
  CHECK(disk.cpus == std::array{0U, 1U});
  CHECK(disk.blocks == 4096);
  CHECK(disk.drives == 2);
  CHECK(disk.read_cycles == 5000);
  CHECK(disk.write_cycles == 5000);
  CHECK(disk.block_cycles == 100);
  CHECK(disk.image.empty());
  const DiskSpec all = scenario_of("name = \"$A\"\ncpus = [3, 2]\nblocks = 7\ndrives = 1\n"
                                   "read = \"20 us\"\nwrite = \"30 us\"\nblock = \"7 cycles\"\n")
                           .disks.at(0);
  CHECK(all.blocks == 7);
  CHECK(all.drives == 1);
  CHECK(all.read_cycles == 2000);
  CHECK(all.write_cycles == 3000);
  CHECK(all.block_cycles == 7);
}

TEST_CASE("a mistake in a disk is reported with its line and what was expected") {
  CHECK_THAT(disk_error("cpus = [0, 1]\n"), Catch::StartsWith("s.toml:9: disk.0 has no name"));
  CHECK_THAT(disk_error("name = \"$A\"\n"), Catch::StartsWith("s.toml:9: disk.0 has no cpus"));
  CHECK(disk_error("name = \"DATA1\"\ncpus = [0, 1]\n") ==
        "s.toml:10: name = \"DATA1\" is no name of a volume; expected \"$\", a letter, and up to "
        "six letters or digits: \"$DATA1\"");
  CHECK_THAT(disk_error("name = \"$A\"\ncpus = [0]\n"),
             Catch::StartsWith("s.toml:11: cpus has 1 CPU; expected two"));
  CHECK_THAT(disk_error("name = \"$A\"\ncpus = [0, 1, 2]\n"),
             Catch::StartsWith("s.toml:11: cpus has 3 CPUs; expected two"));
  CHECK_THAT(disk_error("name = \"$A\"\ncpus = [0, 4]\n"),
             Catch::StartsWith("s.toml:11: cpus has 4; expected"));
  CHECK_THAT(disk_error("name = \"$A\"\ncpus = [1, 1]\n"), Catch::StartsWith("s.toml:11: "));
  CHECK_THAT(disk_error(named + "blocks = 0\n"), Catch::StartsWith("s.toml:12: blocks = 0 is out"));
  CHECK_THAT(disk_error(named + "blocks = 262145\n"), Catch::StartsWith("s.toml:12: "));
  CHECK_THAT(disk_error(named + "drives = 3\n"), Catch::StartsWith("s.toml:12: drives = 3 is out"));
  CHECK(disk_error(named + "read = \"0 s\"\n") ==
        "s.toml:12: read = \"0 s\" is 0 cycles; expected 1 to 2^40 cycles");
  CHECK_THAT(disk_error(named + "seek = \"1 ms\"\n"),
             Catch::StartsWith("s.toml:12: unknown key"));
  CHECK(error_of(with_disk + "[[disk]]\n" + named) ==
        "s.toml:14: $DATA1 is there already, in line 9; expected another name");
  CHECK_THAT(disk_error(named + "image = \"no/such/DATA1\"\n"),
             Catch::StartsWith("s.toml:12: cannot read no/such/DATA1-0.img: "));
  std::string many = head;
  for (char letter = 'A'; letter <= 'I'; ++letter)
    many += std::string("[[disk]]\nname = \"$") + letter + "\"\ncpus = [0, 1]\n";
  CHECK(error_of(many) == "s.toml:33: more than 8 volumes; expected fewer");
}

TEST_CASE("an image has to have the size of its drive") {
  const std::string stem = (std::filesystem::temp_directory_path() / "xybus_image_test").string();
  for (unsigned drive = 0; drive < 2; ++drive)
    std::ofstream(image_file(stem, drive), std::ios::binary) << std::string(1024, 'a');
  CHECK(scenario_of(named + "blocks = 2\nimage = \"" + stem + "\"\n").disks[0].image == stem);
  CHECK(disk_error(named + "blocks = 3\nimage = \"" + stem + "\"\n") ==
        "s.toml:13: " + stem + "-0.img has 1024 bytes; expected 1536: 3 blocks of 512");
  for (unsigned drive = 0; drive < 2; ++drive) std::filesystem::remove(image_file(stem, drive));
}

TEST_CASE("faults of disks name a drive, and a block where there is one") {
  const FaultSpec dies = fault_of(
      "kind = \"disk-dies\"\ndisk = \"$DATA1\"\ndrive = 1\nat_cycle = 7\nfor = \"1 us\"\n");
  CHECK(dies.detail.disk == "$DATA1");
  CHECK(dies.detail.drive == 1);
  CHECK(dies.until_cycle == 107U);
  const FaultSpec error = fault_of(
      "kind = \"disk-read-error\"\ndisk = \"$DATA1\"\ndrive = 0\nblock = 99\nat_cycle = 7\n");
  CHECK(error.detail.block == 99U);
  const FaultSpec chance = fault_of(
      "kind = \"disk-write-error\"\ndisk = \"$DATA1\"\ndrive = 0\nprobability = 0.25\n"
      "after = \"1 us\"\nuntil = \"2 us\"\n");
  CHECK(std::get<EachPacket>(chance.when) == EachPacket{0.25, 100});
  CHECK_FALSE(chance.detail.block);
  const FaultSpec power = fault_of("kind = \"power-failure\"\nat_cycle = 7\n");
  CHECK_FALSE(power.cpu);
  CHECK_FALSE(power.bus);
  // Drives are counted through all volumes.
  const Scenario two = parse_scenario(
      with_disk + "[[disk]]\nname = \"$B\"\ncpus = [2, 3]\n[[fault]]\nkind = \"disk-dies\"\n"
                  "disk = \"$B\"\ndrive = 1\nat_cycle = 7\n",
      "s.toml");
  CHECK(two.faults[0].detail.drive_number == 3);
}

TEST_CASE("a mistake in a fault of a disk is reported with its line") {
  const std::string drive = "disk = \"$DATA1\"\ndrive = 0\n";
  CHECK_THAT(fault_error("kind = \"disk-dies\"\nat_cycle = 1\ndrive = 0\n"),
             Catch::StartsWith("s.toml:13: fault.0 has no disk"));
  CHECK_THAT(fault_error("kind = \"disk-dies\"\nat_cycle = 1\ndisk = \"$DATA1\"\n"),
             Catch::StartsWith("s.toml:13: fault.0 has no drive"));
  CHECK(fault_error("kind = \"disk-dies\"\nat_cycle = 1\ndisk = \"$DATA2\"\ndrive = 0\n") ==
        "s.toml:16: unknown disk \"$DATA2\", perhaps \"$DATA1\"; expected $DATA1");
  CHECK_THAT(fault_error("kind = \"disk-dies\"\nat_cycle = 1\ndisk = \"$DATA1\"\ndrive = 2\n"),
             Catch::StartsWith("s.toml:17: drive = 2 is out of range"));
  CHECK_THAT(fault_error("kind = \"disk-dies\"\nat_cycle = 1\nblock = 1\n" + drive),
             Catch::StartsWith("s.toml:16: block on disk-dies"));
  CHECK_THAT(fault_error("kind = \"disk-read-error\"\nat_cycle = 1\nblock = 100\n" + drive),
             Catch::StartsWith("s.toml:16: block = 100 is out of range"));
  CHECK_THAT(fault_error("kind = \"disk-dies\"\nprobability = 0.5\n" + drive),
             Catch::StartsWith("s.toml:15: probability on disk-dies"));
  CHECK_THAT(fault_error("kind = \"disk-dies\"\nat_cycle = 1\ncpu = 1\n" + drive),
             Catch::StartsWith("s.toml:16: cpu on disk-dies; expected disk"));
  CHECK_THAT(fault_error("kind = \"disk-dies\"\nat_cycle = 1\nbus = \"x\"\n" + drive),
             Catch::StartsWith("s.toml:16: bus on disk-dies; expected no bus"));
  CHECK_THAT(fault_error("kind = \"power-failure\"\nat_cycle = 1\ncpu = 1\n"),
             Catch::StartsWith("s.toml:16: cpu on power-failure; expected no cpu"));
  CHECK_THAT(fault_error("kind = \"power-failure\"\nat_cycle = 1\nuntil = \"1 ms\"\n"),
             Catch::StartsWith("s.toml:16: until on power-failure; expected no until"));
  CHECK_THAT(fault_error("kind = \"power-failure\"\nat_cycle = 1\nfor = \"1 ms\"\n"),
             Catch::StartsWith("s.toml:16: for on a power-failure"));
  CHECK_THAT(fault_error("kind = \"cpu-halt\"\ncpu = 1\nat_cycle = 1\ndisk = \"$DATA1\"\n"),
             Catch::StartsWith("s.toml:17: disk on cpu-halt"));
  CHECK(error_of(head + "[[fault]]\nkind = \"disk-dies\"\nat_cycle = 1\n" + drive) ==
        "s.toml:9: disk-dies without a disk; expected at least one [[disk]]");
}

TEST_CASE("a scenario with disks reads as it was written") {
  const Scenario first = parse_scenario(
      with_disk + "read = \"3 us\"\n[[disk]]\nname = \"$B\"\ncpus = [2, 3]\ndrives = 1\n"
                  "[[fault]]\nkind = \"disk-read-error\"\ndisk = \"$B\"\ndrive = 0\nblock = 9\n"
                  "at_cycle = 7\n[[fault]]\nkind = \"power-failure\"\nat_cycle = 9\n",
      "s.toml", {"disk.0.write=9 us"});
  Scenario again = parse_scenario(scenario_text(first), "s.toml");
  REQUIRE(again.disks.size() == 2);
  CHECK(again.disks[0].write_cycles == 900);
  for (std::size_t i = 0; i < 2; ++i) {
    again.disks[i].at = first.disks[i].at;
    again.faults[i].at = first.faults[i].at;
  }
  CHECK(again.disks == first.disks);
  CHECK(again.faults == first.faults);
}

TEST_CASE("chaos draws faults of disks where there are disks, and never a power failure") {
  const std::string chaos = "[chaos]\ncount = 30\nuntil = \"50 ms\"\ntolerance = \"any\"\n";
  const Scenario without = parse_scenario(head + chaos, "s.toml");
  for (const FaultKind kind : without.chaos->kinds) CHECK_FALSE(is_disk_fault(kind));
  const Scenario with = parse_scenario(with_disk + chaos, "s.toml");
  std::array<unsigned, 3> drawn{};
  bool blocks = false, ends = true;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Scenario one = draw_chaos(with, seed);
    for (const FaultSpec& fault : one.faults) {
      CHECK(fault.kind != FaultKind::power_failure);
      if (!is_disk_fault(fault.kind)) continue;
      ++drawn[unsigned(fault.kind) - unsigned(FaultKind::disk_dies)];
      blocks = blocks || fault.detail.block;
      ends = ends && fault.until_cycle;
    }
    CHECK_NOTHROW(parse_scenario(scenario_text(one), "s.toml"));
  }
  for (const unsigned count : drawn) CHECK(count > 0);
  CHECK(blocks);
  CHECK(ends);
  CHECK_THAT(error_of(head + chaos + "kinds = [\"disk-dies\"]\n"),
             Catch::Contains("disk-dies without a disk; expected at least one [[disk]]"));
  CHECK_THAT(error_of(with_disk + chaos + "kinds = [\"power-failure\"]\n"),
             Catch::Contains("power-failure in [chaos]"));
}

TEST_CASE("shrink takes neither a disk nor its CPUs away") {
  struct Always : ShrinkRunner {
    bool fails(const Scenario&) override { return true; }
    std::vector<PacketStrike> strikes() override { return {}; }
  } always;
  Scenario failing = parse_scenario(head + "[[disk]]\nname = \"$A\"\ncpus = [1, 2]\n", "s.toml");
  failing.workloads[0] = parse_scenario("[[workload]]\nkind = \"ping\"\nfrom = 0\nto = 1\n"
                                        "bytes = 3\ncount = 9\n", "s.toml").workloads[0];
  const Scenario small = shrink(failing, always, [](const ShrinkState&) {});
  CHECK(small.disks == failing.disks);
  CHECK(small.system.cpus == 3);
}

TEST_CASE("a volume may not have the name of a process of a workload") {
  const std::string bank = "[system]\ncpus = 2\n[[workload]]\nkind = \"debit-credit\"\ncount = 1\n";
  const auto error = [&](const std::string& name) {
    return error_of(bank + "[[disk]]\nname = \"" + name + "\"\ncpus = [0, 1]\n");
  };
  CHECK(error("$BR1") ==
        "s.toml:6: $BR1 is the name of a process of debit-credit; expected another name");
  CHECK(error("$acc12").find("$ACC12 is the name of a process") != std::string::npos);
  CHECK(error("$BRX") == "no error");
  CHECK(error("$KV1") == "no error");
}
