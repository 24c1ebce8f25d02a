/// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace xybus {

/// Simulated time with the unit that fits: "12.5 us", "1.234 ms".
std::string format_time(double seconds);

/// Wall clock time: "0.42 s", "12 s", "3 min 05 s", "2 h 10 min".
std::string format_duration(double seconds);

/// A rate: "950", "212 k", "1.2 M".
std::string format_rate(double per_second);

/// With thin groups of three: "1 234 567".
std::string format_count(std::uint64_t number);

}  // namespace xybus
