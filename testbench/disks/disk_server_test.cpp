// The disk process without faults: its directory, and what files hold.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "disk_rig.h"
#include "firmware/pair/pair.h"

using namespace disks_test;

TEST_CASE("files are created, opened and purged by name") {
  DiskRig rig;
  rig.start_volume();
  std::vector<Error> errors;
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    FileSystem& system = files(guardian);
    errors.push_back((co_await system.open("$DATA.A")).error);
    errors.push_back(co_await system.create("$DATA.A", {.max_bytes = 1000}));
    errors.push_back(co_await system.create("$DATA.A"));
    const Opened opened = co_await system.open("$DATA.A", {.sync_depth = 1});
    errors.push_back(opened.error);
    errors.push_back(co_await system.purge("$DATA.A"));
    errors.push_back(co_await system.purge("$DATA.B"));
    errors.push_back((co_await system.write(opened.file, Bytes(1))).error);
    errors.push_back(co_await system.close(opened.file));
    co_await sleep_for(guardian, 10'000);
    errors.push_back(co_await system.purge("$DATA.A"));
    errors.push_back((co_await system.open("$DATA.A")).error);
    errors.push_back(co_await system.create("$DATA.A", {.max_bytes = 1000}));
    // The next has the name, and nothing of the contents.
    const Opened again = co_await system.open("$DATA.A", {.sync_depth = 1});
    Bytes in(4);
    errors.push_back((co_await system.read(again.file, in)).error);
  });
  CHECK(errors == std::vector{Error::not_found, Error::none, Error::exists, Error::none,
                              Error::invalid_state, Error::not_found, Error::none, Error::none,
                              Error::none, Error::not_found, Error::none, Error::end_of_file});
}

TEST_CASE("what a disk process refuses") {
  DiskRig rig;
  rig.start_volume();
  std::vector<Error> errors;
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    FileSystem& system = files(guardian);
    errors.push_back(co_await system.create("$DATA"));                        // 0
    errors.push_back(co_await system.create("$DATA.NAMETHATISLONGERTHANALLOWED"));
    errors.push_back((co_await system.open("$DATA.-")).error);
    errors.push_back((co_await system.open("$DATA")).error);
    errors.push_back(co_await system.create("$DATA.BIG", {.max_bytes = 128 * 512}));
    errors.push_back(co_await system.create("$DATA.BIG", {.max_bytes = ~std::uint64_t{0}}));
    errors.push_back(co_await system.create("$DATA.F", {.max_bytes = 40 * 1024}));  // 6
    const FileNumber file = co_await open_file(guardian, "$DATA.F");
    Bytes in(512);
    errors.push_back((co_await system.writeread(file, Bytes(4), in)).error);  // 7
    errors.push_back((co_await system.control(file, 1)).error);
    errors.push_back((co_await system.read(file, in)).error);
    errors.push_back((co_await system.write(file, Bytes(32 * 1024))).error);  // 10
    errors.push_back((co_await system.write(file, Bytes(32 * 1024 + 1))).error);
    errors.push_back((co_await system.write(file, Bytes(8 * 1024))).error);
    errors.push_back((co_await system.write(file, Bytes(1))).error);          // 13
    system.position(file, 0);
    Bytes most(32 * 1024), more(32 * 1024 + 1);
    errors.push_back((co_await system.read(file, more)).error);               // 14
    errors.push_back((co_await system.read(file, most)).error);
    errors.push_back((co_await system.read(file, {})).error);
    system.position(file, 40 * 1024);
    errors.push_back((co_await system.read(file, in)).error);                 // 17
    system.position(file, ~std::uint64_t{1});
    errors.push_back((co_await system.read(file, in)).error);
    errors.push_back((co_await system.write(file, in)).error);
  });
  CHECK(errors == std::vector{
      Error::bad_name, Error::bad_name, Error::bad_name, Error::not_found, Error::disk_full,
      Error::disk_full, Error::none,
      Error::invalid_operation, Error::invalid_operation, Error::end_of_file,
      Error::none, Error::bounds, Error::none, Error::disk_full,
      Error::bounds, Error::none, Error::none,
      Error::end_of_file, Error::end_of_file, Error::disk_full});
}

TEST_CASE("a directory has room for 64 files, and a volume for as many blocks as it has") {
  DiskRig rig({.blocks = 80});
  rig.start_volume();
  std::vector<Error> errors;
  unsigned made = 0;
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    FileSystem& system = files(guardian);
    for (; made < 65; ++made) {
      const std::string name = "$DATA.F" + std::to_string(made);
      const Error error = co_await system.create(name, {.max_bytes = 1});
      if (error == Error::none) continue;
      errors.push_back(error);
      break;
    }
    // 1 label, 8 of the directory, 64 files: 7 are free in a row, and 2 more after two purges.
    errors.push_back(co_await system.purge("$DATA.F10"));
    errors.push_back(co_await system.purge("$DATA.F11"));
    errors.push_back(co_await system.create("$DATA.G", {.max_bytes = 8 * 512}));
    errors.push_back(co_await system.create("$DATA.G", {.max_bytes = 7 * 512}));
    errors.push_back(co_await system.create("$DATA.H", {.max_bytes = 2 * 512}));
  });
  CHECK(made == 64);
  CHECK(errors == std::vector{Error::table_full, Error::none, Error::none, Error::disk_full,
                              Error::none, Error::none});
}

TEST_CASE("files hold what was written, at whatever position, and zeros where nothing was") {
  constexpr std::size_t max = 30'000;
  DiskRig rig;
  rig.start_volume();
  std::vector<std::string> wrong;
  unsigned reads = 0, ends = 0, appends = 0;
  bool equal = false;
  rig.perform(3, [&](Guardian& guardian) -> Task<> {
    FileSystem& system = files(guardian);
    std::mt19937 random(7);
    const auto below = [&](std::uint32_t limit) { return random() % limit; };
    // A neighbour on each side, of which nothing may change; and blocks that were used before.
    co_await system.create("$DATA.OLD", {.max_bytes = 50'000});
    FileNumber file = co_await open_file(guardian, "$DATA.OLD");
    co_await system.write(file, Bytes(30'000, std::byte{0xee}));
    co_await system.close(file);
    co_await sleep_for(guardian, 10'000);
    if (co_await system.purge("$DATA.OLD") != Error::none) wrong.push_back("purge");
    for (const char* name : {"$DATA.A", "$DATA.B", "$DATA.C"}) {
      co_await system.create(name, {.max_bytes = name[6] == 'B' ? max : 1000});
    }
    const Bytes aside = pattern(99, 1000);
    for (const char* name : {"$DATA.A", "$DATA.C"}) {
      file = co_await open_file(guardian, name);
      co_await system.write(file, aside);
    }
    file = co_await open_file(guardian, "$DATA.B");
    Bytes expected;
    for (std::uint32_t round = 0; round < 400; ++round) {
      const std::size_t length = 1 + below(below(3) == 0 ? 3000 : 40);
      const std::uint32_t what = below(5);
      const auto end = static_cast<std::uint32_t>(expected.size());
      std::size_t position = what == 0 ? end : below(end + 1500);
      if (what == 1) position = position / 512 * 512;
      if (what == 2) position = std::min(position, expected.size());
      if (what == 4 && round % 2 == 0) position = expected.size() + below(2) * below(600);
      if (what <= 3) {
        if (position + length > max) continue;
        appends += what == 0;
        system.position(file, what == 0 ? end_of_file : position);
        const Bytes data = pattern(round, length);
        const IoResult result = co_await system.write(file, data);
        if (result.error != Error::none || result.bytes != length) wrong.push_back("write");
        expected.resize(std::max(expected.size(), position + length));
        std::ranges::copy(data, expected.begin() + static_cast<long>(position));
      }
      system.position(file, position);
      Bytes in(length + below(600));
      const IoResult result = co_await system.read(file, in);
      if (position >= expected.size()) {
        ++ends;
        if (result.error != Error::end_of_file) wrong.push_back("read behind the end");
        continue;
      }
      ++reads;
      const std::size_t there = std::min(in.size(), expected.size() - position);
      if (result.error != Error::none || result.bytes != there ||
          !std::equal(in.begin(), in.begin() + static_cast<long>(there),
                      expected.begin() + static_cast<long>(position))) {
        wrong.push_back("read " + std::to_string(position) + " in round " + std::to_string(round));
      }
    }
    Bytes all(max + 1);
    system.position(file, 0);
    const IoResult result = co_await system.read(file, all);
    all.resize(result.bytes);
    if (all != expected) wrong.push_back("the whole");
    for (const char* name : {"$DATA.A", "$DATA.C"}) {
      file = co_await open_file(guardian, name);
      Bytes in(2000);
      const IoResult other = co_await system.read(file, in);
      in.resize(other.bytes);
      if (in != aside) wrong.push_back("a neighbour");
    }
  });
  equal = rig.equal();
  CHECK(wrong == std::vector<std::string>{});
  CHECK(reads > 150);
  CHECK(ends > 5);
  CHECK(appends > 20);
  CHECK(equal);
}

TEST_CASE("a file of a user whose CPU has failed can be purged") {
  DiskRig rig;
  rig.start_volume();
  bool open = false;
  rig.create(3, [&](Guardian& guardian) -> Task<> {
    co_await files(guardian).create("$DATA.F", {.max_bytes = 1000});
    co_await open_file(guardian, "$DATA.F");
    open = true;
    co_await guardian.process().wait({});
  });
  rig.run_until([&] { return open; });
  std::vector<Error> errors;
  const auto purge = [&](Guardian& guardian) -> Task<> {
    errors.push_back(co_await files(guardian).purge("$DATA.F"));
  };
  rig.perform(2, purge);
  rig.halt(3);
  rig.run(5 * alive_interval);
  rig.perform(2, purge);
  CHECK(errors == std::vector{Error::invalid_state, Error::none});
}

TEST_CASE("a file that a pair has open stays open when its primary stops, until its backup does") {
  DiskRig rig;
  bool open = false, over = false;
  rig.programs.add("keeper", [&](Guardian& guardian) -> Task<> {
    Pair& mine = pair(guardian);
    if (guardian.made_as_backup()) {
      co_await mine.checkmonitor();
      over = true;
    } else {
      co_await mine.start_backup("keeper", 2);
      const FileNumber file = co_await open_file(guardian, "$DATA.F");
      open = co_await mine.checkopen(file) == CheckpointStatus{};
    }
    co_await guardian.process().wait({});
  });
  rig.start_volume();
  std::vector<Error> errors;
  const auto stop_keeper = [&](Guardian& guardian) -> Task<> {
    const DctEntry* entry = guardian.dct().lookup(*ProcessName::parse("$KEEP"));
    errors.push_back(co_await guardian.stop(entry->primary));
    co_await sleep_for(guardian, 50'000);
    errors.push_back(co_await files(guardian).purge("$DATA.F"));
  };
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    errors.push_back(co_await files(guardian).create("$DATA.F", {.max_bytes = 1000}));
    const auto made = co_await guardian.newprocess(
        {.program = "keeper", .name = *ProcessName::parse("$KEEP"), .cpu = 3});
    errors.push_back(made.error);
  });
  rig.run_until([&] { return open; });
  rig.perform(2, stop_keeper);
  CHECK(over);
  rig.perform(2, stop_keeper);
  CHECK(errors == std::vector{Error::none, Error::none, Error::none, Error::invalid_state,
                              Error::none, Error::none});
}
