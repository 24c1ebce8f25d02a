// The disk process when its CPUs, its members, its drives or all of the power go.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <optional>

#include "../model/in_child.h"
#include "disk_rig.h"
#include "firmware/program/volume.h"

using namespace disks_test;
using xybus::test::in_child;

namespace {

constexpr std::size_t record_bytes = 100;  // every sixth goes over the border of a block

std::string record(unsigned number) {
  std::string text = "record " + std::to_string(number) + " ";
  text.resize(record_bytes, '.');
  return text;
}

/// Appends records 0, 1, ... to LOG, and writes each to a place of its own in TABLE, backwards.
struct Writer {
  unsigned acknowledged = 0;
  unsigned wanted = 0;
  std::vector<Error> errors;
  std::vector<std::uint64_t> longest{0};

  static constexpr unsigned places = 60;

  auto program(unsigned count, unsigned sync_depth = 1) {
    wanted = count;
    return [this, count, sync_depth](Guardian& guardian) -> Task<> {
      FileSystem& system = files(guardian);
      note(co_await system.create("$DATA.LOG", {.max_bytes = 20'000}));
      note(co_await system.create("$DATA.TABLE", {.max_bytes = 20'000}));
      const FileNumber log = co_await open_file(guardian, "$DATA.LOG", sync_depth);
      const FileNumber table = co_await open_file(guardian, "$DATA.TABLE", sync_depth);
      system.position(log, end_of_file);
      for (unsigned i = 0; i < count; ++i) {
        const Bytes data = bytes_of(record(i));
        note((co_await system.write(log, data)).error);
        system.position(table, (places - 1 - i % places) * record_bytes);
        note((co_await system.write(table, data)).error);
        ++acknowledged;
      }
    };
  }
  bool done() const { return acknowledged == wanted; }

 private:
  void note(Error error) {
    if (error != Error::none) errors.push_back(error);
  }
};

/// What is wrong with the two files; empty: all of `count` records are there, those of LOG once
/// each. Up to `more` may be there beyond them.
std::string look(DiskRig& rig, unsigned count, unsigned more = 0) {
  std::string wrong;
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    FileSystem& system = files(guardian);
    const FileNumber log = co_await open_file(guardian, "$DATA.LOG");
    const FileNumber table = co_await open_file(guardian, "$DATA.TABLE");
    Bytes in(20'000);
    const IoResult all = co_await system.read(log, in);
    const unsigned there = all.bytes / record_bytes;
    if (all.bytes % record_bytes != 0) wrong += "a part of a record; ";
    if (there < count || there > count + more) {
      wrong += std::to_string(there) + " records (error " +
               std::to_string(static_cast<int>(all.error)) + "); ";
    }
    for (unsigned i = 0; i < there; ++i) {
      const std::string expected = record(i);
      if (std::memcmp(in.data() + i * record_bytes, expected.data(), record_bytes) != 0) {
        wrong += "record " + std::to_string(i) + "; ";
        break;
      }
    }
    const IoResult places = co_await system.read(table, in);
    for (unsigned i = 0; i < Writer::places && i < count; ++i) {
      const unsigned place = Writer::places - 1 - i;
      const unsigned last = i + (count - 1 - i) / Writer::places * Writer::places;
      const auto is = [&](unsigned number) {
        const std::string expected = record(number);
        const std::size_t at = place * record_bytes;
        return at + record_bytes <= places.bytes &&
               std::memcmp(in.data() + at, expected.data(), record_bytes) == 0;
      };
      if (!is(last) && !(more != 0 && is(last + Writer::places))) {
        wrong += "place " + std::to_string(place) + "; ";
      }
    }
  });
  return wrong;
}

std::string text_of(const std::vector<Error>& errors) {
  std::string text;
  for (const Error error : errors) {
    text += "error " + std::to_string(static_cast<int>(error)) + "; ";
  }
  return text;
}

/// Time for whatever is to be made whole in the background.
void settle(DiskRig& rig) { rig.run(3'000'000); }

}  // namespace

TEST_CASE("every write that was acknowledged is there, once, whenever the primary's CPU dies") {
  for (std::uint64_t moment = 0; moment < 24'000; moment += 607) {
    CAPTURE(moment);
    CHECK(in_child([moment] {
            DiskRig rig;
            rig.start_volume();
            Writer writer;
            rig.create(3, writer.program(30));
            rig.run_until([&] { return writer.acknowledged == 8; });
            rig.run(moment);
            rig.halt(0);
            rig.run_until([&] { return writer.done(); });
            std::string text = text_of(writer.errors) + look(rig, 30);
            if (rig.entry(2)->primary.at.cpu != 1) text += "another primary; ";
            settle(rig);
            if (!rig.equal()) text += "mirrors differ; ";
            return text;
          }) == "");
  }
}

TEST_CASE("and whenever files are being made when it dies") {
  for (std::uint64_t moment = 0; moment < 30'000; moment += 1'501) {
    CAPTURE(moment);
    CHECK(in_child([moment] {
            DiskRig rig;
            rig.start_volume();
            Writer writer;
            rig.create(3, writer.program(10));
            rig.run(moment);
            rig.halt(0);
            rig.run_until([&] { return writer.done(); });
            return text_of(writer.errors) + look(rig, 10);
          }) == "");
  }
}

TEST_CASE("a primary that is stopped again and again loses nothing and does nothing twice") {
  DiskRig rig;
  rig.start_volume();
  Writer writer;
  rig.create(3, writer.program(100));
  for (unsigned round = 1; round <= 5; ++round) {
    rig.run_until([&] { return writer.acknowledged >= 15 * round; });
    rig.run_until([&] { return rig.has_pair(); });
    rig.run(100'000);
    rig.stop_primary();
  }
  rig.run_until([&] { return writer.done(); });
  CHECK(text_of(writer.errors) == "");
  CHECK(look(rig, 100) == "");
  settle(rig);
  CHECK(rig.equal());
}

TEST_CASE("CPUs that come back have the backup again, and all of its directory") {
  DiskRig rig;
  rig.start_volume();
  Writer writer;
  rig.create(3, writer.program(100));
  for (unsigned round = 0; round < 4; ++round) {
    rig.run_until([&] { return writer.acknowledged >= 20 * (round + 1); });
    rig.halt(round % 2);
    rig.run(8 * alive_interval);
    rig.restart(round % 2);
    rig.run_until([&] { return rig.has_pair(); });
    rig.run(100'000);
  }
  rig.run_until([&] { return writer.done(); });
  CHECK(text_of(writer.errors) == "");
  CHECK(look(rig, 100) == "");
}

TEST_CASE("a drive dies and comes back while files are written: nobody is told, and it is whole") {
  const auto [drive, dead_for] = GENERATE(table<unsigned, std::uint64_t>(
      {{0, 1}, {1, 1}, {0, 300}, {0, 50'000}, {1, 700}, {1, 50'000}, {0, 400'000}}));
  const std::uint64_t later = GENERATE(0, 700, 1'400, 2'100, 2'800, 3'500, 4'200);
  CAPTURE(drive, dead_for, later);
  CHECK(in_child([drive = drive, dead_for = dead_for, later] {
          DiskRig rig;
          rig.start_volume();
          Writer writer;
          rig.create(3, writer.program(100, 0));
          rig.run_until([&] { return writer.acknowledged == 20; });
          rig.run(later);
          rig.machine.drive(drive).set_dead(true);
          rig.run(dead_for);
          rig.machine.drive(drive).set_dead(false);
          rig.run_until([&] { return writer.done(); });
          settle(rig);
          std::string text = text_of(writer.errors);
          if (!rig.equal()) text += "mirrors differ; ";
          // It is used again, alone.
          rig.machine.drive(1 - drive).set_dead(true);
          return text + look(rig, 100);
        }) == "");
}

TEST_CASE("a drive that dies, and then the primary: the one that lacks something is not believed") {
  const std::uint64_t between = GENERATE(0, 200, 500, 1'000, 3'000, 30'000);
  CAPTURE(between);
  CHECK(in_child([between] {
          DiskRig rig;
          rig.start_volume();
          Writer writer;
          rig.create(3, writer.program(60));
          rig.run_until([&] { return writer.acknowledged == 20; });
          rig.machine.drive(0).set_dead(true);
          rig.run(between);
          rig.halt(0);
          rig.machine.drive(0).set_dead(false);  // as it was when it died
          rig.run_until([&] { return writer.done(); });
          std::string text = text_of(writer.errors) + look(rig, 60);
          settle(rig);
          if (!rig.equal()) text += "mirrors differ; ";
          return text;
        }) == "");
}

TEST_CASE("without any drive users are told 66, and when drives are back there is all again") {
  const bool only_one = GENERATE(false, true);
  CAPTURE(only_one);
  CHECK(in_child([only_one] {
          DiskRig rig;
          rig.start_volume();
          Writer writer;
          rig.create(3, writer.program(20));
          rig.run_until([&] { return writer.done(); });
          rig.machine.drive(0).set_dead(true);
          std::string text;
          const auto access = [&](Guardian& guardian) -> Task<> {
            const FileNumber file = co_await open_file(guardian, "$DATA.TABLE");
            Bytes in(100);
            const Error read = (co_await files(guardian).read(file, in)).error;
            const Error write = (co_await files(guardian).write(file, in)).error;
            text += "read " + std::to_string(static_cast<int>(read)) + " write " +
                    std::to_string(static_cast<int>(write)) + "; ";
          };
          const auto add = [&](Guardian& guardian) -> Task<> {
            const FileNumber file = co_await open_file(guardian, "$DATA.LOG");
            files(guardian).position(file, end_of_file);
            const Bytes data = bytes_of(record(20));
            text += std::to_string(
                static_cast<int>((co_await files(guardian).write(file, data)).error)) + "; ";
          };
          rig.perform(2, add);
          rig.machine.drive(1).set_dead(true);
          rig.perform(2, access);
          // The one that died first lacks a record.
          rig.machine.drive(0).set_dead(false);
          rig.run(500'000);
          rig.perform(2, access);
          rig.machine.drive(1).set_dead(false);
          if (only_one) rig.machine.drive(0).set_dead(true);
          rig.run(500'000);
          rig.perform(2, [&](Guardian& guardian) -> Task<> {
            const FileNumber file = co_await open_file(guardian, "$DATA.LOG");
            Bytes in(3'000);
            const IoResult all = co_await files(guardian).read(file, in);
            text += std::to_string(all.bytes / record_bytes) + " records; ";
          });
          settle(rig);
          if (!only_one && !rig.equal()) text += "mirrors differ; ";
          return text;
        }) == "0; read 66 write 66; read 66 write 66; 21 records; ");
}

TEST_CASE("a volume that both members have left: calls end with 201 in time, and opens with 14") {
  // Two CPUs of four at once would leave no machine; and who does not search is told by the first.
  const auto [cpus, between, sync_depth] = GENERATE(table<bool, std::uint64_t, unsigned>(
      {{true, 200'000, 1}, {false, 0, 0}, {false, 0, 1}, {false, 300, 1}, {false, 1'000, 0},
       {false, 1'000, 1}, {false, 3'000, 1}}));
  CAPTURE(cpus, between, sync_depth);
  CHECK(in_child([cpus = cpus, between = between, sync_depth = sync_depth] {
          DiskRig rig;
          rig.start_volume();
          Writer writer;
          // Calls that fail at once do not suspend: more of them would starve the CPU's I'm-alives.
          rig.create(3, writer.program(60, sync_depth));
          rig.run_until([&] { return writer.acknowledged == 10; });
          const auto end = [&](unsigned cpu, const ProcessHandle& member) {
            if (cpus) {
              rig.halt(cpu);
            } else {
              rig.create(2, [member](Guardian& guardian) -> Task<> {
                co_await guardian.stop(member);
              });
            }
          };
          const DctEntry pair = *rig.entry(2);
          end(0, pair.primary);
          rig.run(between);
          end(1, pair.backup);
          const std::uint64_t lost = rig.machine.cycle();
          const auto ended = [&] {
            // Those that the loss of one of the two may have ended do not count.
            return writer.errors.size() > 4 && writer.errors.back() == Error::path_down;
          };
          rig.run_until(ended);
          // 8 intervals that a path is searched, and as long until the CPUs are given up.
          const bool late = rig.machine.cycle() - lost > 16 * alive_interval;
          std::string text = late ? "late; " : "";
          rig.perform(2, [&](Guardian& guardian) -> Task<> {
            const Opened opened = co_await files(guardian).open("$DATA.LOG", {.sync_depth = 1});
            text += "open " + std::to_string(static_cast<int>(opened.error));
            text += " create " + std::to_string(static_cast<int>(
                                     co_await files(guardian).create("$DATA.NEW")));
          });
          return text;
        }) == "open 14 create 14");
}

TEST_CASE("a write that ended with 66 is done when the drives are back, before anything else") {
  DiskRig rig;
  rig.start_volume();
  std::vector<Error> errors;
  const Bytes first(512, std::byte{1}), second(512, std::byte{2});
  Bytes in(1024);
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    FileSystem& system = files(guardian);
    // Something else is where the file will be.
    co_await system.create("$DATA.OLD", {.max_bytes = 1024});
    const FileNumber old = co_await open_file(guardian, "$DATA.OLD");
    co_await system.write(old, Bytes(1024, std::byte{0xee}));
    co_await system.close(old);
    co_await sleep_for(guardian, 10'000);
    errors.push_back(co_await system.purge("$DATA.OLD"));
    errors.push_back(co_await system.create("$DATA.NEW", {.max_bytes = 1024}));
    const FileNumber file = co_await open_file(guardian, "$DATA.NEW");
    errors.push_back((co_await system.write(file, first)).error);
    for (const unsigned drive : {0, 1}) rig.machine.drive(drive).set_dead(true);
    errors.push_back((co_await system.write(file, second)).error);
    for (const unsigned drive : {0, 1}) rig.machine.drive(drive).set_dead(false);
    co_await sleep_for(guardian, 300'000);
    system.position(file, 0);
    const IoResult all = co_await system.read(file, in);
    errors.push_back(all.bytes == 1024 ? all.error : Error::end_of_file);
  });
  CHECK(errors == std::vector{Error::none, Error::none, Error::none, Error::device_down,
                              Error::none});
  Bytes expected = first;
  expected.insert(expected.end(), second.begin(), second.end());
  CHECK(in == expected);
}

TEST_CASE("blocks that cannot be read are read from the mirror and mended, and 120 if it cannot") {
  DiskRig rig;
  rig.start_volume();
  Writer writer;
  rig.create(3, writer.program(30));
  rig.run_until([&] { return writer.done(); });
  settle(rig);
  // 9 blocks for label and directory, 40 for LOG: 9 to 14 have records.
  rig.defects.unreadable = {{0, 9}, {0, 11}, {1, 12}};
  CHECK(look(rig, 30) == "");
  using Places = std::set<std::pair<unsigned, std::uint32_t>>;
  CHECK(rig.defects.unreadable == Places{{1, 12}});  // of what nobody read there
  CHECK(rig.equal());

  // Each has a bad block of its own in what is read together.
  rig.defects.unreadable = {{0, 10}, {1, 12}};
  CHECK(look(rig, 30) == "");
  CHECK(rig.defects.unreadable == Places{{1, 12}});
  CHECK(rig.equal());

  rig.defects.unreadable = {{0, 10}, {1, 10}};
  std::vector<Error> errors;
  rig.perform(2, [&](Guardian& guardian) -> Task<> {
    FileSystem& system = files(guardian);
    const FileNumber file = co_await open_file(guardian, "$DATA.LOG");
    Bytes in(100), whole(512, std::byte{1});
    system.position(file, 600);
    errors.push_back((co_await system.read(file, in)).error);
    // A part of a block that is in no memory: of so many at once only the last is kept there.
    co_await system.create("$DATA.BIG", {.max_bytes = 4096});  // behind LOG and TABLE: 89 to 96
    const FileNumber big = co_await open_file(guardian, "$DATA.BIG");
    co_await system.write(big, Bytes(6 * 512));
    rig.defects.unreadable.insert({{0, 90}, {1, 90}});
    system.position(big, 600);
    errors.push_back((co_await system.write(big, in)).error);
    system.position(file, 0);
    errors.push_back((co_await system.read(file, in)).error);
    system.position(file, 512);
    errors.push_back((co_await system.write(file, whole)).error);
    system.position(file, 600);
    errors.push_back((co_await system.read(file, in)).error);
    errors.push_back(in[0] == std::byte{1} ? Error::none : Error::bad_data);
  });
  CHECK(errors == std::vector{Error::bad_data, Error::bad_data, Error::none, Error::none,
                              Error::none, Error::none});
}

TEST_CASE("a drive that refuses writes is left out until it takes them") {
  DiskRig rig;
  rig.start_volume();
  Writer writer;
  rig.create(3, writer.program(60));
  rig.run_until([&] { return writer.acknowledged == 10; });
  rig.defects.refuse_writes = {0};
  rig.run_until([&] { return writer.acknowledged == 40; });
  rig.defects.refuse_writes.clear();
  rig.run_until([&] { return writer.done(); });
  CHECK(text_of(writer.errors) == "");
  CHECK(look(rig, 60) == "");
  settle(rig);
  CHECK(rig.equal());
}

TEST_CASE("a block that nobody can read keeps the copy waiting, and nothing else") {
  DiskRig rig;
  rig.start_volume();
  Writer writer;
  rig.create(3, writer.program(40));
  rig.run_until([&] { return writer.acknowledged == 10; });
  rig.machine.drive(1).set_dead(true);
  rig.run(20'000);
  rig.defects.unreadable = {{0, 100}};  // of no file
  rig.machine.drive(1).set_dead(false);
  rig.run_until([&] { return writer.done(); });
  settle(rig);
  CHECK(text_of(writer.errors) == "");
  CHECK_FALSE(rig.equal());  // the label of one that is not whole
  CHECK(look(rig, 40) == "");
  rig.defects.unreadable.clear();
  settle(rig);
  CHECK(rig.equal());
}

namespace {

struct Images {
  std::array<std::string, 2> drives;
  unsigned acknowledged = 0;
  std::string errors;
};

/// Runs until power fails, so many cycles behind the twentieth record; `before` may do something
/// behind the tenth.
Images until_power_fails(std::uint64_t moment, const std::function<void(DiskRig&)>& before = {}) {
  const std::string all = in_child([&] {
    DiskRig rig;
    rig.start_volume();
    Writer writer;
    rig.create(3, writer.program(100));
    rig.run_until([&] { return writer.acknowledged == 10; });
    if (before) before(rig);
    rig.run_until([&] { return writer.acknowledged >= 20; });
    rig.run(moment);
    std::string text(1, static_cast<char>(writer.acknowledged));
    return text + rig.image(0) + rig.image(1);
  });
  constexpr std::size_t size = 128 * 512;
  if (all.size() != 1 + 2 * size) throw std::runtime_error(all.substr(0, 200));
  return {{all.substr(1, size), all.substr(1 + size)}, static_cast<unsigned char>(all[0]), ""};
}

}  // namespace

TEST_CASE("after a loss of power at any moment all that was acknowledged is there") {
  for (std::uint64_t moment = 0; moment < 24'000; moment += 997) {
    CAPTURE(moment);
    const Images images = until_power_fails(moment);
    CHECK(images.acknowledged >= 20);
    CHECK(in_child([&] {
            DiskRig rig({.images = images.drives});
            rig.start_volume();
            std::string text = look(rig, images.acknowledged, 1);
            settle(rig);
            if (!rig.equal()) text += "mirrors differ; ";
            return text;
          }) == "");
  }
}

TEST_CASE("after a loss of power a mirror that had died before is not believed") {
  const unsigned dead = GENERATE(0, 1);
  const auto [back, copied_for] = GENERATE(table<bool, std::uint64_t>(
      {{false, 0}, {true, 0}, {true, 60'000}}));
  CAPTURE(dead, back, copied_for);
  const Images images = until_power_fails(100, [&, dead = dead, back = back](DiskRig& rig) {
    rig.machine.drive(dead).set_dead(true);
    rig.run(20'000);
    if (!back) return;
    rig.machine.drive(dead).set_dead(false);
    rig.run(copied_for);
  });
  CHECK(in_child([&] {
          DiskRig rig({.images = images.drives});
          rig.start_volume();
          std::string text = look(rig, images.acknowledged, 1);
          settle(rig);
          if (!rig.equal()) text += "mirrors differ; ";
          return text;
        }) == "");
}

TEST_CASE("mirrors with a block that nobody can read are equal but for it, and labels say so") {
  Images images = until_power_fails(100);
  constexpr std::uint32_t bad = 22;
  const auto start = [&](bool readable) {
    return in_child([&] {
      DiskRig rig({.images = images.drives});
      if (!readable) rig.defects.unreadable = {{0, bad}, {1, bad}};
      rig.start_volume();
      settle(rig);
      return rig.image(0) + rig.image(1);
    });
  };
  // What was being written when power failed: behind the records, beside the block and in it.
  for (const std::uint32_t block : {bad - 2, bad, bad + 2}) images.drives[1].at(block * 512) = 'x';
  const std::size_t size = images.drives[0].size();
  const std::string some = start(false);
  REQUIRE(some.size() == 2 * size);
  images.drives = {some.substr(0, size), some.substr(size)};
  constexpr std::size_t unequal = 16;  // in the label
  for (std::size_t drive = 0; drive < 2; ++drive) CHECK(images.drives[drive].at(unequal) == 1);
  for (std::size_t at = 0; at < size; ++at) {
    if (images.drives[0][at] != images.drives[1][at]) CHECK(at == bad * 512);
  }
  CHECK(images.drives[0][bad * 512] != images.drives[1][bad * 512]);
  const std::string all = start(true);
  REQUIRE(all.size() == 2 * size);
  CHECK(all.at(unequal) == 0);
  CHECK(all.substr(0, size) == all.substr(size));
}

TEST_CASE("a volume whose drive takes no more commands leaves nothing out in silence") {
  DiskRig rig;
  std::string text;
  rig.perform(0, [&](Guardian& guardian) -> Task<> {
    Volume volume(guardian.devices(), guardian.process(), "$DATA");
    if (co_await volume.open(Volume::Opener::first) != Error::none) text += "it does not open; ";
    hal::DiskPort& port = *guardian.devices().find("$DATA", 0);
    Bytes in(512);
    constexpr std::uint32_t others = 1'000'000;  // cookies that are not the volume's
    for (std::uint32_t i = 0; i < hal::disk_queue_depth; ++i) {
      if (!port.start({.cookie = others + i, .block = 1, .read_to = in})) text += "not full; ";
    }
    try {
      const Error error = co_await volume.write(9, Bytes(512, std::byte{7}));
      text += "error " + std::to_string(static_cast<int>(error)) + "; ";
    } catch (const std::logic_error& error) {
      text += error.what();
    }
    for (std::uint32_t i = 0; i < hal::disk_queue_depth; ++i) port.forget(others + i);
  });
  CHECK(text == "too many commands of a disk are under way");
}

namespace {

/// What becomes of the volume when a machine starts with these drives: "served, 20 records" or the
/// like, "not served".
std::string served_from(const Images& images, unsigned drives, std::optional<unsigned> dead) {
  return in_child([&]() -> std::string {
    DiskRig rig({.drives = drives, .images = images.drives});
    if (dead) rig.machine.drive(*dead).set_dead(true);
    try {
      rig.start_volume();
    } catch (const std::runtime_error&) {
      return "not served";
    }
    return look(rig, images.acknowledged, 1) == "" ? "served, all there" : "served, some lost";
  });
}

}  // namespace

TEST_CASE("a mirror that was dropped is served alone only when the operator gives up the other") {
  const Images images = until_power_fails(100, [](DiskRig& rig) {
    rig.machine.drive(0).set_dead(true);
    rig.run(20'000);
  });
  CHECK(served_from(images, 2, {}) == "served, all there");
  CHECK(served_from(images, 2, 0) == "served, all there");  // drive 1 has gone on alone
  CHECK(served_from(images, 2, 1) == "not served");
  CHECK(served_from(images, 1, {}) == "served, some lost");
}

TEST_CASE("of mirrors that were equal, one that is there alone is not believed: it cannot know") {
  const Images images = until_power_fails(100);
  CHECK(served_from(images, 2, {}) == "served, all there");
  CHECK(served_from(images, 2, 0) == "not served");
  CHECK(served_from(images, 2, 1) == "not served");
  CHECK(served_from({{"", ""}, 0, ""}, 2, 1) == "served, all there");  // they were never used
}

TEST_CASE("a mirror that is late when the machine starts is waited for") {
  const Images images = until_power_fails(100);
  CHECK(in_child([&] {
          DiskRig rig({.images = images.drives});
          rig.machine.drive(1).set_dead(true);
          rig.perform(2, [](Guardian& guardian) -> Task<> {
            co_await guardian.newprocess(
                {.program = "disk", .name = *ProcessName::parse("$DATA"), .cpu = 0});
          });
          rig.run(3 * alive_interval);
          rig.machine.drive(1).set_dead(false);
          rig.run_until([&] { return rig.has_pair(); });
          return look(rig, images.acknowledged, 1);
        }) == "");
}

namespace {

/// Cycles of reading 16 blocks from one drive and writing them to the other: see disk_rig.cpp.
constexpr std::uint64_t piece_cycles = 300 + 600 + 2 * 20 * 16;

/// Cycles from the return of a drive of 4096 blocks until all is copied, with somebody who writes
/// or without; and by how much his longest write was longer than before.
std::pair<std::uint64_t, std::uint64_t> copy_times(bool busy) {
  const std::string text = in_child([busy] {
    DiskRig rig({.blocks = 4096});
    rig.start_volume();
    rig.run_until([&] { return rig.equal(); });
    bool go = busy;
    std::uint64_t longest = 0;
    rig.machine.drive(1).set_dead(true);
    rig.perform(2, [](Guardian& guardian) -> Task<> {
      co_await files(guardian).create("$DATA.X", {.max_bytes = 512});
    });
    rig.create(3, [&](Guardian& guardian) -> Task<> {
      const FileNumber file = co_await open_file(guardian, "$DATA.X");
      const Bytes data(512, std::byte{7});
      while (go) {
        const std::uint64_t begin = guardian.now();
        files(guardian).position(file, 0);
        co_await files(guardian).write(file, data);
        longest = std::max(longest, guardian.now() - begin);
        co_await sleep_for(guardian, 100);
      }
    });
    rig.run(400'000);
    const std::uint64_t before = longest;
    longest = 0;
    rig.machine.drive(1).set_dead(false);
    const std::uint64_t begin = rig.machine.cycle();
    rig.run_until([&] { return rig.image(1).substr(0, 512) == rig.image(0).substr(0, 512); });
    const std::uint64_t copied = rig.machine.cycle() - begin;
    go = false;
    return std::to_string(copied) + " " + std::to_string(longest - std::min(longest, before));
  });
  const std::size_t space = text.find(' ');
  REQUIRE(space != std::string::npos);
  return {std::stoull(text.substr(0, space)), std::stoull(text.substr(space))};
}

}  // namespace

TEST_CASE("a mirror that comes back is copied at the drives' speed, and requests wait a piece") {
  constexpr std::uint64_t pieces = 4096 / 16, notice = 100'000, pause = 2'000 + 1'000;
  const auto [alone, nobody] = copy_times(false);
  CHECK(alone < notice + pieces * piece_cycles * 3 / 2 + pieces / 16 * pause);
  const auto [beside, longer] = copy_times(true);
  CHECK(longer <= piece_cycles + 1'000);
  CHECK(beside < 40 * alone);
  CHECK(nobody == 0);
}

TEST_CASE("a drive that was being copied to is not believed even when there is no other") {
  Images images = until_power_fails(100, [](DiskRig& rig) {
    rig.machine.drive(0).set_dead(true);
    rig.run(20'000);
    rig.defects.unreadable = {{1, 100}};  // so that the copy does not end
    rig.machine.drive(0).set_dead(false);
    rig.run(300'000);
  });
  CHECK(in_child([&] {
          DiskRig rig({.drives = 1, .images = {images.drives[0], ""}});
          try {
            rig.start_volume();
          } catch (const std::runtime_error& error) {
            return std::string(error.what());
          }
          return std::string("it is believed");
        }) == "it does not come true");
}

TEST_CASE("a volume of one drive is served by a pair too") {
  DiskRig rig({.drives = 1});
  rig.start_volume();
  Writer writer;
  rig.create(3, writer.program(30));
  rig.run_until([&] { return writer.acknowledged == 10; });
  rig.halt(0);
  rig.run_until([&] { return writer.done(); });
  CHECK(text_of(writer.errors) == "");
  CHECK(look(rig, 30) == "");
}

TEST_CASE("who has a drive taken away says 210, or is asked again, and takes it back") {
  const unsigned sync_depth = GENERATE(0, 1);
  const std::uint64_t later = GENERATE(range(0, 5'000, 250));
  CAPTURE(sync_depth, later);
  const std::string text = in_child([sync_depth, later] {
    DiskRig rig;
    rig.start_volume();
    Writer writer;
    rig.create(3, writer.program(40, sync_depth));
    rig.run_until([&] { return writer.acknowledged == 10; });
    rig.run(later);
    rig.machine.drive(0).port(1).take();
    rig.run_until([&] { return writer.done(); });
    if (sync_depth == 0) return text_of(writer.errors).substr(0, 9);
    return text_of(writer.errors) + look(rig, 40);
  });
  CHECK(text == (sync_depth == 0 ? "error 210" : ""));
}
