#include <catch2/catch.hpp>

#include <deque>
#include <functional>
#include <vector>

#include "Vsend_ring_bench.h"
#include "contract/contract.h"
#include "rtl/bench/clocked.h"
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

/// A send ring over node RAM, for a fabric of 4 nodes with 256 KiB each.
class Ring {
 public:
  static constexpr unsigned base = 0x30;  // line

  explicit Ring(unsigned size) : memory(size), size_(size) {
    ring_->base_i = base;
    ring_->mask_i = size - 1;
    ring_->tail_i = 0;
    ring_->read_ready_i = 0;
    ring_->take_i = 0;
    ring_.reset();
  }

  std::vector<contract::SendDescriptor> memory;
  std::vector<contract::SendDescriptor> taken;
  std::vector<unsigned> destinations;
  std::vector<bool> well_formed;
  /// Whether, in a cycle, the read port is free, and the scheduler takes what is in front.
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
    ring_->take_i = ring_->valid_o != 0 && takes();
    ring_.settle();
    if (ring_->take_i != 0) {
      contract::SendDescriptor entry;
      for (unsigned i = 0; i < 4; ++i) entry.words[i] = ring_->descriptor_o[i];
      taken.push_back(entry);
      destinations.push_back(ring_->destination_o);
      well_formed.push_back(ring_->well_formed_o != 0);
    }
    const unsigned line = ring_->read_address_o;
    ring_.tick();
    if (read) {
      REQUIRE(line >= base);
      REQUIRE(line < base + size_);
    }
    for (unsigned i = 0; i < 4; ++i) {
      ring_->read_data_i[i] = read ? memory[line - base].words[i] : 0xdeadbeef;
    }
    ring_->take_i = 0;
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
  Clocked<Vsend_ring_bench>& module() { return ring_; }

 private:
  unsigned size_;
  std::uint64_t posted_ = 0;
  Clocked<Vsend_ring_bench> ring_;
};

/// What the ring makes of one descriptor.
bool is_well_formed(const contract::SendDescriptor& entry) {
  Ring ring(4);
  ring.post(entry);
  ring.run_until_taken(1);
  CHECK(ring.taken[0] == entry);
  return ring.well_formed[0];
}

}  // namespace

TEST_CASE("send ring: descriptors come in the order of posting, round and round") {
  const unsigned size = GENERATE(1u, 2u, 8u, 64u);
  Random random(choose_seed(51));
  Ring ring(size);
  ring.port_free = [&] { return random.once_in(2); };
  ring.takes = [&] { return random.once_in(3); };
  std::uint32_t posted = 0;
  while (ring.taken.size() < 20 * size) {
    while (ring.room() != 0 && random.once_in(2)) ring.post(descriptor(posted++));
    ring.step();
  }
  for (std::uint32_t i = 0; i < ring.taken.size(); ++i) {
    REQUIRE(ring.taken[i] == descriptor(i));
    REQUIRE(ring.destinations[i] == i % 4);
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

TEST_CASE("send ring: a well-formed descriptor is taken as such, to the limits") {
  CHECK(is_well_formed(descriptor(3)));
  CHECK(is_well_formed(descriptor(3).set_length(0)));
  CHECK(is_well_formed(descriptor(3).set_length(contract::max_payload_bytes)));
  CHECK(is_well_formed(descriptor(3).set_address(0)));
  CHECK(is_well_formed(descriptor(3).set_address(262144 - 16)));
  for (unsigned node = 0; node < 4; ++node) {
    CHECK(is_well_formed(descriptor(3).set_dst_mask(1U << node)));
  }
}

TEST_CASE("send ring: a malformed descriptor is flagged, whatever is wrong with it") {
  const auto good = descriptor(3);
  auto bad = good;
  SECTION("no destination") { bad.set_dst_mask(0); }
  SECTION("two destinations") { bad.set_dst_mask(3); }
  SECTION("a node that does not exist") { bad.set_dst_mask(1U << GENERATE(4, 5, 15)); }
  SECTION("too long") { bad.set_length(GENERATE(257u, 512u, 4095u)); }
  SECTION("a buffer off a line") { bad.set_address(0x400 + GENERATE(1u, 4u, 8u)); }
  SECTION("a buffer behind the end of RAM") { bad.set_address(GENERATE(262144u, 0xfffffff0u)); }
  SECTION("an unknown kind") {
    bad.set_kind(static_cast<contract::PacketKind>(GENERATE(0u, 2u, 15u)));
  }
  CHECK(bad != good);
  CHECK_FALSE(is_well_formed(bad));
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
