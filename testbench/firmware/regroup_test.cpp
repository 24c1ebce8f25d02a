// What one CPU answers while views are agreed on, packet by packet.

#include "firmware/membership/regroup.h"

#include <catch2/catch.hpp>
#include <vector>

#include "firmware/membership/view_keeper.h"

using xybus::CpuMask;
using xybus::Hearing;
using xybus::Regroup;
using xybus::View;
using xybus::ViewKeeper;
using xybus::bit_of;
using xybus::contract::BusId;
using xybus::contract::LinkOperation;
using Stage = xybus::contract::RegroupStage;
using Packet = xybus::contract::MembershipPacket;

namespace {

constexpr std::uint64_t interval = 100'000;
constexpr unsigned cpus = 4, cpu = 2;  // this one
constexpr CpuMask everybody = 0xf;

/// Ballots as coordinators number them.
constexpr std::uint32_t ballot(unsigned round, unsigned coordinator) {
  return round * xybus::contract::max_nodes + coordinator;
}

Packet about(Stage stage, std::uint32_t number, CpuMask proposal = 0) {
  return Packet{}
      .set_operation(LinkOperation::regroup)
      .set_stage(stage)
      .set_view_number(1)
      .set_view(everybody)
      .set_ballot(number)
      .set_proposal(proposal);
}

struct Sent {
  CpuMask to;
  Packet packet;
};

/// A CPU of a view of four, all of whom it hears.
struct Asked : Regroup::Client {
  Asked() {
    hearing.start(0);
    regroup.settle(View{1, {everybody, {}}});
  }
  void send(CpuMask to, const Packet& packet) override { sent.push_back({to, packet}); }
  void decided(const View&, const Packet&, std::uint64_t) override { FAIL("it decides"); }
  void outnumbered() override { FAIL("it gives up"); }

  /// The one answer to a packet.
  Packet answer(unsigned from, const Packet& packet) {
    sent.clear();
    regroup.received(from, packet, now += 100);
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].to == bit_of(from));
    CHECK(sent[0].packet.operation() == LinkOperation::regroup);
    return sent[0].packet;
  }

  std::uint64_t now = 1000;
  std::vector<Sent> sent;
  Hearing hearing{cpu, interval};
  Regroup regroup{cpu, 0, interval, hearing, *this};
};

}  // namespace

TEST_CASE("a ballot lower than one that was promised is refused, whatever it asks") {
  Asked asked;
  CHECK(asked.answer(3, about(Stage::prepare, ballot(2, 3))).stage() == Stage::promise);
  for (const Packet& late : {about(Stage::prepare, ballot(1, 0)),
                             about(Stage::prepare, ballot(2, 1)),
                             about(Stage::accept, ballot(1, 0), 0x7)}) {
    const Packet refusal = asked.answer(0, late);
    CHECK(refusal.stage() == Stage::refuse);
    CHECK(refusal.ballot() == ballot(2, 3));
  }
  CHECK_FALSE(asked.regroup.accepted(0, 0));
  // What was refused has changed nothing: the higher one goes on.
  const Packet again = asked.answer(3, about(Stage::prepare, ballot(2, 3)));
  CHECK(again.stage() == Stage::promise);
  CHECK(again.ballot() == ballot(2, 3));
  CHECK(again.accepted_ballot() == 0);
  CHECK(asked.answer(3, about(Stage::accept, ballot(2, 3), 0xd)).stage() == Stage::accepted);
  CHECK(asked.regroup.accepted(0, 0));
  CHECK_FALSE(asked.regroup.accepted(1, 0));
}

TEST_CASE("a ballot lower than one that was accepted without a promise is refused") {
  Asked asked;
  CHECK(asked.answer(3, about(Stage::accept, ballot(3, 3), 0xd)).stage() == Stage::accepted);
  CHECK(asked.answer(0, about(Stage::prepare, ballot(2, 0))).stage() == Stage::refuse);
  CHECK(asked.answer(0, about(Stage::accept, ballot(2, 0), 0x7)).stage() == Stage::refuse);
  CHECK_FALSE(asked.regroup.accepted(1, 0));
}

TEST_CASE("a higher ballot is told what was accepted under a lower one") {
  Asked asked;
  asked.answer(0, about(Stage::accept, ballot(1, 0), 0x7));
  const Packet promise = asked.answer(1, about(Stage::prepare, ballot(2, 1)));
  CHECK(promise.stage() == Stage::promise);
  CHECK(promise.accepted_ballot() == ballot(1, 0));
  CHECK(promise.proposal() == 0x7);
}

namespace {

struct Keeper : ViewKeeper::Client {
  Keeper() { keeper.start(0); }
  void send(CpuMask, const Packet&) override {}
  void view_changed(const View&) override {}
  void left(unsigned) override {}
  void entered(unsigned, unsigned) override {}
  void load(unsigned, unsigned) override {}
  void unload(unsigned) override {}
  void halt(ViewKeeper::Reason) override { FAIL("it halts"); }

  void receive(unsigned from, const Packet& packet) {
    keeper.heard(from, 0, BusId::x, now);
    keeper.received(from, 0, packet, now);
  }

  std::uint64_t now = 1000;
  ViewKeeper keeper{{cpu, cpus, interval, 0, false}, *this};
};

}  // namespace

TEST_CASE("a CPU that regroups tells nobody that it hears them, and does again in the next view") {
  Keeper its;
  CHECK(its.keeper.alive(its.now).heard() == everybody);
  its.receive(0, about(Stage::prepare, ballot(1, 0)));
  REQUIRE(its.keeper.changing());
  CHECK(its.keeper.alive(its.now).heard() == 0);
  its.receive(0, about(Stage::accept, ballot(1, 0), 0x7));
  CHECK(its.keeper.alive(its.now).heard() == 0);
  its.receive(0, Regroup::commit(View{2, {0x7, {}}}, ballot(1, 0), 0));
  REQUIRE_FALSE(its.keeper.changing());
  CHECK(its.keeper.view().number == 2);
  CHECK(its.keeper.alive(its.now).heard() == 0x7);
}

TEST_CASE("a CPU that regroups does not act, though all confirm it") {
  Keeper its;
  const auto all_confirm = [&](std::uint32_t number, CpuMask members) {
    for (const unsigned from : {0U, 1U, 3U}) {
      if (!xybus::has(members, from)) continue;
      its.receive(from, Packet{}
                            .set_operation(LinkOperation::alive)
                            .set_view_number(number)
                            .set_view(members)
                            .set_heard(members));
    }
  };
  all_confirm(1, everybody);
  CHECK(its.keeper.operational(its.now));
  its.receive(0, about(Stage::prepare, ballot(1, 0)));
  all_confirm(1, everybody);
  CHECK_FALSE(its.keeper.operational(its.now));
  // What was confirmed in the view before counts no more; only what comes in the new one.
  its.now += interval;
  its.receive(0, Packet{}
                     .set_operation(LinkOperation::alive)
                     .set_view_number(2)
                     .set_view(0x7));
  REQUIRE(its.keeper.view().number == 2);
  CHECK_FALSE(its.keeper.operational(its.now));
  its.now += interval + interval / 4;  // and not before leases of those left out have ended
  CHECK_FALSE(its.keeper.operational(its.now));
  all_confirm(2, 0x7);
  CHECK(its.keeper.operational(its.now));
}
