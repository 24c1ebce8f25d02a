#include "firmware/program/startup.h"

#include <algorithm>
#include <string_view>

namespace xybus {
namespace {

void put(std::vector<std::byte>& to, std::string_view text, std::size_t bytes) {
  const std::size_t at = to.size();
  to.resize(at + bytes);
  std::ranges::transform(text, to.begin() + static_cast<std::ptrdiff_t>(at),
                         [](char c) { return static_cast<std::byte>(c); });
}

/// Up to the first zero.
std::string take(std::span<const std::byte>& from, std::size_t bytes) {
  const auto front = from.first(bytes);
  from = from.subspan(bytes);
  const auto end = std::ranges::find(front, std::byte{0});
  std::string text;
  for (auto at = front.begin(); at != end; ++at) text += static_cast<char>(*at);
  return text;
}

}  // namespace

std::optional<std::vector<std::byte>> Startup::save() const {
  if (defaults.size() > defaults_bytes || in.size() > file_bytes || out.size() > file_bytes ||
      parameters.size() > most_parameters) {
    return {};
  }
  std::vector<std::byte> bytes;
  put(bytes, defaults, defaults_bytes);
  put(bytes, in, file_bytes);
  put(bytes, out, file_bytes);
  put(bytes, parameters, parameters.size());
  return bytes;
}

std::optional<Startup> Startup::load(std::span<const std::byte> from) {
  if (from.size() < defaults_bytes + 2 * file_bytes) return {};
  Startup startup;
  startup.defaults = take(from, defaults_bytes);
  startup.in = take(from, file_bytes);
  startup.out = take(from, file_bytes);
  startup.parameters = take(from, from.size());
  return startup;
}

}  // namespace xybus
