/// What the machine does about what befalls it, as far as a reader of the report wants to know
/// when: changes of the view, and takeovers.
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
  /// Of a machine with so many CPUs, which are all in its first view. `name_of`: the name that a
  /// process has, or nothing.
  Milestones(unsigned cpus, std::function<std::string(const ProcessAddress&)> name_of)
      : name_of_(std::move(name_of)), members_((1U << cpus) - 1) {}

  void event(unsigned cpu, const KernelEvent& event);

  /// In order; the first thousand.
  const std::vector<RunMark>& marks() const { return marks_; }

 private:
  void view_changed(const KernelEvent& event);
  void mark(std::uint64_t cycle, std::string text);

  std::function<std::string(const ProcessAddress&)> name_of_;
  std::uint32_t view_ = 0;  // the latest one that any CPU has told of
  std::uint32_t members_;   // of it
  std::vector<RunMark> marks_;
};

}  // namespace xybus
