#include "campaign/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "scenario/quantity.h"

namespace xybus {

namespace {

[[noreturn]] void malformed(std::string_view text, const std::string& what) {
  throw std::invalid_argument(fmt::format(
      "--sweep {}: {}; expected KEY=A,B,C or KEY=FIRST..LAST (whole numbers) or "
      "KEY=FIRST..LAST/N (whole numbers or times), such as fault.0.at=4ms..34ms/200",
      text, what));
}

std::vector<std::string> list(std::string_view text) {
  std::vector<std::string> values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    values.emplace_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return values;
}

/// Every whole number from one to the other.
std::vector<std::string> numbers(std::string_view all, std::string_view first,
                                 std::string_view last) {
  const auto from = parse_count(first);
  const auto to = parse_count(last);
  if (!from || !to) malformed(all, "no whole numbers on both sides of ..");
  if (*from > *to) malformed(all, "the last comes before the first");
  if (*to - *from >= most_sweep_values) malformed(all, "too many values");
  std::vector<std::string> values;
  for (std::uint64_t value = *from; value <= *to; ++value) values.push_back(fmt::to_string(value));
  return values;
}

/// `count` of them, at equal distances; times to the nanosecond.
std::vector<std::string> steps(std::string_view all, std::string_view first, std::string_view last,
                               std::string_view count) {
  const auto n = parse_count(count);
  if (!n || *n < 2 || *n > most_sweep_values) malformed(all, "no number from 2 to 100000 behind /");
  const auto value = [&](auto from, auto to, std::uint64_t i) {
    return double(from) + (double(to) - double(from)) * double(i) / double(*n - 1);
  };
  std::vector<std::string> values;
  const auto numbers_from = parse_count(first), numbers_to = parse_count(last);
  const auto times_from = parse_time(first), times_to = parse_time(last);
  if (numbers_from && numbers_to && *numbers_from < *numbers_to) {
    for (std::uint64_t i = 0; i < *n; ++i)
      values.push_back(fmt::format("{:.0f}", value(*numbers_from, *numbers_to, i)));
  } else if (times_from && times_to && *times_from < *times_to) {
    for (std::uint64_t i = 0; i < *n; ++i)
      values.push_back(fmt::format("{:.0f}ns", 1e9 * value(*times_from, *times_to, i)));
  } else {
    malformed(all,
              "no two whole numbers, or times, of which the first is less, on both sides of ..");
  }
  if (std::ranges::adjacent_find(values) != values.end())
    malformed(all, "some of so many values would be the same");
  return values;
}

}  // namespace

Sweep parse_sweep(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size())
    malformed(text, "no key and values");
  Sweep sweep{std::string(text.substr(0, equals)), {}};
  if (sweep.key == "run.seed") malformed(text, "seeds are given by --seeds");
  const std::string_view values = text.substr(equals + 1);
  const std::size_t dots = values.find("..");
  if (dots == std::string_view::npos) {
    sweep.values = list(values);
    return sweep;
  }
  const std::string_view first = values.substr(0, dots);
  const std::string_view rest = values.substr(dots + 2);
  const std::size_t slash = rest.find('/');
  sweep.values = slash == std::string_view::npos
                     ? numbers(text, first, rest)
                     : steps(text, first, rest.substr(0, slash), rest.substr(slash + 1));
  return sweep;
}

std::vector<std::vector<std::string>> combinations(const std::vector<Sweep>& sweeps) {
  std::vector<std::vector<std::string>> all(1);
  for (const Sweep& sweep : sweeps) {
    if (std::ranges::count(sweeps, sweep.key, &Sweep::key) > 1)
      throw std::invalid_argument(
          fmt::format("--sweep {}: swept twice; expected all its values in one sweep", sweep.key));
    if (all.size() * sweep.values.size() > most_sweep_values)
      throw std::invalid_argument(
          fmt::format("--sweep {}: more than {} combinations; expected fewer values", sweep.key,
                      most_sweep_values));
    std::vector<std::vector<std::string>> more;
    for (const auto& one : all) {
      for (const std::string& value : sweep.values) {
        more.push_back(one);
        more.back().push_back(sweep.key + '=' + value);
      }
    }
    all = std::move(more);
  }
  return all;
}

}  // namespace xybus
