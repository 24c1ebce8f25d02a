/// What the machine does about what befalls it, as far as a reader of the report wants to know when:
/// changes of the view, and takeovers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "firmware/observer.h"
#include "report/throughput.h"

namespace xybus {

class Milestones {
 public:
  /// `name_of`: the name that a process has, or nothing.
  explicit Milestones(std::function<std::string(const ProcessAddress&)> name_of)
      : name_of_(std::move(name_of)) {}

  void event(unsigned cpu, const KernelEvent& event);

  /// In order; the first thousand.
  const std::vector<RunMark>& marks() const { return marks_; }

 private:
  void view_changed(const KernelEvent& event);
  void mark(std::uint64_t cycle, std::string text);

  std::function<std::string(const ProcessAddress&)> name_of_;
  std::uint32_t view_ = 0;     // the latest one that any CPU has told of
  std::uint32_t members_ = 0;  // of it
  std::vector<RunMark> marks_;
};

}  // namespace xybus
