// What has been sent: whose packet it is, what its attempts come to.
#include "check/reference/sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace xybus::reference {

using contract::EventEntry;
using contract::EventType;
using contract::PacketHeader;
using contract::PacketKind;
using contract::SendStatus;

namespace {

using tlm::lowest;

}  // namespace

void Sender::clear() {
  rings_ = {};
  transfer_.reset();
  reads_.clear();
  reply_ = {};
  reply_since_ = 0;
  active_.clear();
  flows_ = {};
  series_ = 0;
  series_known_ = true;
  last_answer_ = {};
  paths_ = {};
  tolerant_until_ = 0;
}

void Sender::forget(Cycle cycle, Cycle until) {
  transfer_.reset();
  active_.clear();
  for (TakenRead& read : reads_) read.optional = true;  // it may have been served unseen
  reply_ = {};
  for (auto& flows : flows_) flows.fill({.number = 0, .used = false, .known = false, .free = 0});
  series_known_ = false;
  paths_.forget(cycle);
  tolerant_until_ = until;
}

void Sender::posted(unsigned c, std::uint16_t from, std::uint16_t to, Cycle cycle) {
  const auto& ring = settings_.send[c];
  const auto count = static_cast<std::uint16_t>(to - from);
  if (count > ring.size()) return;
  for (std::uint16_t i = from; i != to; ++i) {
    const std::size_t at = ring.at(i, contract::line_bytes);
    if (at + contract::line_bytes > ram_.size()) return;
    Posted& its = rings_[c].emplace_back();
    std::memcpy(its.descriptor.words.data(), &ram_[at], contract::line_bytes);
    its.cycle = cycle;
  }
}

void Sender::complain(const WirePacket& packet, const std::string& model) {
  if (tolerant(packet.answer_cycle)) return;
  const PacketHeader header = packet_header(packet.sent);
  report_.complain(packet.bus, packet.start_cycle,
                   fmt::format("CPU {} -> mask {:#06x}, {} {} sequence {}", node_,
                               header.dst_mask(), name(header.traffic_class()),
                               name(header.kind()), header.sequence_number()),
                   fmt::format("CPU {} sends it, {} bytes, notify {}, epoch {}", node_,
                               header.length(), header.notify(), header.epoch()),
                   model);
}

Sender::Active* Sender::find(const PacketHeader& header) {
  for (Active& its : active_) {
    const tlm::Offer& offer = its.job.offer;
    if (offer.traffic_class == static_cast<unsigned>(header.traffic_class()) &&
        offer.kind == header.kind() && its.job.number == header.sequence_number() &&
        (header.dst_mask() & ~offer.destinations) == 0) return &its;
  }
  return nullptr;
}

/// Whether a packet with the number of one that is on its way may be the next of a flow that that
/// one has left: lost there without doubt, it leaves its number behind while it goes on elsewhere.
bool Sender::may_be_another(const WirePacket& packet, const Active& its) const {
  const tlm::Job& job = its.job;
  if (job.offer.kind != PacketKind::message || std::has_single_bit(job.offer.destinations)) {
    return false;
  }
  if ((job.left & packet_header(packet.sent).dst_mask()) == 0) return true;
  std::string why;
  return !fits(packet, job.offer, its.check_bytes, why);
}

void Sender::sent(const WirePacket& packet) {
  const PacketHeader header = packet_header(packet.sent);
  if (!settings_.enabled.now && !settings_.enabled.fresh(packet.answer_cycle)) {
    return complain(packet, "nothing: its engine is off");
  }
  std::string why;
  Active* its = find(header);
  if (its != nullptr && may_be_another(packet, *its)) {
    // Only if there is one that fits, else it is judged as a repetition.
    if (Active* const another = launch(packet, why)) {
      its = another;
    } else {
      why = repeat_wrong(packet, *its);
    }
  } else if (its != nullptr) {
    why = repeat_wrong(packet, *its);
  } else {
    its = launch(packet, why);
  }
  if (!why.empty()) complain(packet, why);
  if (its != nullptr) conclude(packet, *its);
}

// ---- The first attempt ------------------------------------------------------------------------

Sender::Active* Sender::launch(const WirePacket& packet, std::string& why) {
  const PacketHeader header = packet_header(packet.sent);
  const auto c = static_cast<unsigned>(header.traffic_class());
  Active its;
  std::string overlap;
  for (const Active& other : active_) {
    if (other.job.offer.traffic_class == c && (other.job.left & header.dst_mask()) != 0) {
      overlap = fmt::format("not before sequence {} of that flow has met its fate",
                            other.job.number);
    }
  }
  bool found = false;
  if (header.kind() == PacketKind::message) {
    found = launch_message(packet, its, why);
  } else {
    std::string no_reply;
    found = header.kind() == PacketKind::write && launch_reply(packet, its, no_reply);
    if (found) why = no_reply;
    if (!found) found = launch_transfer(packet, its, why);
    if (!found && !no_reply.empty()) why = no_reply;
  }
  if (!overlap.empty()) why = overlap;
  if (!found) return nullptr;
  its.job.number = static_cast<std::uint16_t>(header.sequence_number());
  its.job.left = its.job.offer.destinations;
  for (Nodes left = its.job.left; left != 0; left &= left - 1) {
    its.since = std::max(its.since, flow(c, lowest(left)).free);
  }
  // A data packet may have stood aside while others went by its bus.
  if (c != 0) its.since = std::max(its.since, last_answer_[static_cast<unsigned>(packet.bus)]);
  if (const std::string wrong = number_wrong(header, its.job.left); !wrong.empty()) why = wrong;
  if (const std::string wrong = bus_wrong(packet, its); !wrong.empty()) why = wrong;
  active_.push_back(its);
  return &active_.back();
}

// One before it in the ring may have been handed to the other bus, or stand aside.
bool Sender::launch_message(const WirePacket& packet, Active& its, std::string& why) {
  constexpr unsigned most_ahead = 3;
  const PacketHeader header = packet_header(packet.sent);
  const auto c = static_cast<unsigned>(header.traffic_class());
  auto& ring = rings_[c];
  unsigned ahead = 0;
  std::string first;
  for (auto at = ring.begin(); at != ring.end() && ahead <= most_ahead; ++at) {
    const auto& d = at->descriptor;
    if (tlm::is_transfer(d) || !tlm::well_formed(d, c, present_)) continue;
    const tlm::Offer offer = tlm::message_of(d, c);
    std::string reason;
    if (fits(packet, offer, true, reason)) {
      its.job.offer = offer;
      its.since = at->cycle;
      ring.erase(at);
      return true;
    }
    if (first.empty()) first = reason;
    if ((d.dst_mask() & header.dst_mask()) != 0 && !tolerant(packet.answer_cycle)) {
      why = reason;
      return false;
    }
    if (!tolerant(packet.answer_cycle)) ++ahead;
  }
  why = first.empty() ? "nothing: no message is posted" : first;
  return false;
}

bool Sender::own_window_allows(const contract::SendDescriptor& d,
                               const tlm::Window& window) const {
  return window.allows({}, lowest(d.dst_mask()), true, d.address(), d.length());
}

bool Sender::launch_transfer(const WirePacket& packet, Active& its, std::string& why) {
  auto& ring = rings_[0];
  auto next = ring.end();
  if (!transfer_) {
    next = std::ranges::find_if(ring, [&](const Posted& p) {
      return tlm::is_transfer(p.descriptor) && tlm::well_formed(p.descriptor, 0, present_);
    });
    if (next == ring.end()) {
      if (why.empty()) why = "nothing: no transfer is posted";
      return false;
    }
  }
  const contract::SendDescriptor d = transfer_ ? transfer_->descriptor : next->descriptor;
  const bool read = d.kind() == PacketKind::read;
  tlm::Offer offer = tlm::transfer_of(d);
  tlm::Segments segments{.length = read ? contract::read_payload_bytes : d.length(),
                         .done = 0,
                         .place = offer.window,
                         .notify = !read && d.notify() != 0};
  if (transfer_) segments = transfer_->segments;
  offer.length = segments.next();
  offer.address = d.address() + segments.done;
  offer.window = segments.window();
  offer.notify = segments.notify && segments.next() == segments.left();
  if (read) {
    if (d.own_window() >= contract::windows) return why = "nothing: no such window", false;
    const auto& window = settings_.windows[d.own_window()];
    const bool earlier = window.changed > (transfer_ ? transfer_->cycle : next->cycle);
    if (!own_window_allows(d, window.now) && !(earlier && own_window_allows(d, window.before))) {
      why = "nothing: its own window does not allow the read";
    }
    offer.request = tlm::request_of(d, window.now.control.generation());
    if (earlier && offer.request[1] != packet.sent[contract::header_words + 2]) {
      offer.request = tlm::request_of(d, window.before.control.generation());
    }
  }
  if (!fits(packet, offer, true, why)) return false;
  its.job.offer = offer;
  its.since = transfer_ ? transfer_->cycle : next->cycle;
  if (!transfer_) {
    transfer_ = Transfer{d, segments, next->cycle, 0};
    ring.erase(next);
  }
  transfer_->segments.done += segments.next();
  transfer_->cycle = packet.start_cycle;
  return true;
}

bool Sender::reply_allowed(const tlm::Window& window, const TakenRead& read, std::uint32_t done,
                           std::uint32_t length) const {
  return window.allows(read.window.generation(), read.reader, false,
                       read.window.offset() * contract::line_bytes + done, length);
}

bool Sender::launch_reply(const WirePacket& packet, Active& its, std::string& why) {
  const PacketHeader header = packet_header(packet.sent);
  while (!reads_.empty()) {
    const TakenRead& read = reads_.front();
    if (reply_.length == 0) {
      reply_ = {.length = read.request[0] & 0xfffff, .done = 0, .place = read.request[1],
                .notify = true};
      reply_since_ = std::max(reply_since_, read.cycle);
    }
    tlm::Offer offer = tlm::reply_to(read.reader);
    offer.length = reply_.next();
    offer.window = reply_.window();
    offer.notify = reply_.next() == reply_.left();
    const bool its_turn = offer.destinations == header.dst_mask() &&
                          offer.window == packet.sent[contract::header_words];
    const bool perhaps = tolerant(packet.answer_cycle) || (read.optional && reply_.done == 0);
    if (!its_turn && perhaps && reads_.size() > 1) {
      reads_.pop_front();
      reply_ = {};
      continue;
    }
    if (!its_turn) return false;
    const auto& window = settings_.windows[read.window.window() % contract::windows];
    // The window was asked for some time after the packet before.
    const bool stood = window.changed + margin < reply_since_;
    if (stood && !reply_allowed(window.now, read, reply_.done, reply_.next())) {
      why = "nothing: the window read from does not allow it";
    }
    offer.address =
        window.now.base + read.window.offset() * contract::line_bytes + reply_.done;
    its.check_bytes = stood;
    std::string reason;
    if (!fits(packet, offer, stood, reason)) {
      why = reason;
      return false;
    }
    its.job.offer = offer;
    its.since = reply_since_;
    reply_.done += reply_.next();
    reply_since_ = packet.start_cycle;
    return true;
  }
  return false;
}

}  // namespace xybus::reference
