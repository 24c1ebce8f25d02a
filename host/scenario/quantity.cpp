#include "scenario/quantity.h"

#include <charconv>
#include <cmath>
#include <span>

namespace xybus {
namespace {

struct Unit {
  std::string_view name;
  double scale;
};

std::optional<double> parse(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number,
                                            std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number) || std::signbit(number)) return {};
  std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  for (const Unit& unit : units)
    if (rest == unit.name) return number * unit.scale;
  return {};
}

constexpr Unit times[] = {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};
constexpr Unit frequencies[] = {{"Hz", 1}, {"kHz", 1e3}, {"MHz", 1e6}, {"GHz", 1e9}};

}  // namespace

std::optional<double> parse_time(std::string_view text) { return parse(text, times); }

std::optional<double> parse_frequency(std::string_view text) { return parse(text, frequencies); }

std::optional<std::uint64_t> to_cycles(double seconds, double clock_hz) {
  const double cycles = std::nearbyint(seconds * clock_hz);
  if (!(cycles >= 0 && cycles < 0x1p63)) return {};
  return static_cast<std::uint64_t>(cycles);
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc{} || end != last) return {};
  return number;
}

}  // namespace xybus
