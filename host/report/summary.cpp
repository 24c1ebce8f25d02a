#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/status_json.h"

namespace xybus {
namespace {

using Json = nlohmann::ordered_json;

Json bus_json(const BusResult& bus, std::uint64_t cycles) {
  return {{"busy_cycles", bus.busy_cycles},
          {"payload_bytes", bus.payload_bytes},
          {"packets", bus.packets},
          {"retries", bus.retries},
          {"crc_errors", bus.crc_errors},
          {"busy_answers", bus.busy_answers},
          {"no_answers", bus.no_answers},
          {"refused_answers", bus.refused_answers},
          {"cut_packets", bus.cut_packets},
          {"offences", bus.offences},
          {"window_packets", bus.window_packets},
          {"multicasts", bus.multicasts},
          {"utilisation", utilisation(bus, cycles)},
          {"payload_efficiency", payload_efficiency(bus)}};
}

Json faults_json(const std::vector<FaultResult>& faults) {
  Json list = Json::array();
  for (const FaultResult& fault : faults)
    list.push_back({{"what", fault.what}, {"when", fault.when}, {"effect", fault.effect}});
  return list;
}

Json checks_json(const std::vector<CheckResult>& checks) {
  Json list = Json::array();
  for (const CheckResult& check : checks)
    list.push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
  return list;
}

Json latency_json(const LatencyResult& latency) {
  return {{"samples", latency.samples}, {"min", latency.min}, {"p50", latency.p50},
          {"p99", latency.p99}, {"max", latency.max}};
}

Json throughput_json(const RunResult& result) {
  Json list = Json::array();
  for (const ThroughputResult& its : result.throughput) {
    Json periods = Json::array();
    for (const auto& period : its.periods)
      periods.push_back({{"done", period.done}, {"longest_wait", period.longest_wait}});
    list.push_back({{"what", its.what},
                    {"per_second", per_second(its.wait.samples, result.cycles, result.clock_hz)},
                    {"wait_cycles", latency_json(its.wait)},
                    {"period_cycles", its.period_cycles},
                    {"periods", std::move(periods)}});
  }
  return list;
}

Json marks_json(const std::vector<RunMark>& marks) {
  Json list = Json::array();
  for (const RunMark& mark : marks) list.push_back({{"cycle", mark.cycle}, {"text", mark.text}});
  return list;
}

std::string bus_table(const RunResult& result) {
  constexpr auto row = "{:<5}{:>8}{:>12}{:>12}{:>12}{:>9}{:>9}{:>9}{:>9}\n";
  std::string text = fmt::format(row, "bus", "use", "efficiency", "payload B", "packets", "retries",
                                 "crc", "busy", "silent");
  for (const auto id : {contract::BusId::x, contract::BusId::y}) {
    const BusResult& bus = result.bus[static_cast<std::size_t>(id)];
    text += fmt::format(row, name(id),
                        fmt::format("{:.1f} %", 100 * utilisation(bus, result.cycles)),
                        fmt::format("{:.1f} %", 100 * payload_efficiency(bus)), bus.payload_bytes,
                        bus.packets, bus.retries, bus.crc_errors, bus.busy_answers, bus.no_answers);
  }
  return text;
}

std::string line(const char* label, const std::string& text) {
  return fmt::format("{:<11}{}\n", label, text);
}

std::string messages_text(const MessageResult& messages) {
  // Most workloads break no links.
  const std::string cancelled =
      messages.cancelled > 0 ? fmt::format("{} cancelled, ", messages.cancelled) : "";
  return fmt::format("{} sent, {} delivered, {} failed, {}{} lost, {} duplicated, {} corrupted",
                     messages.sent, messages.delivered, messages.failed, cancelled, messages.lost,
                     messages.duplicated, messages.corrupted);
}

std::string latency_text(const LatencyResult& latency) {
  if (latency.samples == 0) return "none";
  return fmt::format("min {}, median {}, 99 % {}, max {} cycles", latency.min, latency.p50,
                     latency.p99, latency.max);
}

std::string verdict(const RunResult& result) {
  switch (result.outcome) {
    case Outcome::good:
      if (result.messages.failed == 0) return "good";
      return fmt::format("good; {} message{} failed, as faults let them", result.messages.failed,
                         result.messages.failed == 1 ? "" : "s");
    case Outcome::check_failed: return "A CHECK FAILED";
    case Outcome::hung: return "HUNG";
    case Outcome::limit: return "THE TIME LIMIT CAME FIRST";
  }
  return "?";
}

std::string waits_text(const WaitFindings& waiting) {
  constexpr std::size_t most = 10;
  const auto lines = lines_of(waiting);
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), most); ++i)
    text += fmt::format("waits: {}\n", lines[i]);
  if (lines.size() > most) text += fmt::format("waits: {} more\n", lines.size() - most);
  return text;
}

}  // namespace

const char* name(Outcome outcome) {
  switch (outcome) {
    case Outcome::good: return "good";
    case Outcome::check_failed: return "check-failed";
    case Outcome::hung: return "hung";
    case Outcome::limit: return "limit";
  }
  return "?";
}

int exit_status(Outcome outcome) {
  switch (outcome) {
    case Outcome::good: return 0;
    case Outcome::check_failed: return 1;
    case Outcome::hung:
    case Outcome::limit: break;
  }
  return 3;
}

double utilisation(const BusResult& bus, std::uint64_t cycles) {
  return cycles > 0 ? double(bus.busy_cycles) / double(cycles) : 0;
}

double payload_efficiency(const BusResult& bus) {
  return bus.busy_cycles > 0
             ? double(bus.payload_bytes) / (double(bus.busy_cycles) * contract::word_bytes)
             : 0;
}

std::string summary_json(const RunResult& result, const RunOutputs& outputs) {
  Json json;
  json["scenario"] = result.scenario;
  json["seed"] = result.seed;
  json["fabric"] = result.fabric;
  json["digest"] = result.digest;
  json["outcome"] = name(result.outcome);
  json["reason"] = result.reason;
  json["cycles"] = result.cycles;
  json["failure_cycle"] = nullptr;
  if (result.failure_cycle) json["failure_cycle"] = *result.failure_cycle;
  json["simulated_seconds"] = result.simulated_seconds();
  json["wall_seconds"] = result.wall_seconds;
  json["cycles_per_second"] = result.cycles_per_second();
  for (const auto id : {contract::BusId::x, contract::BusId::y})
    json["bus"][name(id)] = bus_json(result.bus[static_cast<std::size_t>(id)], result.cycles);
  const MessageResult& messages = result.messages;
  json["messages"] = {{"sent", messages.sent},       {"delivered", messages.delivered},
                      {"failed", messages.failed},   {"cancelled", messages.cancelled},
                      {"lost", messages.lost},
                      {"duplicated", messages.duplicated}, {"corrupted", messages.corrupted}};
  json["latency_cycles"] = latency_json(result.latency);
  json["round_trip_cycles"] = latency_json(result.round_trip);
  if (!result.throughput.empty()) json["throughput"] = throughput_json(result);
  json["faults"] = faults_json(result.faults);
  json["marks"] = marks_json(result.marks);
  json["checks"] = checks_json(result.checks);
  MachineStatus machine = result.machine;
  machine.nodes = result.status;
  json["status"] = status_json(machine);
  if (!result.machine.waiting.empty()) json["waiting"] = waiting_json(result.machine.waiting);
  for (const TimedStatus& timed : result.status_at)
    json["status_at"].push_back(Json::parse(timed.json));
  json["command"] = outputs.command;
  if (!outputs.repro.empty()) json["repro"] = outputs.repro;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string result_table(const RunResult& result, const RunOutputs& outputs) {
  std::string text = fmt::format("{}, seed {}, {}: {}\n\n", result.scenario, result.seed,
                                 result.fabric, verdict(result));
  text += bus_table(result);
  text += '\n';
  text += line("messages", messages_text(result.messages));
  text += line("latency", latency_text(result.latency));
  for (const ThroughputResult& its : result.throughput)
    text += line("throughput", throughput_line(its, result.cycles, result.clock_hz));
  for (const FaultResult& fault : result.faults)
    text += line("fault", fmt::format("{}, {}: {}", fault.what, fault.when, fault.effect));
  for (const CheckResult& check : result.checks)
    text += line("check", check.ok ? fmt::format("{:<6}  {}{}{}", "ok", check.name,
                                                 check.detail.empty() ? "" : ": ", check.detail)
                                   : fmt::format("FAILED  {}", check.name));
  text += line("time",
               fmt::format("{} simulated, {} cycles", format_time(result.simulated_seconds()),
                           format_count(result.cycles)));
  text += line("speed",
               fmt::format("{} wall clock, {} cycles/s", format_duration(result.wall_seconds),
                           format_rate(result.cycles_per_second())));
  text += line("digest", result.digest);
  text += line("outputs", outputs.directory);
  if (outputs.trace)
    text += line("look", fmt::format("gtkwave {}/trace.gtkw", outputs.directory));
  for (const ThroughputResult& its : result.throughput)
    text += '\n' + throughput_chart(its, result.marks, result.cycles, result.clock_hz);
  return text;
}

std::string failure_text(const RunResult& result, const RunOutputs& outputs) {
  if (result.outcome == Outcome::good) return "";
  std::string text;
  if (!result.reason.empty()) text += fmt::format("{}: {}\n", name(result.outcome), result.reason);
  for (const CheckResult& check : result.checks)
    if (!check.ok) text += fmt::format("check failed: {}: {}\n", check.name, check.detail);
  if (text.empty()) text = fmt::format("{}\n", name(result.outcome));
  text += waits_text(result.machine.waiting);
  text += fmt::format("at cycle {} ({})\n", result.cycles, format_time(result.simulated_seconds()));
  text += fmt::format("to repeat: {}\n", outputs.command);
  if (!outputs.repro.empty()) text += fmt::format("       or: {}\n", outputs.repro);
  return text;
}

}  // namespace xybus
