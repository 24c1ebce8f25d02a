// The scoreboard on links that are broken, held and replied to with errors, and on several
// requestors of one CPU.
#include <catch2/catch.hpp>

#include "check/scoreboard.h"

using namespace xybus;
using contract::Error;

namespace {

// Requests of 40 bytes from CPU 1 to CPU 2; replies of 8.
struct Bench {
  bool excuse = false;
  Scoreboard board;

  Bench()
      : board({.seed = 5,
               .sabotage = {},
               .excused = [this](unsigned, unsigned, std::uint64_t) { return excuse; },
               .route = {}}) {}

  static MessageId id(std::uint32_t number, unsigned requestor = 1) {
    return {0, 1, 2, Direction::request, number, static_cast<std::uint8_t>(requestor)};
  }
  void send(std::uint32_t number, unsigned requestor = 1, Error reply_error = Error::none) {
    board.sent(id(number, requestor), 100, 40, 8, reply_error);
  }
  void listen(std::uint32_t number, unsigned requestor = 1, std::uint32_t bytes = 40) {
    board.listened(id(number, requestor), 150, bytes);
  }
  std::vector<std::byte> bytes_of(MessageId message, Direction direction, std::size_t size) {
    message.direction = direction;
    std::vector<std::byte> bytes(size);
    board.content().fill(message, bytes);
    return bytes;
  }
  void read(std::uint32_t number, unsigned requestor = 1) {
    auto bytes = bytes_of(id(number, requestor), Direction::request, 40);
    board.read(id(number, requestor), 160, bytes);
  }
  void done(std::uint32_t number, unsigned requestor = 1, Error error = Error::none) {
    board.done(id(number, requestor), 200, error,
               bytes_of(id(number, requestor), Direction::reply, 8));
  }
  void cancel(std::uint32_t number, std::uint64_t cycle = 170) {
    board.cancelled(id(number), cycle);
  }
  void answer(std::uint32_t number, Error error, bool told = false, std::uint64_t cycle = 190) {
    board.answered(id(number), cycle, error, told);
  }
  bool good() { return board.check().ok; }
  bool good_to_the_end() {
    board.finish();
    INFO(board.check().detail);
    return good();
  }
  bool says(const std::string& text) {
    INFO(board.check().detail);
    return !good() && board.check().detail.find(text) != std::string::npos;
  }
};

}  // namespace

TEST_CASE("each requestor of a CPU has an order of its own") {
  Bench bench;
  for (const unsigned requestor : {1, 2, 7}) bench.send(0, requestor);
  bench.send(1, 2);
  bench.listen(0, 2);
  bench.listen(1, 2);
  bench.listen(0, 7);
  bench.listen(0, 1);
  CHECK(bench.good());
  bench.listen(0, 7);
  CHECK(bench.says("request 0 of requestor 7 of workload 0: delivered a second time"));
}

TEST_CASE("the bytes of one requestor are not good for another's message") {
  Bench bench;
  bench.send(0, 2);
  bench.listen(0, 2);
  auto bytes = bench.bytes_of(Bench::id(0, 1), Direction::request, 40);
  bench.board.read(Bench::id(0, 2), 160, bytes);
  CHECK(bench.says("requestor 2"));
  CHECK(bench.board.result().corrupted == 1);
}

TEST_CASE("what every requestor of a halted CPU had under way has failed") {
  Bench bench;
  for (const unsigned requestor : {0, 1, 5}) bench.send(0, requestor);
  bench.board.sent({0, 2, 1, Direction::request, 0, 5}, 100, 0, 0);
  bench.board.cpu_halted(1);
  CHECK(bench.board.result().failed == 3);
  CHECK(bench.board.open() == 1);
  CHECK(bench.board.open_messages(9).front().find("CPU 2 -> CPU 1, request 0 of requestor 5") == 0);
}

TEST_CASE("a message whose server replies with an error is delivered, with its bytes") {
  Bench bench;
  bench.send(0, 1, Error::invalid_state);
  bench.listen(0);
  bench.read(0);
  bench.answer(0, Error::none);
  bench.done(0, 1, Error::invalid_state);
  CHECK(bench.good_to_the_end());
  CHECK(bench.board.result().delivered == 1);
  CHECK(bench.board.result().failed == 0);
}

TEST_CASE("an error of the server that does not arrive is found") {
  Bench bench;
  bench.send(0, 1, Error::invalid_state);
  bench.listen(0);
  bench.read(0);
  bench.done(0);
  CHECK(bench.says("completed without error, and its server replied with 160 (invalid_state)"));
}

TEST_CASE("an error that its server did not reply with is found") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.read(0);
  bench.done(0, 1, Error::invalid_state);
  CHECK(bench.says("failed with 160 (invalid_state), and neither CPU"));
}

TEST_CASE("a part of a request is verified where it comes from, and is enough to be read") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  const auto bytes = bench.bytes_of(Bench::id(0), Direction::request, 40);
  bench.board.read_part(Bench::id(0), 160, 11, std::span(bytes).subspan(11, 9));
  bench.done(0);
  CHECK(bench.good_to_the_end());
  bench.send(1);
  bench.listen(1);
  const auto other = bench.bytes_of(Bench::id(1), Direction::request, 40);
  bench.board.read_part(Bench::id(1), 160, 12, std::span(other).subspan(11, 9));
  CHECK(bench.says("9 bytes wrong, from offset 12: expected "));
  CHECK(bench.board.result().corrupted == 1);
}

TEST_CASE("a broken link may be delivered once or not at all, and is counted as cancelled") {
  Bench bench;
  const bool delivered = GENERATE(false, true);
  bench.send(0);
  bench.cancel(0);
  CHECK(bench.board.open() == 0);
  if (delivered) {
    bench.listen(0);
    bench.read(0);
    bench.board.told(Bench::id(0), 185);
    bench.answer(0, Error::nothing_outstanding, true);
  }
  CHECK(bench.good_to_the_end());
  CHECK(bench.board.result().cancelled == 1);
  CHECK(bench.board.ended() == 1);
  CHECK(bench.board.result().lost == 0);
}

TEST_CASE("a broken link that is delivered twice, or changed, or late, is found") {
  Bench bench;
  bench.send(0);
  SECTION("twice behind the break") {
    bench.cancel(0);
    bench.listen(0);
    CHECK(bench.good());
    bench.listen(0);
    CHECK(bench.says("delivered a second time"));
  }
  SECTION("before and behind the break") {
    bench.listen(0);
    bench.cancel(0);
    bench.listen(0);
    CHECK(bench.says("delivered a second time"));
  }
  SECTION("of another length") {
    bench.cancel(0);
    bench.listen(0, 1, 41);
    CHECK(bench.says("expected 40 bytes, actual 41"));
  }
  SECTION("behind a later one") {
    bench.cancel(0);
    bench.send(1);
    bench.listen(1);
    bench.listen(0);
    CHECK(bench.says("out of order"));
  }
}

TEST_CASE("a broken link that ends for its requestor is found") {
  Bench bench;
  bench.excuse = GENERATE(false, true);
  bench.send(0);
  bench.cancel(0);
  bench.done(0);
  CHECK(bench.says("completed after its requestor broke the link"));
}

TEST_CASE("a break of what is not under way is found") {
  Bench bench;
  bench.cancel(0);
  CHECK(bench.says("broken, but no such message is under way"));
}

TEST_CASE("a reply that crosses the break is good, and what comes of it too") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.read(0);
  SECTION("its server is through before the break") {
    bench.answer(0, Error::none);
    bench.cancel(0);
  }
  SECTION("its server hears of the break only behind its reply") {
    bench.cancel(0);
    bench.answer(0, Error::none);
  }
  bench.send(1);
  bench.board.cancelled(Bench::id(1), 170 + 2 * cancel_patience);
  CHECK(bench.good_to_the_end());
}

TEST_CASE("a server that replies to a link long after it was broken was not told, and is found") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.cancel(0, 170);
  SECTION("with cause") {
    bench.excuse = true;
    bench.answer(0, Error::none, false, 171 + cancel_patience);
    CHECK(bench.good());
  }
  SECTION("without") {
    bench.answer(0, Error::none, false, 171 + cancel_patience);
    CHECK(bench.says("the link was broken at cycle 170"));
  }
}

TEST_CASE("a server that keeps a broken link to the end was not told, and is found") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  bench.cancel(0, 170);
  bench.send(1);
  const std::uint64_t later = GENERATE(170 + cancel_patience, 171 + cancel_patience);
  bench.board.cancelled(Bench::id(1), later);
  SECTION("with cause") {
    bench.excuse = true;
    CHECK(bench.good_to_the_end());
  }
  SECTION("without") {
    CHECK(bench.good_to_the_end() == (later == 170 + cancel_patience));
    if (!bench.good()) CHECK(bench.says("request 0 of requestor 1 of workload 0: broken by"));
  }
}

TEST_CASE("a server that is told of a break that was none is found") {
  Bench bench;
  bench.send(0);
  bench.listen(0);
  SECTION("by LCAN") {
    bench.board.told(Bench::id(0), 180);
    CHECK(bench.says("its requestor did not break the link"));
  }
  SECTION("by writelink") {
    bench.answer(0, Error::nothing_outstanding);
    CHECK(bench.says("writelink says that it is cancelled, and its requestor did not"));
  }
  SECTION("of a CPU that is halted or cut off: good") {
    bench.excuse = true;
    bench.board.told(Bench::id(0), 180);
    bench.answer(0, Error::nothing_outstanding, true);
    CHECK(bench.good());
  }
}

TEST_CASE("LCAN for a link that its server has not listened to is found") {
  Bench bench;
  bench.send(0);
  bench.cancel(0);
  bench.board.told(Bench::id(0), 180);
  CHECK(bench.says("before it knew of it"));
}

TEST_CASE("a writelink that takes the reply to a link known to be cancelled is found") {
  Bench bench;
  bench.excuse = GENERATE(false, true);
  bench.send(0);
  bench.listen(0);
  bench.cancel(0);
  bench.answer(0, Error::none, true);
  CHECK(bench.says("replied to it without error after it knew it to be cancelled"));
}

TEST_CASE("any other error of a writelink is found, whatever was done to the machine") {
  Bench bench;
  bench.excuse = GENERATE(false, true);
  bench.send(0);
  bench.listen(0);
  bench.answer(0, Error::not_open);
  CHECK(bench.says("writelink gave 16 (not_open)"));
}

TEST_CASE("what a workload finds itself is a complaint") {
  Bench bench;
  bench.board.violated(Bench::id(3), 77, "breaklink gave not_open");
  CHECK(bench.says("cycle 77: CPU 1 -> CPU 2, request 3 of requestor 1 of workload 0: breaklink "
                   "gave not_open"));
}
