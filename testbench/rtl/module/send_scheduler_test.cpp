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
using contract::SendStatus;

namespace {

constexpr unsigned data = 0, control = 1;  // classes
constexpr unsigned x = 0, y = 1;           // lanes

/// Writes one of the four-bit elements of a packed pair.
template <class Port>
void put(Port& pair, unsigned index, unsigned value) {
  pair = static_cast<Port>((pair & ~(0xfU << 4 * index)) | value << 4 * index);
}

/// A scheduler of node 3, with rings and lanes played by the bench. The lanes hold what they get
/// until the bench lets go of it.
class Scheduler {
 public:
  struct Launch {
    unsigned lane;
    Job job;
  };

  Scheduler() {
    module->node_i = 3;
    module->epoch_i = 9;
    module->valid_i = module->well_formed_i = 0;
    module->lane_ready_i = 3;
    module->lane_active_i = 0;
    module->lane_class_i = 0;
    module->lane_gave_up_i = 0;
    module->room_i = 1;
    module->event_ready_i = 1;
    module->path_down_i = module->lane_destination_i = module->destination_i = 0;
    module.reset();
  }

  /// Puts a packet in front of a ring.
  void offer(unsigned traffic_class, unsigned destination, std::uint32_t cookie = 0,
             bool well_formed = true) {
    contract::SendDescriptor descriptor;
    descriptor.set_dst_mask(1U << destination)
        .set_kind(contract::PacketKind::message)
        .set_length(100)
        .set_address(0x1230)
        .set_cookie(cookie);
    for (unsigned i = 0; i < 4; ++i) {
      module->descriptor_i[traffic_class][i] = descriptor.words[i];
    }
    put(module->destination_i, traffic_class, destination);
    module->valid_i |= 1U << traffic_class;
    module->well_formed_i &= ~(1U << traffic_class);
    module->well_formed_i |= std::uint32_t{well_formed} << traffic_class;
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
    CHECK((module->claim_o != 0) == (take != 0));
    if (module->event_valid_o != 0 && module->event_ready_i != 0) {
      events.push_back(get_event(module->event_o));
    }
    module.tick();
    module->valid_i &= ~take;
    if (launch) {
      module->lane_ready_i &= ~(1U << launch->lane);
      module->lane_active_i |= 1U << launch->lane;
      put(module->lane_destination_i, launch->lane, launch->job.destination);
      const auto traffic_class = static_cast<unsigned>(launch->job.header.traffic_class());
      module->lane_class_i &= ~(1U << launch->lane);
      module->lane_class_i |= traffic_class << launch->lane;
    }
    return launch;
  }

  /// A lane is done with its packet.
  void release(unsigned lane) {
    module->lane_ready_i |= 1U << lane;
    module->lane_active_i &= ~(1U << lane);
  }
  /// It ended busy.
  void give_up(unsigned lane) {
    module->lane_gave_up_i = 1U << lane;
    step();
    module->lane_gave_up_i = 0;
    release(lane);
  }
  Launch must_launch() {
    const auto launch = step();
    REQUIRE(launch.has_value());
    return *launch;
  }

  std::vector<contract::EventEntry> events;
  Clocked<Vsend_scheduler_top_bench> module;
};

}  // namespace

TEST_CASE("send scheduler: a packet leaves with its header and what its descriptor says") {
  Scheduler scheduler;
  scheduler.offer(control, 2, 0xabcdef01);
  const auto launch = scheduler.must_launch();
  contract::PacketHeader header;
  header.set_dst_mask(4).set_source(3).set_kind(contract::PacketKind::message);
  header.set_traffic_class(contract::TrafficClass::control).set_length(100).set_epoch(9);
  CHECK(launch.job == Job{header, 2, 0x123, 0xabcdef01});
  CHECK_FALSE(scheduler.step().has_value());
}

TEST_CASE("send scheduler: control leaves before data, and both buses take turns") {
  Scheduler scheduler;
  std::vector<unsigned> lanes;
  for (unsigned i = 0; i < 8; ++i) {
    scheduler.offer(data, 0);
    scheduler.offer(control, 1);
    const auto first = scheduler.must_launch(), second = scheduler.must_launch();
    CHECK(first.job.destination == 1);
    CHECK(second.job.destination == 0);
    CHECK(first.lane != second.lane);
    scheduler.release(x);
    scheduler.release(y);
    scheduler.offer(control, 1);
    lanes.push_back(scheduler.must_launch().lane);
    scheduler.release(lanes.back());
  }
  CHECK(std::count(lanes.begin(), lanes.end(), x) == 4);
}

TEST_CASE("send scheduler: a flow has one packet in flight; another flow goes meanwhile") {
  Scheduler scheduler;
  scheduler.offer(control, 1);
  const auto first = scheduler.must_launch();
  scheduler.offer(control, 1, 2);
  CHECK_FALSE(scheduler.step().has_value());
  SECTION("the other class to the same destination") {
    scheduler.offer(data, 1);
    CHECK(scheduler.must_launch().lane != first.lane);
  }
  SECTION("when the first is done") {
    scheduler.release(first.lane);
    CHECK(scheduler.must_launch().job.cookie == 2);
  }
}

TEST_CASE("send scheduler: sequence numbers count by destination and class, and wrap") {
  Scheduler scheduler;
  for (unsigned i = 0; i < 65600; ++i) {
    for (const unsigned traffic_class : {data, control}) {
      // All destinations at first, then one, to the wrap.
      for (unsigned destination = 0; destination < (i < 100 ? 4 : 1); ++destination) {
        scheduler.offer(traffic_class, destination);
        const auto launch = scheduler.must_launch();
        REQUIRE(launch.job.header.sequence_number() == i % 65536);
        scheduler.release(launch.lane);
      }
    }
  }
}

TEST_CASE("send scheduler: the number of a packet that ended busy is given again") {
  Scheduler scheduler;
  for (unsigned i = 0; i < 300; ++i) {
    scheduler.offer(data, 1);
    const auto launch = scheduler.must_launch();
    REQUIRE(launch.job.header.sequence_number() == 0);
    scheduler.give_up(launch.lane);
  }
  // Both lanes at once, each its own flow.
  scheduler.offer(data, 1);
  scheduler.offer(control, 2);
  scheduler.must_launch();
  scheduler.must_launch();
  scheduler.module->lane_gave_up_i = 3;
  scheduler.step();
  scheduler.module->lane_gave_up_i = 0;
  scheduler.release(x);
  scheduler.release(y);
  scheduler.offer(data, 1);
  scheduler.offer(control, 2);
  CHECK(scheduler.must_launch().job.header.sequence_number() == 0);
  CHECK(scheduler.must_launch().job.header.sequence_number() == 0);
}

TEST_CASE("send scheduler: a path that is down is not taken, and another destination still is") {
  Scheduler scheduler;
  put(scheduler.module->path_down_i, x, 1U << 1);
  for (int i = 0; i < 4; ++i) {
    scheduler.offer(data, 1);
    CHECK(scheduler.must_launch().lane == y);
    scheduler.offer(data, 1);
    CHECK_FALSE(scheduler.step().has_value());
    scheduler.offer(control, 2);
    CHECK(scheduler.must_launch().lane == x);
    scheduler.release(x);
    scheduler.release(y);
    scheduler.must_launch();
    scheduler.release(y);
  }
}

TEST_CASE("send scheduler: with both paths down a packet ends unreachable, in its turn") {
  Scheduler scheduler;
  scheduler.offer(data, 1, 1);
  const auto first = scheduler.must_launch();
  put(scheduler.module->path_down_i, x, 1U << 1);
  put(scheduler.module->path_down_i, y, 1U << 1);
  scheduler.offer(data, 1, 2);
  // The lane still has the one before it.
  for (int i = 0; i < 5; ++i) scheduler.step();
  CHECK(scheduler.events.empty());
  scheduler.release(first.lane);
  scheduler.step();
  scheduler.step();
  REQUIRE(scheduler.events.size() == 1);
  CHECK(scheduler.events[0].status() == SendStatus::unreachable);
  CHECK(scheduler.events[0].cookie() == 2);
}

TEST_CASE("send scheduler: a malformed descriptor ends refused") {
  Scheduler scheduler;
  scheduler.offer(control, 1, 7, false);
  CHECK_FALSE(scheduler.step().has_value());
  scheduler.step();
  REQUIRE(scheduler.events.size() == 1);
  CHECK(scheduler.events[0].status() == SendStatus::refused);
  CHECK(scheduler.events[0].cookie() == 7);
}

TEST_CASE("send scheduler: its event stays until it is taken, and holds back the next such end") {
  Scheduler scheduler;
  scheduler.module->event_ready_i = 0;
  scheduler.offer(control, 1, 1, false);
  scheduler.step();
  scheduler.offer(control, 1, 2, false);
  for (int i = 0; i < 5; ++i) scheduler.step();
  CHECK(scheduler.module->valid_i == 1U << control);
  scheduler.module->event_ready_i = 1;
  for (int i = 0; i < 5; ++i) scheduler.step();
  REQUIRE(scheduler.events.size() == 2);
  CHECK(scheduler.events[0].cookie() == 1);
  CHECK(scheduler.events[1].cookie() == 2);
}

TEST_CASE("send scheduler: nothing leaves without room for its event") {
  Scheduler scheduler;
  scheduler.module->room_i = 0;
  scheduler.offer(control, 1);
  scheduler.offer(data, 2, 0, false);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(scheduler.step().has_value());
  CHECK(scheduler.events.empty());
  scheduler.module->room_i = 1;
  CHECK(scheduler.step().has_value());
}

TEST_CASE("send scheduler: a flow in both lanes at once breaks a rule") {
  Scheduler scheduler;
  scheduler.module->lane_active_i = 3;
  CHECK_THAT(broken_rule([&] { scheduler.step(); }), Contains("FlowIsNeverInBothLanes"));
}
