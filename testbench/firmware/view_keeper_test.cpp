// What one CPU makes of packets about the view, one after the other: moments that the random
// network of view_network_test.cpp seldom comes to.

#include "firmware/membership/view_keeper.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace xybus;
using contract::BusId;
using contract::LinkOperation;
using contract::RegroupStage;
using Packet = contract::MembershipPacket;

namespace {

constexpr std::uint64_t interval = 100'000;

/// CPU 1 of five. The others say what the test has them say.
struct One : ViewKeeper::Client {
  One() { keeper.start(0); }

  void send(CpuMask to, const Packet& packet) override {
    if (packet.operation() == LinkOperation::poison) turned_away |= to & packet.proposal();
  }
  void view_changed(const View&) override {}
  void left(unsigned) override {}
  void entered(unsigned, unsigned) override {}
  void load(unsigned cpu, unsigned) override { loads.push_back(cpu); }
  void unload(unsigned cpu) override { unloads.push_back(cpu); }
  void halt(ViewKeeper::Reason) override { throw std::logic_error("CPU 1 halts"); }

  void receive(unsigned from, const Packet& packet, unsigned epoch = 0) {
    keeper.heard(from, epoch, BusId::x, now);
    keeper.received(from, epoch, packet, now);
  }
  /// CPU 2 tells of a view; CPU c of it is of incarnation epochs[c].
  void tell(std::uint32_t number, CpuMask members, std::array<unsigned, 5> epochs = {}) {
    View view{number, {members, {}}};
    for (unsigned cpu = 0; cpu < epochs.size(); ++cpu) view.members.epochs.set(cpu, epochs[cpu]);
    receive(2, Regroup::commit(view, 0, 0));
    REQUIRE(keeper.view().number == number);
  }
  void join(unsigned cpu, unsigned epoch) {
    receive(cpu, Packet{}.set_operation(LinkOperation::join), epoch);
  }
  /// All of `cpus` say something, and time goes on.
  void hear(CpuMask cpus, std::uint64_t cycles) {
    for (const std::uint64_t end = now + cycles; now < end; now += interval / 10) {
      for (unsigned cpu = 0; cpu < 5; ++cpu) {
        if (has(cpus, cpu)) keeper.heard(cpu, 0, BusId::x, now);
      }
      keeper.tick(now);
    }
  }

  std::uint64_t now = 1;
  ViewKeeper keeper{{.cpu = 1, .cpus = 5, .alive_interval = interval}, *this};
  std::vector<unsigned> loads, unloads;
  CpuMask turned_away = 0;
};

}  // namespace

TEST_CASE("a CPU that another has begun to load is not loaded from here in the same life") {
  One one;
  one.tell(2, 0b01110);
  one.join(4, 1);
  CHECK(one.loads == std::vector<unsigned>{4});
  one.tell(3, 0b01111, {1});  // CPU 0 is back, and loads CPU 4; what was said to it is forgotten
  CHECK(one.unloads == std::vector<unsigned>{4});
  one.join(4, 1);
  CHECK(one.turned_away == 0);  // CPU 0 can take it in
  one.tell(4, 0b01110);
  one.join(4, 1);
  CHECK(one.loads == std::vector<unsigned>{4});
  CHECK(one.turned_away == bit_of(4));
  SECTION("but in the next") {
    one.join(4, 2);
    CHECK(one.loads == std::vector<unsigned>{4, 4});
  }
  SECTION("and once it was a member of the view all that was is over") {
    one.tell(5, 0b11110, {0, 0, 0, 0, 1});
    one.tell(6, 0b01110);
    one.join(4, 1);
    CHECK(one.loads == std::vector<unsigned>{4, 4});
  }
}

TEST_CASE("a CPU that asks to be taken in while the view changes counts as heard") {
  One one;
  one.tell(2, 0b01110);
  one.hear(0b01110, 4 * interval);  // nothing of CPU 4 for longer than silence
  Packet prepare = Regroup::commit(one.keeper.view(), 16 + 2, 0);
  one.receive(2, prepare.set_stage(RegroupStage::prepare));
  REQUIRE(one.keeper.changing());
  one.join(4, 1);
  CHECK(one.loads == std::vector<unsigned>{4});
  one.tell(3, 0b01110);
  one.hear(0b01110, interval / 4);
  CHECK(one.unloads.empty());
  one.join(4, 1);
  CHECK(one.turned_away == 0);
  CHECK(one.loads == std::vector<unsigned>{4, 4});  // once more, for the view has changed
}

TEST_CASE("a CPU that was superseded and asks while the view changes counts as heard") {
  One one;
  one.join(0, 1);  // its former life is in the view
  REQUIRE(one.keeper.changing());
  one.tell(2, 0b11110);
  one.receive(2, Regroup::commit(one.keeper.view(), 16 + 2, 0).set_stage(RegroupStage::prepare));
  REQUIRE(one.keeper.changing());
  one.join(0, 1);
  one.tell(3, 0b11110);
  one.hear(0b11110, interval / 4);
  CHECK(one.unloads.empty());
  CHECK(one.turned_away == 0);
}
