// The bank: whatever fails alone, its books balance and no terminal is told of an error.

#include <catch2/catch.hpp>

#include <span>

#include "command_run.h"
#include "firmware/program/disk_server.h"

using namespace xybus::test;
using xybus::file_on_drive;

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

namespace {

/// With two faults, of which the bank may show that a partition is lost, and no more.
CommandRun bank_that_loses(const std::string& faults) {
  return run_command(bank_with(faults), "--fabric tlm --set workload.0.errors=true");
}

std::string halt_both(const std::string& at, const std::string& then) {
  return "kind = \"cpu-halt\"\ncpu = 2\nat = \"" + at + "\"\n" +
         "[[fault]]\nkind = \"cpu-halt\"\ncpu = 3\nat = \"" + then + "\"\n";
}

}  // namespace

TEST_CASE("a bank that loses both CPUs of a pair ends, and says what is unavailable") {
  const auto [at, then] = GENERATE(table<std::string, std::string>(
      {{"6 ms", "6100 us"}, {"6 ms", "9 ms"}, {"5730 us", "5730 us"}, {"100 us", "200 us"}}));
  const CommandRun run = bank_that_loses(halt_both(at, then));
  INFO(run.errors);
  CHECK(run.status == 0);
  INFO(run.detail_of("books"));
  CHECK(run.detail_of("books").find("$DATA2 unavailable ($BR2, $ACC2, $DATA2)") !=
        std::string::npos);
  CHECK(run.detail_of("books").find("$DATA1") == std::string::npos);
  const CommandRun strict = run_command(bank_with(halt_both(at, then)), "--fabric tlm");
  CHECK(strict.status == 1);
  CHECK_FALSE(strict.failed_check("books").empty());
}

TEST_CASE("a bank that loses one server of a partition for good ends, and says so") {
  for (const std::string name : {"$BR2", "$ACC2", "$DATA2"}) {
    const std::string stop = "kind = \"process-stop\"\nname = \"" + name + "\"\nat = \"";
    const CommandRun run =
        bank_that_loses(stop + "12 ms\"\n[[fault]]\n" + stop + "12040 us\"\n");
    INFO(name << run.errors);
    CHECK(run.status == 0);
    INFO(run.detail_of("books"));
    CHECK(run.detail_of("books").find("$DATA2 unavailable (") != std::string::npos);
    CHECK(run.detail_of("books").find(name) != std::string::npos);
  }
}

namespace {

/// The bank, whose disks begin with what a run has left in this directory, if one is given.
/// Its one terminal is alone on CPU 4, so that nothing is under way when that has been answered.
std::string bank_on_images(const std::string& directory, const std::string& faults) {
  std::string text = file_text(bank_with(faults));
  text.insert(text.find("count ="), "cpus = [4]\n");
  if (directory.empty()) return scenario_file(text);
  for (const std::string disk : {"DATA1", "DATA2"}) {
    const std::string name = "name = \"$" + disk + "\"\n";
    text.insert(text.find(name) + name.size(),
                "image = \"" + directory + "/disks/" + disk + "\"\n");
  }
  return scenario_file(text);
}

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("a mirror that died before the power failed is not believed by the next run but copied") {
  const std::string drive = GENERATE(as<std::string>{}, "0", "1");
  const std::string other = drive == "0" ? "1" : "0";
  const std::string first = fresh_directory(), second = fresh_directory();
  const std::string faults = "kind = \"disk-dies\"\ndisk = \"$DATA1\"\ndrive = " + drive +
                             "\nat = \"5 ms\"\n[[fault]]\nkind = \"power-failure\"\n"
                             "when = { event = \"link_done\", nth = 30, cpu = 4 }\n";
  const std::string run = "run --quiet --fabric tlm --set workload.0.terminals=1 --out ";
  const PlainRun died = run_plain(run + first + " " + bank_on_images("", faults));
  INFO(died.errors);
  REQUIRE(died.status == 0);
  const auto history = [](const std::string& directory, const std::string& number) {
    const std::string image = file_text(directory + "/disks/DATA1-" + number + ".img");
    const auto file = file_on_drive(bytes(image), "HISTORY");
    return std::string(reinterpret_cast<const char*>(file.data()), file.size());
  };
  const std::string whole = history(first, other);
  REQUIRE(history(first, drive).size() < whole.size());

  const std::string nothing = "kind = \"disk-dies\"\ndisk = \"$DATA2\"\ndrive = 1\n"
                              "at = \"10 ms\"\nfor = \"1 ms\"\n";
  const PlainRun next = run_plain(run + second + " " + bank_on_images(first, nothing));
  INFO(next.errors);
  CHECK(next.status == 0);
  CHECK(file_text(second + "/summary.json").find("unavailable") == std::string::npos);
  for (const std::string number : {"0", "1"}) {
    CHECK(history(second, number).substr(0, whole.size()) == whole);
    CHECK(history(second, number).size() > whole.size());
  }
  CHECK(file_text(second + "/disks/DATA1-0.img") == file_text(second + "/disks/DATA1-1.img"));
}

TEST_CASE("a bank under faults drawn from seeds, one at a time, does not show it") {
  const PlainRun run = run_plain("campaign " + shipped("bank-chaos") +
                                 " --fabric tlm --seeds 1..12");
  INFO(run.output << run.errors);
  CHECK(run.status == 0);
}
