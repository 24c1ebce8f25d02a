// Messages that the kernel itself sends to processes.

#include <catch2/catch.hpp>

#include "firmware/message/wire.h"
#include "rig.h"

using namespace firmware_test;
using xybus::SystemCode;
using xybus::SystemMessage;

namespace {

/// Listens, reads and ends what is on the queue; gives it in order, and leaves requests alone.
Task<std::vector<SystemMessage>> take_all(MessageSystem& messages, Process& self) {
  std::vector<SystemMessage> taken;
  while (const auto request = messages.listen(self)) {
    REQUIRE(request->system != SystemCode::none);
    CHECK(request->length == xybus::system_message_bytes);
    CHECK(request->reply_room == 0);
    Bytes data(100);
    CHECK_AWAIT(messages.readlink(self, request->link, data), Error::none);
    const SystemMessage message{static_cast<SystemCode>(xybus::load_word(data)),
                                xybus::load_word(std::span(data).subspan(4))};
    CHECK(message.code == request->system);
    CHECK_AWAIT(messages.writelink(self, request->link, {}), Error::none);
    CHECK_AWAIT(messages.writelink(self, request->link, {}), Error::not_open);
    taken.push_back(message);
  }
  co_return taken;
}

SystemMessage down(unsigned cpu) { return {SystemCode::cpu_down, cpu}; }
SystemMessage up(unsigned cpu) { return {SystemCode::cpu_up, cpu}; }

/// A process that asked for some CPUs, told of things by hand.
struct Scene {
  explicit Scene(std::function<void(KernelConfig&)> configure = {}) : rig(4, configure) {}

  /// Runs `test` as the process; `take` gives what it was told since the last time.
  void run(std::uint32_t mask, std::function<Task<>(Process&)> test) {
    rig.create(0, 100, [&](Process& self) -> Task<> {
      messages().monitor_cpus(self, mask);
      co_await test(self);
      finished = true;
    });
    rig.run(100'000);
    CHECK(finished);
    CHECK(rig.at_rest());
  }
  MessageSystem& messages() { return rig.messages(0); }

  Rig rig;
  bool finished = false;
};

using Told = std::vector<SystemMessage>;

}  // namespace

TEST_CASE("who asked for a CPU is told when it goes down (-2) and comes up (-3)") {
  CHECK(static_cast<int>(SystemCode::cpu_down) == -2);
  CHECK(static_cast<int>(SystemCode::cpu_up) == -3);
  Scene s;
  s.run(1U << 1 | 1U << 3, [&](Process& self) -> Task<> {
    CHECK_FALSE(s.messages().listen(self));
    s.messages().cpu_down(1);
    CHECK_AWAIT(self.wait(EventBit::lreq, 0), EventBit::lreq);
    CHECK_AWAIT(take_all(s.messages(), self), Told{down(1)});
    s.messages().cpu_down(2);  // not asked for
    CHECK_AWAIT(self.wait(EventBit::lreq, 0), EventBit::itime);
    s.messages().cpu_down(3);
    s.messages().cpu_up(1, 0);
    CHECK_AWAIT(take_all(s.messages(), self), (Told{down(3), up(1)}));
    s.messages().monitor_cpus(self, 0);
    s.messages().cpu_up(3, 0);
    s.messages().cpu_down(1);
    CHECK_AWAIT(take_all(s.messages(), self), Told{});
  });
  CHECK(s.rig.count(0, KernelEvent::system_message) == 3);
  CHECK(s.rig.count(0, KernelEvent::link_queued) == 0);
  CHECK(s.rig.count(0, KernelEvent::link_listened) == 0);
  CHECK(s.rig.count(0, KernelEvent::link_replied) == 0);
}

TEST_CASE("what nobody has listened to is not told twice, and the last word is how it is") {
  Scene s;
  s.run(0xe, [&](Process& self) -> Task<> {
    for (int i = 0; i < 5; ++i) s.messages().cpu_down(1);
    CHECK_AWAIT(take_all(s.messages(), self), Told{down(1)});
    for (int i = 0; i < 5; ++i) s.messages().cpu_up(1, 0);
    CHECK_AWAIT(take_all(s.messages(), self), Told{up(1)});
    for (int i = 0; i < 5; ++i) {
      s.messages().cpu_down(2);
      s.messages().cpu_up(2, 0);
    }
    CHECK_AWAIT(take_all(s.messages(), self), (Told{down(2), up(2)}));
    for (int i = 0; i < 5; ++i) {
      s.messages().cpu_down(3);
      s.messages().cpu_up(3, 0);
    }
    s.messages().cpu_down(3);
    CHECK_AWAIT(take_all(s.messages(), self), Told{down(3)});
    s.messages().cpu_up(3, 0);
    s.messages().cpu_down(3);  // a second death after one that was told of
    CHECK_AWAIT(take_all(s.messages(), self), Told{down(3)});
  });
}

TEST_CASE("a process with no LCB left, on a CPU with none, is told all the same") {
  Scene s([](KernelConfig& config) { config.lcbs = 4; });
  s.run(0xe, [&](Process& self) -> Task<> {
    CHECK(s.messages().set_limits(self, {.receive = 1, .send = 3}) == Error::none);
    std::vector<LinkId> links;
    for (int i = 0; i < 2; ++i) links.push_back(*s.messages().link(self, {0, self.pin()}, {}, {}));
    CHECK(s.messages().free_lcbs() == 1);  // one arrived, one was refused
    links.push_back(*s.messages().link(self, {0, self.pin()}, {}, {}));
    CHECK(s.messages().free_lcbs() == 0);
    s.messages().cpu_down(1);
    s.messages().cpu_down(2);
    const auto request = s.messages().listen(self);
    REQUIRE(request);
    CHECK(request->system == SystemCode::none);
    CHECK_AWAIT(take_all(s.messages(), self), (Told{down(1), down(2)}));
    CHECK_AWAIT(s.messages().writelink(self, request->link, {}), Error::none);
    for (const LinkId link : links) CHECK(s.messages().breaklink(self, link) == Error::none);
  });
}

TEST_CASE("when the reserve is used up messages wait, and none is lost") {
  Scene s([](KernelConfig& config) { config.system_lcbs = 1; });
  s.run(0xe, [&](Process& self) -> Task<> {
    for (const unsigned cpu : {3, 1, 2}) s.messages().cpu_down(cpu);
    s.messages().cpu_up(2, 0);
    CHECK_FALSE(s.messages().send_system_message(self, down(1)));
    CHECK(s.messages().lcbs_in_use() == 4);  // those that wait count
    CHECK_AWAIT(take_all(s.messages(), self), (Told{down(3), down(1), down(2), up(2)}));
    CHECK(s.messages().lcbs_in_use() == 0);
    CHECK(s.messages().send_system_message(self, down(1)));
    CHECK_AWAIT(take_all(s.messages(), self), Told{down(1)});
  });
}

TEST_CASE("a process that stops gives the kernel's messages back, listened to or not") {
  Scene s([](KernelConfig& config) { config.system_lcbs = 2; });
  Told told;
  Process& victim = s.rig.create(0, 150, [&](Process& self) -> Task<> {
    s.messages().monitor_cpus(self, 0xe);
    co_await self.wait(EventBit::lreq);
    CHECK(s.messages().listen(self));
    co_await self.wait({});
  });
  s.run(0xe, [&](Process& self) -> Task<> {
    co_await self.wait({}, 100);
    for (const unsigned cpu : {1, 2, 3}) s.messages().cpu_down(cpu);
    co_await self.wait({}, 1000);
    s.rig.kernel(0).dispatcher().stop(victim);
    told = co_await take_all(s.messages(), self);
  });
  CHECK(told == Told{down(1), down(2), down(3)});
}

TEST_CASE("a CPU-down message that nobody has listened to expires, and no other") {
  Scene s([](KernelConfig& config) { config.cpu_down_expiry = 10'000; });
  s.run(0xe, [&](Process& self) -> Task<> {
    s.messages().cpu_down(1);
    CHECK(s.messages().send_system_message(self, {SystemCode::cpu_up, 9}));
    co_await self.wait({}, 5'000);
    s.messages().cpu_down(2);
    co_await self.wait({}, 4'000);
    CHECK(s.messages().lcbs_in_use() == 3);
    co_await self.wait({}, 2'000);
    CHECK(s.messages().lcbs_in_use() == 2);
    co_await self.wait({}, 2'000);
    CHECK_AWAIT(take_all(s.messages(), self), (Told{{SystemCode::cpu_up, 9}, down(2)}));
    // One that was listened to is its process's, however long it takes.
    s.messages().cpu_down(3);
    const auto message = s.messages().listen(self);
    REQUIRE(message);
    co_await self.wait({}, 20'000);
    CHECK_AWAIT(s.messages().writelink(self, message->link, {}), Error::none);
    s.messages().cpu_down(1);
    co_await self.wait({}, 20'000);
    CHECK(s.messages().lcbs_in_use() == 0);
    CHECK_FALSE(s.messages().listen(self));
  });
}

TEST_CASE("one that waits for an LCB gets that of one that expires") {
  Scene s([](KernelConfig& config) {
    config.cpu_down_expiry = 10'000;
    config.system_lcbs = 1;
  });
  s.run(0xe, [&](Process& self) -> Task<> {
    s.messages().cpu_down(1);
    s.messages().cpu_down(2);
    co_await self.wait({}, 11'000);
    CHECK_AWAIT(take_all(s.messages(), self), Told{down(2)});
  });
}

TEST_CASE("it expires after three minutes at 100 MHz unless that is configured otherwise") {
  CHECK(KernelConfig{}.cpu_down_expiry == 18'000'000'000);
}

TEST_CASE("a message of the kernel's own goes before requests by priority, and takes no reply") {
  Scene s;
  s.run(0xe, [&](Process& self) -> Task<> {
    s.messages().set_queue_order(self, xybus::QueueOrder::priority);
    const LinkId link = *s.messages().link(self, {0, self.pin()}, {}, {});
    s.messages().cpu_down(1);
    const auto message = s.messages().listen(self);
    REQUIRE(message);
    CHECK(message->system == SystemCode::cpu_down);
    CHECK(message->from == ProcessAddress{0, 0});
    const Bytes reply(1);
    CHECK_AWAIT(s.messages().writelink(self, message->link, reply), Error::bounds);
    CHECK_AWAIT(s.messages().readlink(self, message->link, {}, 9), Error::bounds);
    CHECK(s.messages().breaklink(self, message->link) == Error::invalid_state);
    CHECK_AWAIT(s.messages().writelink(self, message->link, {}, Error::timeout), Error::none);
    const auto request = s.messages().listen(self);
    REQUIRE(request);
    CHECK_AWAIT(s.messages().writelink(self, request->link, {}), Error::none);
    CHECK(s.messages().breaklink(self, link) == Error::none);
  });
}

TEST_CASE("a CPU that dies is told of by a message of the kernel's own") {
  Rig rig(3, [](KernelConfig& config) { config.alive_interval = 20'000; });
  Told told;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    rig.messages(0).monitor_cpus(self, 0x6);
    co_await self.wait(EventBit::lreq);
    told = co_await take_all(rig.messages(0), self);
  });
  rig.run(100'000);
  rig.node(2).halt();
  rig.run(200'000);
  CHECK(told == Told{down(2)});
}
