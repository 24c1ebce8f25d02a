#include "scenario/toml_text.h"

#include <cstddef>

#include "scenario/quantity.h"

namespace xybus {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += fmt::format("\\{}", c);
    } else if (code < 0x20 || code == 0x7f) {
      result += fmt::format("\\u{:04x}", code);
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string time_text(std::uint64_t cycles, double clock_hz) {
  struct Unit {
    const char* name;
    double per_second;
  };
  constexpr std::size_t most_digits = 7;
  for (const Unit unit : {Unit{"ms", 1e3}, Unit{"us", 1e6}, Unit{"ns", 1e9}}) {
    const double value = double(cycles) / clock_hz * unit.per_second;
    if (value < 1 && cycles != 0) continue;
    const std::string digits = fmt::format("{:g}", value);
    if (digits.size() > most_digits || digits.find('e') != std::string::npos) continue;
    const std::string text = fmt::format("{} {}", digits, unit.name);
    const auto seconds = parse_time(text);
    if (seconds && to_cycles(*seconds, clock_hz) == cycles) return quoted(text);
  }
  return quoted(fmt::format("{} cycles", cycles));
}

std::string frequency_text(double hertz) {
  const std::string text = fmt::format("{} MHz", hertz / 1e6);
  if (parse_frequency(text) == hertz) return quoted(text);
  return quoted(fmt::format("{:f} Hz", hertz));
}

}  // namespace xybus
