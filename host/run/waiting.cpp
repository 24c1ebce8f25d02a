#include "run/waiting.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace xybus {

using contract::EventBit;

namespace {

class Builder {
 public:
  explicit Builder(const MachineStatus& status) : status_(status), links_(links_of(status)) {
    for (unsigned cpu = 0; cpu < status.kernels.size(); ++cpu) {
      for (const ProcessStatus& process : status.kernels[cpu].processes) {
        if (process.state == ProcessState::stopped) continue;
        nodes_[address(cpu, process)] = graph_.nodes.size();
        graph_.nodes.push_back({.name = fmt::format("CPU {} pin {} ({})", cpu, process.pin,
                                                    process.name),
                                .state = {}});
      }
    }
  }

  WaitGraph build() {
    for (unsigned cpu = 0; cpu < status_.kernels.size(); ++cpu) {
      for (const ProcessStatus& process : status_.kernels[cpu].processes) {
        if (process.state != ProcessState::stopped) add(address(cpu, process), process);
      }
    }
    return std::move(graph_);
  }

 private:
  static ProcessAddress address(unsigned cpu, const ProcessStatus& process) {
    return {static_cast<std::uint8_t>(cpu), process.pin};
  }

  void add(ProcessAddress here, const ProcessStatus& process) {
    const std::size_t place = nodes_.at(here);
    const bool suspended = process.state == ProcessState::suspended;
    const bool ldone = any(process.waits_for & EventBit::ldone);
    const bool others = any(process.waits_for & ~EventBit::ldone);
    if (ldone && !suspended) add_servers(here, place);
    const bool alone = graph_.edges.empty() || graph_.edges.back().from != place;
    WaitNode& node = graph_.nodes[place];
    node.may_go_on = others || process.times_out;
    node.state = suspended ? "is suspended"
                 : process.held_in != KernelCall::none ? held(here, process)
                 : process.state == ProcessState::waiting
                     ? "waits" + describe(process).substr(sizeof "waiting" - 1)
                     : fmt::format("is {}", name(process.state));
    const bool nothing = ldone && alone && !node.may_go_on;
    if (nothing && !suspended) node.state += ", and has no link that will end";
    if (const auto owed = owes(here); owed != 0 && process.held_in == KernelCall::none) {
      node.state += fmt::format(", and owes {} {}", owed, owed == 1 ? "reply" : "replies");
    }
    node.notable = suspended || nothing || process.held_in != KernelCall::none;
  }

  void add_servers(ProcessAddress here, std::size_t place) {
    for (const LinkRow& link : links_) {
      if (link.requestor != here || !link.requestor_state) continue;
      if (*link.requestor_state != LinkState::queued &&
          *link.requestor_state != LinkState::outstanding) {
        continue;
      }
      const bool runs = status_.kernels[link.server.cpu].runs;
      const bool gone = !link.server_state && runs;
      const bool through = link.server_state == LinkState::closing;
      graph_.edges.push_back({place, server(link.server),
                              gone      ? "the request has not arrived"
                              : through ? "the reply is on its way"
                                        : ""});
    }
  }

  /// A server that does not exist gets a node all the same.
  std::size_t server(ProcessAddress address) {
    const auto known = nodes_.find(address);
    if (known != nodes_.end()) return known->second;
    const bool runs = status_.kernels[address.cpu].runs;
    const ProcessAddress key = runs ? address : ProcessAddress{address.cpu, cpu_itself};
    const auto [place, is_new] = nodes_.try_emplace(key, graph_.nodes.size());
    if (is_new) {
      graph_.nodes.push_back(
          {.name = runs ? fmt::format("CPU {} pin {}", address.cpu, address.pin)
                        : fmt::format("CPU {}", address.cpu),
           .state = runs ? "has stopped" : "is halted"});
    }
    return place->second;
  }

  std::string held(ProcessAddress here, const ProcessStatus& process) const {
    const LinkState in =
        process.held_in == KernelCall::readlink ? LinkState::reading : LinkState::replying;
    for (const LinkRow& link : links_) {
      if (link.server != here || link.server_state != in) continue;
      const bool halted = !status_.kernels[link.requestor.cpu].runs;
      return fmt::format("is held in {} by the message system of CPU {}{}", name(process.held_in),
                         link.requestor.cpu, halted ? ", which is halted" : "");
    }
    return fmt::format("is held in {}", name(process.held_in));
  }

  /// Requests that a server has taken and not answered.
  std::ptrdiff_t owes(ProcessAddress here) const {
    return std::ranges::count_if(links_, [&](const LinkRow& link) {
      return link.server == here && link.system == SystemCode::none &&
             (link.server_state == LinkState::listened || link.server_state == LinkState::reading);
    });
  }

  static constexpr Pin cpu_itself = 0xffff;  // no process has this pin for long

  const MachineStatus& status_;
  const std::vector<LinkRow> links_;
  std::map<ProcessAddress, std::size_t> nodes_;
  WaitGraph graph_;
};

}  // namespace

WaitGraph wait_graph(const MachineStatus& status) { return Builder(status).build(); }

}  // namespace xybus
