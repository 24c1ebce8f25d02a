#include "check/flow_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace xybus {

using contract::Answer;
using contract::PacketHeader;

namespace {

template <class Body>
void for_each_node(std::uint32_t set, Body&& body) {
  for (; set != 0; set &= set - 1) body(static_cast<unsigned>(std::countr_zero(set)));
}

}  // namespace

FlowWatch::FlowWatch(std::uint32_t busy_limit)
    : busy_limit_(std::max(busy_limit, 1U)),
      flows_(contract::max_nodes * 2 * contract::max_nodes),
      recent_(contract::max_nodes * 2) {}

void FlowWatch::forgive(unsigned source) {
  forgiven_ |= 1U << source;
  for (std::uint32_t c = 0; c < 2; ++c) {
    const std::size_t its = sender(source, c);
    recent_[its] = {};
    for (unsigned d = 0; d < contract::max_nodes; ++d) {
      flow(its, d) = {};
      flow(its, d).forgotten = true;
    }
  }
}

void FlowWatch::restarted(unsigned source) {
  for (std::uint32_t c = 0; c < 2; ++c) {
    const std::size_t its = sender(source, c);
    recent_[its] = {};
    for (unsigned d = 0; d < contract::max_nodes; ++d) flow(its, d) = {};
  }
}

// All but the destinations, and the CRC over them.
bool FlowWatch::same(const Job& job, const PacketHeader& header,
                     std::span<const std::uint32_t> words) {
  if (job.size != words.size() || job.sequence != header.sequence_number()) return false;
  PacketHeader first = packet_header(job.words);
  first.set_dst_mask(header.dst_mask());
  const std::size_t body = words.size() - contract::crc_words;
  return first == header &&
         std::memcmp(&words[contract::header_words], &job.words[contract::header_words],
                     (body - contract::header_words) * contract::word_bytes) == 0;
}

/// The packet that this one repeats, or goes on with to other destinations.
std::shared_ptr<FlowWatch::Job> FlowWatch::earlier(std::size_t its_sender,
                                                   const WirePacket& packet,
                                                   const PacketHeader& header) {
  std::shared_ptr<Job> found;
  for_each_node(header.dst_mask(), [&](unsigned d) {
    const auto& job = flow(its_sender, d).job;
    if (job && same(*job, header, packet.sent)) found = job;
  });
  if (found) return found;
  for (const auto& job : recent_[its_sender].jobs) {
    if (job && same(*job, header, packet.sent)) return job;
  }
  return nullptr;
}

std::shared_ptr<FlowWatch::Job> FlowWatch::begin(std::size_t its_sender, const WirePacket& packet,
                                                 const PacketHeader& header, bool any_number) {
  const auto first = static_cast<unsigned>(std::countr_zero(header.dst_mask()));
  const bool unseen = flow(its_sender, first).forgotten;
  auto job = std::move(flow(its_sender, first).job);
  if (job.use_count() != 1) job = std::make_shared<Job>();  // else nobody else looks at the old one
  job->sequence = header.sequence_number();
  job->epoch = header.epoch();
  job->busy = 0;
  job->unseen = unseen;
  job->multicast = !std::has_single_bit(header.dst_mask());
  job->accepted = false;
  job->size = packet.sent.size();
  std::memcpy(job->words.data(), packet.sent.data(), packet.sent.size_bytes());
  if (job->multicast || any_number) {
    Recent& recent = recent_[its_sender];
    recent.jobs[recent.next] = job;
    recent.next = (recent.next + 1) % recent.jobs.size();
  }
  return job;
}

FlowWatch::Place FlowWatch::observe(const WirePacket& packet, PathWatch& paths,
                                    const Complain& complain) {
  const PacketHeader header = packet_header(packet.sent);
  const std::size_t its_sender =
      sender(packet.source, static_cast<std::uint32_t>(header.traffic_class()));
  auto job = earlier(its_sender, packet, header);
  Place place;
  // With trouble on a path the first destination alone of several may be asked, and a number may
  // have been used for one that nobody tried to reach.
  const bool any_number = !paths.all_up(packet.source) || (forgiven_ >> packet.source & 1) != 0;
  const bool counts_up = !job && std::has_single_bit(header.dst_mask()) && !any_number;
  for_each_node(header.dst_mask(), [&](unsigned d) {
    const Flow& its = flow(its_sender, d);
    place.retry = place.retry || (job && its.job == job);
    if (its.job) check(its, job.get(), packet, header, counts_up, complain);
  });
  if (!job) {
    job = begin(its_sender, packet, header, any_number);
  } else if (!place.retry) {
    job->multicast = true;
  }

  if ((packet.answers.busy & header.dst_mask()) != 0) ++job->busy;
  place.accepted = packet.answers.accepted & header.dst_mask();
  place.first_accepted = place.accepted != 0 && !job->accepted;
  job->accepted = job->accepted || place.accepted != 0;
  for_each_node(header.dst_mask(),
                [&](unsigned d) { settle(packet, header, d, job, paths); });
  return place;
}

void FlowWatch::check(const Flow& its, const Job* job, const WirePacket& packet,
                      const PacketHeader& header, bool counts_up,
                      const Complain& complain) const {
  const Job& last = *its.job;
  if (packet.start_cycle <= its.answer_cycle) {
    complain(fmt::format(
        "sent before the flow's packet before it, sequence {}, was answered at cycle {}",
        last.sequence, its.answer_cycle));
  }
  if (last.epoch != header.epoch()) return;  // the sender has been started anew
  const std::uint32_t sequence = header.sequence_number();
  if (its.job.get() == job) {
    if (its.open) return;
    complain(its.refused ? "sent again after it was refused"
                         : "sent again, or its number used again, after it was accepted");
    return;
  }
  const bool given_again = its.not_taken && sequence == last.sequence;
  const std::uint32_t next = (last.sequence + 1) & 0xffff;
  if (sequence == last.sequence && !given_again) {
    complain(its.open ? "repeated with other contents than at first"
                      : "sent again, or its number used again, after it was accepted");
  } else if (counts_up && !last.multicast && !given_again && sequence != next) {
    complain(fmt::format("expected sequence {}, actual {}", next, sequence));
  } else if (its.open && !its.given_up && (forgiven_ >> packet.source & 1) == 0) {
    complain(fmt::format("sent although sequence {} before it was neither accepted nor given up",
                         last.sequence));
  }
}

void FlowWatch::settle(const WirePacket& packet, const PacketHeader& header, unsigned destination,
                       const std::shared_ptr<Job>& job, PathWatch& paths) {
  const std::size_t its_sender =
      sender(packet.source, static_cast<std::uint32_t>(header.traffic_class()));
  Flow& its = flow(its_sender, destination);
  if (its.job != job) its = {.job = job, .answer_cycle = its.answer_cycle};
  const Answer answer = packet.answers.of(destination);
  its.refused = answer == Answer::refused;
  its.open = answer != Answer::accepted && !its.refused;
  its.answer_cycle = std::max(its.answer_cycle, packet.answer_cycle);
  paths.attempt(packet.bus, packet.source, destination, answer, packet.answer_cycle,
                packet.probe);
  if (its.refused && !has_window(header.kind())) {
    paths.denied(packet.source, destination, packet.answer_cycle);
  }
  // A read makes way for what else its sender has for that node, and is asked for anew later.
  const bool last_try = job->busy >= busy_limit_ || job->unseen ||
                        header.kind() == contract::PacketKind::read;
  if (answer == Answer::busy && last_try) {
    its.given_up = its.not_taken = true;
  }
  its.unsure = its.unsure || answer == Answer::none;
  // A packet by a fixed route does not try the other bus.
  if (packet.probe && paths.may_be_down(packet.bus, packet.source, destination)) {
    its.given_up = true;
    its.not_taken = !its.unsure;
  }
  if (!paths.both_may_be_down(packet.source, destination)) return;
  for (std::uint32_t c = 0; c < 2; ++c) {
    Flow& lost = flow(sender(packet.source, c), destination);
    lost.given_up = true;
    // What was always answered has not arrived.
    if (lost.open) lost.not_taken = !lost.unsure;
  }
}

}  // namespace xybus
