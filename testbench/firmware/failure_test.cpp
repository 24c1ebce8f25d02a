// Servers, requestors, CPUs and packets that fail, at every point of a link's life.

#include <algorithm>
#include <catch2/catch.hpp>

#include "firmware/message/wire.h"
#include "rig.h"

using namespace firmware_test;

namespace {

/// A requestor on CPU 0 and a server on CPU 1 that comes to a certain point and then stays there.
struct Scene {
  explicit Scene(std::function<void(KernelConfig&)> configure = {}) : rig(3, configure) {}

  void start(xybus::ProcessBody server_body, std::size_t bytes, std::size_t reply_room,
             unsigned server_cpu = 1) {
    server = &rig.create(server_cpu, 150, std::move(server_body));
    requestor = &rig.create(0, 100, [this, bytes, reply_room, server_cpu](Process& self) -> Task<> {
      const Bytes request = pattern(5, bytes);
      result = co_await exchange(rig.messages(0), self, rig.address(server_cpu, *server), request,
                                 reply_room, 1);
      ended = true;
    });
  }

  Rig rig;
  Process* server = nullptr;
  Process* requestor = nullptr;
  Exchange result;
  bool ended = false;
};

void alive(KernelConfig& config) { config.alive_interval = 20'000; }

Task<> never_listens(Process& self) { co_await self.wait(EventBit::pon); }

}  // namespace

// ---- The server's CPU dies ----------------------------------------------------------------------

TEST_CASE("a link to a dead CPU ends with error 211, and further ones are refused with 201") {
  Scene scene(alive);
  scene.start(never_listens, 10, 10);
  scene.rig.node(1).halt();
  scene.rig.run();
  REQUIRE(scene.ended);
  CHECK(scene.result.completion.error == Error::cpu_failed);
  CHECK_FALSE(scene.rig.kernel(0).membership().up(1));
  CHECK(scene.rig.count(0, KernelEvent::cpu_down) == 1);
  Error second = Error::none;
  scene.rig.create(0, 100, [&](Process& self) -> Task<> {
    second = scene.rig.messages(0).link(self, {1, 3}, {}, {}).error();
    co_return;
  });
  scene.rig.run(10'000);
  CHECK(second == Error::path_down);
  CHECK(scene.rig.messages(0).free_lcbs() == 256);
}

TEST_CASE("every outstanding link to a CPU that dies ends with an error, in whatever state it is") {
  // Four servers, each brought to another point; then the CPU dies.
  Rig rig(2, [](KernelConfig& config) { config.alive_interval = 20'000; });
  const auto body = [&rig](int point) {
    return [&rig, point](Process& self) -> Task<> {
      if (point == 0) co_await never_listens(self);
      MessageSystem& messages = rig.messages(1);
      const Request asked = co_await next_request(messages, self);
      if (point == 1) co_await never_listens(self);
      Bytes data(asked.length);
      if (point == 2) rig.node(1).busy_data = true;  // its readlink never ends
      co_await messages.readlink(self, asked.link, data);
      const Bytes reply(asked.reply_room);
      if (point == 3) rig.node(0).busy_data = true;  // its writelink never ends
      co_await messages.writelink(self, asked.link, reply);
    };
  };
  std::array<Exchange, 4> results;
  unsigned ended = 0;
  for (int point = 0; point < 4; ++point) {
    const Process& server = rig.create(1, 150, body(point));
    rig.create(0, 100, [&, point](Process& self) -> Task<> {
      if (point == 2) co_await self.wait({}, 20'000);
      const Bytes request(point == 2 ? 50'000 : 10);
      results[static_cast<std::size_t>(point)] =
          co_await exchange(rig.messages(0), self, rig.address(1, server), request, 50'000);
      ++ended;
    });
  }
  rig.run(60'000);
  CHECK(ended == 0);
  rig.node(1).halt();
  rig.run();
  CHECK(ended == 4);
  for (const Exchange& result : results) CHECK(result.completion.error == Error::cpu_failed);
  CHECK(rig.messages(0).free_lcbs() == 256);
}

TEST_CASE("a link that has not left when its CPU is declared down ends with error 201") {
  Rig rig(2, [](KernelConfig& config) {
    alive(config);
    config.port.packet_buffers = 1;
  });
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  std::vector<Error> errors;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    for (int i = 0; i < 4; ++i) CHECK(rig.messages(0).link(self, server, {}, {}));
    while (errors.size() < 4) {
      co_await self.wait(EventBit::ldone);
      while (const auto completion = rig.messages(0).done(self)) {
        errors.push_back(completion->error);
        rig.messages(0).breaklink(self, completion->link);
      }
    }
  });
  rig.node(1).halt();
  rig.run();
  REQUIRE(errors.size() == 4);
  CHECK(errors[0] == Error::cpu_failed);
  CHECK(std::vector(errors.begin() + 1, errors.end()) == std::vector(3, Error::path_down));
  CHECK(rig.at_rest());
}

TEST_CASE("a CPU declared down wakes every process with PON") {
  Rig rig(2, alive);
  bool told = false;
  rig.create(0, 200, [&](Process& self) -> Task<> {
    co_await self.wait(EventBit::pon);
    told = true;
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await exchange(rig.messages(0), self, {1, 3}, {}, 0);
  });
  rig.node(1).halt();
  rig.run();
  CHECK(told);
}

TEST_CASE("links to other CPUs go on when one dies") {
  Rig rig(3);
  const ProcessAddress good = rig.address(2, rig.create_echo(2));
  unsigned replies = 0;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request = pattern(1, 3000);
    for (int i = 0; i < 20; ++i) {
      const Exchange result = co_await exchange(rig.messages(0), self, good, request, 3000, 3000);
      if (result.reply == answer_to(request, 3000)) ++replies;
    }
  });
  rig.create(0, 120, [&](Process& self) -> Task<> {
    for (int i = 0; i < 20; ++i) {
      co_await exchange(rig.messages(0), self, {1, 3}, {}, 0);
      co_await self.wait({}, 3000);
    }
  });
  rig.node(1).halt();
  rig.run();
  CHECK(replies == 20);
}

// ---- The requestor's CPU dies -------------------------------------------------------------------

TEST_CASE("requests of a CPU that dies vanish unread, and those listened to are cancelled") {
  Rig rig(3, [](KernelConfig& config) { config.alive_interval = 20'000; });
  bool checked = false;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    const Request first = co_await next_request(messages, self);
    CHECK_AWAIT(self.wait(EventBit::lcan), EventBit::lcan);
    const auto cancelled = messages.cancelled(self);
    REQUIRE(cancelled);
    CHECK(*cancelled == first.link);
    CHECK_FALSE(messages.listen(self));
    CHECK_AWAIT(messages.writelink(self, first.link, {}), Error::nothing_outstanding);
    checked = true;
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    for (int i = 0; i < 3; ++i) CHECK(rig.messages(0).link(self, rig.address(1, server), {}, {}));
    co_await self.wait(EventBit::pon);
  });
  rig.run(20'000);
  CHECK(rig.count(1, KernelEvent::link_queued) == 3);
  rig.node(0).halt();
  rig.run();
  CHECK(checked);
  CHECK(rig.messages(1).free_lcbs() == 256);
  CHECK(rig.count(1, KernelEvent::cpu_down) == 1);
}

TEST_CASE("a readlink from a CPU that dies ends with an error") {
  Rig rig(3, [](KernelConfig& config) { config.alive_interval = 20'000; });
  bool checked = false;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    const Request asked = co_await next_request(messages, self);
    Bytes data(asked.length);
    CHECK_AWAIT(messages.readlink(self, asked.link, data), Error::nothing_outstanding);
    CHECK_AWAIT(messages.writelink(self, asked.link, {}), Error::nothing_outstanding);
    checked = true;
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request(1'000'000);
    co_await exchange(rig.messages(0), self, rig.address(1, server), request, 0);
  });
  rig.run(30'000);
  CHECK(rig.count(1, KernelEvent::link_listened) == 1);
  rig.node(0).halt();
  rig.run();
  CHECK(checked);
  CHECK(rig.messages(1).free_lcbs() == 256);
}

TEST_CASE("a writelink to a CPU that dies ends with an error") {
  Rig rig(3, [](KernelConfig& config) { config.alive_interval = 20'000; });
  bool checked = false;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    const Request asked = co_await next_request(messages, self);
    const Bytes data(asked.reply_room);
    CHECK_AWAIT(messages.writelink(self, asked.link, data), Error::nothing_outstanding);
    checked = true;
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await exchange(rig.messages(0), self, rig.address(1, server), {}, 1'000'000);
  });
  rig.run(30'000);
  rig.node(0).halt();
  rig.run();
  CHECK(checked);
  CHECK(rig.messages(1).free_lcbs() == 256);
}

// ---- Processes stop -----------------------------------------------------------------------------

TEST_CASE("when a server stops, unread requests end with error 14 and read ones with 201") {
  Rig rig(2);
  for (const unsigned server_cpu : {1U, 0U}) {
    const Process& server = rig.create(server_cpu, 150, [&, server_cpu](Process& self) -> Task<> {
      co_await next_request(rig.messages(server_cpu), self);
      co_await self.compute(50'000);
    });
    rig.create(0, 100, [&, server_cpu](Process& self) -> Task<> {
      MessageSystem& messages = rig.messages(0);
      const ProcessAddress to = rig.address(server_cpu, server);
      const Bytes large(1000);
      const LinkId read = *messages.link(self, to, large, {});
      const LinkId unread = *messages.link(self, to, large, {});
      std::map<std::uint32_t, Error> errors;
      while (errors.size() < 2) {
        co_await self.wait(EventBit::ldone);
        while (const auto completion = messages.done(self)) {
          errors[completion->link.value] = completion->error;
          messages.breaklink(self, completion->link);
        }
      }
      CHECK(errors[read.value] == Error::path_down);
      CHECK(errors[unread.value] == Error::no_process);
      const Exchange later = co_await exchange(messages, self, to, {}, 0);
      CHECK(later.completion.error == Error::no_process);
    });
  }
  rig.run();
  CHECK(rig.count(0, KernelEvent::link_done) == 6);
  CHECK(rig.at_rest());
}

TEST_CASE("when a server is stopped in a readlink or a writelink, its requestor is told") {
  Rig rig(2);
  std::vector<Process*> servers;
  for (const bool reading : {true, false}) {
    servers.push_back(&rig.create(1, 150, [&, reading](Process& self) -> Task<> {
      const Request asked = co_await next_request(rig.messages(1), self);
      Bytes data(500'000);
      if (reading) co_await rig.messages(1).readlink(self, asked.link, data);
      co_await rig.messages(1).writelink(self, asked.link, data);
    }));
  }
  std::vector<Error> errors;
  for (Process* server : servers) {
    rig.create(0, 100, [&, server](Process& self) -> Task<> {
      const Bytes request = pattern(1, 500'000);
      const Exchange result = co_await exchange(rig.messages(0), self, rig.address(1, *server),
                                                request, 500'000);
      errors.push_back(result.completion.error);
    });
  }
  rig.create(1, 200, [&](Process& self) -> Task<> {
    co_await self.wait({}, 40'000);
    for (Process* server : servers) {
      CHECK(server->state() == xybus::ProcessState::held);
      rig.kernel(1).dispatcher().stop(*server);
    }
  });
  rig.run();
  CHECK(errors == std::vector(2, Error::path_down));
  CHECK(rig.at_rest());
}

TEST_CASE("when a requestor stops, its links are cancelled") {
  Rig rig(2);
  bool told = false;
  const Process& server = rig.create(1, 150, [&](Process& self) -> Task<> {
    const Request asked = co_await next_request(rig.messages(1), self);
    co_await self.wait(EventBit::lcan);
    told = true;
    co_await rig.messages(1).writelink(self, asked.link, {});
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    CHECK(rig.messages(0).link(self, rig.address(1, server), {}, {}));
    co_await self.wait({}, 20'000);
  });
  rig.run();
  CHECK(told);
  CHECK(rig.at_rest());
}

// ---- Packets fail -------------------------------------------------------------------------------

TEST_CASE("a link whose packet the server's CPU stays too busy to take ends with error 40") {
  Scene scene;
  scene.start(never_listens, 10, 10);
  scene.rig.node(1).busy = true;
  scene.rig.run();
  REQUIRE(scene.ended);
  CHECK(scene.result.completion.error == Error::timeout);
  CHECK(scene.rig.kernel(0).membership().up(1));
  CHECK(scene.rig.at_rest());
}

TEST_CASE("a reply that finds the requestor's CPU busy beyond the limit is sent again") {
  Scene scene;
  scene.start(
      [&](Process& self) -> Task<> {
        const Request asked = co_await next_request(scene.rig.messages(1), self);
        scene.rig.node(0).busy = true;
        co_await scene.rig.messages(1).writelink(self, asked.link, {});
        co_await self.wait({}, 150'000);  // the limit is 4096 attempts of 16 cycles
        scene.rig.node(0).busy = false;
      },
      10, 10);
  scene.rig.run();
  REQUIRE(scene.ended);
  CHECK(scene.result.completion.error == Error::none);
  CHECK(scene.rig.at_rest());
}

TEST_CASE("a reply waits for a CPU that takes nothing for long, and nobody is down for it") {
  Scene scene;
  scene.start(
      [&](Process& self) -> Task<> {
        const Request asked = co_await next_request(scene.rig.messages(1), self);
        scene.rig.node(0).busy = true;
        co_await scene.rig.messages(1).writelink(self, asked.link, {});
      },
      10, 10);
  scene.rig.run(1'000'000);
  CHECK_FALSE(scene.ended);
  CHECK(scene.rig.messages(1).repeats() > 100);
  CHECK(scene.rig.messages(1).repeats() < 250);  // each takes 2,000 cycles and a pause of 4,000
  scene.rig.node(0).busy = false;
  scene.rig.run(30'000);
  REQUIRE(scene.ended);
  CHECK(scene.result.completion.error == Error::none);
  CHECK(scene.rig.count(1, KernelEvent::cpu_down) == 0);
  CHECK(scene.rig.messages(0).duplicate_packets() == 0);
  CHECK(scene.rig.at_rest());
}

TEST_CASE("links that were given up as busy hold up none that come later") {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  rig.node(1).busy = true;
  unsigned given_up = 0;
  Exchange later;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    for (int i = 0; i < 20; ++i) CHECK(messages.link(self, server, {}, {}));
    std::vector<Error> errors;
    while (errors.size() < 20) {
      co_await self.wait(EventBit::ldone);
      while (const auto completion = messages.done(self)) {
        errors.push_back(completion->error);
        messages.breaklink(self, completion->link);
      }
    }
    given_up = static_cast<unsigned>(std::ranges::count(errors, Error::timeout));
    CHECK(std::ranges::count(errors, Error::none) == 20 - given_up);
    later = co_await exchange(messages, self, server, pattern(1, 100), 50, 50);
  });
  rig.run(300'000);
  rig.node(1).busy = false;
  rig.run(100'000);
  CHECK(given_up == 8);  // as many as can be on their way; the others had not left
  CHECK(rig.count(1, KernelEvent::link_queued) == 20 - 8 + 1);
  CHECK(later.reply == answer_to(pattern(1, 100), 50));
  CHECK(rig.messages(1).stray_packets() == 0);
  CHECK(rig.at_rest());
}

namespace {

/// Breaks links, each a little later than the one before, whose packets are not taken, or are and
/// the answer is lost. Gives how many were over at once.
unsigned broken_at_once(bool taken) {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  unsigned at_once = 0;
  bool ended = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    const Bytes request = pattern(1, 1000);
    for (std::uint64_t delay = 1; delay < 8'000; delay += 100) {
      rig.node(1).answers_lost_to = taken ? 1 : 0;
      rig.node(1).busy = !taken;
      const LinkId link = *messages.link(self, server, request, {}, 1);
      co_await self.wait({}, delay);
      CHECK(messages.breaklink(self, link) == Error::none);
      if (messages.free_lcbs() == 256) {
        ++at_once;
        CHECK(rig.kernel(0).port().transfers().windows().in_use() == 0);
      }
      rig.node(1).answers_lost_to = 0;
      rig.node(1).busy = false;
      const Exchange next = co_await exchange(messages, self, server, request, 50, 50);
      CHECK(next.reply == answer_to(request, 50));
    }
    ended = true;
  });
  rig.run(10'000'000);
  CHECK(ended);
  CHECK(rig.at_rest());
  return at_once;
}

}  // namespace

TEST_CASE("a link packet that waits, for certain not delivered, is taken back by breaklink") {
  CHECK(broken_at_once(false) > 10);
}
TEST_CASE("a link packet that may have been delivered is not taken back: its cancel follows it") {
  CHECK(broken_at_once(true) == 0);
}

TEST_CASE("packets for an earlier incarnation of a CPU are dropped, and counted") {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  contract::LinkHeader old;
  old.set_operation(contract::LinkOperation::link).set_to_epoch(15).set_server_pin(server.pin);
  Bytes payload(xybus::link_header_bytes);
  xybus::store(old, payload);
  Exchange result;
  rig.on_cpu(1, [&] { rig.messages(1).received({0, 0, payload}); });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    result = co_await exchange(rig.messages(0), self, server, pattern(1, 100), 50, 50);
  });
  rig.run(20'000);
  CHECK(rig.messages(1).late_packets() == 1);
  CHECK(rig.messages(1).duplicate_packets() == 0);
  CHECK(rig.count(1, KernelEvent::link_queued) == 1);
  CHECK(result.reply == answer_to(pattern(1, 100), 50));
}

TEST_CASE("a packet that never came though it was answered is lost alone, and holds up no others") {
  // As if an answer of CPU 1 had been made on the wires. CPU 0 goes on with the next number.
  Rig rig(2);
  std::vector<std::uint32_t> tags;
  const ProcessAddress server = rig.address(1, rig.create(1, 100, [&](Process& self) -> Task<> {
    for (;;) tags.push_back((co_await next_request(rig.messages(1), self)).tag);
  }));
  rig.on_cpu(1, [&] {
    for (unsigned number = 0; number < 20; ++number) {
      if (number == 2 || number == 5) continue;
      contract::LinkHeader link;
      link.set_operation(contract::LinkOperation::link).set_sequence_number(number);
      link.set_requestor_link(0x10001 + number).set_server_pin(server.pin).set_tag(number);
      Bytes payload(xybus::link_header_bytes);
      xybus::store(link, payload);
      rig.messages(1).received({0, 0, payload});
    }
  });
  rig.run(20'000);
  CHECK(rig.messages(1).lost_packets() == 2);
  CHECK(rig.messages(1).stray_packets() == 0);
  std::vector<std::uint32_t> expected;
  for (unsigned number = 0; number < 20; ++number) {
    if (number != 2 && number != 5) expected.push_back(number);
  }
  CHECK(tags == expected);
}

TEST_CASE("what waits for a CPU that leaves is forgotten, and its next incarnation begins at 0") {
  Rig rig(2, alive);
  rig.create_echo(1);
  std::vector<Error> errors;
  Exchange result;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    for (int i = 0; i < 5; ++i) co_await exchange(messages, self, {1, 3}, {}, 0);
    rig.node(1).halt();
    for (int i = 0; i < 12; ++i) CHECK(messages.link(self, {1, 3}, {}, {}));
    while (errors.size() < 12) {
      co_await self.wait(EventBit::ldone);
      while (const auto completion = messages.done(self)) {
        errors.push_back(completion->error);
        messages.breaklink(self, completion->link);
      }
    }
    co_await self.wait({}, 200'000);
    result = co_await exchange(messages, self, {1, 3}, pattern(1, 100), 50, 50);
  });
  rig.run(150'000);
  REQUIRE(errors.size() == 12);
  CHECK(std::ranges::count(errors, Error::cpu_failed) == 8);  // these were on their way
  CHECK(std::ranges::count(errors, Error::path_down) == 4);
  rig.restart(1, 1);
  rig.create_echo(1);
  rig.run(300'000);
  CHECK(result.reply == answer_to(pattern(1, 100), 50));
  CHECK(rig.messages(1).late_packets() + rig.messages(1).duplicate_packets() == 0);
  CHECK(rig.at_rest());
}

TEST_CASE("data waits for a CPU that takes none for long, and nobody is down for it") {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  Exchange result;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    result = co_await exchange(rig.messages(0), self, server, pattern(3, 20'000), 20'000, 20'000);
  });
  rig.run(3'000);
  rig.node(0).busy_data = rig.node(1).busy_data = true;
  rig.run(2'000'000);
  CHECK(result.completion.reply_length == 0);
  rig.node(0).busy_data = rig.node(1).busy_data = false;
  rig.run(100'000);
  CHECK(result.reply == answer_to(pattern(3, 20'000), 20'000));
  CHECK(rig.count(0, KernelEvent::cpu_down) + rig.count(1, KernelEvent::cpu_down) == 0);
  CHECK(rig.at_rest());
}

TEST_CASE("with one bus dead all traffic goes by the other, and nothing is lost or doubled") {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  unsigned good = 0;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    for (unsigned i = 0; i < 60; ++i) {
      const Bytes request = pattern(i, 37 * i);
      const Exchange result = co_await exchange(rig.messages(0), self, server, request, 2000,
                                                33 * i);
      if (result.reply == answer_to(request, 33 * i)) ++good;
    }
  });
  rig.run(20'000);
  rig.fabric().bus_down[0] = true;
  rig.run();
  CHECK(good == 60);
  CHECK(rig.count(1, KernelEvent::link_queued) == 60);
  CHECK(rig.at_rest());
}

TEST_CASE("a request whose answers are lost is delivered once, however often it is posted") {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  Exchange result;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    rig.node(1).answers_lost_to = 1;
    result = co_await exchange(rig.messages(0), self, server, pattern(1, 100), 50, 50);
  });
  rig.run(100'000);
  CHECK(rig.messages(1).duplicate_packets() > 3);
  CHECK(rig.count(1, KernelEvent::link_queued) == 1);
  rig.node(1).answers_lost_to = 0;
  rig.run(30'000);
  CHECK(result.reply == answer_to(pattern(1, 100), 50));
  CHECK(rig.count(1, KernelEvent::link_queued) == 1);
  CHECK(rig.at_rest());
}
