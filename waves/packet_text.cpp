#include "packet_text.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "contract/contract.h"

namespace xybus {
namespace {

// GTKWave keeps the number when it gets an empty line.
const std::string nothing = " ";

std::optional<std::uint64_t> number(std::string_view hex) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
  if (error != std::errc{} || end != hex.data() + hex.size()) return {};
  return value;
}

std::string destinations(std::uint32_t mask) {
  std::string text;
  for (unsigned node = 0; node < contract::max_nodes; ++node) {
    if ((mask >> node & 1) == 0) continue;
    text += (text.empty() ? "" : ",") + std::to_string(node);
  }
  return text.empty() ? "nobody" : text;
}

}  // namespace

std::string packet_text(std::string_view hex) {
  const auto value = number(hex);
  if (!value || *value == 0) return nothing;
  const contract::PacketHeader header{
      {static_cast<std::uint32_t>(*value), static_cast<std::uint32_t>(*value >> 32)}};
  const std::string text = std::to_string(header.source()) + ">" +
                           destinations(header.dst_mask()) + " #" +
                           std::to_string(header.sequence_number()) + " " +
                           name(header.traffic_class()) + ", " + std::to_string(header.length()) +
                           " bytes, ";
  const std::string kind = std::string(name(header.kind())) + (header.notify() ? ", last" : "");
  if (kind[0] != '?') return text + kind;
  return "?red?" + text + "kind " + std::to_string(static_cast<unsigned>(header.kind()));
}

std::string answer_text(std::string_view hex) {
  enum Outcome { none, accepted, busy, corrupt, silence, refused };  // as in rtl/sim/bus_probe.sv
  switch (number(hex).value_or(none)) {
    case accepted: return "accepted";
    case busy: return "?orange?busy";
    case corrupt: return "?red?corrupt";
    case silence: return "?purple?silence";
    case refused: return "?red?refused";
    default: return nothing;
  }
}

}  // namespace xybus
