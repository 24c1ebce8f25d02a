#include "firmware/membership/bus_lanes.h"

#include <algorithm>

namespace xybus {

using contract::BusId;

namespace {

constexpr std::array<BusId, 2> buses = {BusId::x, BusId::y};

bool same_kind(const contract::MembershipPacket& a, const contract::MembershipPacket& b) {
  return a.operation() == b.operation() && a.stage() == b.stage();
}

}  // namespace

void BusLanes::send_alive(CpuMask to, const Packet& packet) {
  // That of a dead bus holds up what comes behind it to this CPU.
  const bool turned = lanes_[0].dead;
  for (const BusId bus : {turned ? BusId::y : BusId::x, turned ? BusId::x : BusId::y}) {
    Lane& lane = lanes_[static_cast<unsigned>(bus)];
    const bool on_its_way = lane.posted_alive || (lane.posted && lane.alive);
    if (on_its_way || lane.alive) ++alives_left_out_;
    if (on_its_way) continue;
    lane.alive = Entry{to, packet};
    pump(bus);
  }
}

void BusLanes::send(CpuMask to, const Packet& packet) {
  const bool both_dead = lanes_[0].dead && lanes_[1].dead;
  for (const BusId bus : buses) {
    Lane& lane = lanes_[static_cast<unsigned>(bus)];
    if (lane.dead && !both_dead) continue;
    put(lane, {to, packet});
    pump(bus);
  }
}

void BusLanes::put(Lane& lane, const Entry& entry) {
  const auto end = lane.waiting.begin() + static_cast<std::ptrdiff_t>(lane.count);
  const auto same = std::find_if(lane.waiting.begin(), end, [&](const Entry& other) {
    return other.to == entry.to && same_kind(other.packet, entry.packet);
  });
  if (same != end) {
    *same = entry;
    return;
  }
  if (lane.count == lane.waiting.size()) {
    std::shift_left(lane.waiting.begin(), end, 1);
    --lane.count;
  }
  lane.waiting[lane.count++] = entry;
}

void BusLanes::pump(BusId bus) {
  Lane& lane = lanes_[static_cast<unsigned>(bus)];
  if (lane.posted) return;
  if (lane.alive && post_alive(bus)) {
    lane.posted_alive = true;
  } else if (lane.count > 0 && post(bus, lane.waiting.front())) {
    std::shift_left(lane.waiting.begin(),
                    lane.waiting.begin() + static_cast<std::ptrdiff_t>(lane.count), 1);
    --lane.count;
  }
}

bool BusLanes::post_alive(BusId bus) {
  Lane& lane = lanes_[static_cast<unsigned>(bus)];
  const bool both_dead = lanes_[0].dead && lanes_[1].dead;
  const bool alone = lane.dead && !both_dead;
  Entry entry = *lane.alive;
  if (alone) entry.to = bit_of(cpu_);
  if (!post(bus, entry)) return false;
  if (alone) lane.tried = lane.alive;
  lane.alive.reset();
  return true;
}

bool BusLanes::post(BusId bus, const Entry& entry) {
  Lane& lane = lanes_[static_cast<unsigned>(bus)];
  lane.posted = port_.post_membership(bus, entry.to, entry.packet);
  return lane.posted;
}

void BusLanes::sent(BusId bus, CpuMask to, CpuMask missed) {
  Lane& lane = lanes_[static_cast<unsigned>(bus)];
  if (lane.posted_alive) lane.dead = missed == to;
  if (lane.tried && !lane.dead && !lane.alive) {
    lane.alive = lane.tried;  // now to all
    lane.alive->packet.set_heard(0);  // that may be long ago, and renew no lease
  }
  lane.tried.reset();
  lane.posted = lane.posted_alive = false;
  port_.raise_paths_of(bus, to & ~missed);
  // The other may have found the ring full, or come round to the descriptor of this one.
  for (const BusId each : buses) pump(each);
}

}  // namespace xybus
