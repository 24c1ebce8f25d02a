// What a packet must be: its words, its number, its bus.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "check/reference/sender.h"
#include "model/tlm/route.h"

namespace xybus::reference {

using contract::PacketHeader;
using contract::PacketKind;

namespace {

using tlm::lowest;

/// Numbers that a multicast keeps from the last of its flows; that two lanes can have mixed up.
constexpr unsigned series_distance = 1024;
constexpr unsigned mixed_up = 4;

}  // namespace

bool Sender::fits(const WirePacket& packet, const tlm::Offer& offer, bool bytes,
                  std::string& why) const {
  const auto words = packet.sent;
  const PacketHeader header = packet_header(words);
  const PacketHeader expected =
      offer.header(header.dst_mask() & offer.destinations, node_, settings_.epoch,
                   header.sequence_number());
  const bool transfer = offer.kind != PacketKind::message;
  if (expected != header || (header.dst_mask() & ~offer.destinations) != 0) {
    why = fmt::format("{} {} -> mask {:#06x}, {} bytes, notify {}, epoch {}",
                      name(static_cast<contract::TrafficClass>(offer.traffic_class)),
                      name(offer.kind), offer.destinations, offer.length, offer.notify ? 1 : 0,
                      settings_.epoch);
    return false;
  }
  if (transfer && words[contract::header_words] != offer.window) {
    why = fmt::format("window word {:#010x}, not {:#010x}", offer.window,
                      words[contract::header_words]);
    return false;
  }
  const auto payload = words.subspan(words_before_payload(offer.kind));
  if (offer.kind == PacketKind::read) {
    if (payload[0] == offer.request[0] && payload[1] == offer.request[1]) return true;
    why = fmt::format("read request {:#010x} {:#010x}, not {:#010x} {:#010x}", offer.request[0],
                      offer.request[1], payload[0], payload[1]);
    return false;
  }
  if (!bytes || offer.length == 0 || offer.address + offer.length > ram_.size()) return true;
  const auto* const sent = reinterpret_cast<const std::byte*>(payload.data());
  if (std::memcmp(sent, &ram_[offer.address], offer.length) == 0) return true;
  const auto [wrong, right] =
      std::mismatch(sent, sent + offer.length, ram_.begin() + offer.address);
  why = fmt::format("byte {} is {:#04x} as at {:#07x} in node RAM, not {:#04x}", wrong - sent,
                    static_cast<unsigned>(*right), offer.address + (wrong - sent),
                    static_cast<unsigned>(*wrong));
  return false;
}

std::string Sender::number_wrong(const PacketHeader& header, Nodes to) {
  const auto c = static_cast<unsigned>(header.traffic_class());
  const auto number = static_cast<std::uint16_t>(header.sequence_number());
  if (std::has_single_bit(to)) {
    const Flow& its = flow(c, lowest(to));
    const auto next = static_cast<std::uint16_t>(its.number + 1);  // the first of all is free
    return !its.known || !its.used || number == next ? "" : fmt::format("sequence {}", next);
  }
  const auto beyond = static_cast<std::uint16_t>(number - series_ + mixed_up);
  if (series_known_ && beyond % series_distance >= 2 * mixed_up) {
    return fmt::format("a sequence of several destinations, {} or a multiple of {} more", series_,
                       series_distance);
  }
  for (Nodes left = to; left != 0; left &= left - 1) {
    const Flow& its = flow(c, lowest(left));
    if (its.used && static_cast<std::uint16_t>(its.number - number) < series_distance) {
      return fmt::format("a sequence not among the {} before {}, the last to CPU {}",
                         series_distance, its.number, lowest(left));
    }
  }
  if (!series_known_ || (beyond >= mixed_up && beyond < 0x8000)) {
    series_ = static_cast<std::uint16_t>(number + 1);
    series_known_ = true;
  }
  return "";
}

// Who cannot be reached by a bus is not tried there.
Nodes Sender::tried_first(const tlm::Job& job, unsigned bus) const {
  const bool forced = job.offer.route != contract::Route::any;
  return forced ? job.left : job.left & ~paths_.on(bus).down;
}

// While paths change it is not known what the choice went by.
std::string Sender::bus_wrong(const WirePacket& packet, const Active& its) const {
  const tlm::Offer& offer = its.job.offer;
  const auto bus = static_cast<unsigned>(packet.bus);
  const unsigned next = std::has_single_bit(offer.destinations)
                            ? its.job.number
                            : flows_[offer.traffic_class][lowest(offer.destinations)].number + 1U;
  const auto may = tlm::routes(offer, paths_.on(0), paths_.on(1), next);
  const bool forced = offer.route != contract::Route::any;
  if (!forced && (paths_.unknown() & offer.destinations) != 0) return "";
  if (forced || paths_.changed() + margin < its.since) {
    if (may.unreachable) return "nothing: all its paths are down";
    if ((may.buses >> bus & 1) == 0) return fmt::format("bus {}", bus == 0 ? 'y' : 'x');
    const Nodes first = tried_first(its.job, bus);
    if (packet_header(packet.sent).dst_mask() == first) return "";
    return fmt::format("mask {:#06x}: to the others this path is down", first);
  }
  if (std::has_single_bit(offer.destinations) &&
      paths_.down_since(bus, lowest(offer.destinations)) < ~Cycle{0} - margin &&
      paths_.down_since(bus, lowest(offer.destinations)) + margin < its.since) {
    return fmt::format("not bus {}: the path is down since cycle {}", bus == 0 ? 'x' : 'y',
                       paths_.down_since(bus, lowest(offer.destinations)));
  }
  return "";
}

}  // namespace xybus::reference
