#include <catch2/catch.hpp>
#include <vector>

#include "bare_metal_hal.h"
#include "bare_metal_start.h"

namespace contract = xybus::contract;

namespace {

/// Memory in place of a node: the platform's counter goes on only while the CPU sleeps.
struct Memory {
  static constexpr std::size_t ram_bytes = 65536;
  std::vector<std::uint32_t> words = std::vector<std::uint32_t>(
      ((std::size_t{1} << contract::ram_address_bit) + ram_bytes) / 4);
  volatile std::uint32_t interrupt_line = 0;

  volatile std::byte* base() { return reinterpret_cast<volatile std::byte*>(words.data()); }
  std::uint32_t reg(contract::Register r) const { return words[static_cast<std::uint32_t>(r) / 4]; }
  std::uint32_t ram_word(std::uint32_t address) const {
    return words[((std::size_t{1} << contract::ram_address_bit) + address) / 4];
  }
};

volatile std::uint64_t cycle_counter = 0;
void pass_time(std::uint64_t until) { cycle_counter = std::min(until, cycle_counter + 1000); }

}  // namespace

TEST_CASE("the firmware runs on plain memory: local messages, set-up, descriptors, doorbells") {
  Memory memory;
  bare_metal::VolatileHal hal(memory.base(), Memory::ram_bytes,
                              {&cycle_counter, &memory.interrupt_line, &pass_time});
  bare_metal::Outcome outcome;
  bare_metal::start(hal, 3, 1000, outcome);
  CHECK(outcome.replies == 3);
  CHECK(outcome.wrong_bytes == 0);

  CHECK(memory.reg(contract::Register::control) == 3);
  CHECK(memory.reg(contract::Register::event_size) == 128);
  CHECK(memory.reg(contract::Register::receive_y_slots) == 16);
  REQUIRE(memory.reg(contract::Register::control_ring_tail) >= 2);
  // One of the posted packets is the link to CPU 1; heartbeats may lie around it.
  unsigned links = 0;
  for (unsigned i = 0; i < memory.reg(contract::Register::control_ring_tail); ++i) {
    const std::uint32_t at = memory.reg(contract::Register::control_ring_base) + 16 * i;
    CHECK((memory.ram_word(at) >> 20 & 0xf) == 1U);
    const std::uint32_t payload = memory.ram_word(at + 8);
    if ((memory.ram_word(payload) & 0xff) != 1) continue;  // link_operation link
    ++links;
    CHECK((memory.ram_word(at) & 0xffff) == 1U << 1);
    CHECK(memory.ram_word(at + 4) == 32);              // 1000 bytes do not fit beside the header
    CHECK(memory.ram_word(payload + 16) == 1000);      // link_header.length
    CHECK(memory.ram_word(payload + 12) >> 16 == xybus::Dispatcher::first_pin);  // server_pin
  }
  CHECK(links == 1);
}
