// FST files, read back with the reader that comes with Verilator's writer.
#include <catch2/catch.hpp>
#include <filesystem>
#include <gtkwave/fstapi.h>
#include <map>
#include <unistd.h>
#include <vector>

#include "in_child.h"
#include "model/machine.h"

namespace {

using namespace xybus;

struct Change {
  std::uint64_t time;
  bool value;
};

struct Wave {
  int timescale = 0;
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::vector<Change> clock;
  std::vector<Change> request;  // cpu_valid_i of node 0
};

struct TemporaryFile {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("waveform_test_" + std::to_string(getpid()) + ".fst");
  ~TemporaryFile() { std::filesystem::remove(path); }
};

struct Handles {
  fstHandle clock = 0;
  fstHandle request = 0;
  Wave* wave = nullptr;
};

void take(void* user, std::uint64_t time, fstHandle handle, const unsigned char* value) {
  const auto& handles = *static_cast<Handles*>(user);
  if (handle == handles.clock) handles.wave->clock.push_back({time, value[0] == '1'});
  if (handle == handles.request) {
    const std::string bits(reinterpret_cast<const char*>(value));
    handles.wave->request.push_back({time, bits.back() == '1'});
  }
}

Wave read_wave(const std::string& file) {
  void* const reader = fstReaderOpen(file.c_str());
  REQUIRE(reader != nullptr);
  Wave wave;
  Handles handles;
  handles.wave = &wave;
  unsigned depth = 0;
  while (const fstHier* const hier = fstReaderIterateHier(reader)) {
    if (hier->htyp == FST_HT_SCOPE) ++depth;
    if (hier->htyp == FST_HT_UPSCOPE) --depth;
    if (hier->htyp != FST_HT_VAR || depth != 1) continue;
    const std::string name = hier->u.var.name;
    if (name.starts_with("clk_i")) handles.clock = hier->u.var.handle;
    if (name.starts_with("cpu_valid_i")) handles.request = hier->u.var.handle;
  }
  wave.timescale = fstReaderGetTimescale(reader);
  wave.start = fstReaderGetStartTime(reader);
  wave.end = fstReaderGetEndTime(reader);
  fstReaderSetFacProcessMaskAll(reader);
  fstReaderIterBlocks(reader, take, &handles, nullptr);
  fstReaderClose(reader);
  return wave;
}

// Changes only: the reader repeats values at the start of a block.
std::vector<Change> edges(const std::vector<Change>& changes) {
  std::vector<Change> result;
  for (const Change& change : changes) {
    if (result.empty() || result.back().value != change.value) result.push_back(change);
  }
  return result;
}

/// A register access in cycle 100, one in 103, and one in 200; the hardware is idle otherwise.
void run(const FabricConfig& config) {
  const std::string result = test::in_child([&] {
    Machine machine{config};
    machine.set_firmware(0, [](hal::Hal& hal) {
      for (const std::uint64_t cycle : {100, 103, 200}) {
        hal.idle(cycle);
        hal.read(contract::Register::id);
      }
    });
    machine.run(1000);
    return std::string("done");
  });
  REQUIRE(result == "done");
}

constexpr std::uint64_t period = 8000;  // ps

FabricConfig config_for(const TemporaryFile& file) {
  FabricConfig config;
  config.period = clock_period(125e6);
  config.trace_file = file.path.string();
  return config;
}

}  // namespace

TEST_CASE("the waveform shows both clock edges of every cycle at their times") {
  const TemporaryFile file;
  FabricConfig config = config_for(file);
  config.skip = false;
  run(config);
  const Wave wave = read_wave(file.path.string());
  CHECK(wave.timescale == -12);
  CHECK(wave.start == 0);
  CHECK(wave.end == 1000 * period);
  const auto clock = edges(wave.clock);
  REQUIRE(clock.size() == 2 * 1000 + 1);
  for (std::size_t i = 0; i < clock.size(); ++i) {
    REQUIRE(clock[i].time == i * period / 2);
    REQUIRE(clock[i].value == (i % 2 == 1));
  }
}

TEST_CASE("the waveform holds the window asked for and no more") {
  const TemporaryFile file;
  FabricConfig config = config_for(file);
  config.skip = false;
  config.trace_from = 50;
  config.trace_to = 150;
  run(config);
  const Wave wave = read_wave(file.path.string());
  CHECK(wave.start == 50 * period);
  CHECK(wave.end == 150 * period);
  CHECK(edges(wave.clock).size() == 2 * 100 + 1);
}

TEST_CASE("a skipped stretch shows no clock edges, and a low clock") {
  const TemporaryFile file;
  run(config_for(file));
  const Wave wave = read_wave(file.path.string());
  const auto clock = edges(wave.clock);
  // Cycle 0, then the three accesses, each with the cycles until the hardware is idle again.
  CHECK(clock.size() < 2 * 30);
  unsigned gaps = 0;
  for (std::size_t i = 1; i < clock.size(); ++i) {
    CHECK(clock[i].value != clock[i - 1].value);
    CHECK(clock[i].time % period == (clock[i].value ? period / 2 : 0));
    const std::uint64_t length = clock[i].time - clock[i - 1].time;
    if (length == period / 2) continue;
    ++gaps;
    CHECK(clock[i].value);  // low through the gap
  }
  CHECK(gaps == 2);  // before cycle 100 and before cycle 200
}

TEST_CASE("a request is shown from the start of its cycle to the start of the next") {
  const TemporaryFile file;
  FabricConfig config = config_for(file);
  config.skip = GENERATE(false, true);
  run(config);
  std::vector<std::uint64_t> rises;
  std::vector<std::uint64_t> falls;
  for (const Change& change : edges(read_wave(file.path.string()).request)) {
    if (change.value) rises.push_back(change.time / period);
    if (!change.value && !rises.empty()) falls.push_back(change.time / period);
    CHECK(change.time % period == 0);
  }
  CHECK(rises == std::vector<std::uint64_t>{100, 103, 200});
  CHECK(falls == std::vector<std::uint64_t>{101, 104, 201});
}

TEST_CASE("a window that is never reached leaves no file") {
  const TemporaryFile file;
  FabricConfig config = config_for(file);
  config.trace_from = 1'000'000;
  run(config);
  CHECK_FALSE(std::filesystem::exists(file.path));
}

TEST_CASE("a waveform file that cannot be written ends the run with its name") {
  FabricConfig config;
  config.trace_file = "/nowhere/trace.fst";
  Machine machine{config};
  CHECK_THROWS_WITH(machine.run(10), Catch::Contains("/nowhere/trace.fst"));
}
