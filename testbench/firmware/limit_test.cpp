// What a process may hold of link control blocks, the warning before they run out, and the order in
// which a server gets its requests.

#include <catch2/catch.hpp>

#include "rig.h"

using namespace firmware_test;
using xybus::LinkLimits;
using xybus::QueueOrder;

namespace {

Task<> idle_process(Process& self) { co_await self.wait({}); }

/// Makes `count` links and gives how many were refused at once, with which error.
std::map<Error, unsigned> link_often(MessageSystem& messages, Process& self, ProcessAddress server,
                                     unsigned count) {
  std::map<Error, unsigned> refused;
  for (unsigned i = 0; i < count; ++i) {
    if (const auto link = messages.link(self, server, {}, {}); !link) ++refused[link.error()];
  }
  return refused;
}

/// Waits until `count` links have ended, breaks them, and gives how many ended with which error.
Task<std::map<Error, unsigned>> ends(MessageSystem& messages, Process& self, unsigned count) {
  std::map<Error, unsigned> errors;
  for (unsigned ended = 0; ended < count;) {
    while (const auto completion = messages.done(self)) {
      ++errors[completion->error];
      messages.breaklink(self, completion->link);
      ++ended;
    }
    if (ended < count) co_await self.wait(EventBit::ldone);
  }
  co_return errors;
}

std::map<Error, unsigned> refused(unsigned count) { return {{Error::no_lcb, count}}; }

void many(KernelConfig& config) { config.lcbs = 10'000; }

}  // namespace

TEST_CASE("all of 4000 links to no process are answered, however long no answer comes through") {
  Rig rig(2, many);
  unsigned refused_links = 0;
  rig.node(0).busy = true;
  const Process& requestor = rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    for (unsigned i = 0; i < 4000; ++i) {
      CHECK(messages.link(self, {1, 200}, {}, {}));
      if (i % 100 == 99) co_await self.wait({}, 20'000);
    }
    while (refused_links < 4000) {
      co_await self.wait(EventBit::ldone);
      while (const auto done = messages.done(self)) {
        if (done->error == Error::no_process) ++refused_links;
        messages.breaklink(self, done->link);
      }
    }
  });
  CHECK(rig.messages(0).set_limits(*rig.kernel(0).dispatcher().find(requestor.pin()),
                                   {.send = 4095}) == Error::none);
  rig.run(3'000'000);
  CHECK(refused_links == 0);
  rig.node(0).busy = false;
  rig.run();
  CHECK(refused_links == 4000);
}

TEST_CASE("a process may have 1023 links, and further ones are error 30 until one is broken") {
  Rig rig(2, many);
  const ProcessAddress silent = rig.address(1, rig.create(1, 100, idle_process));
  bool checked = false;
  CHECK(rig.messages(1).set_limits(*rig.kernel(1).dispatcher().find(silent.pin),
                                   {.receive = 4095}) == Error::none);
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    const LinkId first = *messages.link(self, silent, {}, {});
    CHECK(link_often(messages, self, silent, 1024) == refused(2));
    co_await self.wait({}, 200'000);
    CHECK(messages.breaklink(self, first) == Error::none);
    // Its cancel is on its way, and has the LCB still.
    CHECK(messages.link(self, silent, {}, {}).error() == Error::no_lcb);
    co_await self.wait({}, 20'000);
    CHECK(link_often(messages, self, silent, 2) == refused(1));
    checked = true;
  });
  rig.create(0, 50, [&](Process& self) -> Task<> {  // the limit is each process's own
    CHECK(rig.messages(0).link(self, silent, {}, {}));
    co_await self.wait({}, 1000);
  });
  rig.run();
  CHECK(checked);
  CHECK(rig.at_rest());
}

namespace {

void check_receive_limit(unsigned from) {
  Rig rig(2, many);
  bool checked = false;
  unsigned served = 0;
  const Process& server = rig.create(1, 50, [&](Process& self) -> Task<> {
    co_await self.wait({}, 500'000);
    while (const auto request = rig.messages(1).listen(self)) {
      CHECK_AWAIT(rig.messages(1).writelink(self, request->link, {}), Error::none);
      ++served;
    }
  });
  rig.create(from, 100, [&](Process& self) -> Task<> {
    CHECK(link_often(rig.messages(from), self, rig.address(1, server), 300).empty());
    const auto errors = co_await ends(rig.messages(from), self, 300);
    CHECK(errors == std::map<Error, unsigned>{{Error::none, 255}, {Error::no_lcb, 45}});
    checked = true;
  });
  rig.run();
  CHECK(checked);
  CHECK(served == 255);
  CHECK(rig.count(1, KernelEvent::link_refused) == 45);
  CHECK(rig.at_rest());
}

}  // namespace

TEST_CASE("a server gets 255 requests, and what comes beyond ends with error 30, not delivered") {
  check_receive_limit(0);
}
TEST_CASE("a server gets 255 requests from its own CPU, and what comes beyond is error 30") {
  check_receive_limit(1);
}

TEST_CASE("limits are 1 to 4095, and a lower one takes nothing away") {
  Rig rig(2, many);
  const ProcessAddress silent = rig.address(1, rig.create(1, 100, idle_process));
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    for (const unsigned wrong : {0U, 4096U, 0x10000U}) {
      CHECK(messages.set_limits(self, {.receive = wrong}) == Error::bounds);
      CHECK(messages.set_limits(self, {.send = wrong}) == Error::bounds);
    }
    CHECK(messages.set_limits(self, {.receive = 1, .send = 1}) == Error::none);
    const LinkId only = *messages.link(self, silent, {}, {});
    CHECK(messages.link(self, silent, {}, {}).error() == Error::no_lcb);
    CHECK(messages.set_limits(self, {.receive = 4095, .send = 3}) == Error::none);
    CHECK(link_often(messages, self, silent, 3) == refused(1));
    CHECK(messages.set_limits(self, {.send = 2}) == Error::none);
    CHECK(messages.link(self, silent, {}, {}).error() == Error::no_lcb);
    CHECK(messages.breaklink(self, only) == Error::none);
    co_await self.wait({}, 20'000);
    CHECK(messages.link(self, silent, {}, {}).error() == Error::no_lcb);  // it has two still
    checked = true;
  });
  rig.run();
  CHECK(checked);
  CHECK(rig.at_rest());
}

TEST_CASE("four thousand links outstanding on one CPU are all served") {
  Rig rig(2, many);
  bool checked = false;
  const Process& server = rig.create(1, 50, [&](Process& self) -> Task<> {
    CHECK(rig.messages(1).set_limits(self, {.receive = 4000}) == Error::none);
    co_await self.wait({}, 3'000'000);
    CHECK(rig.messages(0).free_lcbs() == 10'000 - 4000);
    CHECK(rig.messages(1).free_lcbs() == 10'000 - 4000);
    co_await echo_server(rig.messages(1), self);
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    CHECK(rig.messages(0).set_limits(self, {.send = 4000}) == Error::none);
    CHECK(link_often(rig.messages(0), self, rig.address(1, server), 4000).empty());
    const auto errors = co_await ends(rig.messages(0), self, 4000);
    CHECK(errors == std::map<Error, unsigned>{{Error::none, 4000}});
    checked = true;
  });
  rig.run(12'000'000);
  CHECK(checked);
  CHECK(rig.at_rest());
}

TEST_CASE("of four thousand links each is cancelled by itself") {
  Rig rig(2, many);
  bool checked = false;
  const Process& server = rig.create(1, 50, idle_process);
  CHECK(rig.messages(1).set_limits(*rig.kernel(1).dispatcher().find(server.pin()),
                                   {.receive = 4000}) == Error::none);
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    CHECK(messages.set_limits(self, {.send = 4000}) == Error::none);
    std::vector<LinkId> links;
    for (int i = 0; i < 4000; ++i) {
      links.push_back(*messages.link(self, rig.address(1, server), {}, {}));
    }
    co_await self.wait({}, 3'000'000);
    for (std::size_t i = 0; i < links.size(); i += 2) messages.breaklink(self, links[i]);
    co_await self.wait({}, 3'000'000);
    CHECK(messages.free_lcbs() == 8000);
    CHECK(rig.messages(1).free_lcbs() == 8000);
    checked = true;
  });
  rig.run(9'000'000);
  CHECK(checked);
  CHECK(rig.at_rest());
}

TEST_CASE("a pool with less than a tenth free is told of once, until a fifth is free again") {
  Rig rig(2, [](KernelConfig& config) { config.lcbs = 100; });
  const ProcessAddress silent = rig.address(1, rig.create(1, 100, idle_process));
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    std::vector<LinkId> links;
    const auto link_to = [&](unsigned free) {
      while (messages.free_lcbs() > free) links.push_back(*messages.link(self, silent, {}, {}));
    };
    const auto break_to = [&](unsigned free) -> Task<> {
      for (unsigned now = messages.free_lcbs(); now < free; ++now) {
        messages.breaklink(self, links.back());
        links.pop_back();
      }
      co_await self.wait({}, 50'000);
      CHECK(messages.free_lcbs() == free);
    };
    const auto told = [&] { return rig.count(0, KernelEvent::lcbs_low); };
    link_to(10);
    CHECK(told() == 0);
    link_to(9);
    CHECK(told() == 1);
    link_to(3);
    co_await break_to(19);
    link_to(5);
    CHECK(told() == 1);
    co_await break_to(20);
    link_to(10);
    CHECK(told() == 1);
    link_to(9);
    CHECK(told() == 2);
    checked = true;
  });
  rig.run();
  CHECK(checked);
  for (const auto& logged : rig.log) {
    if (logged.event.kind == KernelEvent::lcbs_low) CHECK(logged.event.bytes == 9);
  }
  CHECK(rig.at_rest());
}

namespace {

/// Requests from processes of several priorities come while the server sleeps; in which order does
/// it get them? By their tags.
std::vector<std::uint32_t> order_of_requests(QueueOrder order, unsigned from) {
  Rig rig(2);
  std::vector<std::uint32_t> tags;
  const Process& server = rig.create(1, 255, [&](Process& self) -> Task<> {
    rig.messages(1).set_queue_order(self, order);
    co_await self.wait({}, 200'000);
    while (const auto request = rig.messages(1).listen(self)) {
      tags.push_back(request->tag);
      co_await rig.messages(1).writelink(self, request->link, {});
    }
  });
  // Each waits its turn, so that they arrive in the order of their tags.
  std::uint32_t tag = 0;
  for (const std::uint8_t priority : {20, 10, 200, 10, 1, 200, 20, 254}) {
    rig.create(from, priority, [&, from, tag](Process& self) -> Task<> {
      co_await self.wait({}, 10'000 * (tag + 1));
      co_await exchange(rig.messages(from), self, rig.address(1, server), {}, 0, tag);
    });
    ++tag;
  }
  rig.run(1'000'000);
  CHECK(rig.at_rest());
  return tags;
}

const std::vector<std::uint32_t> as_they_came{0, 1, 2, 3, 4, 5, 6, 7};
const std::vector<std::uint32_t> by_priority{7, 2, 5, 0, 6, 1, 3, 4};

}  // namespace

TEST_CASE("a server gets requests as they came") {
  CHECK(order_of_requests(QueueOrder::arrival, 0) == as_they_came);
}
TEST_CASE("a server that wants it so gets requests by the requestor's priority, equals in turn") {
  CHECK(order_of_requests(QueueOrder::priority, 0) == by_priority);
}
TEST_CASE("a server gets requests of its own CPU by the requestor's priority, equals in turn") {
  CHECK(order_of_requests(QueueOrder::priority, 1) == by_priority);
}
