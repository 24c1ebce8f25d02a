#include "check/scoreboard.h"

#include <catch2/catch.hpp>

using namespace xybus;
using contract::Error;

namespace {

// Two CPUs and one workload; messages of 40 bytes with replies of 8.
struct Bench {
  bool excuse = false;
  std::optional<std::uint64_t> sabotage;
  Scoreboard board;

  explicit Bench(std::optional<std::uint64_t> sabotaged = {})
      : sabotage(sabotaged),
        board({.seed = 5,
               .sabotage = sabotage,
               .excused = [this](unsigned, unsigned, std::uint64_t) { return excuse; },
               .route = [](const MessageId&) { return std::string("bus y at cycle 99"); }}) {}

  static MessageId id(std::uint32_t number) { return {0, 1, 2, Direction::request, number}; }
  void send(std::uint32_t number, std::uint64_t cycle = 100) {
    board.sent(id(number), cycle, 40, 8);
  }
  std::vector<std::byte> request(std::uint32_t number) {
    std::vector<std::byte> bytes(40);
    board.content().fill(id(number), bytes);
    return bytes;
  }
  void listen(std::uint32_t number, std::uint64_t cycle = 150) {
    board.listened(id(number), cycle, 40);
  }
  void read(std::uint32_t number) {
    auto bytes = request(number);
    board.read(id(number), 160, bytes);
  }
  std::vector<std::byte> reply(std::uint32_t number) {
    MessageId reply = id(number);
    reply.direction = Direction::reply;
    std::vector<std::byte> bytes(8);
    board.content().fill(reply, bytes);
    return bytes;
  }
  void done(std::uint32_t number, Error error = Error::none) {
    const auto bytes = error == Error::none ? reply(number) : std::vector<std::byte>{};
    board.done(id(number), 200, error, bytes);
  }
  void whole(std::uint32_t number) {
    send(number);
    listen(number);
    read(number);
    done(number);
  }
  bool good() { return board.check().ok; }
  bool says(const std::string& text) {
    INFO(board.check().detail);
    return !good() && board.check().detail.find(text) != std::string::npos;
  }
};

}  // namespace

TEST_CASE("messages that arrive once, in order and unharmed are good") {
  Bench bench;
  for (std::uint32_t number = 0; number < 10; ++number) bench.whole(number);
  bench.board.finish();
  CHECK(bench.good());
  CHECK(bench.board.result().sent == 10);
  CHECK(bench.board.result().delivered == 10);
  CHECK(bench.board.ended() == 10);
  CHECK(bench.board.latency().min == 50);
  CHECK(bench.board.latency().samples == 10);
}

TEST_CASE("the cycle of the first complaint and of the latest progress are known") {
  Bench bench;
  CHECK(bench.board.progress_cycle() == 0);
  bench.send(0);
  bench.listen(0, 150);
  CHECK(bench.board.progress_cycle() == 150);
  bench.read(0);
  CHECK(bench.board.progress_cycle() == 150);
  bench.done(0);
  CHECK(bench.board.progress_cycle() == 200);
  CHECK_FALSE(bench.board.first_complaint().has_value());
  for (std::uint64_t cycle = 300; cycle < 320; ++cycle) bench.listen(0, cycle);
  CHECK_FALSE(bench.good());
  CHECK(bench.board.first_complaint() == 300U);
}

TEST_CASE("what is found lost at the end has no cycle of its own") {
  Bench bench;
  bench.send(0);
  bench.board.finish();
  CHECK_FALSE(bench.good());
  CHECK_FALSE(bench.board.first_complaint().has_value());
}

TEST_CASE("latency is one way: from link to listen") {
  Bench bench;
  bench.send(0, 1000);
  bench.listen(0, 1700);
  CHECK(bench.board.latency().max == 700);
}

TEST_CASE("replies may come in any order") {
  Bench bench;
  for (std::uint32_t number : {0, 1}) bench.send(number);
  for (std::uint32_t number : {0, 1}) bench.listen(number);
  for (std::uint32_t number : {1, 0}) bench.read(number);
  for (std::uint32_t number : {1, 0}) bench.done(number);
  bench.board.finish();
  CHECK(bench.good());
}

TEST_CASE("flows between other CPUs and of other workloads are separate") {
  Bench bench;
  bench.send(0);
  bench.board.sent({0, 2, 1, Direction::request, 0}, 100, 0, 0);
  bench.board.sent({3, 1, 2, Direction::request, 0}, 100, 0, 0);
  bench.board.listened({3, 1, 2, Direction::request, 0}, 110, 0);
  bench.board.listened({0, 2, 1, Direction::request, 0}, 110, 0);
  bench.listen(0);
  CHECK(bench.good());
}

TEST_CASE("a message that is never done is lost") {
  Bench bench;
  bench.send(0);
  bench.whole(1);
  bench.board.finish();
  CHECK(bench.says("lost: CPU 1 -> CPU 2, request 0 of workload 0"));
  CHECK(bench.board.result().lost == 1);
}

TEST_CASE("a message that is delivered twice before its reply is a duplicate") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.listen(0);
  CHECK(bench.says("delivered a second time"));
  CHECK(bench.board.result().duplicated == 1);
}

TEST_CASE("a message that is delivered again after its reply is a duplicate") {
  Bench bench;
  bench.whole(0);
  bench.listen(0);
  CHECK(bench.says("delivered a second time"));
  CHECK(bench.board.result().duplicated == 1);
}

TEST_CASE("a message that overtakes another is found when the other arrives") {
  Bench bench;
  bench.send(0);
  bench.send(1);
  bench.listen(1);
  bench.listen(0);
  CHECK(bench.says("out of order"));
  CHECK(bench.board.result().duplicated == 0);
}

TEST_CASE("a message that nobody sent is found, whatever was done to the machine") {
  Bench bench;
  bench.excuse = GENERATE(false, true);
  bench.listen(7);
  CHECK(bench.says("no such message is under way"));
}

TEST_CASE("a message that arrives though it was refused is found") {
  Bench bench;
  bench.excuse = true;
  bench.send(0);
  bench.board.refused(Bench::id(0));
  bench.listen(0);
  CHECK(bench.says("no such message is under way"));
}

TEST_CASE("a message that arrives after an error that says it was not delivered is found") {
  Bench bench;
  bench.excuse = true;
  bench.send(0);
  bench.done(0, Error::no_process);
  bench.listen(0);
  CHECK(bench.says("no such message is under way"));
}

TEST_CASE("a request with a wrong byte is corrupted, and the diagnosis names everything") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  auto bytes = bench.request(0);
  bytes[21] ^= std::byte{1};
  bench.board.read(Bench::id(0), 160, bytes);
  CHECK(bench.board.result().corrupted == 1);
  CHECK(bench.says("CPU 1 -> CPU 2, request 0 of workload 0"));
  CHECK(bench.says("1 of 40 bytes wrong, from offset 21: expected "));
  CHECK(bench.says("actual "));
  CHECK(bench.says("bus y at cycle 99"));
}

TEST_CASE("a request of another length is found") {
  Bench bench;
  bench.send(0);
  bench.board.listened(Bench::id(0), 150, 39);
  CHECK(bench.says("expected 40 bytes, actual 39"));
}

TEST_CASE("a reply with a wrong byte is corrupted") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.read(0);
  auto bytes = bench.reply(0);
  bytes[7] ^= std::byte{0x80};
  bench.board.done(Bench::id(0), 200, Error::none, bytes);
  CHECK(bench.says("CPU 2 -> CPU 1, reply to request 0 of workload 0: 1 of 8 bytes wrong"));
  CHECK(bench.board.result().corrupted == 1);
}

TEST_CASE("a reply that is too short is corrupted") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.read(0);
  bench.board.done(Bench::id(0), 200, Error::none, {});
  CHECK(bench.says("expected 8 bytes, actual 0"));
}

TEST_CASE("a completion without a delivery is found") {
  Bench bench;
  bench.send(0);
  bench.done(0);
  CHECK(bench.says("its server never saw it"));
}

TEST_CASE("a completion of a request that was not read is found") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.done(0);
  CHECK(bench.says("its server never read it"));
}

TEST_CASE("a second completion is found") {
  Bench bench;
  bench.whole(0);
  bench.done(0);
  CHECK(bench.says("completed, but no such message is under way"));
}

TEST_CASE("a failure without a cause is found") {
  Bench bench;
  bench.send(0);
  bench.done(0, Error::cpu_failed);
  CHECK(bench.says("failed with 211 (cpu_failed), and neither CPU was halted, has left"));
  CHECK(bench.board.result().failed == 1);
}

TEST_CASE("a failure with a cause is good, and counts once though the message was delivered") {
  Bench bench;
  bench.excuse = true;
  bench.send(0);
  bench.listen(0);
  bench.read(0);
  bench.done(0, Error::path_down);
  bench.board.finish();
  CHECK(bench.good());
  CHECK(bench.board.result().failed == 1);
  CHECK(bench.board.result().delivered == 0);
}

TEST_CASE("a delivered message may not fail with an error that says it was not") {
  Bench bench;
  bench.excuse = true;
  bench.send(0);
  bench.listen(0);
  bench.done(0, Error::no_process);
  CHECK(bench.says("which says that it was not delivered"));
}

TEST_CASE("a message that arrives after its sender was told it failed is good once, not twice") {
  Bench bench;
  bench.excuse = true;
  bench.send(0);
  bench.done(0, Error::cpu_failed);
  bench.listen(0);
  CHECK(bench.good());
  bench.listen(0);
  CHECK(bench.says("delivered a second time"));
}

TEST_CASE("a message that arrives late and behind a later one is out of order") {
  Bench bench;
  bench.excuse = true;
  bench.send(0);
  bench.done(0, Error::cpu_failed);
  bench.whole(1);
  bench.listen(0);
  CHECK(bench.says("out of order"));
  CHECK(bench.board.result().duplicated == 0);
}

TEST_CASE("a message of a CPU that was halted may still arrive, once") {
  Bench bench;
  bench.excuse = true;
  bench.send(0);
  bench.board.cpu_halted(1);
  bench.listen(0);
  CHECK(bench.good());
  bench.listen(0);
  CHECK(bench.says("delivered a second time"));
}

TEST_CASE("an open message may be listened to again by a server that was started anew, once") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.board.cpu_halted(2);
  bench.board.cpu_restarted(2);
  bench.listen(0);
  CHECK(bench.good());
  bench.listen(0);
  CHECK(bench.says("delivered a second time"));
}

TEST_CASE("a message that failed at a restart may still get to the server that is there then") {
  Bench bench;
  bench.excuse = true;
  bench.send(0);
  bench.listen(0);
  bench.board.cpu_halted(2);
  bench.board.cpu_restarted(2);
  bench.done(0, Error::cpu_failed);
  bench.listen(0);
  CHECK(bench.good());
  bench.listen(0);
  CHECK(bench.says("delivered a second time"));
}

TEST_CASE("the order of messages holds for a server that was started anew, from its first on") {
  Bench bench;
  bench.whole(5);
  bench.board.cpu_halted(2);
  bench.board.cpu_restarted(2);
  for (const std::uint32_t number : {6, 7}) bench.send(number);
  bench.listen(7);
  CHECK(bench.good());
  bench.listen(6);
  CHECK(bench.says("out of order"));
}

TEST_CASE("a message sent after a restart must not fail without an excuse") {
  std::uint64_t asked = 0;
  Scoreboard board({.seed = 5,
                    .sabotage = {},
                    .excused = [&](unsigned, unsigned, std::uint64_t sent) {
                      asked = sent;
                      return false;
                    },
                    .route = {}});
  board.cpu_halted(2);
  board.cpu_restarted(2);
  board.sent(Bench::id(0), 1234, 40, 8);
  board.done(Bench::id(0), 2000, Error::cpu_failed, {});
  CHECK(asked == 1234);
  CHECK_FALSE(board.check().ok);
}

TEST_CASE("a refused message counts as not sent") {
  Bench bench;
  bench.send(0);
  bench.board.refused(Bench::id(0));
  bench.whole(1);
  bench.board.finish();
  CHECK(bench.good());
  CHECK(bench.board.result().sent == 1);
}

TEST_CASE("a message that is refused though nobody sent it is found") {
  Bench bench;
  bench.send(0);
  bench.board.refused(Bench::id(1));
  CHECK(bench.says("refused, but never sent"));
}

TEST_CASE("a refused message that its server saw is found") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.board.refused(Bench::id(0));
  CHECK(bench.says("refused, but its server listened to it"));
}

TEST_CASE("what a halted CPU had under way has failed, and nothing of it is lost") {
  Bench bench;
  bench.send(0);
  bench.board.cpu_halted(1);
  bench.board.finish();
  CHECK(bench.good());
  CHECK(bench.board.result().failed == 1);
  CHECK(bench.board.result().lost == 0);
}

TEST_CASE("a sabotaged run finds its flipped bit") {
  Bench bench(2);
  bench.whole(0);
  CHECK(bench.good());
  bench.whole(1);
  CHECK(bench.says("request 1 of workload 0: 1 of 40 bytes wrong"));
  CHECK(bench.board.result().corrupted == 1);
}

TEST_CASE("a sabotage that never strikes is a failure") {
  Bench bench(3);
  bench.whole(0);
  bench.whole(1);
  CHECK(bench.good());
  bench.board.finish();
  CHECK(bench.says("request 3, to be sabotaged, was never read with any bytes; 2 requests were"));
}

TEST_CASE("open messages are listed with how far they got") {
  Bench bench;
  for (std::uint32_t number : {0, 1, 2}) bench.send(number);
  for (std::uint32_t number : {0, 1}) bench.listen(number);
  bench.read(0);
  const auto lines = bench.board.open_messages(10);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].find("read by its server, not completed by its requestor") != std::string::npos);
  CHECK(lines[1].find("listened to, not read yet") != std::string::npos);
  CHECK(lines[2].find("not listened to yet") != std::string::npos);
  CHECK(bench.board.open_messages(1).size() == 1);
}
