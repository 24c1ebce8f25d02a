#include <catch2/catch.hpp>

#include <deque>
#include <functional>
#include <vector>

#include "Vsend_ring_bench.h"
#include "Vsend_ring_control_bench.h"
#include "contract/contract.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed_bulk.h"
#include "rtl/bench/random.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;

namespace {

contract::SendDescriptor descriptor(std::uint32_t cookie) {
  contract::SendDescriptor result;
  result.set_dst_mask(1U << cookie % 4)
      .set_kind(contract::PacketKind::message)
      .set_length(cookie % 257)
      .set_address(0x400 + 256 * (cookie % 16))
      .set_cookie(cookie);
  return result;
}

contract::SendDescriptor transfer(contract::PacketKind kind) {
  return descriptor(3).set_kind(kind).set_length(1000).set_own_window(7).set_window(9);
}

/// What is offered for a message.
OfferedPacket message_of(const contract::SendDescriptor& entry, contract::TrafficClass of_class) {
  OfferedPacket packet;
  packet.route = entry.route();
  packet.traffic_class = of_class;
  packet.kind = entry.kind();
  packet.destinations = entry.dst_mask();
  packet.length = entry.length() & 0x1ff;
  packet.line = entry.address() / contract::line_bytes;
  packet.cookie = entry.cookie();
  return packet;
}

/// A send ring over node RAM, for a fabric of 4 nodes with 256 KiB each.
template <class Model, contract::TrafficClass Class>
class RingOf {
 public:
  static constexpr unsigned base = 0x30;  // line

  explicit RingOf(unsigned size) : memory(size), size_(size) {
    ring_->base_i = base;
    ring_->mask_i = size - 1;
    ring_->tail_i = 0;
    ring_->read_ready_i = 0;
    ring_->take_i = 0;
    ring_->transfer_take_i = 0;
    ring_.reset();
  }

  std::vector<contract::SendDescriptor> memory;
  std::vector<contract::SendDescriptor> taken;
  std::vector<bool> well_formed, as_transfer;
  /// Its clock stands still while it does not say that it is busy.
  bool gated = false;
  /// Whether, in a cycle, the read port is free, and what is in front is taken.
  std::function<bool()> port_free = [] { return true; }, takes = [] { return true; };

  unsigned room() const { return size_ - static_cast<unsigned>(posted_ - taken.size()); }
  void post(const contract::SendDescriptor& entry) {
    memory[posted_ % size_] = entry;
    ++posted_;
    ring_->tail_i = posted_ & 0xffff;
  }

  void step() {
    ring_.settle();
    const bool read = ring_->read_valid_o != 0 && port_free();
    ring_->read_ready_i = read;
    REQUIRE_FALSE((ring_->valid_o != 0 && ring_->transfer_valid_o != 0));
    const bool take = (ring_->valid_o != 0 || ring_->transfer_valid_o != 0) && takes();
    ring_->take_i = take && ring_->valid_o != 0;
    ring_->transfer_take_i = take && ring_->transfer_valid_o != 0;
    ring_.settle();
    if (take) {
      contract::SendDescriptor entry;
      for (unsigned i = 0; i < 4; ++i) entry.words[i] = ring_->transfer_o[i];
      taken.push_back(entry);
      as_transfer.push_back(ring_->transfer_valid_o != 0);
      well_formed.push_back(as_transfer.back() || ring_->malformed_o == 0);
      if (!as_transfer.back()) {
        REQUIRE(OfferedPacket::get(ring_->offer_o) == message_of(entry, Class));
      }
    }
    const unsigned line = ring_->read_address_o;
    REQUIRE_FALSE((ring_->idle_o != 0 && ring_->busy_o != 0));
    if (!gated || ring_->busy_o != 0) ring_.tick();
    if (read) {
      REQUIRE(line >= base);
      REQUIRE(line < base + size_);
    }
    for (unsigned i = 0; i < 4; ++i) {
      ring_->read_data_i[i] = read ? memory[line - base].words[i] : 0xdeadbeef;
    }
    ring_->take_i = 0;
    ring_->transfer_take_i = 0;
  }
  void run_until_taken(std::size_t count) {
    for (int i = 0; taken.size() < count; ++i) {
      REQUIRE(i < 1000);
      step();
    }
  }
  bool idle() {
    ring_.settle();
    return ring_->idle_o != 0;
  }
  unsigned head() { return ring_->head_o; }
  Clocked<Model>& module() { return ring_; }

 private:
  unsigned size_;
  std::uint64_t posted_ = 0;
  Clocked<Model> ring_;
};
using Ring = RingOf<Vsend_ring_bench, contract::TrafficClass::data>;
using ControlRing = RingOf<Vsend_ring_control_bench, contract::TrafficClass::control>;

/// What a ring makes of one descriptor.
enum class Verdict { malformed, message, transfer };
template <class AnyRing = Ring>
Verdict verdict(const contract::SendDescriptor& entry) {
  AnyRing ring(4);
  ring.post(entry);
  ring.run_until_taken(1);
  CHECK(ring.taken[0] == entry);
  if (ring.as_transfer[0]) return Verdict::transfer;
  return ring.well_formed[0] ? Verdict::message : Verdict::malformed;
}
/// A message, in both rings.
bool is_message(const contract::SendDescriptor& entry) {
  const Verdict result = verdict(entry);
  CHECK(verdict<ControlRing>(entry) == result);
  return result == Verdict::message;
}

}  // namespace

TEST_CASE("send ring: descriptors come in the order of posting, round and round") {
  const unsigned size = GENERATE(1u, 2u, 8u, 64u);
  Random random(choose_seed(51));
  Ring ring(size);
  ring.gated = GENERATE(false, true);
  ring.port_free = [&] { return random.once_in(2); };
  ring.takes = [&] { return random.once_in(3); };
  std::uint32_t posted = 0;
  while (ring.taken.size() < 20 * size) {
    while (ring.room() != 0 && random.once_in(2)) {
      auto entry = descriptor(posted++);
      if (posted % 5 == 0) entry.set_kind(contract::PacketKind::read).set_length(posted);
      ring.post(entry);
    }
    ring.step();
  }
  for (std::uint32_t i = 0; i < ring.taken.size(); ++i) {
    REQUIRE(ring.taken[i].cookie() == i);
    REQUIRE(ring.as_transfer[i] == (i % 5 == 4));
    REQUIRE(ring.well_formed[i]);
  }
}

TEST_CASE("send ring: the counts wrap at 16 bits and the order goes on") {
  Ring ring(8);
  for (std::uint32_t i = 0; i < 66000; ++i) {
    ring.post(descriptor(i));
    while (ring.taken.size() <= i) ring.step();
    REQUIRE(ring.taken.back() == descriptor(i));
  }
  CHECK(ring.head() == 66000 - 65536);
  CHECK(ring.idle());
}

TEST_CASE("send ring: a doorbell at any moment of a fetch is not lost") {
  for (unsigned moment = 0; moment < 10; ++moment) {
    Ring ring(8);
    ring.post(descriptor(0));
    for (unsigned i = 0; i < moment; ++i) ring.step();
    ring.post(descriptor(1));
    ring.run_until_taken(2);
    CHECK(ring.taken[0] == descriptor(0));
    CHECK(ring.taken[1] == descriptor(1));
    CHECK(ring.idle());
  }
}

TEST_CASE("send ring: it is idle when everything that was posted has been taken") {
  Ring ring(4);
  CHECK(ring.idle());
  ring.post(descriptor(0));
  CHECK_FALSE(ring.idle());
  ring.takes = [] { return false; };
  for (int i = 0; i < 20; ++i) ring.step();
  CHECK_FALSE(ring.idle());
  ring.takes = [] { return true; };
  ring.step();
  CHECK(ring.idle());
}

TEST_CASE("send ring: a well-formed message is offered as such, to the limits") {
  CHECK(is_message(descriptor(3)));
  CHECK(is_message(descriptor(3).set_length(0)));
  CHECK(is_message(descriptor(3).set_length(contract::max_payload_bytes)));
  CHECK(is_message(descriptor(3).set_address(0)));
  CHECK(is_message(descriptor(3).set_address(262144 - 16)));
  CHECK(is_message(descriptor(3).set_address(262144 - 256).set_length(256)));
  for (unsigned mask = 1; mask < 16; ++mask) CHECK(is_message(descriptor(3).set_dst_mask(mask)));
  for (unsigned i = 0; i < 3; ++i) {
    CHECK(is_message(descriptor(3).set_route(static_cast<contract::Route>(i))));
  }
  // What only a transfer uses does not matter.
  CHECK(is_message(descriptor(3).set_window(255).set_own_window(255).set_notify(1)));
}

TEST_CASE("send ring: a malformed message is flagged, whatever is wrong with it") {
  const auto good = descriptor(3);
  auto bad = good;
  SECTION("no destination") { bad.set_dst_mask(0); }
  SECTION("a node that does not exist") { bad.set_dst_mask(1U << GENERATE(4, 5, 15)); }
  SECTION("one among others that does not exist") { bad.set_dst_mask(GENERATE(0x13u, 0x8001u)); }
  SECTION("too long") { bad.set_length(GENERATE(257u, 512u, 4096u, 1048575u)); }
  SECTION("a buffer off a line") { bad.set_address(0x400 + GENERATE(1u, 4u, 8u)); }
  SECTION("a buffer behind the end of RAM") { bad.set_address(GENERATE(262144u, 0xffff0u)); }
  SECTION("an empty one there") { bad.set_address(262144).set_length(0); }
  SECTION("a buffer that begins in RAM only") { bad.set_address(262144 - 16).set_length(17); }
  SECTION("a route that is not known") { bad.set_route(static_cast<contract::Route>(3)); }
  SECTION("an unknown kind") {
    bad.set_kind(static_cast<contract::PacketKind>(GENERATE(0u, 4u, 15u)));
  }
  CHECK(bad != good);
  CHECK(verdict(bad) == Verdict::malformed);
  CHECK(verdict<ControlRing>(bad) == Verdict::malformed);
}

TEST_CASE("send ring: a well-formed transfer goes to the bulk sender, but not from control") {
  const auto kind = GENERATE(contract::PacketKind::write, contract::PacketKind::read);
  const auto good = transfer(kind);
  auto entry = good;
  SECTION("an ordinary one") {}
  SECTION("one byte") { entry.set_length(1); }
  SECTION("all of RAM") { entry.set_address(0).set_length(262144); }
  SECTION("the last line of RAM") { entry.set_address(262144 - 16).set_length(16); }
  SECTION("any destination") { entry.set_dst_mask(1U << GENERATE(0, 1, 2, 3)); }
  SECTION("a route") { entry.set_route(GENERATE(contract::Route::x, contract::Route::y)); }
  CHECK(verdict(entry) == Verdict::transfer);
  CHECK(verdict<ControlRing>(entry) == Verdict::malformed);
}

TEST_CASE("send ring: a read has its place in a window, wherever RAM ends") {
  auto read = transfer(contract::PacketKind::read);
  read.set_address(0xffff0).set_length(1048575);
  CHECK(verdict(read) == Verdict::transfer);
}

TEST_CASE("send ring: a malformed transfer is flagged, whatever is wrong with it") {
  const auto kind = GENERATE(contract::PacketKind::write, contract::PacketKind::read);
  auto bad = transfer(kind);
  SECTION("no byte") { bad.set_length(0); }
  SECTION("no destination") { bad.set_dst_mask(0); }
  SECTION("two destinations") { bad.set_dst_mask(GENERATE(3u, 9u, 15u)); }
  SECTION("a node that does not exist") { bad.set_dst_mask(1U << GENERATE(4, 15)); }
  SECTION("data off a line") { bad.set_address(0x400 + GENERATE(1u, 4u, 8u)); }
  SECTION("a route that is not known") { bad.set_route(static_cast<contract::Route>(3)); }
  SECTION("written from behind the end of RAM") {
    bad = transfer(contract::PacketKind::write).set_address(GENERATE(262144u, 0xffff0u));
  }
  SECTION("written from RAM and behind it") {
    bad = transfer(contract::PacketKind::write).set_address(16).set_length(262144 - 15);
  }
  CHECK(verdict(bad) == Verdict::malformed);
  CHECK(verdict<ControlRing>(bad) == Verdict::malformed);
}

TEST_CASE("send ring: disabling clears its count") {
  Ring ring(4);
  ring.post(descriptor(0));
  ring.run_until_taken(1);
  CHECK(ring.head() == 1);
  ring.module()->tail_i = 0;
  ring.module().reset();
  CHECK(ring.head() == 0);
  CHECK(ring.idle());
}

TEST_CASE("send ring: taking what is not there breaks a rule") {
  Ring ring(4);
  ring.module()->take_i = 1;
  CHECK_THAT(broken_rule([&] { ring.module().tick(); }), Contains("TakeNeedsDescriptor"));
}

TEST_CASE("send ring: taking a transfer that is not there breaks a rule") {
  Ring ring(4);
  ring.module()->transfer_take_i = 1;
  CHECK_THAT(broken_rule([&] { ring.module().tick(); }), Contains("TakeNeedsTransfer"));
}

TEST_CASE("send ring: it is not busy while it waits for a taker") {
  Ring ring(4);
  ring.takes = [] { return false; };
  ring.post(GENERATE(descriptor(1), transfer(contract::PacketKind::write)));
  for (int i = 0; i < 5; ++i) ring.step();
  for (int i = 0; i < 5; ++i) {
    ring.step();
    ring.module().settle();
    CHECK(ring.module()->busy_o == 0);
  }
}
