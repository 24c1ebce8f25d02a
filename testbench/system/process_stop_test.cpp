// The fault `process-stop` in whole runs: a disk process and a user of its files, on both fabrics.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <vector>

#include "../model/in_child.h"
#include "firmware/program/disk_server.h"
#include "run/run.h"
#include "workload/plan.h"

using namespace xybus;
using namespace xybus::test;

namespace {

constexpr unsigned records = 40;
constexpr std::size_t record_bytes = 90;

std::vector<std::byte> record(unsigned number) {
  std::vector<std::byte> bytes(record_bytes, static_cast<std::byte>(number));
  bytes[0] = std::byte{0x7e};
  return bytes;
}

/// What the user was told; and what it has read at the end.
struct Account {
  unsigned written = 0, found = 0;
  std::vector<contract::Error> errors;
};

/// Appends records, then reads them all.
Task<> use(Guardian& guardian, Account& account) {
  FileSystem& system = files(guardian);
  const auto note = [&](contract::Error error) {
    if (error != contract::Error::none) account.errors.push_back(error);
  };
  contract::Error made = contract::Error::no_process;
  while (made == contract::Error::no_process) {
    co_await guardian.process().wait(contract::EventBit{}, 5'000);
    made = co_await system.create("$DATA1.LOG", {.max_bytes = 8'000});
  }
  note(made);
  const Opened opened = co_await system.open("$DATA1.LOG", {.sync_depth = 1});
  note(opened.error);
  system.position(opened.file, end_of_file);
  for (; account.written < records; ++account.written) {
    note((co_await system.write(opened.file, record(account.written))).error);
  }
  system.position(opened.file, 0);
  std::vector<std::byte> all(8'000);
  const IoResult read = co_await system.read(opened.file, all);
  note(read.error);
  for (; (account.found + 1) * record_bytes <= read.bytes; ++account.found) {
    const auto expected = record(account.found);
    const std::byte* const is = all.data() + account.found * record_bytes;
    if (std::memcmp(is, expected.data(), record_bytes) != 0) co_return;
  }
}

std::string outcome_with(FabricKind fabric, const std::string& faults) {
  return in_child([&] {
    const Scenario scenario = parse_scenario(R"([system]
cpus = 4
alive = "200 us"
[[disk]]
name = "$DATA1"
cpus = [0, 1]
blocks = 64
read = "5 us"
write = "8 us"
[[workload]]
kind = "ping"
from = 2
to = 3
bytes = 32
count = 100
pause = "200 us"
)" + faults, "stop.toml");
    Account account;
    ProgramLibrary programs;
    programs.add("disk", [](Guardian& guardian) -> Task<> {
      DiskServer server(guardian, "disk", 0b0011);
      co_await server.run();
    });
    RunOptions options;
    options.fabric = fabric;
    options.programs = &programs;
    options.on_boot = [&](Site& site) {
      if (site.cpu != 2) return;
      site.kernel.dispatcher().create("user", 150, [&](Process& self) -> Task<> {
        Guardian& guardian = site.kernel.control().guardian(self);
        co_await guardian.newprocess(
            {.program = "disk", .name = *ProcessName::parse("$DATA1"), .cpu = 0});
        co_await use(guardian, account);
      });
    };
    EventLog log;
    Progress progress;
    const RunResult result = run(scenario, options, log, progress);
    std::string text = fmt::format("{}\n", name(result.outcome));
    for (const FaultResult& fault : result.faults)
      text += fmt::format("{}, {}: {}\n", fault.what, fault.when, fault.effect);
    for (const CheckResult& check : result.checks)
      if (!check.ok) text += fmt::format("{} failed: {}\n", check.name, check.detail);
    text += fmt::format("{} written, {} found, {} errors\n", account.written, account.found,
                        account.errors.size());
    return text;
  });
}

FabricKind each_fabric() { return GENERATE(FabricKind::rtl, FabricKind::tlm); }

const std::string stop = "[[fault]]\nkind = \"process-stop\"\nname = \"$DATA1\"\n";
const std::string all_good = fmt::format("{0} written, {0} found, 0 errors\n", records);

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("without a fault a disk process serves, and nothing leaks at the end") {
  CHECK(outcome_with(each_fabric(), "") == "good\n" + all_good);
}

TEST_CASE("process-stop: the primary is stopped where it is aimed, and its backup goes on") {
  const std::string event = GENERATE(as<std::string>{}, "checkpoint_sent", "checkpoint_done",
                                     "link_replied");
  const unsigned nth = GENERATE(20, 31);
  const std::string text = outcome_with(
      each_fabric(),
      stop + fmt::format("when = {{ event = \"{}\", cpu = 0, nth = {} }}\n", event, nth));
  INFO(text);
  CHECK(has(text, "good\n"));
  CHECK_FALSE(has(text, "failed"));
  CHECK(has(text, fmt::format("process-stop $DATA1, {} {} of CPU 0: at cycle ", event, nth)));
  CHECK(has(text, " of CPU 0\n"));
  CHECK(has(text, all_good));
}

TEST_CASE("process-stop: the primary, then the one that has taken over while it does") {
  const FabricKind fabric = each_fabric();
  // There is nobody else then: the name is free.
  const std::string gone = outcome_with(
      fabric, stop + "when = { event = \"checkpoint_sent\", cpu = 0, nth = 20 }\n" + stop +
                  "when = { event = \"took_over\", cpu = 1 }\n");
  INFO(gone);
  CHECK(has(gone, "good\n"));
  CHECK(has(gone, "process-stop $DATA1, took_over 1 of CPU 1: at cycle "));
  CHECK(has(gone, " of CPU 1\n"));
  CHECK_FALSE(has(gone, all_good));
  CHECK_FALSE(has(gone, " 0 errors"));
}

TEST_CASE("process-stop: a backup that is stopped is made again") {
  const std::string backup = stop + "member = \"backup\"\n";
  const std::string text = outcome_with(
      each_fabric(),
      backup + "when = { event = \"checkpoint_sent\", cpu = 0, nth = 20 }\n" + stop +
          "when = { event = \"checkpoint_done\", cpu = 0, nth = 35 }\n");
  INFO(text);
  CHECK(has(text, "good\n"));
  CHECK(has(text, "process-stop $DATA1 backup, "));
  CHECK(has(text, " of CPU 1\n"));
  CHECK(has(text, " of CPU 0\n"));
  CHECK(has(text, all_good));
}

TEST_CASE("process-stop of a name that nobody has does nothing, and says so") {
  const std::string text = outcome_with(
      FabricKind::tlm,
      "[[fault]]\nkind = \"process-stop\"\nname = \"$NOBODY\"\nat = \"1 ms\"\n");
  CHECK(text == "good\nprocess-stop $NOBODY, cycle 100000: at cycle 100000: there was none\n" +
                    all_good);
}
