// Process pairs. What is expected is section 5 of what Guardian's manuals say.

#include <catch2/catch.hpp>

#include <sstream>

#include "../model/in_child.h"
#include "firmware/pair/pair.h"
#include "pair_rig.h"

using namespace firmware_test;
using xybus::CheckpointData;
using xybus::CheckpointStatus;
using xybus::FileNumber;
using xybus::files;
using xybus::IoResult;
using xybus::load_word;
using xybus::Pair;
using xybus::pair;
using xybus::Takeover;
using xybus::test::in_child;

namespace {

// ---- A program that uses the calls one by one ---------------------------------------------------

/// What both members of the pair have seen; on the host, so that it outlives them.
struct Seen {
  std::vector<Takeover> takeovers;
  std::vector<Bytes> memory;  // of the backup, when it took over
  std::vector<CheckpointStatus> statuses;
};

/// Primary on the CPU where it is made, backup on `backup_cpu`; `work` is what the primary does,
/// then it sleeps, or ends if told to.
auto raw_pair(Seen& seen, unsigned backup_cpu, std::function<Task<>(Guardian&, Pair&, Bytes&)> work) {
  return [&seen, backup_cpu, work](Guardian& guardian) -> Task<> {
    Pair& mine = pair(guardian);
    Bytes memory(64);
    mine.item(1, memory);
    if (guardian.made_as_backup()) {
      const Takeover takeover = co_await mine.checkmonitor();
      seen.takeovers.push_back(takeover);
      seen.memory.push_back(memory);
      co_await guardian.process().wait({});
    }
    CHECK_AWAIT(mine.start_backup("pair", backup_cpu), Error::none);
    co_await work(guardian, mine, memory);
    co_await guardian.process().wait({});
  };
}

Task<> one_checkpoint(Seen& seen, Pair& mine, Bytes& memory, std::uint32_t offset,
                      std::size_t bytes, std::optional<xybus::RestartPoint> restart = {}) {
  const CheckpointData data{1, std::span<const std::byte>(memory).subspan(offset, bytes), offset};
  seen.statuses.push_back(co_await mine.checkpoint({&data, 1}, {}, restart));
}

}  // namespace

TEST_CASE("a backup has what was checkpointed, and nothing else, when its primary's CPU fails") {
  Machine machine(3);
  Seen seen;
  machine.programs.add("pair", raw_pair(seen, 2, [&](Guardian&, Pair& mine, Bytes& memory) -> Task<> {
    memory = pattern(1, 64);
    co_await one_checkpoint(seen, mine, memory, 8, 16, 7);
    co_await one_checkpoint(seen, mine, memory, 32, 4);
    memory = pattern(2, 64);
  }));
  machine.start("$RAW", "pair", 1);
  machine.run_until([&] { return seen.statuses.size() == 2; });
  machine.rig.run(10'000);
  machine.rig.node(1).halt();
  machine.run_until([&] { return !seen.takeovers.empty(); });
  REQUIRE(seen.takeovers.size() == 1);
  CHECK(seen.statuses == std::vector(2, CheckpointStatus{}));
  CHECK(seen.takeovers[0].reason == Takeover::cpu_failed);
  CHECK(seen.takeovers[0].restart == 7);
  Bytes expected(64);
  const Bytes primary = pattern(1, 64);
  std::copy_n(primary.begin() + 8, 16, expected.begin() + 8);
  std::copy_n(primary.begin() + 32, 4, expected.begin() + 32);
  CHECK(seen.memory[0] == expected);
  CHECK(machine.entry(0, "$RAW")->primary.at.cpu == 2);
  CHECK_FALSE(machine.entry(0, "$RAW")->backup);
}

namespace {

/// "reason, restart point, pair again": of a primary that ends in that way.
std::string takeover_after(Takeover::Reason reason) {
  Machine machine(2);
  Seen seen;
  machine.programs.add(
      "pair", raw_pair(seen, 1, [&](Guardian& guardian, Pair& mine, Bytes& memory) -> Task<> {
        co_await one_checkpoint(seen, mine, memory, 0, 4);
        if (reason == Takeover::stopped) co_await guardian.process().exit();
        if (reason == Takeover::abended) throw xybus::Abend{};
        const CheckpointStatus status = co_await mine.checkswitch();
        if (status == CheckpointStatus{}) co_await mine.checkmonitor();
      }));
  machine.start("$RAW", "pair", 0);
  machine.run_until([&] { return !seen.takeovers.empty(); });
  std::ostringstream text;
  text << name(seen.takeovers.at(0).reason) << ", "
       << (seen.takeovers[0].restart ? "a restart point" : "no restart point") << ", CPU "
       << unsigned{machine.entry(0, "$RAW")->primary.at.cpu} << ", "
       << (machine.entry(0, "$RAW")->backup ? "a pair" : "alone");
  return text.str();
}

}  // namespace

TEST_CASE("why a backup takes over: its primary stopped, abended, or changed places with it") {
  const auto after = [](Takeover::Reason reason) {
    return in_child([reason] { return takeover_after(reason); });
  };
  CHECK(after(Takeover::stopped) == "stopped, no restart point, CPU 1, alone");
  CHECK(after(Takeover::abended) == "abended, no restart point, CPU 1, alone");
  CHECK(after(Takeover::checkswitch) == "checkswitch, no restart point, CPU 1, a pair");
}

TEST_CASE("a checkpoint without a backup is status 1, and one that cannot be made status 3") {
  Machine machine(2);
  Seen seen;
  bool done = false;
  machine.programs.add(
      "pair", raw_pair(seen, 1, [&](Guardian& guardian, Pair& mine, Bytes& memory) -> Task<> {
        co_await one_checkpoint(seen, mine, memory, 0, 64);
        const CheckpointData unknown{9, memory, 0};
        seen.statuses.push_back(co_await mine.checkpoint({&unknown, 1}));
        const std::vector<CheckpointData> many(14, {1, std::span(memory).first(4), 0});
        seen.statuses.push_back(co_await mine.checkpoint(many));
        const FileNumber no_file = 5;
        seen.statuses.push_back(co_await mine.checkpoint({}, {&no_file, 1}));
        const CheckpointData beyond{1, memory, 4};
        seen.statuses.push_back(co_await mine.checkpoint({&beyond, 1}));
        CHECK_AWAIT(guardian.stop(mine.other()), Error::none);
        while (mine.role() == Pair::Role::primary) co_await sleep_for(guardian, 1'000);
        co_await one_checkpoint(seen, mine, memory, 0, 64);
        done = true;
      }));
  machine.start("$RAW", "pair", 0);
  machine.run_until([&] { return done; });
  std::vector<CheckpointStatus::Code> codes;
  for (const CheckpointStatus& status : seen.statuses) codes.push_back(status.code);
  CHECK(codes == std::vector{CheckpointStatus::ok, CheckpointStatus::bad_parameter,
                             CheckpointStatus::bad_parameter, CheckpointStatus::bad_parameter,
                             CheckpointStatus::bad_parameter, CheckpointStatus::no_backup});
  CHECK(seen.takeovers.empty());
}

TEST_CASE("a backup dies in the middle of a checkpoint, and the primary goes on alone") {
  Machine machine(3);
  Seen seen;
  unsigned rounds = 0;
  machine.programs.add("pair", raw_pair(seen, 2, [&](Guardian&, Pair& mine, Bytes& memory) -> Task<> {
    while (seen.statuses.empty() || seen.statuses.back().code == CheckpointStatus::ok) {
      co_await one_checkpoint(seen, mine, memory, 0, 64);
      ++rounds;
    }
  }));
  machine.start("$RAW", "pair", 1);
  machine.run_until([&] { return rounds > 10; });
  machine.rig.node(2).halt();
  machine.run_until([&] { return seen.statuses.back().code != CheckpointStatus::ok; });
  CHECK(seen.statuses.back().code == CheckpointStatus::no_backup);
  CHECK(machine.entry(1, "$RAW")->primary.at.cpu == 1);
}

TEST_CASE("a checkopen that the server refuses to the backup is a status, and not asked for again") {
  Machine machine(3);
  Seen seen;
  unsigned opens = 0;
  machine.programs.add("server", [&opens](Guardian& guardian) -> Task<> {
    auto& system = files(guardian);
    co_await system.open("$RECEIVE", {.system_messages = true});
    for (;;) {
      Bytes in(64);
      const IoResult read = co_await system.readupdate(in);
      const bool open = system.receiveinfo().operation == FileOperation::open;
      opens += open ? 1 : 0;
      const bool refused = read.error == Error::system_message && open && opens > 1;
      co_await system.reply({}, refused ? Error::table_full : Error::none);
    }
  });
  machine.programs.add(
      "pair", raw_pair(seen, 1, [&](Guardian& guardian, Pair& mine, Bytes&) -> Task<> {
        const auto opened = co_await files(guardian).open("$SRV", {.sync_depth = 1});
        CHECK(opened.error == Error::none);
        seen.statuses.push_back(co_await mine.checkopen(opened.file));
      }));
  machine.start("$SRV", "server", 2);
  machine.run_until([&] { return machine.entry(0, "$SRV") != nullptr; });
  machine.start("$RAW", "pair", 0);
  machine.run_until([&] { return !seen.statuses.empty(); });
  CHECK(seen.statuses.at(0) ==
        CheckpointStatus{CheckpointStatus::bad_parameter, Error::table_full});
  CHECK(opens == 2);
}

// ---- The idiom ----------------------------------------------------------------------------------

namespace {

/// Counts by a counter pair, one request after the other, and writes down what it is told.
struct Client {
  std::vector<std::uint32_t> counts;
  std::vector<Error> errors;

  auto program(unsigned requests, std::uint64_t pause) {
    return [this, requests, pause](Guardian& guardian) -> Task<> {
      auto& system = files(guardian);
      auto opened = co_await system.open("$COUNT", {.sync_depth = 1});
      while (opened.error == Error::no_process) {
        co_await sleep_for(guardian, 5'000);
        opened = co_await system.open("$COUNT", {.sync_depth = 1});
      }
      CHECK(opened.error == Error::none);
      for (unsigned i = 0; i < requests; ++i) {
        Bytes out(4), in(4);
        const IoResult result = co_await system.writeread(opened.file, out, in);
        errors.push_back(result.error);
        counts.push_back(load_word(in));
        co_await sleep_for(guardian, pause);
      }
      co_await guardian.process().wait({});
    };
  }
  bool no_error() const {
    return std::ranges::all_of(errors, [](Error error) { return error == Error::none; });
  }
};

/// 1, 2, 3 ...
std::vector<std::uint32_t> up_to(std::uint32_t last) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 1; i <= last; ++i) all.push_back(i);
  return all;
}

}  // namespace

namespace {

/// What a client is told when the CPU of the primary dies so many cycles behind its tenth request.
std::string counts_when_dying(std::uint64_t moment) {
  Machine machine(4);
  add_counter(machine, 0b0110);
  Client client;
  machine.start("$COUNT", "counter", 1);
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
  machine.create(3, client.program(40, 500));
  machine.run_until([&] { return client.counts.size() == 10; });
  machine.rig.run(moment);
  machine.rig.node(1).halt();
  machine.run_until([&] { return client.counts.size() == 40; });
  std::ostringstream text;
  if (!client.no_error()) text << "errors; ";
  for (const std::uint32_t count : client.counts) text << count << ' ';
  text << "on CPU " << unsigned{machine.entry(0, "$COUNT")->primary.at.cpu};
  return text.str();
}

}  // namespace

TEST_CASE("a counter pair counts each request once though its primary's CPU dies at any moment") {
  std::ostringstream expected;
  for (const std::uint32_t count : up_to(40)) expected << count << ' ';
  expected << "on CPU 2";
  // Every moment of a request is met: one takes some 10,000 cycles with its checkpoint and pause.
  for (std::uint64_t moment = 1; moment < 12'000; moment += 397) {
    CAPTURE(moment);
    CHECK(in_child([moment] { return counts_when_dying(moment); }) == expected.str());
  }
}

TEST_CASE("a counter pair counts on when its primary is stopped, and has a backup again") {
  Machine machine(4);
  add_counter(machine, 0b0110);
  Client client;
  machine.start("$COUNT", "counter", 1);
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
  machine.create(3, client.program(60, 500));
  for (unsigned round = 1; round <= 3; ++round) {
    machine.run_until([&] { return client.counts.size() == 15 * round; });
    machine.run_until([&] { return machine.has_pair("$COUNT"); });
    const ProcessHandle primary = machine.entry(0, "$COUNT")->primary;
    machine.create(0, [=](Guardian& guardian) -> Task<> {
      CHECK_AWAIT(guardian.stop(primary), Error::none);
    });
    machine.run_until([&] { return machine.entry(0, "$COUNT")->primary != primary; });
  }
  machine.run_until([&] { return client.counts.size() == 60; });
  CHECK(client.no_error());
  CHECK(client.counts == up_to(60));
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
}

TEST_CASE("when its CPU comes back, a backup is made there, and knows all") {
  Machine machine(4);
  add_counter(machine, 0b0110);
  Client client;
  machine.start("$COUNT", "counter", 1);
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
  machine.create(3, client.program(60, 5'000));
  machine.run_until([&] { return client.counts.size() == 10; });
  machine.rig.node(1).halt();
  machine.run_until([&] { return client.counts.size() == 20; });
  CHECK_FALSE(machine.has_pair("$COUNT"));
  machine.rig.restart(1, 1);
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
  CHECK(machine.entry(0, "$COUNT")->backup.at.cpu == 1);
  machine.run_until([&] { return client.counts.size() == 40; });
  machine.rig.node(2).halt();
  machine.run_until([&] { return client.counts.size() == 60; });
  CHECK(client.no_error());
  CHECK(client.counts == up_to(60));
  CHECK(machine.entry(0, "$COUNT")->primary.at.cpu == 1);
}

namespace {

/// Stops the primary of $COUNT, and waits until the other one has a new backup that knows all.
void replace_primary(Machine& machine) {
  const ProcessHandle primary = machine.entry(0, "$COUNT")->primary;
  machine.create(0, [=](Guardian& guardian) -> Task<> {
    CHECK_AWAIT(guardian.stop(primary), Error::none);
  });
  machine.run_until([&] { return machine.entry(0, "$COUNT")->primary != primary; });
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
  machine.rig.run(100'000);
}

/// What two clients are told that have the counter open while it is taken over `takeovers` times:
/// one has asked before, the other has never. The counter dies once more while they ask.
std::string counts_after_idling(unsigned takeovers) {
  Machine machine(4);
  add_counter(machine, 0b0110);
  machine.start("$COUNT", "counter", 1);
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
  machine.rig.run(100'000);
  unsigned open = 0, done = 0;
  bool go = false;
  std::vector<std::uint32_t> counts;
  std::string errors;
  for (const bool asks_before : {true, false}) {
    machine.create(3, [&, asks_before](Guardian& guardian) -> Task<> {
      auto& system = files(guardian);
      const auto opened = co_await system.open("$COUNT", {.sync_depth = 1});
      CHECK(opened.error == Error::none);
      const auto ask = [&](bool adds) -> Task<> {
        Bytes out(adds ? 4 : 0), in(4);
        const IoResult result = co_await system.writeread(opened.file, out, in);
        if (result.error != Error::none) {
          errors += "error " + std::to_string(static_cast<int>(result.error)) + "; ";
        }
        if (adds) counts.push_back(load_word(in));
      };
      if (asks_before) co_await ask(false);  // nothing that the backup would hear of
      ++open;
      while (!go) co_await sleep_for(guardian, 1'000);
      for (unsigned i = 0; i < 10; ++i) co_await ask(true);
      ++done;
      co_await guardian.process().wait({});
    });
  }
  machine.run_until([&] { return open == 2; });
  for (unsigned i = 0; i < takeovers; ++i) replace_primary(machine);
  go = true;
  machine.run_until([&] { return counts.size() >= 8; });
  if (machine.has_pair("$COUNT")) replace_primary(machine);
  machine.run_until([&] { return done == 2; });
  std::ranges::sort(counts);
  return errors + (counts == up_to(20) ? "once each" : "not once each");
}

}  // namespace

TEST_CASE("an open that idles over takeovers of its server is good, and its requests done once") {
  for (const unsigned takeovers : {1U, 2U, 3U, 4U}) {
    CAPTURE(takeovers);
    CHECK(in_child([takeovers] { return counts_after_idling(takeovers); }) == "once each");
  }
}

// ---- A backup that does not monitor -------------------------------------------------------------

namespace {

/// A pair on CPUs 0 and 1, whose backup does this instead of checkmonitor.
struct Deaf {
  std::vector<CheckpointStatus> statuses;
  std::uint64_t longest = 0;

  void run(Machine& machine, std::function<Task<>(Guardian&)> backup) {
    bool done = false;
    machine.programs.add("server", [](Guardian& guardian) -> Task<> {
      auto& system = files(guardian);
      co_await system.open("$RECEIVE");
      for (Bytes in(64);;) {
        co_await system.readupdate(in);
        co_await system.reply({});
      }
    });
    machine.programs.add("pair", [&, backup](Guardian& guardian) -> Task<> {
      Pair& mine = pair(guardian);
      Bytes memory(64);
      mine.item(1, memory);
      if (guardian.made_as_backup()) {
        co_await backup(guardian);
        co_await guardian.process().wait({});
      }
      const auto file = co_await files(guardian).open("$SRV");
      CHECK_AWAIT(mine.start_backup("pair", 1), Error::none);
      const CheckpointData data{1, memory, 0};
      for (unsigned call = 0; call < 4; ++call) {
        const std::uint64_t before = guardian.now();
        switch (call) {
          case 0: statuses.push_back(co_await mine.checkpoint({&data, 1})); break;
          case 1: statuses.push_back(co_await mine.checkopen(file.file)); break;
          case 2: statuses.push_back(co_await mine.checkclose(file.file)); break;
          default: statuses.push_back(co_await mine.checkswitch()); break;
        }
        longest = std::max(longest, guardian.now() - before);
      }
      done = true;
      co_await guardian.process().wait({});
    });
    machine.start("$SRV", "server", 0);
    machine.run_until([&] { return machine.entry(0, "$SRV") != nullptr; });
    machine.start("$RAW", "pair", 0);
    machine.run_until([&] { return done; });
  }
};

}  // namespace

TEST_CASE("a backup that reads $RECEIVE and does not monitor refuses: status 1, error 200") {
  Machine machine(2);
  Deaf pair;
  unsigned read = 0;
  pair.run(machine, [&read](Guardian& guardian) -> Task<> {
    auto& system = files(guardian);
    co_await system.open("$RECEIVE", {.system_messages = true});
    for (Bytes in(64);; ++read) {
      co_await system.readupdate(in);
      co_await system.reply({});
    }
  });
  const CheckpointStatus refused{CheckpointStatus::no_backup, Error::wrong_owner};
  CHECK(pair.statuses == std::vector(4, refused));
  CHECK(read == 0);
  CHECK(pair.longest < 17 * interval);
}

TEST_CASE("a backup that does nothing at all is waited for 16 intervals: status 1, error 40") {
  Machine machine(2);
  Deaf pair;
  pair.run(machine, [](Guardian& guardian) { return sleep_for(guardian, xybus::hal::never); });
  const CheckpointStatus silent{CheckpointStatus::no_backup, Error::timeout};
  CHECK(pair.statuses == std::vector(4, silent));
  CHECK(pair.longest >= 16 * interval);
  CHECK(pair.longest < 17 * interval);
}

TEST_CASE("a backup that serves for a while before it monitors is told, and changed places with") {
  Machine machine(2);
  Deaf pair;
  pair.run(machine, [](Guardian& guardian) -> Task<> {
    auto& system = files(guardian);
    co_await system.open("$RECEIVE");
    Bytes in(64);
    CHECK_AWAIT(system.readupdate(in, 5 * interval), IoResult{Error::timeout});
    co_await xybus::pair(guardian).checkmonitor();
  });
  CHECK(pair.statuses == std::vector(4, CheckpointStatus{}));
  CHECK(machine.entry(0, "$RAW")->primary.at.cpu == 1);
}

TEST_CASE("who has left checkmonitor, or does not go back to it, refuses what a primary tells") {
  Machine machine(3);
  std::vector<CheckpointStatus> statuses;
  machine.programs.add("pair", [&](Guardian& guardian) -> Task<> {
    Pair& mine = pair(guardian);
    auto& system = files(guardian);
    Bytes in(64);
    if (guardian.made_as_backup()) {
      co_await mine.checkmonitor();
      // The former primary reads its messages, as if it were one still.
      statuses.push_back(co_await mine.checkpoint({}));
      CHECK(mine.role() == Pair::Role::primary);
      co_await guardian.process().wait({});
    }
    co_await system.open("$RECEIVE");
    CHECK_AWAIT(mine.start_backup("pair", 2), Error::none);
    CHECK_AWAIT(mine.checkswitch(), CheckpointStatus{});
    for (;;) co_await system.readupdate(in);
  });
  machine.start("$RAW", "pair", 1);
  machine.run_until([&] { return statuses.size() == 1; });
  CHECK(statuses.at(0) == CheckpointStatus{CheckpointStatus::no_backup, Error::wrong_owner});
}

namespace {

/// Cycles until it is tried again, after a backup that does not monitor.
constexpr std::uint64_t long_pause = 64 * 100'000;

/// A counter on CPU 1 whose first `deaf` backups, on CPU 2, do nothing. Gives when its backups have
/// begun.
void start_counter(Machine& machine, unsigned deaf, std::vector<std::uint64_t>& backups) {
  machine.programs.add("counter", [deaf, &backups](Guardian& guardian) -> Task<> {
    if (guardian.made_as_backup()) {
      backups.push_back(guardian.now());
      if (backups.size() <= deaf) co_await guardian.process().wait({});
    }
    xybus::Counter counter(guardian, {.program = "counter", .backup_cpus = 0b0110});
    co_await counter.run();
  });
  machine.start("$COUNT", "counter", 1);
}

}  // namespace

TEST_CASE("a server whose backups do not monitor serves alone, stops them, and waits between") {
  Machine machine(3);
  std::vector<std::uint64_t> backups;
  start_counter(machine, 2, backups);
  Client client;
  machine.create(0, client.program(80, 200'000));
  machine.run_until([&] { return client.counts.size() == 80; });
  CHECK(client.no_error());
  CHECK(client.counts == up_to(80));
  REQUIRE(backups.size() == 3);
  CHECK(backups[1] - backups[0] > long_pause);
  CHECK(backups[2] - backups[1] > long_pause);
  CHECK(machine.has_pair("$COUNT"));
  CHECK(machine.processes(2) == 1);
}

TEST_CASE("a server whose backup does not monitor tries again when a CPU has come up") {
  Machine machine(3);
  std::vector<std::uint64_t> backups;
  start_counter(machine, 1, backups);
  machine.run_until([&] { return backups.size() == 1; });
  machine.run_until([&] { return !machine.has_pair("$COUNT"); });
  machine.rig.run(20 * interval);
  CHECK(backups.size() == 1);
  machine.rig.node(2).halt();
  machine.rig.run(20 * interval);
  CHECK_FALSE(machine.dct(0).entries().empty());
  machine.rig.restart(2, 1);
  machine.run_until([&] { return backups.size() == 2; });
  CHECK(backups[1] - backups[0] < long_pause / 2);
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
}
