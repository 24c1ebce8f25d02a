// Requests without waiting: order, limits, and what awaitio does when time runs out.

#include <catch2/catch.hpp>

#include "file_rig.h"

using namespace firmware_test;

namespace {

/// Reads all requests that come and answers none, for 100,000 cycles; then, last first, all that
/// were not cancelled, with their sync id as data. `cancelled` counts those that were.
FileProgram slow_server(std::vector<std::uint32_t>& read, unsigned& cancelled) {
  return [&](Guardian& guardian, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE", {.receive_depth = 20, .cancel_messages = true});
    Bytes in(20);
    std::vector<unsigned> tags, rooms;
    const std::uint64_t end = guardian.now() + 100'000;
    while (guardian.now() < end) {
      const IoResult result = co_await files.readupdate(in, end - guardian.now());
      if (result.error == Error::none) {
        tags.push_back(files.receiveinfo().tag);
        rooms.push_back(files.receiveinfo().read_count);
        read.push_back(files.receiveinfo().sync_id);
      } else if (result.error == Error::system_message) {
        ++cancelled;
        co_await files.reply({});
      }
    }
    for (std::size_t i = tags.size(); i-- != 0;) {
      std::array<std::byte, 1> data{static_cast<std::byte>(read[i])};
      CHECK_AWAIT(files.reply(std::span(data).first(rooms[i]), Error::none, tags[i]), Error::none);
    }
    co_await pause(guardian, 50'000);
  };
}

}  // namespace

TEST_CASE("completions of a file come in the order of calls, or as they come if that was asked") {
  FileRig rig(2);
  std::vector<std::uint32_t> read;
  unsigned cancelled = 0;
  const ProcessHandle server = rig.handle(1, rig.program(1, slow_server(read, cancelled)));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    const auto in_order = co_await files.open(server, {.nowait_depth = 3});
    const auto any = co_await files.open(server, {.nowait_depth = 3, .any_order = true});
    std::array<std::array<std::byte, 1>, 6> in;
    for (std::uint32_t i = 0; i < 3; ++i) {
      CHECK_AWAIT(files.writeread(in_order.file, {}, in[i], 10 + i), IoResult{});
    }
    CHECK_AWAIT(files.writeread(in_order.file, {}, in[0]), IoResult{Error::too_many});
    for (std::uint32_t i = 0; i < 3; ++i) {
      CHECK_AWAIT(files.writeread(any.file, {}, in[3 + i], 20 + i), IoResult{});
    }
    for (std::uint32_t i = 0; i < 3; ++i) {
      CHECK_AWAIT(files.awaitio(in_order.file),
                  (FileCompletion{in_order.file, Error::none, 1, 10 + i}));
    }
    for (std::uint32_t i = 3; i-- != 0;) {
      CHECK_AWAIT(files.awaitio(any.file), (FileCompletion{any.file, Error::none, 1, 20 + i}));
    }
    for (unsigned i = 0; i < 6; ++i) CHECK(in[i][0] == std::byte(1 + i % 3));
    CHECK_AWAIT(files.awaitio(any.file), (FileCompletion{any.file, Error::nothing_outstanding}));
  });
  rig.run_until_ended(2);
  CHECK(read.size() == 6);
}

TEST_CASE("awaitio of one file, time limit 0: error 40, nothing is cancelled") {
  FileRig rig(2);
  std::vector<std::uint32_t> read;
  unsigned cancelled = 0;
  const ProcessHandle server = rig.handle(1, rig.program(1, slow_server(read, cancelled)));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    const auto f = co_await files.open(server, {.nowait_depth = 2});
    for (std::uint32_t tag : {1U, 2U}) co_await files.write(f.file, {}, tag);
    CHECK_AWAIT(files.awaitio(f.file, 0), (FileCompletion{f.file, Error::timeout}));
    for (std::uint32_t tag : {1U, 2U}) {
      CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::none, 0, tag}));
    }
  });
  rig.run_until_ended(2);
  CHECK(cancelled == 0);
}

TEST_CASE("awaitio of one file, time runs out: error 40, the oldest request is cancelled") {
  FileRig rig(2);
  std::vector<std::uint32_t> read;
  unsigned cancelled = 0;
  const ProcessHandle server = rig.handle(1, rig.program(1, slow_server(read, cancelled)));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto f = co_await files.open(server, {.nowait_depth = 2});
    for (std::uint32_t tag : {1U, 2U}) co_await files.write(f.file, {}, tag);
    const std::uint64_t begin = guardian.now();
    CHECK_AWAIT(files.awaitio(f.file, 20'000), (FileCompletion{f.file, Error::timeout, 0, 1}));
    CHECK(guardian.now() - begin >= 20'000);
    CHECK(guardian.now() - begin < 30'000);
    CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::none, 0, 2}));
    // Neither used up nor used again: the next request counts on.
    CHECK(files.sync_block(f.file).value().next_sync_id == 3);
  });
  rig.run_until_ended(2);
  CHECK(cancelled == 1);
}

TEST_CASE("awaitio of any file, time limit 0 or run out: error 40, nothing is cancelled") {
  FileRig rig(2);
  std::vector<std::uint32_t> read;
  unsigned cancelled = 0;
  const ProcessHandle server = rig.handle(1, rig.program(1, slow_server(read, cancelled)));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    CHECK_AWAIT(files.awaitio(any_file), (FileCompletion{any_file, Error::nothing_outstanding}));
    const auto f = co_await files.open(server, {.nowait_depth = 1});
    const auto g = co_await files.open(server, {.nowait_depth = 1});
    co_await files.write(f.file, {}, 1);
    co_await files.write(g.file, {}, 2);
    CHECK_AWAIT(files.awaitio(any_file, 0), (FileCompletion{any_file, Error::timeout}));
    CHECK_AWAIT(files.awaitio(any_file, 20'000), (FileCompletion{any_file, Error::timeout}));
    // The server replies to the later one first.
    CHECK_AWAIT(files.awaitio(any_file), (FileCompletion{g.file, Error::none, 0, 2}));
    CHECK_AWAIT(files.awaitio(any_file), (FileCompletion{f.file, Error::none, 0, 1}));
  });
  rig.run_until_ended(2);
  CHECK(cancelled == 0);
}

TEST_CASE("cancel takes the oldest request, cancelreq the one with the tag, and others go on") {
  FileRig rig(2);
  std::vector<std::uint32_t> read;
  unsigned cancelled = 0;
  const ProcessHandle server = rig.handle(1, rig.program(1, slow_server(read, cancelled)));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto f = co_await files.open(server, {.nowait_depth = 4});
    CHECK(files.cancel(f.file) == Error::nothing_outstanding);
    CHECK(files.cancelreq(f.file, 1) == Error::nothing_outstanding);
    for (std::uint32_t tag : {1U, 2U, 3U, 2U}) co_await files.write(f.file, {}, tag);
    co_await pause(guardian, 20'000);  // the server has read them
    CHECK(files.cancel(f.file) == Error::none);
    CHECK(files.cancelreq(f.file, 2) == Error::none);
    CHECK(files.cancelreq(f.file, 7) == Error::nothing_outstanding);
    CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::none, 0, 3}));
    CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::none, 0, 2}));
    CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::nothing_outstanding}));
    co_await files.write(f.file, {}, 9);
    CHECK(files.sync_block(f.file).value().next_sync_id == 6);
  });
  rig.run_until_ended(2);
  CHECK(cancelled == 2);
  CHECK(read == std::vector<std::uint32_t>{1, 2, 3, 4});
}

TEST_CASE("what is cancelled before the server reads it, the server never sees") {
  FileRig rig(2);
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.receive_depth = 5, .cancel_messages = true});
        Bytes in(5);
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 1}));
        co_await files.reply({});
        co_await pause(guardian, 50'000);
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 3}));
        CHECK(files.receiveinfo().sync_id == 3);
        co_await files.reply({});
        CHECK_AWAIT(files.readupdate(in, 20'000), IoResult{Error::timeout});
      }));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto f = co_await files.open(server, {.nowait_depth = 2});
    co_await files.write(f.file, Bytes(1));
    co_await files.awaitio(f.file);
    co_await files.write(f.file, Bytes(2), 2);
    co_await files.write(f.file, Bytes(3), 3);
    co_await pause(guardian, 10'000);
    CHECK(files.cancel(f.file) == Error::none);
    CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::none, 3, 3}));
  });
  rig.run_until_ended(2);
}

TEST_CASE("$RECEIVE without waiting: readupdate returns at once, and awaitio gives the message") {
  FileRig rig(2);
  FileNumber own = -2;
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.nowait_depth = 1});
        CHECK_AWAIT(files.awaitio(0), (FileCompletion{0, Error::nothing_outstanding}));
        CHECK(files.cancel(0) == Error::nothing_outstanding);
        Bytes in(10);
        CHECK_AWAIT(files.readupdate(in, 0, 4), IoResult{});
        CHECK_AWAIT(files.readupdate(in, 0, 5), IoResult{Error::too_many});
        CHECK_AWAIT(files.awaitio(0, 0), (FileCompletion{0, Error::timeout}));
        CHECK_AWAIT(files.awaitio(any_file, 10), (FileCompletion{any_file, Error::timeout}));
        CHECK_AWAIT(files.awaitio(0), (FileCompletion{0, Error::none, 3, 4}));
        CHECK_AWAIT(files.reply(Bytes(2)), Error::none);
        CHECK_AWAIT(files.readupdate(in, 0, 6), IoResult{});
        CHECK_AWAIT(files.awaitio(0, 10), (FileCompletion{0, Error::timeout, 0, 6}));
        CHECK_AWAIT(files.awaitio(0), (FileCompletion{0, Error::nothing_outstanding}));
        CHECK_AWAIT(files.readupdate(in, 0, 7), IoResult{});
        CHECK(files.cancelreq(0, 6) == Error::nothing_outstanding);
        CHECK(files.cancelreq(0, 7) == Error::none);
        // Both at a time: a file and $RECEIVE.
        const auto self = co_await files.open(guardian.handle(), {.nowait_depth = 2});
        own = self.file;
        co_await files.write(own, Bytes(1), 1);
        co_await files.readupdate(in, 0, 8);
        CHECK_AWAIT(files.awaitio(any_file), (FileCompletion{0, Error::none, 1, 8}));
        co_await files.reply({});
        CHECK_AWAIT(files.awaitio(any_file), (FileCompletion{own, Error::none, 1, 1}));
      }));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    co_await pause(guardian, 10'000);
    const auto f = co_await files.open(server);
    Bytes in(2);
    CHECK_AWAIT(files.writeread(f.file, Bytes(3), in), (IoResult{Error::none, 2}));
  });
  rig.run_until_ended(2);
}

TEST_CASE("closing a file calls off what is outstanding on it") {
  FileRig rig(2);
  std::vector<std::uint32_t> read;
  unsigned cancelled = 0;
  const ProcessHandle server = rig.handle(1, rig.program(1, slow_server(read, cancelled)));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto f = co_await files.open(server, {.nowait_depth = 2});
    for (std::uint32_t tag : {1U, 2U}) co_await files.write(f.file, {}, tag);
    co_await pause(guardian, 20'000);
    CHECK_AWAIT(files.close(f.file), Error::none);
    CHECK_AWAIT(files.awaitio(any_file), (FileCompletion{any_file, Error::nothing_outstanding}));
    const auto g = co_await files.open(server);
    CHECK(g.file != f.file);
  });
  rig.run_until_ended(2);
  CHECK(cancelled == 2);
}
