#include "report/machine_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "report/event_names.h"

namespace xybus {
namespace {

const char* yes(bool value) { return value ? "yes" : "no"; }

std::string kernels_text(const std::vector<KernelStatus>& kernels) {
  constexpr auto row = "{:>3}  {:<7}{:>6}{:>6}  {:<14}{:<13}{:>12}{:>12}{:>12}{:>10}{:>9}\n";
  std::string text = fmt::format(row, "CPU", "kernel", "epoch", "view", "members", "operational",
                                 "idle", "interrupt", "processes", "LCBs", "windows");
  for (std::size_t cpu = 0; cpu < kernels.size(); ++cpu) {
    const KernelStatus& kernel = kernels[cpu];
    if (!kernel.runs) {
      text += fmt::format("{:>3}  halted\n", cpu);
      continue;
    }
    text += fmt::format(row, cpu, "runs", kernel.epoch, kernel.view,
                        kernel.member ? cpus_text(kernel.members) : "waits to join",
                        kernel.changing ? "view changes" : yes(kernel.operational),
                        kernel.idle_cycles, kernel.interrupt_cycles, kernel.process_cycles,
                        fmt::format("{}/{}", kernel.lcbs_in_use, kernel.lcbs),
                        fmt::format("{}/{}", kernel.windows_in_use, kernel.windows));
  }
  return text;
}

/// A line for each CPU that has dropped any.
std::string dropped_text(const std::vector<KernelStatus>& kernels) {
  std::string text;
  for (std::size_t cpu = 0; cpu < kernels.size(); ++cpu) {
    const DroppedPackets& its = kernels[cpu].dropped;
    if (its == DroppedPackets{}) continue;
    text += fmt::format("  CPU {}: {} refused, {} stray, {} duplicate, {} late, {} lost, {} "
                        "against the rules of transfers, {} refusals not told\n",
                        cpu, its.refused, its.stray, its.duplicate, its.late, its.lost,
                        its.violations, its.untold);
  }
  return text.empty() ? text : "packets not taken\n" + text;
}

std::string processes_text(const std::vector<KernelStatus>& kernels) {
  constexpr auto row = "{:>5}{:>5}  {:<20}{:>8}  {:<36}{:>12}\n";
  std::string text = fmt::format("processes\n{}", fmt::format(row, "CPU", "pin", "name", "priority",
                                                              "state", "cycles"));
  for (std::size_t cpu = 0; cpu < kernels.size(); ++cpu) {
    for (const ProcessStatus& process : kernels[cpu].processes) {
      text += fmt::format(row, cpu, process.pin, process.name, process.priority, describe(process),
                          process.cycles);
    }
  }
  return text;
}

std::string address_text(ProcessAddress address) {
  return fmt::format("{}.{}", address.cpu, address.pin);
}

std::string state_text(const std::optional<LinkState>& state) {
  return state ? name(*state) : "-";
}

std::string links_text(const MachineStatus& status) {
  constexpr auto row = "  {:<11}{:<9}{:<16}{:<14}{:>12}{:>9}{:>9}{:>12}\n";
  const auto links = links_of(status);
  if (links.empty()) return "links: none\n";
  std::string text = "links\n" + fmt::format(row, "requestor", "server", "requestor's end",
                                             "server's end", "age", "bytes", "room", "tag");
  for (const LinkRow& link : links) {
    text += fmt::format(row,
                        link.system == SystemCode::none ? address_text(link.requestor) : "kernel",
                        address_text(link.server), state_text(link.requestor_state),
                        state_text(link.server_state), link.age, link.request_bytes,
                        link.reply_room, fmt::format("{:x}", link.tag));
  }
  return text;
}

std::string waiting_text(const WaitFindings& waiting) {
  if (waiting.empty()) return "waiting: nobody for another\n";
  std::string text = "waiting\n";
  for (const std::string& line : lines_of(waiting)) text += "  " + line + '\n';
  return text;
}

LinkRow row_of(const LinkStatus& end, ProcessAddress here, std::uint64_t cycle) {
  const bool server = is_server_end(end.state);
  LinkRow row;
  row.requestor = server ? end.peer : here;
  row.server = server ? here : end.peer;
  (server ? row.server_state : row.requestor_state) = end.state;
  row.system = end.system;
  row.age = cycle - std::min(cycle, end.since);
  row.tag = end.tag;
  row.request_bytes = end.request_bytes;
  row.reply_room = end.reply_room;
  return row;
}

}  // namespace

std::vector<LinkRow> links_of(const MachineStatus& status) {
  // Servers' ends by the requestor's CPU and its name of the link, at the server's CPU.
  using Key = std::tuple<unsigned, unsigned, std::uint32_t>;
  std::map<Key, const LinkStatus*> served;
  for (unsigned cpu = 0; cpu < status.kernels.size(); ++cpu) {
    for (const LinkStatus& end : status.kernels[cpu].ends) {
      if (!is_server_end(end.state) || end.system != SystemCode::none) continue;
      served[{cpu, end.peer.cpu, end.peer_link.value}] = &end;
    }
  }
  std::map<const LinkStatus*, bool> joined;
  std::vector<LinkRow> rows;
  const auto each = [&](bool server, auto&& take) {
    for (unsigned cpu = 0; cpu < status.kernels.size(); ++cpu) {
      for (const LinkStatus& end : status.kernels[cpu].ends) {
        if (is_server_end(end.state) == server) take(cpu, end);
      }
    }
  };
  each(false, [&](unsigned cpu, const LinkStatus& end) {
    rows.push_back(row_of(end, {static_cast<std::uint8_t>(cpu), end.pin}, status.cycle));
    const auto other = served.find({end.peer.cpu, cpu, end.id.value});
    if (other == served.end()) return;
    rows.back().server_state = other->second->state;
    joined[other->second] = true;
  });
  each(true, [&](unsigned cpu, const LinkStatus& end) {
    if (joined.contains(&end)) return;
    rows.push_back(row_of(end, {static_cast<std::uint8_t>(cpu), end.pin}, status.cycle));
  });
  return rows;
}

std::string describe(const ProcessStatus& process) {
  std::string text = name(process.state);
  if (process.held_in != KernelCall::none) {
    text += fmt::format(" in {}", name(process.held_in));
  } else if (process.state == ProcessState::waiting || process.waits_for != contract::EventBit{}) {
    const std::string events = events_text(process.waits_for);
    text += " for " + (events.empty() ? std::string("time") : events);
    if (process.times_out && !events.empty()) text += " or time";
  }
  return text;
}

std::string cpus_text(CpuMask cpus) {
  constexpr unsigned most = 32;
  std::string text;
  for (unsigned cpu = 0; cpu < most; ++cpu) {
    if (!has(cpus, cpu)) continue;
    unsigned last = cpu;
    while (last + 1 < most && has(cpus, last + 1)) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", cpu);
    if (last != cpu) text += fmt::format("-{}", last);
    cpu = last;
  }
  return text.empty() ? "none" : text;
}

std::string machine_text(const MachineStatus& status) {
  std::string text;
  if (!status.kernels.empty()) {
    text = kernels_text(status.kernels) + dropped_text(status.kernels) +
           processes_text(status.kernels) + links_text(status) + waiting_text(status.waiting);
    if (!status.nodes.empty()) text += '\n';
  }
  return text + status_text(status.nodes);
}

}  // namespace xybus
