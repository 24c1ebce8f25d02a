// Requests from one process to another by open files: data, errors, what the server is told.

#include <catch2/catch.hpp>

#include "file_rig.h"
#include "firmware/filesystem/request_header.h"

using namespace firmware_test;

TEST_CASE("requests and replies of any size go through an open file, on one CPU and on two") {
  FileRig rig(2);
  const std::array servers{rig.handle(0, rig.program(0, echo())),
                           rig.handle(1, rig.program(1, echo()))};
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    for (const ProcessHandle& server : servers) {
      const auto opened = co_await files.open(server);
      REQUIRE(opened.error == Error::none);
      CHECK(opened.file > 0);
      for (const std::size_t size : {0U, 1U, 192U, 193U, 8160U, 8161U, 30'000U}) {
        CAPTURE(server.at.cpu, size);
        const Bytes out = pattern(7, size);
        Bytes in(size + 5);
        const auto length = static_cast<std::uint32_t>(in.size());
        CHECK_AWAIT(files.writeread(opened.file, out, in), (IoResult{Error::none, length}));
        CHECK(in == answer_to(out, in.size()));
        CHECK_AWAIT(files.write(opened.file, out),
                    (IoResult{Error::none, static_cast<std::uint32_t>(size)}));
      }
      CHECK_AWAIT(files.close(opened.file), Error::none);
    }
  });
  rig.run_until_ended(1);
}

TEST_CASE("messages to oneself go the same way, without waiting") {
  FileRig rig(1);
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    CHECK_AWAIT(files.open("$RECEIVE"), (xybus::Opened{Error::none, 0}));
    const auto self = co_await files.open(guardian.handle(), {.nowait_depth = 1});
    REQUIRE(self.error == Error::none);
    const Bytes out = pattern(1, 20);
    Bytes in(20), got(30);
    CHECK_AWAIT(files.writeread(self.file, out, in, 5), (IoResult{Error::none, 0}));
    CHECK_AWAIT(files.readupdate(got), (IoResult{Error::none, 20}));
    CHECK_AWAIT(files.reply(Bytes(got.begin(), got.begin() + 7)), Error::none);
    CHECK_AWAIT(files.awaitio(self.file), (FileCompletion{self.file, Error::none, 7, 5}));
    CHECK(Bytes(in.begin(), in.begin() + 7) == Bytes(out.begin(), out.begin() + 7));
  });
  rig.run_until_ended(1);
}

TEST_CASE("a server is told who asks, for what, and how much may come back") {
  FileRig rig(2);
  FileNumber file = 0;
  Process& client = rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    co_await pause(guardian, 1000);
    const auto opened = co_await files.open(ProcessHandle{{0, 3}, 0, rig.kernel(0).dispatcher()
                                                                         .find(3)->created()});
    REQUIRE(opened.error == Error::none);
    file = opened.file;
    Bytes in(70);
    co_await files.writeread(file, pattern(3, 11), in);
    co_await files.write(file, pattern(4, 12));
    co_await files.control(file, 0x1234, pattern(5, 13), in);
  });
  const ProcessHandle from = rig.handle(1, client);
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE", {.system_messages = true});
    Bytes in(100);
    const auto& info = files.receiveinfo();
    CHECK_AWAIT(files.readupdate(in), (IoResult{Error::system_message, 0}));
    CHECK(info.system == number::open);
    CHECK(info.operation == FileOperation::open);
    CHECK(info.from == from);
    co_await files.reply({});
    CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 11}));
    CHECK(info.from == from);
    CHECK(info.operation == FileOperation::writeread);
    CHECK(info.system == 0);
    CHECK(info.read_count == 70);
    CHECK(info.sync_id == 1);
    CHECK(info.file == file);
    CHECK(info.opener == xybus::OpenId{from, static_cast<std::uint16_t>(file)});
    CHECK(info.tag == 0);
    co_await files.reply({});
    CHECK_AWAIT(files.readupdate(std::span(in).first(5)), (IoResult{Error::none, 5}));
    CHECK(info.bytes == 12);
    CHECK(info.operation == FileOperation::write);
    CHECK(info.read_count == 0);
    CHECK(info.sync_id == 2);
    co_await files.reply({});
    CHECK_AWAIT(files.readupdate(in), (IoResult{Error::system_message, 13}));
    CHECK(info.system == number::control);
    CHECK(info.position == 0x1234);
    CHECK(info.sync_id == 3);
    CHECK(Bytes(in.begin(), in.begin() + 13) == pattern(5, 13));
    co_await files.reply({});
    CHECK_AWAIT(files.readupdate(in), (IoResult{Error::system_message, 0}));
    CHECK(info.system == number::close);
    CHECK(info.from == from);
    co_await files.reply({});
  });
  rig.run_until_ended(2);
}

TEST_CASE("the error of a reply is the error of the request, with its data") {
  FileRig rig(2);
  const ProcessHandle server =
      rig.handle(1, rig.program(1, [](Guardian&, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE");
        Bytes in(10);
        co_await files.readupdate(in);
        co_await files.reply(pattern(1, 3), Error::disk_full);
        co_await files.readupdate(in);
        co_await files.reply({}, Error::not_open);  // its own, of something else
      }));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    const auto opened = co_await files.open(server);
    Bytes in(10);
    CHECK_AWAIT(files.writeread(opened.file, {}, in), (IoResult{Error::disk_full, 3}));
    CHECK_AWAIT(files.write(opened.file, in), (IoResult{Error::not_open, 0}));
  });
  rig.run_until_ended(2);
}

TEST_CASE("calls on what is not open, and what is not for this kind of file, give their errors") {
  FileRig rig(1);
  const ProcessHandle server = rig.handle(0, rig.program(0, echo()));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    Bytes in(4);
    for (const FileNumber file : {0, 1, -5, 40'000}) {
      CAPTURE(file);
      CHECK_AWAIT(files.write(file, in), IoResult{Error::not_open});
      CHECK_AWAIT(files.writeread(file, in, in), IoResult{Error::not_open});
      CHECK_AWAIT(files.read(file, in), IoResult{Error::not_open});
      CHECK_AWAIT(files.control(file, 1), IoResult{Error::not_open});
      CHECK_AWAIT(files.close(file), Error::not_open);
      CHECK_AWAIT(files.awaitio(file), (FileCompletion{file, Error::not_open}));
      CHECK(files.cancel(file) == Error::not_open);
      CHECK(files.cancelreq(file, 0) == Error::not_open);
      CHECK(files.position(file, 0) == Error::not_open);
      CHECK(files.sync_block(file).error() == Error::not_open);
    }
    CHECK_AWAIT(files.readupdate(in), IoResult{Error::not_open});
    CHECK_AWAIT(files.read_receive(in), IoResult{Error::not_open});
    CHECK_AWAIT(files.reply(in), Error::not_open);

    const auto opened = co_await files.open(server);
    CHECK_AWAIT(files.read(opened.file, in), IoResult{Error::invalid_operation});
    CHECK_AWAIT(files.control(opened.file, 1), IoResult{Error::invalid_operation});
    CHECK(files.position(opened.file, 0) == Error::invalid_operation);
    const std::span<std::byte> too_long(in.data(), xybus::most_file_data + 1);
    CHECK_AWAIT(files.write(opened.file, too_long), IoResult{Error::bounds});
    CHECK_AWAIT(files.writeread(opened.file, {}, too_long), IoResult{Error::bounds});
    CHECK_AWAIT(files.close(opened.file), Error::none);
    CHECK_AWAIT(files.write(opened.file, in), IoResult{Error::not_open});

    CHECK_AWAIT(files.open("$RECEIVE"), (xybus::Opened{Error::none, 0}));
    CHECK_AWAIT(files.write(0, in), IoResult{Error::invalid_operation});
  });
  rig.run_until_ended(1);
}

TEST_CASE("a request that no LCB is left for gives error 30 and is not sent") {
  FileRig rig(1);
  const ProcessHandle server = rig.handle(0, rig.program(0, echo()));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto opened = co_await files.open(server, {.nowait_depth = 3});
    REQUIRE(guardian.messages().set_limits(guardian.process(), {.receive = 1, .send = 2}) ==
            Error::none);
    CHECK_AWAIT(files.write(opened.file, {}), IoResult{});
    CHECK_AWAIT(files.write(opened.file, {}), IoResult{});
    CHECK_AWAIT(files.write(opened.file, {}), IoResult{Error::no_lcb});
    for (int i = 0; i < 2; ++i) CHECK_ERROR(files.awaitio(opened.file), Error::none);
    CHECK_AWAIT(files.awaitio(opened.file),
                (FileCompletion{opened.file, Error::nothing_outstanding}));
  });
  rig.run_until_ended(1);
}

TEST_CASE("what is no message of the file system, or of no open, is refused") {
  FileRig rig(1);
  const ProcessHandle server = rig.handle(0, rig.program(0, echo()));
  rig.program(0, [&](Guardian& guardian, FileSystem&) -> Task<> {
    const auto send = [&](FileOperation operation, std::uint32_t created, std::size_t bytes) {
      auto header = xybus::file_header(operation, {guardian.handle(), 1});
      header.set_server_created(created);
      Bytes message(std::max<std::size_t>(bytes, xybus::file_header_bytes));
      xybus::store(header, message);
      message.resize(bytes);
      return message;
    };
    const auto error = [&](const Bytes& message, FileOperation operation) -> Task<Error> {
      const Completion done = co_await guardian.conversations().converse(
          server.at, message, {}, static_cast<std::uint32_t>(operation));
      co_return done.error;
    };
    using Op = FileOperation;
    CHECK_AWAIT(error(send(Op::write, 0, 31), Op::write), Error::bounds);
    CHECK_AWAIT(error(send(Op::open, 0, 43), Op::open), Error::bounds);
    CHECK_AWAIT(error(send(Op::close, 0, 43), Op::close), Error::bounds);
    CHECK_AWAIT(error(send(Op::write, 0, 32), Op::write), Error::not_open);
    CHECK_AWAIT(error(send(Op::create, 0, 40), Op::create), Error::invalid_operation);
    CHECK_AWAIT(error(send(Op::newprocess, 0, 40), Op::newprocess), Error::invalid_operation);
    const auto other = static_cast<std::uint32_t>(server.created) + 1;
    CHECK_AWAIT(error(send(Op::write, other, 32), Op::write), Error::other_process);
  });
  rig.run_until_ended(1);
}
