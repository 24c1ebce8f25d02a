// Errors on the wires: nothing corrupt is ever accepted, delivered or stored, in whole or in part.
#include <catch2/catch.hpp>

#include <set>

#include "rtl/module/receive_packets.h"

using namespace xybus;
using namespace xybus::bench;
using contract::Answer;
using contract::PacketKind;

namespace {

template <class Bus>
Beats packet_of(PacketKind kind, unsigned length, unsigned number) {
  using Packets = PacketsFor<Bus>;
  const auto window = window_word(number % 32, number % 256, number % 7);
  switch (kind) {
    case PacketKind::write: return Packets::write(length, number, window, number % 3 == 0);
    case PacketKind::read:
      return Packets::read(contract::ReadRequest{}.set_length(1 + length).set_reply(~number),
                           number, window);
    default: return Packets::message(length, number);
  }
}

void flip(Beats& beats, unsigned width, std::size_t bit) {
  beats[bit / width] ^= std::uint64_t{1} << bit % width;
}

}  // namespace

TEMPLATE_TEST_CASE("receiving: a wrong bit anywhere is answered corrupt, and nothing is accepted",
                   "", Narrow, Wide) {
  constexpr unsigned width = TestType::width, me = PacketsFor<TestType>::me;
  const PacketKind kind = GENERATE(PacketKind::message, PacketKind::write, PacketKind::read);
  const Beats good = packet_of<TestType>(kind, 13, 9);
  for (std::size_t bit = 0; bit < width * good.size(); ++bit) {
    Beats bad = good;
    flip(bad, width, bit);
    ReceiveSideDriver<TestType> driver;
    // Without its own bit in the mask the packet is not for this node.
    const Answer expected = bit == me ? Answer::none : Answer::corrupt;
    CAPTURE(bit);
    REQUIRE(driver.send(0, bad) == expected);
    check_nothing_accepted(driver);
    CHECK(driver.counts[0][count_crc_error] == (bit == me ? 0 : 1));
    // Not remembered either: the same packet, whole, is new.
    CHECK(driver.send(0, good) == Answer::accepted);
    driver.steps(4);
    CHECK(driver.counts[0][count_duplicate] == 0);
  }
}

TEMPLATE_TEST_CASE("receiving: 100,000 packets with random bit errors or bursts, none accepted",
                   "", Narrow, Wide) {
  constexpr unsigned width = TestType::width, me = PacketsFor<TestType>::me;
  const unsigned packets = 100000;
  Random random(choose_seed(100));
  ReceiveSideDriver<TestType> driver;
  unsigned corrupt = 0, none = 0;
  for (unsigned i = 0; i < packets; ++i) {
    const auto kind = static_cast<PacketKind>(1 + random.below(3));
    const unsigned length = random.once_in(20) ? random.below(257) : 1 + random.below(48);
    Beats beats = packet_of<TestType>(kind, length, i);
    const auto bits = static_cast<unsigned>(width * beats.size());
    std::set<unsigned> wrong;
    if (random.once_in(3)) {
      // A burst: its ends, and whatever lies between, within 32 bits.
      const unsigned extent = 2 + random.below(31), from = random.below(bits - extent + 1);
      wrong = {from, from + extent - 1};
      for (unsigned k = 1; k + 1 < extent; ++k) {
        if (random.once_in(2)) wrong.insert(from + k);
      }
    } else {
      const unsigned errors = 1 + random.below(5);
      // Now and then all in the front, where errors change what the packet is.
      const unsigned within = random.once_in(4) ? std::min(bits, 128u) : bits;
      while (wrong.size() < errors) wrong.insert(random.below(within));
    }
    for (const unsigned bit : wrong) flip(beats, width, bit);
    const unsigned bus = random.below(2);
    const Answer answer = driver.send(bus, beats);
    if (answer != (wrong.count(me) != 0 ? Answer::none : Answer::corrupt)) {
      CAPTURE(i, length, wrong);
      REQUIRE(answer == (wrong.count(me) != 0 ? Answer::none : Answer::corrupt));
    }
    ++(answer == Answer::none ? none : corrupt);
  }
  check_nothing_accepted(driver);
  CHECK(driver.ram == std::vector<std::uint8_t>(65536, 0xcc));
  CHECK(driver.counts[0][count_crc_error] + driver.counts[1][count_crc_error] == corrupt);
  CHECK(none < packets / 20);
  // It is still alive, and has not learnt anything wrong.
  const Beats good = packet_of<TestType>(PacketKind::message, 100, 1);
  CHECK(driver.send(0, good) == Answer::accepted);
  driver.steps(20);
  CHECK(driver.slot(0, 0, 100) == some_bytes(100));
}

TEMPLATE_TEST_CASE("receiving: a good CRC over a malformed packet is answered corrupt", "", Narrow,
                   Wide) {
  using Packets = PacketsFor<TestType>;
  constexpr unsigned width = TestType::width;
  ReceiveSideDriver<TestType> driver;
  auto header = Packets::header(PacketKind::message, 8, 0);
  const auto window = window_word(1, 2, 3);
  const auto send = [&](std::optional<contract::WindowWord> with, unsigned bytes) {
    return driver.send(0, packet_beats(width, header, with, some_bytes(bytes)));
  };
  SECTION("more beats than the length") { header.set_length(0); }
  SECTION("fewer beats than the length") { header.set_length(9); }
  SECTION("a length beyond the most") { header.set_length(256 + 8); }
  SECTION("a length whose low bits fit") { header.set_length(512 + 8); }
  SECTION("an unknown kind") { header.set_kind(static_cast<PacketKind>(4)); }
  SECTION("no kind") { header.set_kind(static_cast<PacketKind>(0)); }
  if (header != Packets::header(PacketKind::message, 8, 0)) {
    CHECK(send(std::nullopt, 8) == Answer::corrupt);
  }
  SECTION("a message of more than the most") {
    header.set_length(contract::max_payload_bytes + 8);
    CHECK(send(std::nullopt, contract::max_payload_bytes + 8) == Answer::corrupt);
  }
  SECTION("a packet without end") {
    header.set_length(2000);
    CHECK(send(std::nullopt, 2000) == Answer::corrupt);
  }
  SECTION("a write without a window word") {
    header.set_kind(PacketKind::write).set_length(0);
    CHECK(send(std::nullopt, 0) == Answer::corrupt);
  }
  SECTION("a read of another size") {
    header.set_kind(PacketKind::read);
    CHECK(send(window, 8) == Answer::corrupt);
  }
  SECTION("rubbish beside the window word") {
    Beats beats = Packets::write(4, 0, window);
    if (width == 64) {
      beats[1] |= std::uint64_t{1} << 32;
      beats.back() = crc32c(std::span<const std::uint32_t>(
          Words{static_cast<std::uint32_t>(beats[0]), static_cast<std::uint32_t>(beats[0] >> 32),
                static_cast<std::uint32_t>(beats[1]), 1, static_cast<std::uint32_t>(beats[2]), 0}));
    } else {
      beats.insert(beats.begin() + 3, 1);
      beats.back() = crc32c(std::span<const std::uint32_t>(Words(beats.begin(), beats.end() - 1)));
    }
    CHECK(driver.send(0, beats) == Answer::corrupt);
  }
  SECTION("a header without a window word or payload, and half a one") {
    CHECK(driver.send(0, {1u << Packets::me | 0x100000}) == Answer::corrupt);
    if (width == 32) {
      const std::uint32_t first = 1u << Packets::me | 0x100000;
      const std::uint32_t crc = crc32c(std::span<const std::uint32_t>(&first, 1));
      CHECK(driver.send(0, {first, crc}) == Answer::corrupt);
      CHECK(driver.counts[0][count_malformed] == 1);
    }
    CHECK(driver.counts[0][count_crc_error] == 1);
    driver.counts[0][count_malformed] = 1;
    driver.counts[0][count_crc_error] = 0;
  }
  check_nothing_accepted(driver);
  CHECK(driver.counts[0][count_malformed] == 1);
  CHECK(driver.counts[0][count_crc_error] == 0);
}
