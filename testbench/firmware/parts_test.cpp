// The parts of the message system that can be seen alone: the LCB pool and the rings.

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "firmware/message/event_ring.h"
#include "firmware/message/link_table.h"
#include "firmware/message/send_ring.h"
#include "firmware/message/wire.h"

using namespace xybus;
using contract::Register;

namespace {

/// Registers and nothing behind them.
class Registers : public hal::Hal {
 public:
  std::uint32_t read(Register reg) override { return values[reg]; }
  void write(Register reg, std::uint32_t value) override {
    values[reg] = value;
    ++writes;
  }
  std::span<std::byte> ram() override { return {}; }
  std::uint64_t now() const override { return 0; }
  void consume(std::uint32_t) override {}
  bool interrupt() const override { return false; }
  void idle(std::uint64_t) override {}

  std::map<Register, std::uint32_t> values;
  unsigned writes = 0;
};

/// Writes entries as the contract says the engine does.
struct EventWriter {
  std::vector<std::byte>& memory;
  std::uint32_t tail;

  void put(std::uint32_t cookie) {
    const auto size = static_cast<std::uint32_t>(memory.size() / 16);
    contract::EventEntry entry;
    entry.set_event_type(contract::EventType::sent).set_cookie(cookie);
    entry.set_phase((tail / size) % 2 == 0 ? 1 : 0);
    store(entry, std::span(memory).subspan(tail % size * 16, 16));
    tail = (tail + 1) & 0xffff;
  }
};

constexpr SendRingRegisters control_ring = {
    Register::control_ring_base, Register::control_ring_size, Register::control_ring_tail,
    Register::control_ring_head};

}  // namespace

TEST_CASE("the name of a freed LCB is not good again when the LCB is") {
  LinkTable table(1, 0);
  std::set<std::uint32_t> names;
  for (int i = 0; i < 1000; ++i) {
    Lcb* lcb = table.allocate(LinkState::queued, 2);
    REQUIRE(lcb != nullptr);
    CHECK(table.allocate(LinkState::queued, 2) == nullptr);
    CHECK(table.find(lcb->id) == lcb);
    for (const std::uint32_t old : names) CHECK(table.find({old}) == nullptr);
    if (i > 990) CHECK(names.count(lcb->id.value) == 0);
    names.insert(lcb->id.value);
    table.release(*lcb);
    CHECK(table.find({*names.rbegin()}) == nullptr);
  }
  CHECK(names.size() == 1000);
  CHECK(names.count(0) == 0);
}

TEST_CASE("names of LCBs are never 0, however often they are used") {
  LinkTable table(1, 15);
  for (int i = 0; i < 70'000; ++i) {
    Lcb* lcb = table.allocate(LinkState::queued, 2);
    if (lcb->id.value == 0) FAIL("name 0 in round " << i);
    table.release(*lcb);
  }
}

TEST_CASE("the first names of each epoch differ from those of all others") {
  std::set<std::uint32_t> names;
  for (unsigned epoch = 0; epoch < 16; ++epoch) {
    LinkTable table(2, epoch);
    for (int i = 0; i < 200; ++i) {
      Lcb* lcb = table.allocate(LinkState::queued, 2);
      CHECK(names.insert(lcb->id.value).second);
      table.release(*lcb);
    }
  }
}

TEST_CASE("a send ring keeps a reserve, and a descriptor until its own packet is through") {
  Registers hal;
  std::vector<std::byte> memory(16 * 8);
  SendRing ring;
  ring.start(hal, control_ring, memory, 0x400);
  CHECK(hal.values[Register::control_ring_base] == 0x400);
  CHECK(hal.values[Register::control_ring_size] == 8);
  for (int i = 0; i < 5; ++i) {
    CHECK(ring.has_room(3));
    ring.post({});
  }
  CHECK_FALSE(ring.has_room(3));
  for (int i = 0; i < 3; ++i) {
    CHECK(ring.has_room(0));
    ring.post({});
  }
  CHECK_FALSE(ring.has_room(0));
  for (const std::uint32_t slot : {1, 2, 3, 4}) ring.release(slot);
  CHECK_FALSE(ring.has_room(0));  // the next descriptor is 0, and the engine has that still
  ring.release(0);
  CHECK(ring.has_room(0));
  CHECK(ring.next_slot() == 0);
}

TEST_CASE("a doorbell is rung once for all that was posted, and not for nothing") {
  Registers hal;
  std::vector<std::byte> memory(16 * 8);
  SendRing ring;
  hal.values[Register::control_ring_head] = 0xfffe;  // the count of an earlier life
  ring.start(hal, control_ring, memory, 0);
  CHECK(hal.values[Register::control_ring_tail] == 0xfffe);
  const unsigned before = hal.writes;
  ring.ring_doorbell(hal);
  CHECK(hal.writes == before);
  for (int i = 0; i < 3; ++i) {
    contract::SendDescriptor descriptor;
    descriptor.set_cookie(static_cast<std::uint32_t>(100 + i));
    ring.post(descriptor);
  }
  ring.ring_doorbell(hal);
  ring.ring_doorbell(hal);
  CHECK(hal.writes == before + 1);
  CHECK(hal.values[Register::control_ring_tail] == 1);  // counts wrap at 16 bits
  CHECK(load<contract::SendDescriptor>(std::span(memory).subspan(16 * 6)).cookie() == 100);
  CHECK(load<contract::SendDescriptor>(std::span(memory).subspan(0)).cookie() == 102);
}

TEST_CASE("events are taken in order, each once, over many passes and the wrap of the count") {
  Registers hal;
  std::vector<std::byte> memory(16 * 8, std::byte{0xff});  // what an earlier life left
  EventRing ring;
  ring.start(hal, memory, 0x100);
  CHECK_FALSE(ring.take());
  EventWriter engine{memory, 0};
  std::uint32_t written = 0, taken = 0;
  while (written < 70'000) {
    for (unsigned i = 0; i < 1 + written % 8; ++i) engine.put(written++);
    while (const auto event = ring.take()) {
      if (event->cookie() != taken) FAIL("event " << event->cookie() << " instead of " << taken);
      ++taken;
    }
    if (taken != written) FAIL("taken " << taken << " of " << written);
    ring.give_back(hal);
    if (hal.values[Register::event_head] != (taken & 0xffff)) FAIL("head after " << taken);
  }
}

TEST_CASE("after a restart the event ring goes on wherever the engine's count stands") {
  for (std::uint32_t tail = 0; tail < 40; ++tail) {
    Registers hal;
    std::vector<std::byte> memory(16 * 8);
    EventWriter engine{memory, 0};
    while (engine.tail != tail) engine.put(999);
    hal.values[Register::event_tail] = tail;
    EventRing ring;
    ring.start(hal, memory, 0);
    CHECK(hal.values[Register::event_head] == tail);
    CHECK_FALSE(ring.take());
    for (std::uint32_t i = 0; i < 20; ++i) {
      engine.put(i);
      const auto event = ring.take();
      REQUIRE(event);
      CHECK(event->cookie() == i);
      CHECK_FALSE(ring.take());
    }
  }
}
