// A requestor pair that talks to a server pair: whoever dies, each request is done once. And what
// the server makes of requests that come again.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <sstream>

#include "../model/in_child.h"
#include "firmware/pair/pair.h"
#include "pair_rig.h"

using namespace firmware_test;
using xybus::CheckpointData;
using xybus::CheckpointStatus;
using xybus::FileNumber;
using xybus::files;
using xybus::FileSystem;
using xybus::IoResult;
using xybus::load_word;
using xybus::Pair;
using xybus::pair;
using xybus::store_word;
using xybus::SyncBlock;
using xybus::Takeover;
using xybus::test::in_child;

namespace {

constexpr std::uint32_t requests = 30;

/// What the requestor pair was told; on the host, so that it outlives the members.
struct Asked {
  std::map<std::uint32_t, std::uint32_t> counts;  // request to count
  unsigned different = 0;                         // told two things of one request
  std::vector<Error> errors;
  std::vector<unsigned> cpus;  // of the primaries

  void told(std::uint32_t request, const IoResult& result, std::uint32_t count) {
    if (result.error != Error::none) errors.push_back(result.error);
    const auto [at, added] = counts.emplace(request, count);
    if (!added && at->second != count) ++different;
  }
};

/// Counts by $COUNT: the memory that both members have is the number of requests that are over,
/// and each is sent behind a checkpoint of that and of the file.
Task<> asker(Guardian& guardian, unsigned backup_cpu, Asked& asked) {
  Pair& mine = pair(guardian);
  FileSystem& system = files(guardian);
  Bytes memory(8);
  const auto over = std::span(memory).first(4), file_word = std::span(memory).last(4);
  mine.item(1, memory);
  FileNumber file = 0;
  if (guardian.made_as_backup()) {
    const Takeover takeover = co_await mine.checkmonitor();
    CHECK(takeover.restart == 1);
    file = static_cast<FileNumber>(load_word(file_word));
  } else {
    CHECK_AWAIT(mine.start_backup("asker", backup_cpu), Error::none);
    auto opened = co_await system.open("$COUNT", {.sync_depth = 1});
    CHECK(opened.error == Error::none);
    file = opened.file;
    store_word(static_cast<std::uint32_t>(file), file_word);
    CHECK_AWAIT(mine.checkopen(file), CheckpointStatus{});
  }
  asked.cpus.push_back(guardian.cpu());
  for (std::uint32_t i = load_word(over); i < requests; ++i) {
    store_word(i, over);
    const CheckpointData data{1, memory, 0};
    const auto status = co_await mine.checkpoint({&data, 1}, {&file, 1}, 1);
    CHECK(status.code != CheckpointStatus::bad_parameter);
    Bytes out(4), in(4);
    const IoResult result = co_await system.writeread(file, out, in);
    asked.told(i, result, load_word(in));
    co_await sleep_for(guardian, 300);
  }
  co_await guardian.process().wait({});
}

struct Deaths {
  std::uint64_t requestor = 0, server = 0;  // cycles behind the eighth request; 0: it lives
  bool stop_requestor = false;              // only the process
  bool one_cpu = false;                     // both primaries are on CPU 1, that of the server
};

/// Empty when each request was counted once, and told as it was counted.
std::string wrong_after(const Deaths& deaths) {
  Machine machine(5);
  Asked asked;
  add_counter(machine, 0b00110);
  machine.programs.add("asker", [&](Guardian& guardian) -> Task<> {
    co_await asker(guardian, 4, asked);
  });
  machine.start("$COUNT", "counter", 1);
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
  machine.rig.run(50'000);
  const unsigned asker_cpu = deaths.one_cpu ? 1 : 3;
  machine.start("$ASK", "asker", asker_cpu);
  machine.run_until([&] { return asked.counts.size() == 8; });
  const std::uint64_t last = std::max(deaths.requestor, deaths.server);
  std::uint64_t now = 0;
  while (now < last) {
    std::uint64_t next = last;
    for (const std::uint64_t at : {deaths.requestor, deaths.server}) {
      if (at > now) next = std::min(next, at);
    }
    machine.rig.run(next - now);
    now = next;
    if (now == deaths.server) machine.rig.node(1).halt();
    if (now != deaths.requestor || deaths.one_cpu) continue;
    if (deaths.stop_requestor) {
      const ProcessHandle primary = machine.entry(0, "$ASK")->primary;
      machine.create(0, [=](Guardian& guardian) -> Task<> {
        CHECK_AWAIT(guardian.stop(primary), Error::none);
      });
    } else {
      machine.rig.node(3).halt();
    }
  }
  machine.run_until([&] { return asked.counts.size() == requests; });
  std::ostringstream text;
  for (const Error error : asked.errors) text << "error " << static_cast<int>(error) << "; ";
  if (asked.different != 0) text << "told two things of one; ";
  for (const auto& [request, count] : asked.counts) {
    if (count != request + 1) text << "request " << request << " is count " << count << "; ";
  }
  const bool requestor_over = asked.cpus == std::vector<unsigned>{asker_cpu, 4};
  if (requestor_over != (deaths.requestor != 0)) text << "another requestor; ";
  const unsigned server = machine.entry(0, "$COUNT")->primary.at.cpu;
  if (server != (deaths.server != 0 ? 2U : 1U)) text << "another server; ";
  return text.str();
}

std::string wrong_in_child(const Deaths& deaths) {
  return in_child([&] { return wrong_after(deaths); });
}

/// A request takes some 15,000 cycles with the two checkpoints that belong to it.
constexpr std::uint64_t all_moments = 18'000;

}  // namespace

TEST_CASE("a requestor pair and a server pair: nobody dies") {
  CHECK(wrong_after({}) == "");
}

TEST_CASE("a requestor pair whose primary's CPU dies at any moment asks once") {
  for (std::uint64_t moment = 1; moment < all_moments; moment += 433) {
    CAPTURE(moment);
    CHECK(wrong_in_child({.requestor = moment}) == "");
  }
}

TEST_CASE("a requestor pair whose primary is stopped at any moment asks once") {
  for (std::uint64_t moment = 1; moment < all_moments; moment += 811) {
    CAPTURE(moment);
    CHECK(wrong_in_child({.requestor = moment, .stop_requestor = true}) == "");
  }
}

TEST_CASE("a requestor pair whose server's CPU dies at any moment asks once") {
  for (std::uint64_t moment = 1; moment < all_moments; moment += 433) {
    CAPTURE(moment);
    CHECK(wrong_in_child({.server = moment}) == "");
  }
}

TEST_CASE("requestor's and server's CPUs die, one after the other or at once") {
  for (std::uint64_t moment = 1; moment < all_moments; moment += 1'709) {
    for (const std::uint64_t behind : {0, 500, 4'000, 30'000, 60'000, 90'000}) {
      CAPTURE(moment, behind);
      CHECK(wrong_in_child({.requestor = moment, .server = moment + behind}) == "");
      CHECK(wrong_in_child({.requestor = moment + behind, .server = moment}) == "");
    }
  }
}

TEST_CASE("requestor and server die with the CPU that both are on") {
  for (std::uint64_t moment = 1; moment < all_moments; moment += 811) {
    CAPTURE(moment);
    CHECK(wrong_in_child({.requestor = moment, .server = moment, .one_cpu = true}) == "");
  }
}

TEST_CASE("a request that comes again gets its saved reply, and one that is too old error 160") {
  Machine machine(3);
  add_counter(machine, 0b110);
  machine.start("$COUNT", "counter", 1);
  machine.run_until([&] { return machine.has_pair("$COUNT"); });
  std::vector<std::pair<Error, std::uint32_t>> told;
  bool done = false;
  const auto ask = [&](Guardian& guardian, FileNumber file) -> Task<> {
    Bytes out(4), in(4);
    const IoResult result = co_await files(guardian).writeread(file, out, in);
    told.emplace_back(result.error, load_word(in));
  };
  const auto again = [&](Guardian& guardian, FileNumber file, std::uint32_t sync_id) -> Task<> {
    SyncBlock block = files(guardian).sync_block(file).value();
    block.next_sync_id = sync_id;
    CHECK(files(guardian).adopt(block) == Error::none);
    co_await ask(guardian, file);
  };
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    const auto opened = co_await files(guardian).open("$COUNT", {.sync_depth = 1});
    CHECK(opened.error == Error::none);
    const std::uint32_t first = files(guardian).sync_block(opened.file).value().next_sync_id;
    for (unsigned i = 0; i < 3; ++i) co_await ask(guardian, opened.file);
    co_await again(guardian, opened.file, first + 2);
    co_await again(guardian, opened.file, first + 1);
    co_await again(guardian, opened.file, first + 3);
    // The backup knows them too.
    machine.rig.node(1).halt();
    co_await again(guardian, opened.file, first + 3);
    co_await again(guardian, opened.file, first);
    co_await again(guardian, opened.file, first + 4);
    done = true;
  });
  machine.run_until([&] { return done; });
  using Told = std::pair<Error, std::uint32_t>;
  CHECK(told == std::vector<Told>{{Error::none, 1}, {Error::none, 2}, {Error::none, 3},
                                  {Error::none, 3}, {Error::invalid_state, 0}, {Error::none, 4},
                                  {Error::none, 4}, {Error::invalid_state, 0}, {Error::none, 5}});
}
