// The ladder of digests in events.jsonl, and how two logs' first difference is found by it.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "compare/ladder.h"
#include "report/event_log.h"

using namespace xybus;
using Catch::Contains;
using contract::BusId;

namespace {

constexpr EventKind noted{"noted", {"value"}};

struct Directory {
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "xybus-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()));
    path = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

/// Writes `count` events of three sources, event `other` (from 1) with another value. Gives the
/// digest.
std::string write(const std::filesystem::path& directory, std::uint64_t count,
                  std::uint64_t other = 0) {
  std::filesystem::create_directories(directory);
  EventLog log((directory / "events.jsonl").string());
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto source = i % 3 == 0 ? EventLog::bus(BusId::x) : EventLog::cpu(unsigned(i % 3));
    log.record(source, 5 * i, noted, {i == other ? 0 : i});
  }
  const std::string digest = log.digest();
  log.finish();
  return digest;
}

/// Leaves only the ladder of a run in a file beside it.
std::string ladder_of(const std::filesystem::path& directory) {
  std::ifstream log(directory / "events.jsonl");
  const std::string path = directory.string() + ".ladder";
  std::ofstream ladder(path);
  for (std::string line; std::getline(log, line);) {
    if (is_rung(line)) ladder << line << '\n';
  }
  return path;
}

}  // namespace

TEST_CASE("behind each thousandth event is the digest that a run of so many events has") {
  const Directory home;
  write(home.path / "long", 3500);
  const EventFile file((home.path / "long").string());
  REQUIRE(file.rungs().size() == 3);
  for (std::uint64_t k = 1; k <= 3; ++k) {
    const Rung& rung = file.rungs()[k - 1];
    CHECK(rung.events == 1000 * k);
    CHECK(rung.cycle == 5000 * k);
    CHECK(rung.digest == write(home.path / "short", 1000 * k));
  }
  EventLines lines(file.text());
  std::uint64_t events = 0;
  while (lines.next()) {
    ++events;
    if (!is_rung(lines.line())) continue;
    FAIL("a rung is no event");
  }
  CHECK(events == 3500);
}

TEST_CASE("the first difference is found wherever it is, at and around the rungs too") {
  const Directory home;
  write(home.path / "a", 5500);
  const EventFile a((home.path / "a").string());
  for (const std::uint64_t at : {1, 2, 999, 1000, 1001, 2500, 4999, 5000, 5001, 5500}) {
    write(home.path / "b", 5500, at);
    const EventFile b((home.path / "b").string());
    const auto parting = find_parting(a, b);
    INFO(at);
    REQUIRE(parting);
    CHECK(parting->after == at - 1);
    CHECK(parting->a.number == at);
    CHECK_THAT(std::string(parting->a.line), Contains(fmt::format("\"value\":{}}}", at)));
    CHECK_THAT(std::string(parting->b.line), Contains("\"value\":0}"));
  }
}

TEST_CASE("bisection looks only at the thousand events that hold the difference") {
  // Of all but these the events are doctored: whoever read them would find another difference.
  const Directory home;
  write(home.path / "a", 4000);
  write(home.path / "b", 4000, 2345);
  const std::string path = (home.path / "b/events.jsonl").string();
  std::ifstream in(path);
  std::string text, doctored;
  for (std::uint64_t number = 0; std::getline(in, text);) {
    if (!is_rung(text)) ++number;
    if (number <= 2000 && !is_rung(text)) text.replace(text.find("noted"), 5, "fakes");
    doctored += text + '\n';
  }
  std::ofstream(path) << doctored;
  const EventFile a((home.path / "a").string());
  const EventFile b(path);
  const auto parting = find_parting(a, b);
  REQUIRE(parting);
  CHECK(parting->a.number == 2345);
}

TEST_CASE("logs that are the same have no first difference") {
  const Directory home;
  write(home.path / "a", 2100);
  write(home.path / "b", 2100);
  const EventFile a((home.path / "a").string());
  const EventFile b((home.path / "b").string());
  CHECK_FALSE(find_parting(a, b).has_value());
}

TEST_CASE("a log that ends early differs where it ends") {
  const Directory home;
  write(home.path / "a", 2100);
  for (const std::uint64_t events : {0, 1, 1000, 2000, 2099}) {
    write(home.path / "b", events);
    const EventFile a((home.path / "a").string());
    const EventFile b((home.path / "b").string());
    const auto parting = find_parting(a, b);
    REQUIRE(parting);
    CHECK(parting->after == events);
    CHECK(parting->a.number == events + 1);
    CHECK(parting->b.line.empty());
    CHECK_THAT(parting_text({"one", "two"}, *parting), Contains("two: nothing\n"));
  }
}

TEST_CASE("a ladder alone tells between which events the first difference lies") {
  const Directory home;
  write(home.path / "a", 5500);
  write(home.path / "b", 5500, 3001);
  const EventFile a((home.path / "a").string());
  const EventFile ladder(ladder_of(home.path / "b"));
  REQUIRE(ladder.ladder_only());
  for (const auto& [one, two] : {std::pair{&a, &ladder}, std::pair{&ladder, &a}}) {
    const auto parting = find_parting(*one, *two);
    REQUIRE(parting);
    CHECK(parting->after == 3000);
    CHECK(parting->until == 4000);
    CHECK(parting->after_cycle == 15000);
    CHECK_THAT(parting_text({"one", "two"}, *parting), Contains("in events 3001 to 4000"));
  }
  const EventFile own(ladder_of(home.path / "a"));
  CHECK_FALSE(find_parting(a, own).has_value());
}

TEST_CASE("two events are shown side by side, and what differs is marked") {
  const PlacedEvent a{12, R"({"cycle":5,"at":"cpu3","event":"link_done","pin":2,"link":65537})"};
  const PlacedEvent b{14, R"({"cycle":5,"at":"cpu3","event":"link_done","pin":3,"error":"none"})"};
  CHECK(side_by_side({"rtl", "tlm"}, a, b) ==
        "                         rtl         tlm\n"
        "  event number            12          14  *\n"
        "  cycle                    5           5\n"
        "  at                    cpu3        cpu3\n"
        "  event            link_done   link_done\n"
        "  pin                      2           3  *\n"
        "  link                 65537           -  *\n"
        "  error                    -        none  *\n");
  CHECK(place_of(a) == "event 12, cycle 5, CPU 3, link_done, process 2, link 0x10001");
  CHECK(place_of({}) == "nothing");
}
