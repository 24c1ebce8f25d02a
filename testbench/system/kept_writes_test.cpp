// What disk processes have acknowledged is on their drives, whatever fails, the power too.
#include <catch2/catch.hpp>

#include "command_run.h"

using namespace xybus::test;
using Catch::Contains;

namespace {

/// The shipped file-copy without its faults: with these ones, and keys of both disks.
std::string copies_with(const std::string& faults, const std::string& images = "") {
  std::string text = file_text(shipped("file-copy"));
  text.resize(text.find("[[fault]]"));
  if (!images.empty()) {
    for (const char* name : {"DATA1", "DATA2"}) {
      const std::string key = std::string("name = \"$") + name + "\"\n";
      text.insert(text.find(key), "image = \"" + images + "/disks/" + name + "\"\n");
    }
  }
  return scenario_file(text + faults);
}

/// In a directory of its own, or that one.
CommandRun good_run(const std::string& scenario, const std::string& arguments,
                    std::string directory = {}) {
  if (directory.empty()) directory = fresh_directory();
  const PlainRun plain = run_plain("run '" + scenario + "' --quiet --no-wave-on-failure " +
                                   arguments + " --out '" + directory + "'");
  CommandRun run{.status = plain.status, .errors = plain.errors, .summary = {}, .events = {}};
  run.summary = file_json(directory + "/summary.json");
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK_THAT(run.detail_of("disks"), Contains("writes acknowledged"));
  return run;
}

std::uint64_t writes_of(const CommandRun& run) {
  return std::stoull(run.detail_of("disks"));
}

}  // namespace

TEST_CASE("file-copy: a drive that dies is copied, a disk process goes over, every byte is there") {
  const std::string fabric = GENERATE(as<std::string>{}, "rtl", "tlm");
  const CommandRun run = good_run(shipped("file-copy"), "--fabric " + fabric);
  CHECK_THAT(run.detail_of("files"), Contains("20 copies read back, 400000 bytes") &&
                                         Contains("; 0 failed"));
  // Source and copy of each of 20, in 7 pieces; both drives of both volumes.
  CHECK_THAT(run.detail_of("disks"),
             Contains("280 writes acknowledged, 800000 bytes; 8 files, each as it is to be on 4 "
                      "drives"));
}

TEST_CASE("writes up to a power failure are on the drives, and the next run goes on with them") {
  const std::string fabric = GENERATE(as<std::string>{}, "rtl", "tlm");
  const std::string when = GENERATE(as<std::string>{}, "9 ms", "12345 us", "20021 us");
  const std::string first = fresh_directory();
  const std::string power =
      "[[fault]]\nkind = \"power-failure\"\nat = \"" + when + "\"\n";
  const CommandRun failed =
      good_run(copies_with(power), "--fabric " + fabric, first);
  CHECK(writes_of(failed) > 20);
  CHECK(writes_of(failed) < 280);
  // The copiers begin anew, on what is there.
  const CommandRun second = good_run(copies_with("", first), "--fabric " + fabric);
  CHECK(writes_of(second) == 280);
  // So does one of which the power fails, too.
  good_run(copies_with(power, first), "--fabric " + fabric);
}

TEST_CASE("copiers of short files do not mind that an earlier run has left longer ones") {
  const std::string first = fresh_directory();
  good_run(copies_with(""), "--fabric tlm", first);
  const CommandRun second =
      good_run(copies_with("", first), "--fabric tlm --set workload.0.bytes=5000");
  CHECK_THAT(second.detail_of("files"), Contains("20 copies read back, 100000 bytes"));
  CHECK(second.summary["throughput"][0]["what"] == "copies");
  CHECK(second.summary["throughput"][0]["wait_cycles"]["samples"] == 20);
}

TEST_CASE("copies to a volume that is lost are failures, and the run ends") {
  const std::string both = "[[fault]]\nkind = \"cpu-halt\"\ncpu = 2\nat = \"10 us\"\n"
                           "[[fault]]\nkind = \"cpu-halt\"\ncpu = 3\nat = \"20 us\"\n";
  const CommandRun run =
      run_command(copies_with(both), "--fabric tlm --set workload.0.errors=true");
  INFO(run.errors);
  CHECK(run.status == 0);
  CHECK_THAT(run.detail_of("files"), Contains("0 copies read back") && Contains("; 15 failed"));
}

TEST_CASE("a drive that is dead when the power fails is behind, and does not count afterwards") {
  const std::string first = fresh_directory();
  const std::string faults =
      "[[fault]]\nkind = \"disk-dies\"\ndisk = \"$DATA2\"\ndrive = 0\nat = \"5 ms\"\n"
      "[[fault]]\nkind = \"power-failure\"\nat = \"15 ms\"\n";
  const CommandRun failed = good_run(copies_with(faults), "--fabric tlm", first);
  CHECK_THAT(failed.detail_of("disks"), Contains("on 3 drives"));
  const CommandRun second = good_run(copies_with("", first), "--fabric tlm");
  CHECK_THAT(second.detail_of("disks"), Contains("each as it is to be on 4 drives"));
}

TEST_CASE("a bank whose power fails keeps each record that was acknowledged") {
  for (const char* when : {"7 ms", "11111 us", "16003 us"}) {
    std::string text = file_text(shipped("bank-chaos"));
    text.resize(text.find("[chaos]"));
    text += std::string("[[fault]]\nkind = \"power-failure\"\nat = \"") + when + "\"\n";
    const CommandRun run = good_run(scenario_file(text), "--fabric tlm");
    CHECK(writes_of(run) > 20);
  }
}
