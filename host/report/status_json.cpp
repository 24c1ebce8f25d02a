#include "report/status_json.h"

#include <algorithm>

#include "report/event_names.h"

namespace xybus {
namespace {

using Json = nlohmann::ordered_json;

/// What is zero, or as good as new, is left out.
Json node_bus_json(const NodeStatus& node, contract::BusId bus) {
  const auto b = static_cast<std::size_t>(bus);
  Json counters = Json::object();
  for (std::size_t i = 0; i < counters_per_bus; ++i)
    if (node.counters[b][i] != 0) counters[counter_name(i)] = node.counters[b][i];
  Json paths = Json::array();
  for (std::size_t destination = 0; destination < node.paths[b].size(); ++destination) {
    const PathStatus& path = node.paths[b][destination];
    if (path.plain()) continue;
    paths.push_back({{"destination", destination},
                     {"state", name(path.state)},
                     {"points", path.points},
                     {"failures", path.failures}});
  }
  Json json{{"counters", std::move(counters)}, {"paths", std::move(paths)}};
  const GuardianStatus& guardian = node.guardian[b];
  if (guardian.offences != 0)
    json["guardian"] = {{"offences", guardian.offences},
                        {"offender", guardian.offender},
                        {"offence", name(guardian.offence)}};
  return json;
}

void add_node(const NodeStatus& node, Json& json) {
  json["halted"] = node.halted;
  if (node.halted) return;
  json["enabled"] = node.enabled;
  json["epoch"] = node.epoch;
  json["interrupts"] = node.interrupts;
  json["storing"] = node.storing;
  json["serving"] = node.serving;
  json["events"] = {{"made", node.events_made}, {"taken", node.events_taken}};
  for (const auto bus : {contract::BusId::x, contract::BusId::y})
    json["bus"][name(bus)] = node_bus_json(node, bus);
}

Json process_json(const ProcessStatus& process) {
  Json json{{"pin", process.pin},
            {"name", process.name},
            {"priority", process.priority},
            {"state", name(process.state)},
            {"cycles", process.cycles}};
  if (process.state == ProcessState::waiting) {
    json["waits_for"] = event_names(process.waits_for);
    json["times_out"] = process.times_out;
  }
  if (process.held_in != KernelCall::none) json["held_in"] = name(process.held_in);
  return json;
}

Json link_json(const LinkRow& link) {
  const auto state = [](const std::optional<LinkState>& end) {
    return end ? Json(name(*end)) : Json(nullptr);
  };
  return {{"requestor", {{"cpu", link.requestor.cpu}, {"pin", link.requestor.pin}}},
          {"server", {{"cpu", link.server.cpu}, {"pin", link.server.pin}}},
          {"requestor_state", state(link.requestor_state)},
          {"server_state", state(link.server_state)},
          {"system", link.system != SystemCode::none},
          {"age_cycles", link.age},
          {"request_bytes", link.request_bytes},
          {"reply_room", link.reply_room},
          {"tag", link.tag}};
}

Json kernel_json(const KernelStatus& kernel) {
  if (!kernel.runs) return {{"runs", false}};
  Json members = Json::array();
  for (unsigned cpu = 0; cpu < contract::max_nodes; ++cpu)
    if (has(kernel.members, cpu)) members.push_back(cpu);
  Json json{{"runs", true},
            {"epoch", kernel.epoch},
            {"view", kernel.view},
            {"members", std::move(members)},
            {"member", kernel.member},
            {"changing", kernel.changing},
            {"operational", kernel.operational},
            {"idle_cycles", kernel.idle_cycles},
            {"interrupt_cycles", kernel.interrupt_cycles},
            {"process_cycles", kernel.process_cycles},
            {"lcbs", {{"in_use", kernel.lcbs_in_use}, {"of", kernel.lcbs}}},
            {"windows", {{"in_use", kernel.windows_in_use}, {"of", kernel.windows}}},
            {"dropped_packets",
             {{"refused", kernel.dropped.refused},
              {"stray", kernel.dropped.stray},
              {"duplicate", kernel.dropped.duplicate},
              {"late", kernel.dropped.late},
              {"lost", kernel.dropped.lost},
              {"violations", kernel.dropped.violations},
              {"refusals_left_out", kernel.dropped.untold}}},
            {"processes", Json::array()},
            {"links", Json::array()}};
  for (const ProcessStatus& process : kernel.processes)
    json["processes"].push_back(process_json(process));
  return json;
}

}  // namespace

Json status_json(const MachineStatus& status) {
  Json list = Json::array();
  for (std::size_t cpu = 0; cpu < std::max(status.nodes.size(), status.kernels.size()); ++cpu) {
    Json json{{"cpu", cpu}};
    if (cpu < status.nodes.size()) add_node(status.nodes[cpu], json);
    if (cpu < status.kernels.size()) json["kernel"] = kernel_json(status.kernels[cpu]);
    list.push_back(std::move(json));
  }
  for (const LinkRow& link : links_of(status)) {
    const auto cpu = link.requestor_state ? link.requestor.cpu : link.server.cpu;
    list[cpu]["kernel"]["links"].push_back(link_json(link));
  }
  return list;
}

Json waiting_json(const WaitFindings& waiting) {
  Json json{{"deadlocks", waiting.deadlocks}, {"rings", waiting.rings}, {"chains", Json::array()}};
  for (const auto& chain : waiting.chains)
    json["chains"].push_back({{"path", chain.path},
                              {"end", chain.end},
                              {"note", chain.note},
                              {"more", chain.more}});
  return json;
}

}  // namespace xybus
