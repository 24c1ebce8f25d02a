#include "scenario/read_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "scenario/quantity.h"
#include "scenario/read_chaos.h"

namespace xybus {
namespace {

constexpr double longest_pause_seconds = 3600;

constexpr std::uint64_t most_messages = 1'000'000'000;

std::uint64_t read_pause(const Section& section, double clock_hz) {
  if (!section.has("pause")) return 0;
  const std::uint64_t cycles = section.time("pause", clock_hz);
  if (cycles > *to_cycles(longest_pause_seconds, clock_hz))
    section.fail("pause", section.written("pause") + " is too long", "at most 1 hour");
  return cycles;
}

LinksSpec read_links(const toml::table& table, const std::string& path, const Origin& origin,
                     const SystemSpec& system) {
  const Section section(table, path, origin,
                        {"kind", "from", "to", "requestors", "count", "max_bytes", "window",
                         "pause", "work", "depth", "cancels"});
  LinksSpec links;
  links.at = section.at();
  links.from = section.is_list("from") ? section.cpus("from", system.cpus, 1)
                                       : std::vector{section.cpu("from", system.cpus)};
  links.to = section.cpu("to", system.cpus);
  links.requestors = unsigned(section.integer("requestors", 1, max_requestors, links.requestors));
  links.count = section.integer("count", 1, most_links_each);
  links.bytes = std::uint32_t(section.integer("max_bytes", 0, max_message_bytes));
  links.window = unsigned(section.integer("window", 1, max_window, links.window));
  links.pause_cycles = read_pause(section, system.clock_hz);
  if (section.has("work")) links.work_cycles = section.time("work", system.clock_hz);
  if (links.work_cycles > most_work_cycles)
    section.fail("work", fmt::format("{} is {} cycles", section.written("work"), links.work_cycles),
                 fmt::format("at most {} cycles", most_work_cycles));
  links.depth = unsigned(section.integer("depth", 1, max_depth, links.depth));
  if (section.has("cancels")) links.cancels = section.fraction("cancels");
  return links;
}

UpdatesSpec read_updates(const toml::table& table, const std::string& path, const Origin& origin,
                         const SystemSpec& system) {
  const Section section(table, path, origin, {"kind", "bytes", "count", "pause", "cpus"});
  UpdatesSpec updates;
  updates.at = section.at();
  updates.bytes =
      std::uint32_t(section.integer("bytes", least_update_bytes, contract::update_bytes));
  updates.count = section.integer("count", 1, most_messages);
  updates.pause_cycles = read_pause(section, system.clock_hz);
  updates.cpus = section.cpus("cpus", system.cpus, 1);
  return updates;
}

void read_rounds(const Section& section, const SystemSpec& system, MembershipSpec& membership) {
  membership.count = section.integer("rounds", 0, most_rounds);
  if (membership.count == 0) {
    membership.until_cycle = section.time("until", system.clock_hz);
    return;
  }
  if (section.has("until"))
    section.fail("until", "until contradicts rounds", "it with rounds = 0 alone");
  std::tie(membership.least_off, membership.most_off) =
      section.time_range("off", system.clock_hz);
  if (membership.least_off < least_off_cycles)
    section.fail("off", fmt::format("off begins at {} cycles", membership.least_off),
                 fmt::format("at least {} cycles", least_off_cycles));
  membership.stable_cycles = section.time("stable", system.clock_hz);
  membership.all = section.flag("all");
}

constexpr std::uint32_t visit_bytes = 32;
constexpr std::uint64_t visits_per_interval = 8;

MembershipSpec read_membership(const toml::table& table, const std::string& path,
                               const Origin& origin, const SystemSpec& system) {
  const Section section(table, path, origin,
                        {"kind", "rounds", "off", "stable", "all", "bytes", "pause", "until"});
  MembershipSpec membership;
  membership.at = section.at();
  if (system.alive_interval_cycles == 0)
    throw ScenarioError(membership.at, "membership without I'm-alive packets",
                        "system.alive other than \"0 s\"");
  membership.drain_cycles = drain_intervals * system.alive_interval_cycles;
  read_rounds(section, system, membership);
  membership.bytes =
      std::uint32_t(section.integer("bytes", 0, max_message_bytes, visit_bytes));
  membership.pause_cycles = section.has("pause")
                                ? read_pause(section, system.clock_hz)
                                : system.alive_interval_cycles / visits_per_interval;
  if (membership.pause_cycles == 0)
    section.fail("pause", section.written("pause") + " is no time at all", "at least one cycle");
  return membership;
}

}  // namespace

WorkloadSpec read_workload(const toml::table& table, const std::string& path, const Origin& origin,
                           const SystemSpec& system) {
  const std::string kind = kind_of(table, path, origin, names_of(known_workloads()));
  if (kind == "ping") {
    const Section section(table, path, origin,
                          {"kind", "from", "to", "bytes", "reply_bytes", "count", "pause"});
    PingSpec ping;
    ping.at = section.at();
    ping.from = section.cpu("from", system.cpus);
    ping.to = section.cpu("to", system.cpus);
    ping.bytes = std::uint32_t(section.integer("bytes", 0, max_message_bytes));
    ping.reply_bytes =
        std::uint32_t(section.integer("reply_bytes", 0, max_message_bytes, ping.bytes));
    ping.count = section.integer("count", 1, most_messages);
    ping.pause_cycles = read_pause(section, system.clock_hz);
    return ping;
  }
  if (kind == "stream") {
    const Section section(table, path, origin,
                          {"kind", "from", "to", "bytes", "count", "window", "pause"});
    StreamSpec stream;
    stream.at = section.at();
    stream.from = section.cpu("from", system.cpus);
    stream.to = section.cpu("to", system.cpus);
    stream.bytes = std::uint32_t(section.integer("bytes", 0, max_message_bytes));
    stream.count = section.integer("count", 1, most_messages);
    stream.window = unsigned(section.integer("window", 1, max_window, stream.window));
    stream.pause_cycles = read_pause(section, system.clock_hz);
    return stream;
  }
  if (kind == "links") return read_links(table, path, origin, system);
  if (kind == "updates") return read_updates(table, path, origin, system);
  if (kind == "membership") return read_membership(table, path, origin, system);
  const Section section(table, path, origin,
                        {"kind", "bytes", "count", "window", "pause", "pattern", "cpus"});
  AllToAllSpec all;
  all.at = section.at();
  all.bytes = std::uint32_t(section.integer("bytes", 0, max_message_bytes));
  all.count = section.integer("count", 1, most_messages);
  all.window = unsigned(section.integer("window", 1, max_window, all.window));
  all.pause_cycles = read_pause(section, system.clock_hz);
  if (section.has("pattern"))
    all.pattern = Pattern(section.word(
        "pattern", {"uniform", "hotspot", "transpose", "bit-complement", "tornado"}));
  all.cpus = section.cpus("cpus", system.cpus);
  return all;
}

void check_together(const std::vector<WorkloadSpec>& workloads) {
  std::size_t updates = 0;
  bool membership = false;
  for (const WorkloadSpec& workload : workloads) {
    if (const auto* its = std::get_if<UpdatesSpec>(&workload);
        its != nullptr && ++updates > most_updates_workloads)
      throw ScenarioError(its->at, "too many workloads of updates",
                          fmt::format("{} at most", most_updates_workloads));
    const auto* its = std::get_if<MembershipSpec>(&workload);
    if (its != nullptr && std::exchange(membership, true))
      throw ScenarioError(its->at, "a second workload of membership", "one at most");
  }
}

std::uint64_t longest_membership(const MembershipSpec& membership, const SystemSpec& system) {
  const std::uint64_t interval = system.alive_interval_cycles;
  const std::uint64_t round = membership.stable_cycles + membership.most_off +
                              (rejoin_intervals + 1) * interval;
  const std::uint64_t behind = 2 * (quiet_intervals + drain_intervals) * interval;
  return membership.until_cycle + membership.count * round + behind;
}

}  // namespace xybus
