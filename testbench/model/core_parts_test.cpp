// The agenda and the CRC of the tlm fabric.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <span>
#include <vector>

#include "model/crc32c.h"
#include "model/tlm/agenda.h"

using namespace xybus::tlm;
using xybus::crc32c;
using xybus::crc32c_by_table;

TEST_CASE("timers fire by cycle, then by number, whatever the order in which they were set") {
  Agenda agenda;
  agenda.set(40, 9);
  agenda.set(7, 9);
  agenda.set(300, 4);
  CHECK(agenda.next() == 4);
  CHECK(agenda.take(4) == 300);
  CHECK(agenda.take(4) == Agenda::units * Agenda::phases);
  CHECK(agenda.take(9) == 7);
  CHECK(agenda.take(9) == 40);
  CHECK(agenda.next() == never);
}

TEST_CASE("a timer that is set again fires once, and one that is cleared does not") {
  Agenda agenda;
  agenda.set(5, 10);
  agenda.set(5, 20);
  agenda.set(5, 10);
  agenda.set_by(6, 12);
  agenda.set_by(6, 15);
  agenda.set(8, 11);
  agenda.clear(8);
  CHECK(agenda.take(10) == 5);
  CHECK(agenda.next() == 12);
  CHECK(agenda.take(12) == 6);
  CHECK(agenda.next() == never);
}

TEST_CASE("near and far timers fire as a sorted list of them would") {
  std::mt19937 random(1);
  Agenda agenda;
  std::vector<Cycle> due(Agenda::units * Agenda::phases, never);
  Cycle now = 0;
  for (unsigned step = 0; step < 200'000; ++step) {
    const unsigned timer = random() % due.size();
    const unsigned reach = random() % 4 == 0 ? 1000 : 150;
    switch (random() % 4) {
      case 0:
        agenda.clear(timer);
        due[timer] = never;
        break;
      case 1: {
        const auto first = std::ranges::min_element(due);
        REQUIRE(agenda.next() == *first);
        if (*first == never) break;
        now = *first;
        REQUIRE(agenda.take(now) == static_cast<unsigned>(first - due.begin()));
        *first = never;
        break;
      }
      default:
        due[timer] = now + random() % reach;
        agenda.set(timer, due[timer]);
    }
  }
}

TEST_CASE("the CRC is that of the definition, bit by bit, by instruction and by table") {
  std::mt19937 random(1);
  for (unsigned length = 0; length < 70; ++length) {
    std::vector<std::uint32_t> words(length);
    for (auto& word : words) word = static_cast<std::uint32_t>(random());
    std::uint32_t expected = ~0u;
    for (const std::uint32_t word : words) {
      for (unsigned bit = 0; bit < 32; ++bit) {
        const bool out = ((expected ^ word >> bit) & 1) != 0;
        expected = expected >> 1 ^ (out ? 0x82f63b78u : 0u);
      }
    }
    REQUIRE(crc32c(std::span<const std::uint32_t>(words)) == ~expected);
    REQUIRE(crc32c_by_table(words) == ~expected);
  }
}
