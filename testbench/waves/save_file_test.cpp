// The GTKWave save file of a run: does it fit the trace beside it, and does it show what matters?
#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "fst_names.h"
#include "in_child.h"
#include "run/run.h"
#include "trace/gtkw.h"
#include "waves/packet_text.h"

namespace {

using namespace xybus;
namespace fs = std::filesystem;

struct Directory {
  fs::path path = fs::temp_directory_path() / ("waves_test_" + std::to_string(getpid()));
  Directory() { fs::create_directory(path); }
  ~Directory() { fs::remove_all(path); }
};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A signal in a save file: its full name, and whether it is shown by the names of its states.
struct Shown {
  std::string name;
  bool by_name;
};

std::vector<Shown> shown(const std::string& text) {
  constexpr unsigned number_formats = 0x2 | 0x4 | 0x8 | 0x10;
  std::vector<Shown> result;
  unsigned flags = 0;
  for (const std::string& line : lines(text)) {
    if (line[0] == '@') flags = unsigned(std::stoul(line.substr(1), nullptr, 16));
    if (line[0] != '+' && line[0] != '#') continue;
    const bool by_name = line[0] == '+' && (flags & number_formats) == 0;
    std::istringstream names(line.substr(line.find("} ") + 2));
    for (std::string name; names >> name;) {
      if (name[0] == '(') name.erase(0, name.find(')') + 1);  // a bit of it
      result.push_back({name, by_name});
    }
  }
  return result;
}

std::string starting_with(const std::string& text, const std::string& start) {
  for (const std::string& line : lines(text)) {
    if (line.starts_with(start)) return line.substr(start.size());
  }
  return "";
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

Scenario pings(unsigned cpus) {
  Scenario scenario;
  scenario.name = "pings";
  scenario.system.cpus = cpus;
  scenario.limit_cycles = 1'000'000;
  scenario.workloads = {
      PingSpec{.at = {}, .from = 0, .to = cpus - 1, .bytes = 32, .reply_bytes = 32, .count = 8}};
  return scenario;
}

void trace(const Scenario& scenario, const Directory& directory, std::uint64_t from = 0) {
  const std::string outcome = test::in_child([&] {
    EventLog log;
    Progress progress(false, scenario.system.clock_hz);
    RunOptions options;
    options.trace = true;
    options.trace_from = from;
    options.out_dir = directory.path.string();
    return std::string(name(run(scenario, options, log, progress).outcome));
  });
  REQUIRE(outcome == "good");
}

constexpr std::uint64_t period = 10'000;  // ps

TraceView view() {
  return {.directory = "runs/some run", .cpus = 4, .period = period, .from = 0, .filter = "/b/f"};
}

/// The cycles that a window 1000 pixels wide shows first.
std::pair<double, double> in_view(const std::string& text) {
  const double from = std::stod(starting_with(text, "[timestart] ")) / period;
  const double pixel = std::exp2(-std::stod(words(starting_with(text, "*"))[0])) / 200 / period;
  return {from, from + 1000 * pixel};
}

}  // namespace

TEST_CASE("every signal of the save file is in the trace, in each size of the fabric") {
  const unsigned cpus = GENERATE(2U, 4U, 5U, 8U, 9U, 16U);
  CAPTURE(cpus);
  const Directory directory;
  trace(pings(cpus), directory);
  const test::FstNames names = test::fst_names(directory.path / "trace.fst");
  const auto signals = shown(contents(directory.path / "trace.gtkw"));
  CHECK(signals.size() > 20 + 15 * cpus);
  for (const Shown& signal : signals) {
    CAPTURE(signal.name);
    const auto found = names.find(signal.name);
    REQUIRE(found != names.end());
    if (signal.by_name) CHECK(!found->second.empty());
  }
}

TEST_CASE("the filter knows each answer by the number and the name that the trace has") {
  const Directory directory;
  trace(pings(2), directory);
  const auto names = test::fst_names(directory.path / "trace.fst");
  for (const char* bus : {"x", "y"}) {
    const auto& values = names.at(fmt::format("TOP.fabric.u_probe_{}.answer[2:0]", bus));
    REQUIRE(values.size() == 6);
    CHECK(values[0] == "Nothing");
    for (std::size_t i = 1; i < values.size(); ++i) {
      std::string name = values[i];
      name[0] = char(std::tolower(name[0]));
      CHECK_THAT(answer_text(std::to_string(i)), Catch::EndsWith(name));
    }
  }
}

TEST_CASE("faults of a run are marked at their cycles") {
  const Directory directory;
  Scenario scenario = pings(3);
  scenario.faults = {
      FaultSpec{.at = {}, .kind = FaultKind::bus_down, .bus = contract::BusId::y, .cpu = {},
                .when = AtCycle{5000}, .until_cycle = 7000},
      FaultSpec{.at = {}, .kind = FaultKind::packet_corrupt, .bus = contract::BusId::x, .cpu = {},
                .when = AtCycle{6000}, .until_cycle = {}}};
  trace(scenario, directory);
  const std::string text = contents(directory.path / "trace.gtkw");
  const auto times = words(starting_with(text, "*"));
  REQUIRE(times.size() == 2 + 26);
  CHECK(times[1] == "-1");
  CHECK(times[2] == std::to_string(5000 * period));
  CHECK(std::stoull(times[3]) >= 6000 * period);
  CHECK(std::stoull(times[3]) < 7000 * period);
  CHECK(times[4] == std::to_string(7000 * period));
  CHECK(times[5] == "-1");
  CHECK(starting_with(text, "[markername] A") == "Y down");
  CHECK(starting_with(text, "[markername] B") == "X corrupt");
  CHECK(starting_with(text, "[markername] C") == "Y up");
}

TEST_CASE("what lies before the window of the trace is neither marked nor in view") {
  const Directory directory;
  Scenario scenario = pings(2);
  scenario.faults = {
      FaultSpec{.at = {}, .kind = FaultKind::answer_drop, .bus = contract::BusId::x, .cpu = {},
                .when = AtPacket{.n = 1, .from = {}, .bus = contract::BusId::x},
                .until_cycle = {}}};
  trace(scenario, directory, 4000);
  const std::string text = contents(directory.path / "trace.gtkw");
  CHECK(starting_with(text, "[markername]").empty());
  CHECK(std::stoull(starting_with(text, "[timestart] ")) >= 4000 * period);
}

TEST_CASE("a window that the run never reaches leaves neither trace nor save file") {
  const Directory directory;
  trace(pings(2), directory, 900'000);
  CHECK(fs::is_empty(directory.path));
}

TEST_CASE("without a fault the first packet is in view") {
  TraceNotes notes(0, 100'000);
  notes.packet(3000);
  notes.packet(9000);
  const std::string text = gtkw_text(view(), notes);
  CHECK(starting_with(text, "[timestart] ") == std::to_string(2980 * period));
}

TEST_CASE("the view reaches from the first fault to the packet behind it") {
  TraceNotes notes(0, 100'000);
  notes.packet(1000);
  notes.fault(3000, "X down");
  notes.packet(3140);
  const auto [from, to] = in_view(gtkw_text(view(), notes));
  CHECK((from > 2900 && from < 3000));
  CHECK((to > 3200 && to < 3400));
}

TEST_CASE("the packet behind the first fault is in view even when it is far off") {
  TraceNotes notes(0, 100'000);
  notes.packet(1000);
  notes.fault(3000, "X down");
  notes.packet(9000);
  const auto [from, to] = in_view(gtkw_text(view(), notes));
  CHECK((from > 8900 && from < 9000));
  CHECK((to > 9100 && to < 9300));
}

TEST_CASE("a trace in which nothing happens opens at its start") {
  TraceView quiet = view();
  quiet.from = 70;
  CHECK(starting_with(gtkw_text(quiet, {70, 200}), "[timestart] ") == std::to_string(70 * period));
}

TEST_CASE("only the first 26 faults are marked") {
  TraceNotes notes(0, 100'000);
  for (std::uint64_t i = 0; i < 40; ++i) notes.fault(100 + i, "X corrupt");
  const std::string text = gtkw_text(view(), notes);
  CHECK(words(starting_with(text, "*")).size() == 2 + 26);
  CHECK(starting_with(text, "[markername] Z") == "X corrupt");
  CHECK(starting_with(text, "[markername] [").empty());
}

TEST_CASE("a failure is marked behind the faults, and what led to it is in view") {
  TraceNotes notes(0, 100'000);
  notes.packet(10);
  notes.fault(20, "X down");
  notes.failure(5000);
  const std::string text = gtkw_text(view(), notes);
  CHECK_THAT(text, Catch::Contains("[markername] AX down\n[markername] Bfailure\n"));
  const auto marks = words(starting_with(text, "*"));
  CHECK(marks[3] == std::to_string(5000 * period));
  const auto [from, to] = in_view(text);
  CHECK(from == 4400);
  CHECK(to > 5000);
  for (unsigned i = 0; i < 30; ++i) notes.fault(30 + i, "more");
  CHECK_THAT(gtkw_text(view(), notes), Catch::Contains("[markername] Zfailure\n"));
  TraceNotes outside(6000, 7000);
  outside.failure(5000);
  CHECK_FALSE(outside.failure().has_value());
}

TEST_CASE("the save file names the trace beside it by its full path") {
  const std::string here = fs::current_path().string();
  const std::string text = gtkw_text(view(), {0, 100});
  CHECK(starting_with(text, "[dumpfile] ") == "\"" + here + "/runs/some run/trace.fst\"");
  CHECK(starting_with(text, "[savefile] ") == "\"" + here + "/runs/some run/trace.gtkw\"");
}

TEST_CASE("there is a group for each bus and for each CPU in use") {
  TraceView six = view();
  six.cpus = 6;
  const std::string text = gtkw_text(six, {0, 100});
  std::multiset<std::string> names;
  for (const std::string& line : lines(text)) {
    if (line.starts_with('-')) names.insert(line.substr(1));
  }
  // Where it begins and where it ends.
  CHECK(names == std::multiset<std::string>{"Bus X", "Bus X", "Bus Y", "Bus Y", "CPU 0", "CPU 0",
                                            "CPU 1", "CPU 1", "CPU 2", "CPU 2", "CPU 3", "CPU 3",
                                            "CPU 4", "CPU 4", "CPU 5", "CPU 5"});
}

TEST_CASE("without a filter no process is named, and answers are shown by name") {
  TraceView plain = view();
  plain.filter.clear();
  const std::string text = gtkw_text(plain, {0, 100});
  CHECK_THAT(text, !Catch::Contains("^>"));
  bool found = false;
  for (const Shown& signal : shown(text)) {
    if (signal.name != "TOP.fabric.u_probe_x.answer[2:0]") continue;
    found = true;
    CHECK(signal.by_name);
  }
  CHECK(found);
}

TEST_CASE("a directory that is not there is reported") {
  TraceView lost = view();
  lost.directory = "/nowhere/at all";
  CHECK_THROWS_WITH(write_gtkw(lost, {0, 1}), "cannot write /nowhere/at all/trace.gtkw");
}
