#include "check/packet_trail.h"

#include <catch2/catch.hpp>

using namespace xybus;
using contract::BusId;
using contract::LinkOperation;

namespace {

constexpr MessageId request{0, 1, 2, Direction::request, 33};

std::vector<std::uint32_t> packet(LinkOperation operation, std::uint32_t link, std::uint32_t tag,
                                  unsigned sequence, std::uint32_t server_link = 0) {
  contract::PacketHeader header;
  header.set_traffic_class(contract::TrafficClass::control).set_sequence_number(sequence);
  contract::LinkHeader of_link;
  of_link.set_operation(operation)
      .set_requestor_link(link)
      .set_server_link(server_link)
      .set_tag(tag);
  std::vector<std::uint32_t> words(header.words.begin(), header.words.end());
  words.insert(words.end(), of_link.words.begin(), of_link.words.end());
  words.push_back(0);
  return words;
}

}  // namespace

TEST_CASE("the trail knows by which bus a request came") {
  PacketTrail trail;
  trail.note(BusId::x, 90, 1, 2, packet(LinkOperation::link, 6, 32, 16));
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 7, 33, 17));
  CHECK(trail.route(request) == "bus y at cycle 100 (link, control sequence 17)");
}

TEST_CASE("the trail of a reply is found by its link, from the other CPU") {
  PacketTrail trail;
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 7, 33, 17));
  trail.note(BusId::x, 110, 2, 1, packet(LinkOperation::reply, 6, 0, 3));
  trail.note(BusId::x, 120, 2, 1, packet(LinkOperation::reply, 7, 0, 4));
  MessageId reply = request;
  reply.direction = Direction::reply;
  CHECK(trail.route(reply) == "bus x at cycle 120 (reply, control sequence 4)");
}

TEST_CASE("the trail of a long request names its data packets") {
  PacketTrail trail;
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 7, 33, 17));
  trail.note(BusId::y, 150, 2, 1, packet(LinkOperation::pull, 7, 0, 3, 55));
  trail.note(BusId::x, 190, 1, 2, packet(LinkOperation::data, 0, 0, 9, 54));
  for (unsigned i = 0; i < 6; ++i) {
    trail.note(BusId::x, 200 + i, 1, 2, packet(LinkOperation::data, 0, 0, i, 55));
  }
  const std::string route = trail.route(request);
  CHECK(route.find("bus y at cycle 100 (link") == 0);
  CHECK(route.find("cycle 190") == std::string::npos);
  CHECK(route.find("bus x at cycle 200 (data") != std::string::npos);
  CHECK(route.find("and 2 more") != std::string::npos);
}

TEST_CASE("an unknown message has no trail, and old packets are forgotten") {
  PacketTrail trail;
  CHECK(trail.route(request).empty());
  trail.note(BusId::y, 100, 1, 2, packet(LinkOperation::link, 7, 33, 17));
  for (std::size_t i = 0; i < PacketTrail::kept; ++i) {
    trail.note(BusId::x, 200 + i, 1, 2, packet(LinkOperation::link, 8, 1000, 1));
  }
  CHECK(trail.route(request).empty());
}

TEST_CASE("a packet too short for a link header leaves no trail") {
  PacketTrail trail;
  const std::vector<std::uint32_t> words{0, 0, 0};
  trail.note(BusId::y, 100, 1, 2, words);
  CHECK(trail.route(request).empty());
}
