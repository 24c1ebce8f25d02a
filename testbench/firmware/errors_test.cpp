// Every error number there is, told to a process by the calls that programs use. A number of the
// contract that has no case here fails.

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <string>

#include "../disks/disk_rig.h"
#include "../model/in_child.h"

using namespace disks_test;
using xybus::test::in_child;

namespace {

using Body = std::function<Task<Error>(Guardian&)>;
using Case = std::function<Error(DiskRig&)>;

/// What a process on CPU 2 says.
Error ask(DiskRig& rig, Body body) {
  Error error = Error::none;
  rig.perform(2, [&](Guardian& guardian) -> Task<> { error = co_await body(guardian); });
  return error;
}

Case call(Body body) {
  return [body](DiskRig& rig) { return ask(rig, body); };
}

/// The same, when there is a volume $DATA with an empty file FILE of 1024 bytes; `file` is open.
Case on_disk(std::function<Task<Error>(DiskRig&, FileSystem&, FileNumber)> body) {
  return [body](DiskRig& rig) {
    rig.start_volume();
    return ask(rig, [&rig, body](Guardian& guardian) -> Task<Error> {
      FileSystem& system = files(guardian);
      co_await system.create("$DATA.FILE", {.max_bytes = 1024});
      const FileNumber file = co_await open_file(guardian, "$DATA.FILE", 0);
      co_return co_await body(rig, system, file);
    });
  };
}

/// Reads all that comes and replies to nothing: program "mute". `reads` counts requests.
void add_mute(DiskRig& rig, unsigned& reads, unsigned stop_after = ~0U) {
  rig.programs.add("mute", [&reads, stop_after](Guardian& guardian) -> Task<> {
    FileSystem& system = files(guardian);
    co_await system.open("$RECEIVE", {.receive_depth = most_receive_depth});
    for (Bytes in(16); reads < stop_after;) {
      const IoResult read = co_await system.readupdate(in);
      if (read.error == Error::none) ++reads;
      if (read.error == Error::bad_tag) co_await guardian.process().wait({});
    }
  });
}

Task<ProcessHandle> make(Guardian& guardian, std::string_view program, std::string_view name,
                         unsigned cpu = 3) {
  const Created made = co_await guardian.newprocess(
      {.program = program, .name = *ProcessName::parse(name), .cpu = cpu});
  co_return made.process;
}

/// Makes processes until that is refused.
Case processes_until_refused(bool named) {
  return [named](DiskRig& rig) {
    rig.programs.add("idle", [](Guardian& guardian) -> Task<> {
      co_await guardian.process().wait({});
    });
    return ask(rig, [named](Guardian& guardian) -> Task<Error> {
      for (unsigned i = 0; i < 2'000; ++i) {
        ProcessName name;
        if (named) name = *ProcessName::parse("$N" + std::to_string(i));
        const Created made = co_await guardian.newprocess(
            {.program = "idle", .name = name, .cpu = named ? i % 4 : 3});
        if (made.error != Error::none) co_return made.error;
      }
      co_return Error::none;
    });
  };
}

/// A server that has read a request and not replied, whose process or CPU then ends.
Error server_ends(DiskRig& rig, bool with_its_cpu) {
  unsigned reads = 0;
  add_mute(rig, reads, with_its_cpu ? ~0U : 1);
  Error error = Error::none;
  bool done = false;
  rig.create(2, [&](Guardian& guardian) -> Task<> {
    co_await make(guardian, "mute", "$MUTE");
    const Opened opened = co_await files(guardian).open("$MUTE");
    error = (co_await files(guardian).write(opened.file, {})).error;
    done = true;
  });
  rig.run_until([&] { return reads == 1; });
  if (with_its_cpu) rig.halt(3);
  rig.run_until([&] { return done; });
  return error;
}

Error no_lcb(DiskRig& rig) {
  unsigned reads = 0;
  add_mute(rig, reads);
  return ask(rig, [](Guardian& guardian) -> Task<Error> {
    FileSystem& system = files(guardian);
    co_await make(guardian, "mute", "$MUTE");
    for (unsigned i = 0; i < 100; ++i) {
      const Opened opened = co_await system.open("$MUTE", {.nowait_depth = most_nowait});
      if (opened.error != Error::none) co_return opened.error;
      for (unsigned n = 0; n < most_nowait; ++n) {
        const IoResult result = co_await system.write(opened.file, {});
        if (result.error != Error::none) co_return result.error;
      }
      const FileCompletion refused = co_await system.awaitio(any_file, 0);
      if (refused.error != Error::timeout) co_return refused.error;
    }
    co_return Error::none;
  });
}

Error name_used_again(DiskRig& rig) {
  unsigned reads = 0;
  add_mute(rig, reads);
  return ask(rig, [](Guardian& guardian) -> Task<Error> {
    const ProcessHandle first = co_await make(guardian, "mute", "$NAME");
    const Opened opened = co_await files(guardian).open("$NAME", {.sync_depth = 1});
    co_await guardian.stop(first);
    while (guardian.dct().lookup(*ProcessName::parse("$NAME")) != nullptr) {
      co_await sleep_for(guardian, 1'000);
    }
    co_await make(guardian, "mute", "$NAME", 1);
    co_return (co_await files(guardian).write(opened.file, {})).error;
  });
}

/// Of the backup of the disk process, by its handle.
Error not_the_primary(DiskRig& rig) {
  rig.start_volume();
  const ProcessHandle backup = rig.entry(2)->backup;
  return ask(rig, [backup](Guardian& guardian) -> Task<Error> {
    co_return (co_await files(guardian).open(backup)).error;
  });
}

const std::map<Error, Case>& cases() {
  static const std::map<Error, Case> all{
      {Error::none, on_disk([](DiskRig&, FileSystem& system, FileNumber file) -> Task<Error> {
         co_return (co_await system.write(file, Bytes(3))).error;
       })},
      {Error::end_of_file,
       on_disk([](DiskRig&, FileSystem& system, FileNumber file) -> Task<Error> {
         Bytes in(1);
         co_return (co_await system.read(file, in)).error;
       })},
      {Error::invalid_operation,
       on_disk([](DiskRig&, FileSystem& system, FileNumber file) -> Task<Error> {
         co_return (co_await system.writeread(file, {}, {})).error;
       })},
      {Error::system_message, call([](Guardian& guardian) -> Task<Error> {
         FileSystem& system = files(guardian);
         co_await system.open("$RECEIVE");
         system.set_timer(100, 1);
         Bytes in(8);
         co_return (co_await system.readupdate(in)).error;
       })},
      {Error::exists, on_disk([](DiskRig&, FileSystem& system, FileNumber) -> Task<Error> {
         co_return co_await system.create("$DATA.FILE");
       })},
      {Error::not_found, on_disk([](DiskRig&, FileSystem& system, FileNumber) -> Task<Error> {
         co_return (co_await system.open("$DATA.OTHER")).error;
       })},
      {Error::bad_name, call([](Guardian& guardian) -> Task<Error> {
         co_return (co_await files(guardian).open("NAME")).error;
       })},
      {Error::no_process, call([](Guardian& guardian) -> Task<Error> {
         co_return (co_await files(guardian).open("$NOBODY")).error;
       })},
      {Error::not_open, call([](Guardian& guardian) -> Task<Error> {
         co_return (co_await files(guardian).write(7, {})).error;
       })},
      {Error::bounds, call([](Guardian& guardian) -> Task<Error> {
         const Bytes parameters(most_parameter_bytes + 1);
         co_return (co_await guardian.newprocess({.program = "disk", .startup = parameters})).error;
       })},
      {Error::nothing_outstanding, call([](Guardian& guardian) -> Task<Error> {
         co_return (co_await files(guardian).awaitio(any_file)).error;
       })},
      {Error::too_many, on_disk([](DiskRig&, FileSystem& system, FileNumber) -> Task<Error> {
         co_return (co_await system.open("$DATA.FILE", {.nowait_depth = 2})).error;
       })},
      {Error::no_lcb, no_lcb},
      {Error::no_pcb, processes_until_refused(false)},
      {Error::timeout, call([](Guardian& guardian) -> Task<Error> {
         FileSystem& system = files(guardian);
         co_await system.open("$RECEIVE");
         co_return (co_await system.readupdate({}, 1'000)).error;
       })},
      {Error::disk_full,
       on_disk([](DiskRig&, FileSystem& system, FileNumber file) -> Task<Error> {
         co_return (co_await system.write(file, Bytes(1025))).error;
       })},
      {Error::table_full, processes_until_refused(true)},
      {Error::other_process, name_used_again},
      {Error::device_down,
       on_disk([](DiskRig& rig, FileSystem& system, FileNumber file) -> Task<Error> {
         for (const unsigned drive : {0, 1}) rig.machine.drive(drive).set_dead(true);
         co_return (co_await system.write(file, Bytes(1))).error;
       })},
      {Error::bad_tag, call([](Guardian& guardian) -> Task<Error> {
         co_await files(guardian).open("$RECEIVE");
         co_return co_await files(guardian).reply({}, Error::none, 0);
       })},
      {Error::bad_data,
       on_disk([](DiskRig& rig, FileSystem& system, FileNumber file) -> Task<Error> {
         co_await system.write(file, Bytes(512));
         // The first block behind the label and 8 blocks of directory, on both drives.
         rig.defects.unreadable = {{0, 9}, {1, 9}};
         system.position(file, 0);
         Bytes in(512);
         co_return (co_await system.read(file, in)).error;
       })},
      {Error::invalid_state, call([](Guardian& guardian) -> Task<Error> {
         co_await files(guardian).open("$RECEIVE");
         co_return (co_await files(guardian).open("$RECEIVE")).error;
       })},
      {Error::wrong_owner, not_the_primary},
      {Error::path_down, [](DiskRig& rig) { return server_ends(rig, false); }},
      {Error::ownership_changed,
       on_disk([](DiskRig& rig, FileSystem& system, FileNumber file) -> Task<Error> {
         rig.machine.drive(0).port(1).take();
         co_return (co_await system.write(file, Bytes(1))).error;
       })},
      {Error::cpu_failed, [](DiskRig& rig) { return server_ends(rig, true); }},
  };
  return all;
}

std::string told(Error wanted) {
  const auto found = cases().find(wanted);
  if (found == cases().end()) return "no case provokes it";
  return in_child([&] {
    DiskRig rig;
    return "error " + std::to_string(static_cast<unsigned>(found->second(rig)));
  });
}

}  // namespace

TEST_CASE("each error number of the contract is told to some process that provokes it") {
  unsigned numbers = 0;
  for (unsigned number = 0; number < 4096; ++number) {
    const auto error = static_cast<Error>(number);
    if (std::string(contract::name(error)) == "?") continue;
    CAPTURE(contract::name(error));
    CHECK(told(error) == "error " + std::to_string(number));
    ++numbers;
  }
  CHECK(numbers == cases().size());
}

TEST_CASE("the numbers of Guardian that programs are told are in the contract") {
  for (const unsigned number : {16, 22, 26, 30, 40, 44, 60, 66, 74, 160, 200, 201, 210, 211}) {
    CAPTURE(number);
    CHECK(std::string(contract::name(static_cast<Error>(number))) != "?");
    CHECK(cases().contains(static_cast<Error>(number)));
  }
}
