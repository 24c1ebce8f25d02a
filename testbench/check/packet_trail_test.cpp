#include "check/packet_trail.h"

#include <catch2/catch.hpp>

using namespace xybus;
using contract::BusId;
using contract::LinkOperation;

namespace {

constexpr MessageId request{0, 1, 2, Direction::request, 33};

struct Link {
  std::uint32_t requestor_link = 0;
  std::uint32_t tag = 0;
  std::uint32_t window = 0;
  std::uint32_t reply_window = 0;
};

std::vector<std::uint32_t> packet(LinkOperation operation, unsigned sequence, const Link& link) {
  contract::PacketHeader header;
  header.set_kind(contract::PacketKind::message)
      .set_traffic_class(contract::TrafficClass::control)
      .set_sequence_number(sequence);
  contract::LinkHeader of_link;
  of_link.set_operation(operation)
      .set_requestor_link(link.requestor_link)
      .set_tag(link.tag)
      .set_window(link.window)
      .set_reply_window(link.reply_window);
  std::vector<std::uint32_t> words(header.words.begin(), header.words.end());
  words.insert(words.end(), of_link.words.begin(), of_link.words.end());
  words.push_back(0);
  return words;
}

std::vector<std::uint32_t> access(contract::PacketKind kind, unsigned sequence,
                                  std::uint32_t window, std::uint32_t into = 0) {
  contract::PacketHeader header;
  header.set_kind(kind).set_sequence_number(sequence);
  return {header.words[0], header.words[1], 7U << 16 | window, 1024, 9U << 16 | into, 0, 0, 0};
}

}  // namespace

TEST_CASE("the trail knows by which bus a request came") {
  PacketTrail trail;
  trail.note(BusId::x, 90, 1, 2, packet(LinkOperation::link, 16, {6, 32}));
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 17, {7, 33}));
  CHECK(trail.route(request) == "bus y at cycle 100 (link, control sequence 17)");
}

TEST_CASE("the trail tells the requestors of a CPU apart") {
  PacketTrail trail;
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 17, {7, 4U << 24 | 33}));
  CHECK(trail.route(request).empty());
  MessageId fourth = request;
  fourth.requestor = 4;
  CHECK(trail.route(fourth) == "bus y at cycle 100 (link, control sequence 17)");
}

TEST_CASE("the trail of a reply is found by its link, from the other CPU") {
  PacketTrail trail;
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 17, {7, 33}));
  trail.note(BusId::x, 110, 2, 1, packet(LinkOperation::reply, 3, {6}));
  trail.note(BusId::x, 120, 2, 1, packet(LinkOperation::reply, 4, {7}));
  MessageId reply = request;
  reply.direction = Direction::reply;
  CHECK(trail.route(reply) == "bus x at cycle 120 (reply, control sequence 4)");
}

TEST_CASE("the trail of a long request names the writes that brought it, pulled or read") {
  using contract::PacketKind;
  const bool pulled = GENERATE(true, false);
  PacketTrail trail;
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 17, {7, 33, 0x104}));
  if (pulled) {
    trail.note(BusId::y, 150, 2, 1, packet(LinkOperation::pull, 3, {7, 0, 0x205}));
  } else {
    trail.note(BusId::y, 150, 2, 1, access(PacketKind::read, 3, 0x104, 0x205));
  }
  trail.note(BusId::x, 190, 1, 2, access(PacketKind::write, 9, 0x204));
  for (unsigned i = 0; i < 6; ++i) {
    trail.note(BusId::x, 200 + i, 1, 2, access(PacketKind::write, i, 0x205));
  }
  const std::string route = trail.route(request);
  CHECK(route.find("bus y at cycle 100 (link") == 0);
  CHECK(route.find("cycle 190") == std::string::npos);
  CHECK(route.find("bus x at cycle 200 (write, data sequence 0)") != std::string::npos);
  CHECK(route.find("and 2 more") != std::string::npos);
}

TEST_CASE("the trail of a long reply names the writes into the windows that were made for it") {
  using contract::PacketKind;
  PacketTrail trail;
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 17, {7, 33, 0, 0x106}));
  trail.note(BusId::x, 120, 2, 1, access(PacketKind::write, 5, 0x106));
  trail.note(BusId::y, 130, 1, 2, packet(LinkOperation::room, 18, {7, 0, 0x107}));
  trail.note(BusId::y, 140, 2, 1, access(PacketKind::write, 6, 0x107));
  trail.note(BusId::y, 150, 2, 1, access(PacketKind::write, 7, 0x108));
  trail.note(BusId::x, 160, 2, 1, packet(LinkOperation::reply, 4, {7}));
  MessageId reply = request;
  reply.direction = Direction::reply;
  CHECK(trail.route(reply) ==
        "bus x at cycle 120 (write, data sequence 5), bus y at cycle 140 (write, data sequence "
        "6), bus x at cycle 160 (reply, control sequence 4)");
}

TEST_CASE("an unknown message has no trail, and old packets are forgotten") {
  PacketTrail trail;
  CHECK(trail.route(request).empty());
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 17, {7, 33}));
  for (std::size_t i = 0; i < PacketTrail::kept; ++i) {
    trail.note(BusId::x, 200 + i, 1, 2, packet(LinkOperation::link, 1, {8, 1000}));
  }
  CHECK(trail.route(request).empty());
}

TEST_CASE("a packet too short for what it is leaves no trail") {
  PacketTrail trail;
  const auto kind = GENERATE(contract::PacketKind::message, contract::PacketKind::write,
                             contract::PacketKind::read);
  const auto header = contract::PacketHeader{}.set_kind(kind);
  const std::vector<std::uint32_t> words{header.words[0], 0};
  trail.note(BusId::y, 100, 1, 2, words);
  CHECK(trail.route(request).empty());
}
