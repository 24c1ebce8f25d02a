#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <vector>

#include "Vread_server_bench.h"
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

constexpr unsigned node = 9;
constexpr std::uint64_t seed = 91;
/// Line of node RAM where the window begins that the bench has open.
constexpr unsigned window_line = 0x200;

RemoteRead read_of(unsigned length, unsigned number = 0) {
  RemoteRead read;
  read.bus = number % 2;
  read.source = number % 16;
  read.window.set_window(number % 32).set_generation(number).set_offset(3 * number);
  contract::WindowWord reply;
  reply.set_window(31 - number % 32).set_generation(~number).set_offset(5 * number);
  read.request.set_length(length).set_reply(reply.words[0]);
  return read;
}

unsigned packets_in(const RemoteRead& read) {
  return (read.request.length() + contract::max_payload_bytes - 1) / contract::max_payload_bytes;
}
unsigned length_of(const RemoteRead& read, unsigned packet) {
  return std::min(read.request.length() - packet * contract::max_payload_bytes,
                  contract::max_payload_bytes);
}
contract::WindowWord further(std::uint32_t word, unsigned packet) {
  contract::WindowWord place{{word}};
  const unsigned lines = packet * contract::max_payload_bytes / contract::line_bytes;
  return place.set_offset(place.offset() + lines);
}

/// What the server asks before a packet, and the packet, from the contract.
WindowQuestion question_of(const RemoteRead& read, unsigned packet) {
  return {false, false, read.source, length_of(read, packet),
          further(read.window.words[0], packet)};
}
OfferedPacket packet_of(const RemoteRead& read, unsigned packet) {
  OfferedPacket result;
  result.origin = Origin::serve;
  result.kind = contract::PacketKind::write;
  result.destinations = 1U << read.source;
  result.length = length_of(read, packet);
  result.notify = packet + 1 == packets_in(read);
  result.line = (window_line + further(read.window.words[0], packet).offset()) & 0xffff;
  result.window = further(read.request.reply(), packet);
  return result;
}

contract::EventEntry event_of(const RemoteRead& read, SendStatus status, unsigned bus,
                              const contract::PacketHeader& header) {
  contract::EventEntry entry;
  return entry.set_event_type(contract::EventType::read_failed)
      .set_bus(static_cast<contract::BusId>(bus))
      .set_status(status)
      .set_cookie(read.request.reply())
      .set_header_0(header.words[0])
      .set_header_1(header.words[1]);
}
/// Header of a packet that this node's own window did not allow.
contract::PacketHeader unsent(const RemoteRead& read, unsigned packet) {
  contract::PacketHeader header;
  return header.set_dst_mask(1U << read.source)
      .set_source(node)
      .set_kind(contract::PacketKind::write)
      .set_traffic_class(contract::TrafficClass::data)
      .set_length(length_of(read, packet));
}

/// The read server, with everything around it played.
class Server {
 public:
  /// With its clock gated, it stands still while it does not say that it is busy.
  explicit Server(std::uint64_t own_seed = seed, bool gated = false)
      : packets(Origin::serve, own_seed), windows(own_seed), random_(own_seed), gated_(gated) {
    windows.reply = [](std::size_t, const WindowQuestion& question) {
      return WindowReply{true, 0, window_line + question.place.offset()};
    };
    server->node_i = node;
    server->take_valid_i = 0;
    server->lookup_ready_i = 0;
    server->offer_take_i = 0;
    server->room_i = 1;
    server->event_ready_i = 0;
    for (auto& fate : server->fate_i) PacketFate{}.drive(fate);
    server.reset();
  }

  /// By bus: reads that the receive lanes would accept.
  std::array<std::deque<RemoteRead>, 2> arriving;
  /// In the order in which they were accepted.
  std::vector<RemoteRead> accepted;
  std::vector<contract::EventEntry> events;
  unsigned claimed = 0;
  std::vector<std::uint64_t> trace;
  PacketPlayer packets;
  WindowPlayer windows;
  std::function<bool()> room = [] { return true; };
  Clocked<Vread_server_bench> server;

  void step() {
    server->take_valid_i = 0;
    server->room_i = room();
    server->event_ready_i = random_.once_in(2);
    server->offer_take_i = 0;
    server->lookup_ready_i = 0;
    server.settle();
    for (unsigned bus = 0; bus < 2; ++bus) {
      RemoteRead read{bus, random_.below(16), {{random_.word()}}, {}};
      read.request.set_length(random_.word()).set_reply(random_.word());
      if (server->ready_o != 0 && !arriving[bus].empty()) {
        server->take_valid_i |= 1U << bus;
        read = arriving[bus].front();
        arriving[bus].pop_front();
        accepted.push_back(read);
      }
      read.drive(server->take_i[bus]);
    }
    server->lookup_ready_i =
        windows.play(server->lookup_valid_o != 0, server->lookup_o, server->lookup_reply_i);
    server->offer_take_i =
        packets.play(server->valid_o != 0, server->offer_o, server->fate_i);
    server.settle();
    claimed += server->claim_o;
    const bool event = server->event_valid_o != 0 && server->event_ready_i != 0;
    if (event) events.push_back(get_event(server->event_o));
    trace.push_back(server->valid_o | server->lookup_valid_o << 1 | server->event_valid_o << 2 |
                    server->ready_o << 3 | server->idle_o << 4 | server->busy_o << 5 |
                    server->claim_o << 6 | server->serving_o << 7);
    REQUIRE(server->serving_o != server->idle_o);
    if (!gated_ || server->busy_o != 0) server.tick();
  }
  void run_until_idle(unsigned limit = 100000) {
    for (unsigned i = 0; i < 3 || !idle(); ++i) {
      REQUIRE(i < limit);
      step();
    }
    REQUIRE(claimed == events.size());
  }
  void serve(const RemoteRead& read, unsigned limit = 100000) {
    arriving[read.bus].push_back(read);
    run_until_idle(limit);
  }
  bool idle() {
    server.settle();
    return server->idle_o != 0;
  }

 private:
  Random random_;
  bool gated_;
};

}  // namespace

TEST_CASE("read server: a read of any length is answered with its bytes, after asking for each") {
  Server server(choose_seed(seed));
  std::vector<OfferedPacket> expected;
  std::vector<WindowQuestion> questions;
  for (unsigned length = 1; length <= 600; ++length) {
    const RemoteRead read = read_of(length, length);
    server.serve(read);
    for (unsigned i = 0; i < packets_in(read); ++i) {
      expected.push_back(packet_of(read, i));
      questions.push_back(question_of(read, i));
    }
    REQUIRE(server.packets.taken == expected);
    REQUIRE(server.windows.asked == questions);
  }
  CHECK(server.events.empty());
}

TEST_CASE("read server: long reads, to the longest there is") {
  const unsigned length = GENERATE(65536u, 65537u, 1048575u);
  Server server;
  RemoteRead read = read_of(length, 1);
  read.window.set_offset(0);
  read.request.set_reply(0x00000503);
  server.serve(read, 300000);
  REQUIRE(server.packets.taken.size() == packets_in(read));
  for (unsigned i = 0; i < packets_in(read); ++i) {
    REQUIRE(server.packets.taken[i] == packet_of(read, i));
    REQUIRE(server.windows.asked[i] == question_of(read, i));
  }
  CHECK(server.events.empty());
}

TEST_CASE("read server: the bytes come from where the window table says, packet by packet") {
  Server server;
  server.windows.reply = [](std::size_t number, const WindowQuestion&) {
    return WindowReply{true, 0, static_cast<unsigned>(0x777 * (number + 1)) & 0xffff};
  };
  server.serve(read_of(1000, 3));
  REQUIRE(server.packets.taken.size() == 4);
  for (unsigned i = 0; i < 4; ++i) CHECK(server.packets.taken[i].line == 0x777 * (i + 1));
}

TEST_CASE("read server: a window closed in the middle ends the read with an event") {
  Server server(choose_seed(seed));
  for (unsigned i = 0; i < 60; ++i) {
    const RemoteRead read = read_of(4 * 256 + 9, i);
    const unsigned closed = i % 5;
    const std::size_t packets = server.packets.taken.size();
    const std::size_t asked = server.windows.asked.size();
    server.windows.reply = [&](std::size_t number, const WindowQuestion& question) {
      return WindowReply{number != asked + closed, 0, window_line + question.place.offset()};
    };
    server.serve(read);
    REQUIRE(server.packets.taken.size() == packets + closed);
    REQUIRE(server.windows.asked.size() == asked + closed + 1);
    if (closed != 0) REQUIRE(server.packets.taken.back() == packet_of(read, closed - 1));
    REQUIRE(server.events.size() == i + 1);
    REQUIRE(server.events.back() ==
            event_of(read, SendStatus::denied, read.bus, unsent(read, closed)));
  }
}

TEST_CASE("read server: the first packet that fails ends the read with its status") {
  const auto status = GENERATE(SendStatus::busy, SendStatus::unreachable, SendStatus::denied);
  const bool at_once = GENERATE(false, true);
  Server server(choose_seed(seed));
  for (unsigned i = 0; i < 60; ++i) {
    const RemoteRead read = read_of(4 * 256 + 1, i);
    const unsigned failing = i % 5;
    const std::size_t packets = server.packets.taken.size();
    server.packets.ending = [&](std::size_t number) {
      return number == packets + failing ? Ending{status, at_once} : Ending{};
    };
    server.serve(read);
    REQUIRE(server.packets.taken.size() == packets + failing + 1);
    REQUIRE(server.packets.taken.back() == packet_of(read, failing));
    REQUIRE(server.events.size() == i + 1);
    REQUIRE(server.events.back() == event_of(read, status, server.packets.last_fate.bus,
                                             server.packets.last_fate.header));
  }
}

TEST_CASE("read server: a packet that fails while the next is denied counts, not the denial") {
  Server server;
  server.packets.dawdles = false;
  server.packets.longest_flight = 40;
  server.windows.reply = [](std::size_t number, const WindowQuestion& question) {
    return WindowReply{number % 2 == 0, 0, window_line + question.place.offset()};
  };
  server.packets.ending = [](std::size_t) { return Ending{SendStatus::busy, false}; };
  for (unsigned i = 0; i < 50; ++i) {
    const RemoteRead read = read_of(512, i);
    const std::size_t asked = server.windows.asked.size();
    server.serve(read);
    if (server.windows.asked.size() % 2 != 0) continue;  // the failure came before the question
    CHECK(server.windows.asked.size() == asked + 2);
    CHECK(server.events.back().status() == SendStatus::busy);
    CHECK(server.events.back().header_1() == server.packets.last_fate.header.words[1]);
  }
  CHECK(server.events.size() == 50);
}

TEST_CASE("read server: reads wait in a queue and are served in the order of their arrival") {
  Server server(choose_seed(seed));
  for (unsigned i = 0; i < 300; ++i) {
    RemoteRead read = read_of(1 + i % 700, i);
    read.bus = i / 3 % 2;
    server.arriving[read.bus].push_back(read);
  }
  while (server.accepted.size() < 300) server.step();
  server.run_until_idle();
  std::vector<OfferedPacket> expected;
  for (const RemoteRead& read : server.accepted) {
    for (unsigned i = 0; i < packets_in(read); ++i) expected.push_back(packet_of(read, i));
  }
  CHECK(server.packets.taken == expected);
}

TEST_CASE("read server: a full queue is not ready, and serving one makes room") {
  Server server;
  server.packets.takes = false;
  for (unsigned i = 0; i < 10; ++i) server.arriving[0].push_back(read_of(100, i));
  for (unsigned i = 0; i < 100; ++i) server.step();
  CHECK(server.server->ready_o == 0);
  CHECK(server.server->serving_o == 1);
  // One is being served. There is room for one more, which the lanes might have accepted by now.
  CHECK(server.accepted.size() == 4);
  server.packets.takes = true;
  server.run_until_idle();
  CHECK(server.accepted.size() == 10);
  CHECK(server.packets.taken.size() == 10);
}

TEST_CASE("read server: an event waits for room, and so do the reads behind it") {
  Server server;
  bool room = false;
  server.room = [&] { return room; };
  server.packets.ending = [](std::size_t number) {
    return number == 0 ? Ending{SendStatus::unreachable, false} : Ending{};
  };
  server.arriving[0] = {read_of(100, 2), read_of(100, 4)};
  for (unsigned i = 0; i < 100; ++i) server.step();
  CHECK(server.packets.taken.size() == 1);
  CHECK(server.claimed == 0);
  CHECK_FALSE(server.idle());
  for (auto& fate : server.server->fate_i) PacketFate{}.drive(fate);
  server.server.settle();
  CHECK(server.server->busy_o == 0);
  room = true;
  server.step();
  room = false;
  CHECK(server.claimed == 1);
  server.run_until_idle();
  CHECK(server.events.size() == 1);
  CHECK(server.packets.taken.size() == 2);
}

TEST_CASE("read server: a read of no bytes asks for none and ends denied") {
  Server server;
  server.windows.reply = [](std::size_t, const WindowQuestion& question) {
    return WindowReply{question.length != 0, 0, 0};
  };
  server.serve(read_of(0, 6));
  CHECK(server.packets.taken.empty());
  REQUIRE(server.events.size() == 1);
  CHECK(server.events[0].status() == SendStatus::denied);
}

TEST_CASE("read server: gating its clock while it is not busy changes nothing") {
  const auto own_seed = choose_seed(92);
  std::vector<std::vector<std::uint64_t>> traces;
  std::vector<std::vector<contract::EventEntry>> events;
  std::vector<std::vector<OfferedPacket>> packets;
  for (const bool gated : {false, true}) {
    Server server(own_seed, gated);
    Random random(own_seed);
    server.room = [&] { return random.once_in(3); };
    server.windows.reply = [](std::size_t number, const WindowQuestion& question) {
      return WindowReply{number % 17 != 0, 0, window_line + question.place.offset()};
    };
    server.packets.ending = [](std::size_t number) {
      return number % 11 == 10 ? Ending{SendStatus::denied, number % 2 == 0} : Ending{};
    };
    for (unsigned i = 0; i < 20000; ++i) {
      if (random.once_in(30)) {
        const RemoteRead read = read_of(1 + random.below(1000), i);
        server.arriving[read.bus].push_back(read);
      }
      server.step();
    }
    traces.push_back(server.trace);
    events.push_back(server.events);
    packets.push_back(server.packets.taken);
    CHECK(server.events.size() > 50);
  }
  CHECK(traces[0] == traces[1]);
  CHECK(events[0] == events[1]);
  CHECK(packets[0] == packets[1]);
}

TEST_CASE("read server: disabling the engine forgets all reads") {
  for (unsigned moment = 1; moment < 40; ++moment) {
    Server server;
    server.arriving[0] = {read_of(700, 2), read_of(700, 4), read_of(700, 6)};
    for (unsigned i = 0; i < moment; ++i) server.step();
    server.arriving[0].clear();
    server.server->take_valid_i = 0;
    server.server->offer_take_i = 0;
    for (auto& fate : server.server->fate_i) PacketFate{}.drive(fate);
    server.server.reset();
    CHECK(server.idle());
    CHECK(server.server->ready_o == 1);
    server.packets = PacketPlayer(Origin::serve, moment);
    server.serve(read_of(513, 8));
    REQUIRE(server.packets.taken.size() == 3);
    CHECK(server.packets.taken[2] == packet_of(read_of(513, 8), 2));
  }
}

TEST_CASE("read server: a read for which there is no room breaks a rule") {
  Server server;
  server.packets.takes = false;
  for (unsigned i = 0; i < 10; ++i) server.arriving[0].push_back(read_of(100, i));
  for (unsigned i = 0; i < 50; ++i) server.step();
  server.server->take_valid_i = 1;
  server.server.tick();
  CHECK_THAT(broken_rule([&] { server.server.tick(); }), Contains("QueueHasRoom"));
}
