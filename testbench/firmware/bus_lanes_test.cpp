// How membership packets leave, on a packet port with RAM and registers that the test plays the
// engine on.

#include "firmware/membership/bus_lanes.h"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <vector>

#include "firmware/message/wire.h"

using namespace xybus;
using contract::BusId;
using contract::Register;
using contract::Route;
using Packet = contract::MembershipPacket;

namespace {

constexpr unsigned here = 2;
constexpr CpuMask everybody = 0b1111;
constexpr CpuMask others = everybody & ~bit_of(here);

struct Machine : hal::Hal, PacketPort::Client {
  Machine() { port.start(0); }

  // hal::Hal
  std::uint32_t read(Register reg) override { return registers[reg]; }
  void write(Register reg, std::uint32_t value) override { registers[reg] = value; }
  std::span<std::byte> ram() override { return memory; }
  std::uint64_t now() const override { return 0; }
  void consume(std::uint32_t) override {}
  bool interrupt() const override { return false; }
  void idle(std::uint64_t) override {}

  // PacketPort::Client
  void received(const ReceivedPacket&) override {}
  SentVerdict sent(const SentPacket&) override { return SentVerdict::release; }
  void membership_sent(BusId bus, std::uint32_t to, std::uint32_t missed) override {
    lanes.sent(bus, to, missed);
  }
  void transfer_sent(WindowNumber, contract::SendStatus) override {}
  void stored(WindowName, std::uint32_t) override {}
  void read_failed(unsigned, WindowName, contract::SendStatus) override {}
  void batch_done() override {}

  /// The descriptors that the engine has been told of and has not fetched.
  std::vector<contract::SendDescriptor> fetch() {
    port.ring_doorbells();
    std::vector<contract::SendDescriptor> fresh;
    for (; fetched != registers[Register::control_ring_tail]; fetched = (fetched + 1) & 0xffff) {
      const std::size_t at = registers[Register::control_ring_base] +
                             fetched % config.send_descriptors * contract::line_bytes;
      fresh.push_back(load<contract::SendDescriptor>(std::span(memory).subspan(at)));
    }
    return fresh;
  }
  /// That packet has met its fate: CPUs of `missed` have not got it.
  void end(const contract::SendDescriptor& descriptor, CpuMask missed = 0) {
    contract::PacketHeader header;
    header.set_dst_mask(descriptor.dst_mask());
    contract::EventEntry event;
    event.set_event_type(contract::EventType::sent)
        .set_phase((events / config.event_entries & 1U) == 0)
        .set_cookie(descriptor.cookie())
        .set_missed(missed)
        .set_header_0(header.words[0])
        .set_header_1(header.words[1]);
    store(event, std::span(memory).subspan(events++ % config.event_entries *
                                           contract::line_bytes, contract::line_bytes));
    port.service();
  }
  void post_one() {
    const auto buffer = port.allocate();
    REQUIRE(buffer);
    port.post(*buffer, 0, 16, 0);
  }
  /// Posts and ends others until the first descriptor of all comes next, which is still in use.
  void come_round() {
    std::deque<contract::SendDescriptor> posted;
    while (fetched % config.send_descriptors != 0) {
      post_one();
      for (const auto& descriptor : fetch()) posted.push_back(descriptor);
      if (posted.size() < 4) continue;
      end(posted.front());
      posted.pop_front();
    }
  }
  void alive() {
    lanes.send_alive(everybody, Packet{}.set_operation(contract::LinkOperation::alive));
  }

  std::map<Register, std::uint32_t> registers;
  std::vector<std::byte> memory = std::vector<std::byte>(262144);
  PortConfig config{.send_descriptors = 32};
  std::uint32_t fetched = 0, events = 0;
  Environment environment{*this, CostTable::zero(), here, 4, nullptr};
  PacketPort port{environment, config, *this};
  BusLanes lanes{port, here};
};

}  // namespace

TEST_CASE("an I'm-alive that found no descriptor leaves when the packet of the other bus ends") {
  Machine machine;
  machine.alive();
  const auto alives = machine.fetch();
  REQUIRE(alives.size() == 2);
  REQUIRE(alives[0].route() == Route::x);
  machine.end(alives[1]);
  machine.come_round();  // to the descriptor of bus X
  machine.alive();
  REQUIRE(machine.fetch().empty());
  machine.end(alives[0]);
  const auto next = machine.fetch();
  REQUIRE(next.size() == 1);
  CHECK(next[0].route() == Route::y);
  CHECK(next[0].dst_mask() == everybody);
}

TEST_CASE("I'm-alives that found no descriptor are replaced by the next") {
  Machine machine;
  machine.post_one();
  const auto stuck = machine.fetch();
  machine.alive();
  for (const auto& alive : machine.fetch()) machine.end(alive);
  machine.come_round();
  machine.alive();
  REQUIRE(machine.fetch().empty());
  machine.end(stuck.front());
  machine.alive();
  CHECK(machine.fetch().size() == 2);
  CHECK(machine.lanes.alives_left_out() == 2);
}

TEST_CASE("a bus that carries nothing gets I'm-alives to this CPU alone, after that of the other") {
  Machine machine;
  machine.alive();
  auto alives = machine.fetch();
  REQUIRE(alives.size() == 2);
  CHECK(alives[0].dst_mask() == everybody);
  CHECK(alives[1].dst_mask() == everybody);
  machine.end(alives[0], everybody);
  machine.end(alives[1]);
  for (unsigned i = 0; i < 3; ++i) {
    machine.alive();
    alives = machine.fetch();
    REQUIRE(alives.size() == 2);
    CHECK(alives[0].route() == Route::y);
    CHECK(alives[0].dst_mask() == everybody);
    CHECK(alives[1].route() == Route::x);
    CHECK(alives[1].dst_mask() == bit_of(here));
    machine.end(alives[0]);
    machine.end(alives[1], i == 2 ? 0 : bit_of(here));
  }
  // It has come through: all others get it at once.
  alives = machine.fetch();
  REQUIRE(alives.size() == 1);
  CHECK(alives[0].route() == Route::x);
  CHECK(alives[0].dst_mask() == everybody);
  machine.end(alives[0]);
  CHECK(machine.fetch().empty());
  machine.alive();
  CHECK(machine.fetch().size() == 2);
}

TEST_CASE("a bus that carries to this CPU, if to nobody else, is not taken for dead") {
  Machine machine;
  machine.alive();
  for (const auto& alive : machine.fetch()) machine.end(alive, others);
  machine.alive();
  for (const auto& alive : machine.fetch()) CHECK(alive.dst_mask() == everybody);
}

TEST_CASE("while both buses seem dead both get I'm-alives to all") {
  Machine machine;
  machine.alive();
  for (const auto& alive : machine.fetch()) machine.end(alive, everybody);
  machine.alive();
  const auto alives = machine.fetch();
  REQUIRE(alives.size() == 2);
  for (const auto& alive : alives) CHECK(alive.dst_mask() == everybody);
}
