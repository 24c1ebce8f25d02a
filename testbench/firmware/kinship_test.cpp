// Pairs and parents: who is whose mom, who is told of an end; what a layer above is told; and what
// is left when somebody goes in the middle.

#include <catch2/catch.hpp>
#include <random>

#include "../model/in_child.h"
#include "process_rig.h"

using namespace firmware_test;
using xybus::Abend;
using xybus::ProcessControl;
using xybus::test::in_child;

namespace {

/// A pair $P on CPUs 1 and 2, made by a process on CPU 0; all that its members and its maker hear.
struct Family {
  explicit Family(std::uint64_t alive_interval = 0) : machine(3, alive_interval) {
    machine.programs.add("member", [this](Guardian& guardian) { return member(guardian); });
    maker = &machine.create(0, [this](Guardian& guardian) -> Task<> {
      primary = (co_await guardian.newprocess(
                     {.program = "member", .name = named("$P"), .cpu = 1})).process;
      while (true) maker_told.push_back(co_await next_told(guardian));
    });
    machine.rig.run(200'000);
  }

  Task<> member(Guardian& guardian) {
    if (!guardian.backup()) {
      CHECK(guardian.mom() == machine.guardian(0, *maker).handle());
      const auto made = co_await guardian.newprocess(
          {.program = "member", .cpu = 2, .backup = true});
      CHECK(made.error == Error::none);
      backup = made.process;
      CHECK(guardian.mom() == backup);
      CHECK_AWAIT(again(guardian), Error::invalid_state);
    } else {
      CHECK(guardian.mom() == guardian.dct().lookup(named("$P"))->primary);
    }
    CHECK(guardian.name() == named("$P"));
    while (true) told.push_back({guardian.handle(), co_await next_told(guardian)});
  }

  Task<Error> again(Guardian& guardian) {
    co_return (co_await guardian.newprocess({.program = "member", .cpu = 0, .backup = true})).error;
  }

  Guardian& of(const ProcessHandle& member) {
    return machine.guardian(member.at.cpu,
                            *machine.rig.kernel(member.at.cpu).dispatcher().find(member.at.pin));
  }
  void stop(const ProcessHandle& member) {
    machine.rig.on_cpu(member.at.cpu, [&] {
      auto& dispatcher = machine.rig.kernel(member.at.cpu).dispatcher();
      dispatcher.stop(*dispatcher.find(member.at.pin));
    });
    machine.rig.run(200'000);
  }

  ProcessRig machine;
  Process* maker = nullptr;
  ProcessHandle primary, backup;
  std::vector<Told> maker_told;
  std::vector<std::pair<ProcessHandle, Told>> told;
};

}  // namespace

TEST_CASE("when the primary stops its backup is told and takes its place, and later the ancestor") {
  Family family;
  REQUIRE(family.backup);
  family.stop(family.primary);
  REQUIRE(family.told.size() == 1);
  CHECK(family.told[0].first == family.backup);
  CHECK(family.told[0].second.operation() == FileOperation::process_stopped);
  CHECK(ProcessMessage::load(family.told[0].second.data)->process == family.primary);
  CHECK(family.maker_told.empty());
  for (unsigned cpu = 0; cpu < 3; ++cpu) {
    CHECK(family.machine.dct(cpu).lookup(named("$P"))->primary == family.backup);
    CHECK_FALSE(family.machine.dct(cpu).lookup(named("$P"))->backup);
  }
  CHECK(family.of(family.backup).mom() ==
        family.machine.guardian(0, *family.maker).handle());
  family.stop(family.backup);
  REQUIRE(family.maker_told.size() == 1);
  CHECK(ProcessMessage::load(family.maker_told[0].data)->process == family.backup);
  CHECK(family.machine.dct(0).entries().empty());
}

TEST_CASE("when the backup stops its primary is told, and nobody else") {
  Family family;
  family.stop(family.backup);
  REQUIRE(family.told.size() == 1);
  CHECK(family.told[0].first == family.primary);
  CHECK(family.maker_told.empty());
  CHECK(family.machine.dct(2).lookup(named("$P"))->primary == family.primary);
  CHECK_FALSE(family.machine.dct(2).lookup(named("$P"))->backup);
}

TEST_CASE("that a CPU has failed is no message of process control, and the backup takes over") {
  Family family(100'000);
  family.machine.rig.node(1).halt();
  family.machine.rig.run(500'000);
  CHECK(family.told.empty());
  CHECK(family.maker_told.empty());
  for (const unsigned cpu : {0U, 2U}) {
    CHECK(family.machine.dct(cpu).lookup(named("$P"))->primary == family.backup);
  }
}

TEST_CASE("a primary gives its place to its backup, which only one that has one can") {
  Family family;
  Error single = Error::none;
  family.machine.create(0, [&](Guardian& guardian) -> Task<> {
    single = co_await guardian.switch_roles();
  });
  family.machine.rig.run(100'000);
  CHECK(single == Error::invalid_state);

  ProcessRig& machine = family.machine;
  std::vector<Error> errors;
  machine.programs.add("switcher", [&](Guardian& guardian) -> Task<> {
    if (!guardian.backup()) {
      errors.push_back(co_await guardian.switch_roles());  // alone
      co_await guardian.newprocess({.program = "switcher", .cpu = 2, .backup = true});
      errors.push_back(co_await guardian.switch_roles());
      errors.push_back(co_await guardian.switch_roles());  // it is the backup now
      const DctEntry& entry = *guardian.dct().lookup(named("$S"));
      CHECK(entry.backup == guardian.handle());
      CHECK(entry.primary.at.cpu == 2);
    }
    co_await guardian.process().wait({});
  });
  machine.create(0, [](Guardian& guardian) -> Task<> {
    co_await guardian.newprocess({.program = "switcher", .name = named("$S"), .cpu = 1});
  });
  machine.rig.run(500'000);
  CHECK(errors == std::vector{Error::invalid_state, Error::none, Error::invalid_state});
}

TEST_CASE("a process that is stopped before it has its name leaves none, and its maker is told") {
  ProcessRig machine(2);
  bool ran = false;
  machine.programs.add("child", [&](Guardian&) -> Task<> {
    ran = true;
    co_return;
  });
  Error error = Error::none;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    error = (co_await guardian.newprocess(
                 {.program = "child", .name = named("$X"), .cpu = 1})).error;
  });
  while (machine.processes(1) == 0) machine.rig.run(20);
  CHECK(machine.dct(1).entries().empty());
  auto& dispatcher = machine.rig.kernel(1).dispatcher();
  dispatcher.stop(*dispatcher.find(xybus::Dispatcher::first_pin));
  machine.rig.run(200'000);
  CHECK(error == Error::no_process);
  CHECK_FALSE(ran);
  for (const unsigned cpu : {0U, 1U}) CHECK(machine.dct(cpu).entries().empty());
  CHECK(machine.rig.at_rest());
}

namespace {

struct Layer : Guardian::Extension {
  explicit Layer(Guardian& own) : guardian(own) { ++alive; }
  ~Layer() override { --alive; }
  void stopped() override {
    ++told;
    guardian.control().tell(peer, FileOperation::close, guardian.handle(), {});
  }
  Guardian& guardian;
  ProcessHandle peer;
  static inline int alive = 0, told = 0;
};

/// What a process has on its stack when it is stopped.
struct Local {
  Layer& layer;
  ~Local() { CHECK(Layer::alive == 1); }
};

}  // namespace

TEST_CASE("a layer above is made once, told of the stop, outlives the code, and then is gone") {
  Layer::alive = Layer::told = 0;
  ProcessRig machine(2);
  std::vector<Told> told;
  Process& peer = machine.create(1, [&](Guardian& guardian) -> Task<> {
    told.push_back(co_await next_told(guardian));
  });
  Process& process = machine.create(0, [&](Guardian& guardian) -> Task<> {
    CHECK_FALSE(guardian.has_extension(Guardian::Slot::files));
    Local local{guardian.extension<Layer>(Guardian::Slot::files)};
    CHECK(&guardian.extension<Layer>(Guardian::Slot::files) == &local.layer);
    local.layer.peer = machine.guardian(1, peer).handle();
    co_await guardian.process().wait({});
  });
  machine.rig.run(20'000);
  CHECK(Layer::alive == 1);
  const ProcessHandle handle = machine.guardian(0, process).handle();
  machine.rig.on_cpu(0, [&] { machine.rig.kernel(0).dispatcher().stop(process); });
  CHECK(Layer::alive == 0);
  CHECK(Layer::told == 1);
  machine.rig.run(50'000);
  REQUIRE(told.size() == 1);
  CHECK(told[0].operation() == FileOperation::close);
  CHECK(xybus::opener_of(told[0].head) == handle);
  CHECK(machine.rig.at_rest());
}

TEST_CASE("a conversation's time is not put off by the ends of other links") {
  ProcessRig machine(1);
  Process& silent = machine.rig.create(0, 90, [](Process& self) -> Task<> {
    co_await self.wait({});
  });
  Process& slow = machine.rig.create(0, 90, [&](Process& self) -> Task<> {
    for (;;) {
      const Request request = co_await next_request(machine.rig.messages(0), self);
      co_await self.compute(2000);
      co_await machine.rig.messages(0).writelink(self, request.link, {});
    }
  });
  std::uint64_t took = 0;
  Error error = Error::none;
  machine.create(0, [&](Guardian& guardian) -> Task<> {
    auto& own = guardian.conversations();
    for (int i = 0; i < 3; ++i) CHECK(own.start({0, slow.pin()}, {}, {}, 0));
    const std::uint64_t begin = guardian.now();
    error = (co_await own.converse({0, silent.pin()}, {}, {}, 0, 9000)).error;
    took = guardian.now() - begin;
  });
  machine.rig.run(500'000);
  CHECK(error == Error::timeout);
  CHECK(took >= 9000);
  CHECK(took < 11'000);
}

TEST_CASE("makers, made and CPUs go at any moment, and process control keeps nothing") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    CHECK(in_child([seed]() -> std::string {
            std::mt19937 random(seed);
            ProcessRig machine(3, 100'000);
            machine.programs.add("child", [&](Guardian& guardian) -> Task<> {
              co_await guardian.process().wait({}, 1 + random() % 60'000);
              if (random() % 2 == 0) throw Abend{};
            });
            std::vector<std::pair<unsigned, Process*>> makers;
            const Bytes parameters(500);
            for (unsigned i = 0; i < 6; ++i) {
              makers.emplace_back(i % 3, &machine.create(i % 3, [&](Guardian& guardian) -> Task<> {
                for (unsigned n = 0; n < 20; ++n) {
                  const ProcessName name =
                      n % 2 == 0 ? named("$N" + std::to_string(random() % 8)) : ProcessName{};
                  const xybus::NewProcess wanted{.program = "child",
                                                 .name = name,
                                                 .cpu = random() % 3,
                                                 .startup = parameters};
                  if (n % 3 == 0) {
                    guardian.newprocess_nowait(wanted, n);
                  } else {
                    co_await guardian.newprocess(wanted);
                  }
                }
              }));
            }
            machine.rig.run(random() % 60'000);
            for (const auto& [cpu, maker] : makers) {
              if (random() % 2 == 0) continue;
              machine.rig.on_cpu(cpu, [&] { machine.rig.kernel(cpu).dispatcher().stop(*maker); });
            }
            machine.rig.run(random() % 60'000);
            machine.rig.node(random() % 2 == 0 ? 0 : 2).halt();
            machine.rig.run(3'000'000);
            std::string wrong;
            for (unsigned cpu = 0; cpu < 3; ++cpu) {
              if (machine.rig.node(cpu).halted()) continue;
              if (machine.rig.kernel(cpu).control().held() != 0) wrong += "something is held; ";
              if (machine.rig.kernel(cpu).held() != xybus::Held{}) wrong += "links are held; ";
              if (!machine.dct(cpu).entries().empty()) wrong += "a name is left; ";
              if (machine.processes(cpu) != 0) wrong += "a process is left; ";
            }
            return wrong;
          }) == "");
  }
}
