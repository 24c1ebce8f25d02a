#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <vector>

#include "Vsend_scheduler_top_bench.h"
#include "contract/contract.h"
#include "rtl/bench/clocked.h"
#include "rtl/bench/packed.h"
#include "rtl/bench/rule_capture.h"

using namespace xybus;
using namespace xybus::bench;
using Catch::Matchers::Contains;
using contract::Route;
using contract::SendStatus;
using contract::TrafficClass;

namespace {

constexpr unsigned control = 0, data = 1, bulk = 2, server = 3;  // sources
constexpr unsigned x = 0, y = 1;                                 // lanes

/// Writes one of the 16-bit elements of a packed pair.
void put(std::uint32_t& pair, unsigned index, unsigned value) {
  pair = (pair & ~(0xffffU << 16 * index)) | value << 16 * index;
}

/// A scheduler of node 3, with sources and lanes played by the bench. The lanes hold what they get
/// until the bench lets go of it.
class Scheduler {
 public:
  struct Launch {
    unsigned lane;
    Job job;
  };

  Scheduler() {
    module->valid_i = module->refuse_i = 0;
    module->lane_ready_i = 3;
    module->lane_active_i = 0;
    module->lane_class_i = 0;
    module->lane_held_i = module->lane_settled_i = module->lane_number_i = 0;
    module->parked_i = module->parked_held_i = 0;
    module->suspect_i = module->down_i = 0;
    module->room_i = 1;
    module->event_ready_i = 1;
    module.reset();
  }

  /// A source offers a packet.
  void offer(unsigned from, unsigned destinations, std::uint32_t cookie = 0, bool refuse = false,
             Route route = Route::any) {
    Offer packet;
    packet.origin = from < bulk ? Origin::ring : from == bulk ? Origin::write : Origin::serve;
    packet.route = route;
    packet.traffic_class = from == control ? TrafficClass::control : TrafficClass::data;
    packet.destinations = destinations;
    packet.length = 100;
    packet.line = 0x123;
    packet.cookie = cookie;
    packet.put(module->offer_i, Offer::width * from);
    module->valid_i |= 1U << from;
    if (from < bulk) {
      module->refuse_i = (module->refuse_i & ~(1U << from)) | std::uint32_t{refuse} << from;
    }
  }

  /// One cycle; gives back what left for a lane.
  std::optional<Launch> step() {
    module.settle();
    std::optional<Launch> launch;
    for (unsigned b = 0; b < 2; ++b) {
      if ((module->lane_valid_o >> b & 1) == 0) continue;
      CHECK_FALSE(launch.has_value());
      launch = Launch{b, Job::get(module->job_o)};
    }
    const std::uint32_t take = module->take_o;
    CHECK((module->claim_o != 0) == ((take & 3) != 0));
    if (module->event_valid_o != 0 && module->event_ready_i != 0) {
      contract::EventEntry event;
      for (unsigned i = 0; i < 4; ++i) event.words[i] = module->event_o[i];
      events.push_back(event);
    }
    if (module->fate_valid_o != 0) fates.push_back(module->fate_origin_o);
    module.tick();
    module->valid_i &= ~take;
    module->lane_settled_i = 0;
    if (launch) {
      const unsigned lane = launch->lane;
      jobs[lane] = launch->job;
      module->lane_ready_i &= ~(1U << lane);
      module->lane_active_i |= 1U << lane;
      put(module->lane_held_i, lane, launch->job.left);
      module->lane_class_i &= ~(1U << lane);
      module->lane_class_i |= static_cast<unsigned>(launch->job.offer.traffic_class) << lane;
    }
    return launch;
  }

  /// A lane is done with its packet; these destinations have it, or may. The report comes in the
  /// next cycle, in which the lane is free.
  void release(unsigned lane, std::optional<unsigned> settled = {}) {
    module->lane_ready_i |= 1U << lane;
    module->lane_active_i &= ~(1U << lane);
    put(module->lane_settled_i, lane, settled.value_or(jobs[lane].left));
    put(module->lane_number_i, lane, jobs[lane].sequence_number);
  }
  Launch must_launch() {
    auto launch = step();
    for (int i = 0; i < 40 && !launch; ++i) launch = step();
    REQUIRE(launch.has_value());
    return *launch;
  }
  /// Offers a packet, sends it, and settles it at some of its destinations.
  unsigned send(unsigned from, unsigned destinations, std::optional<unsigned> settled = {}) {
    offer(from, destinations);
    const auto launch = must_launch();
    release(launch.lane, settled);
    return launch.job.sequence_number;
  }

  std::vector<contract::EventEntry> events;
  std::vector<unsigned> fates;
  Job jobs[2];
  Clocked<Vsend_scheduler_top_bench> module;
};

}  // namespace

TEST_CASE("send scheduler: a packet leaves as it was offered, for all its destinations") {
  Scheduler scheduler;
  scheduler.offer(control, 4, 0xabcdef01);
  const auto launch = scheduler.must_launch();
  CHECK(launch.job.offer == Offer::get(scheduler.module->offer_i, 0));
  CHECK(launch.job.offer.cookie == 0xabcdef01);
  CHECK(launch.job.left == 4);
  CHECK_FALSE(scheduler.step().has_value());
}

TEST_CASE("send scheduler: control leaves first, then the sources of data in turn") {
  Scheduler scheduler;
  std::vector<std::uint32_t> order;
  for (unsigned i = 0; i < 12; ++i) {
    for (unsigned s = i % 4 == 0 ? control : data; s <= server; ++s) scheduler.offer(s, 1U << s, s);
    const auto launch = scheduler.must_launch();
    order.push_back(launch.job.offer.cookie);
    scheduler.release(launch.lane);
  }
  CHECK(order == std::vector<std::uint32_t>{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3});
}

TEST_CASE("send scheduler: both buses take turns") {
  Scheduler scheduler;
  unsigned last = y;
  for (unsigned i = 0; i < 10; ++i) {
    scheduler.offer(data, 2);
    const auto launch = scheduler.must_launch();
    CHECK(launch.lane != last);
    last = launch.lane;
    scheduler.release(last);
  }
}

TEST_CASE("send scheduler: a flow has one packet in flight, another flow goes meanwhile") {
  Scheduler scheduler;
  scheduler.offer(data, 6);
  const auto first = scheduler.must_launch();
  scheduler.offer(bulk, 4);
  CHECK_FALSE(scheduler.step().has_value());
  CHECK(scheduler.module->busy_o == 0);
  SECTION("the other class to the same destination") {
    scheduler.offer(control, 4);
    CHECK(scheduler.must_launch().job.offer.origin == Origin::ring);
  }
  SECTION("another destination") {
    scheduler.offer(server, 8);
    CHECK(scheduler.must_launch().lane != first.lane);
  }
  SECTION("when that destination is done with") {
    put(scheduler.module->lane_held_i, first.lane, 2);
    CHECK(scheduler.must_launch().lane != first.lane);
  }
}

TEST_CASE("send scheduler: a control packet that finds no lane free asks for those it may take") {
  Scheduler scheduler;
  scheduler.module->lane_ready_i = 0;
  scheduler.offer(data, 2);
  CHECK_FALSE(scheduler.step().has_value());
  CHECK(scheduler.module->lane_wanted_o == 0);
  scheduler.offer(control, 2);
  scheduler.module.settle();
  CHECK(scheduler.module->lane_wanted_o == 3);
  put(scheduler.module->down_i, x, 2);
  scheduler.module.settle();
  CHECK(scheduler.module->lane_wanted_o == 2);
  scheduler.module->room_i = 0;
  scheduler.module.settle();
  CHECK(scheduler.module->lane_wanted_o == 0);
}

TEST_CASE("send scheduler: beside a parked packet a lane gets control packets, no data") {
  Scheduler scheduler;
  scheduler.module->lane_ready_i = 1;
  scheduler.module->parked_i = 1;
  put(scheduler.module->parked_held_i, x, 4);
  scheduler.offer(data, 2);
  CHECK_FALSE(scheduler.step().has_value());
  scheduler.offer(control, 4);
  CHECK(scheduler.must_launch().job.offer.traffic_class == TrafficClass::control);
}

TEST_CASE("send scheduler: a parked packet holds its flow") {
  Scheduler scheduler;
  scheduler.module->parked_i = 1;
  put(scheduler.module->parked_held_i, x, 4);
  scheduler.offer(data, 6);
  CHECK_FALSE(scheduler.step().has_value());
  scheduler.module->parked_i = 0;
  CHECK(scheduler.step().has_value());
}

TEST_CASE("send scheduler: numbers count by destination and class, without a gap, and wrap") {
  Scheduler scheduler;
  for (unsigned i = 0; i < 65600; ++i) {
    for (const unsigned from : {data, control}) {
      for (unsigned destination = 0; destination < (i < 100 ? 8 : 1); ++destination) {
        REQUIRE(scheduler.send(from, 1U << destination) == i % 65536);
      }
    }
  }
}

TEST_CASE("send scheduler: the number of a packet that has not arrived is given again") {
  Scheduler scheduler;
  for (unsigned i = 0; i < 300; ++i) CHECK(scheduler.send(data, 2, 0) == 0);
  CHECK(scheduler.send(data, 2) == 0);
  CHECK(scheduler.send(bulk, 2) == 1);
}

TEST_CASE("send scheduler: a packet to several never bears a number that one of them had last") {
  Scheduler scheduler;
  for (unsigned i = 0; i < 5; ++i) CHECK(scheduler.send(data, 2) == i);
  for (unsigned i = 0; i < 3000; ++i) scheduler.send(data, 4);
  const unsigned number = scheduler.send(data, 0xe, 0x8);
  // Not up to 1023 behind 4, nor behind 2999.
  CHECK(((4 - number) & 0xffff) >= 1024);
  CHECK(((2999 - number) & 0xffff) >= 1024);
  // Where it did not arrive the numbers go on from the last one that did.
  CHECK(scheduler.send(data, 2) == 5);
  CHECK(scheduler.send(data, 4) == 3000);
  CHECK(scheduler.send(data, 8) == number + 1);
}

TEST_CASE("send scheduler: the next packet of a flow may leave as the last one is reported") {
  Scheduler scheduler;
  const unsigned first = scheduler.send(data, 6);
  scheduler.offer(data, 2);
  const auto next = scheduler.step();
  REQUIRE(next.has_value());
  CHECK(next->job.sequence_number == first + 1);
}

TEST_CASE("send scheduler: the better bus is taken, and waited for") {
  Scheduler scheduler;
  const unsigned worse = GENERATE(x, y), state = GENERATE(1, 2);
  scheduler.send(data, 2);  // number 0 would be a trial
  scheduler.step();
  put(state == 1 ? scheduler.module->suspect_i : scheduler.module->down_i, worse, 2);
  scheduler.module->lane_ready_i = 1U << worse;
  scheduler.offer(data, 6);
  scheduler.offer(bulk, 2);
  CHECK_FALSE(scheduler.step().has_value());
  scheduler.offer(server, 8);
  CHECK(scheduler.must_launch().lane == worse);
  scheduler.module->lane_ready_i = 3;
  CHECK(scheduler.must_launch().lane != worse);
}

TEST_CASE("send scheduler: every 16th packet to a destination tries a suspect bus") {
  Scheduler scheduler;
  put(scheduler.module->suspect_i, x, 2);
  for (unsigned i = 0; i < 64; ++i) {
    scheduler.offer(data, 2);
    const auto launch = scheduler.must_launch();
    CHECK(launch.lane == (i % 16 == 0 ? x : y));
    scheduler.release(launch.lane);
  }
}

TEST_CASE("send scheduler: a forced route is taken whatever its state") {
  Scheduler scheduler;
  scheduler.module->down_i = 0x00020002;
  for (unsigned i = 0; i < 3; ++i) {
    scheduler.offer(data, 2, 0, false, Route::y);
    CHECK(scheduler.must_launch().lane == y);
    scheduler.release(y);
    scheduler.offer(data, 2, 0, false, Route::x);
    CHECK(scheduler.must_launch().lane == x);
    scheduler.release(x);
  }
}

TEST_CASE("send scheduler: with both paths down a packet ends unreachable, in its turn") {
  Scheduler scheduler;
  scheduler.offer(data, 2, 1);
  const auto first = scheduler.must_launch();
  scheduler.module->down_i = 0x00020002;
  scheduler.offer(data, 2, 2);
  // The lane still has the one before it.
  for (int i = 0; i < 5; ++i) scheduler.step();
  CHECK(scheduler.events.empty());
  scheduler.release(first.lane);
  scheduler.step();
  scheduler.step();
  REQUIRE(scheduler.events.size() == 1);
  CHECK(scheduler.events[0].status() == SendStatus::unreachable);
  CHECK(scheduler.events[0].missed() == 2);
  CHECK(scheduler.events[0].cookie() == 2);
  // One of several is enough to leave.
  scheduler.offer(data, 6, 3);
  CHECK(scheduler.must_launch().job.left == 6);
  // A transfer is told by its fate.
  scheduler.offer(server, 2);
  for (int i = 0; i < 3; ++i) scheduler.step();
  CHECK(scheduler.fates.empty());  // a flow of it is in flight
  scheduler.release(x, 0);
  scheduler.release(y, 0);
  for (int i = 0; i < 3; ++i) scheduler.step();
  CHECK(scheduler.fates == std::vector<unsigned>{static_cast<unsigned>(Origin::serve)});
}

TEST_CASE("send scheduler: a malformed descriptor ends refused") {
  Scheduler scheduler;
  scheduler.offer(control, 0, 7, true);
  CHECK_FALSE(scheduler.step().has_value());
  scheduler.step();
  REQUIRE(scheduler.events.size() == 1);
  CHECK(scheduler.events[0].status() == SendStatus::refused);
  CHECK(scheduler.events[0].cookie() == 7);
}

TEST_CASE("send scheduler: its event stays until it is taken, and holds back the next such end") {
  Scheduler scheduler;
  scheduler.module->event_ready_i = 0;
  scheduler.offer(control, 1, 1, true);
  scheduler.step();
  scheduler.offer(control, 1, 2, true);
  for (int i = 0; i < 5; ++i) scheduler.step();
  CHECK(scheduler.module->valid_i == 1U << control);
  scheduler.module->event_ready_i = 1;
  for (int i = 0; i < 5; ++i) scheduler.step();
  REQUIRE(scheduler.events.size() == 2);
  CHECK(scheduler.events[0].cookie() == 1);
  CHECK(scheduler.events[1].cookie() == 2);
}

TEST_CASE("send scheduler: no ring's packet leaves without room for its event, a transfer's does") {
  Scheduler scheduler;
  scheduler.module->room_i = 0;
  scheduler.offer(control, 1);
  scheduler.offer(data, 2, 0, true);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(scheduler.step().has_value());
  CHECK(scheduler.events.empty());
  scheduler.offer(bulk, 4);
  CHECK(scheduler.must_launch().job.offer.origin == Origin::write);
  scheduler.module->room_i = 1;
  CHECK(scheduler.step().has_value());
}

TEST_CASE("send scheduler: its rules break when its surroundings break theirs") {
  Scheduler scheduler;
  SECTION("a flow in both lanes at once") {
    scheduler.module->lane_active_i = 3;
    scheduler.module->lane_held_i = 0x00060002;
    CHECK_THAT(broken_rule([&] { scheduler.step(); }), Contains("FlowIsNeverInBothLanes"));
  }
  SECTION("a flow reported by both lanes at once") {
    scheduler.module->lane_settled_i = 0x00060002;
    CHECK_THAT(broken_rule([&] { scheduler.step(); }), Contains("FlowIsSettledOnce"));
  }
  SECTION("a report of a node that is not there") {
    scheduler.module->lane_settled_i = 0x0100;
    CHECK_THAT(broken_rule([&] { scheduler.step(); }), Contains("SettledIsOfNodes"));
  }
  SECTION("a packet for nobody") {
    scheduler.offer(bulk, 0);
    CHECK_THAT(broken_rule([&] { scheduler.step(); }), Contains("OfferHasDestinations"));
  }
}
