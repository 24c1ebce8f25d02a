// Files opened by name when their server's process, CPU or role goes: the same request goes to
// whoever has the name now, under the same sync id, or an error tells that it did not.

#include <catch2/catch.hpp>

#include "file_rig.h"
#include "firmware/filesystem/request_header.h"

using namespace firmware_test;

namespace {

constexpr std::uint64_t interval = 100'000;

void with_alives(KernelConfig& config) { config.alive_interval = interval; }

/// What a server has seen: its requests' sync ids, and opens as 0.
using Seen = std::vector<std::uint32_t>;

/// A member of a pair: waits until it is the primary, and then replies to all but the first
/// `ignored` requests with its CPU's number. It stops after `stop_at` messages.
struct Member {
  Seen seen = {};
  std::vector<xybus::OpenId> openers = {};
  unsigned ignored = 0;
  unsigned stop_at = ~0U;
  const xybus::Opener* learned = nullptr;

  FileProgram code() {
    return [this](Guardian& guardian, FileSystem& files) -> Task<> {
      while (!primary(guardian)) co_await pause(guardian, 2'000);
      co_await files.open("$RECEIVE", {.receive_depth = 20, .system_messages = true});
      if (learned != nullptr) files.adopt_opener(*learned);
      Bytes in(100);
      while (seen.size() < stop_at) {
        const IoResult read = co_await files.readupdate(in);
        const bool open = files.receiveinfo().system == number::open;
        if (!open && files.receiveinfo().system != 0) {
          co_await files.reply({});
          continue;
        }
        CHECK(read.error == (open ? Error::system_message : Error::none));
        seen.push_back(open ? 0 : files.receiveinfo().sync_id);
        openers.push_back(files.receiveinfo().opener);
        if (!open && ignored != 0) {
          --ignored;
          continue;
        }
        const std::array<std::byte, 1> cpu{static_cast<std::byte>(guardian.cpu())};
        const std::size_t room = files.receiveinfo().read_count;
        co_await files.reply(std::span(cpu).first(open ? 0 : std::min<std::size_t>(1, room)));
      }
    };
  }
  static bool primary(Guardian& guardian) {
    const auto* entry = guardian.dct().find(guardian.handle());
    return entry != nullptr && entry->primary == guardian.handle();
  }
};

/// $PAIR on CPUs 1 and 2, and a client on CPU 0.
struct Scene {
  explicit Scene(std::function<void(KernelConfig&)> configure = {}) : rig(3, configure) {}

  void begin() {
    first = rig.handle(1, rig.program(1, primary.code()));
    second = rig.handle(2, rig.program(2, backup.code()));
    rig.define("$PAIR", first);
    rig.set_backup("$PAIR", first, second);
  }
  Process& client(FileProgram code) { return rig.program(0, std::move(code)); }
  /// The primary comes to its end by itself, and some time later all know it.
  void primary_stops() {
    rig.run_until_ended(1);
    rig.run(20'000);
    CHECK(backup.seen.empty());
    rig.gone(first);
  }

  FileRig rig;
  Member primary, backup;
  ProcessHandle first, second;
};

}  // namespace

TEST_CASE("a primary stops with a request unanswered: the backup gets it with the same sync id") {
  Scene s;
  s.primary = {.ignored = 1, .stop_at = 2};
  xybus::Opener opener;
  s.backup.learned = &opener;
  s.begin();
  Process& client = s.client([&](Guardian&, FileSystem& files) -> Task<> {
    const auto f = co_await files.open("$pair", {.sync_depth = 1});
    REQUIRE(f.error == Error::none);
    std::array<std::byte, 1> in{};
    CHECK_AWAIT(files.writeread(f.file, Bytes(3), in), (IoResult{Error::none, 1}));
    CHECK(in[0] == std::byte{2});
    CHECK_AWAIT(files.writeread(f.file, Bytes(3), in), (IoResult{Error::none, 1}));
  });
  const ProcessHandle handle = s.rig.handle(0, client);
  opener = {{handle, 1}, handle, {}};
  s.primary_stops();
  s.rig.run_until_ended(2);
  CHECK(s.primary.seen == Seen{0, 1});
  CHECK(s.backup.seen == Seen{1, 2});
  CHECK(s.backup.openers[0] == s.primary.openers[0]);
}

TEST_CASE("a backup that does not know the open is opened first, and then gets the request") {
  Scene s;
  s.primary = {.ignored = 1, .stop_at = 2};
  s.begin();
  s.client([&](Guardian&, FileSystem& files) -> Task<> {
    const auto f = co_await files.open("$PAIR", {.sync_depth = 1});
    std::array<std::byte, 1> in{};
    CHECK_AWAIT(files.writeread(f.file, Bytes(3), in), (IoResult{Error::none, 1}));
    CHECK(in[0] == std::byte{2});
  });
  s.primary_stops();
  s.rig.run_until_ended(2);
  CHECK(s.primary.seen == Seen{0, 1});
  CHECK(s.backup.seen == Seen{0, 1});
  CHECK(s.backup.openers[1] == s.primary.openers[1]);
}

TEST_CASE("without a sync depth: 201, it may have been done, and the next request finds the backup") {
  Scene s;
  s.primary = {.ignored = 1, .stop_at = 2};
  s.begin();
  s.client([&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto f = co_await files.open("$PAIR");
    std::array<std::byte, 1> in{};
    CHECK_AWAIT(files.writeread(f.file, {}, in), IoResult{Error::path_down});
    while (guardian.dct().find(s.first) != nullptr) co_await pause(guardian, 1'000);
    CHECK_AWAIT(files.writeread(f.file, {}, in), (IoResult{Error::none, 1}));
    CHECK(in[0] == std::byte{2});
  });
  s.primary_stops();
  s.rig.run_until_ended(2);
  CHECK(s.primary.seen == Seen{0, 1});
  CHECK(s.backup.seen == Seen{0, 2});
}

TEST_CASE("a CPU fails: requests outstanding without waiting go to the backup, all, in order") {
  Scene s(with_alives);
  s.primary.ignored = 100;
  s.begin();
  s.client([&](Guardian&, FileSystem& files) -> Task<> {
    const auto f = co_await files.open("$PAIR", {.nowait_depth = 5, .sync_depth = 5});
    std::array<std::array<std::byte, 1>, 5> in{};
    for (std::uint32_t i = 0; i < 5; ++i) {
      CHECK_AWAIT(files.writeread(f.file, Bytes(i), in[i], i), IoResult{});
    }
    for (std::uint32_t i = 0; i < 5; ++i) {
      CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::none, 1, i}));
      CHECK(in[i][0] == std::byte{2});
    }
  });
  s.rig.run(50'000);
  CHECK(s.primary.seen == Seen{0, 1, 2, 3, 4, 5});
  s.rig.node(1).halt();
  s.rig.run_until_ended(1);
  // The backup did not know the open: what it refused meanwhile it did not see.
  CHECK(s.backup.seen == Seen{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a CPU fails: without a sync depth, and by handle, it is error 211") {
  Scene s(with_alives);
  s.primary.ignored = 100;
  s.begin();
  for (const bool by_name : {true, false}) {
    s.client([&, by_name](Guardian&, FileSystem& files) -> Task<> {
      const auto f = by_name ? co_await files.open("$PAIR")
                             : co_await files.open(s.first, {.sync_depth = 1});
      CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::cpu_failed});
      if (!by_name) CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::path_down});
    });
  }
  s.rig.run(50'000);
  CHECK(s.primary.seen.size() == 4);
  s.rig.node(1).halt();
  s.rig.run_until_ended(2);
}

TEST_CASE("nobody has the name any more: 201, though the path is searched") {
  FileRig rig(2);
  Member alone{.ignored = 1, .stop_at = 2};
  const ProcessHandle handle = rig.handle(1, rig.program(1, alone.code()));
  rig.define("$ALONE", handle);
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    const auto f = co_await files.open("$ALONE", {.sync_depth = 1});
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::path_down});
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::path_down});
    CHECK_ERROR(files.open("$ALONE"), Error::no_process);
  });
  rig.run_until_ended(1);
  rig.gone(handle);
  rig.run_until_ended(2);
}

TEST_CASE("another process has the name now: error 60, and no silent connection") {
  FileRig rig(2);
  Member one{.stop_at = 4}, other;
  const ProcessHandle first = rig.handle(1, rig.program(1, one.code()));
  const ProcessHandle second = rig.handle(0, rig.program(0, other.code()));
  rig.define("$NAME", first);
  bool renamed = false;
  for (const unsigned depth : {1U, 0U}) {
    rig.program(0, [&, depth](Guardian& guardian, FileSystem& files) -> Task<> {
      const auto f = co_await files.open("$NAME", {.sync_depth = depth});
      CHECK_ERROR(files.write(f.file, {}), Error::none);
      while (!renamed) co_await pause(guardian, 1'000);
      CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::other_process});
      CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::other_process});
    });
  }
  rig.run_until_ended(1);
  rig.run(50'000);
  rig.gone(first);
  rig.define("$NAME", second);
  renamed = true;
  rig.run_until_ended(3);
  CHECK(other.seen.empty());
}

TEST_CASE("a primary that says it is not: it is asked again, for 8 intervals, then 201") {
  FileRig rig(2, with_alives);
  unsigned refusals = 2;
  Error refusal = Error::wrong_owner;
  Seen seen = {};
  rig.define("$NOT", rig.handle(1, rig.program(1, [&](Guardian&, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE");
    Bytes in(1);
    for (;;) {
      co_await files.readupdate(in);
      seen.push_back(files.receiveinfo().sync_id);
      const bool refuse = refusals != 0;
      if (refuse) --refusals;
      co_await files.reply({}, refuse ? refusal : Error::none);
    }
  })));
  rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
    const auto f = co_await files.open("$NOT", {.sync_depth = 1});
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::none});
    CHECK(seen == Seen{1, 1, 1});
    refusals = ~0U;
    const std::uint64_t begin = guardian.now();
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::path_down});
    CHECK(guardian.now() - begin >= 8 * interval);
    CHECK(guardian.now() - begin < 9 * interval);
    const auto waits_not = co_await files.open("$NOT");
    CHECK_AWAIT(files.write(waits_not.file, {}), IoResult{Error::wrong_owner});
    refusal = Error::ownership_changed;
    CHECK_AWAIT(files.write(waits_not.file, {}), IoResult{Error::ownership_changed});
  });
  rig.run_until_ended(1);
  CHECK(std::ranges::all_of(seen.begin() + 3, seen.end() - 2, [](auto id) { return id == 2; }));
}

TEST_CASE("roles are switched: who is no primary refuses what has come, and the new one gets it") {
  FileRig rig(3);
  Seen old_seen;
  bool switched = false;
  const ProcessHandle first =
      rig.handle(1, rig.program(1, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        co_await files.open("$RECEIVE");
        Bytes in(1);
        CHECK_AWAIT(files.readupdate(in), (IoResult{Error::none, 0}));
        old_seen.push_back(files.receiveinfo().sync_id);
        CHECK_AWAIT(files.reply({}), Error::none);
        while (!switched) co_await pause(guardian, 1'000);
        co_await files.refuse_requests(Error::wrong_owner);
      }));
  const ProcessHandle second = rig.handle(2, rig.program(2, echo()));
  rig.define("$PAIR", first);
  rig.set_backup("$PAIR", first, second);
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    const auto f = co_await files.open("$PAIR", {.nowait_depth = 3, .sync_depth = 3});
    for (std::uint32_t tag : {1U, 2U, 3U}) CHECK_AWAIT(files.write(f.file, {}, tag), IoResult{});
    for (std::uint32_t tag : {1U, 2U, 3U}) {
      CHECK_AWAIT(files.awaitio(f.file), (FileCompletion{f.file, Error::none, 0, tag}));
    }
  });
  rig.run(50'000);
  CHECK(rig.ended == 0);
  rig.update({.kind = xybus::DctUpdate::Kind::switch_roles,
              .name = name("$PAIR"),
              .primary = first,
              .other = {}});
  switched = true;
  rig.run_until_ended(2);
  CHECK(old_seen == Seen{1});
}

TEST_CASE("the backup of a client goes on with its file: the same open, the next sync id") {
  FileRig rig(3);
  struct Request {
    ProcessHandle from;
    xybus::OpenId opener;
    std::uint32_t sync_id;
    bool operator==(const Request&) const = default;
  };
  std::vector<Request> seen;
  std::vector<std::int16_t> systems;
  rig.define("$SERVER", rig.handle(1, rig.program(1, [&](Guardian&,
                                                         FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE", {.system_messages = true});
    Bytes in(10);
    for (;;) {
      co_await files.readupdate(in);
      const auto& info = files.receiveinfo();
      systems.push_back(info.system);
      if (info.system == 0) seen.push_back({info.from, info.opener, info.sync_id});
      co_await files.reply({});
    }
  })));
  xybus::SyncBlock block;
  const ProcessHandle primary =
      rig.handle(0, rig.program(0, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        const auto f = co_await files.open("$SERVER.#PART", {.sync_depth = 1});
        co_await files.write(f.file, {});
        block = files.sync_block(f.file).value();
        co_await pause(guardian, 100'000);
      }));
  FileNumber later = 0;
  const ProcessHandle backup =
      rig.handle(2, rig.program(2, [&](Guardian& guardian, FileSystem& files) -> Task<> {
        while (block.file < 0) co_await pause(guardian, 1'000);
        CHECK(std::string_view(block.part.data()) == "#PART");
        CHECK(files.adopt({}) == Error::bounds);
        const auto bytes = block.save();
        CHECK(xybus::SyncBlock::load(bytes) == block);
        CHECK_FALSE(xybus::SyncBlock::load(std::span(bytes).first(bytes.size() - 1)));
        CHECK_AWAIT(files.open_too(block), Error::none);
        co_await pause(guardian, 200'000);
        co_await files.write(block.file, {});
        CHECK(*files.sync_block(block.file) != block);
        block.next_sync_id = 0xffff'ffff;
        CHECK(files.adopt(block) == Error::none);
        co_await files.write(block.file, {});
        co_await files.write(block.file, {});
        later = (co_await files.open("$SERVER")).file;
      }));
  rig.run_until_ended(2);
  rig.run(100'000);
  const xybus::OpenId open{primary, static_cast<std::uint16_t>(block.file)};
  CHECK(later > block.file);
  CHECK(seen == std::vector<Request>{{primary, open, 1},
                                     {backup, open, 2},
                                     {backup, open, 0xffff'ffff},
                                     {backup, open, 0}});
  using N = std::vector<std::int16_t>;
  CHECK(systems == N{number::open, 0, number::open, number::close, 0, 0, 0, number::open,
                     number::close, number::close});
}

TEST_CASE("files of a disk: position, append, one request at a time, create and purge") {
  FileRig rig(2);
  struct Request {
    FileOperation operation;
    std::uint64_t position;
    std::string data;
    bool operator==(const Request&) const = default;
  };
  std::vector<Request> seen;
  Error next = Error::none;
  rig.define("$DISK", rig.handle(1, rig.program(1, [&](Guardian&, FileSystem& files) -> Task<> {
    co_await files.open("$RECEIVE", {.system_messages = true, .kind = FileKind::disk});
    Bytes in(100);
    for (;;) {
      const IoResult read = co_await files.readupdate(in);
      const auto& info = files.receiveinfo();
      std::string data;
      for (std::uint32_t i = 0; i < read.bytes; ++i) data.push_back(static_cast<char>(in[i]));
      if (info.operation == FileOperation::create) {
        data = data.substr(8) + " " + std::to_string(xybus::load_properties(in).max_bytes);
      }
      seen.push_back({info.operation, info.position, data});
      const bool reads = info.operation == FileOperation::read;
      co_await files.reply(std::span(in).first(reads ? 3 : 0), std::exchange(next, Error::none));
    }
  })));
  rig.define("$ECHO", rig.handle(1, rig.program(1, echo())));
  rig.program(0, [&](Guardian&, FileSystem& files) -> Task<> {
    CHECK_AWAIT(files.create("$DISK.FILE", {.max_bytes = 0x1'0000'0005}), Error::none);
    next = Error::exists;
    CHECK_AWAIT(files.create("$DISK.FILE"), Error::exists);
    CHECK_AWAIT(files.create("$DISK"), Error::bad_name);
    CHECK_AWAIT(files.create("$NODISK.FILE"), Error::no_process);
    CHECK_AWAIT(files.create("$ECHO.FILE"), Error::invalid_operation);
    CHECK_AWAIT(files.open("$DISK.FILE", {.nowait_depth = 2}),
                (xybus::Opened{Error::too_many, xybus::no_file}));
    const auto f = co_await files.open("$DISK.file");
    REQUIRE(f.error == Error::none);
    Bytes in(10);
    CHECK_AWAIT(files.write(f.file, Bytes(5, std::byte{'x'})), (IoResult{Error::none, 5}));
    CHECK_AWAIT(files.read(f.file, in), (IoResult{Error::none, 3}));
    CHECK(files.position(f.file, 100) == Error::none);
    next = Error::end_of_file;
    CHECK_AWAIT(files.read(f.file, in), (IoResult{Error::end_of_file, 3}));
    next = Error::device_down;
    CHECK_AWAIT(files.write(f.file, Bytes(1)), IoResult{Error::device_down});
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::none});
    CHECK(files.position(f.file, xybus::end_of_file) == Error::none);
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::none});
    CHECK_AWAIT(files.write(f.file, {}), IoResult{Error::none});
    CHECK_AWAIT(files.close(f.file), Error::none);
    CHECK_AWAIT(files.purge("$DISK.FILE"), Error::none);
    const auto g = co_await files.open("$DISK.FILE", {.nowait_depth = 1});
    CHECK_AWAIT(files.read(g.file, in), IoResult{});
    CHECK(files.position(g.file, 0) == Error::invalid_state);
    CHECK_AWAIT(files.awaitio(g.file), (FileCompletion{g.file, Error::none, 3, 0}));
  });
  rig.run_until_ended(1);
  const auto position = [&](std::size_t i) { return seen.at(i).position; };
  CHECK(seen.at(0) == Request{FileOperation::create, 0, "FILE 4294967301"});
  std::vector<std::uint64_t> io;
  for (const Request& request : seen) {
    if (request.operation == FileOperation::read || request.operation == FileOperation::write) {
      io.push_back(request.position);
    }
  }
  const std::uint64_t end = xybus::end_of_file;
  CHECK(io == std::vector<std::uint64_t>{0, 5, 100, 103, 103, end, end, 0});
  CHECK(std::ranges::count(seen, Request{FileOperation::purge, 0, "FILE"}) == 1);
  CHECK(position(1) == 0);
}
