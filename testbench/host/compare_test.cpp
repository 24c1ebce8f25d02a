// What two runs have to agree in, time apart. The logs are made here, a line an event, from what a
// kernel would tell of a few links between CPU 0 process 2 and the server CPU 1 process 2.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "compare/verdict.h"

using namespace xybus;
using Catch::Contains;

namespace {

struct Line {
  std::string event;
  unsigned cpu = 0, pin = 2, peer_cpu = 1, peer_pin = 2, link = 0, tag = 0;
  std::string error = "none";
  unsigned bytes = 0;
};
using Lines = std::vector<Line>;

/// All that is seen of a link when it goes well.
Lines good_link(unsigned tag, unsigned requestor = 0, unsigned bytes = 32, unsigned reply = 8) {
  const unsigned ours = 0x10000 + tag;
  const unsigned theirs = 0x20000 + 100 * requestor + tag;
  const auto at_requestor = [&](const char* event, unsigned n) {
    return Line{event, requestor, 2, 1, 2, ours, tag, "none", n};
  };
  const auto at_server = [&](const char* event, unsigned n) {
    return Line{event, 1, 2, requestor, 2, theirs, tag, "none", n};
  };
  return {at_requestor("link_sent", bytes),  at_server("link_queued", bytes),
          at_server("link_listened", bytes), at_server("link_read", bytes),
          at_server("link_replied", reply),  at_requestor("link_done", reply),
          at_requestor("link_broken", 0)};
}

Line created(unsigned cpu, unsigned pin) { return {"process_created", cpu, pin, 0, 0}; }

/// Three links of CPU 0 and two of CPU 2 to the server on CPU 1.
Lines sample() {
  Lines all{created(0, 2), created(1, 2), created(2, 2)};
  for (const Lines& each :
       {good_link(0), good_link(0, 2), good_link(1), good_link(1, 2), good_link(2)}) {
    all.insert(all.end(), each.begin(), each.end());
  }
  return all;
}

struct Log {
  explicit Log(const Lines& lines, unsigned step = 10) {
    std::string pattern = (std::filesystem::temp_directory_path() / "xybus-log-XXXXXX").string();
    const int made = mkstemp(pattern.data());
    REQUIRE(made >= 0);
    close(made);
    path = pattern;
    std::ofstream out(path);
    unsigned cycle = 0;
    for (const Line& l : lines) {
      out << fmt::format(
          R"({{"cycle":{},"at":"cpu{}","event":"{}","pin":{},"peer_cpu":{},"peer_pin":{},)"
          R"("link":{},"tag":{},"error":"{}","bytes":{}}})"
          "\n",
          cycle += step, l.cpu, l.event, l.pin, l.peer_cpu, l.peer_pin, l.link, l.tag, l.error,
          l.bytes);
      out << R"({"cycle":1,"at":"bus.x","event":"packet","source":0})" << '\n';  // not looked at
    }
    out.close();
    file.emplace(path);
    seen.emplace(*file);
  }
  ~Log() { std::filesystem::remove(path); }

  std::string path;
  std::optional<EventFile> file;
  std::optional<Observations> seen;
};

/// Compares the sample with what `change` makes of it.
struct Changed {
  explicit Changed(const std::function<void(Lines&)>& change, CompareRules rules = {})
      : a(sample()), b(changed(change), 13), agreement(compare(*a.seen, *b.seen, rules)) {}
  static Lines changed(const std::function<void(Lines&)>& change) {
    Lines lines = sample();
    change(lines);
    return lines;
  }
  const Difference& first() const {
    REQUIRE_FALSE(agreement.differences.empty());
    return agreement.differences.front();
  }
  Log a, b;
  Agreement agreement;
};

/// The line of an event of a link.
Line& find(Lines& lines, const std::string& event, unsigned requestor, unsigned tag) {
  const auto found = std::ranges::find_if(lines, [&](const Line& line) {
    return line.event == event && line.tag == tag &&
           (line.cpu == requestor || (line.cpu == 1 && line.peer_cpu == requestor));
  });
  REQUIRE(found != lines.end());
  return *found;
}

void remove(Lines& lines, const std::string& event, unsigned requestor, unsigned tag) {
  const Line* const line = &find(lines, event, requestor, tag);
  lines.erase(lines.begin() + (line - lines.data()));
}

/// Takes every event of a link out.
void remove_link(Lines& lines, unsigned requestor, unsigned tag) {
  for (const char* event : {"link_sent", "link_queued", "link_listened", "link_read",
                            "link_replied", "link_done", "link_broken"}) {
    remove(lines, event, requestor, tag);
  }
}

/// The link ends with an error, and its server never sees it.
void fail(Lines& lines, unsigned requestor, unsigned tag, const std::string& error) {
  for (const char* event : {"link_queued", "link_listened", "link_read", "link_replied"}) {
    remove(lines, event, requestor, tag);
  }
  Line& done = find(lines, "link_done", requestor, tag);
  done.error = error;
  done.bytes = 0;
}

constexpr CompareRules with_faults{.partial = true};

}  // namespace

TEST_CASE("runs of another speed agree, and every link and process is counted") {
  const Changed same([](Lines&) {});
  CHECK(same.agreement.differences.empty());
  CHECK(same.agreement.links == 5);
  CHECK(same.agreement.requestors == 2);
  CHECK(same.agreement.servers == 1);
  CHECK(same.agreement.processes == 3);
  CHECK(same.agreement.left_out() == 0);
}

TEST_CASE("how different requestors take turns, replies overtake and control blocks are called may "
          "differ") {
  const Changed other([](Lines& lines) {
    // CPU 2's links all come before CPU 0's.
    std::ranges::stable_partition(lines, [](const Line& line) {
      return line.event == "process_created" || line.cpu == 2 || line.peer_cpu == 2;
    });
    for (const char* event : {"link_done", "link_broken"}) {
      const Line late = find(lines, event, 0, 0);
      remove(lines, event, 0, 0);
      lines.push_back(late);
    }
    for (Line& line : lines) {
      if (line.link != 0) line.link += 0x500000;
    }
  });
  CHECK(other.agreement.differences.empty());
  CHECK(other.agreement.links == 5);
}

TEST_CASE("links made in another order are a difference, shown with their place in both runs") {
  const Changed swapped([](Lines& lines) {
    std::swap(find(lines, "link_sent", 0, 1), find(lines, "link_sent", 0, 2));
  });
  CHECK(swapped.first().what == "the order in which CPU 0 process 2 made links to CPU 1 process 2");
  // The number of an event is that of its line, packets counted, and the first link_sent is 4th.
  CHECK_THAT(place_of(swapped.first().a), Contains("CPU 0, link_sent, process 2, link 0x10001"));
  CHECK_THAT(place_of(swapped.first().b), Contains("CPU 0, link_sent, process 2, link 0x10002"));
  CHECK(swapped.first().a.number == 2 * (3 + 14) + 1);
  CHECK(swapped.first().b.number == 2 * (3 + 14) + 1);
}

TEST_CASE("requests of one requestor that a server sees in another order are a difference") {
  for (const auto& [event, text] :
       {std::pair{"link_queued", "got links from"}, {"link_listened", "listened to links from"},
        {"link_read", "read links from"}, {"link_replied", "answered links from"}}) {
    const Changed swapped([&, name = event](Lines& lines) {
      std::swap(find(lines, name, 0, 0), find(lines, name, 0, 2));
    });
    CHECK(swapped.first().what ==
          fmt::format("the order in which CPU 1 process 2 {} CPU 0 process 2", text));
  }
}

TEST_CASE("other bytes of a request, of a read or of a reply are a difference") {
  for (const char* event : {"link_sent", "link_queued", "link_listened", "link_read",
                            "link_replied", "link_done"}) {
    const Changed other([&](Lines& lines) { ++find(lines, event, 2, 1).bytes; });
    INFO(event);
    REQUIRE(other.agreement.differences.size() == 1);
    CHECK(other.first().what ==
          "what happened to the link CPU 2 process 2 -> CPU 1 process 2, tag 1");
    CHECK_THAT(side_by_side({"a", "b"}, other.first().a, other.first().b),
               Contains("bytes") && Contains("*\n"));
  }
}

TEST_CASE("another completion of a link is a difference where there are no faults") {
  const Changed failed([](Lines& lines) { find(lines, "link_done", 0, 1).error = "cpu_failed"; });
  REQUIRE(failed.agreement.differences.size() == 1);
  CHECK_THAT(std::string(failed.first().b.line), Contains("cpu_failed"));
}

TEST_CASE("a link that one run lacks, or its completion, or its request, is a difference") {
  const Changed no_link([](Lines& lines) { remove_link(lines, 0, 2); });
  CHECK(no_link.first().what == "the order in which CPU 0 process 2 made links to CPU 1 process 2");
  CHECK(no_link.first().b.line.empty());
  const Changed no_completion([](Lines& lines) { remove(lines, "link_done", 0, 1); });
  CHECK_THAT(std::string(no_completion.first().a.line), Contains("link_done"));
  const Changed no_request([](Lines& lines) { remove(lines, "link_listened", 0, 2); });
  CHECK(no_request.first().what ==
        "the order in which CPU 1 process 2 listened to links from CPU 0 process 2");
}

TEST_CASE("a link that a server sees twice, or that was never made, is a difference") {
  const Changed twice([](Lines& lines) {
    const Line again = find(lines, "link_queued", 0, 2);
    lines.push_back(again);
  });
  CHECK_THAT(twice.first().what, Contains("got links from CPU 0"));
  CHECK(twice.first().a.line.empty());
  const Changed ghost([](Lines& lines) {
    Line line = find(lines, "link_queued", 0, 2);
    line.tag = 77;
    lines.push_back(line);
  });
  CHECK_THAT(ghost.first().what, Contains("got links from CPU 0"));
}

TEST_CASE("what is done to a link in another order is a difference") {
  const Changed early([](Lines& lines) {
    Line& read = find(lines, "link_read", 0, 2);
    Line& replied = find(lines, "link_replied", 0, 2);
    std::swap(read.event, replied.event);
    std::swap(read.bytes, replied.bytes);
  });
  CHECK_THAT(early.first().what, Contains("what happened to the link CPU 0"));
}

TEST_CASE("a process that one run lacks, or that stops in one, is a difference") {
  const Changed lacks([](Lines& lines) { lines.erase(lines.begin() + 2); });
  CHECK(lacks.first().what == "process 2 on CPU 2, made and stopped");
  const Changed stops([](Lines& lines) {
    lines.push_back({"process_stopped", 0, 2, 0, 0});
  });
  CHECK(stops.first().what == "process 2 on CPU 0, made and stopped");
  const Changed halted([](Lines& lines) { lines.push_back({"process_stopped", 0, 2, 0, 0}); },
                       {.partial = true, .cpus_apart = 1});
  CHECK(halted.agreement.differences.empty());
}

TEST_CASE("a CPU that one run takes for dead is a difference where there are no faults") {
  const auto down = [](Lines& lines) {
    lines.push_back({"cpu_down", 0, 0, 2, 0, 0, 0, "cpu_failed"});
  };
  const Changed died(down);
  CHECK(died.first().what == "what CPU 0 thinks of CPU 2");
  const Changed faults(down, with_faults);
  CHECK(faults.agreement.differences.empty());
}

TEST_CASE("with faults, links that failed in either run are left out and counted") {
  const Changed failed([](Lines& lines) { fail(lines, 0, 1, "cpu_failed"); }, with_faults);
  CHECK(failed.agreement.differences.empty());
  CHECK(failed.agreement.links == 4);
  CHECK(failed.agreement.failed == 1);
  const Changed missing([](Lines& lines) { remove_link(lines, 0, 1); }, with_faults);
  CHECK(missing.agreement.differences.empty());
  CHECK(missing.agreement.in_one_run == 1);
}

TEST_CASE("with faults, links that went well in both runs have to agree all the same") {
  const Changed other(
      [](Lines& lines) {
        fail(lines, 0, 1, "cpu_failed");
        ++find(lines, "link_done", 0, 2).bytes;
      },
      with_faults);
  REQUIRE(other.agreement.differences.size() == 1);
  CHECK_THAT(other.first().what, Contains("tag 2"));
  const Changed order(
      [](Lines& lines) {
        fail(lines, 0, 1, "cpu_failed");
        std::swap(find(lines, "link_listened", 0, 0), find(lines, "link_listened", 0, 2));
      },
      with_faults);
  CHECK_THAT(order.first().what, Contains("listened to links from CPU 0"));
}

TEST_CASE("behind a refusal a requestor's links are left out, elsewhere they are not") {
  const auto refuse = [](Lines& lines) {
    fail(lines, 0, 1, "timeout");
    for (const Line& line : good_link(3)) lines.push_back(line);  // the same once more
  };
  const Changed refused(refuse);
  CHECK(refused.agreement.differences.empty());
  CHECK(refused.agreement.links == 3);
  CHECK(refused.agreement.behind_refusal == 3);
  const Changed before([&](Lines& lines) {
    refuse(lines);
    ++find(lines, "link_done", 0, 0).bytes;
  });
  CHECK(before.agreement.differences.size() == 1);
  // Without a control block nothing is seen of a link but that its tag is missing.
  const Changed gap([](Lines& lines) {
    remove_link(lines, 0, 1);
    for (const Line& line : good_link(3)) lines.push_back(line);
  });
  CHECK(gap.agreement.differences.empty());
  CHECK(gap.agreement.behind_refusal == 3);
}

TEST_CASE("behind a refusal the number of links that went well has still to be the same") {
  const Changed lost([](Lines& lines) { fail(lines, 0, 1, "timeout"); });
  REQUIRE_FALSE(lost.agreement.differences.empty());
  CHECK(lost.first().what ==
        "links from CPU 0 process 2 to CPU 1 process 2 that went well: 3 and 2");
  const Changed gap([](Lines& lines) { remove_link(lines, 0, 1); });
  CHECK(gap.first().what ==
        "links from CPU 0 process 2 to CPU 1 process 2 that went well: 3 and 2");
}

TEST_CASE("tags that no run uses are no refusals") {
  const auto sparse = [](Lines& lines) {
    for (Line& line : lines) line.tag *= 10;
  };
  Lines lines = sample();
  sparse(lines);
  const Log a(lines);
  ++find(lines, "link_done", 0, 20).bytes;
  const Log b(lines);
  const Agreement agreement = compare(*a.seen, *b.seen, {});
  CHECK(agreement.links == 5);
  CHECK(agreement.differences.size() == 1);
}

TEST_CASE("links that share a tag are told apart by their order") {
  const auto same_tags = [](unsigned bytes_of_second) {
    Lines lines;
    for (unsigned i = 0; i < 3; ++i) {
      for (Line line : good_link(i, 0, i == 1 ? bytes_of_second : 32)) {
        line.tag = 0;
        lines.push_back(line);
      }
    }
    return lines;
  };
  const Log a(same_tags(32));
  const Log b(same_tags(33));
  const Log c(same_tags(32));
  CHECK(compare(*a.seen, *c.seen, {}).differences.empty());
  CHECK(compare(*a.seen, *c.seen, {}).links == 3);
  const Agreement other = compare(*a.seen, *b.seen, {});
  REQUIRE(other.differences.size() == 2);  // at either end
  CHECK_THAT(other.differences[0].what, Contains("tag 0 (1)"));
}

TEST_CASE("the earliest difference of the first run comes first") {
  const Changed several([](Lines& lines) {
    ++find(lines, "link_done", 0, 2).bytes;
    ++find(lines, "link_sent", 0, 0).bytes;
  });
  REQUIRE(several.agreement.differences.size() == 2);
  CHECK_THAT(several.first().what, Contains("tag 0"));
}

TEST_CASE("a log that is none is an error that names file and event") {
  std::string path;
  {
    Log log(sample());
    path = log.path + ".bad";
    std::ofstream(path) << "{\"cycle\":1,\"at\":\"cpu99\",\"event\":\"link_sent\"}\n";
  }
  const EventFile file(path);
  CHECK_THROWS_WITH(Observations(file), Contains(path) && Contains("event 1") && Contains("cpu99"));
  std::filesystem::remove(path);
  CHECK_THROWS_WITH(EventFile("/no/such/run"), Contains("/no/such/run"));
}

TEST_CASE("a text that is no log is refused with its line") {
  const Log log(sample());
  const std::string path = log.path + ".txt";
  std::ofstream(path) << "{\"cycle\":1,\"at\":\"cpu0\",\"event\":\"link_sent\"}\nDear log,\n";
  CHECK_THROWS_WITH(EventFile(path), Contains(path) && Contains("line 2 is no event"));
  std::filesystem::remove(path);
}

TEST_CASE("columns of a verdict stay apart whatever stands in them") {
  Verdict verdict;
  verdict.names = {"rtl", "tlm"};
  verdict.totals = {{"outcome", "check-failed", "check-failed", true}};
  CHECK_THAT(verdict_text(verdict), Contains("  check-failed  check-failed\n"));
}

namespace {

/// A link that its requestor breaks before its end, when its server has come so far.
void break_off(Lines& lines, unsigned requestor, unsigned tag, bool replied) {
  remove(lines, "link_done", requestor, tag);
  if (!replied) remove(lines, "link_replied", requestor, tag);
}

}  // namespace

TEST_CASE("a link that is broken before its end in either run is left out and counted") {
  const bool replied = GENERATE(false, true);
  const CompareRules rules{.breaks = 1U << 1};
  const Changed one([&](Lines& lines) { break_off(lines, 0, 1, replied); }, rules);
  CHECK(one.agreement.differences.empty());
  CHECK(one.agreement.cancelled == 1);
  CHECK(one.agreement.links == 4);
  const Agreement back = compare(*one.b.seen, *one.a.seen, rules);
  CHECK(back.differences.empty());
  CHECK(back.cancelled == 1);
  // The others are compared all the same.
  const Changed other([&](Lines& lines) {
    break_off(lines, 0, 1, replied);
    ++find(lines, "link_done", 0, 2).bytes;
  }, rules);
  CHECK_THAT(other.first().what, Contains("tag 2"));
  // Where no scenario breaks links it is a difference.
  const Changed elsewhere([&](Lines& lines) { break_off(lines, 0, 1, replied); },
                          {.breaks = 1U << 0});
  CHECK_FALSE(elsewhere.agreement.differences.empty());
}

TEST_CASE("a link that is broken after its end is no cancelled one") {
  const Changed same([](Lines&) {}, {.breaks = 1U << 1});
  CHECK(same.agreement.cancelled == 0);
}

TEST_CASE("in which order a server reads and answers counts, unless it holds several links") {
  const auto later = [](Lines& lines) {
    // The first link of CPU 0 is read and answered behind the second one.
    for (const char* event : {"link_replied", "link_read"}) {
      const Line line = find(lines, event, 0, 0);
      remove(lines, event, 0, 0);
      lines.insert(lines.begin() + (&find(lines, "link_replied", 0, 1) - lines.data()) + 1, line);
    }
    const Line done = find(lines, "link_done", 0, 0);
    const Line broken = find(lines, "link_broken", 0, 0);
    remove(lines, "link_done", 0, 0);
    remove(lines, "link_broken", 0, 0);
    lines.push_back(done);
    lines.push_back(broken);
  };
  CHECK_FALSE(Changed(later).agreement.differences.empty());
  CHECK(Changed(later, {.any_order = 1U << 1}).agreement.differences.empty());
  CHECK_FALSE(Changed(later, {.any_order = 1U << 0}).agreement.differences.empty());
  // In which order it listens counts there too.
  const Changed listened([](Lines& lines) {
    std::swap(find(lines, "link_listened", 0, 0), find(lines, "link_listened", 0, 1));
  }, {.any_order = 1U << 1});
  CHECK_THAT(listened.first().what, Contains("listened to links from"));
}

TEST_CASE("of a server that draws replies anew refused links only have to end") {
  const auto refuse = [](Lines& lines) {
    find(lines, "link_done", 0, 1).error = "no_lcb";
    Lines again = good_link(3);
    find(again, "link_done", 0, 3).error = "invalid_state";
    find(again, "link_replied", 0, 3).error = "invalid_state";
    lines.insert(lines.end(), again.begin(), again.end());
  };
  CHECK_FALSE(Changed(refuse).agreement.differences.empty());
  CHECK(Changed(refuse, {.any_order = 1U << 1}).agreement.differences.empty());
  const auto lose = [&](Lines& lines) {
    refuse(lines);
    remove_link(lines, 0, 3);
  };
  CHECK_FALSE(Changed(lose, {.any_order = 1U << 1}).agreement.differences.empty());
}

// ---- Totals and verdict -------------------------------------------------------------------------

namespace {

nlohmann::json summary() {
  return nlohmann::json::parse(R"({"outcome": "good", "cycles": 1000,
    "messages": {"sent": 5, "delivered": 5, "failed": 0, "lost": 0, "duplicated": 0,
                 "corrupted": 0},
    "latency_cycles": {"p50": 10, "p99": 20},
    "checks": [{"name": "scoreboard", "ok": true, "detail": ""}]})");
}

bool any_differs(const nlohmann::json& a, const nlohmann::json& b, const TotalRules& rules = {}) {
  return std::ranges::any_of(totals(a, b, rules), &Total::differs);
}

}  // namespace

TEST_CASE("each total that has to agree is compared, cycles and latency are not") {
  CHECK_FALSE(any_differs(summary(), summary()));
  auto slower = summary();
  slower["cycles"] = 2000;
  slower["latency_cycles"]["p50"] = 99;
  CHECK_FALSE(any_differs(summary(), slower));
  for (const char* name : {"sent", "delivered", "failed", "lost", "duplicated", "corrupted"}) {
    auto other = summary();
    other["messages"][name] = 7;
    INFO(name);
    CHECK(any_differs(summary(), other));
    const std::string word = name;
    const bool by_timing = word == "sent" || word == "delivered" || word == "failed";
    CHECK(any_differs(summary(), other, {.sent = false, .failed = false}) == !by_timing);
  }
  auto outcome = summary();
  outcome["outcome"] = "hung";
  CHECK(any_differs(summary(), outcome));
  auto check = summary();
  check["checks"][0]["ok"] = false;
  CHECK(any_differs(summary(), check));
  auto more = summary();
  more["checks"].push_back({{"name", "other"}, {"ok", true}, {"detail", ""}});
  CHECK_FALSE(any_differs(summary(), more));  // not every check is made on every fabric
  CHECK_FALSE(any_differs(more, summary()));
  more["checks"].back()["ok"] = false;
  CHECK(any_differs(summary(), more));
}

TEST_CASE("how many links were cancelled is shown where any were, and compared unless told not to") {
  CHECK(std::ranges::none_of(totals(summary(), summary(), {}),
                             [](const Total& each) { return each.name == "cancelled"; }));
  auto other = summary();
  other["messages"]["cancelled"] = 1;
  other["messages"]["delivered"] = 4;
  CHECK(any_differs(summary(), other));
  CHECK(any_differs(other, summary(), {.failed = true}));
  CHECK_FALSE(any_differs(summary(), other, {.ended = false}));
  other["messages"]["lost"] = 1;
  CHECK(any_differs(summary(), other, {.ended = false}));
}

TEST_CASE("a verdict says that broken links and any order are left out") {
  Verdict verdict{"links, seed 1", {"rtl", "tlm"}, {}, totals(summary(), summary(), {}), {}};
  CHECK_THAT(verdict_text(verdict), !Contains("broken") && !Contains("several links"));
  verdict.agreement.links = 3;
  verdict.agreement.cancelled = 5;
  verdict.rules.any_order = 2;
  CHECK(verdict.agree());
  CHECK_THAT(verdict_text(verdict),
             Contains("left out   5 links that were broken before their end in a run") &&
                 Contains("left out   in which order servers that hold several links"));
}

TEST_CASE("a verdict says what was compared and left out and shows the first difference") {
  const Changed other([](Lines& lines) { ++find(lines, "link_done", 0, 1).bytes; });
  Verdict verdict{"ping, seed 1", {"rtl", "tlm"}, other.agreement,
                  totals(summary(), summary(), {}), {}};
  CHECK_FALSE(verdict.agree());
  const std::string text = verdict_text(verdict);
  CHECK_THAT(text, Catch::StartsWith("ping, seed 1: rtl and tlm DIFFER\n"));
  CHECK_THAT(text, Contains("5 links from 2 processes to 1") && Contains("left out   time"));
  CHECK_THAT(text, Contains("first difference: what happened to the link CPU 0 process 2 -> CPU 1 "
                            "process 2, tag 1\n"));
  CHECK_THAT(text, Contains("bytes") && Contains("  *\n"));
  verdict.agreement.differences.clear();
  CHECK(verdict.agree());
  CHECK_THAT(verdict_text(verdict), Catch::StartsWith("ping, seed 1: rtl and tlm agree\n"));
}

TEST_CASE("runs of which no link could be compared do not agree") {
  Verdict verdict{"ping, seed 1", {"rtl", "tlm"}, {}, totals(summary(), summary(), {}), {}};
  verdict.agreement.behind_refusal = 5;
  CHECK_FALSE(verdict.agree());
  CHECK_THAT(verdict_text(verdict), Contains("no link could be compared"));
}
