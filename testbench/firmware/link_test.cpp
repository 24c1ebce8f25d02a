// Links that go well: every size, one CPU or two, any order, many at a time.

#include <catch2/catch.hpp>
#include <set>

#include "rig.h"

using namespace firmware_test;

namespace {

/// A requestor on `from` and an echo server on `to`: one exchange.
Exchange one_exchange(Rig& rig, unsigned from, unsigned to, std::size_t bytes,
                      std::size_t reply_bytes) {
  Exchange result;
  bool ended = false;
  const ProcessAddress server = rig.address(to, rig.create_echo(to));
  rig.create(from, 100, [&, server, bytes, reply_bytes](Process& self) -> Task<> {
    const Bytes request = pattern(7, bytes);
    result = co_await exchange(rig.messages(from), self, server, request, reply_bytes + 3,
                               static_cast<std::uint32_t>(reply_bytes));
    ended = true;
  });
  rig.run();
  REQUIRE(ended);
  return result;
}

void check_sizes(std::size_t bytes, std::size_t reply_bytes, unsigned to,
                 const xybus::CostTable& costs) {
  Rig rig(2, [&](KernelConfig& config) { config.costs = costs; });
  const Exchange result = one_exchange(rig, 0, to, bytes, reply_bytes);
  CHECK(result.link_error == Error::none);
  CHECK(result.completion.error == Error::none);
  CHECK(result.completion.reply_length == reply_bytes);
  CHECK(result.reply == answer_to(pattern(7, bytes), reply_bytes));
  CHECK(rig.at_rest());
  CHECK(rig.messages(0).stray_packets() == 0);
  CHECK(rig.messages(1).stray_packets() == 0);
}

}  // namespace

// One elaboration a process: a case for each pair of sizes, not a loop over them.
#define SIZE_CASES(bytes)                                                                        \
  TEST_CASE("a request of " #bytes " bytes and a reply of 0 cross the bus whole") {              \
    check_sizes(bytes, 0, 1, xybus::CostTable::standard());                                      \
  }                                                                                              \
  TEST_CASE("a request of 0 bytes and a reply of " #bytes " cross the bus whole") {              \
    check_sizes(0, bytes, 1, xybus::CostTable::standard());                                      \
  }                                                                                              \
  TEST_CASE("request and reply of " #bytes " bytes cross the bus whole, software free of cost") { \
    check_sizes(bytes, bytes, 1, xybus::CostTable::zero());                                      \
  }                                                                                              \
  TEST_CASE("request and reply of " #bytes " bytes between processes on one CPU arrive whole") { \
    check_sizes(bytes, bytes, 0, xybus::CostTable::standard());                                  \
  }
SIZE_CASES(1)
SIZE_CASES(224)
SIZE_CASES(225)
SIZE_CASES(4096)
SIZE_CASES(256)
SIZE_CASES(8192)
SIZE_CASES(8193)
SIZE_CASES(65536)
SIZE_CASES(100000)

TEST_CASE("an empty request with an empty reply crosses the bus") {
  check_sizes(0, 0, 1, xybus::CostTable::standard());
}
TEST_CASE("an empty request with an empty reply passes between processes on one CPU") {
  check_sizes(0, 0, 0, xybus::CostTable::zero());
}

TEST_CASE("link returns at once, before the server has done anything") {
  Rig rig(2);
  const ProcessAddress server = rig.address(1, rig.create_echo(1));
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request = pattern(1, 5000);
    Bytes reply(10);
    const auto before = rig.node(0).now();
    const auto link = rig.messages(0).link(self, server, request, reply, 10);
    REQUIRE(link);
    CHECK(rig.node(0).now() - before < 2000);  // it copies the request
    CHECK_FALSE(rig.messages(0).done(self));
    CHECK(rig.count(1, KernelEvent::link_queued) == 0);
    co_await self.wait(EventBit::ldone);
    const auto completion = rig.messages(0).done(self);
    REQUIRE(completion);
    CHECK(completion->link == *link);
    CHECK_FALSE(rig.messages(0).done(self));
    checked = true;
  });
  rig.run();
  CHECK(checked);
}

TEST_CASE("listen tells who asks, with which tag, how much there is and room for") {
  Rig rig(2);
  Request seen;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    seen = co_await next_request(rig.messages(1), self);
    co_await rig.messages(1).writelink(self, seen.link, {});
  });
  const Process& requestor = rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request = pattern(1, 300);
    co_await exchange(rig.messages(0), self, rig.address(1, server), request, 77, 0xcafe0123);
  });
  rig.run();
  CHECK(seen.from == rig.address(0, requestor));
  CHECK(seen.tag == 0xcafe0123);
  CHECK(seen.length == 300);
  CHECK(seen.reply_room == 77);
}

TEST_CASE("a server need not read the request") {
  Rig rig(2);
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    const Request request = co_await next_request(rig.messages(1), self);
    co_await rig.messages(1).writelink(self, request.link, {}, Error::timeout);
  });
  Exchange result;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request = pattern(1, 3000);
    result = co_await exchange(rig.messages(0), self, rig.address(1, server), request, 5);
  });
  rig.run();
  CHECK(result.completion.error == Error::timeout);  // the server's word for it
  CHECK(rig.at_rest());
}

TEST_CASE("readlink reads any part of a request, as often as the server likes") {
  Rig rig(2);
  const Bytes request = pattern(9, 2000);
  unsigned parts = 0;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    const Request asked = co_await next_request(messages, self);
    const auto read = [&](std::uint32_t offset, std::size_t room) -> Task<Bytes> {
      Bytes part(room, std::byte{0xee});
      CHECK_AWAIT(messages.readlink(self, asked.link, part, offset), Error::none);
      co_return part;
    };
    for (const std::uint32_t offset : {1999U, 0U, 224U, 777U, 223U}) {
      const Bytes part = co_await read(offset, 1);
      CHECK(part[0] == request[offset]);
      ++parts;
    }
    const Bytes middle = co_await read(500, 1000);
    CHECK(std::equal(middle.begin(), middle.end(), request.begin() + 500));
    Bytes tail = co_await read(1900, 200);  // only what is left is written
    CHECK(std::equal(request.begin() + 1900, request.end(), tail.begin()));
    CHECK(tail[100] == std::byte{0xee});
    co_await read(2000, 10);
    co_await read(0, 0);
    co_await messages.writelink(self, asked.link, {});
    ++parts;
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await exchange(rig.messages(0), self, rig.address(1, server), request, 0);
  });
  rig.run();
  CHECK(parts == 6);
  CHECK(rig.at_rest());
}

TEST_CASE("readlink reads any part of a request that came inline") {
  Rig rig(2);
  const Bytes request = pattern(9, 200);
  bool checked = false;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    const Request asked = co_await next_request(rig.messages(1), self);
    Bytes part(300, std::byte{0xee});
    co_await rig.messages(1).readlink(self, asked.link, part, 150);
    CHECK(std::equal(request.begin() + 150, request.end(), part.begin()));
    CHECK(part[50] == std::byte{0xee});
    co_await rig.messages(1).writelink(self, asked.link, {});
    checked = true;
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await exchange(rig.messages(0), self, rig.address(1, server), request, 0);
  });
  rig.run();
  CHECK(checked);
}

TEST_CASE("a server may reply in any order, much later, and each requestor gets its own reply") {
  Rig rig(4);
  constexpr unsigned count = 12;
  const Process& server = rig.create(3, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(3);
    std::vector<Request> requests;
    while (requests.size() < count) {
      requests.push_back(co_await next_request(messages, self));
    }
    co_await self.compute(100'000);
    for (const unsigned which : {7, 0, 11, 3, 1, 2, 10, 9, 4, 8, 5, 6}) {
      Bytes data(requests[which].length);
      co_await messages.readlink(self, requests[which].link, data);
      const Bytes reply = answer_to(data, requests[which].tag);
      CHECK_AWAIT(messages.writelink(self, requests[which].link, reply), Error::none);
    }
  });
  unsigned good = 0;
  for (unsigned i = 0; i < count; ++i) {
    const unsigned from = i % 4;
    rig.create(from, 100, [&, i, from](Process& self) -> Task<> {
      const Bytes request = pattern(i, 50 * i);
      const Exchange result = co_await exchange(rig.messages(from), self, rig.address(3, server),
                                                request, 1000, 10 + 60 * i);
      if (result.reply == answer_to(request, 10 + 60 * i)) ++good;
    });
  }
  rig.run();
  CHECK(good == count);
  CHECK(rig.at_rest());
}

TEST_CASE("requests of one requestor are queued in the order of its links") {
  Rig rig(2);
  std::vector<std::uint32_t> tags;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    for (;;) {
      const Request request = co_await next_request(rig.messages(1), self);
      tags.push_back(request.tag);
      co_await rig.messages(1).writelink(self, request.link, {});
    }
  });
  std::vector<std::uint32_t> expected;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes small = pattern(1, 20), large = pattern(2, 500);
    for (std::uint32_t tag = 0; tag < 200; ++tag) {
      const auto link =
          rig.messages(0).link(self, rig.address(1, server), tag % 3 ? small : large, {}, tag);
      REQUIRE(link);
      expected.push_back(tag);
    }
    co_await self.wait(EventBit::pon);  // a requestor that stops cancels its links
  });
  rig.run();
  CHECK(tags.size() == 200);
  CHECK(tags == expected);
}

TEST_CASE("links end in done in the order in which they ended, each once") {
  Rig rig(2);
  std::vector<LinkId> ended, links;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    std::vector<Request> requests;
    while (requests.size() < 3) requests.push_back(co_await next_request(rig.messages(1), self));
    for (const unsigned which : {2, 0, 1}) {
      co_await rig.messages(1).writelink(self, requests[which].link, {});
      co_await self.compute(2000);
    }
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      links.push_back(*rig.messages(0).link(self, rig.address(1, server), {}, {}));
    }
    co_await self.compute(50'000);
    while (const auto completion = rig.messages(0).done(self)) ended.push_back(completion->link);
  });
  rig.run();
  CHECK(ended == std::vector{links.at(2), links.at(0), links.at(1)});
}

TEST_CASE("a process may be its own server") {
  Rig rig(1);
  Bytes reply(5);
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    const Bytes request = pattern(3, 1000);
    const auto link = messages.link(self, rig.address(0, self), request, reply);
    const auto got = co_await self.wait(EventBit::lreq | EventBit::ldone);
    CHECK(got == EventBit::lreq);
    const auto asked = messages.listen(self);
    REQUIRE(asked);
    Bytes data(1000);
    CHECK_AWAIT(messages.readlink(self, asked->link, data), Error::none);
    CHECK(data == request);
    CHECK_AWAIT(messages.writelink(self, asked->link, std::span(data).first(5)), Error::none);
    const auto completion = messages.done(self);
    REQUIRE(completion);
    CHECK(completion->link == *link);
    CHECK(messages.breaklink(self, *link) == Error::none);
    checked = true;
  });
  rig.run();
  CHECK(checked);
  CHECK(rig.at_rest());
}

TEST_CASE("messages on one CPU use two link control blocks and no bus") {
  Rig rig(2);
  unsigned free_meanwhile = 0;
  const Process& server = rig.create(0, 100, [&](Process& self) -> Task<> {
    const Request request = co_await next_request(rig.messages(0), self);
    free_meanwhile = rig.messages(0).free_lcbs();
    co_await rig.messages(0).writelink(self, request.link, {});
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    co_await exchange(rig.messages(0), self, rig.address(0, server), {}, 0);
  });
  rig.run();
  CHECK(free_meanwhile == 254);
  CHECK(rig.node(0).packets_sent == 0);
  CHECK(rig.at_rest());
}

TEST_CASE("a long transfer on one CPU lets interrupts in") {
  Rig rig(2);
  std::uint64_t late = 0;
  const ProcessAddress local = rig.address(0, rig.create_echo(0));
  const ProcessAddress urgent = rig.address(0, rig.create_echo(0, 250));
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request = pattern(1, 1'000'000);
    co_await exchange(rig.messages(0), self, local, request, 0);
  });
  rig.create(1, 100, [&](Process& self) -> Task<> {
    for (int i = 0; i < 100; ++i) {
      const auto before = rig.node(1).now();
      co_await exchange(rig.messages(1), self, urgent, {}, 0);
      late = std::max(late, rig.node(1).now() - before);
      co_await self.wait({}, 1000);
    }
  });
  rig.run();
  CHECK(late < 10'000);
  CHECK(rig.at_rest());
}
