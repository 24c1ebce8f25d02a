#include "scenario/read_point.h"

#include <fmt/format.h>

#include <iterator>
#include <limits>
#include <sstream>

#include "scenario/fault_detail.h"
#include "scenario/kernel_kinds.h"
#include "scenario/quantity.h"

namespace xybus {
namespace {

constexpr std::uint64_t most_integer = std::numeric_limits<std::int64_t>::max();  // of TOML

/// "packet 3 on x", "packet 3 from 1 on x".
AtPacket read_packet(const Section& section, unsigned cpus) {
  const std::string expected =
      "\"packet 3 on x\" or \"packet 3 from 1 on x\", counted from 1, or a table";
  std::istringstream text(section.string("when", expected));
  const std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
  const auto malformed = [&] {
    section.fail("when", section.written("when") + " names no point", expected);
  };
  const bool from = words.size() == 6 && words[2] == "from";
  if ((words.size() != 4 && !from) || words[0] != "packet" || words[words.size() - 2] != "on")
    malformed();

  AtPacket point;
  const auto n = parse_count(words[1]);
  if (!n || *n == 0) malformed();
  point.n = *n;
  if (from) {
    const auto cpu = parse_count(words[3]);
    if (!cpu) malformed();
    if (*cpu >= cpus)
      section.fail("when", fmt::format("{}: there is no CPU {}", section.written("when"), *cpu),
                   fmt::format("0 to {}", cpus - 1));
    point.from = unsigned(*cpu);
  }
  if (words.back() != "x" && words.back() != "y")
    section.fail("when",
                 fmt::format("{}: there is no bus \"{}\"", section.written("when"), words.back()),
                 "x or y");
  point.bus = words.back() == "x" ? contract::BusId::x : contract::BusId::y;
  return point;
}

/// The operations of the contract, by name.
std::vector<contract::LinkOperation> operations() {
  std::vector<contract::LinkOperation> list;
  for (unsigned value = 0; value < 256; ++value) {
    const auto operation = static_cast<contract::LinkOperation>(value);
    if (*name(operation) != '?') list.push_back(operation);
  }
  return list;
}

std::uint64_t read_delay(const Section& section, const SystemSpec& system) {
  return section.has("delay") ? section.time("delay", system.clock_hz) : 0;
}

AtPacket read_packet_table(const Section& section, const SystemSpec& system) {
  AtPacket point;
  const auto known = operations();
  Words words{"any"};
  for (const auto operation : known) words.push_back(name(operation));
  if (const std::size_t word = section.word("packet", words); word != 0)
    point.operation = known[word - 1];
  point.n = section.integer("nth", 1, most_integer, 1);
  if (section.has("from")) point.from = section.cpu("from", system.cpus);
  point.bus = section.word("bus", {"x", "y"}) == 0 ? contract::BusId::x : contract::BusId::y;
  if (section.has("attempts"))
    point.first_attempts = section.word("attempts", {"all", "first"}) == 1;
  point.delay_cycles = read_delay(section, system);
  return point;
}

AtEvent read_event_table(const Section& section, const SystemSpec& system) {
  AtEvent point;
  Words words;
  for (std::size_t i = 0; i < kernel_kind_count; ++i)
    words.push_back(name(static_cast<KernelEvent::Kind>(i)));
  point.kind = static_cast<KernelEvent::Kind>(section.word("event", words));
  point.n = section.integer("nth", 1, most_integer, 1);
  if (section.has("process")) point.process = read_process_name(section, "process");
  if (section.has("cpu")) point.cpu = section.cpu("cpu", system.cpus);
  if (section.has("peer")) point.peer = section.cpu("peer", system.cpus);
  point.delay_cycles = read_delay(section, system);
  return point;
}

}  // namespace

FaultTime read_point(const Section& fault, const toml::table& table, const std::string& path,
                     const Origin& origin, const SystemSpec& system) {
  const toml::table* const point = table.get("when")->as_table();
  if (point == nullptr) return read_packet(fault, system.cpus);
  const std::string place = path + ".when";
  if (point->contains("packet"))
    return read_packet_table(
        Section(*point, place, origin, {"packet", "nth", "from", "bus", "attempts", "delay"}),
        system);
  if (point->contains("event"))
    return read_event_table(
        Section(*point, place, origin, {"event", "nth", "cpu", "process", "peer", "delay"}),
        system);
  throw ScenarioError(origin.of(place, *point), place + " names no point",
                      "packet = \"reply\" or event = \"link_replied\"");
}

}  // namespace xybus
