// Links that are broken before the reply, at every point of their life.

#include <catch2/catch.hpp>

#include "rig.h"

using namespace firmware_test;

namespace {

/// Two CPUs, or one: a server that does what a test says, and a requestor that breaks its link
/// when the server has come to a certain point.
struct Scene {
  explicit Scene(bool same_cpu) : rig(2), server_cpu(same_cpu ? 0 : 1) {}

  MessageSystem& requestor_side() { return rig.messages(0); }
  MessageSystem& server_side() { return rig.messages(server_cpu); }

  void start(xybus::ProcessBody server_body, std::size_t bytes, std::size_t reply_room) {
    request = pattern(5, bytes);
    reply.resize(reply_room);
    Process& server = rig.create(server_cpu, 150, std::move(server_body));
    rig.create(0, 100, [this, address = rig.address(server_cpu, server)](Process& self) -> Task<> {
      const auto link = requestor_side().link(self, address, request, reply, 1);
      REQUIRE(link);
      co_await self.wait({}, break_after);
      broken = requestor_side().breaklink(self, *link);
      // From now on the buffers are the requestor's own again.
      request.assign(request.size(), std::byte{0xdd});
      reply.assign(reply.size(), std::byte{0xdd});
      ldone = co_await self.wait(EventBit::ldone, 100'000) == EventBit::ldone;
      CHECK_FALSE(requestor_side().done(self));
      CHECK(requestor_side().breaklink(self, *link) == Error::not_open);
    });
  }
  void run_and_check() {
    rig.run();
    CHECK(broken == Error::none);
    CHECK_FALSE(ldone);
    CHECK(reply == Bytes(reply.size(), std::byte{0xdd}));
    CHECK(rig.at_rest());
  }

  Rig rig;
  const unsigned server_cpu;
  std::uint64_t break_after = 20'000;
  Bytes request, reply;
  Error broken = Error::timeout;
  bool ldone = true;
};

void cancel_before_listen(bool same_cpu) {
  Scene scene(same_cpu);
  bool listened = true, told = true;
  scene.start(
      [&](Process& self) -> Task<> {
        co_await self.wait({}, 60'000);
        listened = scene.server_side().listen(self).has_value();
        told = any(co_await self.wait(EventBit::lcan, 0) & EventBit::lcan);
      },
      100, 10);
  scene.run_and_check();
  CHECK_FALSE(listened);
  CHECK_FALSE(told);
  CHECK(scene.rig.count(scene.server_cpu, KernelEvent::link_queued) == 1);
}

void cancel_after_listen(bool same_cpu) {
  Scene scene(same_cpu);
  bool checked = false;
  scene.start(
      [&](Process& self) -> Task<> {
        const Request asked = co_await next_request(scene.server_side(), self);
        CHECK_FALSE(scene.server_side().cancelled(self));
        CHECK_AWAIT(self.wait(EventBit::lcan), EventBit::lcan);
        const auto cancelled = scene.server_side().cancelled(self);
        REQUIRE(cancelled);
        CHECK(*cancelled == asked.link);
        CHECK_FALSE(scene.server_side().cancelled(self));
        Bytes data(10);
        CHECK_AWAIT(scene.server_side().readlink(self, asked.link, data),
                    Error::nothing_outstanding);
        CHECK_AWAIT(scene.server_side().writelink(self, asked.link, data),
                    Error::nothing_outstanding);
        CHECK_AWAIT(scene.server_side().writelink(self, asked.link, data), Error::not_open);
        checked = true;
      },
      100, 10);
  scene.run_and_check();
  CHECK(checked);
}

}  // namespace

TEST_CASE("a link broken before the server listened is never seen by it") {
  cancel_before_listen(false);
}
TEST_CASE("a link on one CPU broken before the server listened is never seen by it") {
  cancel_before_listen(true);
}
TEST_CASE("a link broken after the server listened gives it LCAN, and wants its writelink still") {
  cancel_after_listen(false);
}
TEST_CASE("a link on one CPU broken after the server listened gives it LCAN") {
  cancel_after_listen(true);
}

TEST_CASE("a server that replies to a cancelled link before it sees LCAN is not told later") {
  Scene scene(false);
  bool checked = false;
  scene.start(
      [&](Process& self) -> Task<> {
        const Request asked = co_await next_request(scene.server_side(), self);
        co_await self.compute(60'000);
        CHECK_AWAIT(scene.server_side().writelink(self, asked.link, {}),
                    Error::nothing_outstanding);
        CHECK_FALSE(scene.server_side().cancelled(self));
        checked = true;
      },
      100, 10);
  scene.run_and_check();
  CHECK(checked);
}

TEST_CASE("a link broken while the server reads it ends the readlink with an error") {
  Scene scene(false);
  bool checked = false;
  scene.break_after = 5'000;
  scene.start(
      [&](Process& self) -> Task<> {
        const Request asked = co_await next_request(scene.server_side(), self);
        Bytes data(asked.length);
        CHECK_AWAIT(scene.server_side().readlink(self, asked.link, data),
                    Error::nothing_outstanding);
        CHECK(any(self.awake_bits() & EventBit::lcan));
        CHECK_AWAIT(scene.server_side().writelink(self, asked.link, {}),
                    Error::nothing_outstanding);
        checked = true;
      },
      1'000'000, 10);
  scene.run_and_check();
  CHECK(checked);
}

TEST_CASE("a link broken while a long reply is on its way ends the writelink with an error") {
  Scene scene(false);
  bool checked = false;
  scene.break_after = 10'000;
  scene.start(
      [&](Process& self) -> Task<> {
        const Request asked = co_await next_request(scene.server_side(), self);
        const Bytes data = pattern(1, 1'000'000);
        CHECK_AWAIT(scene.server_side().writelink(self, asked.link, data),
                    Error::nothing_outstanding);
        CHECK_FALSE(scene.server_side().cancelled(self));
        checked = true;
      },
      10, 1'000'000);
  scene.run_and_check();
  CHECK(checked);
}

TEST_CASE("a link broken before its packet has left is gone without a trace") {
  // The first packets keep the few buffers; the last link has none when it is broken.
  Rig rig(2, [](KernelConfig& config) { config.port.packet_buffers = 2; });
  rig.node(1).busy = true;
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    std::vector<LinkId> links;
    for (int i = 0; i < 5; ++i) links.push_back(*messages.link(self, server, {}, {}));
    co_await self.compute(1000);
    CHECK(messages.breaklink(self, links[4]) == Error::none);
    CHECK(messages.free_lcbs() == 256 - 4);
    rig.node(1).busy = false;
    for (int i = 0; i < 4; ++i) {
      std::optional<Completion> completion;
      while (!(completion = messages.done(self))) co_await self.wait(EventBit::ldone);
      CHECK(completion->link == links[static_cast<std::size_t>(i)]);
      CHECK(completion->error == Error::none);
      messages.breaklink(self, completion->link);
    }
    checked = true;
  });
  rig.run();
  CHECK(checked);
  CHECK(rig.count(1, KernelEvent::link_queued) == 4);
  CHECK(rig.at_rest());
}

TEST_CASE("a link broken after its reply came is freed at once, reported or not") {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    const auto link = messages.link(self, server, {}, {});
    co_await self.wait(EventBit::ldone);
    CHECK(messages.breaklink(self, *link) == Error::none);
    CHECK(messages.free_lcbs() == 256);
    CHECK_FALSE(messages.done(self));
    CHECK(messages.breaklink(self, *link) == Error::not_open);
    checked = true;
  });
  rig.run();
  CHECK(checked);
}

TEST_CASE("links broken at every moment of their life leave nothing behind") {
  Rig rig(2, [](KernelConfig& config) { config.port.windows = 4; });
  const ProcessAddress remote = rig.address(1, rig.create_echo(1));
  const ProcessAddress local = rig.address(0, rig.create_echo(0));
  unsigned rounds = 0, replied = 0;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    const Bytes request = pattern(3, 3000);
    for (std::uint64_t delay = 0; delay < 12'000; delay += 97) {
      for (const ProcessAddress server : {remote, local}) {
        Bytes reply(3000);
        const auto link = messages.link(self, server, request, reply, 3000);
        REQUIRE(link);
        if (delay != 0) co_await self.wait(EventBit::ldone, delay);
        while (const auto completion = messages.done(self)) {
          CHECK(completion->error == Error::none);
          CHECK(reply == answer_to(request, 3000));
          ++replied;
        }
        CHECK(messages.breaklink(self, *link) == Error::none);
        ++rounds;
      }
    }
    // After all that the servers still serve.
    for (const ProcessAddress server : {remote, local}) {
      const Exchange last = co_await exchange(messages, self, server, request, 3000, 3000);
      CHECK(last.reply == answer_to(request, 3000));
    }
  });
  rig.run(6'000'000);
  CHECK(rounds == 248);
  CHECK(replied > 20);
  CHECK(replied < 220);
  CHECK(rig.at_rest());
}
