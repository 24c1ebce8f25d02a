#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "report/event_log.h"
#include "report/format.h"
#include "report/progress.h"
#include "report/sip_hash.h"
#include "report/summary.h"

using namespace xybus;
using contract::BusId;

namespace {

constexpr EventKind done{"done", {"pin", {"error", name_of<contract::Error>}}};
constexpr EventKind packet{"packet", {"source", "length"}};
constexpr EventKind other_packet{"packet2", {"source", "length"}};
constexpr EventKind note{"note", {}};

struct TemporaryFile {
  TemporaryFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "xybus-test-XXXXXX").string();
    const int file = mkstemp(pattern.data());
    REQUIRE(file >= 0);
    close(file);
    path = pattern;
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::string text() const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string path;
};

RunResult sample_result() {
  RunResult r;
  r.scenario = "ping";
  r.seed = 7;
  r.digest = "0123456789abcdef";
  r.cycles = 200'000;
  r.clock_hz = 100e6;
  r.wall_seconds = 0.5;
  r.bus[0] = {50'000, 100'000, 2000, 3, 2, 1, 4, 5, 6, 7, 8, 9};
  r.bus[1] = {};
  r.messages = {1000, 998, 2, 0, 0, 0};
  r.latency = {998, 90, 120, 400, 900};
  r.faults = {{"bus-down x", "cycle 5000 to 8000", "12 packets hit"}};
  r.checks = {{"scoreboard", true, "1000 messages"}, {"protocol x", true, ""}};
  return r;
}

}  // namespace

TEST_CASE("SipHash gives the values of its published test vectors") {
  // Of the input 00 01 02 ..., the vectors of the reference implementation for 0, 8, 16 and 24
  // bytes.
  SipHash hash;
  CHECK(hash.value() == 0x726fdb47dd0e0e31);
  hash.add(0x0706050403020100);
  CHECK(hash.value() == 0x93f5f5799a932462);
  hash.add(0x0f0e0d0c0b0a0908);
  CHECK(hash.value() == 0x3f2acc7f57c29bdb);
  hash.add(0x1716151413121110);
  CHECK(hash.value() == 0xb8ad50c6f649af94);
}

TEST_CASE("the digest does not depend on how sources take turns") {
  struct Recorded {
    EventLog::SourceId source;
    std::uint64_t cycle;
    std::uint64_t value;
  };
  std::vector<std::vector<Recorded>> sources;
  for (const auto source : {EventLog::cpu(0), EventLog::cpu(15), EventLog::bus(BusId::x),
                            EventLog::bus(BusId::y), EventLog::faults()}) {
    auto& events = sources.emplace_back();
    for (std::uint64_t i = 0; i < 50; ++i) events.push_back({source, i / 3, i * source});
  }
  const auto digest_of_turns = [&](unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::size_t> next(sources.size());
    EventLog log;
    for (std::size_t left = sources.size() * 50; left > 0;) {
      const std::size_t s = random() % sources.size();
      if (next[s] == sources[s].size()) continue;
      const Recorded& event = sources[s][next[s]++];
      log.record(event.source, event.cycle, packet, {event.value, 1});
      --left;
    }
    CHECK(log.count() == 250);
    return log.digest();
  };
  const std::string first = digest_of_turns(1);
  CHECK(first.size() == 16);
  for (unsigned seed = 2; seed < 20; ++seed) CHECK(digest_of_turns(seed) == first);
}

TEST_CASE("the digest depends on everything in an event and on the order within a source") {
  const auto digest_of = [](auto&& record) {
    EventLog log;
    record(log);
    return log.digest();
  };
  const auto cpu0 = EventLog::cpu(0);
  const auto cpu1 = EventLog::cpu(1);
  std::set<std::string> digests;
  digests.insert(digest_of([&](EventLog&) {}));
  digests.insert(digest_of([&](EventLog& log) { log.record(cpu0, 5, packet, {1, 2}); }));
  digests.insert(digest_of([&](EventLog& log) { log.record(cpu1, 5, packet, {1, 2}); }));
  digests.insert(digest_of([&](EventLog& log) { log.record(cpu0, 6, packet, {1, 2}); }));
  digests.insert(digest_of([&](EventLog& log) { log.record(cpu0, 5, packet, {2, 1}); }));
  digests.insert(digest_of([&](EventLog& log) { log.record(cpu0, 5, packet, {1, 3}); }));
  digests.insert(digest_of([&](EventLog& log) { log.record(cpu0, 5, other_packet, {1, 2}); }));
  digests.insert(digest_of([&](EventLog& log) { log.record(cpu0, 5, done, {1, 2}); }));
  digests.insert(digest_of([&](EventLog& log) { log.record(cpu0, 5, note, {}); }));
  digests.insert(digest_of([&](EventLog& log) {
    log.record(cpu0, 5, packet, {1, 2});
    log.record(cpu0, 5, done, {1, 2});
  }));
  digests.insert(digest_of([&](EventLog& log) {
    log.record(cpu0, 5, done, {1, 2});
    log.record(cpu0, 5, packet, {1, 2});
  }));
  CHECK(digests.size() == 11);
}

TEST_CASE("the digest is the same with and without a file") {
  const TemporaryFile file;
  EventLog with(file.path);
  EventLog without;
  for (EventLog* log : {&with, &without})
    for (std::uint64_t i = 0; i < 1000; ++i) log->record(EventLog::cpu(i % 4), i, packet, {i, 2});
  with.finish();
  CHECK(with.digest() == without.digest());
}

TEST_CASE("an event is one line of JSON with its fields by name") {
  const TemporaryFile file;
  EventLog log(file.path);
  log.record(EventLog::cpu(3), 17, done, {5, 211});
  log.record(EventLog::bus(BusId::y), 18, packet, {1, ~std::uint64_t{0}});
  log.record(EventLog::faults(), 19, note, {});
  log.finish();
  CHECK(file.text() ==
        "{\"cycle\":17,\"at\":\"cpu3\",\"event\":\"done\",\"pin\":5,\"error\":\"cpu_failed\"}\n"
        "{\"cycle\":18,\"at\":\"bus.y\",\"event\":\"packet\",\"source\":1,\"length\":"
        "18446744073709551615}\n"
        "{\"cycle\":19,\"at\":\"fault\",\"event\":\"note\"}\n");
}

TEST_CASE("the event file is in the order of cycles then sources then numbers") {
  // Each source runs ahead of the others by turns, over many times the span that is held back.
  const TemporaryFile file;
  EventLog log(file.path);
  std::mt19937 random(4711);
  std::vector<std::uint64_t> cycle(4);
  std::uint64_t number = 0;
  while (*std::min_element(cycle.begin(), cycle.end()) < 20 * EventLog::max_lag) {
    const auto s = random() % 4;
    const std::uint64_t behind = *std::min_element(cycle.begin(), cycle.end());
    const std::uint64_t step = random() % 3 == 0 ? 0 : random() % 5000;
    if (cycle[s] + step > behind + EventLog::max_lag) continue;
    cycle[s] += step;
    log.record(EventLog::cpu(unsigned(s)), cycle[s], packet, {number++, 0});
  }
  log.finish();

  std::ifstream lines(file.path);
  std::string text;
  std::uint64_t seen = 0;
  std::tuple<std::uint64_t, std::string, std::uint64_t> last{};
  bool ordered = true;
  while (std::getline(lines, text)) {
    const auto json = nlohmann::json::parse(text);
    if (json["at"] == "log") continue;  // the ladder
    const std::tuple<std::uint64_t, std::string, std::uint64_t> key{json["cycle"], json["at"],
                                                                    json["source"]};
    ordered = ordered && last <= key;
    last = key;
    ++seen;
  }
  CHECK(ordered);
  CHECK(seen == number);
}

TEST_CASE("an event file that cannot be made is an error") {
  CHECK_THROWS_AS(EventLog("/no/such/directory/events.jsonl"), std::system_error);
}

TEST_CASE("an event file that cannot be written to its end is an error") {
  EventLog log("/dev/full");
  log.record(EventLog::cpu(0), 1, note, {});
  CHECK_THROWS_AS(log.finish(), std::system_error);
}

TEST_CASE("the summary holds every key that is promised") {
  const RunOutputs outputs{"runs/ping-7", false, "./xybus run scenarios/ping.toml --seed 7"};
  const auto json = nlohmann::json::parse(summary_json(sample_result(), outputs));
  CHECK(json["scenario"] == "ping");
  CHECK(json["seed"] == 7);
  CHECK(json["fabric"] == "rtl");
  CHECK(json["digest"] == "0123456789abcdef");
  CHECK(json["outcome"] == "good");
  CHECK(json["cycles"] == 200'000);
  CHECK(json["simulated_seconds"] == 0.002);
  CHECK(json["wall_seconds"] == 0.5);
  CHECK(json["cycles_per_second"] == 400'000.0);
  const auto& x = json["bus"]["x"];
  CHECK(x["busy_cycles"] == 50'000);
  CHECK(x["payload_bytes"] == 100'000);
  CHECK(x["packets"] == 2000);
  CHECK(x["retries"] == 3);
  CHECK(x["crc_errors"] == 2);
  CHECK(x["busy_answers"] == 1);
  CHECK(x["no_answers"] == 4);
  CHECK(x["refused_answers"] == 5);
  CHECK(x["cut_packets"] == 6);
  CHECK(x["offences"] == 7);
  CHECK(x["window_packets"] == 8);
  CHECK(x["multicasts"] == 9);
  CHECK(x["utilisation"] == 0.25);
  CHECK(x["payload_efficiency"] == 0.5);
  CHECK(json["bus"]["y"]["packets"] == 0);
  CHECK(json["bus"]["y"]["payload_efficiency"] == 0.0);
  CHECK(json["messages"] == nlohmann::json({{"sent", 1000}, {"delivered", 998}, {"failed", 2},
                                            {"cancelled", 0}, {"lost", 0}, {"duplicated", 0},
                                            {"corrupted", 0}}));
  CHECK(json["latency_cycles"] == nlohmann::json({{"samples", 998}, {"min", 90}, {"p50", 120},
                                                  {"p99", 400}, {"max", 900}}));
  CHECK(json["faults"] == nlohmann::json::parse(R"([{"what": "bus-down x",
      "when": "cycle 5000 to 8000", "effect": "12 packets hit"}])"));
  CHECK(json["checks"] == nlohmann::json::parse(R"([
      {"name": "scoreboard", "ok": true, "detail": "1000 messages"},
      {"name": "protocol x", "ok": true, "detail": ""}])"));
  CHECK(json["command"] == "./xybus run scenarios/ping.toml --seed 7");
}

namespace {

std::vector<NodeStatus> sample_status() {
  std::vector<NodeStatus> nodes(3);
  for (const unsigned cpu : {0, 2}) {
    NodeStatus& node = nodes[cpu];
    node.halted = false;
    node.enabled = node.interrupts = true;
    node.epoch = 1;
    node.events_made = 1000 + cpu;
    node.events_taken = 1000;
    for (auto& paths : node.paths) paths.resize(3);
    node.counters[0][0] = 10 + cpu;  // sent
  }
  nodes[2].counters[1][counters_per_bus - 1] = 4;  // broken_off
  nodes[0].paths[1][1] = {contract::PathState::down, 16, 2};
  nodes[2].guardian[0] = {3, 1, contract::Offence::too_long};
  return nodes;
}

}  // namespace

TEST_CASE("the status shows a column for each CPU, without what is zero everywhere") {
  CHECK(status_text(sample_status()) ==
        R"(CPU                0       1       2
engine            on  halted      on
epoch              1       -       1
interrupts        on       -      on
storing           no       -      no
serving           no       -      no
events made     1000       -    1002
events taken    1000       -    1000
bus x
  sent            10       -      12
bus y
  broken_off       0       -       4
paths
  CPU  0 to  1 by y  down      16 points      2 failures
guardian of x: 3 offences, the last by CPU 1: too_long (seen by CPU 2)
)");
  CHECK(status_text({}).empty());
  CHECK_THAT(status_text({NodeStatus{}}), Catch::EndsWith("paths: all up, none has failed\n"));
}

TEST_CASE("each counter of the contract is in the status, by the name of its register") {
  CHECK(counters_per_bus == 16);
  CHECK(counter_name(0) == "sent");
  CHECK(counter_name(4) == "no_answer");
  CHECK(counter_name(15) == "broken_off");
  CHECK(counter_register(BusId::y, 15) == contract::Register::broken_off_y);
}

TEST_CASE("the summary has the status of every node, without what is zero") {
  RunResult result = sample_result();
  result.status = sample_status();
  const auto json = nlohmann::json::parse(summary_json(result, {}));
  CHECK(json["status"] == nlohmann::json::parse(R"([
    {"cpu": 0, "halted": false, "enabled": true, "epoch": 1, "interrupts": true,
     "storing": false, "serving": false, "events": {"made": 1000, "taken": 1000},
     "bus": {"x": {"counters": {"sent": 10}, "paths": []},
             "y": {"counters": {}, "paths": [{"destination": 1, "state": "down", "points": 16,
                                              "failures": 2}]}}},
    {"cpu": 1, "halted": true},
    {"cpu": 2, "halted": false, "enabled": true, "epoch": 1, "interrupts": true,
     "storing": false, "serving": false, "events": {"made": 1002, "taken": 1000},
     "bus": {"x": {"counters": {"sent": 12}, "paths": [],
                   "guardian": {"offences": 3, "offender": 1, "offence": "too_long"}},
             "y": {"counters": {"broken_off": 4}, "paths": []}}}])"));
}

TEST_CASE("a run without cycles has a summary without divisions by zero") {
  const auto json = nlohmann::json::parse(summary_json(RunResult{}, {}));
  CHECK(json["simulated_seconds"] == 0.0);
  CHECK(json["cycles_per_second"] == 0.0);
  CHECK(json["bus"]["x"]["utilisation"] == 0.0);
  CHECK(json["faults"].is_array());
  CHECK(json["checks"].is_array());
}

TEST_CASE("broken links are counted in summary and table, where there are any") {
  RunResult result = sample_result();
  result.messages.cancelled = 7;
  CHECK(nlohmann::json::parse(summary_json(result, {}))["messages"]["cancelled"] == 7);
  CHECK_THAT(result_table(result, {}),
             Catch::Contains("998 delivered, 2 failed, 7 cancelled, 0 lost, "));
}

TEST_CASE("the table shows the buses and messages and where the outputs lie") {
  const RunOutputs outputs{"runs/ping-7", true, "./xybus run scenarios/ping.toml --seed 7 --wave"};
  CHECK(result_table(sample_result(), outputs) ==
        R"(ping, seed 7, rtl: good; 2 messages failed, as faults let them

bus       use  efficiency   payload B     packets  retries      crc     busy   silent
x      25.0 %      50.0 %      100000        2000        3        2        1        4
y       0.0 %       0.0 %           0           0        0        0        0        0

messages   1000 sent, 998 delivered, 2 failed, 0 lost, 0 duplicated, 0 corrupted
latency    min 90, median 120, 99 % 400, max 900 cycles
fault      bus-down x, cycle 5000 to 8000: 12 packets hit
check      ok      scoreboard: 1000 messages
check      ok      protocol x
time       2 ms simulated, 200 000 cycles
speed      0.50 s wall clock, 400 k cycles/s
digest     0123456789abcdef
outputs    runs/ping-7
look       gtkwave runs/ping-7/trace.gtkw
)");
}

TEST_CASE("the GTKWave line is there only when there is a trace") {
  CHECK_THAT(result_table(sample_result(), {"d", false, "c"}), !Catch::Contains("gtkwave"));
}

TEST_CASE("a failed check is named with its detail and the command that repeats it") {
  RunResult result = sample_result();
  result.outcome = Outcome::check_failed;
  result.checks[0] = {"scoreboard", false,
                      "CPU 0 to CPU 1, message 3, byte 5: expected 2a, got 2b"};
  const RunOutputs outputs{"runs/ping-7", false, "./xybus run scenarios/ping.toml --seed 7"};
  CHECK(failure_text(result, outputs) ==
        "check failed: scoreboard: CPU 0 to CPU 1, message 3, byte 5: expected 2a, got 2b\n"
        "at cycle 200000 (2 ms)\n"
        "to repeat: ./xybus run scenarios/ping.toml --seed 7\n");
  CHECK_THAT(result_table(result, outputs),
             Catch::Contains("check      FAILED  scoreboard\n"));
}

TEST_CASE("a run that hangs or hits its limit says what was outstanding") {
  RunResult result = sample_result();
  result.outcome = Outcome::limit;
  result.reason = "4 messages from CPU 0 to CPU 1 outstanding";
  CHECK(failure_text(result, {"d", false, "c"}) ==
        "limit: 4 messages from CPU 0 to CPU 1 outstanding\nat cycle 200000 (2 ms)\n"
        "to repeat: c\n");
  CHECK(failure_text(sample_result(), {"d", false, "c"}).empty());
}

TEST_CASE("each outcome has its exit status") {
  CHECK(exit_status(Outcome::good) == 0);
  CHECK(exit_status(Outcome::check_failed) == 1);
  CHECK(exit_status(Outcome::hung) == 3);
  CHECK(exit_status(Outcome::limit) == 3);
}

TEST_CASE("the progress line has time and percent and speed and time to go") {
  CHECK(progress_line({250'000, 100e6, 0.25, 2.0}) ==
        "    2.5 ms simulated   25 %     125 k cycles/s  6.00 s to go");
  CHECK(progress_line({0, 100e6, 0, 0}) == "      0 ns simulated    0 %         0 cycles/s  ");
}

TEST_CASE("numbers are shown as people read them") {
  CHECK(format_time(0) == "0 ns");
  CHECK(format_time(12.5e-6) == "12.5 us");
  CHECK(format_time(1.2344e-3) == "1.234 ms");
  CHECK(format_time(3) == "3 s");
  CHECK(format_duration(0.4249) == "0.42 s");
  CHECK(format_duration(9.999) == "10 s");
  CHECK(format_duration(59.7) == "1 min 00 s");
  CHECK(format_duration(185) == "3 min 05 s");
  CHECK(format_duration(7800) == "2 h 10 min");
  CHECK(format_rate(950) == "950");
  CHECK(format_rate(212'345) == "212 k");
  CHECK(format_rate(1.234e6) == "1.23 M");
  CHECK(format_count(0) == "0");
  CHECK(format_count(999) == "999");
  CHECK(format_count(1000) == "1 000");
  CHECK(format_count(1'234'567) == "1 234 567");
}
