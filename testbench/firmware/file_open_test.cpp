// Opens and closes: when they end, how they fail, and who has what open.

#include <catch2/catch.hpp>

#include "file_rig.h"

using namespace firmware_test;
using xybus::Opened;

TEST_CASE("an open ends when the server has opened $RECEIVE, and not before") {
  FileRig rig(2);
  std::uint64_t at_receive = 0, opened_at = 0;
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await pause(guardian, 50'000);
        at_receive = guardian.now();
        co_await files.open("$RECEIVE");
        Bytes in(10);
        co_await files.readupdate(in, 20'000);
      }));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    CHECK_ERROR(files.open(server), Error::none);
    opened_at = guardian.now();
  });
  rig.run_until_ended(2);
  CHECK(at_receive > 50'000);
  CHECK(opened_at > at_receive);
}

TEST_CASE("an open ends after the server's reply if it wants to see opens, with its error") {
  FileRig rig(2);
  std::uint64_t replied_at = 0, opened_at = 0;
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.system_messages = true});
        Bytes in(30);
        co_await files.readupdate(in);
        CHECK(files.receiveinfo().system == number::open);
        CHECK(files.openers().size() == 1);
        co_await files.reply({}, Error::device_down);
        CHECK(files.openers().empty());
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::system_message, 0}));
        co_await pause(guardian, 30'000);
        CHECK_AWAIT(files.reply(Bytes(1)), Error::bounds);
        replied_at = guardian.now();
        CHECK_AWAIT(files.reply({}), Error::none);
        CHECK(files.openers().size() == 1);
        co_await pause(guardian, 30'000);
      }));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    CHECK_AWAIT(files.open(server), (Opened{Error::device_down, xybus::no_file}));
    CHECK_ERROR(files.open(server), Error::none);
    opened_at = guardian.now();
  });
  rig.run_until_ended(2);
  CHECK(replied_at > 30'000);
  CHECK(opened_at >= replied_at);
}

TEST_CASE("a name that is none, or nobody's, and options out of range are errors of open") {
  FileRig rig(1);
  Process& process = rig.program(0, echo());
  const ProcessHandle server = rig.handle(0, process);
  rig.define("$echo", server);
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    const auto error = [&](std::string_view name, OpenOptions options) -> Task<Error> {
      co_return (co_await files.open(name, options)).error;
    };
    for (const char* name : {"", "$", "ECHO", "$1", "$ECHO.", "$TOOLONGNAME", "$ECHO.A B"}) {
      CAPTURE(name);
      CHECK_AWAIT(error(name, {}), Error::bad_name);
    }
    CHECK_AWAIT(error("$NOBODY", {}), Error::no_process);
    CHECK_AWAIT(error("$ECHO", {.nowait_depth = 15}), Error::none);
    CHECK_AWAIT(error("$ECHO", {.nowait_depth = 16}), Error::too_many);
    CHECK_AWAIT(error("$ECHO", {.sync_depth = 256}), Error::bounds);
    CHECK_AWAIT(error("$RECEIVE", {.nowait_depth = 2}), Error::too_many);
    CHECK_AWAIT(error("$RECEIVE", {.receive_depth = 0}), Error::bounds);
    CHECK_AWAIT(error("$RECEIVE", {.receive_depth = 256}), Error::bounds);
    CHECK_AWAIT(error("$RECEIVE", {.receive_depth = 255}), Error::none);
    CHECK_AWAIT(error("$RECEIVE", {}), Error::invalid_state);
    CHECK_ERROR(files.open(ProcessHandle{}), Error::no_process);
    ProcessHandle other = server;
    ++other.created;
    CHECK_ERROR(files.open(other), Error::other_process);
    other.at.pin = 99;
    CHECK_ERROR(files.open(other), Error::no_process);
    other.at.cpu = 9;
    CHECK_ERROR(files.open(other), Error::bounds);
  });
  rig.run_until_ended(1);
}

TEST_CASE("an open of a process that stops before it is at $RECEIVE gives error 14") {
  FileRig rig(2);
  const auto stops = [](Guardian& guardian, FileSystem&) -> Task<> {
    co_await pause(guardian, 40'000);
  };
  const ProcessHandle handle = rig.handle(1, rig.program(1, stops));
  const ProcessHandle named = rig.handle(1, rig.program(1, stops));
  rig.define("$stops", named);
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    CHECK_ERROR(files.open(handle), Error::no_process);
  });
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    CHECK_ERROR(files.open("$STOPS.#A"), Error::no_process);
  });
  rig.run_until_ended(3);
  rig.gone(named);
  rig.run_until_ended(4);
}

TEST_CASE("two processes that open each other at the same time do not wait for ever") {
  FileRig rig(2);
  std::array<ProcessHandle, 2> handles;
  for (unsigned cpu : {0U, 1U}) {
    handles[cpu] = rig.handle(cpu, rig.program(cpu, [&, cpu](Guardian& guardian,
                                                             FileSystem& files) -> Task<> {
      co_await files.open("$RECEIVE");
      co_await pause(guardian, 1000);
      CHECK_ERROR(files.open(handles[1 - cpu]), Error::none);
      Bytes in(1);
      co_await files.readupdate(in, 100'000);  // so that the other one's open is answered too
    }));
  }
  rig.run_until_ended(2);
}

TEST_CASE("close and the end of a process tell the server, once for each open") {
  FileRig rig(2);
  std::vector<std::int16_t> seen;
  std::vector<ProcessHandle> from;
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian&, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.system_messages = true});
        Bytes in(40);
        for (;;) {
          const IoResult read = co_await files.readupdate(in);
          CHECK(read.error == Error::system_message);
          seen.push_back(files.receiveinfo().system);
          from.push_back(files.receiveinfo().from);
          if (seen.back() == number::open) {
            CHECK(Bytes(in.begin(), in.begin() + read.bytes).size() == 0);
          }
          co_await files.reply({});
          if (seen.size() == 8) break;
        }
        CHECK(files.openers().empty());
      }));
  const ProcessHandle stops =
      rig.handle(0, rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        const auto a = co_await files.open(server);
        co_await files.open(server);
        co_await files.close(a.file);
        co_await pause(guardian, 50'000);
      }));
  const ProcessHandle stopped =
      rig.handle(0, rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await pause(guardian, 200'000);
        co_await files.open(server, {.nowait_depth = 1});
        co_await files.open(server);
        co_await pause(guardian, 1'000'000'000);
      }));
  rig.run(300'000);
  rig.on_cpu(0, [&] {
    rig.kernel(0).dispatcher().stop(*rig.kernel(0).dispatcher().find(stopped.at.pin));
  });
  rig.run_until_ended(2);
  using N = std::vector<std::int16_t>;
  CHECK(seen == N{number::open, number::open, number::close, number::close, number::open,
                  number::open, number::close, number::close});
  CHECK(from == std::vector<ProcessHandle>{stops, stops, stops, stops, stopped, stopped, stopped,
                                           stopped});
}

TEST_CASE("openers of a CPU that is down are forgotten, and a backup elsewhere has the open alone") {
  FileRig rig(3, [](KernelConfig& config) { config.alive_interval = 100'000; });
  std::vector<xybus::Opener> before, after;
  const ProcessHandle server =
      rig.handle(0, rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.system_messages = true});
        Bytes in(40);
        for (int i = 0; i < 3; ++i) {
          co_await files.readupdate(in);
          CHECK(files.receiveinfo().system == number::open);
          co_await files.reply({});
        }
        before.assign(files.openers().begin(), files.openers().end());
        while (guardian.membership().up(1)) co_await pause(guardian, 50'000);
        CHECK_AWAIT(files.readupdate(in, 1000), IoResult{Error::timeout});  // no close
        after.assign(files.openers().begin(), files.openers().end());
      }));
  xybus::SyncBlock block;
  const ProcessHandle primary =
      rig.handle(1, rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        const auto first = co_await files.open(server);
        co_await files.open(server);
        block = *files.sync_block(first.file);
        co_await pause(guardian, 1'000'000'000);
      }));
  const ProcessHandle backup =
      rig.handle(2, rig.program(2, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        while (block.file < 0) co_await pause(guardian, 1000);
        CHECK_AWAIT(files.open_too(block), Error::none);
        co_await pause(guardian, 1'000'000'000);
      }));
  rig.run(90'000);
  REQUIRE(before.size() == 2);
  CHECK(before[0].primary == primary);
  CHECK(before[0].backup == backup);
  CHECK(before[1].primary == primary);
  CHECK_FALSE(before[1].backup);
  rig.node(1).halt();
  rig.run_until_ended(1);
  REQUIRE(after.size() == 1);
  CHECK(after[0].open == before[0].open);
  CHECK(after[0].primary == backup);
  CHECK_FALSE(after[0].backup);
}

// ---- Without waiting ----------------------------------------------------------------------------

TEST_CASE("an open without waiting gives a number at once, and its end by awaitio") {
  FileRig rig(2);
  std::uint64_t at_receive = 0;
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await pause(guardian, 50'000);
        at_receive = guardian.now();
        co_await files.open("$RECEIVE");
        std::array<std::byte, 10> in;
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 3}));
        CHECK_AWAIT(files.reply({}), Error::none);
      }));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const Opened opened =
        co_await files.open(server, {.nowait_depth = 2, .nowait_open = true, .open_tag = 7});
    CHECK(opened.error == Error::none);
    CHECK(guardian.now() < 20'000);
    CHECK_AWAIT(files.awaitio(opened.file, 0), (FileCompletion{opened.file, Error::timeout}));
    const Bytes out(3);
    CHECK_AWAIT(files.write(opened.file, out, 8), IoResult{});  // goes when the file is open
    CHECK_AWAIT(files.write(opened.file, out, 9), IoResult{Error::too_many});
    CHECK_AWAIT(files.awaitio(opened.file), (FileCompletion{opened.file, Error::none, 0, 7}));
    CHECK(guardian.now() > at_receive);
    CHECK_AWAIT(files.awaitio(any_file), (FileCompletion{opened.file, Error::none, 3, 8}));
    CHECK_AWAIT(files.awaitio(opened.file),
                (FileCompletion{opened.file, Error::nothing_outstanding}));
  });
  rig.run_until_ended(2);
  CHECK(at_receive > 50'000);
}

TEST_CASE("an open without waiting that fails leaves no file, nor what was asked for meanwhile") {
  FileRig rig(2);
  const ProcessHandle refuses =
      rig.handle(1, rig.program(1, [&](Guardian&, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.system_messages = true});
        std::array<std::byte, 30> in;
        co_await files.readupdate(in);
        CHECK(files.receiveinfo().system == number::open);
        co_await files.reply({}, Error::device_down);
        CHECK_AWAIT(files.readupdate(in, 50'000), IoResult{Error::timeout});  // and no close
      }));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    CHECK_ERROR(files.open(refuses, {.nowait_open = true}), Error::bounds);
    CHECK_ERROR(files.open("$NOBODY", {.nowait_depth = 1, .nowait_open = true}),
                Error::no_process);
    const Opened opened = co_await files.open(refuses, {.nowait_depth = 2, .nowait_open = true});
    CHECK_AWAIT(files.write(opened.file, Bytes(3)), IoResult{});
    CHECK_ERROR(files.awaitio(any_file), Error::device_down);
    CHECK_ERROR(files.awaitio(opened.file), Error::not_open);
    CHECK_ERROR(files.awaitio(any_file), Error::nothing_outstanding);
  });
  rig.run_until_ended(2);
}

namespace {

/// `late`: awaitio is out of patience; else the open is called off at once.
void check_called_off(bool late) {
  FileRig rig(2);
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await pause(guardian, 60'000);
        co_await files.open("$RECEIVE");
        co_await pause(guardian, 60'000);
        CHECK(files.openers().empty());
      }));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    const Opened opened =
        co_await files.open(server, {.nowait_depth = 1, .nowait_open = true, .open_tag = 4});
    if (late) {
      CHECK_AWAIT(files.awaitio(opened.file, 20'000),
                  (FileCompletion{opened.file, Error::timeout, 0, 4}));
    } else {
      CHECK(files.cancel(opened.file) == Error::none);
    }
    CHECK_ERROR(files.awaitio(opened.file), Error::not_open);
  });
  rig.run_until_ended(2);
}

}  // namespace

TEST_CASE("an open without waiting that is called off leaves no file") { check_called_off(false); }

TEST_CASE("an open without waiting that is late leaves no file") { check_called_off(true); }

namespace {

/// An open of a disk for two requests at a time, which a disk does not take. `rest` is what the
/// client does with it when the server has answered.
void check_too_many(std::function<Task<>(FileSystem&, FileNumber)> rest) {
  FileRig rig(2);
  std::vector<FileOperation> read;
  bool closed = false;
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian&, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.kind = FileKind::disk});
        std::array<std::byte, 10> in;
        while ((co_await files.readupdate(in, 200'000)).error != Error::timeout) {
          read.push_back(files.receiveinfo().operation);
          co_await files.reply({});
        }
        closed = files.openers().empty();
      }));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const Opened opened =
        co_await files.open(server, {.nowait_depth = 2, .nowait_open = true, .open_tag = 5});
    CHECK(opened.error == Error::none);
    co_await pause(guardian, 50'000);
    co_await rest(files, opened.file);
    CHECK_ERROR(files.awaitio(opened.file), Error::not_open);
  });
  rig.run_until_ended(2);
  CHECK(read.empty());
  CHECK(closed);
}

}  // namespace

TEST_CASE("an open of a disk for two requests at a time sends neither of them") {
  check_too_many([](FileSystem& files, FileNumber file) -> Task<> {
    CHECK_AWAIT(files.write(file, Bytes(3)), IoResult{Error::too_many});
    CHECK_AWAIT(files.write(file, Bytes(3)), IoResult{Error::too_many});
    CHECK_AWAIT(files.awaitio(file), (FileCompletion{file, Error::too_many, 0, 5}));
  });
}

TEST_CASE("an open of a disk for two requests at a time leaves no file when it is called off") {
  check_too_many([](FileSystem& files, FileNumber file) -> Task<> {
    CHECK_AWAIT(files.write(file, Bytes(3), 6), IoResult{Error::too_many});
    CHECK(files.cancelreq(file, 5) == Error::none);
    co_return;
  });
}

TEST_CASE("a backup that took over knows nothing of an open that was called off meanwhile") {
  FileRig rig(3);
  std::optional<xybus::Opener> opener;
  bool stopped = false, over = false;
  Process& first = rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE", {.system_messages = true});
    std::array<std::byte, 10> in;
    co_await files.readupdate(in);
    CHECK(files.receiveinfo().system == number::open);
    opener = files.openers().front();  // what a checkpoint brings to the backup
    co_await pause(guardian, 1'000'000'000);
  });
  const ProcessHandle primary = rig.handle(1, first);
  const ProcessHandle backup =
      rig.handle(2, rig.program(2, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        while (!opener) co_await pause(guardian, 1'000);
        files.adopt_opener(*opener);
        while (!over) co_await pause(guardian, 1'000);
        CHECK(files.openers().size() == 1);
        co_await files.open("$RECEIVE");
        std::array<std::byte, 10> in;
        while ((co_await files.readupdate(in, 100'000)).error != Error::timeout) {
          CHECK(files.receiveinfo().system == number::process_stopped);
          co_await files.reply({});
        }
        CHECK(files.openers().empty());
      }));
  rig.define("$S", primary);
  rig.set_backup("$S", primary, backup);
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const Opened opened = co_await files.open("$S", {.nowait_depth = 1, .nowait_open = true});
    CHECK(opened.error == Error::none);
    while (!stopped) co_await pause(guardian, 1'000);
    CHECK_AWAIT(files.awaitio(opened.file, 0), (FileCompletion{opened.file, Error::timeout}));
    while (!over) co_await pause(guardian, 1'000);
    CHECK(files.cancel(opened.file) == Error::none);
  });
  rig.run(50'000);
  REQUIRE(opener);
  rig.on_cpu(1, [&] { rig.kernel(1).dispatcher().stop(first); });
  rig.run(10'000);
  stopped = true;
  rig.run(10'000);
  rig.gone(primary);
  over = true;
  rig.run_until_ended(2);
}
