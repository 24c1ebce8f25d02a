// Calls that a process should not make, and links that cannot be made.

#include <catch2/catch.hpp>

#include "rig.h"

using namespace firmware_test;

TEST_CASE("a link to a process that does not exist ends with error 14") {
  Rig rig(2);
  std::vector<Error> errors;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes small(3), large(3000);
    for (const std::uint8_t cpu : {0, 1}) {
      for (const Bytes* request : {&small, &large}) {
        const Exchange result =
            co_await exchange(rig.messages(0), self, {cpu, 999}, *request, 100);
        errors.push_back(result.completion.error);
      }
    }
  });
  rig.run();
  CHECK(errors == std::vector<Error>(4, Error::no_process));
  CHECK(rig.at_rest());
}

TEST_CASE("a link to a CPU that does not exist is refused at once") {
  Rig rig(2);
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const auto link = rig.messages(0).link(self, {2, 2}, {}, {});
    CHECK_FALSE(link);
    CHECK(link.error() == Error::bounds);
    checked = true;
    co_return;
  });
  rig.run();
  CHECK(checked);
  CHECK(rig.at_rest());
}

TEST_CASE("a server's calls on links it does not have are error 16") {
  Rig rig(2);
  unsigned checked = 0;
  LinkId others{};
  Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    others = (co_await next_request(messages, self)).link;
    co_await self.compute(10'000);
    Bytes byte(1);
    CHECK_AWAIT(messages.writelink(self, others, byte), Error::none);
    // It may be closing still: to the server it is gone.
    CHECK_AWAIT(messages.writelink(self, others, byte), Error::not_open);
    CHECK_AWAIT(messages.readlink(self, others, byte), Error::not_open);
    co_await self.compute(10'000);
    CHECK_AWAIT(messages.writelink(self, others, byte), Error::not_open);
    CHECK(messages.breaklink(self, others) == Error::not_open);
    ++checked;
  });
  rig.create(1, 200, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    co_await self.wait({}, 5000);
    Bytes byte(1);
    REQUIRE(others);
    CHECK_AWAIT(messages.writelink(self, others, byte), Error::not_open);
    CHECK_AWAIT(messages.readlink(self, others, byte), Error::not_open);
    CHECK(messages.breaklink(self, others) == Error::not_open);
    for (const std::uint32_t none : {0U, 0x10000U, 0xffffU, 0xffffffffU, others.value + 0x10000U}) {
      CHECK_AWAIT(messages.readlink(self, LinkId{none}, byte), Error::not_open);
      CHECK_AWAIT(messages.writelink(self, LinkId{none}, byte), Error::not_open);
      CHECK(messages.breaklink(self, LinkId{none}) == Error::not_open);
    }
    ++checked;
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Exchange result =
        co_await exchange(rig.messages(0), self, rig.address(1, server), {}, 1);
    CHECK(result.completion.reply_length == 1);
    ++checked;
  });
  rig.run();
  CHECK(checked == 3);
  CHECK(rig.at_rest());
}

TEST_CASE("each end of a link takes only its own calls: error 160") {
  Rig rig(1);
  bool checked = false;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(0);
    Bytes byte(1);
    const auto link = messages.link(self, rig.address(0, self), {}, {});
    CHECK_AWAIT(messages.readlink(self, *link, byte), Error::invalid_state);
    CHECK_AWAIT(messages.writelink(self, *link, {}), Error::invalid_state);
    // The request waits: its LCB is there, but the server has not been told its name.
    for (std::uint32_t index = 0; index < 4; ++index) {
      const LinkId waiting{((*link).value & 0xffff0000) + index};
      if (waiting == *link) continue;
      CHECK(messages.breaklink(self, waiting) == Error::not_open);
      CHECK_AWAIT(messages.readlink(self, waiting, byte), Error::not_open);
      CHECK_AWAIT(messages.writelink(self, waiting, {}), Error::not_open);
    }
    const auto asked = messages.listen(self);
    REQUIRE(asked);
    CHECK(messages.breaklink(self, asked->link) == Error::invalid_state);
    CHECK_AWAIT(messages.writelink(self, asked->link, {}), Error::none);
    CHECK(messages.breaklink(self, *link) == Error::none);
    checked = true;
  });
  rig.run();
  CHECK(checked);
  CHECK(rig.at_rest());
}

TEST_CASE("a readlink from beyond the end is error 22, and the link goes on") {
  Rig rig(2);
  unsigned checked = 0;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    for (int i = 0; i < 2; ++i) {
      const Request asked = co_await next_request(messages, self);
      Bytes data(10);
      CHECK_AWAIT(messages.readlink(self, asked.link, data, asked.length + 1), Error::bounds);
      CHECK_AWAIT(messages.readlink(self, asked.link, data, 0xffffffff), Error::bounds);
      CHECK_AWAIT(messages.readlink(self, asked.link, data, asked.length), Error::none);
      CHECK_AWAIT(messages.writelink(self, asked.link, {}), Error::none);
      ++checked;
    }
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes small(100), large(1000);
    co_await exchange(rig.messages(0), self, rig.address(1, server), small, 0);
    co_await exchange(rig.messages(0), self, rig.address(1, server), large, 0);
    ++checked;
  });
  rig.run();
  CHECK(checked == 3);
}

TEST_CASE("a reply larger than the requestor has room for is error 22, and can be tried again") {
  Rig rig(2);
  bool checked = false;
  const Process& server = rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    const Request asked = co_await next_request(messages, self);
    const Bytes data = pattern(1, 1000);
    CHECK_AWAIT(messages.writelink(self, asked.link, data), Error::bounds);
    CHECK_AWAIT(messages.writelink(self, asked.link, std::span(data).first(11)), Error::bounds);
    CHECK_AWAIT(messages.writelink(self, asked.link, std::span(data).first(10)), Error::none);
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Exchange result =
        co_await exchange(rig.messages(0), self, rig.address(1, server), {}, 10);
    CHECK(result.completion.reply_length == 10);
    checked = true;
  });
  rig.run();
  CHECK(checked);
}

TEST_CASE("a kernel is not made with numbers out of range") {
  Rig rig(1);
  const auto make = [&](auto change) {
    KernelConfig config;
    change(config);
    const Kernel kernel(rig.node(0), config);
  };
  CHECK_NOTHROW(make([](KernelConfig&) {}));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.cpus = 17; }), Catch::Contains("cpus"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.cpu = 2; }), Catch::Contains("cpu"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.epoch = 16; }), Catch::Contains("epoch"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.lcbs = 0; }), Catch::Contains("lcbs"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.event_entries = 100; }),
                    Catch::Contains("event_entries"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.send_descriptors = 16; }),
                    Catch::Contains("send_descriptors"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.packet_buffers = 0; }),
                    Catch::Contains("packet_buffers"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.windows = 1; }), Catch::Contains("windows"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.windows = 33; }),
                    Catch::Contains("windows"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.window_bytes = 0; }),
                    Catch::Contains("window_bytes"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.window_bytes = 300; }),
                    Catch::Contains("window_bytes"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.window_bytes = 1 << 20; }),
                    Catch::Contains("window_bytes"));
  CHECK_THROWS_WITH(make([](KernelConfig& c) { c.port.ram_offset = 8; }),
                    Catch::Contains("ram_offset"));
}

TEST_CASE("a port that does not fit into node RAM is refused when it starts") {
  Rig rig(1, [](KernelConfig& config) { config.port.packet_buffers = 4000; });
  CHECK_THROWS_WITH(rig.run(), Catch::Contains("too small"));
}

TEST_CASE("windows that are too large for two of them are refused when the port starts") {
  Rig rig(1, [](KernelConfig& config) { config.port.window_bytes = 131'072; });
  CHECK_THROWS_WITH(rig.run(), Catch::Contains("too small"));
}

TEST_CASE("there are as many windows as node RAM has room for, and as are wanted") {
  Rig rig(2, [](KernelConfig& config) {
    config.port.windows = config.cpu == 0 ? 32 : 9;
  });
  rig.run(1000);
  CHECK(rig.kernel(0).port().transfers().windows().size() == 28);
  CHECK(rig.kernel(0).port().ram_bytes() <= 262'144);
  CHECK(rig.kernel(1).port().transfers().windows().size() == 9);
}
