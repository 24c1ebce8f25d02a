// Packets that no message system like ours would send, or that come in an order it need not.

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
  void deliver(unsigned source, const LinkHeader& header, const Bytes& data = {}) {
    Bytes payload(xybus::link_header_bytes + data.size());
    xybus::store(header, payload);
    std::copy(data.begin(), data.end(), payload.begin() + xybus::link_header_bytes);
    rig.messages(0).received({source, 0, contract::TrafficClass::control, payload});
  }

  Rig rig;
  LinkId link;
  Bytes request = pattern(1, 1000), reply = Bytes(600);
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
    const auto reply = s.header(LinkOperation::reply), pull = s.header(LinkOperation::pull);
    auto to_requestor = s.header(LinkOperation::data), to_server = to_requestor;
    to_requestor.set_length(100);
    to_server.set_length(100).set_requestor_link(0).set_server_link(s.link.value);

    expect_stray(2, reply);  // the link is with CPU 1
    expect_stray(1, LinkHeader(reply).set_requestor_link(s.link.value + 0x10000));
    expect_stray(1, LinkHeader(reply).set_requestor_link(0xffff));
    expect_stray(1, pull);  // of nothing
    expect_stray(1, LinkHeader(pull).set_offset(999).set_length(2));
    expect_stray(1, LinkHeader(pull).set_offset(0xffffffff).set_length(0xffffffff));
    expect_stray(1, LinkHeader(to_requestor).set_offset(501), data);
    expect_stray(1, LinkHeader(to_requestor).set_offset(0xffffffff), data);
    expect_stray(1, to_requestor, pattern(2, 99));
    expect_stray(2, to_requestor, data);
    expect_stray(1, to_server, data);  // not a server's end
    expect_stray(1, s.header(LinkOperation::cancel));
    expect_stray(1, s.header(static_cast<LinkOperation>(77)));
    s.rig.messages(0).received({1, 0, contract::TrafficClass::control, data});
    s.rig.messages(0).received({1, 0, contract::TrafficClass::control, {}});
    CHECK(s.reply == Bytes(600));
    CHECK(s.rig.messages(0).free_lcbs() == 255);
  });
}

TEST_CASE("a reply that overtakes its data ends the link only when all data is there") {
  const Scene scene([](Scene& s, Process& self) {
    const Bytes whole = pattern(3, 400);
    s.deliver(1, s.header(LinkOperation::reply).set_length(400));
    CHECK_FALSE(s.rig.messages(0).done(self));
    s.deliver(1, s.header(LinkOperation::data).set_offset(200).set_length(200),
              Bytes(whole.begin() + 200, whole.end()));
    CHECK_FALSE(s.rig.messages(0).done(self));
    s.deliver(1, s.header(LinkOperation::data).set_offset(0).set_length(200),
              Bytes(whole.begin(), whole.begin() + 200));
    const auto completion = s.rig.messages(0).done(self);
    REQUIRE(completion);
    CHECK(completion->error == Error::none);
    CHECK(completion->reply_length == 400);
    CHECK(std::equal(whole.begin(), whole.end(), s.reply.begin()));
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

TEST_CASE("data for the wrong part of a request that is read is dropped") {
  // The server reads bytes 500 to 1499; data before and behind that must not reach its buffer.
  Rig rig(2);
  Bytes buffer(1000);
  LinkId link;
  rig.create(1, 100, [&](Process& self) -> Task<> {
    const Request asked = co_await next_request(rig.messages(1), self);
    link = asked.link;
    rig.node(1).busy_data = true;
    co_await rig.messages(1).readlink(self, asked.link, buffer, 500);
  });
  rig.create(0, 100, [&](Process& self) -> Task<> {
    const Bytes request = pattern(1, 2000);
    co_await exchange(rig.messages(0), self, {1, 2}, request, 0);
  });
  rig.run(20'000);
  rig.create(1, 200, [&](Process&) -> Task<> {
    const Bytes data(100, std::byte{0xff});
    for (const std::uint32_t offset : {0U, 400U, 499U, 1401U, 1500U, 0xffffffffU}) {
      LinkHeader header;
      header.set_operation(LinkOperation::data).set_server_link(link.value);
      header.set_offset(offset).set_length(100);
      Bytes payload(xybus::link_header_bytes);
      xybus::store(header, payload);
      payload.insert(payload.end(), data.begin(), data.end());
      rig.messages(1).received({0, 0, contract::TrafficClass::data, payload});
    }
    CHECK(rig.messages(1).stray_packets() == 6);
    CHECK(buffer == Bytes(1000));
    co_return;
  });
  rig.run(10'000);
  CHECK(rig.messages(1).stray_packets() == 6);
}

TEST_CASE("a pull for a link that is gone is answered by a cancel, and the server goes on") {
  Rig rig(2);
  Error read = Error::none;
  const ProcessAddress server = rig.address(1, rig.create(1, 100, [&](Process& self) -> Task<> {
    MessageSystem& messages = rig.messages(1);
    const Request asked = co_await next_request(messages, self);
    co_await self.wait({}, 4'000);
    Bytes data(asked.length);
    read = co_await messages.readlink(self, asked.link, data);
    CHECK_AWAIT(messages.writelink(self, asked.link, {}), Error::nothing_outstanding);
    co_await echo_server(messages, self);
  }));
  Exchange gone, behind;
  rig.create(0, 100, [&](Process& self) -> Task<> {
    gone = co_await exchange(rig.messages(0), self, server, pattern(1, 1000), 0);
    behind = co_await exchange(rig.messages(0), self, server, pattern(2, 1000), 500, 500);
  });
  rig.run(2'000);
  rig.messages(0).cpu_down(1);  // ends the link here and tells nobody
  rig.messages(0).cpu_up(1);
  rig.node(0).nudge();
  rig.run(100'000);
  CHECK(gone.completion.error == Error::cpu_failed);
  CHECK(read == Error::nothing_outstanding);
  CHECK(behind.reply == answer_to(pattern(2, 1000), 500));
  CHECK(rig.messages(0).stray_packets() == 1);
  CHECK(rig.messages(1).stray_packets() == 0);
  CHECK(rig.at_rest());
}

namespace {

/// Strays of each kind from `source`; only the pulls, all of one link, may be answered.
void check_answers_to_strays(unsigned source) {
  Scene scene([source](Scene& s, Process&) {
    const auto gone = [&](LinkOperation operation) {
      return s.header(operation).set_requestor_link(s.link.value + 0x10000);
    };
    s.deliver(source, gone(LinkOperation::reply));
    s.deliver(source, gone(LinkOperation::data));
    s.deliver(source, gone(LinkOperation::data).set_server_link(s.link.value));
    s.deliver(source, gone(LinkOperation::cancel));
    s.deliver(1, s.header(LinkOperation::pull));  // that link is here: it must not be cancelled
    for (int i = 0; i < 3; ++i) s.deliver(source, gone(LinkOperation::pull).set_length(10));
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

TEST_CASE("only a pull that finds no link is answered, and its cancel is not") {
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
