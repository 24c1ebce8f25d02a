#include "rtl/bench/transfers.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "rtl/bench/fabric_bench.h"

namespace xybus::bench {
namespace {

using contract::EventEntry;
using contract::EventType;
using contract::PacketKind;
using contract::SendStatus;
using contract::TrafficClass;
using contract::WindowWord;

// From acceptance to RAM: a full delivery queue and a bit.
constexpr std::uint64_t settling = 400;
// As long as a stray packet of a failed transfer may take, when nobody is busy.
constexpr std::uint64_t quarantine = 4000;

WindowWord word(std::uint32_t value) {
  WindowWord result;
  result.words[0] = value;
  return result;
}

}  // namespace

Transfers::Transfers(FabricBench& bench, const TransferSetup& setup, std::uint64_t seed)
    : bench_(bench), setup_(setup), random_(seed + 77), left_(bench.nodes(), setup.count),
      leased_(bench.nodes()), generation_(bench.nodes()) {
  bench_.attach(this);
}

Transfers::~Transfers() { bench_.attach(nullptr); }

bool Transfers::all_begun() const {
  return std::all_of(left_.begin(), left_.end(), [](unsigned left) { return left == 0; });
}

void Transfers::step() {
  for (unsigned node = 0; node < bench_.nodes(); ++node) {
    if (left_[node] != 0 && random_.once_in(setup_.odds) && begin(node)) --left_[node];
  }
  for (auto transfer = transfers_.begin(); transfer != transfers_.end();) {
    transfer = advance(*transfer) ? transfers_.erase(transfer) : transfer + 1;
  }
}

Transfers::Place Transfers::lease(unsigned node, unsigned bytes) {
  Place place;
  place.node = node;
  place.chunk = random_.below(32);
  while (leased_[node][place.chunk]) place.chunk = (place.chunk + 1) % 32;
  leased_[node][place.chunk] = true;
  place.generation = ++generation_[node][place.chunk];
  const unsigned spare = (chunk_bytes - bytes) / 16;
  const unsigned before = random_.below(spare + 1);
  place.offset = random_.below(before + 1);
  place.base = ram_map::windows + chunk_bytes * place.chunk + 16 * (before - place.offset);
  return place;
}

bool Transfers::begin(unsigned node) {
  const unsigned peer = random_.below(bench_.nodes());
  for (const unsigned end : {node, peer}) {
    if (!bench_.cpu(end).started()) return false;
    if (std::count(leased_[end].begin(), leased_[end].end(), false) < 2) return false;
  }
  Transfer transfer;
  transfer.id = next_id_++ & 0xffff;
  transfer.read = random_.once_in(2);
  transfer.notify = transfer.read || !random_.once_in(3);
  transfer.source = node;
  // Often a length at an edge: of a line, of a packet.
  unsigned length = 1 + random_.below(setup_.most_bytes);
  if (random_.once_in(3)) length = std::max(1U, length / 256 * 256);
  if (random_.once_in(4)) length = std::min(setup_.most_bytes, length / 16 * 16 + 1);
  for (unsigned i = 0; i < length; ++i) {
    transfer.data.push_back(static_cast<std::uint8_t>(random_.word()));
  }
  const Place here = lease(node, length), there = lease(peer, length);
  transfer.from = transfer.read ? there : here;
  transfer.to = transfer.read ? here : there;
  bench_.cpu(transfer.from.node).shadow().store(transfer.from.address(), transfer.data);
  transfers_.push_back(std::move(transfer));
  post_windows(transfers_.back());
  return true;
}

void Transfers::post_windows(Transfer& transfer) {
  const auto length = [&](const Place& place) {
    const std::uint32_t chunk = ram_map::windows + chunk_bytes * place.chunk;
    const auto least = static_cast<std::uint32_t>(16 * place.offset + transfer.data.size());
    return least + random_.below(chunk + chunk_bytes - place.base - least + 1);
  };
  const auto posted = [this, id = transfer.id] {
    if (Transfer* const found = find(id)) --found->waits;
  };
  const unsigned sender = transfer.from.node, taker = transfer.to.node;
  ++transfer.waits;
  bench_.cpu(taker).post_window(transfer.to.chunk,
                                {transfer.to.base, length(transfer.to), random_.once_in(2), true,
                                 sender, transfer.to.generation},
                                posted);
  if (!transfer.read) return;
  ++transfer.waits;
  bench_.cpu(sender).post_window(transfer.from.chunk,
                                 {transfer.from.base, length(transfer.from), true,
                                  random_.once_in(2), taker, transfer.from.generation},
                                 posted);
}

void Transfers::close_windows(Transfer& transfer) {
  for (const Place& place : {transfer.from, transfer.to}) {
    if (bench_.cpu(place.node).started()) bench_.cpu(place.node).close_window(place.chunk);
  }
}

void Transfers::post(Transfer& transfer) {
  const Place& far = transfer.read ? transfer.from : transfer.to;
  contract::SendDescriptor descriptor;
  descriptor.set_dst_mask(1U << far.node)
      .set_kind(transfer.read ? PacketKind::read : PacketKind::write)
      .set_window(far.chunk)
      .set_generation(far.generation)
      .set_length(static_cast<std::uint32_t>(transfer.data.size()))
      .set_notify(!transfer.read && transfer.notify)
      .set_cookie(transfer.id | far.offset << 16);
  if (transfer.read) {
    descriptor.set_address(16 * transfer.to.offset).set_own_window(transfer.to.chunk);
  } else {
    descriptor.set_address(transfer.from.address());
  }
  bench_.cpu(transfer.source).post(descriptor, TrafficClass::data);
}

bool Transfers::advance(Transfer& transfer) {
  switch (transfer.state) {
    case State::posting:
      if (transfer.waits != 0) return false;
      transfer.state = State::ready;
      [[fallthrough]];
    case State::ready:
      if (!bench_.cpu(transfer.source).can_post(TrafficClass::data)) return false;
      transfer.state = State::flying;
      post(transfer);
      return false;
    case State::flying:
      if (!transfer.reported || (transfer.notify && !transfer.landed)) return false;
      if (transfer.landed && !transfer.read) {
        release(transfer);
        ++done_;
        return true;
      }
      // The server of a read may not have heard yet that all has arrived, and reads it again.
      transfer.state = State::settling;
      transfer.until = bench_.cycle() + (transfer.read ? quarantine : settling);
      return false;
    case State::settling:
      if (bench_.cycle() < transfer.until) return false;
      if (!transfer.landed) land(transfer);
      release(transfer);
      ++done_;
      return true;
    case State::quarantined:
      if (bench_.cycle() < transfer.until) return false;
      close_windows(transfer);
      transfer.state = State::closing;
      transfer.until = bench_.cycle() + settling;
      return false;
    case State::closing:
      if (bench_.cycle() < transfer.until) return false;
      bench_.cpu(transfer.to.node).shadow().accept_part(transfer.to.address(), transfer.data);
      release(transfer);
      if (!transfer.reported) unreported_.insert(transfer.id);
      ++failed_;
      return true;
  }
  return true;
}

void Transfers::land(Transfer& transfer) {
  RamShadow& shadow = bench_.cpu(transfer.to.node).shadow();
  const auto there = shadow.at(transfer.to.address(), transfer.data.size());
  if (!std::equal(there.begin(), there.end(), transfer.data.begin())) {
    wrong(transfer, "its bytes are not there");
  }
  shadow.expect(transfer.to.address(), transfer.data);
  transfer.landed = true;
}

void Transfers::release(const Transfer& transfer) {
  leased_[transfer.from.node][transfer.from.chunk] = false;
  leased_[transfer.to.node][transfer.to.chunk] = false;
}

void Transfers::fail(Transfer& transfer, std::uint64_t patience) {
  if (!setup_.may_fail) wrong(transfer, "it failed");
  if (transfer.failed) return;
  transfer.failed = true;
  // Its windows may be gone already.
  for (const Place& place : {transfer.from, transfer.to}) {
    closed_.insert({place.node, place.chunk, place.generation});
  }
  transfer.state = State::quarantined;
  transfer.until = bench_.cycle() + patience;
}

void Transfers::event(unsigned node, const EventEntry& event) {
  const WindowWord place = word(event.cookie());
  switch (event.event_type()) {
    case EventType::sent: sent(node, event); return;
    case EventType::stored: stored(node, event); return;
    case EventType::violation:
      if (closed_.count({node, place.window(), place.generation()}) == 0) {
        throw std::runtime_error(fmt::format("node {}: violation of window {}, generation {}",
                                             node, place.window(), place.generation()));
      }
      return;
    case EventType::read_failed:
      for (Transfer& transfer : transfers_) {
        if (transfer.read && transfer.from.node == node &&
            transfer.to.chunk == place.window() && transfer.to.generation == place.generation()) {
          fail(transfer, quarantine);
        }
      }
      return;
    default: throw std::runtime_error(fmt::format("node {}: no event of a transfer", node));
  }
}

void Transfers::sent(unsigned node, const EventEntry& event) {
  Transfer* const transfer = find(event.cookie() & 0xffff);
  if (transfer == nullptr) {
    if (unreported_.erase(event.cookie() & 0xffff) != 0) return;
    throw std::runtime_error(
        fmt::format("node {}: sent event {:#x} of no transfer", node, event.cookie()));
  }
  if (transfer->source != node) wrong(*transfer, "reported by another node");
  if (transfer->reported) wrong(*transfer, "reported twice");
  transfer->reported = true;
  if ((event.status() == SendStatus::ok) != (event.missed() == 0)) {
    wrong(*transfer, "the status does not fit the destination it missed");
  }
  if (event.status() == SendStatus::ok) return;
  // A failed read may find its own window closed when its turn comes.
  if (event.status() == SendStatus::refused && !transfer->failed) {
    wrong(*transfer, "refused by its own engine");
  }
  fail(*transfer, quarantine);
}

void Transfers::stored(unsigned node, const EventEntry& event) {
  const WindowWord place = word(event.cookie());
  Transfer* const transfer = find_to(node, place);
  if (transfer == nullptr) {
    if (closed_.count({node, place.window(), place.generation()}) != 0) return;
    throw std::runtime_error(fmt::format("node {}: stored event of no transfer: window {}", node,
                                         place.window()));
  }
  if (!transfer->notify) wrong(*transfer, "stored event that nobody asked for");
  if (transfer->landed) wrong(*transfer, "stored twice");
  const auto last = static_cast<unsigned>(transfer->data.size() - 1);
  contract::PacketHeader header;
  header.words = {event.header_0(), event.header_1()};
  if (place.offset() != transfer->to.offset + 16 * (last / 256) ||
      header.length() != last % 256 + 1 || header.source() != transfer->from.node ||
      header.kind() != PacketKind::write || header.notify() == 0) {
    wrong(*transfer, "stored event of another packet");
  }
  land(*transfer);
}

void Transfers::restarted(unsigned node) {
  for (Transfer& transfer : transfers_) {
    if (transfer.from.node != node && transfer.to.node != node) continue;
    if (transfer.state == State::quarantined || transfer.state == State::closing) continue;
    fail(transfer, quarantine);
  }
}

Transfers::Transfer* Transfers::find(std::uint32_t id) {
  const auto found = std::find_if(transfers_.begin(), transfers_.end(),
                                  [id](const Transfer& transfer) { return transfer.id == id; });
  return found == transfers_.end() ? nullptr : &*found;
}

Transfers::Transfer* Transfers::find_to(unsigned node, const WindowWord& place) {
  const auto found =
      std::find_if(transfers_.begin(), transfers_.end(), [&](const Transfer& transfer) {
        return transfer.to.node == node && transfer.to.chunk == place.window() &&
               transfer.to.generation == place.generation();
      });
  return found == transfers_.end() ? nullptr : &*found;
}

void Transfers::wrong(const Transfer& transfer, const char* what) const {
  throw std::runtime_error(fmt::format(
      "transfer {} ({} by node {}, from node {} {:#x} to node {} {:#x}, {} bytes): {}",
      transfer.id, transfer.read ? "read" : "write", transfer.source, transfer.from.node,
      transfer.from.address(), transfer.to.node, transfer.to.address(), transfer.data.size(),
      what));
}

}  // namespace xybus::bench
