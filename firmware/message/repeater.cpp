#include "firmware/message/repeater.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>

#include "firmware/message/wire.h"

namespace xybus {

using contract::LinkHeader;
using contract::LinkOperation;
using contract::SendStatus;

namespace {

constexpr std::uint64_t first_pause = 500;

// A CPU that is busy is not gone: others would get all of its time, if this one waited longer.
constexpr std::uint64_t longest_busy_pause = 4'000;

// Times in a row that a CPU was too busy for all packets to it, before link packets among them are
// given up: after some 60,000 cycles, so that a crowd of requestors is no reason. Their requestors
// can decide, and for certain nothing was delivered.
constexpr unsigned give_up_rounds = 12;

}  // namespace

void Repeater::begin(unsigned cpu, unsigned epoch) {
  Peer& peer = peers_[cpu];
  if (peer.known && peer.epoch == epoch) return;
  forget(cpu);
  peer.known = true;
  peer.epoch = static_cast<std::uint8_t>(epoch);
}

/// What the engine still has ends somehow, and is not found then.
void Repeater::forget(unsigned cpu) {
  Peer& peer = peers_[cpu];
  dispatcher_.cancel(peer.timer);
  peer.sequence.each_waiting([this](SendSequence::Packet& packet) {
    port_.release(packet.buffer);
    return true;
  });
  peer = {};
}

// ---- Posting ------------------------------------------------------------------------------------

bool Repeater::may_post(unsigned cpu) const {
  const Peer& peer = peers_[cpu];
  const SendSequence& sequence = peer.sequence;
  if (!peer.known || sequence.full() || sequence.waiting() != 0 || peer.pause != 0) return false;
  return sequence.size() == 0 || port_.free_buffers() >= environment_.cpus();
}

void Repeater::number(unsigned cpu, LinkHeader& header) const {
  header.set_sequence_number(peers_[cpu].sequence.next()).set_to_epoch(peers_[cpu].epoch);
}

void Repeater::post(unsigned cpu, const PacketBuffer& buffer, std::uint32_t length,
                    std::uint32_t cookie, LinkOperation operation) {
  peers_[cpu].sequence.add(buffer, length, cookie, operation);
  port_.post(buffer, cpu, length, cookie);
}

void Repeater::post_again(unsigned cpu, SendSequence::Packet& packet) {
  ++repeats_;
  peers_[cpu].sequence.posted_again(packet);
  port_.post(packet.buffer, cpu, packet.length, packet.cookie);
}

// ---- The fate of packets ------------------------------------------------------------------------

Repeater::Fate Repeater::sent(const SentPacket& packet) {
  const unsigned cpu = packet.destination;
  Peer& peer = peers_[cpu];
  const auto number = load<LinkHeader>(packet.payload).sequence_number();
  auto* its = peer.sequence.find(static_cast<std::uint8_t>(number), packet.buffer);
  if (packet.status == SendStatus::refused) {
    throw std::logic_error("the engine refused a send descriptor");
  }
  if (its == nullptr) return Fate::gone;
  if (packet.status == SendStatus::ok) {
    peer.sequence.accepted(*its);
    if (peer.pause != 0 || peer.sequence.waiting() != 0) go_on(cpu);
    return Fate::accepted;
  }
  // `denied` is for transfers only: a false answer, and nobody knows what arrived.
  fail(cpu, *its, packet.status != SendStatus::busy);
  return Fate::repeats;
}

void Repeater::fail(unsigned cpu, SendSequence::Packet& packet, bool unsure) {
  Peer& peer = peers_[cpu];
  peer.sequence.failed(packet, unsure);
  peer.unreachable |= unsure;
  const bool link = packet.operation == LinkOperation::link && !packet.unsure;
  if (link && !client_.link_wanted({packet.cookie})) skip(packet);
  if (peer.sequence.posted() == 0) start_pause(cpu);
}

void Repeater::start_pause(unsigned cpu) {
  Peer& peer = peers_[cpu];
  peer.busy_rounds = peer.unreachable ? 0 : peer.busy_rounds + 1;
  if (peer.busy_rounds >= give_up_rounds) give_up_links(peer);
  peer.pause = peer.pause == 0 ? first_pause : 2 * peer.pause;
  peer.pause = std::min(peer.pause, peer.unreachable ? longest_pause_ : longest_busy_pause);
  peer.timer = dispatcher_.after(peer.pause, [this, cpu] { end_pause(cpu); });
}

/// One packet is enough to see whether that CPU takes any.
void Repeater::end_pause(unsigned cpu) {
  Peer& peer = peers_[cpu];
  peer.timer = {};
  if (peer.unreachable) port_.raise_if_both_down(cpu);
  peer.unreachable = false;
  peer.sequence.each_waiting([&](SendSequence::Packet& packet) {
    post_again(cpu, packet);
    return false;
  });
  port_.ring_doorbells();
}

void Repeater::go_on(unsigned cpu) {
  Peer& peer = peers_[cpu];
  dispatcher_.cancel(peer.timer);
  peer.timer = {};
  peer.pause = 0;
  peer.busy_rounds = 0;
  peer.unreachable = false;
  peer.sequence.each_waiting([&](SendSequence::Packet& packet) {
    post_again(cpu, packet);
    return true;
  });
}

// ---- Links that were not delivered --------------------------------------------------------------

void Repeater::give_up_links(Peer& peer) {
  peer.sequence.each_waiting([this](SendSequence::Packet& packet) {
    if (packet.operation != LinkOperation::link || packet.unsure) return true;
    const LinkId link{packet.cookie};
    skip(packet);
    client_.link_given_up(link);
    return true;
  });
}

bool Repeater::withdraw_link(unsigned cpu, LinkId link) {
  bool withdrawn = false;
  peers_[cpu].sequence.each_waiting([&](SendSequence::Packet& packet) {
    const bool it = packet.operation == LinkOperation::link && packet.cookie == link.value;
    if (!it) return true;
    withdrawn = !packet.unsure;
    if (withdrawn) skip(packet);
    return false;
  });
  return withdrawn;
}

/// Numbers behind it wait for its own.
void Repeater::skip(SendSequence::Packet& packet) {
  const auto link = load<LinkHeader>(packet.buffer.bytes);
  LinkHeader skipped;
  skipped.set_operation(LinkOperation::skipped)
      .set_sequence_number(link.sequence_number())
      .set_to_epoch(link.to_epoch());
  store(skipped, packet.buffer.bytes);
  packet.operation = LinkOperation::skipped;
  packet.length = link_header_bytes;
  packet.cookie = 0;
}

}  // namespace xybus
