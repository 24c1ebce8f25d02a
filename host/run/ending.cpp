#include "run/ending.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace xybus {
namespace {

// After the last message has ended, so that a late duplicate is seen.
constexpr std::uint64_t settle_cycles = 2000;

constexpr const char* by_reference = "the run ended at the reference's complaint";

}  // namespace

void Ending::arm() {
  workloads_.on_complete([this](std::uint64_t cycle) { complete_at(cycle + settle_cycles); });
  Plan& plan = workloads_.plan();
  if (plan.held_until() != 0) machine_.at(plan.held_until(), [&plan] { plan.release(); });
  if (complete_by_) machine_.at(*complete_by_ + 1, [this] { complete_or_hung(); });
}

void Ending::complete_at(std::uint64_t cycle) {
  if (complete_) return;
  complete_ = true;
  machine_.at(cycle, [this] { machine_.stop(); });
}

void Ending::power_failed(std::uint64_t cycle) {
  complete_ = powerless_ = true;
  machine_.at(cycle + 1, [this] { machine_.stop(); });
}

void Ending::complete_or_hung() {
  if (complete_ || stalled_) return;
  overdue_ = true;
  machine_.stop();
}

void Ending::look(std::uint64_t cycle) {
  const bool stalled = checks_.stalled(cycle, workloads_.plan().clients_left());
  if (complete_ || stalled_ || overdue_ || !stalled) return;
  stalled_ = true;
  machine_.stop();
}

std::string Ending::outstanding() const {
  constexpr std::size_t most = 4;
  std::string text;
  auto list = [&](std::vector<std::string> lines, std::uint64_t all) {
    for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) {
      text += (text.empty() ? "" : "; ") + lines[i];
    }
    if (all > most) text += fmt::format(" and {} more", all - most);
  };
  const auto clients = workloads_.plan().unfinished();
  list(clients, clients.size());
  list(checks_.scoreboard().open_messages(most), checks_.scoreboard().open());
  return text;
}

void Ending::close() {
  if (!complete_) waiting_ = outstanding();
}

CheckResult Ending::liveness() const {
  if (checks_.contradicted()) return {"liveness", true, by_reference};
  const Watchdog& watchdog = checks_.watchdog();
  if (complete_) {
    return {"liveness", true,
            fmt::format("never {} cycles without progress", watchdog.patience())};
  }
  if (overdue_) {
    return {"liveness", false,
            fmt::format("not complete at cycle {}, last moved at cycle {}: {}", *complete_by_,
                        watchdog.last_moved(), waiting_)};
  }
  return {"liveness", false,
          stalled_ ? fmt::format("nothing has moved since cycle {}: {}", watchdog.last_moved(),
                                 waiting_)
                   : fmt::format("not done at the limit, last moved at cycle {}: {}",
                                 watchdog.last_moved(), waiting_)};
}

CheckResult Ending::workload() const {
  if (checks_.contradicted()) return {"workload", true, by_reference};
  return workloads_.check();
}

Outcome Ending::outcome() const {
  return stalled_ || overdue_ ? Outcome::hung : Outcome::limit;
}

}  // namespace xybus
