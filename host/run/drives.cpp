#include "run/drives.h"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <stdexcept>

namespace xybus {
namespace {

namespace fs = std::filesystem;

using Visit = std::function<void(const DiskSpec& disk, unsigned drive, unsigned number)>;

void each_drive(const Scenario& scenario, const Visit& visit) {
  unsigned number = 0;
  for (const DiskSpec& disk : scenario.disks)
    for (unsigned drive = 0; drive < disk.drives; ++drive) visit(disk, drive, number++);
}

void read_image(const std::string& path, std::span<std::byte> contents) {
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(contents.data()), std::streamsize(contents.size()));
  if (!file || file.peek() != std::ifstream::traits_type::eof())
    throw std::runtime_error(fmt::format("{} is no image of {} bytes", path, contents.size()));
}

void write_image(const std::string& path, std::span<const std::byte> contents) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(contents.data()), std::streamsize(contents.size()));
  file.flush();
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace

void add_drives(const Scenario& scenario, Machine& machine) {
  each_drive(scenario, [&](const DiskSpec& disk, unsigned drive, unsigned) {
    const unsigned number = machine.add_drive({.volume = disk.name,
                                               .number = drive,
                                               .cpus = disk.cpus,
                                               .blocks = disk.blocks,
                                               .read_cycles = disk.read_cycles,
                                               .write_cycles = disk.write_cycles,
                                               .block_cycles = disk.block_cycles});
    if (!disk.image.empty())
      read_image(image_file(disk.image, drive), machine.drive(number).contents());
  });
}

void write_images(const Scenario& scenario, Machine& machine, const fs::path& directory) {
  if (scenario.disks.empty()) return;
  fs::create_directories(directory);
  each_drive(scenario, [&](const DiskSpec& disk, unsigned drive, unsigned number) {
    const std::string stem = (directory / image_name(disk)).string();
    write_image(image_file(stem, drive), machine.drive(number).contents());
  });
}

}  // namespace xybus
