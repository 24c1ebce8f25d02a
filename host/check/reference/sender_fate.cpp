// What becomes of a packet: answers, repeats, its end, and ends that nobody saw.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "check/reference/sender.h"

namespace xybus::reference {

using contract::EventEntry;
using contract::EventType;
using contract::PacketHeader;
using contract::PacketKind;
using contract::SendStatus;

namespace {

using tlm::lowest;

/// From a choice to its event in node RAM, and some accesses of the CPU.
constexpr Cycle event_delay = 64;

EventEntry fate_event(EventType type, unsigned bus, SendStatus status, Nodes missed,
                      std::uint32_t cookie, const PacketHeader& header) {
  return EventEntry{}
      .set_event_type(type)
      .set_bus(static_cast<contract::BusId>(bus))
      .set_status(status)
      .set_missed(missed)
      .set_cookie(cookie)
      .set_header_0(header.words[0])
      .set_header_1(header.words[1]);
}

}  // namespace

// A repeat goes where the paths send it; they may have changed since.
std::string Sender::repeat_wrong(const WirePacket& packet, Active& its) {
  const Nodes to = packet_header(packet.sent).dst_mask();
  const auto bus = static_cast<unsigned>(packet.bus);
  std::string why;
  if (!fits(packet, its.job.offer, its.check_bytes, why)) return why;
  const auto goes = [&](const tlm::Job& job, Nodes staying) {
    return staying != 0 ? bus == its.bus && to == staying
                        : bus != its.bus && to == tried_first(job, bus);
  };
  bool right = goes(its.job, its.staying);
  if (!right && its.version != paths_.version()) {
    tlm::Job again = its.before;
    const auto& here = paths_.on(its.bus);
    const auto& there = paths_.on(1 - its.bus);
    const auto next =
        again.weigh(its.verdict, here.suspect, here.down, there.suspect, there.down);
    if (again.left != 0 && goes(again, next.staying)) {
      settle(again, next.settled);
      its.job = again;
      right = true;
    }
  }
  if (!right && !its.loose) {
    return fmt::format("its repeat -> mask {:#06x} on bus {}",
                       its.staying != 0 ? its.staying : its.job.left,
                       (its.bus == 0) == (its.staying != 0) ? 'x' : 'y');
  }
  if (bus != its.bus) ++its.job.moves;
  return "";
}

void Sender::conclude(const WirePacket& packet, Active& its) {
  const Nodes tried = packet_header(packet.sent).dst_mask();
  const auto bus = static_cast<unsigned>(packet.bus);
  tlm::Job& job = its.job;
  its.bus = bus;
  its.verdict = tlm::Verdict(tried, packet.answers);
  paths_.attempt(bus, its.verdict, tried, settings_.limits, packet.answer_cycle);
  settle(job, job.attempted(its.verdict, settings_.busy_limit));
  last_answer_[bus] = packet.answer_cycle;
  for (Nodes left = job.offer.destinations; left != 0; left &= left - 1) {
    flow(job.offer.traffic_class, lowest(left)).free = packet.answer_cycle;
  }
  its.before = job;
  its.version = paths_.version();
  its.loose = (paths_.unknown() & job.left) != 0;
  if (job.left != 0 && !its.loose) {
    const auto& here = paths_.on(bus);
    const auto& there = paths_.on(1 - bus);
    const auto next =
        job.weigh(its.verdict, here.suspect, here.down, there.suspect, there.down);
    settle(job, next.settled);
    its.staying = next.staying;
  }
  if (job.left == 0) end(its, packet.answer_cycle);
}

void Sender::settle(const tlm::Job& job, Nodes nodes) {
  for (; nodes != 0; nodes &= nodes - 1) {
    Flow& its = flow(job.offer.traffic_class, lowest(nodes));
    its.number = job.number;
    its.used = its.known = true;
  }
}

void Sender::end(Active& its, Cycle cycle) {
  const tlm::Job& job = its.job;
  const auto header =
      job.offer.header(job.offer.destinations, node_, settings_.epoch, job.number);
  switch (job.offer.origin) {
    case tlm::Origin::ring:
      book_.owe(fate_event(EventType::sent, its.bus, job.status, job.missed, job.offer.cookie,
                           header),
                tolerant(cycle), cycle);
      break;
    case tlm::Origin::write: end_transfer(its, header, cycle); break;
    case tlm::Origin::serve: end_reply(its, header, cycle); break;
  }
  active_.erase(active_.begin() + (&its - active_.data()));
}

void Sender::end_transfer(const Active& its, const PacketHeader& header, Cycle cycle) {
  if (!transfer_) return;
  const SendStatus status = its.job.status;
  const auto& d = transfer_->descriptor;
  if (status == SendStatus::ok && transfer_->segments.left() != 0) return;
  if (d.kind() == PacketKind::read && status == SendStatus::busy &&
      ++transfer_->busy < std::max(settings_.busy_limit, 1U)) {
    transfer_->segments.done = 0;
    return;
  }
  book_.owe(fate_event(EventType::sent, its.bus, status,
                       status == SendStatus::ok ? 0 : d.dst_mask(), d.cookie(), header),
            tolerant(cycle), cycle);
  transfer_.reset();
}

void Sender::end_reply(const Active& its, const PacketHeader& header, Cycle cycle) {
  if (reads_.empty()) return;
  const SendStatus status = its.job.status;
  if (status == SendStatus::ok && reply_.left() != 0) return;
  if (status != SendStatus::ok) {
    book_.owe(fate_event(EventType::read_failed, its.bus, status, 0,
                         reads_.front().request[1], header),
              tolerant(cycle), cycle);
  }
  reads_.pop_front();
  reply_ = {};
  reply_since_ = cycle;
}

// ---- Ends that were not seen ------------------------------------------------------------------

bool Sender::reachable(Nodes destinations, Cycle cycle) const {
  const Nodes cut = paths_.on(0).down & paths_.on(1).down;
  return (destinations & ~(cut | paths_.unknown())) != 0 &&
         paths_.changed() + event_delay < cycle;
}

bool Sender::forget_posted(std::uint32_t cookie) {
  for (auto& ring : rings_) {
    const auto found = std::ranges::find_if(
        ring, [&](const Posted& p) { return p.descriptor.cookie() == cookie; });
    if (found == ring.end()) continue;
    ring.erase(found);
    return true;
  }
  return false;
}

// Attempts of it were not seen, so that it has ended otherwise than was worked out: whatever is
// kept of it must not be taken for under way when the node is judged again.
void Sender::forget_ended(const EventEntry& entry) {
  const bool served = entry.event_type() == EventType::read_failed;
  const auto ended = std::erase_if(active_, [&](const Active& its) {
    const tlm::Offer& offer = its.job.offer;
    const bool of_read = offer.origin == tlm::Origin::serve;
    if (of_read != served || (!served && offer.cookie != entry.cookie())) return false;
    for (Nodes left = its.job.left; left != 0; left &= left - 1) {
      flow(offer.traffic_class, lowest(left)).known = false;
    }
    return true;
  });
  if (!served) {
    const bool moving = transfer_ && transfer_->descriptor.cookie() == entry.cookie();
    if (moving) transfer_.reset();
    if (!moving && ended == 0) forget_posted(entry.cookie());
    return;
  }
  const auto failed = std::ranges::find_if(
      reads_, [&](const TakenRead& read) { return read.request[1] == entry.cookie(); });
  if (failed == reads_.end()) return;
  reads_.erase(reads_.begin(), failed + 1);
  reply_ = {};
}

bool Sender::explains(const EventEntry& entry, Cycle cycle) {
  if (tolerant(cycle)) {
    forget_ended(entry);
    return true;
  }
  return entry.event_type() == EventType::sent ? explains_fate(entry, cycle)
                                               : explains_failed_read(entry, cycle);
}

bool Sender::explains_fate(const EventEntry& entry, Cycle cycle) {
  const bool unreachable = entry.status() == SendStatus::unreachable;
  // The paths have changed while it waited for its next attempt.
  const auto active = std::ranges::find_if(active_, [&](const Active& its) {
    return its.job.offer.origin != tlm::Origin::serve &&
           its.job.offer.cookie == entry.cookie() &&
           (its.loose || its.version != paths_.version());
  });
  if (active != active_.end()) {
    if (!unreachable || (!active->loose && reachable(active->job.left, cycle))) return false;
    for (Nodes left = active->job.left; left != 0; left &= left - 1) {
      flow(active->job.offer.traffic_class, lowest(left)).known = false;
    }
    if (active->job.offer.origin == tlm::Origin::write) transfer_.reset();
    active_.erase(active);
    return true;
  }
  if (transfer_ && transfer_->descriptor.cookie() == entry.cookie()) {
    if (!unreachable || reachable(transfer_->descriptor.dst_mask(), cycle)) return false;
    transfer_.reset();
    return true;
  }
  for (unsigned c = 0; c < rings_.size(); ++c) {
    const auto found = std::ranges::find_if(rings_[c], [&](const Posted& p) {
      return p.descriptor.cookie() == entry.cookie();
    });
    if (found == rings_[c].end()) continue;
    const auto& d = found->descriptor;
    if (entry.missed() != d.dst_mask()) return false;
    const bool malformed = !tlm::well_formed(d, c, present_);
    bool right = false;
    if (entry.status() == SendStatus::refused) {
      const bool read = d.kind() == PacketKind::read && !malformed;
      const bool closed = read && (d.own_window() >= contract::windows ||
                                   !own_window_allows(d, settings_.windows[d.own_window()].now) ||
                                   settings_.windows[d.own_window()].changed > found->cycle);
      right = malformed || closed;
    } else if (unreachable && !malformed) {
      right = !reachable(d.dst_mask(), cycle);
    }
    if (right) rings_[c].erase(found);
    return right;
  }
  return false;
}

bool Sender::explains_failed_read(const EventEntry& entry, Cycle cycle) {
  while (reads_.size() > 1 && reads_.front().optional &&
         reads_.front().request[1] != entry.cookie()) {
    reads_.pop_front();
    reply_ = {};
  }
  if (reads_.empty()) return false;
  const TakenRead& read = reads_.front();
  if (read.request[1] != entry.cookie() || entry.missed() != 0) return false;
  bool right = false;
  if (entry.status() == SendStatus::denied) {
    const auto& window = settings_.windows[read.window.window() % contract::windows];
    const std::uint32_t length = read.request[0] & 0xfffff;
    right = window.changed > read.cycle ||
            !reply_allowed(window.now, read, reply_.done, length - reply_.done);
  } else if (entry.status() == SendStatus::unreachable) {
    right = !reachable(1U << read.reader, cycle);
  }
  if (!right) return false;
  std::erase_if(active_, [](const Active& its) {
    return its.job.offer.origin == tlm::Origin::serve;
  });
  reads_.pop_front();
  reply_ = {};
  return true;
}

}  // namespace xybus::reference
