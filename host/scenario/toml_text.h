/// Text of TOML tables, with times and frequencies in units.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace xybus {

std::string quoted(std::string_view text);

/// In the largest unit in which it is short, where it has one; else as cycles.
std::string time_text(std::uint64_t cycles, double clock_hz);

/// Reads back as the same.
std::string frequency_text(double hertz);

/// The keys of one table.
class Table {
 public:
  Table(std::string& text, std::string_view heading, double clock_hz)
      : text_(text), clock_hz_(clock_hz) {
    text_ += fmt::format("\n{}\n", heading);
  }

  template <class Number>
  void number(std::string_view key, Number value) {
    text_ += fmt::format("{} = {}\n", key, value);
  }
  void string(std::string_view key, std::string_view value) {
    text_ += fmt::format("{} = {}\n", key, quoted(value));
  }
  void time(std::string_view key, std::uint64_t cycles) {
    text_ += fmt::format("{} = {}\n", key, time_text(cycles, clock_hz_));
  }
  void plain(std::string_view key, std::string_view value) {
    text_ += fmt::format("{} = {}\n", key, value);
  }
  void times(std::string_view key, std::uint64_t least, std::uint64_t most) {
    text_ += fmt::format("{} = [{}, {}]\n", key, time_text(least, clock_hz_),
                         time_text(most, clock_hz_));
  }
  void frequency(std::string_view key, double hertz) {
    text_ += fmt::format("{} = {}\n", key, frequency_text(hertz));
  }
  template <class List, class Item>
  void list(std::string_view key, const List& values, Item item) {
    text_ += fmt::format("{} = [", key);
    const char* separator = "";
    for (const auto& value : values) {
      text_ += separator + item(value);
      separator = ", ";
    }
    text_ += "]\n";
  }

 private:
  std::string& text_;
  double clock_hz_;
};

}  // namespace xybus
