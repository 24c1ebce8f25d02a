#include "report/throughput.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/format.h"

namespace xybus {

namespace {

constexpr std::size_t bar_width = 30;
constexpr std::size_t most_lines = 8;  // of marks in one period

std::vector<std::string> texts_between(const std::vector<RunMark>& marks, std::uint64_t from,
                                       std::uint64_t to) {
  std::vector<std::string> texts;
  for (const RunMark& mark : marks) {
    if (mark.cycle >= from && mark.cycle < to) texts.push_back(mark.text);
  }
  if (texts.size() > most_lines) {
    const std::size_t left = texts.size() - (most_lines - 1);
    texts.resize(most_lines - 1);
    texts.push_back(fmt::format("and {} more", left));
  }
  return texts;
}

std::string line(const std::string& from, const std::string& rate, const std::string& bar,
                 const std::string& wait, const std::string& mark) {
  std::string text = fmt::format("{:>12}{:>10}  {:<{}}{:>12}  {}", from, rate, bar, bar_width, wait,
                                 mark);
  text.erase(text.find_last_not_of(' ') + 1);
  return text + '\n';
}

}  // namespace

double per_second(std::uint64_t operations, std::uint64_t cycles, double clock_hz) {
  return cycles == 0 ? 0 : double(operations) * clock_hz / double(cycles);
}

std::string throughput_line(const ThroughputResult& result, std::uint64_t cycles,
                            double clock_hz) {
  const auto time = [&](std::uint64_t its) { return format_time(double(its) / clock_hz); };
  const LatencyResult& wait = result.wait;
  std::string text = fmt::format("{} {}/s", format_rate(per_second(wait.samples, cycles, clock_hz)),
                                 result.what);
  if (wait.samples == 0) return text;
  return text + fmt::format("; waits: min {}, median {}, 99 % {}, max {}", time(wait.min),
                            time(wait.p50), time(wait.p99), time(wait.max));
}

std::string throughput_chart(const ThroughputResult& result, const std::vector<RunMark>& marks,
                             std::uint64_t cycles, double clock_hz) {
  const auto time = [&](std::uint64_t its) { return format_time(double(its) / clock_hz); };
  const std::uint64_t period = result.period_cycles;
  std::uint64_t most = 1;
  for (const auto& its : result.periods) most = std::max(most, its.done);
  std::string text = line("from", "/s", result.what, "longest wait", "");
  for (std::size_t i = 0; i < result.periods.size(); ++i) {
    const auto& its = result.periods[i];
    const std::uint64_t from = i * period;
    const std::uint64_t to = std::min(from + period, cycles);
    const std::uint64_t until = i + 1 == result.periods.size() ? ~std::uint64_t{0} : to;
    const auto texts = texts_between(marks, from, until);
    text += line(i == 0 ? "0 s" : time(from),
                 fmt::format("{:.0f}", per_second(its.done, to - from, clock_hz)),
                 std::string((its.done * bar_width + most / 2) / most, '#'),
                 its.done == 0 ? "" : time(its.longest_wait), texts.empty() ? "" : texts.front());
    for (std::size_t k = 1; k < texts.size(); ++k) text += line("", "", "", "", texts[k]);
  }
  return text;
}

}  // namespace xybus
