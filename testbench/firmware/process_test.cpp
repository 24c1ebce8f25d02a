// Processes that make, stop and hear of each other. What is expected is section 5 and 6 of what
// Guardian's manuals say: names, startup message, notices to whoever made a process.

#include <catch2/catch.hpp>
#include <cstring>

#include "process_rig.h"

using namespace firmware_test;
using xybus::Abend;
using xybus::load_handle;
using xybus::load_word;
using xybus::ProcessControl;

namespace {

/// Waits for ever.
Task<> sleeper(Guardian& guardian) { co_await guardian.process().wait({}); }

constexpr std::uint32_t word(std::int32_t value) { return static_cast<std::uint32_t>(value); }

}  // namespace

TEST_CASE("a process is made on this and on another CPU, runs there, and has a handle") {
  ProcessRig machine(2);
  std::vector<ProcessHandle> ran, moms;
  machine.programs.add("child", [&](Guardian& guardian) -> Task<> {
    ran.push_back(guardian.handle());
    moms.push_back(guardian.mom());
    CHECK(guardian.cpu() == guardian.handle().at.cpu);
    CHECK_FALSE(guardian.name());
    CHECK(guardian.process().priority() == 77);
    co_return;
  });
  std::vector<ProcessHandle> made;
  Process& maker = machine.create(0, [&](Guardian& guardian) -> Task<> {
    for (const unsigned where : {0U, 1U}) {
      const auto created =
          co_await guardian.newprocess({.program = "child", .cpu = where, .priority = 77});
      CHECK(created.error == Error::none);
      made.push_back(created.process);
    }
    co_await guardian.process().wait({});
  });
  machine.rig.run(200'000);
  REQUIRE(made.size() == 2);
  CHECK(ran == made);
  CHECK(moms == std::vector(2, machine.guardian(0, maker).handle()));
  for (const unsigned cpu : {0U, 1U}) {
    CHECK(made[cpu].at.cpu == cpu);
    CHECK(made[cpu].created != 0);
    CHECK(machine.rig.kernel(cpu).dispatcher().find(made[cpu].at.pin) == nullptr);  // it returned
  }
}

TEST_CASE("the startup message is first on the new process's queue, with -1 in front") {
  ProcessRig machine(2);
  std::vector<Told> told;
  machine.programs.add("child", [&](Guardian& guardian) -> Task<> {
    told.push_back(co_await next_told(guardian));
  });
  const Bytes parameters = pattern(3, xybus::most_parameter_bytes);
  ProcessHandle maker;
  std::vector<ProcessHandle> made;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    maker = guardian.handle();
    for (const unsigned where : {0U, 1U}) {
      const auto created = co_await guardian.newprocess(
          {.program = "child", .cpu = where, .startup = parameters});
      CHECK(created.error == Error::none);
      made.push_back(created.process);
    }
  });
  machine.rig.run(200'000);
  REQUIRE(told.size() == 2);
  for (const unsigned where : {0U, 1U}) {
    const Told& one = told[where];
    CHECK(one.operation() == FileOperation::startup);
    CHECK(one.tag == 9);
    CHECK(one.from == ProcessAddress{static_cast<std::uint8_t>(where), 2});
    CHECK(xybus::opener_of(one.head) == maker);
    CHECK(one.head.server_created() == static_cast<std::uint32_t>(made.at(where).created));
    REQUIRE(one.data.size() == 596);  // the most that a startup message is
    CHECK(load_word(one.data) == word(-1));
    CHECK(Bytes(one.data.begin() + 4, one.data.end()) == parameters);
  }
}

TEST_CASE("each error of newprocess is given, and leaves no process behind") {
  ProcessRig machine(2, 0, [](KernelConfig& config) { config.processes = 3; });
  machine.programs.add("child", sleeper);
  machine.create(1, sleeper);
  unsigned checked = 0;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    const auto error = [&](NewProcess wanted) -> Task<Error> {
      const auto created = co_await guardian.newprocess(wanted);
      CHECK(static_cast<bool>(created.process) == (created.error == Error::none));
      ++checked;
      co_return created.error;
    };
    const Bytes too_long(xybus::most_parameter_bytes + 1);
    CHECK_AWAIT(error({.program = "nobody"}), Error::not_found);
    CHECK_AWAIT(error({.program = "a name of more than thirty-two characters"}), Error::not_found);
    CHECK_AWAIT(error({.program = "child", .cpu = 2}), Error::bounds);
    CHECK_AWAIT(error({.program = "child", .priority = 200}), Error::bounds);
    CHECK_AWAIT(error({.program = "child", .startup = too_long}), Error::bounds);
    CHECK_AWAIT(error({.program = "child", .backup = true}), Error::invalid_state);
    CHECK_AWAIT(error({.program = "child", .name = named("$A"), .cpu = 1}), Error::none);
    CHECK_AWAIT(error({.program = "child", .name = named("$a"), .cpu = 0}), Error::exists);
    CHECK_AWAIT(error({.program = "child", .name = named("$A"), .cpu = 1}), Error::exists);
    CHECK_AWAIT(error({.program = "child", .cpu = 1}), Error::none);
    CHECK_AWAIT(error({.program = "child", .cpu = 1}), Error::no_pcb);  // 3 are there
    machine.rig.messages(0).cpu_down(1);
    CHECK_AWAIT(error({.program = "child", .cpu = 1}), Error::path_down);
    machine.rig.messages(0).cpu_up(1, 0);
  });
  machine.rig.run(1'000'000);
  CHECK(checked == 12);
  CHECK(machine.processes(1) == 3);
  CHECK(machine.processes(0) == 0);
}

TEST_CASE("a name on the wire that is none is refused") {
  ProcessRig machine(2);
  machine.programs.add("child", sleeper);
  unsigned checked = 0;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    const auto send = [&](std::string_view name, std::uint8_t priority) -> Task<Error> {
      xybus::NewProcessRequest request{.program = "child", .named = true, .priority = priority};
      Bytes data = request.save();
      std::memcpy(data.data() + 4, name.data(), name.size());
      const Bytes message = file_message(FileOperation::newprocess, guardian.handle(), {}, data);
      Bytes reply(12);
      const auto done = co_await guardian.conversations().converse({1, ProcessControl::pin},
                                                                   message, reply, 16);
      ++checked;
      co_return done.error;
    };
    CHECK_AWAIT(send("", 100), Error::bad_name);
    CHECK_AWAIT(send("A", 100), Error::bad_name);
    CHECK_AWAIT(send("$", 100), Error::bad_name);
    CHECK_AWAIT(send("$1", 100), Error::bad_name);
    CHECK_AWAIT(send("$A.B", 100), Error::bad_name);
    CHECK_AWAIT(send("$OK", 0), Error::bounds);
    CHECK_AWAIT(send("$OK", 200), Error::bounds);
    CHECK_AWAIT(send("$OK", 100), Error::none);
    const Bytes shorter(31), other = file_message(FileOperation::write, guardian.handle(), {}, {});
    const Bytes cut = file_message(FileOperation::newprocess, guardian.handle(), {}, shorter);
    const auto raw = [&](std::span<const std::byte> message) -> Task<Error> {
      ++checked;
      co_return (co_await guardian.conversations().converse({1, 2}, message, {}, 16)).error;
    };
    CHECK_AWAIT(raw(shorter), Error::bounds);
    CHECK_AWAIT(raw(other), Error::invalid_operation);
    CHECK_AWAIT(raw(std::span(cut).first(40)), Error::bounds);
  });
  machine.rig.run(1'000'000);
  CHECK(checked == 11);
  CHECK(machine.processes(1) == 1);
}

TEST_CASE("who does not wait for a new process is told by a message, with its tag") {
  ProcessRig machine(2);
  machine.programs.add("child", sleeper);
  std::vector<Told> told;
  std::vector<Error> at_once;
  Process& maker = machine.create(0, [&](Guardian& guardian) -> Task<> {
    const Bytes too_long(593);
    at_once.push_back(guardian.newprocess_nowait({.program = "child", .startup = too_long}, 1));
    at_once.push_back(guardian.newprocess_nowait({.program = "child", .cpu = 1}, 71));
    at_once.push_back(guardian.newprocess_nowait({.program = "nobody", .cpu = 1}, 72));
    at_once.push_back(guardian.newprocess_nowait({.program = "child", .name = named("$X")}, 73));
    for (int i = 0; i < 3; ++i) told.push_back(co_await next_told(guardian));
    co_await guardian.process().wait({});
  });
  machine.rig.run(1'000'000);
  CHECK(at_once == std::vector{Error::bounds, Error::none, Error::none, Error::none});
  REQUIRE(told.size() == 3);
  std::map<std::uint32_t, ProcessMessage> by_tag;
  for (const Told& one : told) {
    CHECK(one.operation() == FileOperation::process_created);
    CHECK(one.tag == 12);
    CHECK(load_word(one.data) == word(-12));
    CHECK(one.head.server_created() ==
          static_cast<std::uint32_t>(machine.guardian(0, maker).handle().created));
    const auto message = ProcessMessage::load(one.data);
    REQUIRE(message);
    by_tag[message->tag] = *message;
  }
  REQUIRE(by_tag.size() == 3);
  CHECK(by_tag[71].error == Error::none);
  CHECK(by_tag[71].process.at.cpu == 1);
  CHECK(by_tag[72].error == Error::not_found);
  CHECK_FALSE(by_tag[72].process);
  CHECK(by_tag[73].process == machine.dct(1).lookup(named("$X"))->primary);
}

TEST_CASE("more than 32 processes that nobody waits for are not made at a time") {
  ProcessRig machine(2);
  machine.programs.add("child", sleeper);
  std::vector<Error> errors;
  unsigned told = 0;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    for (unsigned i = 0; i < 33; ++i) {
      errors.push_back(guardian.newprocess_nowait({.program = "child", .cpu = i % 2}, i));
    }
    for (; told < 32; ++told) co_await next_told(guardian);
  });
  machine.rig.run(2'000'000);
  CHECK(errors == [] {
    std::vector<Error> expected(33, Error::none);
    expected.back() = Error::too_many;
    return expected;
  }());
  CHECK(told == 32);
  CHECK(machine.processes(0) + machine.processes(1) == 32);
}

namespace {

/// Ends in each of the ways that there are.
void add_ends(ProcessRig& machine) {
  machine.programs.add("returns", [](Guardian&) -> Task<> { co_return; });
  machine.programs.add("throws", [](Guardian&) -> Task<> {
    throw Abend{};
    co_return;
  });
  machine.programs.add("abends", [](Guardian& guardian) -> Task<> {
    co_await guardian.abend();
    FAIL("it came back");
  });
  machine.programs.add("stops", [](Guardian& guardian) -> Task<> {
    co_await guardian.stop(guardian.handle());
    FAIL("it came back");
  });
  machine.programs.add("sleeps", sleeper);
}

}  // namespace

TEST_CASE("whoever made a process is told that it stopped or abended, wherever they are") {
  struct Way {
    const char* program;
    bool by_other;
    bool badly;
    unsigned where;
    const char* name;
  };
  std::vector<Way> ways;
  for (const char* name : {"", "$CHILD"}) {
    for (const unsigned where : {0U, 1U}) {
      ways.insert(ways.end(), {{"returns", false, false, where, name},
                               {"throws", false, true, where, name},
                               {"abends", false, true, where, name},
                               {"stops", false, false, where, name},
                               {"sleeps", true, false, where, name},
                               {"sleeps", true, true, where, name}});
    }
  }
  ProcessRig machine(2);
  add_ends(machine);
  unsigned tried = 0;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    for (const Way& way : ways) {
      CAPTURE(way.program, way.by_other, way.badly, way.where, way.name);
      const ProcessName name = ProcessName::parse(way.name).value_or(ProcessName{});
      // The name of the one before may be in the table for a while.
      Created made = co_await guardian.newprocess(
          {.program = way.program, .name = name, .cpu = way.where});
      while (made.error == Error::exists) {
        co_await guardian.process().wait({}, 1000);
        made = co_await guardian.newprocess(
            {.program = way.program, .name = name, .cpu = way.where});
      }
      CHECK(made.error == Error::none);
      if (way.by_other && way.badly) CHECK_AWAIT(guardian.abend(made.process), Error::none);
      if (way.by_other && !way.badly) CHECK_AWAIT(guardian.stop(made.process), Error::none);
      const Told told = co_await next_told(guardian);
      CHECK_AWAIT(guardian.stop(made.process), Error::no_process);
      CHECK(told.operation() ==
            (way.badly ? FileOperation::process_abended : FileOperation::process_stopped));
      CHECK(told.tag == (way.badly ? 11 : 10));
      CHECK(told.from == ProcessAddress{static_cast<std::uint8_t>(way.where), 2});
      CHECK(told.data.size() == ProcessMessage::bytes);
      CHECK(load_word(told.data) == word(way.badly ? -6 : -5));
      CHECK(ProcessMessage::load(told.data)->process == made.process);
      CHECK(ProcessMessage::load(told.data)->name == name);
      ++tried;
    }
  });
  machine.rig.run(3'000'000);
  CHECK(tried == ways.size());
  for (const unsigned cpu : {0U, 1U}) CHECK(machine.dct(cpu).entries().empty());
}

TEST_CASE("a CPU that is in no view yet makes processes of its own, and none elsewhere") {
  ProcessRig machine(2, 100'000);
  Told told;
  machine.programs.add("child", [&](Guardian& guardian) -> Task<> {
    told = co_await next_told(guardian);
  });
  machine.rig.node(0).halt();  // so nobody takes it in
  machine.rig.node(1).halt();
  machine.rig.run(10'000);
  machine.rig.restart(1, 1);
  bool was_member = true;
  std::vector<Error> errors;
  const Bytes parameters = pattern(1, 8);
  machine.create(1, [&](Guardian& guardian) -> Task<> {
    const auto made =
        co_await guardian.newprocess({.program = "child", .startup = parameters});
    errors.push_back(made.error);
    errors.push_back((co_await guardian.newprocess({.program = "child", .cpu = 0})).error);
    CHECK(guardian.newprocess_nowait({.program = "child", .cpu = 0}, 5) == Error::none);
    Told created;  // after that its child has stopped
    while (created.operation() != FileOperation::process_created) {
      created = co_await next_told(guardian);
    }
    errors.push_back(ProcessMessage::load(created.data)->error);
    was_member = guardian.membership().member();
  });
  machine.rig.run(100'000);
  CHECK_FALSE(was_member);
  CHECK(errors == std::vector{Error::none, Error::path_down, Error::path_down});
  CHECK(told.operation() == FileOperation::startup);
}

TEST_CASE("a notice that its process has no room for yet is not lost") {
  ProcessRig machine(2);
  add_ends(machine);
  std::vector<Told> told;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    CHECK(guardian.messages().set_limits(guardian.process(), {.receive = 1, .send = 10}) ==
          Error::none);
    for (unsigned i = 0; i < 5; ++i) {
      const auto made = co_await guardian.newprocess({.program = "returns", .cpu = 1});
      CHECK(made.error == Error::none);
    }
    co_await guardian.process().wait({}, 50'000);
    while (told.size() < 5) told.push_back(co_await next_told(guardian));
  });
  machine.rig.run(300'000);
  CHECK(told.size() == 5);
  CHECK(machine.rig.count(0, KernelEvent::link_refused) > 0);  // there was none for some
  CHECK(machine.rig.at_rest());
}
