#include "child/run_self.h"

#include <algorithm>

namespace xybus {

std::vector<int> run_self(const std::vector<Words>& runs, bool silent) {
  std::vector<pid_t> children;
  for (const Words& words : runs) children.push_back(start_child(words, silent ? "/dev/null" : ""));
  std::vector<int> statuses(runs.size());
  for (std::size_t left = runs.size(); left > 0;) {
    const Ended ended = wait_for_child();
    const auto child = std::ranges::find(children, ended.pid);
    if (child == children.end()) continue;
    statuses[static_cast<std::size_t>(child - children.begin())] = ended.status;
    --left;
  }
  return statuses;
}

}  // namespace xybus
