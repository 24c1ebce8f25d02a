// Sending: rings, the choice of the next packet, transmit lanes, paths.
#include <algorithm>
#include <bit>
#include <cstring>

#include "model/crc32c.h"
#include "model/tlm/core.h"
#include "model/tlm/descriptor.h"
#include "model/tlm/route.h"

namespace xybus::tlm {

using contract::PacketKind;
using contract::SendStatus;

namespace {

/// Numbers that a multicast keeps from the last of any of its flows.
constexpr unsigned series_distance = 1024;

}  // namespace

// ---- Rings --------------------------------------------------------------------------------------

void Node::doorbell(unsigned c, Cycle cycle, bool behind_payload) {
  if (!enabled() || front_[c].valid || send_[c].head == send_[c].tail) return;
  const Cycle delay = behind_payload ? timing::fetch_behind_payload : timing::fetch;
  core_.agenda().set_by(Agenda::timer(Phase::fetch, 2 * number_ + c), cycle + delay);
}

void Node::fetch(unsigned c, Cycle cycle) {
  Ring& ring = send_[c];
  if (front_[c].valid || ring.head == ring.tail) return;
  contract::SendDescriptor descriptor;
  const std::uint32_t address = ring.at(ring.head, contract::line_bytes);
  for (unsigned i = 0; i < 4; ++i) descriptor.words[i] = word(address + 4 * i);
  ++ring.head;
  front_[c] = parse(c, descriptor);
  if (front_[c].transfer) {
    look_for_transfer(cycle);
  } else {
    wake(cycle + timing::choose);
  }
}

Node::Front Node::parse(unsigned c, const contract::SendDescriptor& d) const {
  const bool good = well_formed(d, c, core_.present());
  return {.valid = true,
          .malformed = !good,
          .transfer = good && is_transfer(d),
          .descriptor = d,
          .offer = message_of(d, c)};
}

void Node::take_front(unsigned c, Cycle cycle) {
  front_[c].valid = false;
  doorbell(c, cycle, !front_[c].transfer && front_[c].offer.length != 0);
}

// ---- The choice ---------------------------------------------------------------------------------
// Sources: 0 control ring, 1 data ring, 2 transfers of this node, 3 reads of others.

void Node::wake(Cycle cycle) {
  core_.agenda().set_by(Agenda::timer(Phase::choose, number_), cycle);
}

const Offer* Node::offered(unsigned source) const {
  switch (source) {
    case 0: return front_[1].valid ? &front_[1].offer : nullptr;
    case 1: return front_[0].valid && !front_[0].transfer ? &front_[0].offer : nullptr;
    case 2: return bulk_.state == Source::State::offer ? &bulk_.offer : nullptr;
    default: return server_.state == Source::State::offer ? &server_.offer : nullptr;
  }
}

bool Node::flow_free(const Offer& offer) const {
  for (unsigned b = 0; b < buses; ++b) {
    const Lane& lane = lanes_[b];
    if (lane.active() && lane.state != Lane::State::withdraw &&
        lane.job.offer.traffic_class == offer.traffic_class &&
        (lane.job.left & offer.destinations) != 0) return false;
    if (parked_[b] && offer.traffic_class == 0 &&
        (parked_[b]->job.left & offer.destinations) != 0) return false;
  }
  return true;
}

// Buses that it may take, a bit for each.
unsigned Node::routes(const Offer& offer, bool& unreachable) const {
  const unsigned next = numbers_[offer.traffic_class][lowest(offer.destinations)] + 1u;
  const Routes its = tlm::routes(offer, paths_[0], paths_[1], next);
  unreachable = its.unreachable;
  return its.buses;
}

bool Node::lane_ready(unsigned b, bool data) const {
  return !lanes_[b].active() && !(data && parked_[b]);
}

// Whether this source's packet can leave now: `lanes` it can take; or `reject`, without any.
bool Node::can_launch(unsigned source, unsigned& lanes, bool& reject) {
  lanes = 0;
  reject = false;
  const Offer* const offer = offered(source);
  if (offer == nullptr) return false;
  if (source < 2) {
    if (!room(false)) return false;
    if (held_ && front_[source == 0 ? 1 : 0].malformed) return false;
    if (front_[source == 0 ? 1 : 0].malformed) return reject = true;
  }
  if (!flow_free(*offer)) return false;
  bool unreachable = false;
  const unsigned may = routes(*offer, unreachable);
  if (unreachable) return reject = source >= 2 || !held_;
  for (unsigned b = 0; b < buses; ++b) {
    if ((may >> b & 1) != 0 && lane_ready(b, source != 0)) lanes |= 1u << b;
  }
  return lanes != 0;
}

bool Node::number_for(const Offer& offer, std::uint16_t& number) {
  const auto& last = numbers_[offer.traffic_class];
  if (one(offer.destinations)) {
    number = static_cast<std::uint16_t>(last[lowest(offer.destinations)] + 1);
    return true;
  }
  for (Nodes left = offer.destinations; left != 0; left &= left - 1) {
    if (static_cast<std::uint16_t>(last[lowest(left)] - series_) < series_distance) {
      series_ = static_cast<std::uint16_t>(series_ + series_distance);
      return false;
    }
  }
  number = series_++;
  return true;
}

void Node::choose(Cycle cycle) {
  std::array<unsigned, 4> lanes{};
  std::array<bool, 4> reject{};
  unsigned chosen = 4;
  if (can_launch(0, lanes[0], reject[0])) {
    chosen = 0;
  } else {
    for (unsigned i = 0; i < 3 && chosen == 4; ++i) {
      const unsigned source = (turn_ + i) % 3 + 1;
      if (can_launch(source, lanes[source], reject[source])) chosen = source;
    }
  }
  if (chosen != 4) {
    wake(cycle + 1);
    if (reject[chosen]) {
      turn_down(chosen, cycle);
    } else {
      std::uint16_t number = 0;
      if (number_for(*offered(chosen), number)) {
        const unsigned bus = lanes[chosen] == 3 ? prefer_ : lanes[chosen] >> 1;
        hand_over(chosen, bus, number, cycle);
      }
    }
    if (chosen != 0) turn_ = chosen;
  }
  // Buses that a control packet wants and finds taken.
  unsigned wanted = 0;
  const Offer* const urgent = offered(0);
  if (urgent != nullptr && chosen != 0 && !front_[1].malformed && room(false) &&
      flow_free(*urgent)) {
    bool unreachable = false;
    const unsigned may = routes(*urgent, unreachable);
    if (!unreachable) wanted = may;
  }
  for (unsigned b = 0; b < buses; ++b) {
    if ((wanted >> b & 1) != 0) make_way(b, cycle);
  }
  unpark(wanted, cycle);
}

void Node::hand_over(unsigned source, unsigned bus, std::uint16_t number, Cycle cycle) {
  const Offer& offer = *offered(source);
  lanes_[bus].job = {.offer = offer, .number = number, .left = offer.destinations};
  if (source < 2) claim();
  prefer_ = 1 - bus;
  begin_job(bus, cycle + timing::load);
  taken(source, cycle);
}

void Node::turn_down(unsigned source, Cycle cycle) {
  const Offer offer = *offered(source);
  const auto header = offer.header(offer.destinations, number_, control_.epoch(), 0);
  if (source < 2) {
    claim();
    const bool malformed = front_[source == 0 ? 1 : 0].malformed;
    event(contract::EventEntry{}
              .set_event_type(contract::EventType::sent)
              .set_status(malformed ? SendStatus::refused : SendStatus::unreachable)
              .set_missed(offer.destinations)
              .set_cookie(offer.cookie)
              .set_header_0(header.words[0])
              .set_header_1(header.words[1]),
          cycle + 1);
    taken(source, cycle);
    return;
  }
  taken(source, cycle);
  fate(offer.origin, SendStatus::unreachable, 0, header, cycle);
}

void Node::taken(unsigned source, Cycle cycle) {
  if (source < 2) return take_front(source == 0 ? 1 : 0, cycle);
  Source& its = source == 2 ? bulk_ : server_;
  const Phase phase = source == 2 ? Phase::bulk : Phase::serve;
  its.in_flight = true;
  its.segments.done += its.segments.next();
  if (its.segments.left() == 0) {
    its.state = Source::State::drain;
  } else {
    its.state = Source::State::ask;
    core_.agenda().set(Agenda::timer(phase, number_), cycle + timing::segment);
  }
}

// ---- Making way ---------------------------------------------------------------------------------

// A data packet that waits for its bus is put aside.
void Node::make_way(unsigned b, Cycle cycle) {
  Lane& lane = lanes_[b];
  if (!lane.makes_way() || parked_[b]) return;
  core_.bus(b).withdraw(number_);
  const bool pauses = lane.state == Lane::State::pause && lane.resumes > cycle;
  parked_[b] = Parked{lane.job, pauses ? lane.resumes - cycle : 0};
  lane.state = Lane::State::withdraw;
  core_.agenda().set(Agenda::timer(Phase::lane, 2 * number_ + b), cycle + timing::withdraw);
}

void Node::unpark(unsigned wanted, Cycle cycle) {
  for (unsigned b = 0; b < buses; ++b) {
    if (!parked_[b] || lanes_[b].active() || (wanted >> b & 1) != 0) continue;
    const Parked parked = *parked_[b];
    parked_[b].reset();
    start_job(b, parked.job, cycle + timing::load);
    Lane& lane = lanes_[b];
    // What cannot be tried from here any more does not pause.
    if (parked.pause == 0 || lane.state != Lane::State::load) continue;
    lane.state = Lane::State::pause;
    lane.resumes = cycle + timing::load + parked.pause;
    core_.agenda().set(Agenda::timer(Phase::lane, 2 * number_ + b), lane.resumes);
  }
}

// ---- A lane -------------------------------------------------------------------------------------

void Node::start_job(unsigned b, const Job& job, Cycle request) {
  lanes_[b].job = job;
  begin_job(b, request);
}

void Node::begin_job(unsigned b, Cycle request) {
  Lane& lane = lanes_[b];
  const Job& job = lane.job;
  // Who cannot be reached from here is not tried: another bus may do.
  const bool forced = job.offer.route != contract::Route::any;
  lane.tried = forced ? job.left : job.left & ~paths_[b].down;
  lane.answers = {};
  lane.state = lane.tried != 0 ? Lane::State::load : Lane::State::weigh;
  if (job.offer.kind != PacketKind::read) soon(job.offer.address, job.offer.length);
  core_.agenda().set(Agenda::timer(Phase::lane, 2 * number_ + b), request);
}

void Node::lane(unsigned b, Cycle cycle) {
  Lane& its = lanes_[b];
  switch (its.state) {
    case Lane::State::load:
    case Lane::State::pause: {
      its.state = Lane::State::request;
      core_.bus(b).request(number_, its.urgent(), cycle);
      const Cycle ticks = (std::max(grant_timeout_, 1u) + contract::tick_cycles - 1) /
                          contract::tick_cycles;
      core_.agenda().set(Agenda::timer(Phase::lane, 2 * number_ + b),
                         cycle + ticks * contract::tick_cycles + 1);
      return;
    }
    case Lane::State::request:  // no grant in time
      core_.bus(b).withdraw(number_);
      its.answers = {};
      return decide(b, cycle);
    case Lane::State::send: return decide(b, cycle);
    case Lane::State::weigh: return weigh(b, cycle);
    case Lane::State::withdraw: return lane_free(b, cycle);
    case Lane::State::idle:
    case Lane::State::report:
    case Lane::State::move: return;
  }
}

unsigned Node::granted(unsigned b, std::array<std::uint32_t, max_words>& words, Nodes& tried) {
  Lane& lane = lanes_[b];
  const Offer& offer = lane.job.offer;
  const bool transfer = offer.kind != PacketKind::message;
  const auto header = offer.header(lane.tried, number_, control_.epoch(), lane.job.number);
  words[0] = header.words[0];
  words[1] = header.words[1];
  unsigned count = contract::header_words;
  if (transfer) words[count++] = offer.window;
  if (offer.kind == PacketKind::read) {
    for (const std::uint32_t value : {offer.request[0], offer.request[1], 0u, 0u}) {
      words[count++] = value;
    }
  } else if (offer.length != 0) {
    const unsigned payload = (offer.length + 3) / 4;
    words[count + payload - 1] = 0;  // padding
    std::memcpy(&words[count], &ram_[offer.address], offer.length);
    count += payload;
  }
  words[count] = crc32c({words.data(), count});
  ++count;
  this->count(b, Count::sent);
  lane.state = Lane::State::send;
  lane.answers = {};
  tried = lane.tried;
  return count;
}

void Node::answer_due(unsigned b, Cycle cycle) {
  core_.agenda().set(Agenda::timer(Phase::lane, 2 * number_ + b), cycle + timing::decide);
}

void Node::settle(const Job& job, Nodes nodes) {
  for (; nodes != 0; nodes &= nodes - 1) {
    numbers_[job.offer.traffic_class][lowest(nodes)] = job.number;
  }
}

void Node::decide(unsigned b, Cycle cycle) {
  Lane& lane = lanes_[b];
  Job& job = lane.job;
  const Verdict verdict(lane.tried, lane.answers);
  if (verdict.accepted == lane.tried) count(b, Count::accepted);
  if (verdict.busy != 0) count(b, Count::busy);
  if (verdict.corrupt != 0) count(b, Count::corrupt);
  if (verdict.missing != 0) count(b, Count::no_answer);
  if (verdict.refused != 0) count(b, Count::denied);
  paths_[b].judge(verdict, limits_);
  settle(job, job.attempted(verdict, busy_limit_));
  wake(cycle);
  if (job.left == 0) return end_job(b, cycle);
  lane.state = Lane::State::weigh;
  core_.agenda().set(Agenda::timer(Phase::lane, 2 * number_ + b), cycle + timing::weigh);
}

// Where each destination that is left is tried next.
void Node::weigh(unsigned b, Cycle cycle) {
  Lane& lane = lanes_[b];
  Job& job = lane.job;
  const Paths& here = paths_[b];
  const Paths& there = paths_[1 - b];
  const Verdict verdict(lane.tried, lane.answers);
  const Job::Next next =
      job.weigh(verdict, here.suspect, here.down, there.suspect, there.down);
  settle(job, next.settled);
  if (job.left == 0) return end_job(b, cycle);
  if (next.staying == 0) return try_move(b, cycle);
  const Nodes busy = job.left & verdict.busy;
  lane.tried = next.staying;
  const unsigned doubled = std::min(job.busy == 0 ? 0u : job.busy - 1, 10u);
  const Cycle pause = std::min(timing::pause << doubled, timing::longest_pause);
  lane.state = busy != 0 ? Lane::State::pause : Lane::State::load;
  lane.resumes = cycle + timing::again + (busy != 0 ? pause + timing::pause_end : 0);
  core_.agenda().set(Agenda::timer(Phase::lane, 2 * number_ + b), lane.resumes);
}

void Node::try_move(unsigned b, Cycle cycle) {
  Lane& lane = lanes_[b];
  Lane& other = lanes_[1 - b];
  lane.state = Lane::State::move;
  if (other.active() && other.state != Lane::State::move) {
    core_.agenda().clear(Agenda::timer(Phase::lane, 2 * number_ + b));
    return make_way(1 - b, cycle);
  }
  const bool swap = other.active();
  Job mine = lane.job;
  Job its = other.job;
  ++mine.moves;
  count(b, Count::moved);
  start_job(1 - b, mine, cycle + timing::again);
  if (swap) {
    ++its.moves;
    count(1 - b, Count::moved);
    start_job(b, its, cycle + timing::again);
  } else {
    lane_free(b, cycle);
  }
}

void Node::end_job(unsigned b, Cycle cycle) {
  if (held_ && lanes_[b].job.offer.origin == Origin::ring) {
    lanes_[b].state = Lane::State::report;
    return;
  }
  const Job& job = lanes_[b].job;
  const auto header =
      job.offer.header(job.offer.destinations, number_, control_.epoch(), job.number);
  if (job.offer.origin == Origin::ring) {
    event(contract::EventEntry{}
              .set_event_type(contract::EventType::sent)
              .set_bus(static_cast<contract::BusId>(b))
              .set_status(job.status)
              .set_missed(job.missed)
              .set_cookie(job.offer.cookie)
              .set_header_0(header.words[0])
              .set_header_1(header.words[1]),
          cycle + timing::sent);
  } else {
    fate(job.offer.origin, job.status, b, header, cycle);
  }
  lane_free(b, cycle);
}

void Node::lane_free(unsigned b, Cycle cycle) {
  lanes_[b].state = Lane::State::idle;
  if (lanes_[1 - b].state == Lane::State::move) weigh(1 - b, cycle);
  wake(cycle);
}

// ---- Paths --------------------------------------------------------------------------------------

void Node::restore_paths(unsigned b, Nodes nodes, Cycle cycle) {
  nodes &= core_.present();
  paths_[b].restore(nodes);
  for (unsigned lane = 0; lane < buses; ++lane) {
    if (lanes_[lane].state == Lane::State::move) weigh(lane, cycle);
  }
  if (enabled()) wake(cycle + timing::choose);
}

}  // namespace xybus::tlm
