/// What a check has found wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/run_result.h"

namespace xybus {

/// Counts every complaint and keeps the text of the first few.
class Complaints {
 public:
  static constexpr std::size_t kept = 4;

  /// `cycle` is when it came about, if that is a moment.
  void add(std::string text, std::optional<std::uint64_t> cycle = {}) {
    if (cycle && (!first_cycle_ || *cycle < *first_cycle_)) first_cycle_ = cycle;
    if (texts_.size() < kept) texts_.push_back(std::move(text));
    ++count_;
  }

  /// Whether text for the next complaint would be kept: spares making it.
  bool wants_text() const { return texts_.size() < kept; }

  std::uint64_t count() const { return count_; }
  /// The earliest cycle of a complaint.
  std::optional<std::uint64_t> first_cycle() const { return first_cycle_; }
  const std::vector<std::string>& texts() const { return texts_; }

  /// A check's result: `good` is its detail when nothing was found.
  CheckResult result(std::string name, std::string good) const {
    if (count_ == 0) return {std::move(name), true, std::move(good)};
    std::string detail;
    for (const std::string& text : texts_) detail += (detail.empty() ? "" : "; ") + text;
    if (count_ > texts_.size()) {
      detail += "; and " + std::to_string(count_ - texts_.size()) + " more";
    }
    return {std::move(name), false, std::move(detail)};
  }

 private:
  std::vector<std::string> texts_;
  std::uint64_t count_ = 0;
  std::optional<std::uint64_t> first_cycle_;
};

}  // namespace xybus
