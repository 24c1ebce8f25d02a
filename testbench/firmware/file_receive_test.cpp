// $RECEIVE: tags and depth, cancelled requests, messages of the system, timers.

#include <catch2/catch.hpp>

#include "file_rig.h"
#include "firmware/message/wire.h"

using namespace firmware_test;

namespace {

std::int32_t word(const Bytes& data, std::size_t index) {
  return static_cast<std::int32_t>(xybus::load_word(std::span(data).subspan(4 * index)));
}

/// Sends `count` requests of a byte each, without waiting, and gives the errors of their replies.
FileProgram sender(const ProcessHandle& server, unsigned count, std::vector<Error>& errors) {
  return [&, count](Guardian&, FileSystem& files) -> Task<> {
    const auto f = co_await files.open(server, {.nowait_depth = count});
    for (unsigned i = 0; i < count; ++i) co_await files.write(f.file, Bytes(1), i);
    for (unsigned i = 0; i < count; ++i) {
      const FileCompletion done = co_await files.awaitio(f.file);
      CHECK(done.tag == i);
      errors.push_back(done.error);
    }
  };
}

}  // namespace

TEST_CASE("beyond the receive depth: error 74, and replies come in any order, and free their tags") {
  FileRig rig(1);
  std::vector<Error> errors;
  const ProcessHandle server =
      rig.handle(0, rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.receive_depth = 3});
        Bytes in(1);
        CHECK_AWAIT(files.reply({}), Error::bad_tag);
        for (unsigned tag = 0; tag < 3; ++tag) {
          CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 1}));
          CHECK(files.receiveinfo().tag == tag);
        }
        CHECK_AWAIT(files.readupdate(in), IoResult{Error::bad_tag});
        CHECK_AWAIT(files.read_receive(in), IoResult{Error::bad_tag});
        CHECK_AWAIT(files.reply({}, Error::disk_full, 3), Error::bad_tag);
        CHECK_AWAIT(files.reply({}, Error::disk_full, 1), Error::none);
        CHECK_AWAIT(files.reply({}, Error::disk_full, 1), Error::bad_tag);
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 1}));
        CHECK(files.receiveinfo().tag == 1);
        CHECK(files.receiveinfo().sync_id == 4);
        CHECK_AWAIT(files.reply({}, Error::bad_data, 2), Error::none);
        CHECK_AWAIT(files.reply({}, Error::exists), Error::none);  // that read last
        CHECK_AWAIT(files.reply({}, Error::not_found, 0), Error::none);
        CHECK_AWAIT(files.read_receive(in), (IoResult{Error::none, 1}));
        CHECK_AWAIT(files.reply({}), Error::bad_tag);
      }));
  rig.program(0, sender(server, 5, errors));
  rig.run_until_ended(2);
  CHECK(errors == std::vector<Error>{Error::not_found, Error::disk_full, Error::bad_data,
                                     Error::exists, Error::none});
}

TEST_CASE("a cancelled request gives -38 with its tag, and the tag is free after its reply only") {
  FileRig rig(2);
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian&, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.receive_depth = 2, .cancel_messages = true});
        Bytes in(20);
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 1}));
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::system_message, 8}));
        CHECK(files.receiveinfo().system == number::cancel);
        CHECK(files.receiveinfo().tag == 1);
        CHECK(word(in, 0) == -38);
        CHECK(word(in, 1) == 0);
        CHECK_AWAIT(files.reply({}, Error::none, 1), Error::none);
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 2}));
        CHECK(files.receiveinfo().tag == 1);  // 0 is still owed a reply
        CHECK_AWAIT(files.readupdate(in), IoResult{Error::bad_tag});
        CHECK_AWAIT(files.reply({}, Error::none, 0), Error::none);  // nobody waits for it
        CHECK_AWAIT(files.reply({}, Error::none, 1), Error::none);
      }));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto f = co_await files.open(server, {.nowait_depth = 2});
    co_await files.write(f.file, Bytes(1));
    co_await pause(guardian, 30'000);
    CHECK(files.cancel(f.file) == Error::none);
    co_await pause(guardian, 30'000);
    co_await files.write(f.file, Bytes(2));
    CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::none, 2, 0}));
  });
  rig.run_until_ended(2);
}

TEST_CASE("without asking for it nothing tells of a cancel, and nothing after the reply") {
  const bool wanted = true;
  FileRig rig(2);
  const auto server = [](bool asks) {
    return [asks](Guardian& guardian, FileSystem& files) -> Task<> {
      co_await files.open("$RECEIVE", {.receive_depth = 2, .cancel_messages = asks});
      Bytes in(20);
      CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 1}));
      co_await pause(guardian, 60'000);
      if (asks) CHECK_AWAIT(files.reply({}), Error::none);
      CHECK_AWAIT(files.readupdate(in, 10'000), IoResult{Error::timeout});
    };
  };
  const std::array servers{rig.handle(1, rig.program(1, server(false))),
                           rig.handle(1, rig.program(1, server(wanted)))};
  for (const ProcessHandle& handle : servers) {
    rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
      const auto f = co_await files.open(handle, {.nowait_depth = 1});
      co_await files.write(f.file, Bytes(1));
      co_await pause(guardian, 30'000);
      CHECK(files.cancel(f.file) == Error::none);
    });
  }
  rig.run_until_ended(4);
}

TEST_CASE("a server that stops with requests read and unread: 201, and the sender's is 201 too") {
  FileRig rig(2);
  std::vector<Error> errors;
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.receive_depth = 2});
        Bytes in(1);
        co_await files.readupdate(in);
        co_await pause(guardian, 30'000);
      }));
  rig.program(0, sender(server, 2, errors));
  rig.run_until_ended(2);
  CHECK(errors == std::vector<Error>{Error::path_down, Error::path_down});
}

TEST_CASE("closing $RECEIVE fails what was read, and it can be opened again, and openers stay") {
  FileRig rig(2);
  std::vector<Error> errors;
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [&](Guardian&, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE", {.receive_depth = 2});
        Bytes in(1);
        co_await files.readupdate(in);
        CHECK_AWAIT(files.close(0), Error::none);
        CHECK_AWAIT(files.close(0), Error::not_open);
        CHECK_AWAIT(files.readupdate(in), IoResult{Error::not_open});
        co_await files.open("$RECEIVE");
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 1}));
        CHECK_AWAIT(files.reply({}), Error::none);
      }));
  rig.program(0, sender(server, 2, errors));
  rig.run_until_ended(2);
  CHECK(errors == std::vector<Error>{Error::path_down, Error::none});
}

TEST_CASE("timers give -22 with their tag, in the order in which they go off") {
  FileRig rig(1);
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE");
    Bytes in(20);
    const std::uint64_t begin = guardian.now();
    CHECK(files.set_timer(40'000, 4) == Error::none);
    CHECK(files.set_timer(10'000, 1) == Error::none);
    for (const auto& [tag, at] : {std::pair{1, 10'000U}, {4, 40'000U}}) {
      CHECK_AWAIT(files.readupdate(in), (IoResult{Error::system_message, 8}));
      CHECK(files.receiveinfo().system == number::timer);
      CHECK(word(in, 0) == -22);
      CHECK(word(in, 1) == tag);
      CHECK(guardian.now() - begin >= at);
      CHECK(guardian.now() - begin < at + 2'000);
      CHECK_AWAIT(files.reply({}), Error::none);
    }
    CHECK_AWAIT(files.readupdate(in, 5'000), IoResult{Error::timeout});
    for (unsigned i = 0; i < xybus::ReceiveQueue::most_timers; ++i) {
      CHECK(files.set_timer(1'000'000, i) == Error::none);
    }
    CHECK(files.set_timer(1'000'000, 0) == Error::too_many);
  });
  rig.run_until_ended(1);
}

TEST_CASE("CPUs that go down and come up give -2 and -3 to whom asked for them") {
  FileRig rig(3);
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE");
    files.monitor_cpus(1U << 2);
    guardian.messages().cpu_down(2);
    guardian.messages().cpu_down(1);
    guardian.messages().cpu_up(1, 0);
    Bytes in(20);
    CHECK_AWAIT(files.readupdate(in), (IoResult{Error::system_message, 8}));
    CHECK(files.receiveinfo().system == number::cpu_down);
    CHECK(word(in, 0) == -2);
    CHECK(word(in, 1) == 2);
    CHECK_AWAIT(files.reply(Bytes(1)), Error::bounds);
    CHECK_AWAIT(files.reply({}), Error::none);
    guardian.messages().cpu_up(2, 0);
    CHECK_AWAIT(files.read_receive(in), (IoResult{Error::system_message, 8}));
    CHECK(files.receiveinfo().system == number::cpu_up);
    CHECK_AWAIT(files.readupdate(in, 5'000), IoResult{Error::timeout});
  });
  rig.run_until_ended(1);
}

TEST_CASE("a new process gets its startup message, and its maker hears of its end and of -12") {
  xybus::ProgramLibrary programs;
  Bytes got(100);
  ProcessHandle maker, mom;
  const auto child = [&](Guardian& guardian, bool abends) -> Task<> {
    FileSystem& files = xybus::files(guardian);
    co_await files.open("$RECEIVE");
    const IoResult read = co_await files.readupdate(got);
    CHECK(read == IoResult{Error::none, 14});
    CHECK(files.receiveinfo().system == number::startup);
    CHECK(files.receiveinfo().operation == FileOperation::startup);
    mom = files.receiveinfo().from;
    co_await files.reply({});
    if (abends) throw xybus::Abend{};
  };
  programs.add("stops", [&](Guardian& guardian) { return child(guardian, false); });
  programs.add("abends", [&](Guardian& guardian) { return child(guardian, true); });
  FileRig rig(2, [&](KernelConfig& config) { config.programs = &programs; });
  maker = rig.handle(0, rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE");
    const Bytes startup = pattern(1, 10);
    const auto made =
        co_await guardian.newprocess({.program = "stops", .cpu = 1, .startup = startup});
    REQUIRE(made.error == Error::none);
    Bytes in(40);
    CHECK_ERROR(files.readupdate(in), Error::system_message);
    CHECK(files.receiveinfo().system == number::process_stopped);
    CHECK(files.receiveinfo().from == made.process);
    CHECK(word(in, 0) == -5);
    CHECK(word(got, 0) == -1);
    CHECK(Bytes(got.begin() + 4, got.begin() + 14) == startup);
    CHECK_AWAIT(files.reply({}), Error::none);
    CHECK(guardian.newprocess_nowait({.program = "abends", .cpu = 1, .startup = startup}, 77) ==
          Error::none);
    CHECK_ERROR(files.read_receive(in), Error::system_message);
    CHECK(files.receiveinfo().system == number::process_created);
    CHECK(word(in, 0) == -12);
    CHECK_ERROR(files.read_receive(in), Error::system_message);
    CHECK(files.receiveinfo().system == number::process_abended);
    CHECK(word(in, 0) == -6);
  }));
  rig.run_until_ended(1);
  CHECK(mom == maker);
}
