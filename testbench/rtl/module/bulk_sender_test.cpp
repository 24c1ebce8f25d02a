#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <vector>

#include "Vbulk_sender_bench.h"
#include "contract/contract.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/rule_capture.h"
#include "rtl/module/packet_player.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;
using contract::SendStatus;

namespace {

constexpr unsigned node = 5;
constexpr std::uint64_t seed = 81;

contract::SendDescriptor write_transfer(unsigned length, std::uint32_t number = 0) {
  contract::SendDescriptor result;
  result.set_dst_mask(1U << (number + 3) % 16)
      .set_kind(contract::PacketKind::write)
      .set_route(static_cast<contract::Route>(number % 3))
      .set_window(number % 32)
      .set_generation(0x5a + number)
      .set_length(length)
      .set_notify(number % 2)
      .set_address(16 * (0x123 + 7 * number))
      .set_own_window(0xee)
      .set_cookie(0x01230000 * (number + 1) + number);
  return result;
}

contract::SendDescriptor read_transfer(unsigned length, std::uint32_t number = 0) {
  return write_transfer(length, number)
      .set_kind(contract::PacketKind::read)
      .set_own_window(number % 32);
}

contract::WindowWord far_place(const contract::SendDescriptor& transfer, unsigned lines) {
  contract::WindowWord place;
  return place.set_window(transfer.window())
      .set_generation(transfer.generation())
      .set_offset((transfer.cookie() >> 16) + lines);
}

/// The packets of a write, from the contract.
std::vector<OfferedPacket> packets_of(const contract::SendDescriptor& transfer) {
  std::vector<OfferedPacket> packets;
  for (unsigned done = 0; done < transfer.length(); done += contract::max_payload_bytes) {
    OfferedPacket packet;
    packet.origin = Origin::write;
    packet.route = transfer.route();
    packet.traffic_class = contract::TrafficClass::data;
    packet.kind = contract::PacketKind::write;
    packet.destinations = transfer.dst_mask();
    packet.length = std::min(transfer.length() - done, contract::max_payload_bytes);
    packet.notify = transfer.notify() != 0 && done + packet.length == transfer.length();
    packet.line = (transfer.address() + done) / contract::line_bytes;
    packet.window = far_place(transfer, done / contract::line_bytes);
    packets.push_back(packet);
  }
  return packets;
}

/// The bulk sender, with everything around it played.
class Sender {
 public:
  /// With its clock gated, it stands still while it does not say that it is busy.
  explicit Sender(std::uint64_t own_seed = seed, bool gated = false)
      : packets(Origin::write, own_seed), windows(own_seed), random_(own_seed), gated_(gated) {
    sender->node_i = node;
    sender->busy_limit_i = 64;
    sender->transfer_valid_i = 0;
    sender->lookup_ready_i = 0;
    sender->take_i = 0;
    sender->room_i = 1;
    sender->event_ready_i = 0;
    for (auto& fate : sender->fate_i) PacketFate{}.drive(fate);
    sender.reset();
  }

  std::deque<contract::SendDescriptor> posted;
  std::vector<contract::EventEntry> events;
  unsigned claimed = 0;
  std::vector<std::uint64_t> trace;
  PacketPlayer packets;
  WindowPlayer windows;
  std::function<bool()> room = [] { return true; };
  Clocked<Vbulk_sender_bench> sender;

  void step() {
    for (unsigned i = 0; i < 4; ++i) {
      sender->transfer_i[i] = posted.empty() ? random_.word() : posted.front().words[i];
    }
    sender->transfer_valid_i = !posted.empty();
    sender->room_i = room();
    sender->event_ready_i = random_.once_in(2);
    sender->take_i = 0;
    sender->lookup_ready_i = 0;
    sender.settle();
    sender->lookup_ready_i =
        windows.play(sender->lookup_valid_o != 0, sender->lookup_o, sender->lookup_reply_i);
    sender->take_i = packets.play(sender->valid_o != 0, sender->offer_o, sender->fate_i);
    sender.settle();
    claimed += sender->claim_o;
    if (sender->transfer_take_o != 0) {
      REQUIRE_FALSE(posted.empty());
      REQUIRE(sender->claim_o == 1);
      posted.pop_front();
    }
    const bool event = sender->event_valid_o != 0 && sender->event_ready_i != 0;
    if (event) events.push_back(get_event(sender->event_o));
    trace.push_back(sender->valid_o | sender->lookup_valid_o << 1 | sender->event_valid_o << 2 |
                    sender->transfer_take_o << 3 | sender->idle_o << 4 | sender->busy_o << 5 |
                    sender->claim_o << 6);
    REQUIRE_FALSE((sender->idle_o != 0 && sender->busy_o != 0));
    if (!gated_ || sender->busy_o != 0) sender.tick();
  }
  void run_until_events(std::size_t count, unsigned limit = 100000) {
    for (unsigned i = 0; events.size() < count; ++i) {
      REQUIRE(i < limit);
      step();
    }
    REQUIRE(claimed == events.size());
  }
  bool idle() {
    sender->transfer_valid_i = !posted.empty();
    sender.settle();
    return sender->idle_o != 0;
  }

 private:
  Random random_;
  bool gated_;
};

contract::EventEntry event_of(const contract::SendDescriptor& transfer, SendStatus status,
                              unsigned bus, const contract::PacketHeader& header) {
  contract::EventEntry entry;
  return entry.set_event_type(contract::EventType::sent)
      .set_bus(static_cast<contract::BusId>(bus))
      .set_status(status)
      .set_missed(status == SendStatus::ok ? 0 : transfer.dst_mask())
      .set_cookie(transfer.cookie())
      .set_header_0(header.words[0])
      .set_header_1(header.words[1]);
}

/// Header of a read that this node's own window did not allow.
contract::PacketHeader unsent(const contract::SendDescriptor& transfer) {
  contract::PacketHeader header;
  return header.set_dst_mask(transfer.dst_mask())
      .set_source(node)
      .set_kind(transfer.kind())
      .set_traffic_class(contract::TrafficClass::data);
}

}  // namespace

TEST_CASE("bulk sender: a write of any length goes in packets, each byte once and in its place") {
  Sender sender(choose_seed(seed));
  std::vector<OfferedPacket> expected;
  for (unsigned length = 1; length <= 600; ++length) {
    const auto transfer = write_transfer(length, length);
    sender.posted.push_back(transfer);
    sender.run_until_events(length);
    const auto packets = packets_of(transfer);
    expected.insert(expected.end(), packets.begin(), packets.end());
    REQUIRE(sender.packets.taken == expected);
    REQUIRE(sender.events.back() == event_of(transfer, SendStatus::ok,
                                             sender.packets.last_fate.bus,
                                             sender.packets.last_fate.header));
  }
  CHECK(sender.windows.asked.empty());
  CHECK(sender.idle());
}

TEST_CASE("bulk sender: long writes, to the longest there is") {
  const unsigned length = GENERATE(65536u, 65537u, 1048575u);
  Sender sender;
  const auto transfer =
      write_transfer(length, 1).set_address(0).set_cookie(GENERATE(0x00000077u, 0x00010077u));
  sender.posted.push_back(transfer);
  sender.run_until_events(1, 200000);
  CHECK(sender.packets.taken == packets_of(transfer));
  CHECK(sender.events[0].status() == SendStatus::ok);
}

TEST_CASE("bulk sender: the first packet that fails ends the write, and none follows it") {
  const auto status = GENERATE(SendStatus::busy, SendStatus::unreachable, SendStatus::denied);
  const bool at_once = GENERATE(false, true);
  Sender sender(choose_seed(seed));
  std::size_t packets = 0;
  for (unsigned round = 0; round < 10; ++round) {
    for (unsigned failing = 0; failing < 5; ++failing) {
      const auto transfer = write_transfer(4 * 256 + 1, 7 * round + failing);
      const std::size_t first = packets;
      sender.packets.ending = [&](std::size_t number) {
        return number == first + failing ? Ending{status, at_once} : Ending{};
      };
      sender.posted.push_back(transfer);
      sender.run_until_events(sender.events.size() + 1);
      packets += failing + 1;
      REQUIRE(sender.packets.taken.size() == packets);
      REQUIRE(sender.packets.taken.back() == packets_of(transfer)[failing]);
      REQUIRE(sender.events.back() == event_of(transfer, status, sender.packets.last_fate.bus,
                                               sender.packets.last_fate.header));
      REQUIRE(sender.idle());
    }
  }
}

TEST_CASE("bulk sender: a read is one packet, with this window's generation in the request") {
  Sender sender(choose_seed(seed));
  sender.windows.reply = [](std::size_t number, const WindowQuestion&) {
    return WindowReply{true, static_cast<unsigned>(0x40 + number) & 0xff, 0x999};
  };
  for (unsigned i = 0; i < 40; ++i) {
    const unsigned length = i == 0 ? 1 : i == 1 ? 1048575 : 3000 * i;
    const auto transfer = read_transfer(length, i);
    sender.posted.push_back(transfer);
    sender.run_until_events(i + 1);

    WindowQuestion question{true, true, (i + 3) % 16, length, {}};
    question.place.set_window(i % 32).set_offset(transfer.address() / contract::line_bytes);
    REQUIRE(sender.windows.asked.size() == i + 1);
    REQUIRE(sender.windows.asked.back() == question);

    OfferedPacket packet;
    packet.origin = Origin::write;
    packet.route = transfer.route();
    packet.kind = contract::PacketKind::read;
    packet.destinations = transfer.dst_mask();
    packet.length = contract::read_payload_bytes;
    packet.window = far_place(transfer, 0);
    contract::WindowWord reply = question.place;
    reply.set_generation((0x40 + i) & 0xff);
    packet.request.set_length(length).set_reply(reply.words[0]);
    REQUIRE(sender.packets.taken.size() == i + 1);
    REQUIRE(sender.packets.taken.back() == packet);
    REQUIRE(sender.events.back() == event_of(transfer, SendStatus::ok,
                                             sender.packets.last_fate.bus,
                                             sender.packets.last_fate.header));
  }
}

TEST_CASE("bulk sender: a read that this node's window does not allow is refused and not sent") {
  Sender sender;
  sender.windows.reply = [](std::size_t number, const WindowQuestion&) {
    return WindowReply{number % 2 != 0, 0, 0};
  };
  for (unsigned i = 0; i < 10; ++i) {
    const auto transfer = read_transfer(1000, i);
    sender.posted.push_back(transfer);
    sender.run_until_events(i + 1);
    if (i % 2 == 0) {
      CHECK(sender.events.back() == event_of(transfer, SendStatus::refused, 0, unsent(transfer)));
    } else {
      CHECK(sender.events.back().status() == SendStatus::ok);
    }
    CHECK(sender.packets.taken.size() == (i + 1) / 2);
  }
}

TEST_CASE("bulk sender: a read that is not accepted ends with its status") {
  const auto status = GENERATE(SendStatus::unreachable, SendStatus::denied);
  const bool at_once = GENERATE(false, true);
  Sender sender;
  sender.windows.reply = [](std::size_t, const WindowQuestion&) { return WindowReply{true, 1, 0}; };
  sender.packets.ending = [&](std::size_t) { return Ending{status, at_once}; };
  const auto transfer = read_transfer(1000, 4);
  sender.posted.push_back(transfer);
  sender.run_until_events(1);
  CHECK(sender.packets.taken.size() == 1);
  CHECK(sender.events[0] == event_of(transfer, status, sender.packets.last_fate.bus,
                                     sender.packets.last_fate.header));
}

TEST_CASE("bulk sender: a read that is answered busy is offered again, up to the limit") {
  const unsigned limit = GENERATE(0u, 1u, 2u, 9u, 65535u);
  const unsigned answers = GENERATE(1u, 2u, 8u, 9u, 12u);
  Sender sender(choose_seed(seed));
  sender.sender->busy_limit_i = limit;
  sender.windows.reply = [](std::size_t, const WindowQuestion&) { return WindowReply{true, 9, 0}; };
  // Twice: the second read starts anew.
  for (unsigned i = 0; i < 2; ++i) {
    const std::size_t before = sender.packets.taken.size();
    sender.packets.ending = [&](std::size_t number) {
      return Ending{number - before < answers ? SendStatus::busy : SendStatus::ok};
    };
    const auto transfer = read_transfer(1000, i);
    sender.posted.push_back(transfer);
    sender.run_until_events(i + 1);
    const unsigned most = std::max(limit, 1u);
    const bool accepted = answers < most;
    const auto offered = sender.packets.taken.size() - before;
    REQUIRE(offered == (accepted ? answers + 1 : most));
    for (std::size_t k = 1; k < offered; ++k) {
      REQUIRE(sender.packets.taken[before + k] == sender.packets.taken[before]);
    }
    CHECK(sender.events.back() == event_of(transfer, accepted ? SendStatus::ok : SendStatus::busy,
                                           sender.packets.last_fate.bus,
                                           sender.packets.last_fate.header));
    CHECK(sender.windows.asked.size() == i + 1);
    CHECK(sender.idle());
  }
}

TEST_CASE("bulk sender: busy answers to a read may be followed by another end") {
  const auto status = GENERATE(SendStatus::unreachable, SendStatus::denied);
  Sender sender;
  sender.windows.reply = [](std::size_t, const WindowQuestion&) { return WindowReply{true, 9, 0}; };
  sender.packets.ending = [&](std::size_t number) {
    return Ending{number < 3 ? SendStatus::busy : status};
  };
  sender.posted.push_back(read_transfer(1000));
  sender.run_until_events(1);
  CHECK(sender.packets.taken.size() == 4);
  CHECK(sender.events[0].status() == status);
}

TEST_CASE("bulk sender: busy answers space the offers of a read, 16 cycles doubled up to 1024") {
  Sender sender;
  sender.packets.dawdles = false;
  sender.packets.longest_flight = 1;
  sender.windows.reply = [](std::size_t, const WindowQuestion&) { return WindowReply{true, 9, 0}; };
  sender.packets.ending = [](std::size_t number) {
    return Ending{number < 9 ? SendStatus::busy : SendStatus::ok};
  };
  sender.posted.push_back(read_transfer(1000));
  std::vector<unsigned> offered;  // when each offer began
  bool valid = false;
  for (unsigned cycle = 0; sender.events.empty(); ++cycle) {
    REQUIRE(cycle < 10000);
    sender.step();
    // The trace has the offer before the clock edge.
    const bool now = (sender.trace.back() & 1) != 0;
    if (now && !valid) offered.push_back(cycle);
    valid = now;
    if (sender.events.empty()) REQUIRE_FALSE(sender.idle());
  }
  CHECK(sender.claimed == 1);
  REQUIRE(offered.size() == 10);
  unsigned pause = 16;
  for (std::size_t i = 1; i < offered.size(); ++i) {
    CHECK(offered[i] - offered[i - 1] >= pause);
    CHECK(offered[i] - offered[i - 1] <= pause + 8);
    pause = std::min(2 * pause, 1024u);
  }
}

TEST_CASE("bulk sender: without room for its event a transfer is not taken") {
  Sender sender;
  bool room = false;
  sender.room = [&] { return room; };
  sender.posted.push_back(write_transfer(300));
  for (unsigned i = 0; i < 50; ++i) {
    sender.step();
    REQUIRE(sender.sender->busy_o == 0);
    REQUIRE_FALSE(sender.idle());
  }
  CHECK(sender.posted.size() == 1);
  room = true;
  sender.step();
  CHECK(sender.posted.empty());
  room = false;
  sender.run_until_events(1);
  CHECK(sender.claimed == 1);
}

TEST_CASE("bulk sender: it stands still while the scheduler does not take what it offers") {
  Sender sender;
  sender.packets.takes = false;
  sender.posted.push_back(write_transfer(300));
  for (unsigned i = 0; i < 20; ++i) sender.step();
  for (unsigned i = 0; i < 200; ++i) {
    sender.step();
    REQUIRE(sender.sender->valid_o == 1);
  }
  // Fates of others are as many stimuli; without them it is at rest.
  for (auto& fate : sender.sender->fate_i) PacketFate{}.drive(fate);
  sender.sender.settle();
  CHECK(sender.sender->busy_o == 0);
  CHECK_FALSE(sender.idle());
  sender.packets.takes = true;
  sender.run_until_events(1);
  CHECK(sender.packets.taken.size() == 2);
}

TEST_CASE("bulk sender: the next packet is on offer as soon as a lane has done with the last") {
  Sender sender;
  sender.packets.dawdles = false;
  sender.packets.longest_flight = 1;
  std::vector<std::uint64_t> taken_at;
  sender.posted.push_back(write_transfer(20 * 256));
  std::uint64_t cycle = 0;
  while (sender.events.empty()) {
    const std::size_t before = sender.packets.taken.size();
    sender.step();
    if (sender.packets.taken.size() != before) taken_at.push_back(cycle);
    ++cycle;
    REQUIRE(cycle < 1000);
  }
  REQUIRE(taken_at.size() == 20);
  // The shortest packet is in its lane for 9 cycles.
  for (unsigned i = 1; i < 20; ++i) CHECK(taken_at[i] - taken_at[i - 1] <= 3);
}

TEST_CASE("bulk sender: gating its clock while it is not busy changes nothing") {
  const auto own_seed = choose_seed(82);
  std::vector<std::vector<std::uint64_t>> traces;
  std::vector<std::vector<contract::EventEntry>> events;
  for (const bool gated : {false, true}) {
    Sender sender(own_seed, gated);
    Random random(own_seed);
    sender.room = [&] { return random.once_in(3); };
    sender.windows.reply = [](std::size_t number, const WindowQuestion&) {
      return WindowReply{number % 3 != 0, 7, 0};
    };
    sender.packets.ending = [](std::size_t number) {
      if (number % 7 == 6) return Ending{SendStatus::busy};
      return number % 11 == 10 ? Ending{SendStatus::denied, number % 2 == 0} : Ending{};
    };
    for (unsigned i = 0; i < 20000; ++i) {
      if (sender.posted.size() < 2 && random.once_in(30)) {
        const unsigned length = 1 + random.below(2000);
        sender.posted.push_back(random.once_in(3) ? read_transfer(length, i)
                                                  : write_transfer(length, i));
      }
      sender.step();
    }
    traces.push_back(sender.trace);
    events.push_back(sender.events);
    CHECK(sender.events.size() > 100);
  }
  CHECK(traces[0] == traces[1]);
  CHECK(events[0] == events[1]);
}

TEST_CASE("bulk sender: disabling the engine in the middle of a transfer leaves nothing behind") {
  for (unsigned moment = 0; moment < 60; ++moment) {
    Sender sender;
    sender.windows.reply = [](std::size_t, const WindowQuestion&) { return WindowReply{true}; };
    // A read pauses for most of the time.
    if (moment % 2 != 0) {
      sender.packets.ending = [](std::size_t) { return Ending{SendStatus::busy}; };
    }
    sender.posted.push_back(moment % 2 == 0 ? write_transfer(1000) : read_transfer(1000));
    for (unsigned i = 0; i < moment; ++i) sender.step();
    sender.posted.clear();
    sender.sender->take_i = 0;
    for (auto& fate : sender.sender->fate_i) PacketFate{}.drive(fate);
    sender.sender.reset();
    CHECK(sender.idle());
    sender.packets = PacketPlayer(Origin::write, moment);
    sender.events.clear();
    sender.claimed = 0;
    sender.posted.push_back(write_transfer(513));
    sender.run_until_events(1);
    CHECK(sender.packets.taken == packets_of(write_transfer(513)));
  }
}

TEST_CASE("bulk sender: what the scheduler and the lanes must not do breaks a rule") {
  Sender sender;
  sender.packets.takes = false;
  sender.posted.push_back(write_transfer(3000));
  const auto fate = [&](unsigned from, SendStatus status) {
    PacketFate{true, Origin::write, status, 0, {}}.drive(sender.sender->fate_i[from]);
  };
  const auto quiet = [&] {
    for (auto& each : sender.sender->fate_i) PacketFate{}.drive(each);
    sender.sender->take_i = 0;
  };
  const auto take = [&] {
    quiet();
    sender.sender->take_i = 1;
    sender.sender.tick();
    quiet();
    sender.sender.tick();
  };
  for (unsigned i = 0; i < 10; ++i) sender.step();
  quiet();
  sender.sender->transfer_valid_i = 0;

  SECTION("a fate without a packet") {
    fate(1, SendStatus::ok);
    CHECK_THAT(broken_rule([&] { sender.sender.tick(); }), Contains("FateNeedsPacket"));
  }
  SECTION("two fates for one packet") {
    take();
    fate(0, SendStatus::ok);
    fate(1, SendStatus::ok);
    CHECK_THAT(broken_rule([&] { sender.sender.tick(); }), Contains("FateNeedsPacket"));
  }
  SECTION("a take of the next packet together with the failure of the last") {
    take();
    fate(0, SendStatus::denied);
    sender.sender->take_i = 1;
    CHECK_THAT(broken_rule([&] { sender.sender.tick(); }), Contains("FailureIsLast"));
  }
  SECTION("a failure after the next packet was taken") {
    take();
    take();
    fate(1, SendStatus::busy);
    CHECK_THAT(broken_rule([&] { sender.sender.tick(); }), Contains("FailureIsLast"));
  }
  SECTION("a third packet in flight") {
    take();
    take();
    CHECK_THAT(broken_rule([&] { take(); }), Contains("AtMostTwoInFlight"));
  }
  SECTION("a take of what is not on offer") {
    sender.sender->take_i = 1;
    sender.sender.tick();
    CHECK_THAT(broken_rule([&] { sender.sender.tick(); }), Contains("TakeNeedsOffer"));
  }
}
