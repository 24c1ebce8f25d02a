// Packets that no message system like ours would send, or that come in an order it need not.

#include <algorithm>
#include <catch2/catch.hpp>

#include "firmware/message/wire.h"
#include "rig.h"

using namespace firmware_test;
using contract::LinkHeader;
using contract::LinkOperation;

namespace {

/// A requestor on CPU 0 with one link outstanding to a process on CPU 1 that never listens, and
/// packets made by hand that claim to come from a CPU.
struct Scene {
  using Act = std::function<void(Scene&, Process&)>;

  explicit Scene(Act act) : rig(3) {
    const Process& server = rig.create(1, 100, [](Process& self) -> Task<> {
      co_await self.wait(EventBit::pon);
    });
    rig.create(0, 100, [this, act, to = rig.address(1, server)](Process& self) -> Task<> {
      link = *rig.messages(0).link(self, to, request, reply);
      co_await self.wait({}, 10'000);
      act(*this, self);
      acted = true;
      co_await self.wait(EventBit::pon);
    });
    rig.run(100'000);
    CHECK(acted);
  }

  LinkHeader header(LinkOperation operation) const {
    LinkHeader result;
    result.set_operation(operation).set_requestor_link(link.value);
    return result;
  }
  void deliver(unsigned source, LinkHeader header, const Bytes& data = {}) {
    Bytes payload(xybus::link_header_bytes + data.size());
    header.set_sequence_number(numbers[source]++);
    xybus::store(header, payload);
    if (!data.empty()) std::ranges::copy(data, payload.begin() + xybus::link_header_bytes);
    rig.messages(0).received({source, 0, payload});
  }

  Rig rig;
  LinkId link;
  Bytes request = pattern(1, 1000), reply = Bytes(600);
  std::array<unsigned, 3> numbers{};  // of the packets from each CPU
  bool acted = false;
};

}  // namespace

TEST_CASE("packets that fit no link, or not the state of theirs, change nothing and are counted") {
  const Scene scene([](Scene& s, Process& self) {
    const Bytes data = pattern(2, 100);
    std::uint64_t strays = 0;
    const auto expect_stray = [&](unsigned source, const LinkHeader& header,
                                  const Bytes& with = {}) {
      s.deliver(source, header, with);
      CHECK(s.rig.messages(0).stray_packets() == ++strays);
      CHECK_FALSE(s.rig.messages(0).done(self));
    };
    const auto reply = s.header(LinkOperation::reply);
    const auto pull = s.header(LinkOperation::pull).set_window(0x0100).set_length(1000);
    const auto ask = s.header(LinkOperation::ask).set_length(600);

    expect_stray(2, reply);  // the link is with CPU 1
    expect_stray(1, LinkHeader(reply).set_requestor_link(s.link.value + 0x10000));
    expect_stray(1, LinkHeader(reply).set_requestor_link(0xffff));
    expect_stray(1, LinkHeader(pull).set_length(0));
    expect_stray(1, LinkHeader(pull).set_window(0));
    expect_stray(1, LinkHeader(pull).set_room_or_offset(999).set_length(2));
    expect_stray(1, LinkHeader(pull).set_room_or_offset(0xffffffff).set_length(0xffffffff));
    expect_stray(1, LinkHeader(ask).set_length(0));
    expect_stray(1, LinkHeader(ask).set_length(601));
    expect_stray(1, LinkHeader(ask).set_room_or_offset(0xffffffff).set_length(0xffffffff));
    expect_stray(1, s.header(LinkOperation::room).set_server_link(s.link.value).set_window(0x100));
    expect_stray(1, s.header(LinkOperation::again));
    expect_stray(1, s.header(LinkOperation::again).set_window(0x101));
    expect_stray(1, s.header(LinkOperation::again).set_window(0xffff));
    expect_stray(1, s.header(LinkOperation::cancel));
    expect_stray(1, s.header(static_cast<LinkOperation>(3 + 64)));
    s.deliver(1, LinkHeader{}, data);
    s.rig.messages(0).received({1, 0, {}});
    for (const xybus::WindowName window : {0, 0x100, 0x101, 0xffff}) {
      s.rig.messages(0).stored(window, 100);
    }
    CHECK(s.rig.messages(0).stray_packets() == strays + 6);
    CHECK(s.reply == Bytes(600));
    CHECK(s.rig.messages(0).free_lcbs() == 255);
  });
}

TEST_CASE("an event or an AGAIN of a window that its link does not wait for changes nothing") {
  // Window 0 of CPU 0 has the request, to be read; window 1 is for the reply.
  const Scene scene([](Scene& s, Process& self) {
    for (const xybus::WindowName window : {0x100, 0x101}) {
      s.rig.messages(0).stored(window, 100);
      s.deliver(1, s.header(LinkOperation::again).set_window(window));
      s.deliver(2, s.header(LinkOperation::again).set_window(window));
    }
    CHECK(s.rig.messages(0).stray_packets() == 6);
    CHECK_FALSE(s.rig.messages(0).done(self));
    CHECK(s.reply == Bytes(600));
  });
}

TEST_CASE("a long reply that was not written into its window ends the link with error 22") {
  // As if the server had written less than it says, or the window were gone.
  const Scene scene([](Scene& s, Process& self) {
    auto& windows = s.rig.kernel(0).port();
    CHECK(windows.transfers().windows().in_use() == 2);
    s.deliver(1, s.header(LinkOperation::ask).set_room_or_offset(500).set_length(100));
    s.deliver(1, s.header(LinkOperation::reply).set_length(400));  // less than was asked room for
    const auto completion = s.rig.messages(0).done(self);
    REQUIRE(completion);
    CHECK(completion->error == Error::bounds);
    CHECK(windows.transfers().windows().in_use() == 0);
  });
}

TEST_CASE("a reply larger than there is room for ends the link with error 22, and writes nothing") {
  const Scene scene([](Scene& s, Process& self) {
    s.deliver(1, s.header(LinkOperation::reply).set_length(601));
    const auto completion = s.rig.messages(0).done(self);
    REQUIRE(completion);
    CHECK(completion->error == Error::bounds);
    CHECK(completion->reply_length == 0);
    CHECK(s.reply == Bytes(600));
  });
}

TEST_CASE("a pull for a link that is gone is answered by a cancel, and the server goes on") {
  // CPU 1 is told by hand of a link that CPU 0 does not know. That has taken the number of the
  // first packet from CPU 0, which is dropped.
  Rig rig(2);
  Error read = Error::none;
  const ProcessAddress server = rig.address(1, rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    const Request asked = co_await next_request(messages, self);
    Bytes data(asked.length);
    read = co_await messages.readlink(self, asked.link, data);
    CHECK_AWAIT(messages.writelink(self, asked.link, {}), Error::nothing_outstanding);
    co_await echo_server(messages, self);
  }));
  LinkHeader unknown;
  unknown.set_operation(LinkOperation::link).set_requestor_link(0x70001).set_length(1000);
  unknown.set_server_pin(server.pin);
  Bytes payload(xybus::link_header_bytes);
  xybus::store(unknown, payload);
  Exchange behind;
  rig.on_cpu(1, [&] { rig.messages(1).received({0, 0, payload}); });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const LinkId dropped = *rig.messages(0).link(self, server, {}, {});
    co_await self.wait({}, 10'000);
    CHECK(rig.messages(1).duplicate_packets() == 1);
    rig.messages(0).breaklink(self, dropped);
    behind = co_await exchange(rig.messages(0), self, server, pattern(2, 1000), 500, 500);
  });
  rig.run(100'000);
  CHECK(read == Error::nothing_outstanding);
  CHECK(behind.reply == answer_to(pattern(2, 1000), 500));
  CHECK(rig.messages(0).stray_packets() == 1);
  CHECK(rig.messages(1).stray_packets() == 1);  // the cancel of the link that was dropped
  CHECK(rig.at_rest());
}

namespace {

/// Strays of each kind from `source`; only pull and ask, all of one link, may be answered.
void check_answers_to_strays(unsigned source) {
  Scene scene([source](Scene& s, Process&) {
    const auto gone = [&](LinkOperation operation) {
      return s.header(operation).set_requestor_link(s.link.value + 0x10000);
    };
    s.deliver(source, gone(LinkOperation::reply));
    s.deliver(source, gone(LinkOperation::room));
    s.deliver(source, gone(LinkOperation::room).set_server_link(s.link.value));
    s.deliver(source, gone(LinkOperation::cancel));
    s.deliver(1, s.header(LinkOperation::pull));  // that link is here: it must not be cancelled
    for (int i = 0; i < 2; ++i) s.deliver(source, gone(LinkOperation::pull).set_length(10));
    s.deliver(source, gone(LinkOperation::ask).set_length(10));
    s.rig.messages(0).pump();
  });
  const unsigned cancels_here = source == 0 ? 1 : 0;
  CHECK(scene.rig.messages(0).stray_packets() == 8 + cancels_here);
  CHECK(scene.rig.messages(1).stray_packets() == 1 - cancels_here);
  scene.rig.run(100'000);
  CHECK(scene.rig.messages(0).stray_packets() == 8 + cancels_here);
  CHECK(scene.rig.messages(1).stray_packets() == 1 - cancels_here);
}

}  // namespace

TEST_CASE("only a pull or ask that finds no link is answered, and its cancel is not") {
  check_answers_to_strays(1);
}

TEST_CASE("a pull from this CPU that finds no link is answered here") {
  check_answers_to_strays(0);
}

TEST_CASE("a flood of pulls for links that are gone is answered in part, and holds nothing up") {
  Scene scene([](Scene& s, Process&) {
    for (std::uint32_t i = 1; i <= 1000; ++i) {
      s.deliver(1, s.header(LinkOperation::pull).set_requestor_link(s.link.value + (i << 16)));
    }
    s.rig.messages(0).pump();
  });
  CHECK(scene.rig.messages(0).stray_packets() == 1000);
  CHECK(scene.rig.messages(1).stray_packets() == 8);
}

TEST_CASE("a cancel for a stray pull is forgotten when its CPU goes down") {
  Scene scene([](Scene& s, Process&) {
    s.deliver(1, s.header(LinkOperation::pull).set_requestor_link(s.link.value + 0x10000));
    s.rig.messages(0).cpu_down(1);
    s.rig.messages(0).pump();
  });
  CHECK(scene.rig.messages(1).stray_packets() == 0);
}

TEST_CASE("requests of one CPU hold three quarters of the pool, and those of others get in") {
  Scene scene([](Scene& s, Process& self) {
    constexpr unsigned pool = 256, share = pool - pool / 4;
    LinkHeader link;
    link.set_operation(LinkOperation::link).set_server_pin(self.pin());
    const unsigned free = s.rig.messages(0).free_lcbs();
    for (unsigned i = 0; i < pool; ++i) s.deliver(2, link.set_requestor_link(0x10000 + i));
    CHECK(s.rig.messages(0).free_lcbs() == free - share);
    s.deliver(1, link.set_requestor_link(0x10000));
    CHECK(s.rig.messages(0).free_lcbs() == free - share - 1);
  });
}

TEST_CASE("a request or room for a reply of more bytes than there are messages is refused") {
  Scene scene([](Scene& s, Process& self) {
    LinkHeader link;
    link.set_operation(LinkOperation::link).set_server_pin(self.pin());
    const unsigned free = s.rig.messages(0).free_lcbs();
    s.deliver(2, LinkHeader(link).set_requestor_link(0x10000).set_length(0x8000'0000));
    s.deliver(2, LinkHeader(link).set_requestor_link(0x10001).set_room_or_offset(0x8000'0000));
    CHECK(s.rig.messages(0).free_lcbs() == free);
    s.deliver(2, LinkHeader(link).set_requestor_link(0x10002).set_length(0x7fff'ffff));
    CHECK(s.rig.messages(0).free_lcbs() == free - 1);
  });
}
