#include "scenario/read_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "firmware/hal/disk.h"
#include "firmware/process/name.h"
#include "scenario/quantity.h"

namespace xybus {
namespace {

constexpr double default_access_seconds = 50e-6;
constexpr double default_block_seconds = 1e-6;
constexpr std::uint64_t longest_cycles = std::uint64_t{1} << 40;  // no sum overflows

std::string read_name(const Section& section, const std::vector<DiskSpec>& others) {
  const std::string expected = "\"$\", a letter, and up to six letters or digits: \"$DATA1\"";
  const auto name = ProcessName::parse(section.string("name", expected));
  if (!name) section.fail("name", section.written("name") + " is no name of a volume", expected);
  const std::string text(name->text());
  const auto same = std::ranges::find(others, text, &DiskSpec::name);
  if (same != others.end())
    section.fail("name", fmt::format("{} is there already, in line {}", text, same->at.line),
                 "another name");
  return text;
}

std::array<unsigned, 2> read_cpus(const Section& section, const SystemSpec& system) {
  const std::vector<unsigned> cpus = section.numbers("cpus", system.cpus - 1, true);
  if (cpus.size() != 2)
    section.fail("cpus", fmt::format("cpus has {} CPU{}", cpus.size(), cpus.size() == 1 ? "" : "s"),
                 "two, such as [0, 1]: a drive has two ports");
  return {cpus[0], cpus[1]};
}

std::uint64_t read_time(const Section& section, std::string_view key, double clock_hz,
                        double otherwise) {
  if (!section.has(key)) return std::max<std::uint64_t>(1, *to_cycles(otherwise, clock_hz));
  const std::uint64_t cycles = section.time(key, clock_hz);
  if (cycles == 0 || cycles > longest_cycles)
    section.fail(key, fmt::format("{} is {} cycles", section.written(key), cycles),
                 "1 to 2^40 cycles");
  return cycles;
}

void check_images(const Section& section, const DiskSpec& disk) {
  if (disk.image.empty())
    section.fail("image", "image is empty", "the path of an image without \"-0.img\", or no image");
  const std::uintmax_t bytes = std::uintmax_t{disk.blocks} * hal::disk_block_bytes;
  for (unsigned drive = 0; drive < disk.drives; ++drive) {
    const std::string file = image_file(disk.image, drive);
    std::error_code error;
    const std::uintmax_t has = std::filesystem::file_size(file, error);
    if (error)
      section.fail("image", fmt::format("cannot read {}: {}", file, error.message()),
                   "images that an earlier run has left, such as \"runs/bank-1/disks/DATA1\"");
    if (has != bytes)
      section.fail("image", fmt::format("{} has {} bytes", file, has),
                   fmt::format("{}: {} blocks of {}", bytes, disk.blocks, hal::disk_block_bytes));
  }
}

}  // namespace

DiskSpec read_disk(const toml::table& table, const std::string& path, const Origin& origin,
                   const SystemSpec& system, const std::vector<DiskSpec>& others) {
  const Section section(table, path, origin,
                        {"name", "cpus", "blocks", "drives", "read", "write", "block", "image"});
  DiskSpec disk;
  disk.at = section.at();
  disk.name = read_name(section, others);
  disk.cpus = read_cpus(section, system);
  disk.blocks = std::uint32_t(section.integer("blocks", 1, DiskSpec::most_blocks, disk.blocks));
  disk.drives = unsigned(section.integer("drives", 1, DiskSpec::most_drives, disk.drives));
  disk.read_cycles = read_time(section, "read", system.clock_hz, default_access_seconds);
  disk.write_cycles = read_time(section, "write", system.clock_hz, default_access_seconds);
  disk.block_cycles = read_time(section, "block", system.clock_hz, default_block_seconds);
  if (section.has("image")) {
    disk.image = section.string("image", "a path");
    check_images(section, disk);
  }
  if (others.size() == most_disks)
    throw ScenarioError(disk.at, fmt::format("more than {} volumes", most_disks), "fewer");
  return disk;
}

std::optional<unsigned> drive_number(const std::vector<DiskSpec>& disks, std::string_view name,
                                     unsigned drive) {
  unsigned number = 0;
  for (const DiskSpec& disk : disks) {
    if (disk.name == name && drive >= disk.drives) return {};
    if (disk.name == name) return number + drive;
    number += disk.drives;
  }
  return {};
}

std::string image_file(const std::string& stem, unsigned drive) {
  return fmt::format("{}-{}.img", stem, drive);
}

std::string_view image_name(const DiskSpec& disk) {
  return std::string_view(disk.name).substr(1);
}

}  // namespace xybus
