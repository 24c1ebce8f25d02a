// A server pair whose primary stops again and again, and a client that must not notice.

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

#include "file_rig.h"
#include "firmware/message/wire.h"

using namespace firmware_test;

namespace {

std::uint32_t seed_or(std::uint32_t usual) {
  const char* text = std::getenv("XYBUS_SEED");
  const auto seed = text != nullptr ? static_cast<std::uint32_t>(std::stoul(text)) : usual;
  std::cout << "XYBUS_SEED=" << seed << '\n';
  return seed;
}

/// A server that counts, in two processes. What checkpoints would bring from one to the other is
/// here: the count after each request, by its open and sync id.
struct CountingPair {
  std::map<std::pair<xybus::OpenId, std::uint32_t>, std::uint32_t> counts;
  std::map<xybus::OpenId, std::uint32_t> total;
  unsigned repeated = 0;

  FileProgram member() {
    return [this](Guardian& guardian, FileSystem& files) -> Task<> {
      const auto primary = [&] {
        const auto* entry = guardian.dct().find(guardian.handle());
        return entry != nullptr && entry->primary == guardian.handle();
      };
      while (!primary()) co_await pause(guardian, 1'000);
      co_await files.open("$RECEIVE", {.receive_depth = 10});
      Bytes in(8'000);
      for (;;) {
        co_await files.readupdate(in);
        const auto& info = files.receiveinfo();
        if (info.system != 0) {
          co_await files.reply({});
          continue;
        }
        co_await guardian.process().compute(2'000);
        const auto [at, fresh] = counts.try_emplace({info.opener, info.sync_id}, 0);
        if (fresh) at->second = ++total[info.opener];
        if (!fresh) ++repeated;
        co_await guardian.process().compute(2'000);
        std::array<std::byte, 4> reply;
        xybus::store_word(at->second, reply);
        co_await files.reply(reply);
      }
    };
  }
};

}  // namespace

TEST_CASE("a pair whose primary stops at any moment does each request once, in order") {
  constexpr unsigned requests = 60, outstanding = 4;
  std::mt19937 random(seed_or(1));
  FileRig rig(3);
  CountingPair pair;
  ProcessHandle primary = rig.handle(1, rig.program(1, pair.member()));
  ProcessHandle backup = rig.handle(2, rig.program(2, pair.member()));
  rig.define("$COUNT", primary);
  rig.set_backup("$COUNT", primary, backup);
  std::array<std::vector<std::uint32_t>, 2> answers;
  for (unsigned client = 0; client < 2; ++client) {
    rig.program(client, [&, client](Guardian&, FileSystem& files) -> Task<> {
      const auto f =
          co_await files.open("$COUNT", {.nowait_depth = outstanding, .sync_depth = outstanding});
      REQUIRE(f.error == Error::none);
      std::array<std::array<std::byte, 4>, outstanding> in;
      for (unsigned i = 0; i < requests + outstanding; ++i) {
        if (i >= outstanding) {
          CHECK_AWAIT(files.awaitio(f.file),
                      (FileCompletion{f.file, Error::none, 4, i - outstanding}));
          answers[client].push_back(xybus::load_word(in[i % outstanding]));
        }
        if (i < requests) {
          co_await files.writeread(f.file, Bytes(client == 0 ? 10 : 5'000), in[i % outstanding], i);
        }
      }
    });
  }
  unsigned stops = 0;
  while (rig.ended < 2 && stops < 200) {
    rig.run(random() % 40'000 + 100);
    const unsigned cpu = primary.at.cpu;
    rig.on_cpu(cpu, [&] {
      rig.kernel(cpu).dispatcher().stop(*rig.kernel(cpu).dispatcher().find(primary.at.pin));
    });
    rig.run(random() % 10'000);
    rig.gone(primary, random() % 3);
    primary = backup;
    backup = rig.handle(cpu, rig.program(cpu, pair.member()));
    rig.set_backup("$COUNT", primary, backup);
    ++stops;
  }
  rig.run_until_ended(2);
  CHECK(stops > 5);
  CHECK(pair.repeated > 0);
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 1; i <= requests; ++i) expected.push_back(i);
  CHECK(answers[0] == expected);
  CHECK(answers[1] == expected);
  std::cout << stops << " stops, " << pair.repeated << " requests repeated\n";
}

TEST_CASE("a file opened by handle, and another incarnation of its CPU: error 60") {
  FileRig rig(2, [](KernelConfig& config) { config.alive_interval = 100'000; });
  bool restarted = false;
  const ProcessHandle server = rig.handle(1, rig.program(1, echo()));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto f = co_await files.open(server, {.sync_depth = 1});
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::none});
    while (!restarted) co_await pause(guardian, 1'000);
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::other_process});
    CHECK_ERROR(files.open(server), Error::other_process);
  });
  rig.run(50'000);
  rig.node(1).halt();
  rig.run(400'000);
  rig.restart(1, 1);
  Process& next = rig.program(1, echo());
  CHECK(next.pin() == server.at.pin);
  rig.run(1'000'000);
  REQUIRE(rig.kernel(0).membership().up(1));
  restarted = true;
  rig.run_until_ended(1);
}
