#include "scenario/fault_detail.h"

#include <fmt/format.h>

#include <algorithm>

#include "firmware/process/name.h"
#include "model/faults.h"

namespace xybus {

namespace {

constexpr unsigned answer_wires = 4 * contract::max_nodes;
constexpr unsigned word_bits = 8 * contract::word_bytes;

contract::Register read_register(const Section& section) {
  const auto registers = registers_to_upset();
  Words words;
  for (const auto reg : registers) words.push_back(name(reg));
  return registers[section.word("register", words)];
}

void read_drive(const Section& section, FaultKind kind, const std::vector<DiskSpec>& disks,
                FaultDetail& detail) {
  if (disks.empty())
    throw ScenarioError(section.at(), fmt::format("{} without a disk", name(kind)),
                        "at least one [[disk]]");
  Words names;
  for (const DiskSpec& disk : disks) names.push_back(disk.name);
  const DiskSpec& disk = disks[section.word("disk", names)];
  detail.disk = disk.name;
  detail.drive = unsigned(section.integer("drive", 0, disk.drives - 1));
  detail.drive_number = *drive_number(disks, disk.name, detail.drive);
  if (section.has("block"))
    detail.block = std::uint32_t(section.integer("block", 0, disk.blocks - 1));
}

constexpr const char* process_words = "the name of a process, such as \"$BANK\"";

}  // namespace

std::string process_name(const Section& section, std::string_view key, const std::string& text) {
  const auto name = ProcessName::parse(text);
  if (!name) section.fail(key, fmt::format("\"{}\" is no name", text), process_words);
  return std::string(name->text());
}

std::string read_process_name(const Section& section, std::string_view key) {
  return process_name(section, key, section.string(key, process_words));
}

std::vector<contract::Register> registers_to_upset() {
  std::vector<contract::Register> registers;
  for (const auto& info : contract::registers)
    if (can_be_upset(info)) registers.push_back(info.reg);
  return registers;
}

DetailKeys detail_keys(FaultKind kind) {
  switch (kind) {
    case FaultKind::packet_corrupt: return {{"bits", "part"}, 0};
    case FaultKind::answer_corrupt: return {{"bits", "cpus"}, 0};
    case FaultKind::bus_stuck_bit: return {{"wire", "level"}, 2};
    case FaultKind::partition: return {{"cpus"}, 1};
    case FaultKind::bus_slow: return {{"cycles"}, 1};
    case FaultKind::ram_flip: return {{"address", "bits"}, 2};
    case FaultKind::register_upset: return {{"register", "bits"}, 2};
    case FaultKind::cpu_slow: return {{"factor"}, 1};
    case FaultKind::hostile_cpu: return {{"view"}, 0};
    case FaultKind::disk_dies: return {{"disk", "drive"}, 2};
    case FaultKind::disk_read_error:
    case FaultKind::disk_write_error: return {{"disk", "drive", "block"}, 2};
    case FaultKind::process_stop: return {{"name", "member"}, 1};
    default: return {};
  }
}

const Words& all_detail_keys() {
  static const Words keys{"bits", "part", "cpus", "wire", "level", "cycles",
                          "address", "register", "factor", "view", "disk", "drive", "block",
                          "name", "member"};
  return keys;
}

FaultDetail read_fault_detail(const Section& section, FaultKind kind, unsigned cpus,
                              const std::vector<DiskSpec>& disks) {
  const DetailKeys own = detail_keys(kind);
  for (const std::string_view key : all_detail_keys()) {
    if (!section.has(key) || std::ranges::find(own.keys, key) != own.keys.end()) continue;
    section.fail(key, fmt::format("{} on {}", key, name(kind)),
                 own.keys.empty() ? "no such key" : alternatives(own.keys));
  }
  FaultDetail detail;
  if (section.has("bits") && section.has("part"))
    section.fail("part", "part contradicts bits", "one of the two");
  switch (kind) {
    case FaultKind::packet_corrupt:
      detail.bits = section.numbers("bits", packet_bits - 1);
      if (section.has("part"))
        detail.part = FaultDetail::Part(1 + section.word("part", {"header", "payload"}));
      break;
    case FaultKind::answer_corrupt:
      detail.bits = section.numbers("bits", answer_wires - 1);
      if (detail.bits.empty()) detail.cpus = section.cpus("cpus", cpus, 1);
      break;
    case FaultKind::bus_stuck_bit:
      detail.wire = unsigned(section.integer("wire", 0, word_bits - 1));
      detail.level = unsigned(section.integer("level", 0, 1));
      break;
    case FaultKind::partition:
      detail.cpus = section.numbers("cpus", cpus - 1, true);
      if (detail.cpus.size() == cpus)
        section.fail("cpus", "cpus are all there are", "fewer: the others are cut off from them");
      break;
    case FaultKind::bus_slow:
      detail.cycles = unsigned(section.integer("cycles", 1, 255));
      break;
    case FaultKind::ram_flip:
      detail.address = std::uint32_t(section.integer("address", 0, node_ram_bytes - 1));
      detail.bits = section.numbers("bits", 7, true);
      break;
    case FaultKind::register_upset:
      detail.reg = read_register(section);
      detail.bits = section.numbers("bits", word_bits - 1, true);
      break;
    case FaultKind::cpu_slow:
      detail.factor = unsigned(section.integer("factor", 2, 1000));
      break;
    case FaultKind::hostile_cpu:
      if (section.has("view")) detail.inside = section.word("view", {"outside", "inside"}) == 1;
      break;
    case FaultKind::disk_dies:
    case FaultKind::disk_read_error:
    case FaultKind::disk_write_error: read_drive(section, kind, disks, detail); break;
    case FaultKind::process_stop:
      detail.process = read_process_name(section, "name");
      if (section.has("member"))
        detail.backup = section.word("member", {"primary", "backup"}) == 1;
      break;
    default: break;
  }
  return detail;
}

}  // namespace xybus
