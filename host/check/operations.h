/// What the clients of a workload asked of its servers, and were told: how long each waited, and
/// how many came through in each part of the run.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "report/throughput.h"

namespace xybus {

class Operations {
 public:
  /// `what` one is called, such as "transactions".
  explicit Operations(std::string what) : what_(std::move(what)) {}

  /// One that came through, in cycles.
  void done(std::uint64_t asked, std::uint64_t answered) { done_.push_back({asked, answered}); }

  /// For a run that had so many cycles.
  ThroughputResult result(std::uint64_t cycles) const;

 private:
  struct Operation {
    std::uint64_t asked = 0, answered = 0;
  };
  std::string what_;
  std::vector<Operation> done_;
};

}  // namespace xybus
