// Numbers of packets between two CPUs: once each, and in order.

#include "firmware/message/sequencer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <random>

using xybus::PacketBuffer;
using xybus::ReceiveSequence;
using xybus::SendSequence;
using xybus::sequence_window;
using Place = ReceiveSequence::Place;
using Stage = SendSequence::Stage;
using Operation = xybus::contract::LinkOperation;

namespace {

PacketBuffer buffer(unsigned index) { return {static_cast<std::uint16_t>(index), {}}; }

std::vector<std::byte> payload_of(std::uint32_t number) {
  std::vector<std::byte> bytes(4 + number % 9);
  for (unsigned i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(number >> 8 * i);
  return bytes;
}

std::uint32_t number_in(std::span<const std::byte> payload) {
  std::uint32_t number = 0;
  for (unsigned i = 0; i < 4; ++i) number |= std::to_integer<std::uint32_t>(payload[i]) << 8 * i;
  return number;
}

}  // namespace

TEST_CASE("eight packets may be on their way, counted from the first that is not accepted") {
  SendSequence sequence;
  for (unsigned i = 0; i < sequence_window; ++i) {
    CHECK_FALSE(sequence.full());
    CHECK(sequence.next() == i);
    sequence.add(buffer(i), 32, 0, Operation::reply);
  }
  CHECK(sequence.full());
  for (unsigned i = 1; i < sequence_window; ++i) {
    sequence.accepted(*sequence.find(static_cast<std::uint8_t>(i), buffer(i)));
  }
  CHECK(sequence.full());  // the first is not there yet
  sequence.failed(*sequence.find(0, buffer(0)), true);
  CHECK(sequence.full());
  CHECK(sequence.waiting() == 1);
  CHECK(sequence.find(0, buffer(0)) == nullptr);
  sequence.each_waiting([&](SendSequence::Packet& packet) {
    CHECK(packet.unsure);
    sequence.posted_again(packet);
    return true;
  });
  sequence.accepted(*sequence.find(0, buffer(0)));
  CHECK(sequence.size() == 0);
  CHECK(sequence.next() == sequence_window);
}

TEST_CASE("packets that wait are given in order of their numbers, also where these wrap") {
  SendSequence sequence;
  for (unsigned i = 0; i < 252; ++i) {
    sequence.add(buffer(i), 32, 0, Operation::reply);
    sequence.accepted(*sequence.find(static_cast<std::uint8_t>(i), buffer(i)));
  }
  for (unsigned i = 252; i < 260; ++i) sequence.add(buffer(i), 32, i, Operation::reply);
  for (const unsigned i : {257, 253, 256, 255}) {
    sequence.failed(*sequence.find(static_cast<std::uint8_t>(i), buffer(i)), false);
  }
  std::vector<unsigned> order;
  sequence.each_waiting([&](SendSequence::Packet& packet) {
    order.push_back(packet.cookie);
    return true;
  });
  CHECK(order == std::vector<unsigned>{253, 255, 256, 257});
  CHECK(sequence.posted() == 4);
}

TEST_CASE("a packet that was posted before all was forgotten is not found after") {
  SendSequence sequence;
  sequence.add(buffer(7), 32, 0, Operation::reply);
  sequence.clear();
  CHECK(sequence.find(0, buffer(7)) == nullptr);
  sequence.add(buffer(8), 32, 0, Operation::reply);
  CHECK(sequence.find(0, buffer(7)) == nullptr);
  CHECK(sequence.find(0, buffer(8)) != nullptr);
}

TEST_CASE("a number that was seen is known for it, and one far off is astray") {
  ReceiveSequence sequence;
  for (unsigned round = 0; round < 600; ++round) {
    const auto at = [round](int distance) {
      return static_cast<std::uint8_t>(static_cast<int>(round) + distance);
    };
    CHECK(sequence.place(at(0)) == Place::next);
    for (int ahead = 1; ahead < 8; ++ahead) CHECK(sequence.place(at(ahead)) == Place::ahead);
    for (int behind = 1; behind <= 8; ++behind) CHECK(sequence.place(at(-behind)) == Place::seen);
    for (const int far : {8, 20, 31}) CHECK(sequence.place(at(far)) == Place::beyond);
    for (const int far : {32, 128, -100, -60}) CHECK(sequence.place(at(far)) == Place::astray);
    sequence.advance();
  }
}

TEST_CASE("what came early is kept, once, and follows when the gap is filled") {
  ReceiveSequence sequence;
  for (const unsigned number : {3, 1, 2}) {
    CHECK(sequence.keep(static_cast<std::uint8_t>(number), payload_of(number)));
  }
  CHECK_FALSE(sequence.keep(2, payload_of(2)));
  CHECK(sequence.take_kept().empty());
  sequence.advance();  // 0 came
  for (const unsigned number : {1, 2, 3}) {
    const auto payload = sequence.take_kept();
    REQUIRE_FALSE(payload.empty());
    CHECK(number_in(payload) == number);
    CHECK(payload.size() == payload_of(number).size());
  }
  CHECK(sequence.take_kept().empty());
  CHECK_FALSE(sequence.any_kept());
  CHECK(sequence.place(4) == Place::next);
}

TEST_CASE("what was kept from one incarnation is not delivered from the next") {
  ReceiveSequence sequence;
  REQUIRE(sequence.keep(1, payload_of(1)));
  sequence.clear();
  sequence.advance();
  CHECK(sequence.take_kept().empty());
}

TEST_CASE("over a line that fails and doubts, each packet is delivered once and in order") {
  // What is posted is delivered or not, and its sender learns the truth or is unsure.
  const unsigned seed = 4711;
  INFO("seed " << seed);
  std::mt19937 random(seed);
  SendSequence sender;
  ReceiveSequence receiver;
  struct Posted {
    std::uint8_t number;
    std::uint32_t name;
  };
  std::deque<Posted> line;
  std::uint32_t sent = 0, delivered = 0, doubled = 0, kept = 0;
  const auto deliver = [&](std::span<const std::byte> payload) {
    REQUIRE(number_in(payload) == delivered);
    ++delivered;
  };
  const auto arrive = [&](const Posted& packet) {
    const auto payload = payload_of(packet.name);
    switch (receiver.place(packet.number)) {
      case Place::next:
        receiver.advance();
        deliver(payload);
        for (;;) {
          const auto next = receiver.take_kept();
          if (next.empty()) break;
          deliver(next);
        }
        break;
      case Place::ahead: receiver.keep(packet.number, payload) ? ++kept : ++doubled; break;
      case Place::seen: ++doubled; break;
      case Place::beyond:
      case Place::astray: FAIL("a packet astray"); break;
    }
  };
  while (sent < 20'000 || sender.size() != 0) {
    if (sent < 20'000 && !sender.full() && random() % 2 == 0) {
      line.push_back({sender.next(), sent});
      sender.add(buffer(sent & 0x3fff), 0, sent, Operation::reply);
      ++sent;
    } else if (!line.empty()) {
      const Posted packet = line.front();
      line.pop_front();
      const bool arrived = random() % 4 != 0, told = random() % 4 != 0;
      if (arrived) arrive(packet);
      auto* its = sender.find(packet.number, buffer(packet.name & 0x3fff));
      REQUIRE(its != nullptr);
      if (arrived && told) {
        sender.accepted(*its);
      } else {
        sender.failed(*its, !told);
      }
    }
    if (random() % 8 == 0) {
      sender.each_waiting([&](SendSequence::Packet& packet) {
        line.push_back({static_cast<std::uint8_t>(packet.cookie), packet.cookie});
        sender.posted_again(packet);
        return random() % 2 == 0;
      });
    }
  }
  CHECK(delivered == sent);
  CHECK(doubled > 100);
  CHECK(kept > 100);
}
