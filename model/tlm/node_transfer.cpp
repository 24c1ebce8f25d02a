// Windows, the transfers of this node, and the reads of others that it serves.
#include <algorithm>

#include "model/tlm/core.h"
#include "model/tlm/descriptor.h"

namespace xybus::tlm {

using contract::PacketKind;
using contract::SendStatus;

// A window that was posted or closed after `unchanged_since` counts as closed.
Node::Grant Node::look_up(unsigned number, std::optional<unsigned> generation, unsigned peer,
                          bool write, std::uint32_t offset, std::uint32_t length,
                          Cycle unchanged_since) const {
  if (number >= contract::windows || length == 0) return {};
  const Window& window = windows_[number];
  if (window.posted > unchanged_since ||
      !window.allows(generation, peer, write, offset, length)) return {};
  return {true, window.base + offset, window.control.generation()};
}

void Node::fate(Origin origin, SendStatus status, unsigned bus,
                const contract::PacketHeader& header, Cycle cycle) {
  if (origin == Origin::write) {
    bulk_fate(status, bus, header, cycle);
  } else {
    serve_fate(status, bus, header, cycle);
  }
}

// ---- Transfers of this node, one after the other ------------------------------------------------

void Node::look_for_transfer(Cycle cycle) {
  if (bulk_.state != Source::State::idle) return;
  core_.agenda().set_by(Agenda::timer(Phase::bulk, number_), cycle);
}

void Node::bulk(Cycle cycle) {
  Source& its = bulk_;
  const contract::SendDescriptor& d = its.descriptor;
  switch (its.state) {
    case Source::State::idle: {
      if (held_ && !written_.empty()) return;
      if (!front_[0].valid || !front_[0].transfer || !room(false)) return;
      claim();
      its = {};
      its.descriptor = front_[0].descriptor;
      take_front(0, cycle);
      const bool read = d.kind() == PacketKind::read;
      its.offer = transfer_of(d);
      if (read) {
        const auto far_node = lowest(d.dst_mask());
        const Grant grant =
            look_up(d.own_window(), {}, far_node, true, d.address(), d.length(), cycle);
        if (!grant.allowed) {
          const auto never_sent = its.offer.header(d.dst_mask(), number_, 0, 0);
          return end_bulk(SendStatus::refused, 0, never_sent, cycle + timing::transfer);
        }
        its.offer.request = request_of(d, grant.generation);
      }
      its.segments = {.length = read ? contract::read_payload_bytes : d.length(),
                      .done = 0,
                      .place = its.offer.window,
                      .notify = !read && d.notify() != 0};
      its.state = Source::State::ask;
      core_.agenda().set(Agenda::timer(Phase::bulk, number_),
                         cycle + timing::transfer + (read ? timing::own_window : 0));
      return;
    }
    case Source::State::ask:
    case Source::State::pause: {
      Segments& s = its.segments;
      if (its.state == Source::State::pause) s.done = 0;
      its.offer.length = s.next();
      its.offer.address = d.address() + s.done;
      its.offer.window = s.window();
      its.offer.notify = s.notify && s.next() == s.left();
      its.state = Source::State::offer;
      return wake(cycle);
    }
    case Source::State::offer:
    case Source::State::drain: return;
  }
}

void Node::bulk_fate(SendStatus status, unsigned bus, const contract::PacketHeader& header,
                     Cycle cycle) {
  Source& its = bulk_;
  its.in_flight = false;
  if (status == SendStatus::ok) {
    if (its.state == Source::State::drain) end_bulk(status, bus, header, cycle);
    return;
  }
  if (its.offer.kind == PacketKind::read && status == SendStatus::busy &&
      ++its.busy < std::max(busy_limit_, 1u)) {
    its.state = Source::State::pause;
    const Cycle pause =
        std::min(timing::pause << std::min(its.busy - 1, 10u), timing::longest_pause);
    core_.agenda().set(Agenda::timer(Phase::bulk, number_), cycle + pause);
    return;
  }
  end_bulk(status, bus, header, cycle);
}

void Node::end_bulk(SendStatus status, unsigned bus, const contract::PacketHeader& header,
                    Cycle cycle) {
  event(contract::EventEntry{}
            .set_event_type(contract::EventType::sent)
            .set_bus(static_cast<contract::BusId>(bus))
            .set_status(status)
            .set_missed(status == SendStatus::ok ? 0 : bulk_.descriptor.dst_mask())
            .set_cookie(bulk_.descriptor.cookie())
            .set_header_0(header.words[0])
            .set_header_1(header.words[1]),
        cycle + timing::transfer_end);
  bulk_ = {};
  core_.agenda().set(Agenda::timer(Phase::bulk, number_), cycle + timing::next_transfer);
}

// ---- Reads of others, one after the other -------------------------------------------------------

void Node::next_read(Cycle cycle) {
  if (reads_.empty()) return;
  const Read& read = reads_.front();
  server_ = {};
  server_.segments = {.length = read.request[0] & 0xfffff, .done = 0, .place = read.request[1],
                      .notify = true};
  server_.offer = reply_to(read.source);
  server_.state = Source::State::ask;
  core_.agenda().set(Agenda::timer(Phase::serve, number_), cycle + timing::serve);
}

void Node::serve(Cycle cycle) {
  if (failed_) {  // its event waits for room
    if (!room(true) || held_) {
      core_.agenda().set(Agenda::timer(Phase::serve, number_), cycle + timing::pause);
      return;
    }
    claim();
    event(*failed_, cycle);
    failed_.reset();
    reads_.pop();
    server_ = {};
    return next_read(cycle);
  }
  Source& its = server_;
  if (its.state != Source::State::ask) return;
  const Read& read = reads_.front();
  Segments& s = its.segments;
  const contract::WindowWord place{{read.window}};
  const Grant grant = look_up(place.window(), place.generation(), read.source, false,
                              place.offset() * contract::line_bytes + s.done, s.next(), cycle);
  if (!grant.allowed) {
    s.length = s.done;  // what was not sent; see serve_fate
    its.state = Source::State::drain;
    its.busy = 1;       // denied
    if (!its.in_flight) serve_fate(SendStatus::ok, read.bus, {}, cycle);
    return;
  }
  its.offer.length = s.next();
  its.offer.address = grant.address;
  its.offer.window = s.window();
  its.offer.notify = s.next() == s.left();
  its.state = Source::State::offer;
  wake(cycle);
}

void Node::serve_fate(SendStatus status, unsigned bus, const contract::PacketHeader& header,
                      Cycle cycle) {
  Source& its = server_;
  its.in_flight = false;
  if (status != SendStatus::ok) return read_failed(status, bus, header, cycle);
  if (its.state != Source::State::drain) return;
  if (its.busy == 0) {
    reads_.pop();
    server_ = {};
    return next_read(cycle);
  }
  // This node's own window has ended it.
  const Read& read = reads_.front();
  its.offer.length = (read.request[0] & 0xfffff) - its.segments.done;
  read_failed(SendStatus::denied, read.bus,
              its.offer.header(its.offer.destinations, number_, 0, 0), cycle);
}

void Node::read_failed(SendStatus status, unsigned bus, const contract::PacketHeader& header,
                       Cycle cycle) {
  failed_ = contract::EventEntry{}
                .set_event_type(contract::EventType::read_failed)
                .set_bus(static_cast<contract::BusId>(bus))
                .set_status(status)
                .set_cookie(reads_.front().request[1])
                .set_header_0(header.words[0])
                .set_header_1(header.words[1]);
  server_.state = Source::State::drain;
  core_.agenda().set(Agenda::timer(Phase::serve, number_), cycle + 1);
}

}  // namespace xybus::tlm
