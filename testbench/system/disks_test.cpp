// Drives under a running kernel, and what faults do to them: a small pair of processes that keeps
// blocks on two drives, on both fabrics.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

#include "../model/in_child.h"
#include "command_run.h"
#include "firmware/program/disk_driver.h"
#include "run/run.h"
#include "workload/plan.h"

using namespace xybus;
using namespace xybus::test;
using hal::DiskStatus;

namespace {

constexpr std::uint32_t blocks = 32;
using Block = std::array<std::byte, hal::disk_block_bytes>;

Block filled(unsigned value) {
  Block block;
  block.fill(static_cast<std::byte>(value));
  return block;
}

/// What the keepers did, as the test sees it.
struct Account {
  std::map<std::uint32_t, unsigned> written;    // block to value: acknowledged by both drives
  std::map<std::string, unsigned> endings;      // "0 write ok" and how often
  unsigned wrong = 0;                           // reads of something else
  unsigned mended = 0;                          // bad blocks that were written anew
  std::vector<unsigned> keepers;                // CPUs, in their order
};

/// Writes blocks on both drives at once, then reads one of them, over and over. Does without a
/// drive that is dead.
class Keeper {
 public:
  Keeper(Site& site, Process& process, Account& account)
      : account_(account),
        drivers_{DiskDriver(site.kernel.devices(), process, *site.hal.disks()[0]),
                 DiskDriver(site.kernel.devices(), process, *site.hal.disks()[1])} {
    account_.keepers.push_back(site.cpu);
  }

  Task<> run() {
    for (DiskDriver& driver : drivers_) co_await driver.take();
    for (unsigned round = 1;; ++round) {
      const std::uint32_t block = (7 * round) % blocks;
      if (!co_await write(block, round % 200 + 1)) co_return;
      if (!co_await check((5 * round) % blocks)) co_return;
    }
  }

 private:
  /// False: this CPU keeps the drives no more.
  bool note(unsigned drive, const char* what, DiskStatus status) {
    ++account_.endings[fmt::format("{} {} {}", drive, what, name(status))];
    if (status == DiskStatus::dead) gone_[drive] = true;
    return status != DiskStatus::ownership_lost && status != DiskStatus::not_owner;
  }

  Task<bool> write(std::uint32_t block, unsigned value) {
    const Block data = filled(value);
    std::array<std::optional<DiskDriver::Token>, 2> tokens;
    account_.written.erase(block);  // until both have it, either may
    for (unsigned i = 0; i < 2; ++i)
      if (!gone_[i]) tokens[i] = drivers_[i].start_write(block, data);
    bool both = true;
    for (unsigned i = 0; i < 2; ++i) {
      if (!tokens[i]) continue;
      const DiskStatus status = co_await drivers_[i].end_of(*tokens[i]);
      if (!note(i, "write", status)) co_return false;
      both = both && status == DiskStatus::ok;
    }
    if (both) account_.written[block] = value;
    co_return true;
  }

  Task<bool> check(std::uint32_t block) {
    Block data{};
    for (unsigned i = 0; i < 2; ++i) {
      if (gone_[i]) continue;
      const DiskStatus status = co_await drivers_[i].read(block, data);
      if (!note(i, "read", status)) co_return false;
      if (status != DiskStatus::ok) continue;
      const auto known = account_.written.find(block);
      if (known != account_.written.end() && data != filled(known->second)) ++account_.wrong;
      if (i == 1 && !gone_[0] && known != account_.written.end()) {
        if (!note(0, "mend", co_await drivers_[0].write(block, data))) co_return false;
        ++account_.mended;
      }
      co_return true;
    }
    co_return true;
  }

  Account& account_;
  std::array<DiskDriver, 2> drivers_;
  std::array<bool, 2> gone_{};
};

/// One on CPU 0, and one on CPU 1 that begins when CPU 0 has left the view.
void keep(Site& site, Account& account) {
  if (site.cpu > 1) return;
  site.kernel.dispatcher().create("keeper", 150, [&site, &account](Process& self) -> Task<> {
    while (site.cpu == 1 && site.kernel.membership().up(0))
      co_await self.wait(contract::EventBit::pon);
    Keeper keeper(site, self, account);
    co_await keeper.run();
  });
}

std::string scenario_text_with(const std::string& keys, const std::string& disk_keys = "") {
  return R"([system]
cpus = 3
[[disk]]
name = "$DATA1"
cpus = [0, 1]
blocks = 32
read = "20 us"
write = "30 us"
)" + disk_keys + R"([[workload]]
kind = "ping"
from = 1
to = 2
bytes = 32
count = 60
pause = "150 us"
)" + keys;
}

struct Outcomes {
  std::string text;
  std::string directory;
  bool has(const std::string& part) const { return text.find(part) != std::string::npos; }
};

/// Runs it in a child. The text has all that the account has, the faults, checks that failed, the
/// outcome and the digest.
Outcomes run_disks(FabricKind fabric, const std::string& scenario, bool skip = true,
                   std::string directory = fresh_directory()) {
  std::filesystem::create_directories(directory);
  const std::string text = in_child([&] {
    const Scenario read = parse_scenario(scenario, "disks.toml");
    Account account;
    RunOptions options;
    options.fabric = fabric;
    options.skip = options.bursts = skip;
    options.out_dir = directory;
    options.write_disks = true;
    options.on_boot = [&account](Site& site) { keep(site, account); };
    EventLog log;
    Progress progress;
    const RunResult result = run(read, options, log, progress);
    std::string all = fmt::format("{}, digest {}\n", name(result.outcome), result.digest);
    for (const FaultResult& fault : result.faults)
      all += fmt::format("{}, {}: {}\n", fault.what, fault.when, fault.effect);
    for (const CheckResult& check : result.checks)
      if (!check.ok) all += fmt::format("{} failed: {}\n", check.name, check.detail);
    for (const auto& [what, count] : account.endings) all += fmt::format("{}: {}\n", what, count);
    all += fmt::format("keepers {}, wrong {}, mended {}, {} blocks\n",
                       fmt::join(account.keepers, " "), account.wrong, account.mended,
                       account.written.size());
    // What was acknowledged is in the images.
    for (unsigned drive = 0; drive < 2; ++drive) {
      const std::string image = file_text(fmt::format("{}/disks/DATA1-{}.img", directory, drive));
      if (image.size() != blocks * sizeof(Block)) all += "bad image\n";
      unsigned missing = 0;
      for (const auto& [block, value] : account.written) {
        const Block is = filled(value);
        missing += image.compare(block * is.size(), is.size(),
                                 reinterpret_cast<const char*>(is.data()), is.size()) != 0;
      }
      all += fmt::format("drive {} lacks {}\n", drive, missing);
    }
    return all;
  });
  return {text, directory};
}

FabricKind each_fabric() { return GENERATE(FabricKind::rtl, FabricKind::tlm); }

const std::string on_drive = "disk = \"$DATA1\"\ndrive = 0\n";

}  // namespace

TEST_CASE("a process reads and writes drives, and images hold what it wrote") {
  const Outcomes sound = run_disks(each_fabric(), scenario_text_with(""));
  INFO(sound.text);
  CHECK(sound.has("good, digest"));
  CHECK_FALSE(sound.has("failed"));
  CHECK(sound.has("0 read ok"));
  CHECK(sound.has("1 write ok"));
  CHECK_FALSE(sound.has("1 read"));
  CHECK(sound.has("keepers 0, wrong 0, mended 0, 32 blocks"));
  CHECK(sound.has("drive 0 lacks 0\ndrive 1 lacks 0"));
}

TEST_CASE("runs with disks and faults of disks are the same without skipping and bursts") {
  const FabricKind fabric = each_fabric();
  const std::string scenario = scenario_text_with(
      "[[fault]]\nkind = \"disk-dies\"\nat = \"2 ms\"\nfor = \"1 ms\"\n" + on_drive +
      "[[fault]]\nkind = \"disk-read-error\"\nprobability = 0.2\n" + on_drive +
      "[[fault]]\nkind = \"cpu-halt\"\ncpu = 0\nat = \"3 ms\"\n");
  const Outcomes one = run_disks(fabric, scenario);
  INFO(one.text);
  // (The second keeper knows nothing of the drive's death, and reads old blocks there.)
  CHECK(one.has("keepers 0 1"));
  CHECK(one.has("0 read read_error"));
  CHECK(one.text == run_disks(fabric, scenario, false).text);
}

TEST_CASE("disk-dies: the drive says so, and its mirror has everything") {
  const Outcomes dead = run_disks(
      each_fabric(),
      scenario_text_with("[[fault]]\nkind = \"disk-dies\"\nat = \"2 ms\"\n" + on_drive));
  INFO(dead.text);
  CHECK(dead.has("good, digest"));
  CHECK(dead.has("disk-dies $DATA1-0, cycle 200000: from cycle 200000"));
  CHECK(dead.has("dead: 1"));
  CHECK(dead.has("1 read ok"));
  CHECK(dead.has("wrong 0"));
  CHECK(dead.has("drive 1 lacks 0"));
  CHECK_FALSE(dead.has("drive 0 lacks 0"));
}

TEST_CASE("disk-read-error: a bad block is read from the mirror, and is good when written anew") {
  const FabricKind fabric = each_fabric();
  const Outcomes block = run_disks(
      fabric, scenario_text_with("[[fault]]\nkind = \"disk-read-error\"\nat = \"3 ms\"\n"
                                 "block = 3\n" + on_drive));
  INFO(block.text);
  CHECK(block.has("good, digest"));
  CHECK(block.has("disk-read-error $DATA1-0 block 3, cycle 300000: from cycle 300000: "));
  CHECK(block.has(", then written anew"));
  CHECK(block.has("wrong 0"));
  CHECK(block.has("drive 0 lacks 0\ndrive 1 lacks 0"));

  const Outcomes all = run_disks(
      fabric, scenario_text_with("[[fault]]\nkind = \"disk-read-error\"\nat = \"3 ms\"\n"
                                 "for = \"1 ms\"\n" + on_drive));
  INFO(all.text);
  CHECK(all.has("0 read read_error: "));
  CHECK(all.has("1 read ok: "));
  CHECK_FALSE(all.has("written anew"));
  CHECK(all.has("wrong 0"));
}

TEST_CASE("disk-write-error: nothing of the write is on the drive") {
  const Outcomes error = run_disks(
      each_fabric(), scenario_text_with("[[fault]]\nkind = \"disk-write-error\"\n"
                                        "probability = 0.5\nafter = \"1 ms\"\n" + on_drive));
  INFO(error.text);
  CHECK(error.has("good, digest"));
  CHECK(error.has("disk-write-error $DATA1-0, each command with probability 0.5 from cycle "
                  "100000"));
  CHECK(error.has("0 write write_error: "));
  CHECK_FALSE(error.has("1 write write_error"));
  CHECK(error.has("wrong 0"));
  CHECK(error.has("drive 0 lacks 0\ndrive 1 lacks 0"));
}

TEST_CASE("a CPU that halts leaves its drives to the other, with all it had acknowledged") {
  const std::string when = GENERATE(as<std::string>{}, "2 ms", "2010 us", "2020 us", "2030 us");
  const Outcomes over = run_disks(
      each_fabric(), scenario_text_with("[[fault]]\nkind = \"cpu-halt\"\ncpu = 0\nat = \"" + when +
                                        "\"\n"));
  INFO(over.text);
  CHECK(over.has("good, digest"));
  CHECK(over.has("keepers 0 1, wrong 0"));
  CHECK(over.has("drive 0 lacks 0\ndrive 1 lacks 0"));
}

TEST_CASE("power-failure: the run ends, good, and drives keep what they acknowledged") {
  const FabricKind fabric = each_fabric();
  const std::string when = GENERATE(as<std::string>{}, "1500 us", "1515 us", "1531 us", "1547 us");
  const Outcomes first = run_disks(
      fabric, scenario_text_with("[[fault]]\nkind = \"power-failure\"\nat = \"" + when + "\"\n"
                                 "[[fault]]\nkind = \"cpu-restart\"\ncpu = 0\nat = \"1400 us\"\n"
                                 "for = \"150 us\"\n"
                                 "[[fault]]\nkind = \"bus-down\"\nat = \"2 ms\"\n"));
  INFO(first.text);
  CHECK(first.has("good, digest"));
  CHECK(first.has("power-failure, "));
  CHECK_FALSE(first.has("failed: "));
  CHECK(first.has("bus-down x and y, cycle 200000: never came"));
  CHECK(first.has("drive 0 lacks 0\ndrive 1 lacks 0"));

  // Another run goes on with that.
  const std::string disk = "image = \"" + first.directory + "/disks/DATA1\"\n";
  const Outcomes second = run_disks(fabric, scenario_text_with("", disk));
  INFO(second.text);
  CHECK(second.has("good, digest"));
  CHECK(second.has("drive 0 lacks 0\ndrive 1 lacks 0"));
}

TEST_CASE("a run begins with its images, and does not take those it would overwrite") {
  const std::string first = fresh_directory();
  const PlainRun blank = run_plain("run --quiet --fabric tlm --out " + first + " " +
                                   scenario_file(scenario_text_with("")));
  REQUIRE(blank.status == 0);
  const std::string zeros(blocks * sizeof(Block), '\0');
  CHECK(file_text(first + "/disks/DATA1-0.img") == zeros);
  const std::string pattern(blocks * sizeof(Block), 'x');
  std::ofstream(first + "/disks/DATA1-1.img", std::ios::binary) << pattern;

  const std::string scenario =
      scenario_file(scenario_text_with("", "image = \"" + first + "/disks/DATA1\"\n"));
  const PlainRun own = run_plain("run --quiet --fabric tlm --out " + first + " " + scenario);
  CHECK(own.status == 2);
  CHECK_THAT(own.errors, Catch::Contains("the run would overwrite the image"));
  CHECK(file_text(first + "/disks/DATA1-1.img") == pattern);

  const std::string second = fresh_directory();
  const PlainRun on = run_plain("run --quiet --fabric tlm --out " + second + " " + scenario);
  INFO(on.errors);
  CHECK(on.status == 0);
  CHECK(file_text(second + "/disks/DATA1-0.img") == zeros);
  CHECK(file_text(second + "/disks/DATA1-1.img") == pattern);

  // A run that fails leaves its images too.
  const PlainRun late = run_plain("run --quiet --fabric tlm --set \"limits.time=20 us\" --out " +
                                  second + " " + scenario);
  CHECK(late.status == 3);
  CHECK(file_text(second + "/disks/DATA1-1.img") == pattern);
}
