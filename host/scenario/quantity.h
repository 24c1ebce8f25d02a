/// Numbers with a unit, as scenarios and the command line write them: "100 MHz", "12.5 us".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace xybus {

/// A time in seconds: a decimal number and ns, us, ms or s, with or without a space between.
/// Nothing when it is anything else, or negative.
std::optional<double> parse_time(std::string_view text);

/// A frequency in hertz: a decimal number and Hz, kHz, MHz or GHz.
std::optional<double> parse_frequency(std::string_view text);

/// The whole number of cycles nearest to a time; nothing when it does not fit 63 bits.
std::optional<std::uint64_t> to_cycles(double seconds, double clock_hz);

/// A decimal number without a sign, and nothing around it.
std::optional<std::uint64_t> parse_count(std::string_view text);

}  // namespace xybus
